"""The budget: windows are kept, silences are kept, results come before progress."""

from __future__ import annotations

import asyncio
import itertools

import pytest
from aiogram import Bot
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.flood import LONGEST_SILENCE_S, Bucket, Claim, Flood, Pace, Rank
from bot.texts import Texts
from generation.contracts.events import OrderAdvanced
from storage import Destination, Storage
from tests.bot_outgoing.conftest import Office, employ
from tests.bot_outgoing.hands import HandClock, settle, until
from tests.bot_outgoing.wire import TOKEN, Wire, busy

PRIVATE, GROUP = 7, -7


def worst_window(times: list[float], seconds: float) -> int:
    """The most events within any half-open stretch of `seconds`."""
    return max((sum(at <= other < at + seconds - 1e-6 for other in times) for at in times), default=0)


async def send_all(flood: Flood, clock: HandClock, chats: list[int], for_s: float) -> list[tuple[int, float]]:
    """Ask for a turn for every chat at once and turn the hands; who was served when."""
    served: list[tuple[int, float]] = []

    async def one(chat: int) -> None:
        await flood.turn(chat)
        served.append((chat, clock.now))

    tasks = [asyncio.ensure_future(one(chat)) for chat in chats]
    await settle()
    await clock.advance(for_s)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return served


async def test_group_gets_at_most_twenty_a_minute() -> None:
    clock = HandClock()
    served = await send_all(Flood(clock), clock, [GROUP] * 60, 200)
    assert 15 < worst_window([at for _, at in served], 60) <= 20


async def test_private_chat_gets_one_a_second_after_a_small_burst() -> None:
    clock = HandClock()
    times = [at for _, at in await send_all(Flood(clock), clock, [PRIVATE] * 30, 20)]
    assert times[:3] == [clock.now - 20] * 3
    assert {round(after - before, 3) for before, after in itertools.pairwise(times[2:])} == {1.0}


async def test_all_chats_together_get_at_most_25_a_second() -> None:
    clock = HandClock()
    served = await send_all(Flood(clock), clock, list(range(1, 201)), 20)
    assert len(served) == 200
    assert 20 < worst_window([at for _, at in served], 1) <= 25


async def test_control_unlimited_sending_breaks_the_windows() -> None:
    clock = HandClock()
    free = Pace(group_rate=1e6, group_burst=10**6, overall_rate=1e6, overall_burst=10**6)
    served = await send_all(Flood(clock, free), clock, [GROUP] * 60, 1)
    assert worst_window([at for _, at in served], 60) == 60


async def test_turns_are_first_come_first_served() -> None:
    clock, served = HandClock(), []
    flood = Flood(clock)

    async def one(number: int) -> None:
        await flood.turn(PRIVATE)
        served.append(number)

    tasks = [asyncio.ensure_future(one(number)) for number in range(12)]
    await clock.advance(15)
    await asyncio.gather(*tasks)
    assert served == list(range(12))


async def test_silence_holds_everything_for_that_chat_only() -> None:
    clock = HandClock()
    flood = Flood(clock)
    flood.silence(PRIVATE, 30)
    began = clock.now
    assert not flood.spare(PRIVATE)
    served = dict(await send_all(flood, clock, [PRIVATE, 8, GROUP], 31))
    assert served[PRIVATE] == began + 30
    assert served[8] == served[GROUP] == began


async def test_silence_that_falls_while_waiting_is_kept() -> None:
    clock = HandClock()
    flood = Flood(clock)
    times: list[float] = []

    async def one() -> None:
        await flood.turn(PRIVATE)
        times.append(clock.now)

    tasks = [asyncio.ensure_future(one()) for _ in range(4)]
    await settle()
    assert len(times) == 3
    flood.silence(PRIVATE, 10)
    await clock.advance(11)
    await asyncio.gather(*tasks)
    assert times[3] >= times[0] + 10


def test_absurd_silences_end() -> None:
    flood = Flood(HandClock())
    flood.silence(PRIVATE, 1e12)
    assert flood.silent_s(PRIVATE) == LONGEST_SILENCE_S
    assert flood.silent_s(8) == 0


