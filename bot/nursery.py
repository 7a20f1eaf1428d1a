"""Where background tasks live: the only place in the bot that calls `asyncio.create_task`.

Keeps strong references (the event loop keeps weak ones), logs what fails, and empties itself in order at the end.
Knows nothing of what its tasks do, and keeps their errors' texts out of the log: one may carry a learner's word.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from typing import TypeVar

from generation.tracing import new_reference, traced

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
            logger.error("%s failed, %s", task.get_name(), traced(error, new_reference()))

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
