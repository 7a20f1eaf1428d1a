"""Derives ``bot_api.json`` from aiogram's source distribution; run by hand when aiogram moves to a newer Bot API.

Knows the layout of aiogram's ``.butcher/schema/schema.json`` and how the Bot API's prose words a limit, a constant or a
union; does not run in the playground itself. Usage::

    pip download --no-binary :all: --no-deps aiogram==3.31.0
    python -m bot.playground.schema.build aiogram-3.31.0.tar.gz
"""

import argparse
import json
import re
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bot.playground.schema import alternatives

MESSAGE, MESSAGES, EDITED = "Message", "Array of Message", "Message or True"

# What each method the playground carries out answers; the prose of the documentation is not regular enough to parse it.
RETURNS = {
    "answerCallbackQuery": "True",
    "copyMessage": "MessageId",
    "deleteMessage": "True",
    "deleteMessages": "True",
    "deleteMyCommands": "True",
    "deleteWebhook": "True",
    "editMessageCaption": EDITED,
    "editMessageMedia": EDITED,
    "editMessageReplyMarkup": EDITED,
    "editMessageText": EDITED,
    "forwardMessage": MESSAGE,
    "getChat": "ChatFullInfo",
    "getChatMember": "ChatMember",
    "getChatMemberCount": "Integer",
    "getFile": "File",
    "getMe": "User",
    "getMyCommands": "Array of BotCommand",
    "getMyDescription": "BotDescription",
    "getMyName": "BotName",
    "getMyShortDescription": "BotShortDescription",
    "getUpdates": "Array of Update",
    "getWebhookInfo": "WebhookInfo",
    "leaveChat": "True",
    "sendChatAction": "True",
    "sendDocument": MESSAGE,
    "sendMediaGroup": MESSAGES,
    "sendMessage": MESSAGE,
    "sendPhoto": MESSAGE,
    "setMessageReaction": "True",
    "setMyCommands": "True",
    "setMyDescription": "True",
    "setMyName": "True",
    "setMyShortDescription": "True",
    "setWebhook": "True",
}
SCALARS = {"Integer", "Float", "String", "Boolean", "True", "InputFile"}
_LIMIT = re.compile(r"(\d+)-(\d+) (characters|bytes)(?! after entit)")
_CONSTANT = re.compile(r"(?:must be|always) [“\"']?([a-z_]+)[”\"']?$")
_MEMBER = re.compile(r"^ ?- (\w+)$", re.MULTILINE)


def innermost(kind: str) -> list[str]:
    """The named types inside ``Array of Array of X or Y``."""
    return alternatives(kind.replace("Array of ", ""))


def _field(annotation: dict[str, Any]) -> dict[str, Any]:
    """One field: ``type``, and where they apply ``required``, ``const``, ``limit`` as [low, high, unit]."""
    out: dict[str, Any] = {"type": annotation["type"]}
    if annotation.get("required"):
        out["required"] = True
    said = annotation["description"].rstrip(".")
    if annotation["name"] in {"type", "status", "source"} and (constant := _CONSTANT.search(said)):
        out["const"] = constant.group(1)
    if annotation["type"] == "String" and (limit := _LIMIT.search(said)):
        out["limit"] = [int(limit[1]), int(limit[2]), limit[3]]
    return out


def _shape(entry: dict[str, Any]) -> dict[str, Any]:
    """A type's or a method's compact form: its fields, or the types it is one of."""
    if entry["annotations"] or entry["category"] == "methods":
        return {"fields": {a["name"]: _field(a) for a in entry["annotations"]}}
    members = _MEMBER.findall(entry["description"])
    return {"one_of": members} if members else {"fields": {}}


def _named(shape: dict[str, Any]) -> Iterator[str]:
    yield from shape.get("one_of", ())
    for field in shape.get("fields", {}).values():
        yield from innermost(field["type"])


def _reach(start: set[str], entries: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Every type reachable from the names given, in compact form."""
    types: dict[str, dict[str, Any]] = {}
    waiting = sorted(start - SCALARS)
    while waiting:
        name = waiting.pop()
        if name in types or name in SCALARS or name not in entries:
            continue
        types[name] = _shape(entries[name])
        waiting.extend(_named(types[name]))
    return dict(sorted(types.items()))


def derive(schema: dict[str, Any]) -> dict[str, Any]:
    """The subset the playground checks against.

    Args:
        schema: The decoded ``schema.json`` of aiogram.

    Returns:
        ``api`` (version), ``methods`` (supported: fields and returns), ``types`` (reachable), ``known`` (every method).
    """
    entries = {entry["name"]: entry for group in schema["items"] for entry in group["children"]}
    methods = {name: _shape(entries[name]) | {"returns": returns} for name, returns in sorted(RETURNS.items())}
    start = {"Update", "CallbackQuery"}
    for method in methods.values():
        start.update(_named(method), innermost(method["returns"]))
    known = sorted(name for name, entry in entries.items() if entry["category"] == "methods")
    return {"api": schema["api"]["version"], "methods": methods, "types": _reach(start, entries), "known": known}


def read_schema(sdist: Path) -> dict[str, Any]:
    """The schema file inside an aiogram source distribution (``.tar.gz``)."""
    with tarfile.open(sdist) as archive:
        for member in archive:
            if member.name.endswith("/.butcher/schema/schema.json"):
                file = archive.extractfile(member)
                assert file is not None
                return json.load(file)  # type: ignore[no-any-return]  # json.load returns Any by declaration
    raise SystemExit(f"{sdist} holds no .butcher/schema/schema.json")


def main() -> None:
    """Command line: the source distribution in, ``bot_api.json`` out."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("sdist", type=Path)
    parser.add_argument("--out", type=Path, default=Path(__file__).with_name("bot_api.json"))
    options = parser.parse_args()
    derived = derive(read_schema(options.sdist))
    text = json.dumps(derived, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    options.out.write_text(text.replace('},"', '},\n"') + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
