"""Taking updates: one after the other, each confirmed only after its handler has committed.

aiogram's defaults confirm updates before the work is done and lost most of them when killed, so handlers are awaited in
turn (`handle_as_tasks=False`), and a stop confirms what was handled. Knows Telegram's refusals to poll; knows no order.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any

from aiogram import BaseMiddleware, Bot, Dispatcher
from aiogram.client.session.middlewares.base import BaseRequestMiddleware, NextRequestMiddlewareType
from aiogram.exceptions import AiogramError, TelegramConflictError, TelegramNotFound, TelegramUnauthorizedError
from aiogram.methods import GetUpdates, Response, TelegramMethod
from aiogram.methods.base import TelegramType
from aiogram.types import TelegramObject, Update

from generation.contracts.errors import AnotherInstance, BotServerUnreachable, TokenRefused, WordbrushError

logger = logging.getLogger(__name__)

CONFLICTS_ALLOWED = 4
"""A predecessor that is just ending causes one or two; a second living instance causes them without end."""

POLL_TIMEOUT_S = 25
START_PATIENCE_S = 30.0


class PollingWatch(BaseRequestMiddleware):
    """Sees every request and ends the process in one clear line where retrying for ever would only hide the trouble.

    Attributes:
        failure: set once with the error that ends the bot.
        confirmed: updates below this number were confirmed by asking for later ones.
    """

    def __init__(self) -> None:
        self.failure: asyncio.Future[WordbrushError] = asyncio.get_running_loop().create_future()
        self.confirmed = 0
        self._conflicts = 0

    async def __call__(
        self, make_request: NextRequestMiddlewareType[TelegramType], bot: Bot, method: TelegramMethod[TelegramType]
    ) -> Response[TelegramType]:
        """Pass the request on; note how it ended."""
        polling = isinstance(method, GetUpdates)
        if isinstance(method, GetUpdates):
            self.confirmed = max(self.confirmed, method.offset or 0)
        try:
            response = await make_request(bot, method)
        except TelegramConflictError:
            self._conflicts += polling
            if self._conflicts > CONFLICTS_ALLOWED:
                self._fail(AnotherInstance())
            raise
        except TelegramUnauthorizedError:
            self._fail(TokenRefused())
            raise
        if polling:
            self._conflicts = 0
        return response

    def _fail(self, error: WordbrushError) -> None:
        if not self.failure.done():
            self.failure.set_result(error)


class Handled(BaseMiddleware):
    """Remembers the newest update whose handler came to its end, so that a stop can confirm it."""

    def __init__(self) -> None:
        self.newest: int | None = None

    async def __call__(
        self,
        handler: Callable[[TelegramObject, dict[str, Any]], Awaitable[Any]],
        event: TelegramObject,
        data: dict[str, Any],
    ) -> Any:
        """Count the update once it is handled; a cancelled handler's update stays unconfirmed and comes again."""
        result = await handler(event, data)
        if isinstance(event, Update):
            self.newest = event.update_id
        return result


async def introduce(bot: Bot, *, patience_s: float = START_PATIENCE_S) -> None:
    """Ask the server who we are and leave webhook mode, keeping pending updates.

    Raises:
        TokenRefused: the server does not know the token.
        BotServerUnreachable: no sensible answer for `patience_s` seconds.
    """
    deadline_s = time.monotonic() + patience_s
    pause_s = 0.5
    while True:
        try:
            await bot.me()
            await bot.delete_webhook(drop_pending_updates=False)
        except (TelegramUnauthorizedError, TelegramNotFound):
            # Telegram answers 404 to a token that has not even the shape of one.
            raise TokenRefused from None
        except AiogramError as error:
            if time.monotonic() + pause_s > deadline_s:
                raise BotServerUnreachable(url=bot.session.api.base.split("/bot")[0]) from None
            logger.warning("the Bot API server does not answer yet (%s), trying again", type(error).__name__)
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, 8.0)
        else:
            return


async def poll(dispatcher: Dispatcher, bot: Bot, watch: PollingWatch) -> None:
    """Take updates until stopped; then confirm what was handled since the last question.

    Asking again with the same offset would make Telegram wait some seconds, so it is asked only where there is need.
    """
    handled = Handled()
    dispatcher.update.outer_middleware(handled)
    try:
        await dispatcher.start_polling(
            bot,
            polling_timeout=POLL_TIMEOUT_S,
            handle_as_tasks=False,
            handle_signals=False,
            close_bot_session=False,
        )
    finally:
        if handled.newest is not None and handled.newest >= watch.confirmed:
            await _confirm(bot, handled.newest + 1)


async def _confirm(bot: Bot, offset: int) -> None:
    """Best effort: an unconfirmed update comes again, and its order is already there."""
    try:
        await bot.get_updates(offset=offset, limit=1, timeout=0, request_timeout=3)
    except AiogramError as error:
        logger.info("handled updates could not be confirmed (%s); they will come again", type(error).__name__)
