"""From what a learner wrote to an order row: validate everything, then one insert, then the desk.

Knows the grammar, the glyph checks and the rows. Every refusal is raised before anything is written; the dispatcher's
error handler says it in the learner's language.
"""

from __future__ import annotations

import asyncio
from dataclasses import asdict, dataclass

from aiogram import Bot
from aiogram.types import CallbackQuery, Message

from bot.desk import Outcome
from bot.grammar import Wish, clean_meaning, parse
from bot.handlers.places import destination_of, place_of_press
from bot.middlewares.sender import Sender
from bot.services import Services
from bot.texts import Texts
from generation.contracts.request import PaintRequest, first_seed
from generation.glyphs import check_drawable
from generation.glyphs.languages import language_of
from generation.glyphs.words import admit
from generation.styles import STYLES
from storage import Learner, NewOrder, Order, State

MOST_DRAFTS = 10
"""Open drafts of one learner: the oldest gives way to a further one, unless it is of these very minutes."""


@dataclass(frozen=True, slots=True)
class Offspring:
    """What a button under a picture asks for.

    Attributes:
        action: the button; while an order born from it is open, it is not born again.
        style: of the new order; None asks for one.
        seed: of the new order.
    """

    action: str
    style: str | None
    seed: int


async def take_word(message: Message, text: str, *, sender: Sender, services: Services, bot: Bot) -> None:
    """Make an order of a message.

    Raises:
        WordRefused, RequestRefused: what was written cannot be painted as it is.
        QueueRefused: a style was named and there is no room, or too many words wait for theirs.
        StorageError: the row could not be written, after insisting.
    """
    learner = await sender.meet()
    wish = parse(text, style_names=style_names(services.texts))
    order = await _new_order(wish, learner, message=message, services=services, bot=bot)
    if order.style is not None:
        await services.desk.expect_room(learner.id, request_of(order))
    orders = services.storage.orders
    kept, created = await services.patience.insist(lambda: orders.intake(order, most_drafts=MOST_DRAFTS))
    if created or kept.status_message is None:
        await _serve(kept, services)


async def bear(callback: CallbackQuery, parent: Order, child: Offspring, *, sender: Sender, services: Services) -> bool:
    """Make an order of a button's press. False: the same button's last order is still on its way.

    Raises:
        QueueRefused: no room.
        StorageError: the row could not be written, after insisting.
    """
    orders = services.storage.orders
    if await orders.open_child(parent.id, child.action) is not None:
        return False
    order = await _child_order(callback, parent, child, sender=sender)
    if order.style is not None:
        await services.desk.expect_room(order.learner, request_of(order))
    kept, created = await services.patience.insist(lambda: orders.intake(order, most_drafts=MOST_DRAFTS))
    ours = created or kept.source_key == order.source_key
    if ours:
        await _serve(kept, services)
    return ours


def request_of(order: NewOrder) -> PaintRequest:
    """What a new order with a style asks to be painted."""
    assert order.style is not None
    return PaintRequest(
        word=order.word,
        translation=order.translation,
        language=order.language,
        style=order.style,
        seed=order.seed,
        width=order.width,
        height=order.height,
        **asdict(order.parameters),
    )


def style_names(texts: Texts) -> dict[str, str]:
    """Every localized name of a style, casefolded, so that `style:тушь` works as `style:ink` does."""
    return {texts.plain(f"style-{name}", locale).casefold(): name for locale in texts.locales for name in STYLES}


async def _new_order(wish: Wish, learner: Learner, *, message: Message, services: Services, bot: Bot) -> NewOrder:
    word = admit(wish.word)
    language = language_of(word, wish.language)
    meaning = clean_meaning(wish.translation)
    loop = asyncio.get_running_loop()
    await loop.run_in_executor(services.executor, check_drawable, word, language, services.fonts)
    return NewOrder(
        source_key=f"tg:{bot.id}:{message.chat.id}:{message.message_id}",
        learner=learner.id,
        locale=services.texts.normalise(learner.locale),
        destination=destination_of(message),
        word=word,
        translation=meaning,
        language=language,
        style=wish.style,
        seed=first_seed(word, language) if wish.seed is None else wish.seed,
        width=services.settings.width,
        height=services.settings.height,
    )


async def _child_order(callback: CallbackQuery, parent: Order, child: Offspring, *, sender: Sender) -> NewOrder:
    assert callback.bot is not None  # the dispatcher mounts it on everything it hands over
    await sender.meet()
    return NewOrder(
        source_key=f"tg:{callback.bot.id}:cb:{callback.id}",
        learner=parent.learner,
        locale=sender.locale,
        destination=place_of_press(callback, parent),
        word=parent.word,
        translation=parent.translation,
        language=parent.language,
        style=child.style,
        seed=child.seed,
        width=parent.width,
        height=parent.height,
        parameters=parent.parameters,
        parent=parent.id,
        action=child.action,
    )


async def _serve(order: Order, services: Services) -> None:
    """Say something about a new row: the style question, its place in the queue, or the picture at once."""
    if order.state is State.DRAFT:
        orders = services.storage.orders
        for retired in await services.patience.insist(lambda: orders.retire_drafts(order.learner, keep=MOST_DRAFTS)):
            services.courier.refresh(retired)
    if order.state is State.DRAFT or await services.desk.accept(order.id) is Outcome.QUEUED:
        services.courier.open_status(order.id)
