"""From the queue through the diffusion engine to the ledger: batches, looks, cancelling, resting. Tiny models."""

from __future__ import annotations

import asyncio
import io
import sys
import threading

import numpy as np
import pytest
from PIL import Image

from generation.contracts.events import OrderFailed, OrderPreviewed, OrderRendered
from generation.contracts.ports import Ticket
from generation.diffusion.measuring.lag import loop_lag
from generation.queue import FairQueue
from generation.work import Patience
from tests.diffusion.engine_rig import (
    STEPS,
    SmallPipeline,
    decibels,
    eight,
    engine_on,
    job_for,
    paint,
    pictures,
    request,
    sources,
)
from tests.generation.scripted import WIDE, House, working

pytestmark = pytest.mark.diffusion
__all__ = ["sources"]


class Watched:
    """The real engine, with what it was asked to paint written down, and a halt before an event."""

    def __init__(self, engine) -> None:
        self._engine = engine
        self.batches: list[list[str]] = []
        self.unloaded = 0
        self.halt_at: int | None = None
        self.halted, self.go = threading.Event(), threading.Event()

    def __getattr__(self, name):
        return getattr(self._engine, name)

    def unload(self):
        self.unloaded += 1
        assert not self.go.is_set() or self.halt_at is None
        self._engine.unload()

    def paint(self, jobs):
        self.batches.append([job.request.word for job in jobs])
        for event in self._engine.paint(jobs):
            yield event
            if getattr(event, "step", None) == self.halt_at is not None and not self.halted.is_set():
                self.halted.set()
                assert self.go.wait(60)


def house_of(engine, **more) -> House:
    return House(engine, pipeline=SmallPipeline(), **more)


def image_of(house: House, order: int) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(house.ledger.entries[order].picture.png)))


async def until(condition) -> None:
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.005)


async def test_eight_orders_of_eight_learners_become_one_batch_and_each_gets_its_own(sources, tmp_path):
    engine = Watched(engine_on(sources, tmp_path, plan="quality"))
    wanted = eight(steps=5)
    house = house_of(engine)
    house.put(*[Ticket(order, learner=order, request=one) for order, one in enumerate(wanted, start=1)])
    async with working(house):
        await house.watch.until(OrderRendered, *range(1, 9))
    assert [len(batch) for batch in engine.batches] == [8]
    alone = engine_on(sources, tmp_path, plan="quality")
    for order, one in enumerate(wanted, start=1):
        painted = image_of(house, order)
        assert decibels(painted, pictures(paint(alone, one))[0]) > 45, "the picture it would have had by itself"
        others = (image_of(house, other) for other in range(1, 9) if other != order)
        assert all(decibels(painted, other) < 30 for other in others)


def test_under_quality_the_queue_takes_every_style_together(sources, tmp_path):
    queue = FairQueue(WIDE)
    queue.serve(engine_on(sources, tmp_path, plan="quality"))
    for order, one in enumerate(eight(steps=None)):
        queue.put(Ticket(order, learner=order, request=one))
    assert [painting.request.word for painting in queue.take()] == [one.word for one in eight()]


async def test_under_reference_only_equal_steps_go_together(sources, tmp_path):
    engine = Watched(engine_on(sources, tmp_path))
    house = house_of(engine)
    wanted = [request(0, "水", steps=2), request(1, "山", steps=3), request(2, "火", steps=2)]
    house.put(*[Ticket(order, learner=order, request=one) for order, one in enumerate(wanted, start=1)])
    async with working(house):
        await house.watch.until(OrderRendered, 1, 2, 3)
    assert sorted(engine.batches) == [["山"], ["水", "火"]]


