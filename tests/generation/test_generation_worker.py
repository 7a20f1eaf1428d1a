"""The worker with a scripted engine: batches, sharing, cancelling, failing, stopping."""

from __future__ import annotations

import asyncio
import random
import sys

import pytest

from generation.contracts.errors import DatabaseBusy, DiskFull, MissingGlyph, OutOfMemory, PaintingFailed
from generation.contracts.events import (
    OrderAdvanced,
    OrderFailed,
    OrderPreviewed,
    OrderRendered,
    OrderStarted,
    OrderWaiting,
)
from generation.ledger import Entry, MemoryLedger
from generation.painter import Painter
from generation.pipeline import Pipeline
from generation.work import Patience
from tests.generation.scripted import STEPS, House, OneWord, ScriptedEngine, ticket, working

HASTY = Patience(storage_s=0.2, first_pause_s=0.01, longest_pause_s=0.05)


async def until(condition) -> None:
    """Wait for a state that no event tells."""
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.001)


async def test_an_order_is_claimed_painted_kept_and_told():
    async with working(House(ScriptedEngine())) as house:
        house.put(ticket(1))
        await house.watch.until(OrderRendered, 1)
    assert house.ledger.entries[1].picture.png.startswith(b"\x89PNG")
    assert house.ledger.entries[1].attempts == 1
    kinds = [type(event) for event in house.watch.events]
    assert kinds == [OrderStarted, *[OrderAdvanced] * STEPS, OrderRendered]
    assert [event.fraction for event in house.watch.of(OrderAdvanced)] == [0.25, 0.5, 0.75, 1.0]


async def test_the_engine_keeps_to_one_thread_of_its_own():
    async with working(House(ScriptedEngine())) as house:
        house.put(*map(ticket, range(1, 5)))
        await house.watch.until(OrderRendered, 1, 2, 3, 4)
    assert house.engine.threads == {"gpu_0"}


async def test_the_real_painter_paints_through_the_whole_worker():
    async with working(House(Painter(), pipeline=Pipeline())) as house:
        house.put(ticket(1, translation="study"))
        await house.watch.until(OrderRendered, 1)
    picture = house.ledger.entries[1].picture
    assert (picture.engine, picture.width, picture.height) == ("painter", 512, 512)
    assert {"glyphs", "paint", "encode", "legibility"} <= set(picture.seconds)
    assert picture.legibility["contrast"] > 0.5
    assert "study" in picture.prompt


async def test_batches_by_key_and_limit():
    engine = ScriptedEngine(limit=3)
    first = engine.gate(1)
    async with working(House(engine)) as house:
        house.put(ticket(1))
        await first.wait_reached()
        house.put(*[ticket(order, style="ink" if order % 2 else "comic") for order in range(2, 10)])
        first.opened.set()
        await house.watch.until(OrderRendered, *range(1, 10))
    assert engine.batches[0] == [1]
    styles = [{seed % 2 for seed in batch} for batch in engine.batches[1:]]
    assert all(len(kinds) == 1 for kinds in styles)
    assert max(map(len, engine.batches)) == 3
    assert sorted(seed for batch in engine.batches for seed in batch) == list(range(1, 10))


async def test_the_next_batch_is_prepared_while_this_one_is_painted():
    engine = ScriptedEngine()
    gate = engine.gate(1)
    async with working(House(engine)) as house:
        house.put(ticket(1), ticket(2), ticket(3))
        await gate.wait_reached()
        await until(lambda: house.worker._ahead is not None and house.worker._ahead.ready)
        assert house.states() == {1: "running", 2: "running"}, "claimed before it is prepared; the third one waits"
        await house.watch.until(OrderStarted, 1)
        assert house.watch.orders(OrderStarted) == [1]
        gate.opened.set()
        await house.watch.until(OrderRendered, 1, 2, 3)
    assert engine.batches == [[1], [2], [3]]


async def test_one_learner_never_has_two_running():
    engine = ScriptedEngine(limit=4)
    gate = engine.gate(1)
    async with working(House(engine)) as house:
        house.put(ticket(1, learner=7), ticket(2, learner=7), ticket(3, learner=7))
        await gate.wait_reached()
        assert list(house.states().values()) == ["running"]
        gate.opened.set()
        await house.watch.until(OrderRendered, 1, 2, 3)
    assert engine.batches == [[1], [2], [3]]


