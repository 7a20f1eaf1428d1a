"""Buttons: whose they are, what they may still do, and that a second press does nothing twice."""

from __future__ import annotations

import pytest

from bot.callbacks import CancelPress, LanguagePress, OrderPress, Press, RestylePress, StylePress
from generation.contracts.errors import PaintingFailed
from generation.styles import STYLES
from storage import Destination, NewOrder, State

ADA, BOB, GROUP = 1001, 1002, -500


def data(press: Press, order: int = 1) -> str:
    return OrderPress(order=order, press=press).pack()


def style(name: str, order: int = 1) -> str:
    return StylePress(order=order, style=name).pack()


def buttons(keyboard) -> list[str]:
    return [button.callback_data for row in keyboard.inline_keyboard for button in row]


@pytest.fixture
async def painted(room):
    """An order whose picture the learner has."""
    await room.write("/write 学习 study style:ink seed:10")
    return await room.finish(1)


async def test_a_style_queues_the_draft_and_a_second_tap_changes_nothing(room):
    await room.write("学习 study")
    answer = await room.press(style("comic"))
    order = await room.order()
    assert (order.state, order.style) == (State.QUEUED, "comic")
    assert answer.text == room.reads("press-accepted")
    assert room.courier.refreshed == [1]
    second = await room.press(style("ink"))
    assert second.text == room.reads("press-on-its-way")
    assert (await room.order()).style == "comic"
    assert len(room.queue.positions()) == 1


async def test_a_full_queue_leaves_the_draft_and_says_so(room):
    for word in ("one", "two", "three"):
        await room.write(f"/write {word} style:ink")
    await room.write("four")
    answer = await room.press(style("ink", 4))
    assert answer.alert
    assert answer.text == room.reads("error-queue-yours-full", limit=3)
    assert (await room.order()).state is State.DRAFT
    room.queue.cancel(1)
    await room.press(style("ink", 4))
    assert (await room.order()).state is State.QUEUED


async def test_a_style_whose_picture_is_kept_is_delivered_at_once(room, painted):
    await room.write("/write 学习 study seed:10")
    await room.press(style("ink", 2))
    assert (await room.order()).state is State.RENDERED
    assert room.courier.delivered == [2]
    assert not room.queue.positions()


async def test_only_the_one_who_asked_may_press(room):
    await room.write("/write 学习", chat=GROUP)
    for forged in [
        style("ink"),
        data(Press.CANCEL),
        data(Press.AGAIN),
        data(Press.OTHERS),
        data(Press.ORIGINAL),
        data(Press.RETRY),
        data(Press.BACK),
        RestylePress(order=1, style="ink").pack(),
    ]:
        answer = await room.press(forged, user=BOB, chat=GROUP)
        assert answer.alert
        assert answer.text == room.reads("press-not-yours")
    assert (await room.order()).state is State.DRAFT
    assert not room.queue.positions()


FORGED = [
    "o0:1:again",
    "style_ink_1",
    "o1:1",
    "o1:x:again",
    "o1:-1:again",
    "o1:1:explode",
    "s1:1:oil",
    "o1:99999999999999999999:again",
    "o1:1:again:1",
    ":",
    "\u202e",
    "r1:1:",
    "l1:en",
    "x1:0",
]


async def test_buttons_of_another_version_answer_politely(room):
    await room.write("学习")
    for forged in FORGED:
        answer = await room.press(forged)
        assert answer.alert
        assert answer.text == room.reads("press-old"), forged
    assert (await room.order()).state is State.DRAFT


async def test_no_bytes_in_a_button_do_anything_to_another_learners_order(room):
    """Every byte of every real button, changed: whatever it becomes, it reaches nothing of somebody else's."""
    await room.write("/write 学习 style:ink", chat=GROUP)
    await room.finish(1)
    before = await room.orders()
    pressed = 0
    for real in [data(press) for press in Press] + [style("ink"), RestylePress(order=1, style="ink").pack()]:
        for position in range(len(real)):
            for byte in "0:z":
                pressed += 1
                await room.press(real[:position] + byte + real[position + 1 :], user=BOB, chat=GROUP)
    assert pressed > 200
    assert await room.orders() == before
    assert not room.courier.keyboards
    assert not room.courier.originals
    assert not room.queue.positions()


