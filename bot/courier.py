"""All sending. The rest of the bot says what should be said; when, how often and whether at all is decided here.

Every public method but `drain` and `close` returns at once. Knows orders, chats and who says what where; knows no
handler, no queue and no engine: what it needs of the desk comes in as a protocol, so that nothing imports in a circle.
"""

from __future__ import annotations

import asyncio
import logging
import math
import random
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Protocol

from aiogram import Bot
from aiogram.types import ForceReply, InlineKeyboardMarkup

from bot import captions
from bot.delivery import Delivery
from bot.flood import Flood
from bot.lanes import Lanes, Render
from bot.notes import Notes
from bot.nursery import Nursery
from bot.outbox import Outbox
from bot.refusals import Refused, Verdict
from bot.statusline import StatusLine
from bot.texts import Texts
from generation.contracts.errors import StorageError
from storage import Storage
from storage.model import UNDELIVERED, Destination, Order, State

logger = logging.getLogger(__name__)

Work = Callable[[], Awaitable[None]]

_IN_QUEUE = frozenset({State.QUEUED, State.RUNNING})
"""States in which the last event knows more than the row: a place, a share of the picture."""


class Backstage(Protocol):
    """What the courier needs of the desk."""

    async def cancel(self, order: Order) -> bool:
        """Take an order back, waiting or being painted."""
        ...

    async def restore_ticket(self, order: Order) -> None:
        """Put a queued order back into the queue; limits never refuse it."""
        ...


