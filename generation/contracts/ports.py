"""The protocols between the rooms. Who implements them is decided in `bot/app.py` and nowhere else."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from generation.contracts.errors import WordbrushError
from generation.contracts.events import EngineEvent, OrderEvent
from generation.contracts.picture import ControlImage, Picture, Writing
from generation.contracts.request import PaintRequest


class CancelledFlag(Protocol):
    """What an engine asks between steps; `threading.Event` is one."""

    def is_set(self) -> bool:
        """Whether the job should stop."""
        ...


@dataclass(frozen=True, slots=True)
class Job:
    """A request with everything an engine needs, prepared off its thread.

    Attributes:
        request: what to paint.
        writing: the word laid out at the request's size.
        control: control images by kind; only the kinds in the engine's `needs`.
        prompt: positive prompt.
        negative_prompt: negative prompt.
        weights: conditioning scale by kind, style and request merged.
        keep: the word and its meaning as they stand in the prompt; they survive first where not all of it fits.
        cancelled: the engine looks at it at least once a step and then drops the job without a `Done`.
    """

    request: PaintRequest
    writing: Writing
    cancelled: CancelledFlag
    control: Mapping[str, ControlImage] = field(default_factory=dict)
    prompt: str = ""
    negative_prompt: str = ""
    weights: Mapping[str, float] = field(default_factory=dict)
    keep: tuple[str, ...] = ()


class Engine(Protocol):
    """Something that paints. Every method but the attributes runs on the engine's own thread.

    Attributes:
        name: `painter` or `diffusion`.
        version: changes when pixels change; part of the cache key.
        needs: kinds of control image it wants made; the painter wants none.
    """

    @property
    def name(self) -> str:
        """Who paints, or is expected to paint, the next picture."""
        ...

    @property
    def version(self) -> str:
        """Their version."""
        ...

    @property
    def needs(self) -> tuple[str, ...]:
        """What they want made."""
        ...

    def batch_key(self, request: PaintRequest) -> Hashable:
        """Requests with equal keys may be painted together. Cheap; called on the event loop."""
        ...

    def batch_limit(self, width: int, height: int) -> int:
        """How many pictures of that size fit one batch, at least 1. Cheap; called on the event loop."""
        ...

    def paint(self, jobs: Sequence[Job]) -> Iterator[EngineEvent]:
        """Paint the jobs together; every uncancelled job ends in exactly one `Done` or `Failed`."""
        ...

    def warm(self) -> None:
        """Load and warm whatever makes the first picture slow."""
        ...

    def unload(self) -> None:
        """Give memory back; the next `paint` loads again."""
        ...

    def diagnostics(self) -> dict[str, object]:
        """Plain values for `/gpu` and `doctor`: times, memory, recommendations. May be called from any thread."""
        ...


@dataclass(frozen=True, slots=True)
class Ticket:
    """One order in the queue.

    Attributes:
        order: id of the order row.
        learner: id of the learner row; fairness is between learners.
        request: what to paint.
        restored: put back at start; limits never refuse it.
    """

    order: int
    learner: int
    request: PaintRequest
    restored: bool = False


class Place(NamedTuple):
    """Where a waiting order stands: `place` 1 is next; `eta_s` is None until a painting has been measured.

    A named tuple because ten thousand of them are made in one pass, in half the time of a frozen dataclass.
    """

    order: int
    place: int
    eta_s: float | None


class JobQueue(Protocol):
    """Fair, bounded queue of tickets. In process now; a networked one may take its place."""

    def put(self, ticket: Ticket) -> None:
        """Add a ticket.

        Raises:
            QueueFull: the whole queue is at its limit.
            TooManyOrders: this learner's share is at its limit.
        """
        ...

    def room_for(self, learner: int) -> None:
        """Raise what `put` would raise for an ordinary ticket of this learner, without adding one."""
        ...

    def cancel(self, order: int) -> bool:
        """Take an order out, waiting or running; False when it is neither."""
        ...

    def positions(self) -> Sequence[Place]:
        """Every waiting order in the order it will be taken, in one pass."""
        ...


MOST_ATTEMPTS = 3
"""An order that was being painted this often when the process went down is dead."""


class Ledger(Protocol):
    """What must be durable, awaited by the worker. `storage` implements it; an in-memory one serves tests."""

    async def claim(self, order: int) -> bool:
        """Mark running and count the attempt, committed before the work. False: it is no longer queued; skip it.

        Raises:
            DeadOrder: the attempts are used up; the row is dead now.
        """
        ...

    async def rendered(self, order: int, picture: Picture) -> bool:
        """Keep the picture (bytes on disk, then the row). False: the order was cancelled meanwhile."""
        ...

    async def failed(self, order: int, error: WordbrushError) -> bool:
        """Mark failed with its reason. False: the order was cancelled meanwhile."""
        ...

    async def released(self, order: int) -> None:
        """Give a running order back to `queued` without counting the attempt: the process is stopping."""
        ...


class Watcher(Protocol):
    """Where order events go. Called on the event loop; must not block and may drop what it is given."""

    def __call__(self, event: OrderEvent) -> None:
        """Take one event."""
        ...
