"""Answers aiogram cannot parse: Telegram adds kinds of content before libraries know them.

One unknown kind inside one update fails the whole getUpdates answer, and aiogram would ask for the same batch for
ever: a single forwarded message could make the bot deaf. Here such a batch is read update by update; the unreadable
ones keep nothing but their number, so that the rest is handled and the offset moves on. Errors lose the answer they
carry, because their text would put learners' words into the log. Knows aiogram's types; knows no order.
"""

from __future__ import annotations

import logging
from typing import Any, TypeVar, cast

from aiogram import Bot
from aiogram.client.session.middlewares.base import BaseRequestMiddleware, NextRequestMiddlewareType
from aiogram.exceptions import ClientDecodeError
from aiogram.methods import GetUpdates, Response, TelegramMethod
from aiogram.methods.base import TelegramType
from aiogram.types import Update
from pydantic import ValidationError

logger = logging.getLogger(__name__)

E = TypeVar("E", bound=ClientDecodeError)


class Decoding(BaseRequestMiddleware):
    """Saves what can be read of an unreadable batch of updates, and takes the content out of every decoding error."""

    async def __call__(
        self, make_request: NextRequestMiddlewareType[TelegramType], bot: Bot, method: TelegramMethod[TelegramType]
    ) -> Response[TelegramType]:
        """Pass the request on.

        Raises:
            ClientDecodeError: without the answer in it.
        """
        try:
            return await make_request(bot, method)
        except ClientDecodeError as error:
            batch = _batch(error.data) if isinstance(method, GetUpdates) else None
            if batch is None:
                raise discreet(error) from None
        # The middleware's declared type is the envelope, but what aiogram passes through is its content.
        return cast("Response[TelegramType]", [_readable(raw, bot) for raw in batch])


def _batch(data: Any) -> list[dict[str, Any]] | None:
    """The raw updates of a getUpdates answer; None when it is something else altogether."""
    if not isinstance(data, dict) or data.get("ok") is not True or not isinstance(data.get("result"), list):
        return None
    raws = [raw for raw in data["result"] if isinstance(raw, dict) and isinstance(raw.get("update_id"), int)]
    return raws if len(raws) == len(data["result"]) else None


def _readable(raw: dict[str, Any], bot: Bot) -> Update:
    """The update, or its bare number where aiogram does not understand it."""
    try:
        return Update.model_validate(raw, context={"bot": bot})
    except ValidationError:
        kinds = ", ".join(sorted(key for key in raw if key != "update_id"))
        logger.warning("update %d (%s) is of a kind this version cannot read", raw["update_id"], kinds)
        return Update(update_id=raw["update_id"])


def discreet(error: E) -> E:
    """The same error without the answer that could not be parsed: type and message stay, learners' words go.

    Whether the answer said ok is kept, since it tells that a call was carried out.
    """
    said_ok = isinstance(error.data, dict) and error.data.get("ok") is True
    error.data = {"ok": True} if said_ok else "left out"
    error.original = ValueError(f"{type(error.original).__name__}, its text left out")
    error.__cause__ = error.__context__ = None
    return error
