"""Learners, chats and who is in them; knows Telegram's User and Chat objects, not messages."""

import json
from typing import Any

from bot.playground.refusals import BLOCKED, Refusal, bad
from bot.playground.state import BOT_ID, BOT_USERNAME, FIRST_LEARNER, Json, Tx

GROUP_BASE = -1_001_000_000_000


class NoSuch(LookupError):
    """The control API named a learner, chat or message that is not there."""


def bot_user(tx: Tx, *, full: bool = False) -> Json:
    """The bot as a User; ``full`` adds what only getMe tells."""
    row = tx.one("SELECT text FROM texts WHERE name = 'name' AND language = ''")
    user = {"id": BOT_ID, "is_bot": True, "first_name": row[0] if row else "Wordbrush", "username": BOT_USERNAME}
    if not full:
        return user
    yes = {"can_join_groups": True}
    no = dict.fromkeys(
        ("can_read_all_group_messages", "supports_inline_queries", "can_connect_to_business", "has_main_web_app"), False
    )
    return user | yes | no


def ensure_first_learner(tx: Tx) -> None:
    """Somebody must be there to write the first word."""
    if tx.one("SELECT 1 FROM learners") is None:
        add_learner(tx, {"first_name": "You", "language_code": "en"}, number=FIRST_LEARNER)


def add_learner(tx: Tx, about: Json, number: int | None = None) -> Json:
    """A new learner with a private chat; ``about`` holds first_name, last_name, username, language_code."""
    if number is None:
        number = tx.count("learners", FIRST_LEARNER + 1)
    user = {"id": number, "is_bot": False} | {k: v for k, v in about.items() if v}
    tx.do("INSERT INTO learners (id, user) VALUES (?, ?)", number, json.dumps(user, ensure_ascii=False))
    tx.do("INSERT INTO chats (id, type, title) VALUES (?, 'private', ?)", number, user["first_name"])
    tx.do("INSERT INTO members VALUES (?, ?)", number, number)
    tx.tell("learner", learner=learner(tx, number))
    tx.tell("chat", chat=number, info=chat_info(tx, number))
    return learner(tx, number)


def change_learner(tx: Tx, number: int, changes: Json) -> Json:
    """New language or name; whether ``blocked`` changed is the caller's to tell the bot."""
    user = user_of(tx, number) | {k: v for k, v in changes.items() if k != "blocked" and v is not None}
    tx.do("UPDATE learners SET user = ? WHERE id = ?", json.dumps(user, ensure_ascii=False), number)
    tx.do("UPDATE chats SET title = ? WHERE id = ?", user["first_name"], number)
    if changes.get("blocked") is not None:
        tx.do("UPDATE learners SET blocked = ? WHERE id = ?", int(changes["blocked"]), number)
    tx.tell("learner", learner=learner(tx, number))
    return learner(tx, number)


def user_of(tx: Tx, number: int) -> Json:
    """A learner as the Bot API's User. Raises NoSuch."""
    row = tx.one("SELECT user FROM learners WHERE id = ?", number)
    if row is None:
        raise NoSuch(f"there is no learner {number}")
    user: Json = json.loads(row["user"])
    return user


def is_blocked(tx: Tx, number: int) -> bool:
    """Whether this learner has blocked the bot."""
    row = tx.one("SELECT blocked FROM learners WHERE id = ?", number)
    return row is not None and bool(row["blocked"])


def learner(tx: Tx, number: int) -> Json:
    """A learner as the control API shows it."""
    user = user_of(tx, number)
    del user["is_bot"]
    return user | {"blocked": is_blocked(tx, number)}


def learners(tx: Tx) -> list[Json]:
    """Everybody, in the order they came."""
    return [learner(tx, row["id"]) for row in tx.all("SELECT id FROM learners ORDER BY id")]


def add_group(tx: Tx, title: str, members: list[int]) -> int:
    """A supergroup of these learners and the bot; its id."""
    for number in members:
        user_of(tx, number)
    chat = GROUP_BASE - tx.count("groups")
    tx.do("INSERT INTO chats (id, type, title) VALUES (?, 'supergroup', ?)", chat, title)
    for number in members:
        tx.do("INSERT OR IGNORE INTO members VALUES (?, ?)", chat, number)
    tx.tell("chat", chat=chat, info=chat_info(tx, chat))
    return chat


def members(tx: Tx, chat: int) -> list[int]:
    """Ids of the learners in a chat."""
    return [row[0] for row in tx.all("SELECT learner FROM members WHERE chat = ? ORDER BY learner", chat)]


def chat_info(tx: Tx, chat: int) -> Json:
    """A chat as the control API shows it. Raises NoSuch."""
    row = tx.one("SELECT * FROM chats WHERE id = ?", chat)
    if row is None:
        raise NoSuch(f"there is no chat {chat}")
    return {"id": chat, "type": row["type"], "title": row["title"], "members": members(tx, chat)}


def chats(tx: Tx, number: int | None = None) -> list[Json]:
    """Every chat, or those of one learner; private ones first."""
    sql = "SELECT id FROM chats ORDER BY id < 0, abs(id)"
    found = [chat_info(tx, row["id"]) for row in tx.all(sql)]
    return [chat for chat in found if number is None or number in chat["members"]]


def telegram_chat(tx: Tx, chat: int) -> Json:
    """The Bot API's Chat object."""
    row = tx.one("SELECT type, title FROM chats WHERE id = ?", chat)
    if row is None:
        raise bad("chat not found")
    if row["type"] != "private":
        return {"id": chat, "type": row["type"], "title": row["title"]}
    user = user_of(tx, chat)
    return {"id": chat, "type": "private"} | {k: user[k] for k in ("first_name", "last_name", "username") if k in user}


def reachable(tx: Tx, chat: Any) -> int:
    """The id of a chat the bot may write to.

    Args:
        tx: Transaction.
        chat: ``chat_id`` as the bot gave it: a number, or ``@username`` of a learner.

    Raises:
        Refusal: ``chat not found``; 403 where the learner blocked the bot or the bot left the group.
    """
    number = known_chat(tx, chat)
    row = tx.one("SELECT type, bot_left FROM chats WHERE id = ?", number)
    assert row is not None  # known_chat found it
    if row["type"] == "private" and is_blocked(tx, number):
        raise Refusal(403, BLOCKED)
    if row["bot_left"]:
        raise Refusal(403, "Forbidden: bot is not a member of the supergroup chat")
    return number


def known_chat(tx: Tx, chat: Any) -> int:
    """The id of a chat that exists. Raises Refusal ``chat not found``."""
    if isinstance(chat, str) and chat.startswith("@") and chat != "@":
        found = [one["id"] for one in learners(tx) if one.get("username", "").lower() == chat[1:].lower()]
        chat = found[0] if found else 0
    if not isinstance(chat, int) or tx.one("SELECT 1 FROM chats WHERE id = ?", chat) is None:
        raise bad("chat not found")
    return chat
