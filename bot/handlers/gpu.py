"""`/gpu` for administrators: engine, queue, device, models, last times, and what would help.

Knows where the facts come from; how they read is `bot.handlers.gpu_page`'s business. Everybody else gets the ordinary
answer to an unknown command, because this handler's filter does not see them.
"""

from __future__ import annotations

from aiogram import Router
from aiogram.filters import Command
from aiogram.types import Message

from bot.handlers.gpu_page import Facts, page
from bot.handlers.places import Admin, destination_of
from bot.middlewares.sender import Sender
from bot.services import Services

__all__ = ["Facts", "gpu", "gpu_router", "page"]


def gpu_router() -> Router:
    """The handlers of this module, as a fresh router."""
    router = Router(name="gpu")
    router.message.register(gpu, Command("gpu", ignore_case=True), Admin())
    return router


async def gpu(message: Message, sender: Sender, services: Services) -> None:
    """Gather the facts and show them."""
    await sender.meet()
    report = await services.device_report()
    kept = await services.storage.counts()
    facts = Facts(report=report, waiting=len(services.queue.positions()), kept=kept)
    services.courier.say(destination_of(message), page(services.texts, sender.locale, facts))