async def test_progress_waits_for_nobody_and_leaves_a_token() -> None:
    clock = HandClock()
    flood = Flood(clock)
    granted = sum(flood.spare(PRIVATE) for _ in range(10))
    assert granted == 2
    await flood.turn(PRIVATE)  # the one that stays is the result's: no waiting
    waiting = asyncio.ensure_future(flood.turn(PRIVATE))
    await settle()
    assert not waiting.done()
    await clock.advance(0.9)
    assert not flood.spare(PRIVATE)
    await clock.advance(0.2)
    await waiting


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(min_value=0, max_value=5), min_size=1, max_size=60), st.floats(0.1, 5), st.integers(1, 9))
def test_bucket_never_gives_more_than_its_burst_and_rate(pauses: list[float], rate: float, burst: int) -> None:
    now, taken = 0.0, []
    bucket = Bucket(rate, burst, now)
    for pause in pauses:
        now += pause
        if bucket.wait_s(now) == 0:
            bucket.take(now)
            taken.append(now)
    for window in (1.0, 10.0):
        assert worst_window(taken, window) <= burst + rate * window + 1e-6


def test_idle_chats_are_forgotten() -> None:
    clock = HandClock()
    flood = Flood(clock)
    for chat in range(1, 3000):
        flood.spare(chat)
        clock.now += 10
    assert len(flood._chats) <= 1100


async def test_a_429_is_waited_out_exactly(slow_office: Office, hands: HandClock, wire: Wire) -> None:
    order = await slow_office.order()
    where = order.destination
    wire.before["SendMessage"] = [busy(7)]
    slow_office.courier.say(where, "first")
    await until(lambda: wire.of("SendMessage"))
    slow_office.courier.say(where, "second")
    slow_office.courier.say(Destination(chat=5), "elsewhere")
    await until(lambda: len(wire.of("SendMessage")) == 2, "the other chat is served")
    await hands.advance(6.9)
    assert len(wire.of("SendMessage")) == 2
    await hands.advance(3)
    await until(lambda: len(wire.messages) == 3)
    late = [call.at for call in wire.calls if call.chat == where.chat][1:]
    assert min(late) == wire.calls[0].at + 7


async def test_callback_answers_take_no_budget(slow_office: Office, wire: Wire) -> None:
    for number in range(100):
        slow_office.courier.answer(str(number))
    await until(lambda: len(wire.of("AnswerCallbackQuery")) == 100)


@pytest.mark.parametrize("chat", [GROUP, PRIVATE])
async def test_busy_chat_stays_within_its_budget(storage: Storage, texts: Texts, chat: int) -> None:
    """Five orders with progress every 0.3 s for two minutes, then their results: edits and sends share the budget."""
    clock = HandClock()
    wire = Wire(now=clock.monotonic)
    office = employ(storage, Bot(TOKEN, session=wire), texts, pace=Pace(), clock=clock)
    orders = []
    for _ in range(5):
        order = await office.order(chat=chat, private=chat > 0)
        office.courier.open_status(order.id)
        orders.append(order.id)
    while office.courier._lasting:
        await clock.advance(0.5)
        await asyncio.sleep(0.01)
    for order in orders:
        await storage.ledger.claim(order)
    for step in range(200):
        for order in orders:
            office.board(OrderAdvanced(order, step / 200, None))
        await clock.advance(0.6)
        await asyncio.sleep(0.005)
    for order in orders:
        await office.painted_running(order)
        office.courier.deliver(order)
    while office.courier._lasting:
        await clock.advance(0.5)
        await asyncio.sleep(0.005)
    counted = [call.at for call in wire.calls if call.name != "SendChatAction"]
    assert len(wire.photos()) == 5
    assert len(wire.of("EditMessageText")) > 5
    assert worst_window(counted, 60) <= (20 if chat < 0 else 63)
    await office.courier.close()


