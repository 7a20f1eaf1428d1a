"""Who is speaking: the person behind an update, and the language the bot answers them in.

Knows Telegram's users and the learner rows. A row is written only when a handler asks for it, so people whose messages
are not for the bot leave no trace.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

from aiogram import BaseMiddleware
from aiogram.types import Chat, Message, TelegramObject, Update, User

from bot.services import Services
from bot.settings import SERVICE_ACCOUNTS
from storage import Learner

log = logging.getLogger(__name__)

_LARGEST_ID = 2**63 - 1
"""What a row can hold. Telegram's ids have 52 bits at most; a larger one comes from no Telegram."""


class Sender:
    """The person behind an update.

    Args:
        user: as Telegram names them.
        services: for the learner's row.
        anonymous: a bot, or somebody behind a group or a channel: nobody could press their buttons.

    Attributes:
        user: see above.
        anonymous: see above.
    """

    def __init__(self, user: User, services: Services, *, anonymous: bool) -> None:
        self.user = user
        self.anonymous = anonymous
        self._services = services
        self._learner: Learner | None = None

    @property
    def locale(self) -> str:
        """The language to answer in: the learner's once met, Telegram's before."""
        if self._learner is not None:
            return self._services.texts.normalise(self._learner.locale)
        return self._services.texts.normalise(self.user.language_code)

    async def meet(self) -> Learner:
        """Their row, made on first sight.

        Raises:
            StorageError: the row could not be had, after insisting.
        """
        if self._learner is None:
            locale = self._services.texts.normalise(self.user.language_code)
            learners = self._services.storage.learners
            self._learner = await self._services.patience.insist(lambda: learners.meet(self.user.id, locale=locale))
        return self._learner

    def is_admin(self) -> bool:
        """Whether this very person is one of the configured numeric ids; a name never counts, nor a shared account."""
        if self.anonymous or self.user.is_bot or self.user.id in SERVICE_ACCOUNTS:
            return False
        return self.user.id in self._services.settings.admins


class SenderMiddleware(BaseMiddleware):
    """Puts `sender` (None where nobody speaks) beside every update."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def __call__(
        self,
        handler: Callable[[TelegramObject, dict[str, Any]], Awaitable[Any]],
        event: TelegramObject,
        data: dict[str, Any],
    ) -> Any:
        """Look at the update, then pass it on; one whose ids no row can hold goes no further."""
        if isinstance(event, Update) and not all(abs(number) <= _LARGEST_ID for number in _ids(event, data)):
            log.debug("an update with an id beyond 64 bits was ignored")
            return None
        user = data.get("event_from_user")
        anonymous = isinstance(event, Update) and _hidden(event, data.get("event_chat"))
        data["sender"] = Sender(user, self._services, anonymous=anonymous) if isinstance(user, User) else None
        return await handler(event, data)


def _ids(update: Update, data: dict[str, Any]) -> Iterator[int]:
    """Every number of an update that may end up in a row."""
    for known in (data.get("event_from_user"), data.get("event_chat")):
        if isinstance(known, (User, Chat)):
            yield known.id
    pressed = update.callback_query.message if update.callback_query else None
    message = update.message or update.edited_message or pressed
    if message is not None:
        yield message.message_id
    if isinstance(message, Message):
        yield message.message_thread_id or 0


def _hidden(update: Update, chat: Chat | None) -> bool:
    message = update.message or update.edited_message
    if not isinstance(message, Message) or message.from_user is None:
        return False
    spoke_for = message.sender_chat is not None and (chat is None or chat.type != "private")
    return spoke_for or message.from_user.is_bot or message.from_user.id in SERVICE_ACCOUNTS