async def test_a_forgotten_order_answers_politely(room):
    answer = await room.press(data(Press.AGAIN, 99))
    assert answer.alert
    assert answer.text == room.reads("press-gone")


async def test_cancel_a_draft_and_a_queued_order(room):
    await room.write("学习")
    await room.write("/write 猫 style:ink")
    assert (await room.press(data(Press.CANCEL, 1))).text == room.reads("press-cancel-done")
    assert (await room.press(data(Press.CANCEL, 2))).text == room.reads("press-cancel-done")
    assert {order.state for order in await room.orders()} == {State.CANCELLED}
    assert not room.queue.positions()
    assert room.courier.refreshed == [1, 2]
    assert (await room.press(data(Press.CANCEL, 2))).text == room.reads("press-cancelled")


async def test_cancel_comes_too_late(room, painted):
    assert (await room.press(data(Press.CANCEL))).text == room.reads("press-finished")
    assert (await room.order()).state is State.DELIVERED


async def test_again_counts_seeds_up_and_answers_a_double_tap(room, painted):
    first = await room.press(data(Press.AGAIN), callback="aa")
    assert first.text == room.reads("press-accepted")
    child = await room.order()
    assert (child.seed, child.style, child.parent, child.action) == (11, "ink", 1, "again")
    assert child.source_key == "tg:42:cb:aa"
    assert child.destination.reply_to == 7000
    assert room.courier.opened[-1] == child.id
    second = await room.press(data(Press.AGAIN))
    assert second.text == room.reads("press-on-its-way")
    assert len(await room.orders()) == 2


async def test_a_press_belongs_to_the_bot_that_got_it(room, painted):
    """The order may be another bot's: the token was replaced, and the rows stayed."""
    async with room.storage.database.write() as connection:
        await connection.exec_driver_sql("UPDATE orders SET source_key = 'tg:999:1001:1'")
    await room.press(data(Press.AGAIN), callback="aa")
    assert (await room.order()).source_key == "tg:42:cb:aa"


async def test_repeated_again_gives_new_seeds_wherever_it_is_pressed(room, painted):
    for order_id, seed in [(1, 11), (1, 12), (2, 13), (3, 14)]:
        await room.press(data(Press.AGAIN, order_id))
        newest = await room.order()
        assert newest.seed == seed
        await room.finish(newest.id)


async def test_a_cancelled_again_gives_its_seed_back(room, painted):
    await room.press(data(Press.AGAIN))
    await room.press(data(Press.CANCEL, 2))
    await room.press(data(Press.AGAIN))
    assert (await room.order()).seed == 11


async def test_seeds_wrap_around(room):
    await room.write("/write 学习 style:ink seed:4294967295")
    await room.finish(1)
    await room.press(data(Press.AGAIN))
    assert (await room.order()).seed == 0


async def test_the_same_callback_twice_is_one_order(room, painted):
    await room.press(data(Press.AGAIN), callback="same")
    await room.finish(2)
    await room.press(data(Press.AGAIN), callback="same")
    assert len(await room.orders()) == 2


async def test_other_style_shows_five_styles_and_back(room, painted):
    await room.press(data(Press.OTHERS))
    place, message, keyboard = room.courier.keyboards[-1]
    assert (place.chat, message) == (ADA, 7000)
    assert buttons(keyboard) == [RestylePress(order=1, style=name).pack() for name in STYLES] + [data(Press.BACK)]
    await room.press(data(Press.BACK))
    assert data(Press.AGAIN) in buttons(room.courier.keyboards[-1][2])


async def test_another_style_is_a_new_order_with_the_same_seed(room, painted):
    await room.press(RestylePress(order=1, style="comic").pack())
    child = await room.order()
    assert (child.seed, child.style, child.action, child.state) == (10, "comic", "style:comic", State.QUEUED)
    assert data(Press.AGAIN) in buttons(room.courier.keyboards[-1][2])
    assert (await room.press(RestylePress(order=1, style="comic").pack())).text == room.reads("press-on-its-way")
    await room.press(RestylePress(order=1, style="realistic").pack())
    assert len(await room.orders()) == 3


async def test_the_original_is_sent_as_a_reply(room, painted):
    await room.press(data(Press.ORIGINAL))
    ((order_id, place),) = room.courier.originals
    assert (order_id, place.chat, place.reply_to) == (1, ADA, 7000)


