"""Progress is lossy, paced and never in the picture's way."""

from __future__ import annotations

import asyncio
import random

import pytest

from bot import captions, keyboards
from bot.statusline import reply_to
from generation.contracts.errors import PaintingFailed
from generation.contracts.events import (
    OrderAdvanced,
    OrderFailed,
    OrderPreviewed,
    OrderRendered,
    OrderStarted,
    OrderWaiting,
)
from storage import State
from tests.bot_outgoing.conftest import Office
from tests.bot_outgoing.hands import HandClock, settle, until
from tests.bot_outgoing.wire import Wire, bad, broken, busy, lost


async def opened(office: Office, **options) -> tuple[int, int]:
    """An order that is being painted, its status message in the chat. Returns order and message."""
    order = await office.order(**options)
    office.courier.open_status(order.id)
    await until(lambda: office.wire.of("SendMessage") and not office.courier._lasting)
    order = await office.now(order)
    if order.state is State.QUEUED:
        assert await office.storage.ledger.claim(order.id)
    office.wire.calls.clear()
    return order.id, order.status_message


async def test_hundred_events_are_one_edit_now_and_one_at_the_floor(
    slow_office: Office, hands: HandClock, wire: Wire
) -> None:
    order, _ = await opened(slow_office)
    await hands.advance(2.0)
    for step in range(100):
        slow_office.board(OrderAdvanced(order, step / 200, None))
    await until(lambda: len(wire.of("EditMessageText")) == 1)
    for step in range(100):
        slow_office.board(OrderAdvanced(order, step / 100, None))
    await until(lambda: hands.due == [2.0], "the pump waits for the floor")
    await hands.advance(1.99)
    assert len(wire.of("EditMessageText")) == 1
    await hands.advance(0.02)
    await until(lambda: len(wire.of("EditMessageText")) == 2)
    assert "99" in wire.of("EditMessageText")[-1].method.text


async def test_group_has_the_longer_floor(slow_office: Office, hands: HandClock, wire: Wire) -> None:
    order, _ = await opened(slow_office, chat=-500, private=False)
    await hands.advance(8.0)
    slow_office.board(OrderAdvanced(order, 0.1, None))
    await until(lambda: len(wire.of("EditMessageText")) == 1)
    slow_office.board(OrderAdvanced(order, 0.2, None))
    await until(lambda: hands.due == [4.0], "the pump waits for the group's floor")
    await hands.advance(3.99)
    assert len(wire.of("EditMessageText")) == 1
    await hands.advance(0.02)
    await until(lambda: len(wire.of("EditMessageText")) == 2)


async def test_the_same_page_is_not_sent_again(slow_office: Office, hands: HandClock, wire: Wire) -> None:
    order, _ = await opened(slow_office)
    await hands.advance(2.0)
    for _ in range(3):
        slow_office.board(OrderAdvanced(order, 0.5, None))
        await until(lambda: not slow_office.courier._lanes.of(order).pumping or hands.due)
        await hands.advance(2.0)
    await until(lambda: not slow_office.courier._lanes.of(order).pumping)
    assert len(wire.of("EditMessageText")) == 1


async def test_progress_is_dropped_while_the_chat_is_silenced(
    slow_office: Office, hands: HandClock, wire: Wire
) -> None:
    order, _ = await opened(slow_office)
    await hands.advance(2.0)
    wire.before["EditMessageText"] = [busy(30)]
    slow_office.board(OrderAdvanced(order, 0.1, None))
    await until(lambda: len(wire.of("EditMessageText")) == 1)
    silenced_at = hands.now
    for step in range(2, 14):
        slow_office.board(OrderAdvanced(order, step / 20, None))
        await until(lambda: hands.due, "the pump waits")
        await hands.advance(2.0)
    assert hands.now - silenced_at < 30
    assert len(wire.of("EditMessageText")) == 1
    for _ in range(4):
        await until(lambda: hands.due or not slow_office.courier._lanes.of(order).pumping)
        await hands.advance(2.0)
    await until(lambda: len(wire.of("EditMessageText")) == 2)
    assert wire.of("EditMessageText")[-1].at >= silenced_at + 30
    assert "65" in wire.of("EditMessageText")[-1].method.text, "the last wish wins"


async def test_urgent_does_not_wait_for_the_floor(slow_office: Office, hands: HandClock, wire: Wire) -> None:
    order, _ = await opened(slow_office)
    slow_office.courier.show_page(order, lambda _order: ("at once", None), urgent=True)
    await until(lambda: len(wire.of("EditMessageText")) == 1)
    assert wire.of("EditMessageText")[0].at == hands.now


async def test_event_before_the_status_message_is_shown_after_it(office: Office, wire: Wire) -> None:
    order = await office.order()
    office.board(OrderWaiting(order.id, 4, 30.0))
    office.courier.open_status(order.id)
    await until(lambda: wire.of("EditMessageText"))
    assert wire.of("EditMessageText")[0].method.text == captions.waiting(office.texts, order, 4, 30.0)


