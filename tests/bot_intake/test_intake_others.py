"""Everything beside words and buttons: greetings, help, admins, blocks, accidents, the menu, and the wiring as a whole."""

from __future__ import annotations

import logging
import random
import re

import pytest
from aiogram.exceptions import TelegramBadRequest
from aiogram.methods import SetMyCommands, SetMyDescription, SetMyShortDescription
from aiogram.types import BotCommandScopeChat

from bot.callbacks import CancelPress, LanguagePress, OrderPress, Press, RestylePress, StylePress
from bot.commands_menu import publish

ADA, BOB, ADMIN, GROUP, BOT_ID = 1001, 1002, 9001, -500, 42


def member(room, status: str, old: str, *, user: int = ADA, chat: int | None = None):
    def state(status):
        more = {"until_date": 0} if status == "kicked" else {}
        return {"status": status, "user": {"id": BOT_ID, "is_bot": True, "first_name": "W"}} | more

    return {
        "chat": room.chat(chat or user),
        "from": room.person(user),
        "date": 1,
        "old_chat_member": state(old),
        "new_chat_member": state(status),
    }


@pytest.mark.parametrize("text", ["/start", "/start w_123", "/START", "/start@WordbrushBot x"])
async def test_start_greets_whatever_the_link_carried(room, text):
    await room.write(text)
    assert room.courier.said[0].text == room.services.texts.get("start", "en")
    assert await room.orders() == []


async def test_help_about_and_the_unknown(room):
    await room.write("/help")
    assert "style:ink" in room.courier.said[-1].text
    await room.write("/about")
    for word in ("0.1.0", "Apache", "Open Font License", "python-bidi", "LGPL"):
        assert word in room.courier.said[-1].text
    assert "<a " not in room.courier.said[-1].text
    await room.write("/dance")
    assert room.courier.said[-1].text.startswith(room.services.texts.get("help-unknown", "en"))
    await room.write("/dance@WordbrushBot", chat=GROUP)
    assert room.services.texts.get("help-group", "en") in room.courier.said[-1].text
    said = len(room.courier.said)
    await room.write("/dance@OtherBot")
    assert len(room.courier.said) == said


async def test_media_in_private_hears_words_only_once_an_album(room):
    photo = [{"file_id": "f", "file_unique_id": "u", "width": 1, "height": 1}]
    for _ in range(3):
        await room.write(photo=photo, media_group_id="7")
    assert len(room.courier.said) == 1
    assert room.courier.said[0].text == room.services.texts.get("help-words-only", "en")
    await room.write(
        sticker={
            "file_id": "f",
            "file_unique_id": "u",
            "type": "regular",
            "width": 1,
            "height": 1,
            "is_animated": False,
            "is_video": False,
        }
    )
    await room.write(photo=photo, chat=GROUP)
    assert len(room.courier.said) == 2
    await room.write(photo=photo, caption="/write 学习")
    assert (await room.order()).word == "学习"


async def test_service_messages_and_channel_posts_are_left_alone(room):
    await room.write(pinned_message=room.message("x", chat=GROUP), chat=GROUP)
    await room.write(new_chat_title="New", chat=GROUP)
    await room.feed(
        channel_post={
            "message_id": 5,
            "date": 1,
            "chat": {"id": -1007, "type": "channel", "title": "C"},
            "text": "/write 学习",
        }
    )
    assert not room.courier.said
    assert await room.orders() == []


async def test_blocking_and_coming_back(room):
    await room.write("学习")
    await room.feed(my_chat_member=member(room, "kicked", "member"))
    assert room.courier.lost == [ADA]
    assert (await room.storage.learners.get(ADA)).blocked
    await room.feed(my_chat_member=member(room, "member", "kicked"))
    assert not (await room.storage.learners.get(ADA)).blocked
    await room.feed(my_chat_member=member(room, "kicked", "member", chat=GROUP))
    assert room.courier.lost == [ADA]


async def test_a_new_group_is_greeted(room):
    await room.feed(my_chat_member=member(room, "member", "left", chat=GROUP))
    assert room.courier.said[0].text == room.services.texts.get("start-group", "en")
    await room.feed(my_chat_member=member(room, "left", "member", chat=GROUP))
    assert len(room.courier.said) == 1


