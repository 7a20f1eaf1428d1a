"""Warming up: a few words painted with few steps, so that the first learner does not wait for kernels and caches.

Knows jobs and the history. Knows no torch and no engine: how a job is painted is handed in.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence

from generation.contracts.events import Done, EngineEvent, Failed
from generation.contracts.ports import Job
from generation.gpu.history import History

WORDS = ("测", "试", "验", "学", "习")
"""The reference's own warm-up words."""
STEPS = 4
"""Enough to run every kernel; the picture is thrown away."""
_log = logging.getLogger(__name__)

Paint = Callable[[Sequence[Job]], Iterator[EngineEvent]]


def warm_up(jobs: Sequence[Job], paint: Paint, history: History, peak_bytes: Callable[[], int | None]) -> None:
    """Paint each job by itself; time and memory of each go into the history and the log.

    Args:
        jobs: prepared, usually one for each of `WORDS`.
        paint: the engine's own.
        history: where figures go.
        peak_bytes: the most that was allocated since it was asked last; None where the device does not tell.

    Raises:
        WordbrushError: the engine's own failure, of the first word that failed.
    """
    peak_bytes()
    for job in jobs:
        began_s = time.perf_counter()
        for event in paint([job]):
            if isinstance(event, Failed):
                raise event.error
            if isinstance(event, Done):
                _note(job.request.word, time.perf_counter() - began_s, peak_bytes(), history)


def _note(word: str, seconds: float, peak: int | None, history: History) -> None:
    history.warmed(word, seconds=seconds, peak_bytes=peak)
    memory = "" if peak is None else f", peak {peak // 2**20} MiB"
    _log.info("warmed up with %s: %.2f s%s", word, seconds, memory)
