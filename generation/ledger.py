"""A ledger in memory, for the command line and tests. Lasts as long as the process; `storage` has the durable one."""

from __future__ import annotations

from dataclasses import dataclass

from generation.contracts.errors import DeadOrder, WordbrushError
from generation.contracts.picture import Picture
from generation.contracts.ports import MOST_ATTEMPTS


@dataclass(slots=True)
class Entry:
    """One order: `state` is queued, running, rendered, failed, cancelled or dead."""

    state: str = "queued"
    attempts: int = 0
    picture: Picture | None = None
    error: WordbrushError | None = None


class MemoryLedger:
    """Implements `Ledger` with a dictionary. An order it has not heard of counts as queued."""

    def __init__(self) -> None:
        self.entries: dict[int, Entry] = {}

    async def claim(self, order: int) -> bool:
        """Mark running and count the attempt. False: it is no longer queued.

        Raises:
            DeadOrder: the attempts are used up; the order is dead now.
        """
        entry = self.entries.setdefault(order, Entry())
        if entry.state != "queued":
            return False
        if entry.attempts >= MOST_ATTEMPTS:
            entry.state = "dead"
            raise DeadOrder(attempts=entry.attempts)
        entry.state, entry.attempts = "running", entry.attempts + 1
        return True

    async def rendered(self, order: int, picture: Picture) -> bool:
        """Keep the picture. False: the order is not running any more."""
        entry = self.entries[order]
        if entry.state != "running":
            return False
        entry.state, entry.picture = "rendered", picture
        return True

    async def failed(self, order: int, error: WordbrushError) -> bool:
        """Keep the reason. False: the order is not running any more."""
        entry = self.entries[order]
        if entry.state != "running":
            return False
        entry.state, entry.error = "failed", error
        return True

    async def released(self, order: int) -> None:
        """Back to queued without counting the attempt."""
        entry = self.entries[order]
        if entry.state == "running":
            entry.state, entry.attempts = "queued", entry.attempts - 1

    def cancel(self, order: int) -> bool:
        """What the learner's button does to the row. False: there is nothing left to cancel."""
        entry = self.entries.setdefault(order, Entry())
        if entry.state not in ("queued", "running"):
            return False
        entry.state = "cancelled"
        return True

    def restore(self) -> list[int]:
        """What a start after a crash does: running orders are queued again with their attempts. Returns all queued."""
        for entry in self.entries.values():
            if entry.state == "running":
                entry.state = "queued"
        return [order for order, entry in self.entries.items() if entry.state == "queued"]