async def test_twenty_equal_requests_are_one_painting():
    async with working(House(ScriptedEngine())) as house:
        house.put(*[ticket(order, seed=5) for order in range(1, 21)])
        await house.watch.until(OrderRendered, *range(1, 21))
    assert house.engine.batches == [[5]]
    assert len({entry.picture.png for entry in house.ledger.entries.values()}) == 1


async def test_joining_a_running_painting():
    engine = ScriptedEngine()
    gate = engine.gate(5, step=3)
    async with working(House(engine)) as house:
        house.put(ticket(1, seed=5))
        await gate.wait_reached()
        house.put(ticket(2, seed=5))
        await house.watch.until(OrderStarted, 2)
        assert house.ledger.entries[2].state == "running"
        gate.opened.set()
        await house.watch.until(OrderRendered, 1, 2)
    assert engine.batches == [[5]]
    assert house.watch.of(OrderWaiting, 2) == []


async def test_cancelling_one_of_two_sharers_leaves_the_other_its_picture():
    engine = ScriptedEngine()
    gate = engine.gate(5, step=2)
    async with working(House(engine)) as house:
        house.put(ticket(1, seed=5), ticket(2, seed=5))
        await gate.wait_reached()
        assert house.ledger.cancel(1)
        assert house.queue.cancel(1)
        gate.opened.set()
        await house.watch.until(OrderRendered, 2)
    assert house.states() == {1: "cancelled", 2: "rendered"}
    assert house.watch.orders(OrderRendered) == [2]
    assert engine.steps[5] == STEPS


@pytest.mark.parametrize("step", range(1, STEPS + 1))
async def test_a_cancel_takes_effect_within_a_step(step):
    engine = ScriptedEngine()
    gate = engine.gate(1, step)
    async with working(House(engine)) as house:
        house.put(ticket(1), ticket(2))
        await gate.wait_reached()
        house.ledger.cancel(1)
        assert house.queue.cancel(1)
        assert not house.queue.cancel(1), "it is gone"
        gate.opened.set()
        await house.watch.until(OrderRendered, 2)
    assert engine.steps[1] == step - 1
    assert house.states() == {1: "cancelled", 2: "rendered"}
    assert house.watch.orders(OrderRendered) == [2]


async def test_a_cancelled_painting_is_not_joined_but_painted_anew():
    engine = ScriptedEngine()
    gate = engine.gate(5)
    async with working(House(engine)) as house:
        house.put(ticket(1, seed=5))
        await gate.wait_reached()
        house.ledger.cancel(1)
        house.queue.cancel(1)
        house.put(ticket(2, seed=5))
        gate.opened.set()
        await house.watch.until(OrderRendered, 2)
    assert engine.batches == [[5], [5]]


async def test_a_cancel_while_it_is_prepared_ahead():
    engine = ScriptedEngine()
    gate = engine.gate(1)
    async with working(House(engine)) as house:
        house.put(ticket(1), ticket(2), ticket(3))
        await gate.wait_reached()
        await until(lambda: house.states().get(2) == "running")
        house.ledger.cancel(2)
        house.queue.cancel(2)
        gate.opened.set()
        await house.watch.until(OrderRendered, 1, 3)
    assert engine.batches == [[1], [3]]


@pytest.mark.parametrize(
    ("does", "error"),
    [("raise", PaintingFailed), ("no end", PaintingFailed), ("memory", OutOfMemory), ("oom", OutOfMemory)],
)
async def test_an_engine_that_fails_fails_that_order_and_the_worker_lives_on(does, error, caplog):
    async with working(House(ScriptedEngine(script={1: does}))) as house:
        house.put(ticket(1), ticket(2))
        await house.watch.until(OrderFailed, 1)
        await house.watch.until(OrderRendered, 2)
    (failed,) = house.watch.of(OrderFailed)
    assert isinstance(failed.error, error)
    assert house.states() == {1: "failed", 2: "rendered"}
    if error is PaintingFailed:
        assert failed.error.details["reference"] in caplog.text
    assert "学习" not in caplog.text


async def test_one_bad_painting_does_not_take_its_batch_along():
    engine = ScriptedEngine(limit=4, script={2: "raise"})
    gate = engine.gate(9)
    async with working(House(engine)) as house:
        house.put(ticket(9))
        await gate.wait_reached()
        await until(lambda: house.queue.waiting == 0)
        house.put(*map(ticket, (1, 2, 3)))
        gate.opened.set()
        await house.watch.until(OrderRendered, 9, 1, 3)
        await house.watch.until(OrderFailed, 2)
    assert engine.batches == [[9], [1, 2, 3], [1], [2], [3]]


