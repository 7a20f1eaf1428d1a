"""The control API: learners who write, tap, block, sit in groups, and everything a test wants to know or change."""

import asyncio

import pytest
from aiogram.types import (
    BotCommand,
    BotCommandScopeAllGroupChats,
    BotCommandScopeChat,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
)

from bot.playground.serve import TOKEN


def keyboard(*labels):
    buttons = [InlineKeyboardButton(text=label, callback_data=f"data {label}") for label in labels]
    return InlineKeyboardMarkup(inline_keyboard=[buttons])


async def updates(bot, count):
    """The next updates, confirmed."""
    out = []
    while len(out) < count:
        got = await bot.get_updates(offset=updates.offset, timeout=10)
        out += got
        updates.offset = got[-1].update_id + 1 if got else updates.offset
    return out


updates.offset = 0


async def test_session_tells_who_is_there(http, sim):
    session = (await http.get("/sim/session")).json()
    assert session["learners"] == [{"id": 1001, "first_name": "You", "language_code": "en", "blocked": False}]
    assert session["chats"] == [{"id": 1001, "type": "private", "title": "You", "members": [1001]}]
    assert str(session["bot"]["id"]) == TOKEN.partition(":")[0]
    assert session["first"] == 1001
    assert (await sim.get("state", params={"learner": 1001})).status_code == 200


async def test_a_message_reaches_the_bot_with_its_command_marked(bot, sim):
    sent = (await sim.post("message", json={"learner": 1001, "text": " /write 学习 study "})).json()
    [update] = await updates(bot, 1)
    assert update.update_id == sent["update_id"]
    assert update.message.text == "/write 学习 study"
    assert [(e.type, e.offset, e.length) for e in update.message.entities] == [("bot_command", 0, 6)]
    assert update.message.from_user.language_code == "en"
    assert update.message.model_dump(mode="json", exclude_unset=True)["message_id"] == sent["message"]["message_id"]


@pytest.mark.parametrize("text", ["", "  ", "x" * 4097, "\ud800"])
async def test_what_a_client_would_not_send(sim, text):
    content = b'{"learner": 1001, "text": "\\ud800"}' if text == "\ud800" else None
    how = (
        {"content": content, "headers": {"Content-Type": "application/json"}}
        if content
        else {"json": {"learner": 1001, "text": text}}
    )
    answer = await sim.post("message", **how)
    assert answer.status_code == 422
    assert answer.json()["error"]


@pytest.mark.parametrize("by", [{"data": "data ink"}, {"label": "ink"}])
async def test_a_tap_waits_for_the_toast(bot, sim, by):
    sent = await bot.send_message(1001, "style?", reply_markup=keyboard("ink", "comic"))
    tapping = asyncio.create_task(
        sim.post("tap", json={"learner": 1001, "chat": 1001, "message": sent.message_id, **by})
    )
    [update] = await updates(bot, 1)
    query = update.callback_query
    assert (query.data, query.message.message_id, query.from_user.id) == ("data ink", sent.message_id, 1001)
    await bot.answer_callback_query(query.id, "on its way", show_alert=True)
    answer = (await tapping).json()
    assert answer == {"callback": {"text": "on its way", "alert": True, "url": None}, "id": query.id}


async def test_a_tap_without_an_answer_gives_null(bot, sim):
    sent = await bot.send_message(1001, "style?", reply_markup=keyboard("ink"))
    tap = {"learner": 1001, "chat": 1001, "message": sent.message_id, "label": "ink", "wait": 0.05}
    assert (await sim.post("tap", json=tap)).json()["callback"] is None
    await updates(bot, 1)


async def test_a_query_is_answered_once(bot, sim, refused):
    sent = await bot.send_message(1001, "style?", reply_markup=keyboard("ink"))
    tap = {"learner": 1001, "chat": 1001, "message": sent.message_id, "label": "ink", "wait": 0}
    query = (await sim.post("tap", json=tap)).json()["id"]
    await bot.answer_callback_query(query)
    old = "Bad Request: query is too old and response timeout expired or query ID is invalid"
    assert await refused("answerCallbackQuery", callback_query_id=query) == old
    assert await refused("answerCallbackQuery", callback_query_id="1") == old
    await updates(bot, 1)


async def test_a_tap_that_crossed_an_edit_counts_and_a_forged_one_only_by_name(bot, sim):
    sent = await bot.send_message(1001, "style?", reply_markup=keyboard("ink"))
    await bot.edit_message_text("gone", chat_id=1001, message_id=sent.message_id)
    tap = {"learner": 1001, "chat": 1001, "message": sent.message_id, "wait": 0}
    assert (await sim.post("tap", json={**tap, "data": "data ink"})).status_code == 200
    assert (await sim.post("tap", json={**tap, "data": "invented"})).status_code == 404
    assert (await sim.post("tap", json={**tap, "label": "ink"})).status_code == 404
    assert (await sim.post("tap", json={**tap, "data": "invented", "forge": True})).status_code == 200
    assert [u.callback_query.data for u in await updates(bot, 2)] == ["data ink", "invented"]