class Courier:
    """Sends, edits and answers; fire and forget.

    Args:
        bot: aiogram's client.
        storage: rows and files.
        texts: what is said, by locale.
        flood: budgets; brings the pace.
        nursery: where the background work lives.
        engine: name of the engine in charge; a picture that another one painted says so. Empty: none says so.
    """

    def __init__(
        self, bot: Bot, storage: Storage, *, texts: Texts, flood: Flood, nursery: Nursery, engine: str = ""
    ) -> None:
        self._storage, self._texts, self._nursery = storage, texts, nursery
        self._clock = flood.clock
        self._outbox = Outbox(bot, flood)
        self._outbox.on_unreachable = self._chat_lost
        self._lanes = Lanes(self._clock)
        self._line = StatusLine(storage, texts, outbox=self._outbox, lanes=self._lanes)
        self._delivery = Delivery(
            storage, texts, outbox=self._outbox, lanes=self._lanes, line=self._line, nursery=nursery
        )
        self._delivery.engine = engine
        self._notes = Notes(self._outbox)
        self._desk: Backstage | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._lasting: set[asyncio.Task[None]] = set()
        self._dice = random.Random()

    def attach_desk(self, desk: Backstage) -> None:
        """Introduce the desk; it needs the courier first, so it comes after construction."""
        self._desk = desk
        self._delivery.repainter = desk

    # Beside the orders

    def say(
        self,
        destination: Destination,
        text: str,
        keyboard: InlineKeyboardMarkup | ForceReply | None = None,
        *,
        asker: int | None = None,
    ) -> None:
        """Send an HTML text as a reply to `destination.reply_to` (when it has one).

        Args:
            destination: where.
            text: HTML.
            keyboard: buttons, or a request to answer.
            asker: Telegram user it answers; of the texts that wait for one asker in a chat only the newest is sent.
        """
        self._last("say", partial(self._notes.say, destination, (text, keyboard), asker=asker))

    def answer(self, callback_id: str, text: str | None = None, *, alert: bool = False) -> None:
        """Answer a button's tap, as a toast or an alert.

        Args:
            callback_id: of the callback query.
            text: plain, at most 200 UTF-16 units; None only stops the button's spinner.
            alert: a dialogue to be closed instead of a toast.
        """
        self._last("answer", partial(self._notes.answer, callback_id, text, alert=alert))

    def edit_keyboard(self, destination: Destination, message: int, keyboard: InlineKeyboardMarkup | None) -> None:
        """Replace the buttons under a message; the newest wish for a message wins."""
        self._last("buttons", partial(self._notes.edit_keyboard, destination, message, keyboard))

    def send_original(self, order_id: int, destination: Destination) -> bool:
        """Send the PNG itself as a document. False: it is on its way there already, or was sent just now."""
        wanted = self._delivery.wants_original(order_id, destination)
        if wanted:
            self._last("original", partial(self._delivery.send_original, order_id, destination))
        return wanted

    # An order's status message

    def open_status(self, order_id: int) -> None:
        """Send an order's status message (style buttons, or that it waits) and remember it in the row."""
        self._last("open status", partial(self._persist, partial(self._open, order_id)))

    def show_page(self, order_id: int, render: Render, *, urgent: bool = False, due_s: float | None = None) -> None:
        """Put a page into the status message soon; the last wish wins, and under pressure none is granted.

        Args:
            order_id: the order.
            render: makes the page from the order's newest row, at the moment it is shown.
            urgent: somebody pressed a button and is looking: at once, without the floor.
            due_s: seconds until the picture is expected, where that is known.
        """
        lane = self._lanes.of(order_id)
        lane.wish = lane.latest = render
        lane.due_at = math.inf if due_s is None else self._clock.monotonic() + due_s
        if urgent:
            self._last("show", partial(self._line.hurry, order_id))
        else:
            self._pump(order_id)

    def show_preview(self, order_id: int, jpeg: bytes) -> None:
        """Put a first look at the picture into the status message, with the newest page's words as its caption.

        The first to be dropped under pressure; the last one wins; none is shown once the picture is about to come.
        """
        self._lanes.of(order_id).preview = jpeg
        self._pump(order_id)

    def refresh(self, order_id: int) -> None:
        """Make the status message say what the row says (its choice of style, its cancellation, its failure)."""
        self._last("refresh", partial(self._persist, partial(self._refresh, order_id)))

    def rest(self, order_id: int) -> None:
        """Say that the process restarts and the order keeps its place; part of stopping, so it is not repeated long."""
        self.show_page(order_id, lambda order: (captions.resting(self._texts, order), None), urgent=True)

    # How an order ends

    def deliver(self, order_id: int) -> None:
        """Turn the status message into the picture; repeated until it is, and once however often this is called."""
        self._last("deliver", partial(self._persist, partial(self._delivery.deliver, order_id)))

    def tell_failure(self, order_id: int) -> None:
        """Make the status message say why there will be no picture, with a button to try again; once."""
        self._last("tell failure", partial(self._persist, partial(self._own_up, order_id)))

    def blocked(self, user: int) -> None:
        """The learner with this Telegram id cannot be reached: remember it and take their orders back."""
        self._last("blocked", partial(self._persist, partial(self._forget_learner, user)))

    # The end of the process

    async def drain(self, timeout_s: float) -> bool:
        """Stop showing progress and wait up to `timeout_s` seconds for what must last.

        Returns:
            True when nothing is left. What is left stands in the rows and is done at the next start.
        """
        self._line.resting = True
        deadline = self._clock.monotonic() + timeout_s
        while self._lasting and (left := deadline - self._clock.monotonic()) > 0:
            await asyncio.wait(self._lasting, timeout=left)
        return not self._lasting

    async def close(self) -> None:
        """Cancel what is still on its way and wait until it is gone."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    # Tasks

    def _last(self, name: str, work: Work) -> None:
        """Run `work` in the background; `drain` waits for it."""
        task = self._start(name, work)
        self._lasting.add(task)
        task.add_done_callback(self._lasting.discard)

    def _start(self, name: str, work: Work) -> asyncio.Task[None]:
        task = self._nursery.spawn(self._carry(name, work), name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _carry(self, name: str, work: Work) -> None:
        try:
            await work()
        except Refused as refused:
            level = logging.DEBUG if refused.verdict is Verdict.MOOT else logging.INFO
            logger.log(level, "%s: not done (%s)", name, refused.verdict.value)
        except StorageError as error:
            logger.error("%s: not done (%s)", name, type(error).__name__)  # noqa: TRY400  (frames say nothing here)

    async def _persist(self, work: Work) -> None:
        """Repeat `work`, which may be repeated, while the database is only busy or the disk full."""
        first, last = self._outbox.pace.backoff_first_s, self._outbox.pace.backoff_last_s
        pause = first
        while True:
            try:
                return await work()
            except StorageError as error:
                if not error.retryable:
                    raise
                logger.warning("storage: %s, once more in %.1f s", type(error).__name__, pause)
            await self._clock.sleep(self._dice.uniform(first, pause))
            pause = min(last, pause * 2)

    def _pump(self, order_id: int) -> None:
        lane = self._lanes.of(order_id)
        if lane.wanting and not lane.pumping and not self._line.resting:
            lane.pumping = True
            self._start("progress", partial(self._line.bring, order_id))

    # What the tasks do

    async def _open(self, order_id: int) -> None:
        async with self._lanes.hold(order_id):
            order = await self._storage.orders.get(order_id)
            if order is not None and order.status_message is None:
                await self._line.open(order)
        self._pump(order_id)

    async def _refresh(self, order_id: int) -> None:
        async with self._lanes.hold(order_id) as lane:
            order = await self._storage.orders.get(order_id)
            if order is None or order.state in UNDELIVERED or order.state is State.DELIVERED:
                return  # the message is the picture, or about to be
            if order.error_key is not None and not order.told:
                await self._line.own_up(order)
            else:
                known = lane.latest if order.state in _IN_QUEUE else None
                await self._line.settle(order, page=known(order) if known else None)

    async def _own_up(self, order_id: int) -> None:
        async with self._lanes.hold(order_id):
            order = await self._storage.orders.get(order_id)
            if order is not None:
                await self._line.own_up(order)

    def _chat_lost(self, chat: int) -> None:
        # Only a private chat is a learner; a group that threw the bot out says nothing about its members.
        if chat > 0:
            self.blocked(chat)

    async def _forget_learner(self, user: int) -> None:
        learner = await self._storage.learners.get(user)
        if learner is None or not await self._storage.learners.set_blocked(user, blocked=True):
            return
        logger.info("a learner blocked the bot; their orders are taken back")
        for order in await self._storage.orders.open_of(learner.id):
            await self._take_back(order)

    async def _take_back(self, order: Order) -> None:
        if order.state not in UNDELIVERED and order.destination.private and self._desk is not None:
            await self._desk.cancel(order)
