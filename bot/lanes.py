"""One lane an order: what is said about it happens in turn, and of the wishes for its status message the last wins.

Knows order ids, time and locks, and what kind of message an order's status is by now; knows no text and sends nothing.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiogram.types import ForceReply, InlineKeyboardMarkup

from bot.clock import Clock
from bot.refusals import Verdict
from storage.model import Order

_IDLE_LANES_KEPT = 512
_IDLE_AFTER_S = 60.0

Page = tuple[str, InlineKeyboardMarkup | None]
"""What a status message shows: HTML text and buttons."""
Note = tuple[str, InlineKeyboardMarkup | ForceReply | None]
"""What any text shows; a ForceReply asks for an answer, which a status never does."""
Render = Callable[[Order], Page]
"""Makes a page from an order's newest row; called just before it is shown, so that a stale wish costs nothing."""
_KINDS = {Verdict.NO_TEXT: True, Verdict.NO_CAPTION: False}
"""What a refusal says of the message: it is a photo, it is a text."""


@dataclass(eq=False)
class Lane:
    """An order's place on the outgoing side.

    Attributes:
        lock: held by whoever talks to Telegram about this order; waiters are served in the order they came.
        wish: what the status message should show, None when it shows it.
        latest: the last wish there was, granted or not.
        preview: how the picture looks so far, a JPEG; None when the newest one is shown or none came.
        next_at: monotonic time before which no progress edit may happen.
        preview_at: monotonic time before which no preview may; infinite when this order gets no more of them.
        due_at: monotonic time at which the picture itself is expected; infinite while that is not known.
        doubt_until: monotonic time until which a preview whose answer was lost may still take effect.
        pictured: whether the status message is a photo by now (a preview); None when this process does not know.
        shown: what it shows, as far as we know.
        pumping: whether a task is bringing wishes to the message.
        holders: how many hold the lane or wait for it.
        used_at: monotonic time of the last use.
    """

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    wish: Render | None = None
    latest: Render | None = None
    preview: bytes | None = None
    next_at: float = 0.0
    preview_at: float = 0.0
    due_at: float = math.inf
    doubt_until: float = 0.0
    pictured: bool | None = None
    shown: Page | None = None
    pumping: bool = False
    holders: int = 0
    used_at: float = 0.0

    @property
    def wanting(self) -> bool:
        """Whether there is anything to show."""
        return self.wish is not None or self.preview is not None

    def drop_wishes(self) -> None:
        """Nothing is to be shown any more: the order has moved on."""
        self.wish = self.preview = None

    def learn(self, verdict: Verdict) -> bool:
        """Take from a refused edit whether the message is a text or a photo. True: that was news, try the other way."""
        told = _KINDS.get(verdict)
        news = told is not None and told is not bool(self.pictured)
        self.pictured = self.pictured if told is None else told
        return news

    def idle(self, now: float) -> bool:
        """Whether forgetting this lane loses nothing."""
        return not self.holders and not self.pumping and now - self.used_at > _IDLE_AFTER_S and now > self.doubt_until


class Lanes:
    """The lanes of all orders that something was said about lately."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lanes: dict[int, Lane] = {}

    def __len__(self) -> int:
        return len(self._lanes)

    def of(self, order: int) -> Lane:
        """The order's lane, made when there is none."""
        lane = self._lanes.get(order)
        if lane is None:
            self._forget_idle()
            lane = self._lanes[order] = Lane()
        lane.used_at = self._clock.monotonic()
        return lane

    @asynccontextmanager
    async def hold(self, order: int) -> AsyncIterator[Lane]:
        """Wait for the order's lane and keep it."""
        lane = self.of(order)
        lane.holders += 1
        try:
            async with lane.lock:
                yield lane
        finally:
            lane.holders -= 1

    def _forget_idle(self) -> None:
        if len(self._lanes) < _IDLE_LANES_KEPT:
            return
        now = self._clock.monotonic()
        self._lanes = {order: lane for order, lane in self._lanes.items() if not lane.idle(now)}
