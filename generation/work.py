"""What the worker has in hand: paintings on their way from queue to ledger, and the batches they are in.

Plain state. Knows no threads and no ledger; `generation.worker` moves it along, `generation.bookkeeping` settles it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

from generation.contracts.errors import OutOfMemory, PaintingCancelled, PaintingFailed, WordbrushError
from generation.contracts.events import Done
from generation.contracts.picture import Picture
from generation.contracts.ports import Engine, Job, Ticket
from generation.turns import Painting


@dataclass(slots=True, eq=False)
class Work:
    """One painting in the worker's hands.

    Attributes:
        painting: the queue's side of it; its tickets may come and go.
        claimed: orders whose rows say running because of us.
        settled: orders whose end is in the ledger.
        announced: orders that were told they are being painted.
        job: what the engine gets; None until prepared.
        seconds: stages before the engine.
        done: the engine's result; None until painted.
        picture: finished and encoded; None until then.
        error: why there will be no picture.
        previewing: a preview of it is being encoded; further ones are dropped meanwhile.
        seen: the engine has shown how it looks, so that a first look by somebody else comes too late.
        releasing: the process stops; its orders go back to queued.
        preparing: its job is being made.
        closed: over; whatever still comes in for it is dropped.
        pauses: how often storage was in trouble with it.
        retry: when storage is asked again.
    """

    painting: Painting
    claimed: set[int] = field(default_factory=set)
    settled: set[int] = field(default_factory=set)
    announced: set[int] = field(default_factory=set)
    job: Job | None = None
    seconds: Mapping[str, float] = field(default_factory=dict)
    done: Done | None = None
    picture: Picture | None = None
    error: WordbrushError | None = None
    previewing: bool = False
    seen: bool = False
    releasing: bool = False
    preparing: bool = False
    closed: bool = False
    pauses: int = 0
    retry: asyncio.TimerHandle | None = None

    @property
    def wanted(self) -> bool:
        """Whether anybody still waits for it."""
        return bool(self.painting.tickets)

    def unclaimed(self) -> Ticket | None:
        """A ticket whose row was not claimed yet."""
        return next((ticket for order, ticket in self.painting.tickets.items() if order not in self.claimed), None)

    def unsettled(self) -> Ticket | None:
        """A ticket whose end is not in the ledger yet."""
        return next((ticket for order, ticket in self.painting.tickets.items() if order not in self.settled), None)


@dataclass(slots=True, eq=False)
class Batch:
    """Works that are painted together.

    Attributes:
        works: in the order the engine gets them.
        futures: the threads' calls for it; all done when no thread has it any more.
        alarm: when it has taken too long.
        begun_at: when the engine began, on the event loop's clock.
        paced_at: when its first step was done, and which share that was.
        painter: name of the engine it was given to.
        loading: the engine reads its models for it and has not come to a step yet.
    """

    works: list[Work]
    futures: list[Future[Any]] = field(default_factory=list)
    alarm: asyncio.TimerHandle | None = None
    begun_at: float | None = None
    paced_at: tuple[float, float] | None = None
    painter: str = ""
    loading: bool = False

    def left_s(self, fraction: float, now: float) -> float | None:
        """What is left of a painting, from its pace since the first step: before that, models may have been loaded."""
        if self.paced_at is None or fraction < self.paced_at[1]:
            self.paced_at = now, fraction
        since, share = self.paced_at
        return (now - since) * (1 - fraction) / (fraction - share) if fraction > share else None

    @property
    def ready(self) -> bool:
        """Whether every work that is still open has its job."""
        return all(work.closed or work.job is not None for work in self.works)

    @property
    def loading_s(self) -> float:
        """How long the engine loaded its models for it, which the next painting will not cost again."""
        return max((work.done.seconds.get("load", 0.0) for work in self.works if work.done), default=0.0)

    @property
    def in_a_thread(self) -> bool:
        """Whether a thread still works on it."""
        return not all(future.done() for future in self.futures)

    def disarm(self) -> None:
        """Call the alarm off."""
        if self.alarm is not None:
            self.alarm.cancel()


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long the worker waits for what it cannot hurry, in seconds.

    Attributes:
        painting_s: for preparing, and again for painting, one batch; then its orders fail.
        loading_s: for an engine's models to be read and compiled before that, from however slow a disk.
        thread_s: for a thread to come back after it was told to stop; then it counts as stuck.
        storage_s: for storage that is full or busy; a finished picture is kept in memory meanwhile.
        first_pause_s: before storage is asked again; doubles each time up to `longest_pause_s`.
        longest_pause_s: between two questions.
        idle_s: without any work, until the engine is asked to give its memory back; 0 never.
    """

    painting_s: float = 900.0
    loading_s: float = 3600.0
    thread_s: float = 4.0
    storage_s: float = 30.0
    first_pause_s: float = 0.1
    longest_pause_s: float = 5.0
    idle_s: float = 0.0

    def pause_s(self, tried: int) -> float | None:
        """How long to pause after `tried` pauses; None when patience is at its end."""
        pauses = [min(self.first_pause_s * 2**k, self.longest_pause_s) for k in range(tried + 1)]
        return pauses[-1] if sum(pauses) <= self.storage_s else None


@dataclass(frozen=True, slots=True)
class Painted:
    """One of the latest paintings: `seconds` is its share of the engine's time."""

    style: str
    width: int
    height: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerStatus:
    """What `/gpu` shows of the worker.

    Attributes:
        running: orders being prepared, painted or kept.
        waiting: tickets in the queue.
        last: the latest paintings, newest last.
        median_s: of the latest paintings; None before the first.
        stuck: a thread did not come back.
        engine: the engine's own diagnostics.
    """

    running: tuple[int, ...]
    waiting: int
    last: tuple[Painted, ...]
    median_s: float | None
    stuck: bool
    engine: dict[str, object] = field(default_factory=dict)


@runtime_checkable
class Loads(Protocol):
    """An engine that reads models before its first step, and tells whether they are in memory.

    What it costs to read them is no part of a painting's time limit. Other engines are held to that from the start.
    """

    @property
    def loaded(self) -> bool:
        """Whether they are in memory. Cheap; called on the event loop."""
        ...


def is_loading(engine: Engine) -> bool:
    """Whether an engine has to read its models, or is just doing so."""
    return isinstance(engine, Loads) and not engine.loaded


def failure(error: BaseException | None, reference: str) -> WordbrushError:
    """The failure a learner is told, for whatever a thread ended with (None: it ended without a result)."""
    if isinstance(error, WordbrushError) and not isinstance(error, PaintingCancelled):
        return error
    if isinstance(error, MemoryError):
        return OutOfMemory()
    return PaintingFailed(reference=reference)