@pytest.mark.parametrize("press", [Press.AGAIN, Press.OTHERS, Press.BACK, Press.ORIGINAL])
async def test_what_needs_a_picture_waits_for_one(room, press):
    await room.write("/write 学习 style:ink")
    assert (await room.press(data(press))).text == room.reads("press-not-ready")
    assert not room.courier.originals
    assert not room.courier.keyboards


async def test_retry_after_a_failure_is_the_same_picture_once_more(room):
    await room.write("/write 学习 study style:ink seed:3")
    assert (await room.press(data(Press.RETRY))).text == room.reads("press-on-its-way")
    await room.storage.orders.claim(1)
    await room.storage.ledger.failed(1, PaintingFailed(reference="x"))
    room.queue.cancel(1)
    await room.press(data(Press.RETRY))
    child = await room.order()
    assert (child.seed, child.style, child.state, child.parent) == (3, "ink", State.QUEUED, 1)
    assert (await room.press(data(Press.RETRY))).text == room.reads("press-on-its-way")
    assert (await room.press(style("ink"))).text == room.reads("press-failed")


async def test_a_message_too_old_to_read_still_works(room, painted):
    old = {"message_id": 7000, "date": 0, "chat": room.chat(ADA)}
    await room.press(data(Press.AGAIN), message=old)
    assert (await room.order()).destination.reply_to == 7000
    await room.press(data(Press.OTHERS), message=old)
    assert room.courier.keyboards[-1][1] == 7000


async def test_a_press_without_any_message_still_works(room, painted):
    await room.press(data(Press.OTHERS), message="none")
    await room.press(data(Press.AGAIN), message="none")
    assert (await room.order()).destination.reply_to == 7000
    await room.press(RestylePress(order=1, style="comic").pack(), message="none")
    assert not room.courier.keyboards
    assert (await room.press(CancelPress(order=0, asker=ADA).pack(), message="none")).text == room.reads("press-old")


async def test_cancel_command_with_nothing_one_and_several(room):
    await room.write("/cancel")
    assert room.courier.said[-1].text == room.services.texts.get("cancel-nothing", "en")
    await room.write("学习")
    await room.write("/cancel")
    assert room.courier.said[-1].text == room.services.texts.get("cancel-done", "en")
    assert (await room.order()).state is State.CANCELLED
    for word in ("one", "two", "three"):
        await room.write(f"/write {word} style:ink")
    await room.write("/cancel")
    assert buttons(room.courier.said[-1].keyboard) == [
        CancelPress(order=number, asker=ADA).pack() for number in (2, 3, 4, 0)
    ]
    await room.press(CancelPress(order=3, asker=ADA).pack())
    assert [order.state for order in await room.orders()][1:] == [State.QUEUED, State.CANCELLED, State.QUEUED]
    assert buttons(room.courier.keyboards[-1][2]) == [
        CancelPress(order=number, asker=ADA).pack() for number in (2, 4, 0)
    ]
    assert (await room.press(CancelPress(order=3, asker=ADA).pack())).text == room.reads("press-too-late")
    answer = await room.press(CancelPress(order=0, asker=ADA).pack())
    assert answer.text == room.reads("cancel-done-many", count=2)
    assert room.courier.keyboards[-1][2] is None
    assert not room.queue.positions()


async def test_cancel_looks_at_this_chat_and_this_learner_only(room):
    await room.write("/write one style:ink")
    await room.write("/write two style:ink", user=BOB)
    await room.write("/cancel", chat=GROUP)
    assert room.courier.said[-1].text == room.services.texts.get("cancel-nothing", "en")
    assert (await room.press(CancelPress(order=1, asker=ADA).pack(), user=BOB, chat=ADA)).alert
    await room.press(CancelPress(order=1, asker=BOB).pack(), user=BOB)
    assert {order.state for order in await room.orders()} == {State.QUEUED}