async def test_gpu_without_a_gpu_says_so_and_what_would_change(room):
    await room.write("/write 学习 style:ink")
    await room.write("/gpu", user=ADMIN)
    text = room.courier.said[-1].text
    for part in ("painter", "1 waiting", "queued 1", "no GPU", "Test CPU", "2 cores", "Pictures kept", "Learners"):
        assert part in text
    advice = text.split("</b>")[-1]
    for part in ("needs no GPU", "12 GB", "diffusion engine"):
        assert part in advice


SPOOFS = [
    {"user": ADA, "person": {"username": "admin9001"}},
    {"user": 777000},
    {"user": 1087968824, "person": {"is_bot": True}},
    {"user": 136817688, "person": {"is_bot": True}},
    {
        "user": ADMIN,
        "forward_origin": {"type": "user", "date": 1, "sender_user": {"id": BOB, "is_bot": False, "first_name": "B"}},
    },
    {"user": ADMIN, "forward_origin": {"type": "hidden_user", "date": 1, "sender_user_name": "9001"}},
    {"user": ADMIN, "sender_chat": {"id": -1007, "type": "channel", "title": "9001"}},
    {"user": ADMIN, "via_bot": {"id": 5, "is_bot": True, "first_name": "X"}},
    {"user": ADMIN, "person": {"is_bot": True}},
    {"user": ADA, "reply_to_message": None},
    {"user": -ADMIN, "chat": GROUP},
]


async def test_nobody_passes_for_an_administrator(room):
    for spoof in SPOOFS:
        room.courier.said.clear()
        chat = GROUP if "sender_chat" in spoof else None
        await room.write("/gpu", **{"chat": chat} | spoof)
        assert not any("painter" in said.text for said in room.courier.said), spoof
    await room.write("/gpu", user=BOB)
    ordinary = room.courier.said[-1].text
    await room.write("/nonsense", user=BOB)
    assert room.courier.said[-1].text == ordinary


async def test_an_accident_is_told_with_a_reference_that_the_log_has(room, monkeypatch, caplog):
    async def explode(*_args, **_more):
        raise RuntimeError("secret path /etc/passwd 秘密")

    monkeypatch.setattr(room.storage.orders, "intake", explode, raising=False)
    with caplog.at_level(logging.INFO):
        await room.write("/write 学习")
    text = room.courier.said[0].text
    reference = re.search(r"[0-9a-f]{8}", text)
    assert reference
    assert text == room.services.texts.get("error-reference", "en", reference=reference[0])
    assert f"reference {reference[0]}: RuntimeError in explode" in caplog.text
    assert "秘密" not in caplog.text
    assert "学习" not in caplog.text
    assert "Traceback" not in caplog.text
    monkeypatch.setattr(room.storage.orders, "get", explode, raising=False)
    answer = await room.press(OrderPress(order=1, press=Press.AGAIN).pack(), language_code="ru")
    assert answer.alert
    assert re.search(r"[0-9a-f]{8}", answer.text or "")
    assert "passwd" not in text + (answer.text or "")


async def test_an_accident_without_a_chat_is_only_logged(room, monkeypatch, caplog):
    async def explode(*_args, **_more):
        raise RuntimeError

    monkeypatch.setattr(room.storage.learners, "set_blocked", explode, raising=False)
    await room.feed(my_chat_member=member(room, "kicked", "member"))
    assert "reference" in caplog.text
    assert not room.courier.said


async def test_every_handler_is_reached(room, monkeypatch):
    """Dependency injection by name fails only when a handler is called: so every one of them is called."""
    reached: set[str] = set()
    registered: set[str] = set()
    for router in room.dispatcher.chain_tail:
        for observer in router.observers.values():
            for handler in observer.handlers:
                name = handler.callback.__name__
                registered.add(name)
                real = handler.callback

                async def spy(*args, _real=real, _name=name, **more):
                    reached.add(_name)
                    return await _real(*args, **more)

                monkeypatch.setattr(handler, "callback", spy)
    await _everything(room)
    assert registered - reached == set()
    assert len(registered) >= 24


