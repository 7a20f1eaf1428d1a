"""What is said when a handler raises: our own errors in their own words, anything else with a reference into the log.

The place where every exception of the bot's handlers ends. Says nothing that an exception says about itself.
"""

from __future__ import annotations

import logging

from aiogram import Router
from aiogram.filters import ExceptionTypeFilter
from aiogram.types import ErrorEvent, Update

from bot.captions import ALERT_UNITS, shorten
from bot.handlers.places import destination_of
from bot.middlewares.sender import Sender
from bot.services import Services
from generation.contracts.errors import OperatorError, StorageError, WordbrushError
from generation.tracing import new_reference, traced

log = logging.getLogger(__name__)


def errors_router() -> Router:
    """The handlers of this module, as a fresh router."""
    router = Router(name="errors")
    router.errors.register(refusal, ExceptionTypeFilter(WordbrushError))
    router.errors.register(accident)
    return router


async def refusal(event: ErrorEvent, services: Services, sender: Sender | None = None) -> bool:
    """One of ours: the learner hears its message."""
    error = event.exception
    if not isinstance(error, WordbrushError) or isinstance(error, OperatorError):
        return await accident(event, services, sender)
    if isinstance(error, StorageError):
        log.error("update %d: %s", event.update.update_id, error)
    else:
        log.info("update %d refused: %s", event.update.update_id, type(error).__name__)
    _tell(event.update, services, sender, error.message_key, error.details)
    return True


async def accident(event: ErrorEvent, services: Services, sender: Sender | None = None) -> bool:
    """Not one of ours: type and frames for the log, a short reference to them for the learner."""
    reference = new_reference()
    log.error("update %d failed, %s", event.update.update_id, traced(event.exception, reference))
    _tell(event.update, services, sender, "error-reference", {"reference": reference})
    return True


def _tell(update: Update, services: Services, sender: Sender | None, key: str, details: dict[str, str | int]) -> None:
    locale = sender.locale if sender else services.texts.normalise(None)
    if update.callback_query is not None:
        text = shorten(services.texts.plain(key, locale, **details), ALERT_UNITS)
        services.courier.answer(update.callback_query.id, text, alert=True)
        return
    message = update.message or update.edited_message
    if message is not None:
        asker = sender.user.id if sender else None
        services.courier.say(destination_of(message), services.texts.get(key, locale, **details), asker=asker)
