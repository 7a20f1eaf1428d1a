"""What is said beside the orders: plain texts, answers to taps, buttons put under a message.

None of it stands in a row, so it is repeated with patience, not for ever. Knows chats and the outbox; knows no order.
"""

from __future__ import annotations

from aiogram.methods import AnswerCallbackQuery, EditMessageReplyMarkup
from aiogram.types import ForceReply, InlineKeyboardMarkup

from bot.outbox import Errand, Outbox
from bot.statusline import text_method
from storage.model import Destination


class Notes:
    """Sends what is not an order's status or picture.

    All methods raise `Refused` when Telegram will not have it.
    """

    def __init__(self, outbox: Outbox) -> None:
        self._outbox, self._pace = outbox, outbox.pace
        self._newest: dict[tuple[int, int], object] = {}

    async def say(
        self, destination: Destination, text: str, keyboard: InlineKeyboardMarkup | ForceReply | None
    ) -> None:
        """Send an HTML text; after a lost answer it may be there twice."""
        errand = Errand(chat=destination.chat, patience_s=self._pace.text_patience_s)
        await self._outbox.send(text_method(destination, (text, keyboard), destination.reply_to), errand)

    async def answer(self, callback_id: str, text: str | None, *, alert: bool) -> None:
        """Answer a tap; costs no flood budget, and is worth little after some seconds."""
        method = AnswerCallbackQuery(callback_query_id=callback_id, text=text, show_alert=alert or None)
        await self._outbox.send(method, Errand(chat=None, patience_s=self._pace.answer_patience_s))

    async def edit_keyboard(self, where: Destination, message: int, keyboard: InlineKeyboardMarkup | None) -> None:
        """Put buttons under a message; a newer wish for the same message makes this one moot."""
        key, wish = (where.chat, message), object()
        self._newest[key] = wish

        async def make() -> EditMessageReplyMarkup | None:
            if self._newest.get(key) is not wish:
                return None
            return EditMessageReplyMarkup(chat_id=where.chat, message_id=message, reply_markup=keyboard)

        try:
            await self._outbox.send_made(make, Errand(chat=where.chat, patience_s=self._pace.text_patience_s))
        finally:
            if self._newest.get(key) is wish:
                del self._newest[key]
