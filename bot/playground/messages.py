"""Messages: writing, finding, changing and deleting them; knows the Message object and who may do what to it.

Does not know how a request came in. Every function runs inside a transaction of the store.
"""

import json
from dataclasses import dataclass, field
from typing import Any

from bot.playground.entities import formatted
from bot.playground.keyboards import callback_data, inline_keyboard, question
from bot.playground.people import bot_user, telegram_chat
from bot.playground.refusals import NOT_MODIFIED, bad
from bot.playground.schema.check import utf16_length
from bot.playground.state import BOT_ID, Json, Tx
from bot.playground.wire import Part

MAX_TEXT = 4096
MAX_CAPTION = 1024
_DELETABLE_S = 48 * 3600
CONTENT = (
    "text",
    "entities",
    "caption",
    "caption_entities",
    "photo",
    "document",
    "has_media_spoiler",
    "show_caption_above_media",
)


@dataclass(frozen=True)
class Ask:
    """One call of a method: its checked parameters, its files, the time in unix seconds."""

    parameters: Json
    parts: dict[str, Part] = field(default_factory=dict)
    now: float = 0.0
    query_ttl_s: float = 900.0

    def get(self, name: str, default: Any = None) -> Any:
        """A parameter, or the default where the bot left it out."""
        return self.parameters.get(name, default)


def text_content(source: Json) -> Json:
    """``text`` and ``entities`` of a message to be, parsed and measured.

    Raises:
        Refusal: Empty, too long (4096 UTF-16 units after parsing) or broken markup.
    """
    text, entities = formatted(source.get("text", ""), source.get("parse_mode", ""), source.get("entities"))
    if not text:
        raise bad("message text is empty")
    if utf16_length(text) > MAX_TEXT:
        raise bad("message is too long")
    return {"text": text} | ({"entities": entities} if entities else {})


def caption_content(source: Json) -> Json:
    """``caption`` and what belongs to it, for a photo or document (1024 UTF-16 units after parsing)."""
    text, entities = formatted(source.get("caption", ""), source.get("parse_mode", ""), source.get("caption_entities"))
    if utf16_length(text) > MAX_CAPTION:
        raise bad("message caption is too long")
    out: Json = {"caption": text} if text else {}
    if entities:
        out["caption_entities"] = entities
    if source.get("show_caption_above_media"):
        out["show_caption_above_media"] = True
    return out | ({"has_media_spoiler": True} if source.get("has_spoiler") else {})


def find(tx: Tx, chat: int, number: Any) -> Json | None:
    """A stored message."""
    row = tx.one("SELECT body FROM messages WHERE chat = ? AND id = ?", chat, number)
    return json.loads(row["body"]) if row else None


def history(tx: Tx, chat: int, limit: int = 500) -> list[Json]:
    """The last messages of a chat, oldest first."""
    sql = "SELECT body FROM messages WHERE chat = ? ORDER BY id DESC LIMIT ?"
    return [json.loads(row["body"]) for row in reversed(tx.all(sql, chat, limit))]


def next_id(tx: Tx, chat: int) -> int:
    """A message id: private chats share one row of numbers, a group has its own, as at Telegram."""
    return tx.count("messages" if chat > 0 else f"messages of {chat}")


def write(tx: Tx, chat: int, author: Json, content: Json, now: float, *, question: Json | None = None) -> Json:
    """Stores a new message and tells the watchers; returns the Message.

    A `question` is a ForceReply: no part of the message, only an instruction to whoever sees it arrive.
    """
    head = {"message_id": next_id(tx, chat), "from": author, "chat": telegram_chat(tx, chat), "date": int(now)}
    message = head | content
    tx.do(
        "INSERT INTO messages (chat, id, body, offered) VALUES (?, ?, ?, ?)",
        chat,
        message["message_id"],
        json.dumps(message, ensure_ascii=False),
        json.dumps(callback_data(message)),
    )
    tx.tell("message", chat=chat, message=message, **({"force_reply": question} if question else {}))
    return message


