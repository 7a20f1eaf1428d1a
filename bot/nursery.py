"""Where background tasks live: the only place in the bot that calls `asyncio.create_task`.

Keeps strong references (the event loop keeps weak ones), logs what fails, and empties itself in order at the end.
Knows nothing of what its tasks do, and keeps their errors' texts out of the log: one may carry a learner's word.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import traceback
from collections.abc import Coroutine
from typing import TypeVar

logger = logging.getLogger(__name__)

T = TypeVar("T")


class Nursery:
    """Holds running tasks until they end; `close` drains and then cancels."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[object]] = set()

    def __len__(self) -> int:
        return len(self._tasks)

    def spawn(self, work: Coroutine[object, object, T], *, name: str) -> asyncio.Task[T]:
        """Start `work` now; its failure is logged under `name` and a reference, and goes no further.

        Args:
            work: the coroutine to run.
            name: what it does, for the log; no learner's text.
        """
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[object]) -> None:
        self._tasks.discard(task)
        if task.cancelled():
            return
        error = task.exception()
        if error is not None:
            _report(task.get_name(), error)

    async def close(self, timeout_s: float) -> int:
        """Wait up to `timeout_s` seconds for everything to end, then cancel the rest and wait for that too.

        Returns:
            How many tasks had to be cancelled.
        """
        tasks = self._others()
        if tasks:
            await asyncio.wait(tasks, timeout=timeout_s)
        late = self._others()
        for task in late:
            task.cancel()
        if late:
            await asyncio.wait(late)
        return len(late)

    def _others(self) -> set[asyncio.Task[object]]:
        return {task for task in self._tasks if task is not asyncio.current_task()}


def _report(name: str, error: BaseException) -> None:
    """Log type, reference and frames: file names and lines only, never the error's own words."""
    reference = secrets.token_hex(4)
    frames = " < ".join(f"{frame.name}:{frame.lineno}" for frame in reversed(traceback.extract_tb(error.__traceback__)))
    logger.error("%s failed: %s (reference %s) in %s", name, type(error).__name__, reference, frames)
