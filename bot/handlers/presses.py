"""Buttons of one order: style, cancel, again, other style, original, retry.

What a button carries is a claim; the row says whose order it is, which message shows it and what may still happen. A
second press changes nothing and says so.
"""

from __future__ import annotations

from aiogram import F, Router
from aiogram.types import CallbackQuery, InlineKeyboardMarkup

from bot import keyboards
from bot.callbacks import OrderPress, Press, RestylePress, StylePress
from bot.desk import Outcome
from bot.handlers.intake import Offspring, bear
from bot.handlers.places import place_of_press, shows
from bot.middlewares.sender import Sender
from bot.seeds import next_seed
from bot.services import Services
from generation.styles import STYLES
from storage import Order, State

_PICTURED = frozenset({State.DELIVERING, State.DELIVERED})
_GIVEN_UP = frozenset({State.FAILED, State.DEAD, State.CANCELLED})
_TOO_LATE = {
    State.DELIVERED: "press-finished",
    State.DELIVERING: "press-too-late",
    State.CANCELLED: "press-cancelled",
    State.FAILED: "press-failed",
    State.DEAD: "press-failed",
}


def presses_router() -> Router:
    """The handlers of this module, as a fresh router."""
    router = Router(name="presses")
    press = router.callback_query.register
    press(choose_style, StylePress.filter(F.style.in_(STYLES)))
    press(cancel, OrderPress.filter(F.press == Press.CANCEL))
    press(again, OrderPress.filter(F.press == Press.AGAIN))
    press(show_styles, OrderPress.filter(F.press == Press.OTHERS))
    press(show_buttons, OrderPress.filter(F.press == Press.BACK))
    press(restyle, RestylePress.filter(F.style.in_(STYLES)))
    press(original, OrderPress.filter(F.press == Press.ORIGINAL))
    press(retry, OrderPress.filter(F.press == Press.RETRY))
    return router


async def choose_style(callback: CallbackQuery, callback_data: StylePress, sender: Sender, services: Services) -> None:
    """The five buttons under the style question."""
    order = await own_order(callback, callback_data.order, sender, services)
    if order is None:
        return
    if order.state is not State.DRAFT:
        _say_where_it_stands(callback, order, sender, services)
        return
    outcome = await services.desk.choose(order, callback_data.style)
    key = "press-on-its-way" if outcome is Outcome.TOO_LATE else "press-accepted"
    services.courier.answer(callback.id, services.texts.plain(key, sender.locale))


async def cancel(callback: CallbackQuery, callback_data: OrderPress, sender: Sender, services: Services) -> None:
    """Stop waiting for a picture."""
    order = await own_order(callback, callback_data.order, sender, services)
    if order is None:
        return
    if await services.desk.cancel(order):
        services.courier.answer(callback.id, services.texts.plain("press-cancel-done", sender.locale))
        return
    newest = await services.storage.orders.get(order.id)
    _say_where_it_stands(callback, newest or order, sender, services)


async def again(callback: CallbackQuery, callback_data: OrderPress, sender: Sender, services: Services) -> None:
    """Another picture of the word: the next seed nobody of theirs has used, same style."""
    order = await _own_picture(callback, callback_data.order, sender, services)
    if order is None:
        return
    child = Offspring(action="again", style=order.style, seed=await next_seed(services.storage, order))
    await _ask_for(callback, order, child, sender, services)


async def show_styles(callback: CallbackQuery, callback_data: OrderPress, sender: Sender, services: Services) -> None:
    """Put the five styles under the picture."""
    order = await _own_picture(callback, callback_data.order, sender, services)
    if order is not None:
        _edit_buttons(callback, order, keyboards.other_styles(services.texts, order), services)


async def show_buttons(callback: CallbackQuery, callback_data: OrderPress, sender: Sender, services: Services) -> None:
    """Put the picture's own buttons back."""
    order = await _own_picture(callback, callback_data.order, sender, services)
    if order is not None:
        _edit_buttons(callback, order, keyboards.finished(services.texts, order), services)


