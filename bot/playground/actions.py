"""What learners do: write, tap, block, make groups.

Knows which updates the bot gets of it and which ones privacy mode keeps from it; knows nothing of HTTP.
"""

import json
import time
from typing import Any

from bot.playground import messages, people
from bot.playground.entities import find_entities
from bot.playground.keyboards import buttons
from bot.playground.methods_bot import bot_membership, menu
from bot.playground.people import NoSuch
from bot.playground.schema.check import utf16_length
from bot.playground.state import BOT_ID, BOT_USERNAME, Json, Tx, opaque


class NotPossible(ValueError):
    """A learner's client would not let them do this."""


def write(tx: Tx, learner: int, chat: int | None, text: str, reply_to: int | None) -> Json:
    """A learner writes a message.

    Args:
        tx: Transaction.
        learner: Who writes.
        chat: Where; None is the private chat.
        text: At most 4096 UTF-16 units, as clients split longer ones.
        reply_to: Message id in the same chat.

    Returns:
        ``message`` and ``update_id`` (None where the bot does not get to see it).

    Raises:
        NoSuch: Learner, chat or replied message.
        NotPossible: Empty or too long; not a member; the learner has blocked the bot.
    """
    chat = learner if chat is None else chat
    author = _member(tx, learner, chat)
    text = text.strip()
    _check_text(text)
    content: Json = {"text": text}
    if entities := find_entities(text):
        content["entities"] = entities
    if reply_to is not None:
        content["reply_to_message"] = messages.quoted(_message(tx, chat, reply_to))
    message = messages.write(tx, chat, author, content, time.time())
    update = tx.update("message", message, time.time()) if _bot_reads(tx, chat, message) else None
    return {"message": message, "update_id": update}


def _check_text(text: str) -> None:
    if not text:
        raise NotPossible("a message needs some text")
    if utf16_length(text) > messages.MAX_TEXT:
        raise NotPossible(f"a message holds at most {messages.MAX_TEXT} characters")
    if any("\ud800" <= ch <= "\udfff" for ch in text):
        raise NotPossible("half a surrogate pair is not a character")


def _member(tx: Tx, learner: int, chat: int) -> Json:
    user = people.user_of(tx, learner)
    if learner not in people.chat_info(tx, chat)["members"]:
        raise NotPossible("this learner is not in that chat")
    if chat == learner and people.is_blocked(tx, learner):
        raise NotPossible("this learner has blocked the bot")
    return user


def _message(tx: Tx, chat: int, number: int) -> Json:
    message = messages.find(tx, chat, number)
    if message is None:
        raise NoSuch(f"there is no message {number} in chat {chat}")
    return message


def _bot_reads(tx: Tx, chat: int, message: Json) -> bool:
    """Privacy mode: in groups a bot sees commands meant for it and replies to its own messages."""
    row = tx.one("SELECT type, bot_left FROM chats WHERE id = ?", chat)
    assert row is not None  # the message has just been written there
    if row["type"] == "private":
        return True
    if row["bot_left"]:
        return False
    if message.get("reply_to_message", {}).get("from", {}).get("id") == BOT_ID:
        return True
    command = next((e for e in message.get("entities", ()) if e["type"] == "bot_command" and e["offset"] == 0), None)
    if command is None:
        return False
    addressee = message["text"][: command["length"]].partition("@")[2]
    return addressee.lower() in {"", BOT_USERNAME}


def tap(tx: Tx, learner: int, chat: int, number: int, button: Json) -> str:
    """A learner taps a callback button.

    Args:
        tx: Transaction.
        learner: Who taps.
        chat: Where.
        number: The message with the button.
        button: ``data`` or ``label``; ``forge`` sends data no button has.

    Returns:
        The callback query's id.

    Raises:
        NoSuch: Learner, chat, message or button.
        NotPossible: Not a member, or the learner has blocked the bot.
    """
    user = _member(tx, learner, chat)
    message = _message(tx, chat, number)
    data = _data(tx, message, button)
    query = str(tx.count("callbacks", 4_294_967_297_000_001))
    now = time.time()
    sql = "INSERT INTO callbacks (id, learner, chat, message, at) VALUES (?, ?, ?, ?, ?)"
    tx.do(sql, query, learner, chat, number, now)
    body = {"id": query, "from": user, "message": message, "chat_instance": _instance(tx, chat), "data": data}
    tx.update("callback_query", body, now)
    tx.tell("tap", chat=chat, learner=learner, message=number, callback=query, data=data)
    return query


