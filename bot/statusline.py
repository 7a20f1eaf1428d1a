"""An order's status message: opened, kept up to date, and made to say how it ended.

Knows the order rows, what is said in each state, and the outbox. The message begins as a text; a preview
(`bot.previews`) makes it a photo, whose words are a caption, and `bot.delivery` puts the picture in.
`bring` and `hurry` take the order's lane themselves; all else expects the caller to hold it.
"""

from __future__ import annotations

import logging
import math
from contextlib import suppress

from aiogram.methods import EditMessageCaption, EditMessageText, SendMessage
from aiogram.types import LinkPreviewOptions, Message, ReplyParameters

from bot import captions, keyboards
from bot.flood import Rank
from bot.lanes import Lane, Lanes, Note, Page
from bot.outbox import Errand, Outbox
from bot.previews import Previews
from bot.refusals import Refused, Verdict
from bot.texts import Texts
from storage import Storage
from storage.model import TERMINAL, Destination, Order, State

logger = logging.getLogger(__name__)

_LIVELY = frozenset({State.DRAFT, State.QUEUED, State.RUNNING})
"""States in which progress may be shown. From `rendered` on the message belongs to the picture."""
_LOST = frozenset({State.FAILED, State.DEAD})
_REFRESH_PATIENCE_S = 60.0
_NO_PREVIEW = LinkPreviewOptions(is_disabled=True)
HTML = "HTML"


def reply_to(message: int | None) -> ReplyParameters | None:
    """A reply to `message` that does not fail when it was deleted meanwhile."""
    return None if message is None else ReplyParameters(message_id=message, allow_sending_without_reply=True)


def text_method(destination: Destination, page: Note, reply: int | None = None) -> SendMessage:
    """The method that sends a page as a new message."""
    text, keyboard = page
    return SendMessage(
        chat_id=destination.chat,
        message_thread_id=destination.thread,
        text=text,
        parse_mode=HTML,
        link_preview_options=_NO_PREVIEW,
        reply_parameters=reply_to(reply),
        reply_markup=keyboard,
    )


