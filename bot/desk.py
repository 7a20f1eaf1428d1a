"""The desk between the rows and the queue: a cached picture goes straight to the courier, anything else gets a ticket.

Knows order rows, the cache and the queue. Knows no chat and no text. Who may ask is settled before; when it returns,
what was asked is in the rows, so a crash loses nothing.
"""

from __future__ import annotations

from enum import Enum
from typing import Protocol

from bot.patience import Patience
from generation.contracts.errors import QueueRefused
from generation.contracts.ports import JobQueue, Ticket
from generation.contracts.request import PaintRequest
from storage import Order, State, Storage, StoredPicture


class Outcome(Enum):
    """What became of an order at the desk."""

    QUEUED = "queued"  # it has a ticket
    CACHED = "cached"  # its picture exists and is on its way
    TOO_LATE = "too late"  # the row is in another state by now


class Carrier(Protocol):
    """What the desk needs of the courier."""

    def deliver(self, order_id: int) -> None:
        """Bring the order's picture."""
        ...

    def refresh(self, order_id: int) -> None:
        """Make the order's message say what its row says."""
        ...


class Painting(Protocol):
    """What the desk needs of the engine: who would paint now. Both may change while the bot runs."""

    @property
    def name(self) -> str:
        """Such as `painter`."""
        ...

    @property
    def version(self) -> str:
        """Part of the cache key."""
        ...


class Desk:
    """Takes queued rows to the queue, styles to drafts, and orders back.

    Args:
        storage: rows and the cache.
        queue: where tickets go.
        courier: who brings what is finished.
        engine: whose pictures the cache may give; asked anew for each.
        patience: how long a failing write is repeated.
    """

    def __init__(
        self,
        storage: Storage,
        queue: JobQueue,
        courier: Carrier,
        engine: Painting,
        *,
        patience: Patience = Patience(),  # noqa: B008 - frozen
    ) -> None:
        self._orders, self._pictures = storage.orders, storage.pictures
        self._queue, self._courier = queue, courier
        self._engine = engine
        self._patience = patience

    async def expect_room(self, learner: int, request: PaintRequest) -> None:
        """Make sure `accept` will take such an order; a cached picture needs no room.

        Raises:
            QueueRefused: there is no place for this learner's words now.
        """
        try:
            self._queue.room_for(learner)
        except QueueRefused:
            if await self._find(request) is None:
                raise

    async def accept(self, order_id: int) -> Outcome:
        """Serve a row that is queued: from the cache, or with a ticket. Repeating it does no harm.

        Raises:
            QueueRefused: the queue filled up since it was asked; the order is cancelled.
        """
        order = await self._orders.get(order_id)
        if order is None or order.state is not State.QUEUED:
            return Outcome.TOO_LATE
        try:
            return await self._serve(order, restored=False)
        except QueueRefused:
            await self.cancel(order)
            raise

    async def choose(self, order: Order, style: str) -> Outcome:
        """Give a draft its style and serve it.

        Raises:
            QueueRefused: no room; the draft stays a draft.
        """
        await self.expect_room(order.learner, order.request(style=style))
        chosen = await self._patience.insist(lambda: self._orders.choose_style(order.id, style))
        # Served even when it was queued already: a commit whose answer was lost leaves a row without a ticket.
        outcome = await self.accept(order.id)
        if not chosen:
            return Outcome.TOO_LATE
        if outcome is Outcome.QUEUED:
            self._courier.refresh(order.id)
        return outcome

    async def cancel(self, order: Order) -> bool:
        """Take an order back. False: it is finished, or its picture is being sent."""
        if not await self._patience.insist(lambda: self._orders.cancel(order.id)):
            return False
        self._queue.cancel(order.id)
        self._courier.refresh(order.id)
        return True

    async def restore_ticket(self, order: Order) -> None:
        """Serve a row that waited before: after a start, or because its picture's file was damaged. Never refused."""
        await self._serve(order, restored=True)

    async def _serve(self, order: Order, *, restored: bool) -> Outcome:
        request = order.request()
        stored = await self._find(request)
        if stored is not None and await self._patience.insist(
            lambda: self._orders.finish_from_cache(order.id, stored.id)
        ):
            self._courier.deliver(order.id)
            return Outcome.CACHED
        self._queue.put(Ticket(order=order.id, learner=order.learner, request=request, restored=restored))
        return Outcome.QUEUED

    async def _find(self, request: PaintRequest) -> StoredPicture | None:
        name, version = self._engine.name, self._engine.version
        return await self._patience.insist(lambda: self._pictures.find(request, name, version))