async def test_a_word_no_font_can_draw_fails_with_its_own_reason():
    async with working(House(ScriptedEngine())) as house:
        house.put(ticket(1, word="\U00013000"), ticket(2))
        await house.watch.until(OrderFailed, 1)
        await house.watch.until(OrderRendered, 2)
    assert isinstance(house.watch.of(OrderFailed)[0].error, MissingGlyph)


async def test_previews_reach_everybody_who_shares():
    engine = ScriptedEngine()
    engine.previews = True
    gate = engine.gate(5, step=3)
    async with working(House(engine, previews=True)) as house:
        house.put(ticket(1, seed=5), ticket(2, seed=5))
        await house.watch.until(OrderPreviewed, 1, 2)
        gate.opened.set()
        await house.watch.until(OrderRendered, 1, 2)
    assert all(event.jpeg.startswith(b"\xff\xd8") for event in house.watch.of(OrderPreviewed))


async def test_nothing_is_encoded_for_previews_nobody_asked_for(monkeypatch):
    engine, encoded = ScriptedEngine(), []
    engine.previews = True
    monkeypatch.setattr(OneWord, "preview_jpeg", staticmethod(lambda image: encoded.append(image) or b""))
    async with working(House(engine)) as house:
        house.put(ticket(1))
        await house.watch.until(OrderRendered, 1)
    assert not encoded
    assert not house.watch.of(OrderPreviewed)


async def test_a_watcher_that_raises_harms_no_painting():
    house = House(ScriptedEngine())
    heard: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: heard.append(context["exception"]))

    def raising(event):
        raise RuntimeError("the watcher is broken")

    house.worker._announcer._watcher = raising
    async with working(house):
        house.put(ticket(1))
        await until(lambda: house.states().get(1) == "rendered")
    assert heard


async def test_two_hundred_jobs_with_thirty_percent_out_of_memory():
    chance = random.Random(7)
    script = {order: "oom" if chance.random() < 0.3 else "ok" for order in range(1, 201)}
    async with working(House(ScriptedEngine(limit=8, script=script))) as house:
        house.put(*[ticket(order, learner=order % 20) for order in script])
        bad = [order for order, does in script.items() if does == "oom"]
        await house.watch.until(OrderFailed, *bad)
        await house.watch.until(OrderRendered, *(set(script) - set(bad)))
    assert len(bad) > 40
    assert house.watch.orders(OrderFailed) == sorted(
        set(house.watch.orders(OrderFailed)), key=house.watch.orders(OrderFailed).index
    )
    assert not house.worker._settling.works
    assert not house.queue._paintings
    assert not house.queue._shared


async def live_until_it_kills(ledger: MemoryLedger, orders: list[int], poison: int) -> list[int]:
    """One life of the process: it ends where painting `poison` would have taken it down. Returns whose failure was told."""
    house = House(ScriptedEngine(limit=4), ledger=ledger)
    gate = house.engine.gate(poison)
    house.put(*[ticket(order, restored=any(entry.attempts for entry in ledger.entries.values())) for order in orders])
    running = asyncio.create_task(house.worker.run())
    await until(lambda: gate.reached.is_set() or len(house.watch.orders(OrderRendered)) == len(orders) - 1)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    gate.opened.set()
    return house.watch.orders(OrderFailed)


async def test_a_poisonous_order_dies_alone():
    """R4: three deaths, then it is dead and told once; those who were in a batch with it get their pictures."""
    ledger, told, lives = MemoryLedger(), [], 0
    ledger.entries.update((order, Entry()) for order in range(1, 9))
    while orders := ledger.restore():
        lives += 1
        assert lives <= 4
        told += await live_until_it_kills(ledger, orders, poison=3)
    states = {order: entry.state for order, entry in ledger.entries.items()}
    assert states == {**dict.fromkeys(range(1, 9), "rendered"), 3: "dead"}
    assert (told, lives, ledger.entries[3].attempts) == ([3], 4, 3)


