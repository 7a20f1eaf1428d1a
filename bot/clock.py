"""Time as the outgoing side sees it, so that tests can turn the hands. Knows nothing of Telegram."""

from __future__ import annotations

import asyncio
import time
from typing import Protocol


class Clock(Protocol):
    """Two kinds of now and a way to wait."""

    def monotonic(self) -> float:
        """Seconds that only ever grow; for floors, budgets and backoff."""
        ...

    def wall(self) -> float:
        """Seconds since 1970; comparable with the times in order rows."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait that long by this clock."""
        ...


class SystemClock:
    """The machine's own clock."""

    def monotonic(self) -> float:
        """Seconds that only ever grow."""
        return time.monotonic()

    def wall(self) -> float:
        """Seconds since 1970."""
        return time.time()

    async def sleep(self, seconds: float) -> None:
        """Wait that long."""
        await asyncio.sleep(seconds)