async def test_privacy_mode_in_a_group(bot, sim):
    anna = (await sim.post("learner", json={"first_name": "Anna", "language_code": "ru"})).json()["learner"]
    group = (await sim.post("group", json={"title": "Class", "members": [1001, anna["id"]]})).json()["chat"]
    assert group["type"] == "supergroup"
    joined, service = await updates(bot, 2)
    assert joined.my_chat_member.new_chat_member.status == "member"
    assert [user.id for user in service.message.new_chat_members] == [bot.id, anna["id"]]
    ours = await bot.send_message(group["id"], "hello")

    async def write(text, **more):
        body = {"learner": anna["id"], "chat": group["id"], "text": text, **more}
        return (await sim.post("message", json=body)).json()["update_id"]

    assert await write("学习 - study") is None
    assert await write("hello @wordbrush_playground_bot") is None
    assert await write("/write@another_bot 学习") is None
    seen = [
        await write("/write 学习"),
        await write("/write@WordBrush_playground_bot x"),
        await write("yes", reply_to=ours.message_id),
    ]
    assert [u.update_id for u in await updates(bot, 3)] == seen


async def test_group_and_private_ids_are_counted_apart(bot, sim):
    await bot.send_message(1001, "x")
    group = (await sim.post("group", json={"title": "Class", "members": [1001]})).json()["chat"]["id"]
    assert (await bot.send_message(group, "x")).message_id == 2
    await updates(bot, 2)


async def test_only_members_write_and_tap(bot, sim):
    group = (await sim.post("group", json={"title": "Class", "members": [1001]})).json()["chat"]["id"]
    outsider = (await sim.post("learner", json={"first_name": "Mallory"})).json()["learner"]["id"]
    assert (await sim.post("message", json={"learner": outsider, "chat": group, "text": "/x"})).status_code == 422
    assert (await sim.post("message", json={"learner": outsider, "chat": 1001, "text": "/x"})).status_code == 422
    assert (await sim.post("message", json={"learner": 5, "text": "/x"})).status_code == 404
    assert (await sim.post("message", json={"learner": 1001, "chat": -7, "text": "/x"})).status_code == 404
    assert (await sim.post("group", json={"title": "Class", "members": []})).status_code == 422
    await updates(bot, 2)


async def test_blocking_is_told_to_the_bot_and_silences_the_learner(bot, sim):
    await sim.patch("learner", json={"id": 1001, "blocked": True})
    assert (await sim.post("message", json={"learner": 1001, "text": "x"})).status_code == 422
    await sim.patch("learner", json={"id": 1001, "blocked": True})
    await sim.patch("learner", json={"id": 1001, "blocked": False})
    states = [u.my_chat_member.new_chat_member.status for u in await updates(bot, 2)]
    assert states == ["kicked", "member"]


async def test_a_language_switch_shows_in_the_next_message(bot, sim):
    changed = (await sim.patch("learner", json={"id": 1001, "language_code": "zh-hans"})).json()["learner"]
    assert changed["language_code"] == "zh-hans"
    await sim.post("message", json={"learner": 1001, "text": "x"})
    [update] = await updates(bot, 1)
    assert update.message.from_user.language_code == "zh-hans"


async def test_the_menu_follows_scope_and_language(bot, sim):
    ru = (await sim.post("learner", json={"first_name": "Анна", "language_code": "ru"})).json()["learner"]["id"]
    group = (await sim.post("group", json={"title": "Class", "members": [1001, ru]})).json()["chat"]["id"]
    await bot.set_my_commands([BotCommand(command="write", description="draw")])
    await bot.set_my_commands([BotCommand(command="write", description="нарисовать")], language_code="ru")
    await bot.set_my_commands(
        [BotCommand(command="gpu", description="machine")], scope=BotCommandScopeChat(chat_id=1001)
    )
    await bot.set_my_commands([BotCommand(command="about", description="who")], scope=BotCommandScopeAllGroupChats())

    async def menu(learner, chat):
        chats = (await sim.get("state", params={"learner": learner})).json()["chats"]
        return [one["description"] for found in chats if found["id"] == chat for one in found["commands"]]

    assert [await menu(1001, 1001), await menu(ru, ru), await menu(ru, group)] == [["machine"], ["нарисовать"], ["who"]]
    assert [c.description for c in await bot.get_my_commands(language_code="ru")] == ["нарисовать"]
    await bot.delete_my_commands(scope=BotCommandScopeChat(chat_id=1001))
    assert await menu(1001, 1001) == ["draw"]
    await updates(bot, 2)


