"""An engine that does what the test says, and everything else real."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Hashable, Iterator, Sequence
from contextlib import asynccontextmanager
from functools import cache

import numpy as np

from generation.contracts.errors import OutOfMemory
from generation.contracts.events import Done, EngineEvent, Failed, OrderEvent, Preview, Step
from generation.contracts.ports import Job, Ticket
from generation.contracts.request import PaintRequest
from generation.ledger import MemoryLedger
from generation.pipeline import Pipeline
from generation.queue import FairQueue, QueueLimits
from generation.work import Patience
from generation.worker import Worker

WIDE = QueueLimits(waiting=100_000, waiting_per_learner=100_000)
STEPS = 4


def request(seed: int = 0, word: str = "学习", style: str = "ink", **more) -> PaintRequest:
    return PaintRequest(word=word, style=style, seed=seed, width=512, height=512, language="zh-Hans", **more)


def ticket(
    order: int, learner: int | None = None, *, seed: int | None = None, restored: bool = False, **more
) -> Ticket:
    """By default every order has a learner and a picture of its own."""
    return Ticket(
        order, order if learner is None else learner, request(order if seed is None else seed, **more), restored
    )


class Gate:
    """Stops the engine's thread at a place until the test lets it through."""

    def __init__(self) -> None:
        self.reached = threading.Event()
        self.opened = threading.Event()

    def __call__(self) -> None:
        self.reached.set()
        assert self.opened.wait(20), "the test never opened the gate"

    async def wait_reached(self) -> None:
        assert await asyncio.to_thread(self.reached.wait, 20), "the engine never came to the gate"


class ScriptedEngine:
    """Implements `Engine`. What it does with a request is looked up by seed in `script`; the default is to paint it.

    `ok`, `oom` (yields Failed), `raise`, `no end`, `memory` (raises MemoryError); `gates[(seed, step)]` stop it before a step.
    """

    name, version = "scripted", "1"

    def __init__(self, *, limit: int = 1, needs: tuple[str, ...] = (), script: dict[int, str] | None = None) -> None:
        self.needs = needs
        self.limit = limit
        self.script = script or {}
        self.gates: dict[tuple[int | str, int], Gate] = {}
        self.batches: list[list[int]] = []
        self.steps: Counter[int] = Counter()
        self.threads: set[str] = set()
        self.previews = False

    def gate(self, seed: int, step: int = 1) -> Gate:
        return self.gates.setdefault((seed, step), Gate())

    def batch_key(self, request: PaintRequest) -> Hashable:
        return request.style

    def batch_limit(self, width: int, height: int) -> int:
        return self.limit

    def warm(self) -> None: ...

    def unload(self) -> None: ...

    def diagnostics(self) -> dict[str, object]:
        return {"batches": len(self.batches)}

    def paint(self, jobs: Sequence[Job]) -> Iterator[EngineEvent]:
        self.threads.add(threading.current_thread().name)
        self.batches.append([job.request.seed for job in jobs])
        alive = dict(enumerate(jobs))
        for step in range(1, STEPS + 1):
            for index, job in list(alive.items()):
                yield from self._step(index, job, step, alive)
        for index, job in alive.items():
            if self.script.get(job.request.seed) != "no end":
                yield Done(index, picture_of(job))

    def _step(self, index: int, job: Job, step: int, alive: dict[int, Job]) -> Iterator[EngineEvent]:
        seed = job.request.seed
        if gate := self.gates.get((seed, step)):
            gate()
        if job.cancelled.is_set():
            del alive[index]
            return
        self.steps[seed] += 1
        does = self.script.get(seed, "ok") if step == 2 else "ok"
        if does == "raise":
            raise KeyError(job.request.word)
        if does == "memory":
            raise MemoryError
        if does == "oom":
            del alive[index]
            yield Failed(index, OutOfMemory())
            return
        if self.previews:
            yield Preview(index, picture_of(job))
        yield Step(index, step, STEPS)


class LoadingEngine(ScriptedEngine):
    """One that reads its models first, for as long as the test wants, and says so; `again` reads others at a step."""

    def __init__(self, **more) -> None:
        super().__init__(**more)
        self.loaded = False
        self.reading = Gate()
        self.gates["load", 0] = self.reading  # opened with all the others at the end
        self.again: int | None = None

    def paint(self, jobs: Sequence[Job]) -> Iterator[EngineEvent]:
        self._read()
        for event in super().paint(jobs):
            yield event
            if isinstance(event, Step) and event.step == self.again:
                self.loaded, self.reading.opened = False, threading.Event()
                self._read()

    def _read(self) -> None:
        if not self.loaded:
            self.reading()
            self.loaded = True


def picture_of(job: Job) -> np.ndarray:
    """The word on a ground that depends on the seed; plain, so that encoding it costs little."""
    return np.repeat((job.writing.mask ^ np.uint8(job.request.seed % 100))[:, :, None], 3, axis=2)


class Watch:
    """A watcher that remembers, and lets a test wait for what it has seen."""

    def __init__(self) -> None:
        self.events: list[OrderEvent] = []
        self._changed = asyncio.Event()

    def __call__(self, event: OrderEvent) -> None:
        self.events.append(event)
        self._changed.set()

    def of(self, kind: type, order: int | None = None) -> list:
        return [event for event in self.events if isinstance(event, kind) and order in (None, event.order)]

    def orders(self, kind: type) -> list[int]:
        return [event.order for event in self.of(kind)]

    async def until(self, kind: type, *orders: int) -> None:
        async with asyncio.timeout(30):
            while not set(orders) <= set(self.orders(kind)):
                self._changed.clear()
                await self._changed.wait()


class OneWord(Pipeline):
    """The real pipeline, for tests of many orders of the same word: laid out once."""

    def _write(self, request):
        return _laid_out(request.word, request.width, request.height)


@cache
def _laid_out(word, width, height):
    return Pipeline()._write(
        PaintRequest(word=word, style="ink", seed=0, width=width, height=height, language="zh-Hans")
    )


class House:
    """A worker with a real queue, a ledger in memory and the real pipeline."""

    def __init__(
        self,
        engine,
        *,
        limits: QueueLimits = WIDE,
        ledger=None,
        patience: Patience | None = None,
        pipeline=None,
        previews: bool = False,
    ):
        self.engine, self.watch, self.stuck = engine, Watch(), asyncio.Event()
        self.queue = FairQueue(limits)
        self.ledger = ledger or MemoryLedger()
        self.worker = Worker(
            self.queue,
            engine,
            ledger=self.ledger,
            watcher=self.watch,
            pipeline=pipeline or OneWord(),
            patience=patience,
            previews=previews,
            on_stuck=self.stuck.set,
        )

    def put(self, *tickets: Ticket) -> None:
        for one in tickets:
            self.queue.put(one)

    def states(self) -> dict[int, str]:
        return {order: entry.state for order, entry in self.ledger.entries.items()}


@asynccontextmanager
async def working(house: House):
    """The worker runs; at the end it is stopped and every gate opened, so that no thread stays behind."""
    running = asyncio.create_task(house.worker.run())
    try:
        yield house
    finally:
        for gate in getattr(house.engine, "gates", {}).values():
            gate.opened.set()
        await house.worker.stop(10)
        await running
