"""Words coming in: what becomes an order, what becomes a question, what is refused, and that nothing is lost or doubled."""

from __future__ import annotations

import asyncio
import logging
import time

import pytest
from aiogram.types import ForceReply

from bot.handlers.intake import MOST_DRAFTS
from generation.contracts.errors import DatabaseBusy, DatabaseCorrupt, DiskFull
from generation.contracts.request import first_seed
from storage import Destination, State
from storage.orders import FRESH_S

ADA, BOB, GROUP, BOT_ID = 1001, 1002, -500, 42


async def test_a_word_becomes_a_draft_that_asks_for_its_style(room):
    await room.write("/write 学习 study")
    order = await room.order()
    assert (order.word, order.translation, order.language, order.state) == ("学习", "study", "zh-Hans", State.DRAFT)
    assert order.seed == first_seed("学习", "zh-Hans")
    assert order.source_key == "tg:42:1001:1"
    assert order.destination == Destination(chat=ADA, private=True)
    assert room.courier.opened == [order.id]
    assert not room.courier.said


async def test_a_named_style_goes_straight_into_the_queue(room):
    await room.write("/write style:INK 学习 seed:7 study lang:ja")
    order = await room.order()
    assert (order.style, order.seed, order.language, order.state) == ("ink", 7, "ja", State.QUEUED)
    assert [place.order for place in room.queue.positions()] == [order.id]
    assert room.courier.opened == [order.id]


@pytest.mark.parametrize("name", ["тушь", "Тушь", "水墨", "Ink"])
async def test_a_style_may_be_named_in_any_language(room, name):
    await room.write(f"学习 style:{name}")
    assert (await room.order()).style == "ink"


@pytest.mark.parametrize("text", ["学习 - study", "学习", "学习\nstudy", '"guten Tag" hello'])
async def test_plain_text_in_private_is_a_word(room, text):
    await room.write(text)
    assert (await room.order()).state is State.DRAFT


async def test_long_prose_gets_help_and_no_order(room):
    await room.write("hello there what exactly can you do for me today")
    assert await room.orders() == []
    assert room.courier.said[0].text == room.services.texts.get("help-prose", "en")


async def test_write_alone_asks_and_the_reply_is_the_word(room):
    await room.write("/write")
    question = room.courier.said[0]
    assert isinstance(question.keyboard, ForceReply)
    assert question.keyboard.selective
    assert await room.orders() == []
    await room.write("学习 study", reply_to_message=room.message("?", user=BOT_ID, chat=ADA))
    assert (await room.order()).word == "学习"


async def test_the_same_update_twice_is_one_order(room):
    message = room.message("/write 学习 study style:ink")
    await room.feed(message=message)
    first = await room.order()
    await room.storage.orders.attach_status(first.id, 55)
    await room.feed(message=message)
    assert len(await room.orders()) == 1
    assert len(room.queue.positions()) == 1
    assert room.courier.opened == [first.id]


async def test_an_update_that_comes_again_before_its_status_was_sent_is_shown(room):
    message = room.message("学习")
    await room.feed(message=message)
    await room.feed(message=message)
    assert len(await room.orders()) == 1
    assert room.courier.opened == [1, 1]


STYLE_NAMES = "comic, watercolor, ink, realistic, traditional"
REFUSALS = [
    ("/write 😀", "error-word-emoji", {}),
    ("/write ...", "error-word-no-ink", {}),
    ("/write \u202eabc", "error-word-bidi", {"code": "U+202E"}),
    ("/write a\u0000b", "error-word-control", {"code": "U+0000"}),
    ("/write a" + "\u0301" * 40, "error-word-stacked", {"limit": 4}),
    ("/write \ue000", "error-word-broken", {"code": "U+E000"}),
    ("/write style:oil 学习", "error-style-unknown", {"style": "oil", "known": STYLE_NAMES}),
    ("/write 学习 seed:-1", "error-number", {"option": "seed", "value": "-1", "smallest": 0, "largest": 2**32 - 1}),
    ("/write 学习 lang:123", "error-language-unknown", {"language": "123"}),
    ("/write style:ink", "error-word-empty", {}),
    ("/write abcdefghijklmnopqrstuvwxyz", "error-word-too-long", {"length": 26, "limit": 24}),
    ("/write a " + "b" * 300, "error-translation-too-long", {"length": 300, "limit": 200}),
]