async def test_commands_that_are_refused(refused):
    assert (
        await refused("setMyCommands", commands=[{"command": "Ünï", "description": "x"}])
        == "Bad Request: BOT_COMMAND_INVALID"
    )
    nowhere = {"type": "chat", "chat_id": 99}
    said = await refused("setMyCommands", commands=[{"command": "a", "description": "x"}], scope=nowhere)
    assert said == "Bad Request: chat not found"
    many = [{"command": f"c{n}", "description": "x"} for n in range(101)]
    assert await refused("setMyCommands", commands=many) == "Bad Request: BOT_COMMANDS_TOO_MUCH"
    assert await refused("setMyCommands", commands=[], language_code="russian") == "Bad Request: LANG_CODE_INVALID"


async def test_the_bots_texts(bot, http):
    await bot.set_my_name("Pinsel")
    await bot.set_my_name("Кисть", language_code="ru")
    await bot.set_my_description("long")
    await bot.set_my_short_description("short")
    assert (await bot.get_my_name()).name == "Pinsel"
    assert (await bot.get_my_name(language_code="ru")).name == "Кисть"
    assert (await bot.get_my_description(language_code="zh")).description == "long"
    assert (await bot.get_my_short_description()).short_description == "short"
    assert (await bot.get_me()).first_name == "Pinsel"
    await bot.set_my_name("")
    assert (await bot.get_my_name()).name == "Wordbrush"


async def test_chats_and_members(bot, sim, refused):
    group = (await sim.post("group", json={"title": "Class", "members": [1001]})).json()["chat"]["id"]
    assert (await bot.get_chat(group)).title == "Class"
    assert (await bot.get_chat_member(group, 1001)).status == "member"
    assert (await bot.get_chat_member(group, bot.id)).status == "member"
    assert await bot.get_chat_member_count(group) == 2
    assert await refused("getChatMember", chat_id=group, user_id=3) == "Bad Request: PARTICIPANT_ID_INVALID"
    assert await bot.leave_chat(group) is True
    left = await sim.post("message", json={"learner": 1001, "chat": group, "text": "/x"})
    assert left.json()["update_id"] is None
    assert (await bot.get_chat_member(group, bot.id)).status == "left"
    await updates(bot, 2)


async def test_the_call_log(bot, sim, picture, playground, http):
    await bot.send_message(1001, "one")
    await http.post(f"/bot{playground.token}/sendPhoto", data={"chat_id": 1}, files={"photo": ("a.png", picture())})
    calls = (await sim.get("calls")).json()["calls"]
    assert [(c["method"], c["code"], c["ok"]) for c in calls] == [("sendMessage", 200, True), ("sendPhoto", 400, False)]
    assert calls[0]["parameters"] == {"chat_id": "1001", "text": "one"}
    assert calls[1]["files"] == {"photo": len(picture())}
    assert calls[1]["description"] == "Bad Request: chat not found"
    later = (await sim.get("calls", params={"since": calls[0]["n"], "method": "SENDPHOTO"})).json()["calls"]
    assert later == calls[1:]


async def test_reset_forgets_everything_but_the_numbers(bot, sim):
    before = await bot.send_message(1001, "x")
    update = (await sim.post("message", json={"learner": 1001, "text": "y"})).json()["update_id"]
    anna = (await sim.post("learner", json={"first_name": "Anna"})).json()["learner"]["id"]
    session = (await sim.post("reset")).json()["session"]
    assert [one["id"] for one in session["learners"]] == [1001]
    assert (await sim.get("transcript")).json()["chats"][0]["messages"] == []
    assert await bot.get_updates(offset=update) == []
    assert (await bot.send_message(1001, "x")).message_id > before.message_id + 1
    assert (await sim.post("message", json={"learner": 1001, "text": "y"})).json()["update_id"] > update
    assert (await sim.post("learner", json={"first_name": "Anna"})).json()["learner"]["id"] > anna


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("message", {"learner": "me", "text": "x"}),
        ("message", {"learner": 1001}),
        ("message", {"learner": 1001, "text": "x", "extra": 1}),
        ("learner", {"first_name": ""}),
        ("learner", {"first_name": "x", "language_code": "<script>"}),
        ("learner", {"first_name": "x", "username": "no spaces"}),
        ("faults", {"method": "sendMessage", "code": 200}),
        ("faults", {"method": "sendMessage", "times": 0}),
    ],
)
async def test_bodies_of_the_wrong_shape(sim, path, body):
    answer = await sim.post(path, json=body)
    assert answer.status_code == 422
    assert set(answer.json()) == {"error"}