async def served_order(flood: Flood, clock: HandClock, claims: list[Claim], for_s: float) -> list[Claim]:
    """The order in which claims for the group are served, after its burst is used up."""
    served: list[Claim] = []

    async def one(claim: Claim) -> None:
        if await flood.turn(GROUP, claim):
            served.append(claim)

    for _ in range(flood.pace.group_burst):
        await flood.turn(GROUP)
    tasks = []
    for claim in claims:
        tasks.append(asyncio.ensure_future(one(claim)))
        await settle()
    await clock.advance(for_s)
    await asyncio.gather(*tasks)
    return served


async def test_results_go_before_status_and_status_before_texts() -> None:
    clock = HandClock()
    claims = [Claim(rank, asker) for rank in (Rank.SIDE, Rank.STATUS, Rank.RESULT) for asker in (1, 2)]
    assert await served_order(Flood(clock), clock, claims, 60) == sorted(claims, key=lambda claim: claim.rank)


async def test_who_asks_much_waits_for_who_asks_little() -> None:
    clock = HandClock()
    greedy, modest = Claim(Rank.STATUS, 1), Claim(Rank.STATUS, 2)
    served = await served_order(Flood(clock), clock, [greedy] * 50 + [modest], 300)
    assert served.index(modest) <= 1
    assert len(served) == 51


async def test_what_nobody_wants_any_more_takes_no_token() -> None:
    clock = HandClock()
    unwanted = Claim(Rank.SIDE, 1, lambda: False)
    began = clock.now
    served = await served_order(Flood(clock), clock, [unwanted] * 50 + [Claim(Rank.SIDE, 2)], 4)
    assert [claim.asker for claim in served] == [2]
    assert clock.now == began + 4


async def test_a_cancelled_waiter_leaves_the_line_to_the_next() -> None:
    clock = HandClock()
    flood = Flood(clock)
    for _ in range(flood.pace.group_burst):
        await flood.turn(GROUP)
    tasks = [asyncio.ensure_future(flood.turn(GROUP)) for _ in range(4)]
    await settle()
    for doomed in (tasks[0], tasks[2]):
        doomed.cancel()
    await clock.advance(9)
    await asyncio.gather(*tasks, return_exceptions=True)
    assert [task.cancelled() for task in tasks] == [True, False, True, False]
    assert await asyncio.wait_for(flood.turn(8), 1)


async def test_a_thousand_commands_do_not_hold_up_anothers_picture(
    slow_office: Office, hands: HandClock, wire: Wire
) -> None:
    order = await slow_office.order(chat=GROUP, private=False)
    courier, nursery = slow_office.courier, slow_office.nursery
    for number in range(1000):
        courier.say(Destination(chat=GROUP, reply_to=number, private=False), f"help {number}", asker=1)
    await settle()
    assert len(nursery) == 1
    await hands.advance(1)
    began = hands.now
    courier.open_status(order.id)
    await until(lambda: wire.of("SendMessage") and hands.due, "the open waits")
    while not (opened := (await slow_office.now(order)).status_message):
        await hands.advance(0.25)
        await asyncio.sleep(0.002)
    await slow_office.painted(await slow_office.now(order))
    courier.deliver(order.id)
    while not wire.photos():
        await hands.advance(0.25)
        await asyncio.sleep(0.002)
    assert opened
    assert hands.now - began <= 10  # two messages at a group's pace of one in four seconds
    await hands.advance(60)
    await until(lambda: not courier._lasting)
    said = [text for text in wire.texts() if text and text.startswith("help")]
    assert said[-1] == "help 999"
    assert len(said) <= slow_office.courier._outbox.pace.group_burst + 1


async def test_side_texts_that_waited_too_long_are_dropped(slow_office: Office, hands: HandClock, wire: Wire) -> None:
    slow_office.courier._outbox._flood.silence(PRIVATE, 3600)
    slow_office.courier.say(Destination(chat=PRIVATE), "late", asker=PRIVATE)
    await hands.advance(3700)
    await until(lambda: not slow_office.courier._lasting)
    assert not wire.calls
