"""Words coming in: `/write`, plain text in private, replies to the bot in groups.

A message becomes an order, a question or help; what is wrong with it is raised, and said by the dispatcher's error
handler.
"""

from __future__ import annotations

from aiogram import Bot, F, Router
from aiogram.filters import Command, CommandObject
from aiogram.types import ForceReply, Message

from bot.grammar import is_prose
from bot.handlers.intake import take_word
from bot.handlers.places import Private, ToUs, destination_of
from bot.middlewares.sender import Sender
from bot.services import Services

_PLAIN = F.text & ~F.text.startswith("/")


def words_router() -> Router:
    """The handlers of this module, as a fresh router."""
    router = Router(name="words")
    router.message.register(write, Command("write", ignore_case=True))
    router.edited_message.register(write, Private(), Command("write", ignore_case=True))
    router.message.register(plain_text, _PLAIN, ToUs())
    router.message.register(plain_text, _PLAIN, Private())
    router.edited_message.register(plain_text, _PLAIN, Private())
    return router


async def write(message: Message, command: CommandObject, sender: Sender, services: Services, bot: Bot) -> None:
    """`/write WORD [MEANING]`; alone it asks for the word."""
    if command.args:
        await take_word(message, command.args, sender=sender, services=services, bot=bot)
        return
    await sender.meet()
    placeholder = services.texts.plain("ask-word-placeholder", sender.locale)
    question = ForceReply(selective=True, input_field_placeholder=placeholder)
    text = services.texts.get("ask-word", sender.locale)
    services.courier.say(destination_of(message), text, question, asker=sender.user.id)


async def plain_text(message: Message, sender: Sender, services: Services, bot: Bot) -> None:
    """`学习 - study` without a command, or as a reply to the bot; long prose gets help instead of a guess."""
    text = message.text or ""
    if is_prose(text):
        await _hint(message, sender, services)
        return
    await take_word(message, text, sender=sender, services=services, bot=bot)


async def _hint(message: Message, sender: Sender, services: Services) -> None:
    await sender.meet()
    key = "help-prose" if message.chat.type == "private" else "help-group"
    services.courier.say(destination_of(message), services.texts.get(key, sender.locale), asker=sender.user.id)
