"""`/cancel`: one open order is stopped at once, several are listed with a button each.

Looks at the asker's own orders of this chat only, so that a list in a group shows nothing from elsewhere.
"""

from __future__ import annotations

from collections.abc import Sequence

from aiogram import Router
from aiogram.filters import Command
from aiogram.types import CallbackQuery, Message

from bot import keyboards
from bot.callbacks import ALL_ORDERS, CancelPress
from bot.handlers.places import destination_of, holds
from bot.middlewares.sender import Sender
from bot.services import Services
from bot.texts import Texts
from storage import Destination, Order
from storage.model import CANCELLABLE


def cancelling_router() -> Router:
    """The handlers of this module, as a fresh router."""
    router = Router(name="cancelling")
    router.message.register(cancel_command, Command("cancel", ignore_case=True))
    router.callback_query.register(cancel_listed, CancelPress.filter())
    return router


async def cancel_command(message: Message, sender: Sender, services: Services) -> None:
    """Stop what is on its way; ask which when there are several."""
    orders = await _open_here(message.chat.id, sender, services)
    place, texts = destination_of(message), services.texts
    if len(orders) > 1:
        buttons = keyboards.cancel_list(texts, orders, asker=sender.user.id, locale=sender.locale)
        services.courier.say(place, _question(texts, len(orders), sender.locale), buttons, asker=sender.user.id)
        return
    stopped = await _stop(orders, services)
    outcome = texts.get("cancel-done" if stopped else "cancel-nothing", sender.locale)
    services.courier.say(place, outcome, asker=sender.user.id)


async def cancel_listed(
    callback: CallbackQuery, callback_data: CancelPress, sender: Sender, services: Services
) -> None:
    """One line of the list, or all of it; the list then shows what is left."""
    texts = services.texts
    if callback_data.asker != sender.user.id:
        await sender.meet()
        services.courier.answer(callback.id, texts.plain("press-not-yours", sender.locale), alert=True)
        return
    if callback.message is None:
        services.courier.answer(callback.id, texts.plain("press-old", sender.locale))
        return
    orders = await _open_here(callback.message.chat.id, sender, services)
    everything = callback_data.order == ALL_ORDERS
    chosen = [order for order in orders if everything or order.id == callback_data.order]
    stopped = await _stop(chosen, services)
    answer = (
        texts.plain("cancel-done-many", sender.locale, count=stopped)
        if everything
        else texts.plain("press-cancel-done" if stopped else "press-too-late", sender.locale)
    )
    services.courier.answer(callback.id, answer)
    if not holds(callback):
        return
    left = [order for order in orders if order not in chosen]
    buttons = keyboards.cancel_list(texts, left, asker=sender.user.id, locale=sender.locale)
    place = Destination(chat=callback.message.chat.id, private=callback.message.chat.type == "private")
    services.courier.edit_keyboard(place, callback.message.message_id, buttons)


def _question(texts: Texts, count: int, locale: str) -> str:
    question, hidden = texts.get("cancel-which", locale), count - keyboards.MOST_LISTED
    if hidden <= 0:
        return question
    more = texts.get("cancel-more", locale, count=hidden)
    return f"{question} {more}"


async def _open_here(chat: int, sender: Sender, services: Services) -> list[Order]:
    learner = await sender.meet()
    orders = await services.storage.orders.open_of(learner.id)
    return [order for order in orders if order.destination.chat == chat and order.state in CANCELLABLE]


async def _stop(orders: Sequence[Order], services: Services) -> int:
    return sum([await services.desk.cancel(order) for order in orders])