async def test_stop_lets_the_running_one_finish_and_gives_the_rest_back():
    engine = ScriptedEngine()
    gate = engine.gate(1)
    house = House(engine)
    running = asyncio.create_task(house.worker.run())
    house.put(*map(ticket, range(1, 6)))
    await gate.wait_reached()
    await until(lambda: house.states().get(2) == "running")
    stopping = asyncio.create_task(house.worker.stop(20))
    await until(lambda: house.states()[2] == "queued")
    gate.opened.set()
    await stopping
    await running
    assert house.states() == {1: "rendered", 2: "queued"}
    assert house.ledger.entries[2].attempts == 0
    assert not house.worker.stuck


@pytest.mark.parametrize("twice", [False, True])
async def test_stop_beyond_the_grace_or_twice_gives_everything_back(twice):
    engine = ScriptedEngine()
    gate = engine.gate(1, step=2)
    house = House(engine)
    running = asyncio.create_task(house.worker.run())
    house.put(ticket(1), ticket(2))
    await gate.wait_reached()
    painting = house.queue.running[0]
    stops = [asyncio.create_task(house.worker.stop(60 if twice else 0.01))]
    if twice:
        await until(lambda: house.worker._stopping)
        stops.append(asyncio.create_task(house.worker.stop(60)))
    await until(painting.cancelled.is_set)
    gate.opened.set()
    await asyncio.gather(running, *stops)
    assert set(house.states().values()) == {"queued"}
    assert house.ledger.entries[1].attempts == 0
    assert engine.steps[1] == 1


async def test_stop_does_not_wait_for_an_engine_that_hangs():
    engine = ScriptedEngine()
    gate = engine.gate(1)
    house = House(engine, patience=Patience(thread_s=0.05))
    running = asyncio.create_task(house.worker.run())
    house.put(ticket(1))
    await gate.wait_reached()
    await house.worker.stop(0)
    await running
    assert house.worker.stuck
    assert house.states() == {1: "queued"}
    gate.opened.set()


async def test_a_stop_before_the_start_is_not_lost():
    house = House(ScriptedEngine())
    await house.worker.stop(10)
    await asyncio.wait_for(house.worker.run(), 5)


async def test_an_overdue_painting_fails_and_a_stuck_thread_is_reported():
    engine = ScriptedEngine()
    gate = engine.gate(1)
    async with working(House(engine, patience=Patience(painting_s=1.5, thread_s=0.1))) as house:
        house.put(ticket(1), ticket(2))
        await house.watch.until(OrderFailed, 1)
        await asyncio.wait_for(house.stuck.wait(), 5)
        assert house.worker.status().stuck
        gate.opened.set()
        await house.watch.until(OrderRendered, 2)
    assert isinstance(house.watch.of(OrderFailed)[0].error, PaintingFailed)
    assert house.watch.orders(OrderFailed) == [1]


class TroubledLedger(MemoryLedger):
    """Storage that raises as often as told, by step."""

    def __init__(self, **troubles: tuple[int, type]) -> None:
        super().__init__()
        self.troubles = {step: [kind] * times for step, (times, kind) in troubles.items()}

    def _trouble(self, step: str) -> None:
        if self.troubles.get(step):
            kind = self.troubles[step].pop()
            raise kind

    async def claim(self, order):
        self._trouble("claim")
        return await super().claim(order)

    async def rendered(self, order, picture):
        self._trouble("rendered")
        return await super().rendered(order, picture)

    async def failed(self, order, error):
        self._trouble("failed")
        return await super().failed(order, error)


@pytest.mark.parametrize("step", ["claim", "rendered"])
async def test_storage_that_recovers_costs_nothing_but_time(step):
    ledger = TroubledLedger(**{step: (3, DatabaseBusy)})
    async with working(House(ScriptedEngine(), ledger=ledger, patience=HASTY)) as house:
        house.put(ticket(1), ticket(2))
        await house.watch.until(OrderRendered, 1, 2)
    assert house.engine.batches in ([[1], [2]], [[2], [1]]), (
        "the finished picture was kept in memory, not painted again"
    )
    assert not house.watch.of(OrderFailed)


async def test_a_full_disk_fails_the_order_politely_and_the_next_one_is_painted():
    ledger = TroubledLedger(rendered=(1000, DiskFull))
    async with working(House(ScriptedEngine(), ledger=ledger, patience=HASTY)) as house:
        house.put(ticket(1))
        await house.watch.until(OrderFailed, 1)
        assert isinstance(house.watch.of(OrderFailed)[0].error, DiskFull)
        ledger.troubles.clear()
        house.put(ticket(2))
        await house.watch.until(OrderRendered, 2)
    assert house.states() == {1: "failed", 2: "rendered"}


