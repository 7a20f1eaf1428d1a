"""Methods that change or remove messages, and the answers to taps; knows their parameters and Telegram's refusals."""

import json

from bot.playground import messages
from bot.playground.messages import Ask
from bot.playground.methods_send import media_content
from bot.playground.people import known_chat, reachable
from bot.playground.refusals import QUERY_TOO_OLD, bad
from bot.playground.schema.check import utf16_length
from bot.playground.state import Json, Tx

MAX_TOAST = 200
_MAX_DELETED = 100


def _target(tx: Tx, ask: Ask) -> Json:
    if ask.get("inline_message_id"):
        raise bad("MESSAGE_ID_INVALID")
    if ask.get("chat_id") is None:
        raise bad("chat_id is empty")
    return messages.editable(tx, reachable(tx, ask.get("chat_id")), ask.get("message_id"))


def edit_message_text(tx: Tx, ask: Ask) -> Json:
    """``editMessageText``."""
    old = _target(tx, ask)
    content = messages.text_content(ask.parameters)
    if "text" not in old:
        raise bad("there is no text in the message to edit")
    return messages.replace(tx, old, content, ask.get("reply_markup"), ask.now)


def edit_message_caption(tx: Tx, ask: Ask) -> Json:
    """``editMessageCaption``."""
    old = _target(tx, ask)
    if "text" in old:
        raise bad("there is no caption in the message to edit")
    file = {k: v for k, v in messages.content_of(old).items() if k in {"photo", "document", "has_media_spoiler"}}
    return messages.replace(tx, old, file | messages.caption_content(ask.parameters), ask.get("reply_markup"), ask.now)


def edit_message_media(tx: Tx, ask: Ask) -> Json:
    """``editMessageMedia``: another photo or document, also in place of a text."""
    old = _target(tx, ask)
    content = media_content(tx, ask.get("media"), ask)
    if "media_group_id" in old and not set(content) & set(old) & {"photo", "document"}:
        raise bad("Can't use the media of the specified type in the album")
    return messages.replace(tx, old, content, ask.get("reply_markup"), ask.now)


def edit_message_reply_markup(tx: Tx, ask: Ask) -> Json:
    """``editMessageReplyMarkup``."""
    old = _target(tx, ask)
    return messages.replace(tx, old, messages.content_of(old), ask.get("reply_markup"), ask.now)


def delete_message(tx: Tx, ask: Ask) -> bool:
    """``deleteMessage``."""
    messages.delete(tx, known_chat(tx, ask.get("chat_id")), ask.get("message_id"), ask.now)
    return True


def delete_messages(tx: Tx, ask: Ask) -> bool:
    """``deleteMessages``: those that are not there are skipped."""
    chat, numbers = known_chat(tx, ask.get("chat_id")), ask.get("message_ids")
    if not isinstance(numbers, list) or not 1 <= len(numbers) <= _MAX_DELETED:
        raise bad("message identifiers are not specified")
    for number in numbers:
        if messages.find(tx, chat, number) is not None:
            messages.delete(tx, chat, number, ask.now)
    return True


def answer_callback_query(tx: Tx, ask: Ask) -> bool:
    """``answerCallbackQuery``: once, and while the learner's client still waits."""
    query = ask.get("callback_query_id")
    row = tx.one("SELECT * FROM callbacks WHERE id = ?", query)
    if row is None or row["answer"] is not None or ask.now - row["at"] > ask.query_ttl_s:
        raise bad(QUERY_TOO_OLD)
    text = ask.get("text", "")
    if utf16_length(text) > MAX_TOAST:
        raise bad("MESSAGE_TOO_LONG")
    answer = {"text": text, "alert": bool(ask.get("show_alert")), "url": ask.get("url")}
    tx.do("UPDATE callbacks SET answer = ? WHERE id = ?", json.dumps(answer, ensure_ascii=False), query)
    tx.tell("toast", chat=row["chat"], learner=row["learner"], message=row["message"], callback=query, **answer)
    return True


def set_message_reaction(tx: Tx, ask: Ask) -> bool:
    """``setMessageReaction``: at most one emoji, shown by the page."""
    chat, reaction = reachable(tx, ask.get("chat_id")), ask.get("reaction", [])
    if messages.find(tx, chat, ask.get("message_id")) is None:
        raise bad("message to react not found")
    if len(reaction) > 1:
        raise bad("REACTIONS_TOO_MANY")
    if any(one.get("type") != "emoji" for one in reaction):
        raise bad("REACTION_INVALID")
    tx.tell("reaction", chat=chat, message=ask.get("message_id"), reaction=reaction)
    return True


METHODS = {
    "editMessageText": edit_message_text,
    "editMessageCaption": edit_message_caption,
    "editMessageMedia": edit_message_media,
    "editMessageReplyMarkup": edit_message_reply_markup,
    "deleteMessage": delete_message,
    "deleteMessages": delete_messages,
    "answerCallbackQuery": answer_callback_query,
    "setMessageReaction": set_message_reaction,
}