async def test_language_is_chosen_kept_and_given_back(room):
    await room.write("/language", person={"language_code": "zh-hans"})
    question = room.courier.said[-1]
    assert question.text == room.services.texts.get("language-question", "zh")
    assert buttons(question.keyboard) == [
        LanguagePress(locale=code, asker=ADA).pack() for code in ("en", "ru", "zh", "auto")
    ]
    answer = await room.press(LanguagePress(locale="ru", asker=ADA).pack(), language_code="zh-hans")
    assert answer.text == room.reads("language-chosen", "ru")
    await room.write("/help", person={"language_code": "zh-hans"})
    assert room.courier.said[-1].text.startswith("<b>Как")
    await room.write("/write 学习", person={"language_code": "zh-hans"})
    assert (await room.order()).locale == "ru"
    assert (
        await room.press(LanguagePress(locale="auto", asker=ADA).pack(), language_code="zh-hans")
    ).text == room.reads("language-chosen", "zh")
    await room.write("/start", person={"language_code": "zh-hans"})
    assert room.courier.said[-1].text == room.services.texts.get("start", "zh")


async def test_nobody_chooses_a_language_for_somebody_else(room):
    answer = await room.press(LanguagePress(locale="ru", asker=ADA).pack(), user=BOB, chat=GROUP)
    assert answer.alert
    learner = await room.storage.learners.get(BOB)
    assert learner is not None
    assert learner.chosen_locale is None


def message_of(room, chat: int, message: int, *carried: str) -> dict:
    """Somebody else's message, with these buttons."""
    return {
        "message_id": message,
        "date": 1,
        "chat": room.chat(chat),
        "from": {"id": 42, "is_bot": True, "first_name": "Wordbrush"},
        "text": "…",
        "reply_markup": {"inline_keyboard": [[{"text": "…", "callback_data": button}] for button in carried]},
    }


@pytest.mark.parametrize("press", [Press.OTHERS, Press.BACK, Press.AGAIN, Press.ORIGINAL])
async def test_forged_data_does_not_reach_another_message(room, painted, press):
    await room.write("/write 水 style:ink", user=BOB, chat=GROUP)
    bobs = await room.finish(2, 7001)
    for chat, message in ((GROUP, bobs.status_message), (ADA, 6999), (GROUP, painted.status_message)):
        forged = message_of(room, chat, message, data(press, 2))
        assert (await room.press(data(press), message=forged)).text == room.reads("press-old")
    assert not room.courier.keyboards
    assert not room.courier.originals
    assert len(await room.orders()) == 2


async def test_forged_styles_do_not_reach_another_message(room, painted):
    forged = message_of(room, GROUP, 7001, data(Press.AGAIN, 2))
    answer = await room.press(RestylePress(order=1, style="comic").pack(), message=forged)
    assert answer.text == room.reads("press-old")
    assert not room.courier.keyboards
    assert len(await room.orders()) == 1


@pytest.mark.parametrize(
    "forgery", [CancelPress(order=0, asker=ADA).pack(), LanguagePress(locale="ru", asker=ADA).pack()]
)
async def test_lists_are_edited_only_where_they_are_shown(room, forgery):
    await room.press(forgery, message=message_of(room, GROUP, 7001, data(Press.CANCEL, 2)))
    assert not room.courier.keyboards
    await room.press(forgery, message=message_of(room, GROUP, 7001, forgery))
    assert len(room.courier.keyboards) == 1


async def test_retry_from_another_message_does_nothing(room):
    await room.write("/write 学习 style:ink")
    assert await room.storage.orders.attach_status(1, 7000)
    await room.press(data(Press.CANCEL))
    forged = message_of(room, GROUP, 7001)
    assert (await room.press(data(Press.RETRY), message=forged)).text == room.reads("press-old")
    assert len(await room.orders()) == 1


async def test_a_long_list_shows_the_newest_and_says_how_many_more(room):
    learner = await room.storage.learners.meet(ADA, locale="en")
    for number in range(120):
        new = NewOrder(
            source_key=str(number), learner=learner.id, locale="en", destination=Destination(ADA), word="水", seed=1
        )
        await room.storage.orders.intake(new)
    await room.write("/cancel")
    said = room.courier.said[-1]
    numbers = [CancelPress.unpack(button).order for button in buttons(said.keyboard)]
    assert numbers == [*range(101, 121), 0]
    assert "100 more" in said.text
    assert (await room.press(CancelPress(order=0, asker=ADA).pack())).text == room.reads("cancel-done-many", count=120)


async def test_a_second_tap_on_the_original_says_so(room, painted):
    assert (await room.press(data(Press.ORIGINAL))).text == room.reads("press-original")
    assert (await room.press(data(Press.ORIGINAL))).text == room.reads("press-original-again")
    assert len(room.courier.originals) == 1