async def test_a_refusal_is_one_message_and_no_row(room):
    for text, key, details in REFUSALS:
        room.courier.said.clear()
        await room.write(text)
        assert [said.text for said in room.courier.said] == [room.services.texts.get(key, "en", **details)]
    assert await room.orders() == []


async def test_a_character_without_a_glyph_is_named(room):
    await room.write("/write \U00013000")
    assert await room.orders() == []
    assert "U+13000 EGYPTIAN HIEROGLYPH A001" in room.courier.said[0].text


async def test_refusals_speak_the_learners_language(room):
    await room.write("/write 😀", person={"language_code": "ru"})
    assert room.courier.said[0].text == room.services.texts.get("error-word-emoji", "ru")


async def test_hostile_options_come_back_escaped(room):
    await room.write("/write 学习 style:<b>&")
    assert "&lt;b&gt;&amp;" in room.courier.said[0].text


async def test_a_full_share_refuses_before_a_row_is_written(room):
    for word in ("one", "two", "three"):
        await room.write(f"/write {word} style:ink")
    await room.write("/write four style:ink")
    assert len(await room.orders()) == 3
    assert room.courier.said[-1].text == room.services.texts.get("error-queue-yours-full", "en", limit=3)


async def test_a_cached_picture_needs_no_room_and_no_ticket(room):
    await room.write("/write 学习 study style:ink")
    await room.finish(1)
    for word in ("one", "two", "three"):
        await room.write(f"/write {word} style:ink")
    room.courier.opened.clear()
    await room.write("/write 学习 study style:ink")
    order = await room.order()
    assert order.state is State.RENDERED
    assert room.courier.delivered == [order.id]
    assert room.courier.opened == []


async def test_in_groups_only_commands_and_replies_are_answered(room):
    await room.write("学习 - study", chat=GROUP)
    await room.write("/write@OtherBot 学习", chat=GROUP)
    await room.write("/dance", chat=GROUP)
    await room.write("no", chat=GROUP, reply_to_message=room.message("?", user=BOB, chat=GROUP))
    assert await room.orders() == []
    assert not room.courier.said
    await room.write("/write@wordbrushbot 学习", chat=GROUP)
    await room.write("猫", chat=GROUP, reply_to_message=room.message("?", user=BOT_ID, chat=GROUP))
    words = [order.word for order in await room.orders()]
    assert words == ["学习", "猫"]
    group = (await room.order()).destination
    assert (group.chat, group.private) == (GROUP, False)
    assert group.reply_to is not None


async def test_a_topic_is_answered_in_its_topic(room):
    await room.write("/write 学习", chat=GROUP, message_thread_id=9, is_topic_message=True)
    assert (await room.order()).destination.thread == 9


async def test_nobody_can_hide_behind_a_group_and_order(room):
    hidden = {"id": 1087968824, "is_bot": True, "first_name": "Group"}
    await room.feed(message=room.message("/write 学习", chat=GROUP) | {"from": hidden, "sender_chat": room.chat(GROUP)})
    assert await room.orders() == []
    assert room.courier.said[0].text == room.services.texts.get("help-anonymous", "en")
    await room.feed(message=room.message("hello", chat=GROUP) | {"from": hidden, "sender_chat": room.chat(GROUP)})
    forwarded = {"from": {"id": 777000, "is_bot": False, "first_name": "Telegram"}, "is_automatic_forward": True}
    await room.feed(message=room.message("/write 学习", chat=GROUP) | forwarded | {"sender_chat": room.chat(GROUP)})
    await room.write("/write 学习", chat=GROUP, person={"is_bot": True})
    assert len(room.courier.said) == 1
    assert await room.orders() == []


async def test_an_edited_message_counts_once(room):
    message = room.message("/write 😀")
    await room.feed(message=message)
    mended = message | {"text": "/write 学习", "edit_date": message["date"] + 5}
    await room.feed(edited_message=mended)
    assert (await room.order()).word == "学习"
    await room.storage.orders.attach_status(1, 55)
    await room.feed(edited_message=mended | {"text": "/write 猫"})
    assert len(await room.orders()) == 1