async def test_cancelling_one_of_eight_midway_leaves_seven(sources, tmp_path):
    engine = Watched(engine_on(sources, tmp_path))
    engine.halt_at = 1
    house = house_of(engine)
    wanted = eight()
    house.put(*[Ticket(order, learner=order, request=one) for order, one in enumerate(wanted, start=1)])
    async with working(house):
        assert await asyncio.to_thread(engine.halted.wait, 60)
        house.ledger.cancel(5)
        assert house.queue.cancel(5)
        engine.go.set()
        await house.watch.until(OrderRendered, *(order for order in range(1, 9) if order != 5))
    assert house.states()[5] == "cancelled"
    assert 5 not in house.watch.orders(OrderRendered)
    assert not house.watch.of(OrderFailed)
    alone = pictures(paint(engine_on(sources, tmp_path), wanted[5]))[0]
    assert decibels(image_of(house, 6), alone) > 45, "its neighbour is none the worse for it"


async def test_the_painters_first_look_comes_before_the_engines_own(sources, tmp_path):
    engine = Watched(engine_on(sources, tmp_path, preview_every=2))
    engine.halt_at = 1
    house = house_of(engine, previews=True)
    house.put(Ticket(1, learner=1, request=request(translation="study")))
    async with working(house):
        await house.watch.until(OrderPreviewed, 1)
        (first,) = house.watch.of(OrderPreviewed)
        engine.go.set()
        await until(lambda: len(house.watch.of(OrderPreviewed)) == 2)
        await house.watch.until(OrderRendered, 1)
    sketch, latents = (Image.open(io.BytesIO(event.jpeg)).size for event in house.watch.of(OrderPreviewed))
    assert max(sketch) == 256 or max(sketch) == 128
    assert latents == (16, 16)
    assert first.jpeg != house.watch.of(OrderPreviewed)[1].jpeg


async def test_no_look_when_nobody_wants_one(sources, tmp_path):
    house = house_of(engine_on(sources, tmp_path, preview_every=1))
    house.put(Ticket(1, learner=1, request=request()))
    async with working(house):
        await house.watch.until(OrderRendered, 1)
    assert not house.watch.of(OrderPreviewed)


async def test_an_idle_engine_is_unloaded_and_loads_again(sources, tmp_path):
    engine = Watched(engine_on(sources, tmp_path))
    house = house_of(engine, patience=Patience(idle_s=0.2))
    async with working(house):
        house.put(Ticket(1, learner=1, request=request()))
        await house.watch.until(OrderRendered, 1)
        assert engine.loaded
        await until(lambda: not engine.loaded)
        house.put(Ticket(2, learner=1, request=request(1)))
        await house.watch.until(OrderRendered, 2)
    assert "load" in house.ledger.entries[2].picture.seconds


async def test_it_is_never_unloaded_while_it_paints(sources, tmp_path):
    engine = Watched(engine_on(sources, tmp_path))
    engine.halt_at = STEPS - 1
    house = house_of(engine, patience=Patience(idle_s=0.05))
    async with working(house):
        await until(lambda: engine.unloaded == 1)  # nothing came at first
        house.put(Ticket(1, learner=1, request=request()))
        assert await asyncio.to_thread(engine.halted.wait, 60)
        await asyncio.sleep(0.3)
        assert (engine.unloaded, engine.loaded) == (1, True)
        engine.halt_at = None
        engine.go.set()
        await house.watch.until(OrderRendered, 1)


def test_the_event_loop_stays_awake_while_the_engine_paints(sources, tmp_path, capsys):
    """Prints the lag; a hard figure would only measure the machine the suite happens to share."""
    engine = engine_on(sources, tmp_path, preview_every=1)
    jobs = [job_for(engine, one) for one in eight()[:3]]
    list(engine.paint(jobs))
    lag = loop_lag(lambda: [list(engine.paint(jobs)) for _ in range(3)])
    with capsys.disabled():
        sys.stdout.write(f"\n  event loop lag beside the tiny models: {lag}\n")
    assert lag.probes > 20
    assert lag.p50_ms <= lag.p99_ms <= lag.max_ms
    assert lag.p99_ms < 500
