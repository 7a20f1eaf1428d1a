"""Methods about the bot itself, its commands and texts, chats and files; knows scopes and languages, not messages."""

import json
import re
from collections.abc import Callable
from typing import Any

from bot.playground import files, people
from bot.playground.messages import Ask
from bot.playground.refusals import bad
from bot.playground.state import BOT_ID, Json, Tx

_COMMAND = re.compile(r"[a-z0-9_]{1,32}")
_LANGUAGE = re.compile(r"[a-z]{2}")
MAX_COMMANDS = 100


def get_me(tx: Tx, _ask: Ask) -> Json:
    """``getMe``."""
    return people.bot_user(tx, full=True)


def _scope(tx: Tx, ask: Ask) -> str:
    """A scope as a key: its type, its chat and its user. Raises Refusal for a chat that is not there."""
    scope = ask.get("scope") or {"type": "default"}
    if "chat_id" not in scope:
        return str(scope["type"])
    chat = people.known_chat(tx, scope["chat_id"])
    return f"{scope['type']} {chat} {scope.get('user_id', '')}".strip()


def _language(ask: Ask) -> str:
    language = ask.get("language_code", "")
    if language and not _LANGUAGE.fullmatch(language):
        raise bad("LANG_CODE_INVALID")
    return str(language)


def set_my_commands(tx: Tx, ask: Ask) -> bool:
    """``setMyCommands``."""
    scope, language, commands = _scope(tx, ask), _language(ask), ask.get("commands")
    if len(commands) > MAX_COMMANDS:
        raise bad("BOT_COMMANDS_TOO_MUCH")
    kept = [command | {"command": command["command"].removeprefix("/")} for command in commands]
    if not all(_COMMAND.fullmatch(command["command"]) for command in kept):
        raise bad("BOT_COMMAND_INVALID")
    body = json.dumps(kept, ensure_ascii=False)
    tx.do("INSERT OR REPLACE INTO commands VALUES (?, ?, ?)", scope, language, body)
    tx.tell("commands")
    return True


def get_my_commands(tx: Tx, ask: Ask) -> list[Json]:
    """``getMyCommands``: exactly this scope and language."""
    return _commands(tx, _scope(tx, ask), _language(ask)) or []


def delete_my_commands(tx: Tx, ask: Ask) -> bool:
    """``deleteMyCommands``."""
    tx.do("DELETE FROM commands WHERE scope = ? AND language = ?", _scope(tx, ask), _language(ask))
    tx.tell("commands")
    return True


def _commands(tx: Tx, scope: str, language: str) -> list[Json] | None:
    row = tx.one("SELECT body FROM commands WHERE scope = ? AND language = ?", scope, language)
    return json.loads(row["body"]) if row else None


def menu(tx: Tx, chat: int, learner: int | None) -> list[Json]:
    """The commands a learner sees in a chat: the narrowest scope first, in each the learner's language first."""
    language = people.user_of(tx, learner).get("language_code", "")[:2] if learner else ""
    everywhere = "all_private_chats" if chat > 0 else "all_group_chats"
    scopes = [f"chat_member {chat} {learner}", f"chat {chat}", everywhere, "default"]
    if learner is None:
        scopes = ["default"]
    for scope in scopes:
        for one in dict.fromkeys((language, "")):
            if (found := _commands(tx, scope, one)) is not None:
                return found
    return []


def _setter(name: str, parameter: str) -> Callable[[Tx, Ask], bool]:
    def set_text(tx: Tx, ask: Ask) -> bool:
        language, text = _language(ask), ask.get(parameter, "")
        tx.do("DELETE FROM texts WHERE name = ? AND language = ?", name, language)
        if text:
            tx.do("INSERT INTO texts VALUES (?, ?, ?)", name, language, text)
        tx.tell("bot", bot=people.bot_user(tx))
        return True

    return set_text


