"""Everything around the pictures: hello, help, about, what is not understood, and who blocks the bot or returns."""

from __future__ import annotations

from aiogram import F, Router
from aiogram.filters import JOIN_TRANSITION, KICKED, MEMBER, ChatMemberUpdatedFilter, Command, CommandStart
from aiogram.types import CallbackQuery, ChatMemberUpdated, ContentType, Message

from bot.handlers.places import AnyCommand, Private, destination_of
from bot.middlewares.sender import Sender
from bot.services import Services
from bot.texts import FALLBACK
from generation.styles import STYLES
from storage import Destination

_MEDIA = {
    ContentType.ANIMATION,
    ContentType.AUDIO,
    ContentType.CONTACT,
    ContentType.DICE,
    ContentType.DOCUMENT,
    ContentType.LOCATION,
    ContentType.PHOTO,
    ContentType.POLL,
    ContentType.STICKER,
    ContentType.STORY,
    ContentType.VENUE,
    ContentType.VIDEO,
    ContentType.VIDEO_NOTE,
    ContentType.VOICE,
}
_ALBUMS_REMEMBERED = 64


def greetings_router() -> Router:
    """Commands that explain, as a fresh router."""
    router = Router(name="greetings")
    router.message.register(start, CommandStart(ignore_case=True))
    router.message.register(help_command, Command("help", ignore_case=True))
    router.message.register(about, Command("about", ignore_case=True))
    router.my_chat_member.register(blocked, F.chat.type == "private", ChatMemberUpdatedFilter(KICKED))
    router.my_chat_member.register(unblocked, F.chat.type == "private", ChatMemberUpdatedFilter(MEMBER))
    joined = ChatMemberUpdatedFilter(JOIN_TRANSITION)
    router.my_chat_member.register(welcomed, F.chat.type.in_({"group", "supergroup"}), joined)
    return router


def hidden_router() -> Router:
    """First of all: commands of senders nobody can see, as a fresh router."""
    router = Router(name="hidden")
    orders = Command("write", "cancel", "language", ignore_case=True)
    router.message.register(hidden_command, _is_hidden, F.sender_chat, ~F.is_automatic_forward, orders)
    router.message.register(ignored, _is_hidden)
    router.edited_message.register(ignored, _is_hidden)
    return router


def leftovers_router() -> Router:
    """Last of all: whatever nobody else understood, as a fresh router."""
    router = Router(name="leftovers")
    router.message.register(unknown_command, AnyCommand())
    router.message.register(OncePerAlbum().words_only, Private(), F.content_type.in_(_MEDIA))
    router.callback_query.register(old_button)
    return router


async def start(message: Message, sender: Sender, services: Services) -> None:
    """Hello. What a deep link carries is not needed and not looked at."""
    key = "start" if message.chat.type == "private" else "start-group"
    await _say(message, key, sender, services)


async def help_command(message: Message, sender: Sender, services: Services) -> None:
    """How to ask."""
    await _say_help(message, sender, services)


async def about(message: Message, sender: Sender, services: Services) -> None:
    """What this is, and its licences."""
    await _say(message, "about", sender, services, version=services.settings.version)


async def unknown_command(message: Message, sender: Sender, services: Services) -> None:
    """A command that is none of ours; an administrator's command looks the same to everybody else."""
    await sender.meet()
    sorry = services.texts.get("help-unknown", sender.locale)
    private = message.chat.type == "private"
    more = _help_text(sender, services) if private else services.texts.get("help-group", sender.locale)
    text = f"{sorry}\n\n{more}" if private else f"{sorry} {more}"
    services.courier.say(destination_of(message), text, asker=sender.user.id)


async def hidden_command(message: Message, sender: Sender | None, services: Services) -> None:
    """An order of somebody who hides behind a group could be pressed by nobody."""
    locale = sender.locale if sender else FALLBACK
    # Anonymous administrators are one to us, so they share one answer that waits.
    asker = sender.user.id if sender else message.chat.id
    services.courier.say(destination_of(message), services.texts.get("help-anonymous", locale), asker=asker)


async def ignored(_message: Message) -> None:
    """The talk of channels, other bots and anonymous administrators is not for us."""


async def old_button(callback: CallbackQuery, sender: Sender, services: Services) -> None:
    """A button this version does not know."""
    await sender.meet()
    services.courier.answer(callback.id, services.texts.plain("press-old", sender.locale), alert=True)


async def blocked(event: ChatMemberUpdated, services: Services) -> None:
    """They blocked the bot: remember it, and stop painting for them."""
    user = event.from_user.id
    await services.patience.insist(lambda: services.storage.learners.set_blocked(user, blocked=True))
    services.courier.blocked(user)


async def unblocked(event: ChatMemberUpdated, services: Services) -> None:
    """They let the bot back in."""
    user = event.from_user.id
    await services.patience.insist(lambda: services.storage.learners.set_blocked(user, blocked=False))


async def welcomed(event: ChatMemberUpdated, sender: Sender, services: Services) -> None:
    """Somebody put the bot into a group."""
    destination = Destination(chat=event.chat.id, private=False)
    services.courier.say(destination, services.texts.get("start-group", sender.locale))


class OncePerAlbum:
    """Words only: said once for ten photos sent as one album."""

    def __init__(self) -> None:
        self._seen: dict[str, None] = {}

    async def words_only(self, message: Message, sender: Sender, services: Services) -> None:
        """Say it, unless it was said for this album."""
        album = message.media_group_id
        if album is not None and album in self._seen:
            return
        if album is not None:
            self._seen[album] = None
            self._seen = dict.fromkeys(list(self._seen)[-_ALBUMS_REMEMBERED:])
        await _say(message, "help-words-only", sender, services)


async def _is_hidden(_message: Message, sender: Sender | None) -> bool:
    return sender is None or sender.anonymous


async def _say(message: Message, key: str, sender: Sender, services: Services, **args: str) -> None:
    await sender.meet()
    text = services.texts.get(key, sender.locale, **args)
    services.courier.say(destination_of(message), text, asker=sender.user.id)


async def _say_help(message: Message, sender: Sender, services: Services) -> None:
    await sender.meet()
    services.courier.say(destination_of(message), _help_text(sender, services), asker=sender.user.id)


def _help_text(sender: Sender, services: Services) -> str:
    return services.texts.get("help", sender.locale, styles=" · ".join(STYLES))
