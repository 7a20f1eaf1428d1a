"""Order events become wishes for status messages. A `Watcher` for the queue and the worker: quick, and free to drop.

Knows events, captions and the courier. Knows no chat and no row: pages are made later, from the row as it is then.
"""

from __future__ import annotations

from bot import captions, keyboards
from bot.courier import Courier
from bot.lanes import Page
from bot.texts import Texts
from generation.contracts.events import (
    OrderAdvanced,
    OrderEvent,
    OrderFailed,
    OrderPreviewed,
    OrderRendered,
    OrderStarted,
    OrderWaiting,
)
from storage.model import Order


class StatusBoard:
    """Shows where orders stand.

    Args:
        courier: brings the pages and the results.
        texts: what the pages say.
    """

    def __init__(self, courier: Courier, texts: Texts) -> None:
        self._courier, self._texts = courier, texts

    def __call__(self, event: OrderEvent) -> None:
        """Take one event; returns at once."""
        match event:
            case OrderWaiting():
                self._courier.show_page(event.order, lambda order: self._waiting(order, event))
            case OrderStarted():
                self._paint(event.order, 0.0, event.eta_s)
            case OrderAdvanced():
                self._paint(event.order, event.fraction, event.eta_s)
            case OrderRendered():
                self._courier.deliver(event.order)
            case OrderFailed():
                self._courier.tell_failure(event.order)
            case OrderPreviewed():
                self._courier.show_preview(event.order, event.jpeg)

    def _paint(self, order_id: int, fraction: float, eta_s: float | None) -> None:
        self._courier.show_page(order_id, lambda order: self._painting(order, fraction, eta_s), due_s=eta_s)

    def _waiting(self, order: Order, event: OrderWaiting) -> Page:
        text = captions.waiting(self._texts, order, event.place, event.eta_s)
        return text, keyboards.waiting(self._texts, order)

    def _painting(self, order: Order, fraction: float, eta_s: float | None) -> Page:
        text = captions.painting(self._texts, order, fraction, eta_s)
        return text, keyboards.waiting(self._texts, order)
