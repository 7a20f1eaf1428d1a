"""Methods that put something new into a chat; knows their parameters, leaves storing to the rooms beside it."""

from typing import Any

from bot.playground import files, messages
from bot.playground.messages import Ask
from bot.playground.people import bot_user, known_chat, reachable
from bot.playground.refusals import bad
from bot.playground.state import Json, Tx

_ACTIONS = {
    "typing",
    "upload_photo",
    "record_video",
    "upload_video",
    "record_voice",
    "upload_voice",
    "upload_document",
    "choose_sticker",
    "find_location",
    "record_video_note",
    "upload_video_note",
}
ALBUM = range(2, 11)


def send_message(tx: Tx, ask: Ask) -> Json:
    """``sendMessage``."""
    chat = reachable(tx, ask.get("chat_id"))
    return messages.send(tx, chat, messages.text_content(ask.parameters), ask)


def send_photo(tx: Tx, ask: Ask) -> Json:
    """``sendPhoto``."""
    return _send_file(tx, ask, "photo")


def send_document(tx: Tx, ask: Ask) -> Json:
    """``sendDocument``."""
    return _send_file(tx, ask, "document")


def _send_file(tx: Tx, ask: Ask, kind: str) -> Json:
    chat = reachable(tx, ask.get("chat_id"))
    content = messages.caption_content(ask.parameters)
    return messages.send(tx, chat, files.resolve(tx, kind, kind, ask.get(kind), ask.parts) | content, ask)


def media_content(tx: Tx, media: Json, ask: Ask) -> Json:
    """The content of one InputMedia, for albums and editMessageMedia."""
    kind = media.get("type")
    if kind not in {"photo", "document"}:
        raise bad(f"media of type {kind} is not supported by the playground")
    found = files.resolve(tx, kind, "media", media.get("media"), ask.parts)
    return found | messages.caption_content(media)


def send_media_group(tx: Tx, ask: Ask) -> list[Json]:
    """``sendMediaGroup``: all of an album or nothing."""
    chat = reachable(tx, ask.get("chat_id"))
    media = ask.get("media")
    if not isinstance(media, list) or len(media) not in ALBUM:
        raise bad("wrong number of messages specified: an album holds 2-10")
    if len({one.get("type") for one in media}) > 1:
        raise bad("document can't be mixed with other media types")
    group = {"media_group_id": str(tx.count("albums", 13_000_000_000_000_001))}
    return [messages.send(tx, chat, media_content(tx, one, ask) | group, ask) for one in media]


def send_chat_action(tx: Tx, ask: Ask) -> bool:
    """``sendChatAction``: shown for five seconds by the page."""
    chat = reachable(tx, ask.get("chat_id"))
    if ask.get("action") not in _ACTIONS:
        raise bad("wrong parameter action in request")
    tx.tell("typing", chat=chat, action=ask.get("action"))
    return True


def _source(tx: Tx, ask: Ask, what: str) -> Json:
    found = messages.find(tx, known_chat(tx, ask.get("from_chat_id")), ask.get("message_id"))
    if found is None:
        raise bad(f"message to {what} not found")
    return found


def copy_message(tx: Tx, ask: Ask) -> Json:
    """``copyMessage``: the content again, without a link to where it came from."""
    chat = reachable(tx, ask.get("chat_id"))
    content = messages.content_of(_source(tx, ask, "copy"))
    if not content:
        raise bad("message can't be copied")
    if ask.get("caption") is not None and "text" not in content:
        content = {k: v for k, v in content.items() if not k.startswith("caption")}
        content |= messages.caption_content(ask.parameters)
    return {"message_id": messages.send(tx, chat, content, ask)["message_id"]}


def forward_message(tx: Tx, ask: Ask) -> Json:
    """``forwardMessage``: the content with its origin."""
    chat = reachable(tx, ask.get("chat_id"))
    source = _source(tx, ask, "forward")
    content = messages.content_of(source)
    if not content:
        raise bad("message can't be forwarded")
    origin: dict[str, Any] = {"type": "user", "date": source["date"], "sender_user": source["from"]}
    return messages.write(tx, chat, bot_user(tx), {"forward_origin": origin} | content, ask.now)


METHODS = {
    "sendMessage": send_message,
    "sendPhoto": send_photo,
    "sendDocument": send_document,
    "sendMediaGroup": send_media_group,
    "sendChatAction": send_chat_action,
    "copyMessage": copy_message,
    "forwardMessage": forward_message,
}
