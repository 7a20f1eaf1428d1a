"""Models that take long to be read: not the painting's time, and nothing a stop would wait for."""

from __future__ import annotations

import asyncio

import pytest

from generation.contracts.errors import PaintingFailed
from generation.contracts.events import OrderFailed, OrderRendered
from generation.painter import Painter
from generation.standin import StandIn
from generation.work import Patience, is_loading
from tests.generation.scripted import Gate, House, LoadingEngine, ScriptedEngine, ticket, working

BRIEF = Patience(painting_s=0.3, loading_s=60, thread_s=0.1)


async def until(condition) -> None:
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.001)


async def beyond(patience: Patience) -> None:
    """Long enough for an alarm of `painting_s` to have gone off."""
    await asyncio.sleep(patience.painting_s + patience.thread_s + 0.3)


async def test_reading_models_is_not_painting():
    engine = LoadingEngine()
    async with working(House(engine, patience=BRIEF)) as house:
        house.put(ticket(1))
        await engine.reading.wait_reached()
        await beyond(BRIEF)
        engine.reading.opened.set()
        await house.watch.until(OrderRendered, 1)
        assert not house.worker.stuck
        assert not house.stuck.is_set()


@pytest.mark.parametrize("engine", [LoadingEngine(), ScriptedEngine()], ids=["once loaded", "without models"])
async def test_painting_is_held_to_its_own_time(engine):
    gate = engine.gate(1, step=2)
    async with working(House(engine, patience=BRIEF)) as house:
        house.put(ticket(1))
        for reading in [one for place, one in engine.gates.items() if place[0] == "load"]:
            await reading.wait_reached()
            await beyond(BRIEF)
            reading.opened.set()
        await gate.wait_reached()
        await asyncio.wait_for(house.watch.until(OrderFailed, 1), 5)
        await asyncio.wait_for(house.stuck.wait(), 5)
    assert isinstance(house.watch.of(OrderFailed)[0].error, PaintingFailed)


async def test_reading_has_an_end_too():
    engine = LoadingEngine()
    patience = Patience(painting_s=0.05, loading_s=0.4, thread_s=0.05)
    async with working(House(engine, patience=patience)) as house:
        house.put(ticket(1))
        await engine.reading.wait_reached()
        await asyncio.wait_for(house.watch.until(OrderFailed, 1), 5)
        await asyncio.wait_for(house.stuck.wait(), 5)


async def test_smaller_models_may_be_read_in_the_middle_of_a_batch():
    """Memory ran out after the first step, and the engine reads what needs less."""
    engine = LoadingEngine()
    engine.loaded, engine.again = True, 1
    async with working(House(engine, patience=BRIEF)) as house:
        house.put(ticket(1))
        await engine.reading.wait_reached()
        await beyond(BRIEF)
        engine.again = None
        engine.reading.opened.set()
        await house.watch.until(OrderRendered, 1)
        assert not house.stuck.is_set()


def test_who_says_that_it_loads():
    engine = LoadingEngine(needs=())
    engine.trouble = lambda: None
    both = StandIn(engine, Painter())
    assert (is_loading(engine), is_loading(both)) == (True, True)
    engine.loaded = True
    assert (is_loading(engine), is_loading(both)) == (False, False)
    assert not is_loading(Painter())


async def test_a_stop_leaves_a_reading_thread_behind_and_gives_its_order_back():
    engine = LoadingEngine()
    house = House(engine, patience=Patience(thread_s=0.2))
    running = asyncio.create_task(house.worker.run())
    house.put(ticket(1))
    await engine.reading.wait_reached()
    began_s = asyncio.get_running_loop().time()
    await house.worker.stop(0.5)
    took_s = asyncio.get_running_loop().time() - began_s
    await running
    assert 0.5 <= took_s < 2, "the grace has the thread's time in it"
    assert house.states() == {1: "queued"}
    assert house.worker.busy
    assert not house.stuck.is_set(), "whoever stops it leaves by itself"
    engine.reading.opened.set()
    await until(lambda: not house.worker.busy)


async def test_a_stop_leaves_warming_behind():
    engine, gate = ScriptedEngine(), Gate()
    engine.warm = gate
    house = House(engine)
    running = asyncio.create_task(house.worker.run())
    await gate.wait_reached()
    await asyncio.wait_for(house.worker.stop(20), 5)
    await running
    assert house.worker.busy
    gate.opened.set()
    await until(lambda: not house.worker.busy)


async def test_an_overdue_thread_takes_no_stopping_process_down():
    engine = ScriptedEngine()
    gate = engine.gate(1)
    house = House(engine, patience=Patience(painting_s=0.3, thread_s=0.1))
    running = asyncio.create_task(house.worker.run())
    house.put(ticket(1))
    await gate.wait_reached()
    await house.worker.stop(2)
    await running
    assert house.states() == {1: "failed"}
    assert house.worker.stuck
    assert not house.stuck.is_set()
    gate.opened.set()


async def test_nothing_is_left_behind_after_an_ordinary_stop():
    house = House(ScriptedEngine())
    async with working(house):
        house.put(ticket(1))
        await house.watch.until(OrderRendered, 1)
    await until(lambda: not house.worker.busy)
