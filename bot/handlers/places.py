"""From a Telegram message to where the answer goes, and what may be answered there. Knows chats; says nothing."""

from __future__ import annotations

from aiogram import Bot
from aiogram.filters import Filter
from aiogram.types import CallbackQuery, InlineKeyboardMarkup, Message

from bot.middlewares.sender import Sender
from storage import Destination, Order


def destination_of(message: Message) -> Destination:
    """Where to answer a message: in its chat and topic, in groups as a reply."""
    private = message.chat.type == "private"
    return Destination(
        chat=message.chat.id,
        thread=message.message_thread_id if message.is_topic_message else None,
        reply_to=None if private else message.message_id,
        private=private,
    )


def place_of_press(callback: CallbackQuery, order: Order) -> Destination:
    """Where to answer a button under an order's message: as a reply to that message, however old it is."""
    message, known = callback.message, order.destination
    if message is None:
        return Destination(known.chat, known.thread, order.status_message, known.private)
    return Destination(message.chat.id, known.thread, message.message_id, message.chat.type == "private")


def shows(callback: CallbackQuery, order: Order) -> bool:
    """Whether the tapped message is the order's own; one that Telegram does not name any more counts as such."""
    message = callback.message
    return message is None or (message.chat.id, message.message_id) == (order.destination.chat, order.status_message)


def holds(callback: CallbackQuery) -> bool:
    """Whether the tapped message has the very button: its data may be forged, the message's buttons are Telegram's."""
    markup = callback.message.reply_markup if isinstance(callback.message, Message) else None
    rows = markup.inline_keyboard if isinstance(markup, InlineKeyboardMarkup) else []
    return any(button.callback_data == callback.data for row in rows for button in row)


class Private(Filter):
    """The message stands in a private chat."""

    async def __call__(self, message: Message) -> bool:
        """See the class."""
        return message.chat.type == "private"


class ToUs(Filter):
    """The message replies to one of the bot's own."""

    async def __call__(self, message: Message, bot: Bot) -> bool:
        """See the class."""
        answered = message.reply_to_message
        return answered is not None and answered.from_user is not None and answered.from_user.id == bot.id


class AnyCommand(Filter):
    """The text starts with a command that is for this bot: unaddressed in private, addressed to it in a group."""

    async def __call__(self, message: Message, bot: Bot) -> bool:
        """See the class."""
        text = message.text or message.caption or ""
        if not text.startswith("/"):
            return False
        _, at, mention = text.split(maxsplit=1)[0].partition("@")
        if not at:
            return message.chat.type == "private"
        return mention.lower() == ((await bot.me()).username or "").lower()


class Admin(Filter):
    """The message was written here and now by an administrator of the bot."""

    async def __call__(self, message: Message, sender: Sender | None) -> bool:
        """See the class."""
        own = message.forward_origin is None and message.sender_chat is None and message.via_bot is None
        return own and sender is not None and sender.is_admin()
