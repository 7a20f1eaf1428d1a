"""Early looks at paintings, the engine's rest, and an engine that changes while the worker runs."""

from __future__ import annotations

import asyncio
import io
import threading

import numpy as np
import pytest
from PIL import Image

from generation.contracts.errors import PaintingCancelled
from generation.contracts.events import OrderPreviewed, OrderRendered
from generation.pipeline import Pipeline
from generation.work import Batch, Patience
from tests.generation.scripted import STEPS, Gate, House, OneWord, ScriptedEngine, request, ticket, working


async def until(condition) -> None:
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.001)


class Slow(OneWord):
    """Sketches only when the test lets it."""

    def __init__(self) -> None:
        super().__init__()
        self.gate, self.sketched = Gate(), 0

    def first_look(self, job):
        self.gate()
        self.sketched += 1
        return super().first_look(job)


def is_sketch(event) -> bool:
    """The scripted engine paints without colour, the painter does not."""
    image = np.asarray(Image.open(io.BytesIO(event.jpeg)), np.int16)
    return int(np.abs(image[..., 0] - image[..., 2]).max()) > 8


def test_the_first_look_is_the_painters_sketch():
    pipeline, flag = OneWord(), threading.Event()
    job, _ = pipeline.prepare(request(translation="study"), ScriptedEngine(), flag)
    look = pipeline.first_look(job)
    assert look.shape == (256, 256, 3)
    assert np.array_equal(look, pipeline.first_look(job))
    flag.set()
    assert pipeline.first_look(job) is None


async def test_a_first_look_comes_while_another_engine_is_still_at_its_first_step():
    engine = ScriptedEngine()
    gate = engine.gate(1, step=1)
    async with working(House(engine, previews=True)) as house:
        house.put(ticket(1))
        await house.watch.until(OrderPreviewed, 1)
        assert is_sketch(house.watch.of(OrderPreviewed)[0])
        gate.opened.set()
        await house.watch.until(OrderRendered, 1)
    assert len(house.watch.of(OrderPreviewed)) == 1


async def test_the_engine_does_not_wait_for_it_and_a_late_one_is_dropped():
    pipeline = Slow()
    async with working(House(ScriptedEngine(), previews=True, pipeline=pipeline)) as house:
        house.put(ticket(1))
        await house.watch.until(OrderRendered, 1)
        assert not house.watch.of(OrderPreviewed)
        pipeline.gate.opened.set()
        await until(lambda: pipeline.sketched == 1)
    assert not house.watch.of(OrderPreviewed)


async def test_it_is_dropped_when_the_engine_showed_something_first():
    engine, pipeline = ScriptedEngine(), Slow()
    engine.previews = True
    gate = engine.gate(1, step=3)
    async with working(House(engine, previews=True, pipeline=pipeline)) as house:
        house.put(ticket(1))
        await house.watch.until(OrderPreviewed, 1)
        pipeline.gate.opened.set()
        await until(lambda: pipeline.sketched == 1)
        gate.opened.set()
        await house.watch.until(OrderRendered, 1)
    assert [event for event in house.watch.of(OrderPreviewed) if is_sketch(event)] == []


async def test_a_sketch_that_fails_harms_nothing(caplog):
    class Broken(OneWord):
        def first_look(self, job):
            raise PaintingCancelled

    async with working(House(ScriptedEngine(), previews=True, pipeline=Broken())) as house:
        house.put(ticket(1))
        await house.watch.until(OrderRendered, 1)
    assert not house.watch.of(OrderPreviewed)


async def test_the_painter_needs_no_other_painter_to_sketch_for_it():
    engine, pipeline = ScriptedEngine(), Slow()
    engine.name = "painter"
    async with working(House(engine, previews=True, pipeline=pipeline)) as house:
        house.put(ticket(1))
        await house.watch.until(OrderRendered, 1)
    assert not pipeline.gate.reached.is_set()