@pytest.mark.parametrize("kind", [DiskFull, ZeroDivisionError])
async def test_a_ledger_that_takes_nothing_at_all_still_tells_the_learner(kind):
    ledger = TroubledLedger(rendered=(1000, kind), failed=(1000, kind))
    async with working(House(ScriptedEngine(), ledger=ledger, patience=HASTY)) as house:
        house.put(ticket(1))
        await house.watch.until(OrderFailed, 1)
        ledger.troubles.clear()
        house.put(ticket(2))
        await house.watch.until(OrderRendered, 2)
    assert house.watch.orders(OrderFailed) == [1]


async def test_a_row_that_is_no_longer_queued_is_skipped():
    house = House(ScriptedEngine())
    house.ledger.cancel(1)
    async with working(house):
        house.put(ticket(1), ticket(2))
        await house.watch.until(OrderRendered, 2)
    assert house.engine.batches == [[2]]
    assert house.watch.orders(OrderStarted) == [2]


async def test_places_are_told_when_they_change():
    engine = ScriptedEngine()
    gate = engine.gate(1)
    async with working(House(engine)) as house:
        house.put(*map(ticket, range(1, 5)))
        await gate.wait_reached()
        await until(
            lambda: [(event.order, event.place) for event in house.watch.of(OrderWaiting)][-2:] == [(3, 1), (4, 2)]
        )
        assert all(event.eta_s is None for event in house.watch.of(OrderWaiting)), "nothing was measured yet"
        gate.opened.set()
        await house.watch.until(OrderRendered, 1, 2, 3, 4)
        assert house.watch.of(OrderStarted, 4)[0].eta_s is not None


async def test_status_tells_what_gpu_shows():
    engine = ScriptedEngine()
    gate = engine.gate(2)
    async with working(House(engine)) as house:
        house.put(ticket(1))
        await house.watch.until(OrderRendered, 1)
        await until(lambda: house.worker.last)
        house.put(ticket(2), ticket(3), ticket(4))
        await gate.wait_reached()
        await until(lambda: house.states().get(3) == "running")
        status = house.worker.status()
        assert (status.running, status.waiting, len(status.last)) == ((2, 3), 1, 1)
        assert status.median_s == status.last[0].seconds > 0
        assert status.engine == {"batches": 2}
        gate.opened.set()
        await house.watch.until(OrderRendered, 2, 3, 4)


async def test_an_engine_that_does_not_warm_up_is_logged_and_tried(caplog):
    engine = ScriptedEngine()

    def cold() -> None:
        raise OSError("no such model")

    engine.warm = cold
    async with working(House(engine)) as house:
        house.put(ticket(1))
        await house.watch.until(OrderRendered, 1)
    assert "did not warm up" in caplog.text


async def test_the_event_loop_stays_awake(capsys):
    """Prints the lag; a hard figure would only measure the machine the suite happens to share."""
    loop, lags = asyncio.get_running_loop(), []

    async def probe() -> None:
        while True:
            before = loop.time()
            await asyncio.sleep(0.005)
            lags.append(loop.time() - before - 0.005)

    probing = asyncio.create_task(probe())
    async with working(House(Painter())) as house:
        house.put(*[ticket(order, translation="study") for order in range(1, 4)])
        await house.watch.until(OrderRendered, 1, 2, 3)
    probing.cancel()
    lags.sort()
    with capsys.disabled():
        sys.stdout.write(
            f"\n  event loop lag while painting: p50 {lags[len(lags) // 2] * 1e3:.1f} ms, "
            f"p99 {lags[int(len(lags) * 0.99)] * 1e3:.1f} ms, max {lags[-1] * 1e3:.1f} ms\n"
        )
    assert lags[int(len(lags) * 0.99)] < 0.5


def test_patience_ends():
    patience = Patience(storage_s=1, first_pause_s=0.1, longest_pause_s=0.4)
    assert [patience.pause_s(tried) for tried in range(4)] == [0.1, 0.2, 0.4, None]


async def test_a_cancelled_run_leaves_its_orders_to_the_next_start():
    engine = ScriptedEngine()
    gate = engine.gate(1, step=2)
    house = House(engine)
    running = asyncio.create_task(house.worker.run())
    house.put(ticket(1))
    await gate.wait_reached()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    gate.opened.set()
    await house.worker.stop(0)
    assert house.states() == {1: "running"}
    assert house.ledger.restore() == [1]
