"""`/language`: in which language the bot speaks with somebody. Which languages they study is another matter."""

from __future__ import annotations

from aiogram import Router
from aiogram.filters import Command
from aiogram.types import CallbackQuery, Message

from bot import keyboards
from bot.callbacks import AUTOMATIC, LanguagePress
from bot.handlers.places import destination_of, holds
from bot.middlewares.sender import Sender
from bot.services import Services
from storage import Destination


def language_router() -> Router:
    """The handlers of this module, as a fresh router."""
    router = Router(name="language")
    router.message.register(language_command, Command("language", ignore_case=True))
    router.callback_query.register(choose_language, LanguagePress.filter())
    return router


async def language_command(message: Message, sender: Sender, services: Services) -> None:
    """Show the languages."""
    learner = await sender.meet()
    buttons = keyboards.languages(
        services.texts, asker=sender.user.id, locale=sender.locale, chosen=learner.chosen_locale
    )
    question = services.texts.get("language-question", sender.locale)
    services.courier.say(destination_of(message), question, buttons, asker=sender.user.id)


async def choose_language(
    callback: CallbackQuery, callback_data: LanguagePress, sender: Sender, services: Services
) -> None:
    """Take one of them, or Telegram's again; the tick moves and the answer is in the new language."""
    learner, texts = await sender.meet(), services.texts
    if callback_data.asker != sender.user.id:
        services.courier.answer(callback.id, texts.plain("press-not-yours", sender.locale), alert=True)
        return
    chosen = None if callback_data.locale == AUTOMATIC else texts.normalise(callback_data.locale)
    await services.patience.insist(lambda: services.storage.learners.set_locale(sender.user.id, chosen))
    locale = chosen or learner.telegram_locale
    services.courier.answer(callback.id, texts.plain("language-chosen", locale))
    if callback.message is not None and holds(callback):
        place = Destination(chat=callback.message.chat.id, private=callback.message.chat.type == "private")
        buttons = keyboards.languages(texts, asker=sender.user.id, locale=locale, chosen=chosen)
        services.courier.edit_keyboard(place, callback.message.message_id, buttons)