class Restful(ScriptedEngine):
    def __init__(self, **more) -> None:
        super().__init__(**more)
        self.unloaded, self.painting = 0, False
        self.overlapped = False

    def unload(self) -> None:
        self.unloaded += 1
        self.overlapped |= self.painting

    def paint(self, jobs):
        self.painting = True
        yield from super().paint(jobs)
        self.painting = False


async def test_an_idle_engine_rests_once_and_again_after_more_work():
    engine = Restful()
    async with working(House(engine, patience=Patience(idle_s=0.05))) as house:
        await until(lambda: engine.unloaded == 1)
        await asyncio.sleep(0.2)
        assert engine.unloaded == 1, "resting once is enough"
        house.put(ticket(1))
        await house.watch.until(OrderRendered, 1)
        await until(lambda: engine.unloaded == 2)


async def test_it_never_rests_while_there_is_work():
    engine = Restful()
    gates = [engine.gate(order, step=2) for order in (1, 2, 3)]
    async with working(House(engine, patience=Patience(idle_s=0.05))) as house:
        house.put(*map(ticket, (1, 2, 3)))
        for gate in gates:
            await gate.wait_reached()
            rested = engine.unloaded
            await asyncio.sleep(0.15)
            assert engine.unloaded == rested
            gate.opened.set()
        await house.watch.until(OrderRendered, 1, 2, 3)
    assert not engine.overlapped


async def test_by_default_it_never_rests():
    engine = Restful()
    async with working(House(engine)) as house:
        house.put(ticket(1))
        await house.watch.until(OrderRendered, 1)
        await asyncio.sleep(0.1)
    assert engine.unloaded == 0


async def test_an_engine_that_fails_to_rest_is_logged_and_paints_on(caplog):
    engine = Restful()
    engine.unload = lambda: 1 / 0
    async with working(House(engine, patience=Patience(idle_s=0.02))) as house:
        await until(lambda: "did not unload" in caplog.text)
        house.put(ticket(1))
        await house.watch.until(OrderRendered, 1)


async def test_waiting_orders_go_together_as_the_engine_of_the_day_says():
    """They were put while one was painted at a time; the engine that is back takes them in one batch."""
    engine = ScriptedEngine(limit=1)
    gate = engine.gate(1)
    async with working(House(engine)) as house:
        house.put(ticket(1), ticket(2))
        await gate.wait_reached()
        await until(lambda: house.states().get(2) == "running")
        house.put(*map(ticket, (3, 4, 5)))
        engine.limit, engine.version = 4, "2"
        gate.opened.set()
        await house.watch.until(OrderRendered, *range(1, 6))
    assert engine.batches == [[1], [2], [3, 4, 5]]


async def test_loading_counts_for_no_estimate():
    """The next painting will not load again: what it is expected to take leaves loading out."""

    class Loading(ScriptedEngine):
        def paint(self, jobs):
            for event in super().paint(jobs):
                if hasattr(event, "seconds"):
                    event.seconds["load"] = 1000.0
                yield event

    async with working(House(Loading(), pipeline=OneWord())) as house:
        house.put(ticket(1))
        await house.watch.until(OrderRendered, 1)
        await until(lambda: house.worker.last)
        assert house.worker.last[0].seconds == 0.0


def test_what_is_left_is_told_by_the_pace_since_the_first_step():
    """Half a minute of loading before the first of twenty steps says nothing about the other nineteen."""
    batch = Batch([], begun_at=0.0)
    assert batch.left_s(0.05, 30.0) is None
    assert batch.left_s(0.05, 30.0) is None, "another work of the batch, at the same step"
    assert batch.left_s(0.10, 31.0) == pytest.approx(18.0)
    assert batch.left_s(1.0, 49.0) == 0.0
    assert batch.left_s(0.025, 60.0) is None, "it began anew"


@pytest.mark.parametrize("previews", [False, True])
async def test_every_step_is_still_told_with_or_without_looks(previews):
    engine = ScriptedEngine()
    async with working(House(engine, previews=previews, pipeline=Pipeline())) as house:
        house.put(ticket(1))
        await house.watch.until(OrderRendered, 1)
    assert engine.steps[1] == STEPS
