"""The fair queue under a long line: one pass over all places, and what putting and taking cost, beside naive ways.

Knows the queue and the thread's own clock: what other processes do at the time does not count. Two baselines are
measured in the same run. The naive one asks for each order's place by itself, walking the line until it comes to that
order; it is run for a sample spread over the whole line and scaled to all orders. The floor is making as many `Place`
values and nothing else, which no queue can undercut.
"""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Hashable, Iterator, Sequence

from bot.bench.rows import Row, row
from generation.contracts.events import EngineEvent
from generation.contracts.ports import Job, Place, Ticket
from generation.contracts.request import PaintRequest
from generation.queue import FairQueue, QueueLimits

LEARNERS = 500
TARGET_MS = 20.0
ROUNDS = 15
SAMPLE = 40
TAKES = 500


class _Batches:
    """Only what the queue asks of an engine; it never paints here."""

    name = "bench"
    version = "1"
    needs: tuple[str, ...] = ()

    def __init__(self, limit: int) -> None:
        self._limit = limit

    def batch_key(self, request: PaintRequest) -> Hashable:
        return request.style

    def batch_limit(self, width: int, height: int) -> int:
        del width, height
        return self._limit

    def paint(self, jobs: Sequence[Job]) -> Iterator[EngineEvent]:
        del jobs
        return iter(())

    def warm(self) -> None:
        return

    def unload(self) -> None:
        return

    def diagnostics(self) -> dict[str, object]:
        return {}


def run(waiting: int = 10_000) -> list[Row]:
    """Rows for a line of `waiting` orders of 500 learners, in milliseconds (a pass) and microseconds (an operation)."""
    queue = _filled(waiting, limit=1)
    naive_ms = _naive_ms(queue)
    floor_ms = _median_ms(lambda: [Place(order, order, 1.0) for order in range(waiting)])
    line = f"{waiting} orders of {min(LEARNERS, waiting)} learners"
    rows = [
        row(
            f"positions, {line} (baseline: a walk for each)",
            _median_ms(queue.positions),
            "ms",
            target=TARGET_MS,
            baseline=naive_ms,
        ),
        row("making the Place values alone", floor_ms, "ms"),
        row(
            f"positions in batches of 8, {line} (baseline: a walk for each)",
            _median_ms(_filled(waiting, limit=8).positions),
            "ms",
            target=TARGET_MS,
            baseline=naive_ms,
        ),
    ]
    return [*rows, *_operations(waiting)]


def _filled(waiting: int, limit: int) -> FairQueue:
    queue = FairQueue(QueueLimits(waiting=waiting, waiting_per_learner=waiting))
    queue.serve(_Batches(limit))
    queue.put(_ticket(-1, 1))
    for painting in queue.take():
        queue.painted(painting, 1.5)
        queue.done(painting)
    _fill(queue, waiting)
    return queue


def _fill(queue: FairQueue, waiting: int) -> None:
    for order in range(waiting):
        queue.put(_ticket(order, waiting))


def _ticket(order: int, waiting: int) -> Ticket:
    learner = order % min(LEARNERS, waiting)
    return Ticket(order, learner, PaintRequest(word="学", style="ink", seed=order % 2**32))


def _naive_ms(queue: FairQueue) -> float:
    """Every place by itself, walking to each order anew; a sample, scaled."""
    line = [place.order for place in queue.positions()]
    sample = line[:: max(1, len(line) // SAMPLE)]
    started = time.thread_time()
    for order in sample:
        _walk_to(queue, order)
    return (time.thread_time() - started) * 1e3 * len(line) / len(sample)


def _walk_to(queue: FairQueue, wanted: int) -> int:
    for place, batch in enumerate(queue.foretell(), 1):
        if any(wanted in painting.tickets for painting in batch):
            return place
    return 0


def _operations(waiting: int) -> list[Row]:
    queue = FairQueue(QueueLimits(waiting=waiting, waiting_per_learner=waiting))
    tickets = [_ticket(order, waiting) for order in range(waiting)]
    started = time.thread_time()
    for ticket in tickets:
        queue.put(ticket)
    put_us = (time.thread_time() - started) * 1e6 / waiting
    takes = min(TAKES, waiting)
    started = time.thread_time()
    for _ in range(takes):
        for painting in queue.take():
            queue.done(painting)
    take_us = (time.thread_time() - started) * 1e6 / takes
    return [
        row("put", put_us, "µs"),
        row(f"take and done with {waiting} waiting", take_us, "µs"),
    ]


def _median_ms(call: Callable[[], object]) -> float:
    gc.collect()
    seconds = []
    for _ in range(ROUNDS):
        started = time.thread_time()
        call()
        seconds.append(time.thread_time() - started)
    return statistics.median(seconds) * 1e3
