"""House rules of the outgoing side, read from the source."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import bot

ROOT = Path(bot.__file__).parent
STRANGERS = {"playground", "bench"}
"""Rooms that are no part of the bot in front of learners: a server, and measurements that drive it from outside."""
SENDING = ("send_", "edit_", "answer_", "copy_", "forward_", "delete_message", "stop_", "pin_")
SHORTCUTS = {"answer", "reply", "edit_text", "edit_caption", "edit_media", "edit_reply_markup", "delete"}
OUTBOX = "outbox.py"


def modules() -> list[Path]:
    found = [path for path in ROOT.rglob("*.py") if not STRANGERS & set(path.relative_to(ROOT).parts)]
    assert len(found) > 20, "the test looks at too little"
    return found


def calls(path: Path) -> Iterator[ast.Call]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return (node for node in ast.walk(tree) if isinstance(node, ast.Call))


def called(call: ast.Call) -> tuple[str, str]:
    """Who is called: the name left of the last dot, and the name right of it."""
    if isinstance(call.func, ast.Attribute):
        return ast.unparse(call.func.value).split(".")[-1].lstrip("_"), call.func.attr
    return "", ast.unparse(call.func)


def test_only_the_outbox_hands_a_method_to_the_bot() -> None:
    seen, guilty = 0, []
    for path in modules():
        for call in calls(path):
            owner, name = called(call)
            by_hand = name.lstrip("_") == "bot" and call.args
            by_shortcut = owner == "bot" and name.startswith(SENDING)
            seen += 1
            if (by_hand or by_shortcut) and path.name != OUTBOX:
                guilty.append(f"{path.relative_to(ROOT)}:{call.lineno} {owner}.{name}")
    assert seen > 1000, "the test looks at too little"
    assert guilty == []


def test_no_event_answers_itself() -> None:
    """`message.answer(...)` and its kin would send past the budget."""
    guilty = []
    for path in modules():
        for call in calls(path):
            owner, name = called(call)
            if owner in {"message", "callback", "query", "event", "press", "tap"} and name in SHORTCUTS:
                guilty.append(f"{path.relative_to(ROOT)}:{call.lineno} {owner}.{name}")
    assert guilty == []


def test_control_the_rules_find_what_they_look_for(tmp_path: Path) -> None:
    source = "await bot.send_photo(1, p)\nawait self._bot(method)\nawait message.answer('x')\n"
    found = [called(node) for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    assert found == [("bot", "send_photo"), ("self", "_bot"), ("message", "answer")]


def test_only_the_nursery_creates_tasks() -> None:
    makers = {"create_task", "ensure_future"}
    guilty = {str(path.relative_to(ROOT)) for path in modules() for call in calls(path) if called(call)[1] in makers}
    assert guilty == {"nursery.py"}


def test_photos_are_never_sent_only_edited_in() -> None:
    for path in modules():
        names = {
            node.id for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Name)
        }
        assert "SendPhoto" not in names, path.name
