"""Whose turn it is: paintings in learners' lines, and the rule by which batches are taken from them.

Pure data. Knows no clock, no event loop, no limits on what may be put in; `generation.queue` keeps those. The rule
lives here once: the queue takes real batches with it and foretells everybody's place with it.

The rule. Learners stand in a ring; the one at the front gives the oldest painting of their line and goes to the back.
A learner who has as many paintings running as allowed is passed over and keeps their place in the ring. A batch
begins with the first painting that may start and is filled with others of the same key, at most one turn a learner.
A painting that was put back at start may be the one that brought the process down: it is taken alone, while nothing
else is under way, and nothing is taken before its end is written, so that a poisonous order never uses up the attempts
of an innocent one.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain

from generation.contracts.ports import Ticket
from generation.contracts.request import PaintRequest
from generation.estimates import Estimate

Line = Mapping[int, "Painting"]
"""A learner's waiting paintings by order, oldest first."""
Turn = tuple[int, "Painting"]
"""A learner and the painting taken on their turn."""


class Flag:
    """A cancelled flag: set once, asked from any thread. An `Event` with its lock would weigh ten times as much."""

    __slots__ = ("_set",)

    def __init__(self) -> None:
        self._set = False

    def set(self) -> None:
        """Set it for good."""
        self._set = True

    def is_set(self) -> bool:
        """Whether it was set."""
        return self._set


@dataclass(slots=True, eq=False)
class Painting:
    """One picture to paint and the tickets that wait for it.

    Attributes:
        request: what to paint.
        estimate: how long such a painting takes.
        key: paintings with equal keys may share a batch.
        limit: how many such paintings fit one batch.
        tickets: who waits for it, by order; shrinks by cancelling, grows while identical requests join.
        cancelled: set when the last ticket left; the engine looks at it between steps.
        alone: never in a batch with others, never beside another that is under way.
        learner: whose turn it was taken on; None while it waits.
        begun_at: when the engine began with it, on the queue's clock; None before.
    """

    request: PaintRequest
    estimate: Estimate = field(default_factory=Estimate)
    key: Hashable = None
    limit: int = 1
    tickets: dict[int, Ticket] = field(default_factory=dict)
    cancelled: Flag = field(default_factory=Flag)
    alone: bool = False
    learner: int | None = None
    begun_at: float | None = None


class Turns:
    """A walk over the lines that takes batch after batch, leaving the lines themselves as they are.

    Args:
        ring: learners with a waiting painting, the next one first.
        lines: their lines.
        running_per_learner: paintings a learner may have running at a time.
    """

    def __init__(self, ring: Iterable[int], lines: Mapping[int, Line], *, running_per_learner: int = 1) -> None:
        self._lines = lines
        self._ring = deque(ring)
        self._allowed = running_per_learner
        self._rest: dict[int, deque[Painting]] = {}
        self._taken: set[Painting] = set()

    def batch(self, busy: Mapping[int, int], *, quiet: bool) -> list[Turn]:
        """Take the next batch, first come first.

        Args:
            busy: how many paintings each learner has running; a learner not named has none.
            quiet: nothing at all is under way, so that a painting may be alone.

        Returns:
            An empty list when nobody is left, or nobody may start before something under way ends.
        """
        return list(zip(*self._take(busy, quiet=quiet), strict=True))

    def batches(self, busy: Mapping[int, int]) -> Iterator[list[Painting]]:
        """Every batch that will be taken, if nobody comes or leaves.

        One batch is prepared while the one before is painted, so the learners of the batch before are always the busy
        ones; where that leaves nobody, the worker waits until it is painted.
        """
        if all(painting.limit == 1 for line in self._lines.values() for painting in line.values()):
            _, first = self._take_next(busy)
            return chain([first] if first else [], self._one_by_one())
        return self._one_after_the_other(busy)

    def _one_after_the_other(self, busy: Mapping[int, int]) -> Iterator[list[Painting]]:
        while True:
            learners, batch = self._take_next(busy)
            if not batch:
                return
            yield batch
            busy = {} if batch[0].alone else dict.fromkeys(learners, 1)

    def _take_next(self, busy: Mapping[int, int]) -> tuple[list[int], list[Painting]]:
        learners, batch = self._take(busy, quiet=not busy)
        return (learners, batch) if batch else self._take({}, quiet=True)

    def _take(self, busy: Mapping[int, int], *, quiet: bool) -> tuple[list[int], list[Painting]]:
        """A batch as its learners and their paintings, in the same order; two lists, since foretelling makes many."""
        learners: list[int] = []
        batch: list[Painting] = []
        first = self._first(busy, quiet=quiet)
        if first is not None:
            learners.append(first[0])
            batch.append(first[1])
            if first[1].limit > 1 and not first[1].alone:
                self._fill(learners, batch, busy)
            self._ring.extend(learners)
        return learners, batch

    def _one_by_one(self) -> Iterator[list[Painting]]:
        """What the rule comes to without batches: whoever was just served stands last, so the front is always free."""
        taken, ring = self._taken, deque(map(self._line, self._ring))
        while ring:
            line = ring.popleft()
            while line:
                painting = line.popleft()
                if painting not in taken:
                    taken.add(painting)
                    yield [painting]
                    ring.append(line)
                    break

    def _first(self, busy: Mapping[int, int], *, quiet: bool) -> Turn | None:
        ring, passed = self._ring, 0
        while passed < len(ring):
            learner = ring[passed]
            painting = self._front(learner)
            if painting is None:
                del ring[passed]
            elif busy.get(learner, 0) >= self._allowed:
                passed += 1
            elif painting.alone and not quiet:
                return None
            else:
                del ring[passed]
                self._taken.add(painting)
                return learner, painting
        return None

    def _fill(self, learners: list[int], batch: list[Painting], busy: Mapping[int, int]) -> None:
        # Everything by a local name: ten thousand places are foretold in one pass, and each goes through here.
        ring, taken, rest, allowed = self._ring, self._taken, self._rest, self._allowed
        head = batch[0]
        key, room = head.key, head.limit - 1
        passed: list[int] = []
        while ring and room:
            learner = ring.popleft()
            line = rest.get(learner)
            painting = line[0] if line and line[0] not in taken else self._front(learner)
            if painting is None:
                continue
            if painting.alone or painting.key != key or busy.get(learner, 0) >= allowed:
                passed.append(learner)
            else:
                taken.add(painting)
                rest[learner].popleft()
                learners.append(learner)
                batch.append(painting)
                room -= 1
        ring.extendleft(reversed(passed))

    def _front(self, learner: int) -> Painting | None:
        line = self._line(learner)
        while line and line[0] in self._taken:
            line.popleft()
        return line[0] if line else None

    def _line(self, learner: int) -> deque[Painting]:
        line = self._rest.get(learner)
        if line is None:
            line = self._rest[learner] = deque(self._lines[learner].values())
        return line
