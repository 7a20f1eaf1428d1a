"""Live events: numbered, kept for a while, pushed to every page; knows event dictionaries, not what they mean."""

import asyncio
from collections import deque
from typing import Any

from bot.playground.state import Json

KEPT = 5000


class Live:
    """The stream of events since the start.

    Args:
        first: Number of the first event; larger at every start, so that a number of an earlier start is recognised.
    """

    def __init__(self, first: int) -> None:
        self.seq = first
        self._first = first
        self._kept: deque[Json] = deque(maxlen=KEPT)
        self._news = asyncio.Event()
        self._stopped = False

    def publish(self, events: list[Json]) -> None:
        """Numbers events and wakes the pages; called on the event loop."""
        for event in events:
            self.seq += 1
            self._kept.append({"seq": self.seq, **event})
        if events:
            self._wake()

    def stop(self) -> None:
        """Ends every stream."""
        self._stopped = True
        self._wake()

    def _wake(self) -> None:
        self._news.set()
        self._news = asyncio.Event()

    def since(self, seq: int) -> list[Json] | None:
        """The events after ``seq``; None when some of them are no longer kept, or it is from another start."""
        oldest = self._kept[0]["seq"] if self._kept else self.seq + 1
        if seq < min(oldest - 1, self.seq) or seq > self.seq or seq < self._first:
            return None
        return [event for event in self._kept if event["seq"] > seq]

    async def wait(self, seq: int) -> bool:
        """Waits until there is something after ``seq``; False once the stream has ended."""
        while self.seq <= seq and not self._stopped:
            await self._news.wait()
        return not self._stopped

    def hello(self) -> dict[str, Any]:
        """The first frame of a connection."""
        return {"type": "hello", "seq": self.seq}
