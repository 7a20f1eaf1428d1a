"""The fair, bounded queue in this process. Knows tickets, learners and limits; knows no event loop and no database.

The order rows are the truth; this queue only says whose turn it is. Every method is for one thread, the event loop's.
`generation.turns` holds the rule by which batches are taken. A request that is already waiting or running is shared:
its tickets hang on one `Painting`, whichever learner's turn comes first, and it is stopped only when all of them left.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from generation.contracts.errors import QueueFull, TooManyOrders
from generation.contracts.ports import Engine, Place, Ticket
from generation.contracts.request import PaintRequest
from generation.estimates import Estimate, Estimates
from generation.turns import Painting, Turns

Clock = Callable[[], float]


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueLimits:
    """How much may wait.

    Attributes:
        running_per_learner: paintings of one learner that may be prepared or painted at a time, at least 1.
        waiting_per_learner: tickets of one learner that may wait.
        waiting: tickets that may wait in all; those restored at start are not counted.
    """

    running_per_learner: int = 1
    waiting_per_learner: int = 3
    waiting: int = 50


class FairQueue:
    """First in, first out for each learner, in turns between learners. Implements `JobQueue`.

    A painting taken on a learner's turn counts as theirs until it is painted. A ticket that joins somebody else's
    painting costs nobody a turn, but it counts among its learner's open tickets.

    Args:
        limits: how much may wait.
        clock: seconds that never go back; for the time a running painting still needs.
    """

    def __init__(self, limits: QueueLimits | None = None, clock: Clock = time.monotonic) -> None:
        self.limits = limits or QueueLimits()
        self._estimates = Estimates()
        self._clock = clock
        self._engine: Engine | None = None
        self._listeners: list[Callable[[], None]] = []
        self._lines: dict[int, dict[int, Painting]] = {}  # by learner in the order of their turns, then by order
        self._paintings: dict[int, Painting] = {}  # by order: waiting, running, or painted and not yet kept
        self._shared: dict[PaintRequest, Painting] = {}  # what an equal request may join
        self._running: dict[Painting, int] = {}  # taken and not yet painted -> number of its batch
        self._under_way: set[Painting] = set()  # taken and not yet done
        self._open: Counter[int] = Counter()  # tickets by learner, waiting and running
        self._counted = 0  # waiting tickets that count against the limit for all
        self._batches = 0

    # -- the learners' side ------------------------------------------------------------------------------------------

    def put(self, ticket: Ticket) -> None:
        """Add a ticket; one that is already here is left where it stands.

        Raises:
            QueueFull: the whole queue is at its limit.
            TooManyOrders: this learner's share is at its limit.
        """
        if ticket.order in self._paintings:
            return
        if not ticket.restored:
            self.room_for(ticket.learner)
        painting = self._shared.get(ticket.request) or self._new(ticket.request)
        painting.tickets[ticket.order] = ticket
        self._paintings[ticket.order] = painting
        self._open[ticket.learner] += 1
        if painting.learner is None:
            painting.alone = painting.alone or ticket.restored
            self._lines.setdefault(ticket.learner, {})[ticket.order] = painting
            self._counted += not ticket.restored
        self._changed()

    def room_for(self, learner: int) -> None:
        """Raise what `put` would raise for an ordinary ticket of this learner, without adding one.

        Raises:
            QueueFull: the whole queue is at its limit.
            TooManyOrders: this learner's share is at its limit.
        """
        share, waiting = self.limits.waiting_per_learner, len(self._lines.get(learner, ()))
        if waiting >= share or self._open[learner] >= share + self.limits.running_per_learner:
            raise TooManyOrders(limit=share)
        if self._counted >= self.limits.waiting:
            raise QueueFull(limit=self.limits.waiting)

    def cancel(self, order: int) -> bool:
        """Take an order out, waiting or running; False when it is neither.

        The painting goes on while another ticket waits for it; with the last one its cancelled flag is set.
        """
        painting = self._paintings.get(order)
        if painting is None:
            return False
        ticket = painting.tickets[order]
        self._leave_line(ticket)
        self._forget(painting, ticket)
        if not painting.tickets:
            painting.cancelled.set()
            self._close(painting)
        self._changed()
        return True

    def positions(self) -> Sequence[Place]:
        """Every waiting order in the order it will be taken, in one pass.

        `place` counts paintings, so tickets that share one have the same place. `eta_s` is until the picture is
        painted; None while its own size, or one that comes before it, was never measured.
        """
        rows: list[tuple[int, int, float | None]] = []
        note, seconds, place = rows.append, self._seconds_ahead(), 0
        for batch in self.foretell():
            for painting in batch:
                cost = painting.estimate.seconds
                seconds = None if seconds is None or cost is None else seconds + cost
            for painting in batch:
                place += 1
                for order in painting.tickets:
                    note((order, place, seconds))
        return list(map(Place._make, rows))  # measured: half the time of making each where it is found

    def foretell(self) -> Iterator[list[Painting]]:
        """The batches that will be taken, one after the other, if nobody comes or leaves."""
        return self._turns().batches(self._busy_next())

    # -- the worker's side -------------------------------------------------------------------------------------------

    def serve(self, engine: Engine) -> None:
        """Make batches for `engine` from now on; before, every painting is taken by itself."""
        self._engine = engine
        for painting in set(self._paintings.values()):
            self._suit(painting)

    def subscribe(self, listener: Callable[[], None]) -> None:
        """Call `listener` after every change of who waits and who runs; it must not call back at once."""
        self._listeners.append(listener)

    def take(self) -> list[Painting]:
        """The next batch, now running; empty when nothing waits or nothing may start beside what runs."""
        if any(painting.alone for painting in self._under_way):
            return []
        batch = self._turns().batch(self._busy(), quiet=not self._under_way)
        self._batches += bool(batch)
        for learner, painting in batch:
            self._start(learner, painting)
        if batch:
            self._changed()
        return [painting for _, painting in batch]

    def begun(self, paintings: Iterable[Painting]) -> None:
        """The engine began with these; the time they still need is counted from now."""
        for painting in paintings:
            painting.begun_at = self._clock()

    def painted(self, painting: Painting, seconds: float | None = None) -> None:
        """The engine is finished with it: its learner may have the next turn. Equal requests still join until `done`.

        Args:
            painting: one that was taken.
            seconds: what it cost the engine (its share of the batch), None when it was not painted to the end.
        """
        if seconds is not None:
            painting.estimate.note(seconds)
        if self._running.pop(painting, None) is not None:
            self._changed()

    def done(self, painting: Painting) -> None:
        """Nobody waits for it any more, with or without a picture: its tickets leave, equal requests start anew."""
        self.painted(painting)
        self._under_way.discard(painting)
        for ticket in list(painting.tickets.values()):
            self._forget(painting, ticket)
        self._close(painting)
        self._changed()

    def expected_s(self, request: PaintRequest) -> float | None:
        """How long this painting should take the engine; None until one of its size was measured."""
        return self._estimate(request).seconds

    @property
    def waiting(self) -> int:
        """How many tickets wait."""
        return sum(map(len, self._lines.values()))

    @property
    def running(self) -> tuple[Painting, ...]:
        """Paintings taken and not yet painted, in the order they were taken."""
        return tuple(self._running)

    # -- inside ------------------------------------------------------------------------------------------------------

    def _new(self, request: PaintRequest) -> Painting:
        painting = self._shared[request] = Painting(request, self._estimate(request))
        self._suit(painting)
        return painting

    def _suit(self, painting: Painting) -> None:
        painting.estimate = self._estimate(painting.request)
        if self._engine is not None:
            request = painting.request
            painting.key = self._engine.batch_key(request)
            painting.limit = max(1, self._engine.batch_limit(request.width, request.height))

    def _turns(self) -> Turns:
        return Turns(self._lines, self._lines, running_per_learner=self.limits.running_per_learner)

    def _busy(self) -> Counter[int]:
        """Running paintings by learner."""
        return Counter(painting.learner for painting in self._running if painting.learner is not None)

    def _busy_next(self) -> Counter[int]:
        """Running paintings by learner when the next batch is taken: all before the latest are painted by then."""
        latest = [painting for painting, number in self._running.items() if number == self._batches]
        if any(painting.alone for painting in latest):
            return Counter()
        return Counter(painting.learner for painting in latest if painting.learner is not None)

    def _start(self, learner: int, painting: Painting) -> None:
        self._running[painting] = self._batches
        self._under_way.add(painting)
        painting.learner = learner
        for ticket in painting.tickets.values():
            self._leave_line(ticket)
        line = self._lines.pop(learner, None)
        if line:
            self._lines[learner] = line  # to the back of the ring

    def _leave_line(self, ticket: Ticket) -> None:
        line = self._lines.get(ticket.learner)
        if line is None or line.pop(ticket.order, None) is None:
            return
        self._counted -= not ticket.restored
        if not line:
            del self._lines[ticket.learner]

    def _forget(self, painting: Painting, ticket: Ticket) -> None:
        del painting.tickets[ticket.order], self._paintings[ticket.order]
        self._open[ticket.learner] -= 1
        if not self._open[ticket.learner]:
            del self._open[ticket.learner]

    def _close(self, painting: Painting) -> None:
        if self._shared.get(painting.request) is painting:
            del self._shared[painting.request]

    def _estimate(self, request: PaintRequest) -> Estimate:
        return self._estimates.of((self._engine.name if self._engine else "", request.width, request.height))

    def _seconds_ahead(self) -> float | None:
        """What the running paintings still need: those begun together less the time since then, the others in full."""
        begun = [painting for painting in self._running if painting.begun_at is not None]
        ready = [painting for painting in self._running if painting.begun_at is None]
        left, more = self._total(begun), self._total(ready)
        if left is None or more is None:
            return None
        since = min((painting.begun_at or 0.0 for painting in begun), default=self._clock())
        return max(0.0, left - (self._clock() - since)) + more

    def _total(self, paintings: Iterable[Painting]) -> float | None:
        total = 0.0
        for painting in paintings:
            cost = painting.estimate.seconds
            if cost is None:
                return None
            total += cost
        return total

    def _changed(self) -> None:
        for listener in self._listeners:
            listener()
