"""The single worker: takes batches from the queue, has them prepared and painted on threads, and settles their orders.

Knows the queue, an engine, the ledger and the pipeline; no Telegram and no database. One coroutine, `run`, reads one
inbox: whatever happens anywhere becomes a step there, and steps run one after the other. Nothing heavy runs inline: it
goes to the `cpu` pool, the engine to its own `gpu` thread. While one batch is painted the next is claimed and prepared.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from statistics import median
from typing import Any, TypeVar

from generation.announcer import Announcer
from generation.bookkeeping import Books
from generation.contracts.events import Done, EngineEvent, Failed, Preview, Step
from generation.contracts.picture import Picture
from generation.contracts.ports import Engine, Job, Ledger, Watcher
from generation.inbox import Inbox, Move
from generation.looks import Looks
from generation.overdue import Overdue
from generation.pipeline import FIRST_LOOK_BY, Pipeline
from generation.queue import FairQueue
from generation.rest import Rest
from generation.settling import Settling, explained
from generation.tracing import new_reference, traced
from generation.work import Batch, Painted, Patience, Work, WorkerStatus, is_loading

LAST = 10
_T = TypeVar("_T")
_log = logging.getLogger(__name__)


class Worker:
    """Paints what the queue gives, one batch at a time.

    Args:
        queue: where paintings come from.
        engine: who paints them.
        ledger: where orders are claimed and settled.
        watcher: where order events go.
        pipeline: what happens before and after the engine; the default fonts when None.
        patience: time limits.
        previews: whether the watcher wants first looks; unasked none is encoded.
        on_stuck: called once when a thread does not come back (exit status 70); not while stopping, which ends anyway.
    """

    def __init__(  # noqa: PLR0913 - the composition root names each of them once
        self,
        queue: FairQueue,
        engine: Engine,
        *,
        ledger: Ledger,
        watcher: Watcher,
        pipeline: Pipeline | None = None,
        patience: Patience | None = None,
        previews: bool = False,
        on_stuck: Callable[[], None] | None = None,
    ) -> None:
        self.last: deque[Painted] = deque(maxlen=LAST)
        self._queue, self._engine = queue, engine
        self._pipeline = pipeline or Pipeline()
        self._patience = patience or Patience()
        self._on_stuck = on_stuck
        self._announcer = Announcer(watcher)
        self._books = Books(ledger, queue, self._announcer)
        self._cpu = ThreadPoolExecutor(max(2, min(4, os.cpu_count() or 2)), thread_name_prefix="cpu")
        self._gpu = ThreadPoolExecutor(1, thread_name_prefix="gpu")
        self._inbox = Inbox()
        self._settling = Settling(self._inbox, self._books, queue=queue, patience=self._patience)
        self._overdue = Overdue(
            self._inbox, self._settling, patience=self._patience, engine=engine, on_stuck=self._leave
        )
        self._looks = Looks(self._inbox, self._announcer, pipeline=self._pipeline, pool=self._cpu, wanted=previews)
        self._rest = Rest(self._inbox, self._patience.idle_s, self._unload)
        self._batch: Batch | None = None  # the engine has it
        self._ahead: Batch | None = None  # being prepared, or ready
        self._again: deque[Batch] = deque()  # ready, because a batch of several failed
        self._calls: set[Future[Any]] = set()  # what threads have to do, or do
        self._woken = self._stopping = self._given_up = False
        self._ended = asyncio.Event()
        self._served = (engine.name, engine.version)
        queue.serve(engine)
        queue.subscribe(self._wake)

    # -- its life ----------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Paint until stopped. To be run once; nothing but cancelling it or `stop` ends it."""
        self._inbox.open()
        try:
            self._ask(self._engine.warm, "warm up")
            self._wake()
            while not self._finished():
                works, move = await self._inbox.next()
                await self._guarded(works, move)
        finally:
            for work in self._settling.works:
                work.painting.cancelled.set()
            self._stopping = True
            self._rest.when(idle=False)
            self._gpu.shutdown(wait=False, cancel_futures=True)
            self._cpu.shutdown(wait=False, cancel_futures=True)
            self._ended.set()

    async def stop(self, grace_s: float) -> None:
        """End in order: take nothing more, give back what is not begun, let the engine finish what it has.

        After the grace time, or at a second call, the engine is told to drop it and those orders are given back too.
        Returns when `run` has ended; `busy` tells that a thread was left behind, which only ending the process cures.

        Args:
            grace_s: seconds it may take, those of a thread to come back among them: the running batch has less.
        """
        if not self._inbox.is_open:
            self._stopping = True
            return
        if self._stopping:
            self._inbox.post((), self._on_cut)
        else:
            self._stopping = True
            self._inbox.post((), self._on_stop)
            self._inbox.later(max(0.0, grace_s - self._patience.thread_s), (), self._on_cut)
        await self._ended.wait()

    @property
    def busy(self) -> bool:
        """Whether a thread still works for it. The interpreter waits for such threads before it ends."""
        return bool(self._calls)

    def status(self) -> WorkerStatus:
        """What `/gpu` shows, the engine's own diagnostics among it."""
        return WorkerStatus(
            running=tuple(sorted(order for work in self._settling.works for order in work.painting.tickets)),
            waiting=self._queue.waiting,
            last=tuple(self.last),
            median_s=median(painted.seconds for painted in self.last) if self.last else None,
            stuck=self.stuck,
            engine=self._engine.diagnostics(),
        )

    def _finished(self) -> bool:
        return self._stopping and not self._settling.works and (self._batch is None or self._given_up)

    async def _guarded(self, works: Iterable[Work], move: Move) -> None:
        """One step. An error nobody foresaw fails the orders it was about and nothing else."""
        try:
            await move()
        except Exception as error:  # noqa: BLE001 - the worker lives on, whatever one painting brought
            reference = new_reference()
            _log.error("a step of the worker failed, %s", traced(error, reference))
            for work in [work for work in works if not work.closed]:
                self._settling.fail_unforeseen(work, reference)

    def _wake(self) -> None:
        if not self._woken and self._inbox.is_open:
            self._woken = True
            self._inbox.post((), self._on_change)

    def _ask(self, step: Callable[[], None], doing: str) -> None:
        """Have the engine do something beside painting, on its own thread."""
        future = self._called(self._gpu.submit(step))
        future.add_done_callback(lambda future: self._inbox.post((), self._on_asked, future, doing))

    async def _on_asked(self, future: Future[None], doing: str) -> None:
        if (error := future.exception()) is not None:
            _log.error("the engine did not %s, %s", doing, traced(error, new_reference()))
        self._move_on()

    async def _unload(self) -> None:
        """Nothing came for a while; on the engine's thread, so never while it paints."""
        if self._idle and not self._stopping:
            self._ask(self._engine.unload, "unload")

    @property
    def stuck(self) -> bool:
        """Whether a thread was left behind that only a new process gets rid of."""
        return self._overdue.stuck

    @property
    def _idle(self) -> bool:
        return self._batch is None and self._ahead is None and not self._again

    # -- taking and preparing ----------------------------------------------------------------------------------------

    async def _on_change(self) -> None:
        """Somebody came or left."""
        self._woken = False
        for work in list(self._settling.works):
            if not work.wanted and not self._engine_has(work):
                self._settling.close(work)
            elif work.unclaimed() is not None and work.retry is None and work.error is None and not self._stopping:
                await self._settling.patiently(work, self._claim)
        self._move_on()
        self._announcer.waiting(self._queue.positions())

    def _move_on(self) -> None:
        """Give the engine its next batch and take the one after."""
        while self._batch is None and not self._stopping:
            batch = self._again.popleft() if self._again else self._ahead
            if batch is None or not batch.ready:
                break
            self._ahead = None if batch is self._ahead else self._ahead
            self._begin(batch)
        if self._ahead is None and not self._stopping:
            self._take()
        self._rest.when(idle=self._idle and not self._stopping)

    def _take(self) -> None:
        if self._served != (self._engine.name, self._engine.version):
            self._served = (self._engine.name, self._engine.version)
            self._queue.serve(self._engine)  # another one paints now, so other paintings go together
        works = [Work(painting) for painting in self._queue.take()]
        if not works:
            return
        batch = self._ahead = Batch(works)
        self._settling.works.update(works)
        self._overdue.arm(batch)
        for work in works:
            self._inbox.post((work,), self._settling.patiently, work, self._claim)

    async def _claim(self, work: Work) -> None:
        await self._books.claim(work)
        if self._stopping and work.job is None:
            await self._settling.release(work)
        elif not work.wanted:
            self._wake()
        elif work.job is not None:
            self._announce_start(work)
        elif not work.preparing:
            self._prepare(work)

    def _prepare(self, work: Work) -> None:
        work.preparing = True
        painting = work.painting
        prepare = self._pipeline.prepare
        future = self._called(self._cpu.submit(prepare, painting.request, self._engine, painting.cancelled))
        if self._ahead is not None:
            self._ahead.futures.append(future)
        future.add_done_callback(lambda future: self._inbox.post((work,), self._on_prepared, work, future))

    async def _on_prepared(self, work: Work, future: Future[tuple[Job, dict[str, float]]]) -> None:
        error = future.exception()
        if work.closed:
            return
        if error is None:
            work.job, work.seconds = future.result()
        elif work.wanted:
            self._settling.fail(work, explained(error, "preparing"))
        if self._ahead is not None and self._ahead.ready:
            self._ahead.disarm()
        self._move_on()

    # -- painting ----------------------------------------------------------------------------------------------------

    def _begin(self, batch: Batch) -> None:
        batch.disarm()
        batch.works = [work for work in batch.works if not work.closed and work.error is None]
        jobs = [work.job for work in batch.works if work.job is not None]
        if not jobs:
            return
        self._batch = batch
        batch.painter = self._engine.name
        future = self._called(self._gpu.submit(self._paint, batch, jobs))
        batch.futures.append(future)
        future.add_done_callback(lambda future: self._inbox.post(batch.works, self._on_painted, batch, future))

    def _paint(self, batch: Batch, jobs: Sequence[Job]) -> None:
        """On the engine's thread: hand its events over."""
        self._inbox.post(batch.works, self._on_begun, batch)
        for event in self._engine.paint(jobs):
            self._inbox.post((batch.works[event.job],), self._on_event, batch, event)

    async def _on_begun(self, batch: Batch) -> None:
        batch.begun_at = self._inbox.now()
        batch.loading = is_loading(self._engine)
        self._overdue.arm(batch)
        self._queue.begun(work.painting for work in batch.works)
        for work in batch.works:
            self._announce_start(work)
        if self._engine.name != FIRST_LOOK_BY:
            self._looks.first(batch.works)

    async def _on_event(self, batch: Batch, event: EngineEvent) -> None:
        work = batch.works[event.job]
        if batch.loading:  # its models are there: from here on it is painting, and held to its time
            batch.loading = False
            self._overdue.arm(batch)
        if work.closed or work.error is not None or not work.wanted:
            return
        if isinstance(event, Step):
            fraction = event.step / max(1, event.steps)
            self._announcer.advanced(work, fraction, batch.left_s(fraction, self._inbox.now()))
        elif isinstance(event, Preview):
            self._looks.later(work, event.image)
        elif isinstance(event, Done):
            self._finish(work, event)
        elif isinstance(event, Failed):
            self._settling.fail(work, explained(event.error, "painting"))

    async def _on_painted(self, batch: Batch, future: Future[None]) -> None:
        """The engine's thread is back."""
        error = future.exception()
        batch.disarm()
        self._batch = None
        now = self._inbox.now()
        seconds = max(0.0, now - (batch.begun_at or now) - batch.loading_s) / len(batch.works)
        lost = [work for work in batch.works if not work.closed and work.done is None and work.error is None]
        for work in batch.works:
            self._queue.painted(work.painting, seconds if work.done else None)
            if work.done:
                size = work.painting.request
                self.last.append(Painted(size.style, size.width, size.height, seconds))
        again = [work for work in lost if work.wanted] if error is not None and self._may_go_better(batch) else []
        if again and error is not None:
            _log.error("a batch of %d failed and is painted anew, %s", len(again), traced(error, new_reference()))
        for work in lost:
            if work.releasing or (self._stopping and work in again):
                await self._settling.release(work)
            elif work in again:
                self._again.append(Batch([work]))
            else:
                self._on_lost(work, error)
        self._move_on()

    def _may_go_better(self, batch: Batch) -> bool:
        """Whether painting it once more may help: one by one, or because somebody else has taken over."""
        return len(batch.works) > 1 or batch.painter != self._engine.name

    def _on_lost(self, work: Work, error: BaseException | None) -> None:
        """The engine is through and there is no picture of this one."""
        if work.wanted:
            self._settling.fail(work, explained(error, "painting"))
        else:
            self._settling.close(work)

    # -- finishing ---------------------------------------------------------------------------------------------------

    def _finish(self, work: Work, done: Done) -> None:
        assert work.job is not None
        work.done = done
        future = self._cpu.submit(self._pipeline.finish, work.job, done, work.seconds, self._engine)
        future.add_done_callback(lambda future: self._inbox.post((work,), self._on_finished, work, future))

    async def _on_finished(self, work: Work, future: Future[Picture]) -> None:
        error = future.exception()
        if work.closed:
            return
        if error is None:
            work.picture = future.result()
            await self._settling.patiently(work, self._settling.settle)
        else:
            self._settling.fail(work, explained(error, "finishing"))

    # -- stopping and overdue ----------------------------------------------------------------------------------------

    async def _on_stop(self) -> None:
        for batch in (self._ahead, *self._again):
            for work in batch.works if batch else ():
                work.painting.cancelled.set()
                if not work.closed:
                    await self._settling.release(work)
        self._ahead = None
        self._again.clear()

    async def _on_cut(self) -> None:
        """The grace time is over: the engine drops what it has; what waits for storage is given back."""
        if self._settling.hasty:
            return
        self._settling.hasty = True
        for work in list(self._settling.works):
            if self._engine_has(work):
                work.releasing = True
                work.painting.cancelled.set()
            elif work.retry is not None:
                await self._settling.release(work)
        self._inbox.later(self._patience.thread_s, (), self._on_give_up)

    async def _on_give_up(self) -> None:
        self._given_up = True
        self._overdue.stuck = self.stuck or self._batch is not None
        for work in list(self._settling.works):
            await self._settling.release(work)

    def _leave(self) -> None:
        if self._on_stuck is not None and not self._stopping:
            self._on_stuck()

    # -- small things ------------------------------------------------------------------------------------------------

    def _called(self, future: Future[_T]) -> Future[_T]:
        """Remember what a thread was given to do until it has done it."""
        self._calls.add(future)
        future.add_done_callback(self._calls.discard)
        return future

    def _engine_has(self, work: Work) -> bool:
        return self._batch is not None and work in self._batch.works and work.done is None

    def _announce_start(self, work: Work) -> None:
        if work.painting.begun_at is not None:
            self._announcer.started(work, self._queue.expected_s(work.painting.request))