def send(tx: Tx, chat: int, content: Json, ask: Ask) -> Json:
    """A message of the bot, with its reply and keyboard from the call's parameters."""
    if chat < 0 and ask.get("message_thread_id"):
        raise bad("message thread not found")
    extra: Json = {}
    reply = ask.get("reply_parameters") or {}
    if replied := _replied(tx, chat, reply):
        extra["reply_to_message"] = replied
        extra |= _quote(replied, reply)
    if keyboard := inline_keyboard(ask.get("reply_markup")):
        extra["reply_markup"] = keyboard
    if ask.get("protect_content"):
        extra["has_protected_content"] = True
    return write(tx, chat, bot_user(tx), content | extra, ask.now, question=question(ask.get("reply_markup")))


def _quote(replied: Json, reply: Json) -> Json:
    """The part of the replied message a reply quotes. Raises Refusal where that message does not hold it."""
    text, entities = formatted(reply.get("quote", ""), reply.get("quote_parse_mode", ""), reply.get("quote_entities"))
    if not text:
        return {}
    before, found, _ = str(replied.get("text", replied.get("caption", ""))).partition(text)
    if not found or utf16_length(text) > MAX_CAPTION:
        raise bad("QUOTE_TEXT_INVALID")
    quote = {"text": text, "position": utf16_length(before), "is_manual": True}
    return {"quote": quote | ({"entities": entities} if entities else {})}


def _replied(tx: Tx, chat: int, reply: Json) -> Json | None:
    if "message_id" not in reply:
        return None
    if reply.get("chat_id", chat) != chat:
        raise bad("the playground knows no replies to other chats")
    message = find(tx, chat, reply["message_id"])
    if message is None and not reply.get("allow_sending_without_reply"):
        raise bad("message to be replied not found")
    return quoted(message) if message else None


def quoted(message: Json) -> Json:
    """A message as it stands inside another one: without its own reply and keyboard."""
    return {k: v for k, v in message.items() if k not in {"reply_to_message", "reply_markup"}}


def editable(tx: Tx, chat: int, number: Any) -> Json:
    """The bot's own message to be edited. Raises Refusal where there is none or it is somebody else's."""
    if number is None:
        raise bad("message identifier is not specified")
    message = find(tx, chat, number)
    if message is None:
        raise bad("message to edit not found")
    if message["from"]["id"] != BOT_ID:
        raise bad("message can't be edited")
    return message


def replace(tx: Tx, old: Json, content: Json, markup: Any, now: float) -> Json:
    """Puts new content and keyboard into a message.

    Raises:
        Refusal: ``message is not modified`` where nothing would change.
    """
    kept = {k: v for k, v in old.items() if k not in CONTENT and k != "reply_markup"}
    new = kept | content
    if keyboard := inline_keyboard(markup):
        new["reply_markup"] = keyboard
    if {k: v for k, v in new.items() if k != "edit_date"} == {k: v for k, v in old.items() if k != "edit_date"}:
        raise bad(NOT_MODIFIED)
    new["edit_date"] = int(now)
    chat, number = old["chat"]["id"], old["message_id"]
    row = tx.one("SELECT offered FROM messages WHERE chat = ? AND id = ?", chat, number)
    assert row is not None  # the caller has just read the message
    offered = sorted({*json.loads(row["offered"]), *callback_data(new)})
    sql = "UPDATE messages SET body = ?, offered = ? WHERE chat = ? AND id = ?"
    tx.do(sql, json.dumps(new, ensure_ascii=False), json.dumps(offered), chat, number)
    tx.tell("edit", chat=chat, message=new)
    return new


def content_of(message: Json) -> Json:
    """The part of a message an edit of its keyboard alone leaves as it is."""
    return {k: message[k] for k in CONTENT if k in message}


def delete(tx: Tx, chat: int, number: int, now: float) -> None:
    """Deletes a message for everyone.

    Raises:
        Refusal: Not there; older than 48 hours; somebody else's in a group, where the bot is no administrator.
    """
    message = find(tx, chat, number)
    if message is None:
        raise bad("message to delete not found")
    foreign = chat < 0 and message["from"]["id"] != BOT_ID
    if foreign or now - message["date"] > _DELETABLE_S:
        raise bad("message can't be deleted for everyone")
    tx.do("DELETE FROM messages WHERE chat = ? AND id = ?", chat, number)
    tx.tell("delete", chat=chat, messages=[number])