async def test_each_event_has_its_page(office: Office, wire: Wire) -> None:
    order_id, message = await opened(office)
    order = await office.storage.orders.get(order_id)
    for event, text in [
        (OrderWaiting(order_id, 2, None), captions.waiting(office.texts, order, 2, None)),
        (OrderStarted(order_id, 9.0), captions.painting(office.texts, order, 0.0, 9.0)),
        (OrderAdvanced(order_id, 0.5, 4.0), captions.painting(office.texts, order, 0.5, 4.0)),
    ]:
        office.board(event)
        await until(lambda text=text: wire.messages[1001, message].get("text") == text)
    office.board(OrderPreviewed(order_id, b"jpeg"))
    await office.painted_running(order_id)
    office.board(OrderRendered(order_id))
    await until(lambda: "media" in wire.messages[1001, message])
    assert await office.courier.drain(5)


async def test_failure_is_told_once_with_a_way_back(office: Office, wire: Wire) -> None:
    order_id, message = await opened(office)
    await office.storage.ledger.failed(order_id, PaintingFailed(reference="ab12"))
    for _ in range(3):
        office.board(OrderFailed(order_id, PaintingFailed(reference="ab12")))
    assert await office.courier.drain(5)
    order = await office.storage.orders.get(order_id)
    assert order.told
    shown = wire.messages[1001, message]
    assert shown["text"] == captions.failed(office.texts, order)
    assert shown["keyboard"] == keyboards.retry(office.texts, order)
    assert len(wire.of("EditMessageText")) == 1


async def test_failure_survives_a_bad_wire_and_a_deleted_message(office: Office, wire: Wire) -> None:
    order_id, message = await opened(office)
    del wire.messages[1001, message]
    wire.before["EditMessageText"] = [broken, lost]
    wire.before["SendMessage"] = [broken]
    await office.storage.ledger.failed(order_id, PaintingFailed(reference="ab12"))
    office.courier.tell_failure(order_id)
    assert await office.courier.drain(5)
    order = await office.storage.orders.get(order_id)
    assert order.told
    assert wire.texts() == [captions.failed(office.texts, order)]


async def test_refresh_says_what_the_row_says(office: Office, wire: Wire) -> None:
    order = await office.order(style=None)
    office.courier.open_status(order.id)
    await until(lambda: wire.messages)
    message = next(iter(wire.messages))
    assert wire.messages[message]["keyboard"] == keyboards.styles(office.texts, order)
    await office.storage.orders.choose_style(order.id, "ink")
    office.courier.refresh(order.id)
    order = await office.now(order)
    await until(lambda: wire.messages[message]["text"] == captions.queued(office.texts, order))
    await office.storage.orders.cancel(order.id)
    office.courier.refresh(order.id)
    await until(lambda: wire.messages[message]["text"] == captions.cancelled(office.texts, order))


async def test_refresh_keeps_the_place_the_queue_has_told(office: Office, wire: Wire) -> None:
    order = await office.order()
    office.courier.open_status(order.id)
    await until(lambda: wire.messages)
    office.board(OrderWaiting(order.id, 3, None))
    text = captions.waiting(office.texts, order, 3, None)
    await until(lambda: wire.texts() == [text])
    office.courier.refresh(order.id)
    assert await office.courier.drain(5)
    assert wire.texts() == [text]


async def test_open_status_twice_sends_one_message(office: Office, wire: Wire) -> None:
    order = await office.order()
    office.courier.open_status(order.id)
    office.courier.open_status(order.id)
    assert await office.courier.drain(5)
    assert len(wire.messages) == 1


async def test_progress_on_a_deleted_message_does_no_harm(office: Office, wire: Wire) -> None:
    order_id, message = await opened(office)
    del wire.messages[1001, message]
    office.board(OrderAdvanced(order_id, 0.5, None))
    await until(lambda: wire.of("EditMessageText"))
    await office.painted_running(order_id)
    office.courier.deliver(order_id)
    assert await office.courier.drain(5)
    assert len(wire.photos()) == 1


async def test_resting_is_said_before_the_end(office: Office, wire: Wire) -> None:
    order_id, message = await opened(office)
    office.courier.rest(order_id)
    assert await office.courier.drain(5)
    order = await office.storage.orders.get(order_id)
    assert wire.messages[1001, message]["text"] == captions.resting(office.texts, order)


@pytest.mark.parametrize("seed", range(3))
async def test_progress_never_follows_the_picture(office: Office, wire: Wire, seed: int) -> None:
    """A dozen orders, events and results in any order, answers of any slowness, some lost."""
    dice = random.Random(seed)
    wire.delay = lambda _method: dice.random() * 0.01
    orders = [await opened(office, chat=2000 + number) for number in range(12)]
    wire.after["EditMessageMedia"] = [lost] * 5
    wire.after["EditMessageText"] = [lost] * 5

    async def live(order: int) -> None:
        for step in range(12):
            office.board(OrderAdvanced(order, step / 12, None))
            await asyncio.sleep(dice.random() * 0.006)
            if step == dice.randrange(12):
                office.courier.refresh(order)
        await office.painted_running(order)
        office.board(OrderRendered(order))
        for step in range(6):
            office.board(OrderAdvanced(order, step / 6, None))
            await asyncio.sleep(dice.random() * 0.006)

    await asyncio.gather(*(live(order) for order, _ in orders))
    assert await office.courier.drain(20)
    await settle()
    assert len(wire.photos()) == 12
    assert late_texts(wire) == 0
    states = {(await office.storage.orders.get(order)).state for order, _ in orders}
    assert states == {State.DELIVERED}


