"""Warming up: a few words painted with few steps, so that the first learner does not wait for kernels and caches.

Knows jobs and the history. Knows no torch and no engine: how a job is painted is handed in.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import cycle, islice

from generation.contracts.events import EngineEvent, Failed
from generation.contracts.ports import Job
from generation.gpu.history import History

WORDS = ("测", "试", "验", "学", "习")
"""The reference's own warm-up words."""
STEPS = 10
"""The fewest at which every plan passes through all its kinds of steps: with and without nets, and with and without
guidance. The pictures are thrown away."""
SIZES = (2, 4, 8)
"""Pictures at once; compiled models know no other numbers, but for the limit where that is one of its own."""
_log = logging.getLogger(__name__)

Paint = Callable[[Sequence[Job]], Iterator[EngineEvent]]


def warm_up(
    works: Sequence[Job | Sequence[Job]], paint: Paint, history: History, peak_bytes: Callable[[], int | None]
) -> None:
    """Paint each job by itself, or jobs together; time and memory of each go into the history and the log.

    Args:
        works: prepared, usually one job for each of `WORDS`, or batches of them.
        paint: the engine's own.
        history: where figures go.
        peak_bytes: the most that was allocated since it was asked last; None where the device does not tell.

    Raises:
        WordbrushError: the engine's own failure, of the first word that failed.
    """
    peak_bytes()
    for work in works:
        jobs = [work] if isinstance(work, Job) else work
        began_s = time.perf_counter()
        for event in paint(jobs):
            if isinstance(event, Failed):
                raise event.error
        words = "".join(job.request.word for job in jobs)
        _note(words, time.perf_counter() - began_s, peak_bytes(), history)


def together(jobs: Sequence[Job], limit: int) -> list[list[Job]]:
    """The jobs, repeated where they do not suffice, in one batch of each of `SIZES` up to `limit`, and of `limit`."""
    sizes = {size for size in (*SIZES, limit) if 1 < size <= limit}
    return [list(islice(cycle(jobs), size)) for size in sorted(sizes)]


def _note(word: str, seconds: float, peak: int | None, history: History) -> None:
    history.warmed(word, seconds=seconds, peak_bytes=peak)
    memory = "" if peak is None else f", peak {peak // 2**20} MiB"
    _log.info("warmed up with %s: %.2f s%s", word, seconds, memory)