def _getter(name: str, parameter: str) -> Callable[[Tx, Ask], Json]:
    def get_text(tx: Tx, ask: Ask) -> Json:
        sql = "SELECT text FROM texts WHERE name = ? AND language IN (?, '') ORDER BY language DESC"
        row = tx.one(sql, name, _language(ask))
        default = people.bot_user(tx)["first_name"] if name == "name" else ""
        return {parameter: row[0] if row else default}

    return get_text


def get_file(tx: Tx, ask: Ask) -> Json:
    """``getFile``: 20 MB at most, as at Telegram."""
    row = tx.one("SELECT unique_id, kind, size FROM files WHERE file_id = ?", ask.get("file_id"))
    if row is None:
        raise bad("wrong file_id or the file is temporarily unavailable")
    if row["size"] > files.MAX_DOWNLOAD:
        raise bad("file is too big")
    path = f"{row['kind']}s/{ask.get('file_id')}"
    return {
        "file_id": ask.get("file_id"),
        "file_unique_id": row["unique_id"],
        "file_size": row["size"],
        "file_path": path,
    }


def get_chat(tx: Tx, ask: Ask) -> Json:
    """``getChat``."""
    chat = people.telegram_chat(tx, people.known_chat(tx, ask.get("chat_id")))
    gifts = ("unlimited_gifts", "limited_gifts", "unique_gifts", "premium_subscription", "gifts_from_channels")
    accepted = dict.fromkeys(gifts, False)
    return chat | {"accent_color_id": chat["id"] % 7, "max_reaction_count": 11, "accepted_gift_types": accepted}


def get_chat_member(tx: Tx, ask: Ask) -> Json:
    """``getChatMember``."""
    chat, user = people.known_chat(tx, ask.get("chat_id")), ask.get("user_id")
    if user == BOT_ID:
        return bot_membership(tx, present=not _left(tx, chat))
    if user not in people.members(tx, chat):
        raise bad("PARTICIPANT_ID_INVALID")
    return {"status": "member", "user": people.user_of(tx, user)}


def bot_membership(tx: Tx, *, present: bool, private: bool = False) -> Json:
    """The bot as a ChatMember, in a group or in the eyes of a learner who blocked it."""
    if present:
        return {"status": "member", "user": people.bot_user(tx)}
    if private:
        return {"status": "kicked", "user": people.bot_user(tx), "until_date": 0}
    return {"status": "left", "user": people.bot_user(tx)}


def _left(tx: Tx, chat: int) -> bool:
    row = tx.one("SELECT bot_left FROM chats WHERE id = ?", chat)
    return row is not None and bool(row["bot_left"])


def get_chat_member_count(tx: Tx, ask: Ask) -> int:
    """getChatMemberCount, the bot included."""
    chat = people.known_chat(tx, ask.get("chat_id"))
    return len(people.members(tx, chat)) + (not _left(tx, chat))


def leave_chat(tx: Tx, ask: Ask) -> bool:
    """``leaveChat``: groups only."""
    chat = people.reachable(tx, ask.get("chat_id"))
    if chat > 0:
        raise bad("chat member status can't be changed in private chats")
    tx.do("UPDATE chats SET bot_left = 1 WHERE id = ?", chat)
    return True


METHODS: dict[str, Callable[[Tx, Ask], Any]] = {
    "getMe": get_me,
    "setMyCommands": set_my_commands,
    "getMyCommands": get_my_commands,
    "deleteMyCommands": delete_my_commands,
    "setMyName": _setter("name", "name"),
    "getMyName": _getter("name", "name"),
    "setMyDescription": _setter("description", "description"),
    "getMyDescription": _getter("description", "description"),
    "setMyShortDescription": _setter("short", "short_description"),
    "getMyShortDescription": _getter("short", "short_description"),
    "getFile": get_file,
    "getChat": get_chat,
    "getChatMember": get_chat_member,
    "getChatMemberCount": get_chat_member_count,
    "leaveChat": leave_chat,
}