async def _everything(room):
    for text in (
        "/start",
        "/help",
        "/about",
        "/language",
        "/cancel",
        "/write 学习 style:ink seed:1",
        "猫 - cat",
        "/dance",
    ):
        await room.write(text)
    await room.write("/gpu", user=ADMIN)
    await room.finish(1)
    for press in Press:
        await room.press(OrderPress(order=1, press=press).pack())
    await room.press(StylePress(order=2, style="ink").pack())
    await room.press(RestylePress(order=1, style="comic").pack())
    await room.press(CancelPress(order=0, asker=ADA).pack())
    await room.press(LanguagePress(locale="ru", asker=ADA).pack())
    await room.press("older:button")
    await room.write(photo=[{"file_id": "f", "file_unique_id": "u", "width": 1, "height": 1}])
    hidden = {"sender_chat": room.chat(GROUP), "chat": GROUP}
    await room.write("/write 学习", **hidden)
    await room.write("hello", **hidden)
    await room.feed(my_chat_member=member(room, "kicked", "member"))
    await room.feed(my_chat_member=member(room, "member", "kicked"))
    await room.feed(my_chat_member=member(room, "member", "left", chat=GROUP))
    room.services.storage.orders.intake = None  # a service that is broken in a way nobody foresaw
    await room.write("/write 学习")
    await room.write("/write 😀")
    del room.services.storage.orders.intake


FRAGMENTS = [
    "/write",
    "/write@WordbrushBot",
    "/cancel",
    "学习",
    " - ",
    "=",
    "\n",
    '"',
    "«",
    "lang:ja",
    "lang:",
    "style:ink",
    "style:",
    "seed:7",
    "seed:x",
    "\u202e",
    "\u0301" * 9,
    "😀",
    "\ue000",
    "<b>",
    "&",
    "a" * 200,
    "\x00",
    "／",
    "؀",
    "o1:1:again",
    "s1:1:ink",
    "x1:0:1001",
    "l1:ru:1001",
    "r1:1:comic",
    "o1:2:cancel",
    "o1:1:retry",
]


async def test_random_updates_never_leave_a_handler_unhandled(room, caplog):
    """400 updates of fragments from people, groups and old buttons: each is answered or ignored, none is an accident."""
    dice = random.Random(20261122)
    for _ in range(400):
        text = "".join(dice.choices(FRAGMENTS, k=dice.randint(1, 4)))
        user, chat = dice.choice([ADA, BOB, ADMIN]), dice.choice([None, GROUP])
        if dice.random() < 0.4:
            await room.press(text[:64], user=user, chat=chat)
        else:
            reply = {"reply_to_message": room.message("?", user=BOT_ID, chat=chat)} if dice.random() < 0.3 else {}
            await room.feed(
                **{dice.choice(["message", "edited_message"]): room.message(text, user=user, chat=chat, **reply)}
            )
    assert "reference" not in caplog.text
    assert await room.orders()


async def test_the_menu_is_set_for_each_language_and_for_admins_apart(room):
    room.session.calls, calls = [], room.session.calls
    refused = await publish(room.bot, room.services.texts, frozenset({ADMIN}))
    calls, room.session.calls = room.session.calls, []
    assert refused == 0
    lists = [call for call in calls if isinstance(call, SetMyCommands)]
    assert {call.language_code for call in lists} == {None, "ru", "zh"}
    for call in lists:
        names = [command.command for command in call.commands]
        assert ("gpu" in names) == isinstance(call.scope, BotCommandScopeChat)
        assert all(1 <= len(command.description) <= 256 for command in call.commands)
    assert all(len(call.description) <= 512 for call in calls if isinstance(call, SetMyDescription))
    assert all(len(call.short_description) <= 120 for call in calls if isinstance(call, SetMyShortDescription))
    assert len({call.description for call in calls if isinstance(call, SetMyDescription)}) == 3


async def test_an_admin_who_never_wrote_does_not_stop_the_menu(room, monkeypatch):
    real = room.session.make_request

    async def picky(bot, method, timeout=None):
        if isinstance(getattr(method, "scope", None), BotCommandScopeChat):
            raise TelegramBadRequest(method=method, message="chat not found")
        return await real(bot, method, timeout)

    monkeypatch.setattr(room.session, "make_request", picky)
    assert await publish(room.bot, room.services.texts, frozenset({ADMIN})) == 3
    assert len([call for call in room.session.calls if isinstance(call, SetMyShortDescription)]) == 3
    room.session.calls.clear()
