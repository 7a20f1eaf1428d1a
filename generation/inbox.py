"""The worker's inbox: steps from any thread and any timer, run one after the other by whoever reads it.

Knows callables and the event loop; nothing of paintings but that a step is about some works.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

from generation.work import Work

Move = Callable[[], Awaitable[None]]


class Inbox:
    """A queue of steps, each with the works it is about."""

    def __init__(self) -> None:
        self._steps: asyncio.Queue[tuple[Sequence[Work], Move]] = asyncio.Queue()
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def is_open(self) -> bool:
        """Whether somebody reads; what is posted before is dropped."""
        return self._loop is not None

    def open(self) -> None:
        """Begin to take steps, for the running event loop."""
        self._loop = asyncio.get_running_loop()

    def post(self, works: Sequence[Work], move: Callable[..., Awaitable[None]], *args: Any) -> None:
        """Put a step in, from any thread. Once the event loop is gone there is nobody left to care."""
        if self._loop is not None:
            with suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._steps.put_nowait, (works, partial(move, *args)))

    @staticmethod
    def now() -> float:
        """Seconds on the event loop's clock, the one `later` counts by."""
        return asyncio.get_running_loop().time()

    def later(
        self, seconds: float, works: Sequence[Work], move: Callable[..., Awaitable[None]], *args: Any
    ) -> asyncio.TimerHandle:
        """Put a step in after a while."""
        return asyncio.get_running_loop().call_later(seconds, self.post, works, move, *args)

    async def next(self) -> tuple[Sequence[Work], Move]:
        """Wait for the next step."""
        return await self._steps.get()