class StatusLine:
    """Keeps status messages.

    Args:
        storage: rows.
        texts: what is said.
        outbox: makes the calls.
        lanes: one an order.

    Attributes:
        resting: set while the process stops; progress is not shown any more.
    """

    def __init__(self, storage: Storage, texts: Texts, *, outbox: Outbox, lanes: Lanes) -> None:
        self._orders, self._texts, self._outbox, self._lanes = storage.orders, texts, outbox, lanes
        self._clock, self._pace = outbox.clock, outbox.pace
        self._previews = Previews(outbox)
        self.resting = False

    def page(self, order: Order) -> Page:
        """What the status message says in the order's state, when nothing better is known."""
        texts = self._texts
        match order.state:
            case State.DRAFT:
                return captions.ask_style(texts, order), keyboards.styles(texts, order)
            case State.QUEUED:
                return captions.queued(texts, order), keyboards.waiting(texts, order)
            case State.RUNNING:
                return captions.painting(texts, order, 0.0, None), keyboards.waiting(texts, order)
            case State.FAILED | State.DEAD:
                return captions.failed(texts, order), keyboards.retry(texts, order)
            case State.CANCELLED:
                return captions.cancelled(texts, order), keyboards.retry(texts, order) if order.style else None
            case State.RENDERED | State.DELIVERING | State.DELIVERED:
                return captions.delivering(texts, order), None

    async def open(self, order: Order) -> Order:
        """Send the status message the order does not have yet, and remember it; the text may happen twice."""
        sent = await self._send(order)
        if sent is not None and not await self._orders.attach_status(order.id, sent.message_id):
            logger.info("order %d has a status message already; one text is left over", order.id)
        return await self._reread(order)

    async def replace(self, order: Order) -> Order:
        """Send a new status message because the old one vanished, and remember it."""
        sent = await self._send(order)
        if sent is not None:
            await self._orders.move_status(order.id, sent.message_id)
        return await self._reread(order)

    async def settle(self, order: Order, *, patience_s: float = _REFRESH_PATIENCE_S, page: Page | None = None) -> None:
        """Make the message say what the row says: opened when there is none, replaced when it vanished.

        Args:
            order: its row.
            patience_s: how long to repeat an edit.
            page: what to say when more is known than the row says.

        Raises:
            Refused: Telegram will not have it.
        """
        if order.status_message is None:
            await self.open(order)
            return
        try:
            await self._edit(order, patience_s, page)
        except Refused as refused:
            if refused.verdict is Verdict.GONE:
                await self.replace(order)
            elif refused.verdict is not Verdict.MOOT:
                raise
        if order.state in TERMINAL and await self.outlast_doubt(order):
            with suppress(Refused):
                await self._edit(order, patience_s, page)

    async def outlast_doubt(self, order: Order) -> bool:
        """Wait until no preview whose answer was lost can take effect any more. True: say the last word once more."""
        lane = self._lanes.of(order.id)
        wait = lane.doubt_until - self._clock.monotonic()
        if wait <= 0:
            return False
        await self._clock.sleep(wait)
        return True

    async def own_up(self, order: Order) -> None:
        """Tell of a failure, once: an edit may be repeated, so the note that it was told comes after it."""
        if order.state not in _LOST or order.told:
            return
        try:
            await self.settle(order, patience_s=math.inf)
        except Refused as refused:
            logger.info("order %d: its failure could not be told (%s)", order.id, refused.verdict.value)
        await self._orders.told(order.id)

    async def bring(self, order_id: int) -> None:
        """Bring wishes to the message until none is left, at the floor's pace and only ever the newest."""
        lane = self._lanes.of(order_id)
        try:
            while lane.wanting and not self.resting:
                await self._wait_for_floor(lane)
                async with lane.lock:
                    if not await self._glance(order_id, lane):
                        break
        finally:
            lane.pumping = False

    async def hurry(self, order_id: int) -> None:
        """Bring the newest wish at once and surely: somebody pressed a button and is looking."""
        async with self._lanes.hold(order_id) as lane:
            order, wish = await self._orders.get(order_id), lane.wish
            if order is None or wish is None or order.state not in _LIVELY or order.status_message is None:
                return
            lane.wish = None
            await self._edit(order, _REFRESH_PATIENCE_S, wish(order))

    async def _wait_for_floor(self, lane: Lane) -> None:
        wait = lane.next_at - self._clock.monotonic()
        if wait > 0:
            await self._clock.sleep(wait)

    async def _glance(self, order_id: int, lane: Lane) -> bool:
        """Try to show the newest preview, else the newest wish. False: there is no point in going on."""
        order, wish = await self._orders.get(order_id), lane.wish
        if order is None or order.state not in _LIVELY or not lane.wanting:
            lane.drop_wishes()
            return False
        if order.status_message is None:
            return False  # the wish stays; whoever opens the message starts over
        render = wish or lane.latest or self.page
        granted = await self._show(order, lane, render(order), worded=wish is not None)
        if granted and lane.wish is wish:
            lane.wish = None
        return True

    async def _show(self, order: Order, lane: Lane, page: Page, *, worded: bool) -> bool:
        """One edit at most; True when the message says `page` now. Only `worded`: without a preview there is news."""
        verdict = await self._previews.show(order, lane, page)
        if verdict is not Verdict.MOOT:
            return verdict is Verdict.DONE
        if worded and page != lane.shown:
            return await self._glance_at(order, page, lane)
        if lane.preview is not None:
            self._rest(order, lane)  # there was no room for it; there may be at the next floor
        return True

    async def _glance_at(self, order: Order, page: Page, lane: Lane) -> bool:
        try:
            shown = await self._outbox.glance(self._edit_method(order, page), order.destination.chat)
        except Refused as refused:
            # Gone or forbidden: the result will find its own way, progress need not.
            shown = not lane.learn(refused.verdict)
        self._rest(order, lane)
        if shown:
            lane.shown = page
        return shown

    def _rest(self, order: Order, lane: Lane) -> None:
        lane.next_at = self._clock.monotonic() + self._pace.floor_s(private=order.destination.private)

    async def _edit(self, order: Order, patience_s: float, page: Page | None = None) -> None:
        """Edit surely, but not any more once the order has moved on."""
        shown = page or self.page(order)

        async def make() -> EditMessageText | EditMessageCaption | None:
            newest = await self._orders.get(order.id)
            return self._edit_method(order, shown) if newest is not None and newest.state is order.state else None

        chat, asker = order.destination.chat, order.learner
        errand = Errand(chat=chat, patience_s=patience_s, rank=Rank.STATUS, asker=asker)
        try:
            await self._outbox.send_made(make, errand)
        except Refused as refused:
            if not self._lanes.of(order.id).learn(refused.verdict):
                raise
            await self._outbox.send_made(make, errand)
        self._mark(order, shown)

    def _edit_method(self, order: Order, page: Page) -> EditMessageText | EditMessageCaption:
        """The edit for the kind of message it is, as far as this process knows; a refusal tells where it does not."""
        if self._lanes.of(order.id).pictured:
            return _caption_edit(order, (captions.beneath_preview(self._texts, order, page[0]), page[1]))
        return _text_edit(order, page)

    async def _send(self, order: Order) -> Message | None:
        """Send what the row says by then as a new message, however long it takes.

        Where answers are always lost, every attempt may be a message: after a few of them the next waits long.
        """
        destination = order.destination

        async def make() -> SendMessage:
            return text_method(destination, self.page(await self._reread(order)), destination.reply_to)

        errand = Errand(chat=destination.chat, rank=Rank.STATUS, asker=order.learner, orphans=True)
        sent = await self._outbox.send_made(make, errand)
        self._mark(order, None)
        self._lanes.of(order.id).pictured = False
        return sent

    def _mark(self, order: Order, page: Page | None) -> None:
        lane = self._lanes.of(order.id)
        lane.shown = page
        self._rest(order, lane)

    async def _reread(self, order: Order) -> Order:
        return await self._orders.get(order.id) or order


def _text_edit(order: Order, page: Page) -> EditMessageText:
    text, keyboard = page
    return EditMessageText(
        chat_id=order.destination.chat,
        message_id=order.status_message,
        text=text,
        parse_mode=HTML,
        link_preview_options=_NO_PREVIEW,
        reply_markup=keyboard,
    )


def _caption_edit(order: Order, page: Page) -> EditMessageCaption:
    text, keyboard = page
    return EditMessageCaption(
        chat_id=order.destination.chat,
        message_id=order.status_message,
        caption=text,
        parse_mode=HTML,
        reply_markup=keyboard,
    )