async def test_control_unordered_edits_do_follow_the_picture(office: Office, wire: Wire) -> None:
    """The same wire with edits fired past the order's lane: texts follow the picture, so the count above can fail."""
    orders = [await opened(office, chat=2000 + number) for number in range(3)]

    async def naive(order_id: int) -> None:
        order = await office.storage.orders.get(order_id)
        for step in range(3):
            text = captions.painting(office.texts, order, step / 3, None)
            office.nursery.spawn(
                office.bot.edit_message_text(text, chat_id=order.destination.chat, message_id=order.status_message),
                name="naive",
            )

    for order, _ in orders:
        await office.painted_running(order)
        office.courier.deliver(order)
        pictures = len(wire.of("EditMessageMedia"))
        await until(lambda pictures=pictures: len(wire.of("EditMessageMedia")) > pictures, "the picture is on its way")
        await naive(order)
    assert await office.courier.drain(20)
    await office.nursery.close(5)
    assert late_texts(wire) == 9


def late_texts(wire: Wire) -> int:
    """Text edits that began after the same message was edited into a picture."""
    pictured, late = set(), 0
    for call in wire.calls:
        if call.name == "EditMessageMedia":
            pictured.add((call.chat, call.method.message_id))
        late += call.name == "EditMessageText" and (call.chat, call.method.message_id) in pictured
    return late


async def test_gone_buttons_and_old_queries_are_quiet(
    office: Office, wire: Wire, caplog: pytest.LogCaptureFixture
) -> None:
    order = await office.order()
    wire.before["AnswerCallbackQuery"] = [bad("query is too old and response timeout expired or query ID is invalid")]
    wire.before["EditMessageReplyMarkup"] = [bad("message is not modified: the same")]
    office.courier.answer("77", "hello", alert=True)
    office.courier.edit_keyboard(order.destination, 5, None)
    assert await office.courier.drain(5)
    assert len(wire.of("AnswerCallbackQuery")) == len(wire.of("EditMessageReplyMarkup")) == 1
    assert not [record for record in caplog.records if record.levelname in {"ERROR", "WARNING"}]


async def test_newest_buttons_win(slow_office: Office, hands: HandClock, wire: Wire) -> None:
    order = await slow_office.order()
    first, second = keyboards.waiting(slow_office.texts, order), keyboards.finished(slow_office.texts, order)
    wire.before["EditMessageReplyMarkup"] = [broken]
    slow_office.courier.edit_keyboard(order.destination, 5, first)
    await until(lambda: hands.due, "the first waits to be repeated")
    slow_office.courier.edit_keyboard(order.destination, 5, second)
    await until(lambda: len(wire.of("EditMessageReplyMarkup")) == 2)
    await hands.advance(60)
    assert await slow_office.courier.drain(5)
    assert [call.method.reply_markup for call in wire.of("EditMessageReplyMarkup")] == [first, second]


async def test_say_repeats_until_it_is_said(office: Office, wire: Wire) -> None:
    order = await office.order()
    wire.before["SendMessage"] = [broken, lost]
    office.courier.say(order.destination, "<b>hello</b>", keyboards.waiting(office.texts, order))
    assert await office.courier.drain(5)
    assert wire.texts() == ["<b>hello</b>"]
    assert wire.of("SendMessage")[-1].method.parse_mode == "HTML"


def test_reply_never_fails_on_a_deleted_message() -> None:
    assert reply_to(None) is None
    assert reply_to(5).allow_sending_without_reply


async def test_answers_that_are_always_lost_leave_few_texts(slow_office: Office, hands: HandClock, wire: Wire) -> None:
    async def pass_time(seconds: float, steps: int) -> None:
        for _ in range(steps):
            await hands.advance(seconds / steps)
            await asyncio.sleep(0.004)  # every attempt reads the row, on a thread

    order = await slow_office.order()
    wire.after["SendMessage"] = [lost] * 100
    slow_office.courier.open_status(order.id)
    await until(lambda: wire.calls, "the first text")
    await pass_time(300, 60)
    assert len(wire.messages) == slow_office.courier._outbox.pace.unsure_sends
    await pass_time(24 * 3600, 120)
    assert len(wire.messages) <= 12
    wire.after["SendMessage"].clear()
    await pass_time(48 * 3600, 60)
    await until(lambda: not slow_office.courier._lasting)
    assert (1001, (await slow_office.now(order)).status_message) in wire.messages
