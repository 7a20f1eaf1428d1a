"""What Telegram's own interface shows of the bot: command lists, description, short description, for each language.

The only module of the intake side that talks to the network, once after the start and beside everything else: nothing
waits for it, and what is refused is logged and left.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterator

from aiogram import Bot
from aiogram.exceptions import AiogramError
from aiogram.types import (
    BotCommand,
    BotCommandScopeAllGroupChats,
    BotCommandScopeAllPrivateChats,
    BotCommandScopeChat,
    BotCommandScopeUnion,
)

from bot.texts import FALLBACK, Texts

log = logging.getLogger(__name__)

PRIVATE = ("write", "help", "cancel", "language", "about")
GROUP = ("write", "cancel", "help")
ADMIN = (*PRIVATE, "gpu")


def commands(texts: Texts, names: tuple[str, ...], locale: str) -> list[BotCommand]:
    """A command list in one language."""
    return [BotCommand(command=name, description=texts.plain(f"command-{name}", locale)) for name in names]


async def publish(bot: Bot, texts: Texts, admins: frozenset[int]) -> int:
    """Set everything, every language; an administrator's chat shows `/gpu` too, in all languages alike.

    Returns:
        How many calls were refused, each of them logged.
    """
    refused = 0
    for call in _calls(bot, texts, admins):
        try:
            await call()
        except AiogramError as error:
            refused += 1
            log.warning("part of the command menu was refused: %s", type(error).__name__)
    return refused


def _calls(bot: Bot, texts: Texts, admins: frozenset[int]) -> Iterator[Callable[[], Awaitable[object]]]:
    for locale in texts.locales:
        code = None if locale == FALLBACK else locale
        for scope, names in _scopes(admins):
            listed = commands(texts, names, locale)
            yield lambda scope=scope, listed=listed, code=code: bot.set_my_commands(  # type: ignore[misc]  # bound per turn
                listed, scope=scope, language_code=code
            )
        yield lambda locale=locale, code=code: bot.set_my_description(  # type: ignore[misc]  # bound per turn
            texts.plain("bot-description", locale), language_code=code
        )
        yield lambda locale=locale, code=code: bot.set_my_short_description(  # type: ignore[misc]  # bound per turn
            texts.plain("bot-short-description", locale), language_code=code
        )


def _scopes(admins: frozenset[int]) -> Iterator[tuple[BotCommandScopeUnion | None, tuple[str, ...]]]:
    yield None, PRIVATE
    yield BotCommandScopeAllPrivateChats(), PRIVATE
    yield BotCommandScopeAllGroupChats(), GROUP
    for admin in sorted(admins):
        yield BotCommandScopeChat(chat_id=admin), ADMIN