class Sick:
    """Makes the writer fail a few times, as a busy database would, then lets it work."""

    def __init__(self, orders, errors):
        self.orders, self.errors, self.calls = orders, list(errors), 0
        self.real = orders.intake

    async def __call__(self, new, **limits):
        self.calls += 1
        if self.errors:
            raise self.errors.pop(0)
        return await self.real(new, **limits)


async def test_a_commit_that_fails_for_a_moment_is_repeated(room, monkeypatch):
    sick = Sick(room.storage.orders, [DatabaseBusy(), DiskFull()])
    monkeypatch.setattr(room.storage.orders, "intake", sick, raising=False)
    await room.write("/write 学习")
    assert sick.calls == 3
    assert len(await room.orders()) == 1
    assert not room.courier.said


@pytest.mark.parametrize(
    ("error", "calls", "key"), [(DiskFull, 3, "error-disk-full"), (DatabaseCorrupt, 1, "error-storage")]
)
async def test_a_commit_that_keeps_failing_is_told(room, monkeypatch, error, calls, key):
    sick = Sick(room.storage.orders, [error(path="x")] * 9)
    monkeypatch.setattr(room.storage.orders, "intake", sick, raising=False)
    await room.write("/write 学习")
    assert sick.calls == calls
    assert await room.orders() == []
    assert room.courier.said[0].text == room.services.texts.get(key, "en")


async def test_nothing_a_learner_wrote_stands_in_the_log_at_info(room, caplog):
    with caplog.at_level(logging.INFO):
        await room.write("/write 秘密 geheim")
        await room.write("/write 秘密😀 style:geheim")
        await room.write("/write " + "秘密" * 40)
        await room.press("nonsense:geheim")
    assert caplog.records
    assert "秘密" not in caplog.text
    assert "geheim" not in caplog.text


async def test_the_loop_stays_awake_while_fonts_are_searched(room):
    lags: list[float] = []
    loop = asyncio.get_running_loop()

    async def probe():
        while True:
            asked = loop.time()
            await asyncio.sleep(0.005)
            lags.append(loop.time() - asked - 0.005)

    task = asyncio.create_task(probe())
    for word in ("学习", "สวัสดี", "नमस्ते", "سلام", "안녕"):
        await room.write(f"/write {word}")
    task.cancel()
    assert len(await room.orders()) == 5
    assert max(lags) < 0.5


async def test_a_flood_of_words_ends_in_a_refusal_and_costs_no_draft_of_before(room):
    for number in range(MOST_DRAFTS + 3):
        await room.write(f"word{number}")
    assert [order.state for order in await room.orders()] == [State.DRAFT] * MOST_DRAFTS
    assert len(room.courier.opened) == MOST_DRAFTS
    refused = room.services.texts.get("error-drafts-yours-full", "en", limit=MOST_DRAFTS)
    assert [said.text for said in room.courier.said] == [refused] * 3
    await room.write("other", user=BOB)
    assert (await room.order()).word == "other"


async def test_an_old_question_nobody_answered_gives_way(room, monkeypatch):
    now = time.time()
    monkeypatch.setattr(room.storage.orders, "_clock", lambda: now)
    for number in range(MOST_DRAFTS):
        await room.write(f"word{number}")
    now += FRESH_S + 1
    await room.write("new")
    states = [order.state for order in await room.orders()]
    assert states == [State.CANCELLED] + [State.DRAFT] * MOST_DRAFTS
    assert room.courier.refreshed == [1]
    assert len(room.courier.opened) == MOST_DRAFTS + 1
    assert not room.courier.said


async def test_edits_of_nobody_in_particular_are_left_alone(room, caplog):
    message = room.message("/write 学习")
    del message["from"]
    await room.feed(edited_message=message)
    await room.feed(edited_message=room.message("学习") | {"sender_chat": room.chat(GROUP), "chat": room.chat(GROUP)})
    assert not await room.orders()
    assert not room.courier.said
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


@pytest.mark.parametrize("where", ["from", "chat", "message"])
async def test_ids_no_row_can_hold_go_no_further(room, caplog, where):
    message = room.message("/write 学习 style:ink")
    huge = 2**63
    changes = {"from": room.person(huge), "chat": room.chat(huge), "message": huge}
    await room.feed(message=message | {"message_id" if where == "message" else where: changes[where]})
    assert not await room.orders()
    assert not room.courier.said
    assert not [record for record in caplog.records if record.levelname == "ERROR"]
