"""From the queue through the diffusion engine to the ledger: batches, looks, cancelling, resting. Tiny models."""

from __future__ import annotations

import asyncio
import ctypes
import io
import threading
import time

import numpy as np
import pytest
import torch
from PIL import Image
from torch.nn.modules.module import register_module_forward_pre_hook
from torch.overrides import TorchFunctionMode

from generation.contracts.events import OrderFailed, OrderPreviewed, OrderRendered
from generation.contracts.ports import Ticket
from generation.diffusion.measuring.lag import loop_lag
from generation.encode import PREVIEW_SIDE_PX, preview_jpeg
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
        self.threads: set[int] = set()
        self.unloaded = 0
        self.halt_at: int | None = None
        self.halted, self.go = threading.Event(), threading.Event()

    def __getattr__(self, name):
        return getattr(self._engine, name)

    def unload(self):
        self.unloaded += 1
        self.threads.add(threading.get_ident())
        assert not self.go.is_set() or self.halt_at is None
        self._engine.unload()

    def paint(self, jobs):
        self.batches.append([job.request.word for job in jobs])
        for event in self._engine.paint(jobs):
            self.threads.add(threading.get_ident())
            yield event
            if getattr(event, "step", None) == self.halt_at is not None and not self.halted.is_set():
                self.halted.set()
                assert self.go.wait(60)


def house_of(engine, **more) -> House:
    return House(engine, pipeline=SmallPipeline(), **more)


def image_of(house: House, order: int) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(house.ledger.entries[order].picture.png)))


def look_of(event: OrderPreviewed) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(event.jpeg)))


def as_look(image: np.ndarray) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(preview_jpeg(image))))


async def until(condition) -> None:
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.005)


async def test_eight_orders_of_eight_learners_become_one_batch_and_each_gets_its_own(sources, tmp_path):
    engine = Watched(engine_on(sources, tmp_path, plan="quality"))
    wanted = eight()
    house = house_of(engine)
    house.put(*[Ticket(order, learner=order, request=one) for order, one in enumerate(wanted, start=1)])
    async with working(house):
        await house.watch.until(OrderRendered, *range(1, 9))
    assert [len(batch) for batch in engine.batches] == [8]
    painted = {order: image_of(house, order) for order in range(1, 9)}
    for order in (1, 4, 8):
        alone = pictures(paint(engine, wanted[order - 1]))[0]
        assert decibels(painted[order], alone) > 45, "the picture it would have had by itself"
        assert all(decibels(painted[other], alone) < 30 for other in painted if other != order)
    assert all(decibels(painted[one], painted[other]) < 30 for one in painted for other in range(1, one))


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
    alone = pictures(paint(engine, wanted[5]))[0]
    assert decibels(image_of(house, 6), alone) > 45, "its neighbour is none the worse for it"


async def test_the_painters_first_look_comes_before_the_engines_own(sources, tmp_path):
    engine = Watched(engine_on(sources, tmp_path, preview_every=2))
    engine.halt_at = 1
    house = house_of(engine, previews=True)
    wanted = request(translation="study")
    house.put(Ticket(1, learner=1, request=wanted))
    async with working(house):
        await house.watch.until(OrderPreviewed, 1)
        (first,) = house.watch.of(OrderPreviewed)
        engine.go.set()
        await until(lambda: len(house.watch.of(OrderPreviewed)) == 2)
        await house.watch.until(OrderRendered, 1)
    sketch, latents = (look_of(event) for event in (first, house.watch.of(OrderPreviewed)[1]))
    assert sketch.shape == latents.shape == (PREVIEW_SIDE_PX, PREVIEW_SIDE_PX, 3)
    painters = as_look(SmallPipeline.first_look(job_for(engine, wanted)))
    assert decibels(sketch, painters) > 40, "what the painter would sketch"
    assert decibels(latents, painters) < 15, "the engine's own looks nothing like it"


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


class OfTheEngine(TorchFunctionMode):
    """Notes what torch is asked on the thread that enters it; other threads have modes of their own."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[object] = []

    def __torch_function__(self, func, types, args=(), kwargs=None):
        self.asked.append(func)
        return func(*args, **kwargs or {})


async def test_nothing_of_the_engine_runs_on_the_loops_thread(sources, tmp_path):
    """From loading to the last pixel, looks and unloading included. How late the loop wakes beside it is measured by
    `bench diffusion`, rows `lag/*`."""
    engine = Watched(engine_on(sources, tmp_path, preview_every=1))
    house = house_of(engine, previews=True, patience=Patience(idle_s=0.2))
    forwards: set[int] = set()
    hook = register_module_forward_pre_hook(lambda *_: forwards.add(threading.get_ident()))
    house.put(*[Ticket(order, learner=order, request=one) for order, one in enumerate(eight()[:3], start=1)])
    with hook, OfTheEngine() as here:
        async with working(house):
            await house.watch.until(OrderRendered, 1, 2, 3)
            await until(lambda: not engine.loaded)
        assert here.asked == []
        torch.zeros(1).add(1)
        assert here.asked, "it would have been noticed"
    assert len(engine.threads) == 1
    assert forwards == engine.threads
    assert threading.get_ident() not in engine.threads


def test_a_loop_that_is_kept_waiting_is_seen():
    """The probe behind `lag/*`: it tells apart work that lets go of the interpreter and work that does not."""

    def hold() -> None:
        for _ in range(3):
            time.sleep(0.02)
            ctypes.PyDLL(None).usleep(100_000)  # sleeps without letting go

    lag = loop_lag(hold)
    assert lag.max_ms > 90
    assert 0 <= lag.p50_ms <= lag.p99_ms <= lag.max_ms
