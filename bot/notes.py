"""What is said beside the orders: plain texts, answers to taps, buttons put under a message.

None of it stands in a row, so it is repeated with patience, not for ever. Knows chats and the outbox; knows no order.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

from aiogram.methods import AnswerCallbackQuery, EditMessageReplyMarkup, TelegramMethod
from aiogram.types import InlineKeyboardMarkup

from bot.flood import Rank
from bot.lanes import Note
from bot.outbox import Errand, Outbox
from bot.statusline import text_method
from storage.model import Destination


@dataclass(eq=False)
class _Wish:
    """What should be said for one key by now.

    Attributes:
        method: the newest.
        waits: for its turn; while it is being said, or waits to be repeated, a newer wish makes it moot instead.
    """

    method: TelegramMethod[Any]
    waits: bool = True

    def say(self) -> TelegramMethod[Any]:
        """The newest, now that it is being said."""
        self.waits = False
        return self.method


class Notes:
    """Sends what is not an order's status or picture.

    At most one text waits for each asker in a chat, and one change of buttons for each message: what comes later takes
    the place of what waits, so that a thousand commands cost neither a thousand messages nor a thousand tasks.
    All methods raise `Refused` when Telegram will not have it.
    """

    def __init__(self, outbox: Outbox) -> None:
        self._outbox, self._pace = outbox, outbox.pace
        self._wishes: dict[Hashable, _Wish] = {}

    async def say(self, destination: Destination, note: Note, *, asker: int | None) -> None:
        """Send an HTML text; after a lost answer it may be there twice."""
        key = object() if asker is None else (destination.chat, destination.thread, "asker", asker)
        method = text_method(destination, note, destination.reply_to)
        await self._bring(key, method, chat=destination.chat, rank=Rank.SIDE, asker=asker or 0)

    async def answer(self, callback_id: str, text: str | None, *, alert: bool) -> None:
        """Answer a tap; costs no flood budget, and is worth little after some seconds."""
        method = AnswerCallbackQuery(callback_query_id=callback_id, text=text, show_alert=alert or None)
        await self._outbox.send(method, Errand(chat=None, patience_s=self._pace.answer_patience_s))

    async def edit_keyboard(self, where: Destination, message: int, keyboard: InlineKeyboardMarkup | None) -> None:
        """Put buttons under a message; a newer wish for the same message takes this one's place."""
        method = EditMessageReplyMarkup(chat_id=where.chat, message_id=message, reply_markup=keyboard)
        await self._bring((where.chat, "buttons", message), method, chat=where.chat, rank=Rank.STATUS, asker=0)

    async def _bring(self, key: Hashable, method: TelegramMethod[Any], *, chat: int, rank: Rank, asker: int) -> None:
        waiting = self._wishes.get(key)
        if waiting is not None and waiting.waits:
            waiting.method = method
            return
        wish = self._wishes[key] = _Wish(method)

        async def make() -> TelegramMethod[Any] | None:
            wish.waits = True
            return wish.method if self._wishes.get(key) is wish else None

        patience_s = self._pace.text_patience_s
        errand = Errand(chat=chat, patience_s=patience_s, rank=rank, asker=asker, revised=wish.say)
        try:
            await self._outbox.send_made(make, errand)
        finally:
            if self._wishes.get(key) is wish:
                del self._wishes[key]