async def restyle(callback: CallbackQuery, callback_data: RestylePress, sender: Sender, services: Services) -> None:
    """The same word and seed in another style."""
    order = await _own_picture(callback, callback_data.order, sender, services)
    if order is None:
        return
    child = Offspring(action=f"style:{callback_data.style}", style=callback_data.style, seed=order.seed)
    if await _ask_for(callback, order, child, sender, services) and callback.message is not None:
        place = place_of_press(callback, order)
        services.courier.edit_keyboard(place, callback.message.message_id, keyboards.finished(services.texts, order))


async def original(callback: CallbackQuery, callback_data: OrderPress, sender: Sender, services: Services) -> None:
    """The PNG as a document."""
    order = await _own_picture(callback, callback_data.order, sender, services)
    if order is None:
        return
    if order.picture is None:
        services.courier.answer(callback.id, services.texts.plain("press-gone", sender.locale), alert=True)
        return
    sending = services.courier.send_original(order.id, place_of_press(callback, order))
    key = "press-original" if sending else "press-original-again"
    services.courier.answer(callback.id, services.texts.plain(key, sender.locale))


async def retry(callback: CallbackQuery, callback_data: OrderPress, sender: Sender, services: Services) -> None:
    """The same picture once more, after a failure or a change of mind."""
    order = await own_order(callback, callback_data.order, sender, services)
    if order is None or (order.status_message is not None and _is_elsewhere(callback, order, sender, services)):
        return
    if order.state not in _GIVEN_UP:
        _say_where_it_stands(callback, order, sender, services)
        return
    await _ask_for(callback, order, Offspring(action="retry", style=order.style, seed=order.seed), sender, services)


async def own_order(callback: CallbackQuery, order_id: int, sender: Sender, services: Services) -> Order | None:
    """The order behind a button, if it is the presser's; otherwise they are told, and it is None."""
    learner = await sender.meet()
    order = await services.storage.orders.get(order_id)
    if order is not None and order.learner == learner.id:
        return order
    key = "press-gone" if order is None else "press-not-yours"
    services.courier.answer(callback.id, services.texts.plain(key, sender.locale), alert=True)
    return None


async def _own_picture(callback: CallbackQuery, order_id: int, sender: Sender, services: Services) -> Order | None:
    """The order behind a picture's button, None when that was answered: what follows touches the tapped message."""
    order = await own_order(callback, order_id, sender, services)
    if order is None:
        return None
    if order.state not in _PICTURED:
        services.courier.answer(callback.id, services.texts.plain("press-not-ready", sender.locale))
        return None
    return None if _is_elsewhere(callback, order, sender, services) else order


def _is_elsewhere(callback: CallbackQuery, order: Order, sender: Sender, services: Services) -> bool:
    """Whether the tapped message is not the order's, which is answered: only forged data says such a thing."""
    if shows(callback, order):
        return False
    services.courier.answer(callback.id, services.texts.plain("press-old", sender.locale), alert=True)
    return True


async def _ask_for(
    callback: CallbackQuery, parent: Order, child: Offspring, sender: Sender, services: Services
) -> bool:
    born = await bear(callback, parent, child, sender=sender, services=services)
    key = "press-accepted" if born else "press-on-its-way"
    services.courier.answer(callback.id, services.texts.plain(key, sender.locale))
    return born


def _edit_buttons(callback: CallbackQuery, order: Order, keyboard: InlineKeyboardMarkup, services: Services) -> None:
    services.courier.answer(callback.id)
    if callback.message is not None:
        services.courier.edit_keyboard(place_of_press(callback, order), callback.message.message_id, keyboard)


def _say_where_it_stands(callback: CallbackQuery, order: Order, sender: Sender, services: Services) -> None:
    key = _TOO_LATE.get(order.state, "press-on-its-way")
    services.courier.answer(callback.id, services.texts.plain(key, sender.locale))