def _data(tx: Tx, message: Json, button: Json) -> str:
    data = button.get("data")
    if data is None:
        label = button.get("label")
        data = next((b["callback_data"] for b in buttons(message) if b["text"] == label and "callback_data" in b), None)
        if data is None:
            raise NoSuch(f"message {message['message_id']} has no callback button {label!r}")
        return str(data)
    row = tx.one("SELECT offered FROM messages WHERE chat = ? AND id = ?", message["chat"]["id"], message["message_id"])
    assert row is not None  # the caller has just read the message
    if not button.get("forge") and data not in json.loads(row["offered"]):
        raise NoSuch(f"message {message['message_id']} never had a button with this data")
    return str(data)


def _instance(tx: Tx, chat: int) -> str:
    """The chat_instance of a chat: opaque, the same for ever."""
    name = f"instance {chat}"
    if (known := tx.remembered(name)) is None:
        known = opaque(8)
        tx.remember(name, known)
    return str(known)


def callback_answer(tx: Tx, query: str) -> Json | None:
    """What the bot answered to a tap, None while it has not."""
    row = tx.one("SELECT answer FROM callbacks WHERE id = ?", query)
    return json.loads(row["answer"]) if row and row["answer"] else None


def change(tx: Tx, learner: int, changes: Json) -> Json:
    """A learner switches language or name, blocks or unblocks the bot (the bot is told by my_chat_member)."""
    before = people.is_blocked(tx, learner)
    after = people.change_learner(tx, learner, changes)
    if after["blocked"] != before:
        _tell_membership(tx, learner, learner, was=not before, now=before)
    return after


def _tell_membership(tx: Tx, chat: int, learner: int, *, was: bool, now: bool) -> None:
    private = chat > 0
    body = {
        "chat": people.telegram_chat(tx, chat),
        "from": people.user_of(tx, learner),
        "date": int(time.time()),
        "old_chat_member": bot_membership(tx, present=was, private=private),
        "new_chat_member": bot_membership(tx, present=now, private=private),
    }
    tx.update("my_chat_member", body, time.time())


def group(tx: Tx, title: str, members: list[int]) -> Json:
    """A learner (the first named) makes a group and adds the others and the bot."""
    if not members:
        raise NotPossible("a group needs at least one learner")
    chat = people.add_group(tx, title, members)
    _tell_membership(tx, chat, members[0], was=False, now=True)
    author = people.user_of(tx, members[0])
    newcomers = [people.bot_user(tx), *(people.user_of(tx, number) for number in members[1:])]
    message = messages.write(tx, chat, author, {"new_chat_members": newcomers}, time.time())
    tx.update("message", message, time.time())
    return people.chat_info(tx, chat)


def chat_state(tx: Tx, chat: Json, learner: int | None) -> Json:
    """A chat with its messages and the command menu a learner sees in it."""
    return chat | {"messages": messages.history(tx, chat["id"]), "commands": menu(tx, chat["id"], learner)}


def state(tx: Tx, learner: int | None = None, chat: int | None = None) -> list[Json]:
    """The chats of a learner, one chat, or every chat, with their messages."""
    found = people.chats(tx, learner) if chat is None else [people.chat_info(tx, chat)]
    return [chat_state(tx, one, learner) for one in found]


def session(tx: Tx) -> dict[str, Any]:
    """Who is there: the bot, the learners, the chats."""
    return {"bot": people.bot_user(tx), "learners": people.learners(tx), "chats": people.chats(tx)}
