"""Puts the handlers together. Knows their order; knows nothing of polling.

Order matters: what nobody can press comes first, what nobody understood comes last.
"""

from __future__ import annotations

from aiogram import Dispatcher
from aiogram.fsm.storage.memory import DisabledEventIsolation

from bot.handlers.cancelling import cancelling_router
from bot.handlers.errors import errors_router
from bot.handlers.gpu import gpu_router
from bot.handlers.greetings import greetings_router, hidden_router, leftovers_router
from bot.handlers.language import language_router
from bot.handlers.presses import presses_router
from bot.handlers.words import words_router
from bot.middlewares.sender import SenderMiddleware
from bot.services import Services


def build_dispatcher(services: Services) -> Dispatcher:
    """A dispatcher with every handler; `services` and `sender` reach them by name.

    Poll with `handle_as_tasks=False`: an update is confirmed only when its row is committed.
    """
    dispatcher = Dispatcher(services=services, disable_fsm=True, events_isolation=DisabledEventIsolation())
    dispatcher.update.outer_middleware(SenderMiddleware(services))
    dispatcher.include_routers(
        errors_router(),
        hidden_router(),
        gpu_router(),
        greetings_router(),
        language_router(),
        cancelling_router(),
        words_router(),
        presses_router(),
        leftovers_router(),
    )
    return dispatcher
