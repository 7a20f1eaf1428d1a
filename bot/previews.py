"""A picture seen growing: the status message becomes a photo, and its photo is replaced while the painting goes on.

Knows when a preview is worth an upload, and what a preview that went wrong means for the rest of the order. Knows no
event and no lock: whoever calls holds the order's lane. A preview is the first thing to be dropped: nothing waits for
it but, while it is on its way, the lane; so its call is short, and of two that wait only the newer is shown.
"""

from __future__ import annotations

import math

from aiogram.methods import EditMessageMedia
from aiogram.types import BufferedInputFile, InputMediaPhoto

from bot.lanes import Lane, Page
from bot.outbox import Outbox
from bot.refusals import Refused, Verdict
from storage.model import Order, State

_TOKENS_LEFT = 2
"""A text leaves one token to the result, a preview one more: in a crowded chat previews stop first."""


class Previews:
    """Puts previews into status messages.

    Args:
        outbox: makes the calls.
    """

    def __init__(self, outbox: Outbox) -> None:
        self._outbox, self._clock, self._pace = outbox, outbox.clock, outbox.pace

    async def show(self, order: Order, lane: Lane, page: Page) -> Verdict:
        """Show the lane's preview over the words of `page`, at most once and only if it is worth it.

        Returns:
            `DONE`; `MOOT` when nothing was sent (there is none, it is not worth it, there is no room for it now);
            otherwise why it was sent in vain.
        """
        jpeg = lane.preview
        if jpeg is None or not self._worth(order, lane):
            lane.preview = None
            return Verdict.MOOT
        verdict = await self._send(order, jpeg, page)
        if verdict is not Verdict.MOOT:
            lane.preview = None if lane.preview is jpeg else lane.preview
            self._note(lane, verdict, private=order.destination.private)
        if verdict is Verdict.DONE:
            lane.shown, lane.pictured = page, True
        return verdict

    def _worth(self, order: Order, lane: Lane) -> bool:
        now = self._clock.monotonic()
        soon = lane.due_at - now <= self._pace.preview_worth_s
        return order.state is State.RUNNING and now >= lane.preview_at and not soon

    async def _send(self, order: Order, jpeg: bytes, page: Page) -> Verdict:
        chat, limit_s = order.destination.chat, self._pace.preview_timeout_s
        try:
            return await self._outbox.try_once(
                preview_method(order, jpeg, page), chat, keep=_TOKENS_LEFT, limit_s=limit_s
            )
        except Refused as refused:
            return refused.verdict

    def _note(self, lane: Lane, verdict: Verdict, *, private: bool) -> None:
        now = self._clock.monotonic()
        lane.next_at = now + (self._pace.preview_floor_s if verdict is Verdict.DONE else self._pace.floor_s)(
            private=private
        )
        match verdict:
            case Verdict.DONE | Verdict.MOVED:
                pass
            case Verdict.WAIT | Verdict.NOT_DONE:
                lane.preview_at = now + self._pace.preview_rest_s
            case Verdict.UNSURE:
                # It may yet arrive, whatever is said meanwhile. One such doubt an order is enough.
                lane.preview_at, lane.doubt_until = math.inf, now + self._pace.preview_doubt_s
                lane.pictured = lane.shown = None
            case _:
                lane.preview_at = math.inf  # deleted, no photos allowed here, not a picture: no other will do better


def preview_method(order: Order, jpeg: bytes, page: Page) -> EditMessageMedia:
    """The method that puts a preview (a JPEG) and a page's words and buttons into an order's status message."""
    text, keyboard = page
    return EditMessageMedia(
        chat_id=order.destination.chat,
        message_id=order.status_message,
        media=InputMediaPhoto(
            media=BufferedInputFile(jpeg, f"preview-{order.id}.jpg"), caption=text, parse_mode="HTML"
        ),
        reply_markup=keyboard,
    )
