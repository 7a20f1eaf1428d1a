"""A clock whose hands the test turns, and waiting for a state."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import time
from collections.abc import Callable

PATIENCE_S = 10.0


class HandClock:
    """Stands still until `advance`; sleepers wake in the order of their time."""

    def __init__(self) -> None:
        self.now, self._count = 1000.0, itertools.count()
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []

    def monotonic(self) -> float:
        return self.now

    def wall(self) -> float:
        return 1_700_000_000.0 + self.now

    async def sleep(self, seconds: float) -> None:
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        waiting = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self.now + seconds, next(self._count), waiting))
        await waiting

    @property
    def due(self) -> list[float]:
        """How long the sleepers still have to wait, in seconds."""
        return sorted(round(at - self.now, 6) for at, _, waiting in self._sleepers if not waiting.done())

    async def advance(self, seconds: float) -> None:
        """Turn the hands, stopping at every sleeper on the way so that it runs at its own time."""
        await settle()
        end = self.now + seconds
        while self._sleepers and self._sleepers[0][0] <= end + 1e-9:
            at, _, waiting = heapq.heappop(self._sleepers)
            self.now = max(self.now, at)
            if not waiting.done():
                waiting.set_result(None)
                await settle()
        self.now = end
        await settle()


async def settle() -> None:
    """Let everything run that can run without time, threads or sockets."""
    for _ in range(30):
        await asyncio.sleep(0)


async def until(state: Callable[[], object], what: str = "the state") -> None:
    """Wait until `state()` is true; fail after some seconds."""
    deadline = time.monotonic() + PATIENCE_S
    while not state():
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} was not reached in {PATIENCE_S} s")
        await asyncio.sleep(0.003)
