"""The worker's port to what must last, over the order service and the pictures. Adds nothing of its own."""

from __future__ import annotations

from generation.contracts.errors import WordbrushError
from generation.contracts.picture import Picture
from storage.model import State
from storage.orders import Orders
from storage.pictures import Pictures


class OrderLedger:
    """Implements `generation.contracts.ports.Ledger`.

    Args:
        orders: whose states change.
        pictures: where the bytes go.
    """

    def __init__(self, orders: Orders, pictures: Pictures) -> None:
        self._orders = orders
        self._pictures = pictures

    async def claim(self, order: int) -> bool:
        """See `Ledger.claim`."""
        return await self._orders.claim(order)

    async def rendered(self, order: int, picture: Picture) -> bool:
        """See `Ledger.rendered`. The picture's row and the order's new state are one transaction."""
        row = await self._orders.get(order)
        if row is None or row.state is not State.RUNNING:
            return False
        return await self._pictures.keep_for(order, row.request(), picture)

    async def failed(self, order: int, error: WordbrushError) -> bool:
        """See `Ledger.failed`."""
        return await self._orders.fail(order, error)

    async def released(self, order: int) -> None:
        """See `Ledger.released`."""
        await self._orders.release(order)
