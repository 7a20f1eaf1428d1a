"""Order events for whoever watches. Knows which orders a painting stands for; decides nothing.

The watcher is called by the event loop by itself, so a watcher that raises harms no painting.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from generation.contracts.errors import WordbrushError
from generation.contracts.events import (
    OrderAdvanced,
    OrderEvent,
    OrderFailed,
    OrderPreviewed,
    OrderRendered,
    OrderStarted,
    OrderWaiting,
)
from generation.contracts.ports import Place, Watcher
from generation.work import Work


class Announcer:
    """Turns what the worker does into order events, one for every ticket that shares a painting."""

    def __init__(self, watcher: Watcher) -> None:
        self._watcher = watcher
        self._places: dict[int, OrderWaiting] = {}

    def waiting(self, places: Iterable[Place]) -> None:
        """Tell those whose place or time changed since the last call."""
        seen: dict[int, OrderWaiting] = {}
        for place in places:
            event = seen[place.order] = OrderWaiting(place.order, place.place, place.eta_s)
            if event != self._places.get(place.order):
                self._tell(event)
        self._places = seen

    def started(self, work: Work, eta_s: float | None) -> None:
        """Tell those who were not told yet."""
        for order in [order for order in work.painting.tickets if order in work.claimed - work.announced]:
            work.announced.add(order)
            self._tell(OrderStarted(order, eta_s))

    def advanced(self, work: Work, fraction: float, eta_s: float | None) -> None:
        """Tell everybody who waits for this painting."""
        for order in work.painting.tickets:
            self._tell(OrderAdvanced(order, fraction, eta_s))

    def previewed(self, work: Work, jpeg: bytes) -> None:
        """Show everybody who waits for this painting."""
        for order in work.painting.tickets:
            self._tell(OrderPreviewed(order, jpeg))

    def rendered(self, order: int) -> None:
        """The picture is durable."""
        self._tell(OrderRendered(order))

    def failed(self, order: int, error: WordbrushError) -> None:
        """There will be no picture."""
        self._tell(OrderFailed(order, error))

    def _tell(self, event: OrderEvent) -> None:
        asyncio.get_running_loop().call_soon(self._watcher, event)
