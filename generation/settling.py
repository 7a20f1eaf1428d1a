"""How a work ends: its orders are claimed, settled or released, with patience for a storage that is full or busy.

Knows the ledger's books and the queue; no engine and no threads. Holds every work that has not ended yet.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable

from generation.bookkeeping import Books
from generation.contracts.errors import PaintingFailed, StorageError, WordbrushError
from generation.inbox import Inbox
from generation.queue import FairQueue
from generation.tracing import new_reference, traced
from generation.work import Patience, Work, failure

_log = logging.getLogger(__name__)


class Settling:
    """Brings every open work to its end.

    Args:
        inbox: where postponed steps go.
        books: the ledger's side.
        queue: it hears when a painting is over.
        patience: how long storage may be in trouble.

    Attributes:
        works: those that have not ended.
        hasty: no more patience; what cannot be written now is released.
    """

    def __init__(self, inbox: Inbox, books: Books, *, queue: FairQueue, patience: Patience) -> None:
        self.works: set[Work] = set()
        self.hasty = False
        self._inbox = inbox
        self._books = books
        self._queue = queue
        self._patience = patience

    def fail(self, work: Work, error: WordbrushError) -> None:
        """There will be no picture; its orders are told as soon as the ledger has it."""
        work.error = error
        self._inbox.post((work,), self.patiently, work, self.settle)

    def fail_unforeseen(self, work: Work, reference: str) -> None:
        """A step about this work broke: fail it, or end it at once where that was the step that broke."""
        if work.error is None:
            self.fail(work, PaintingFailed(reference=reference))
        else:
            self._books.tell_failed(work)
            self.close(work)

    async def settle(self, work: Work) -> None:
        """Write its picture or its failure for every ticket, and end it."""
        await self._books.settle(work)
        self.close(work)

    async def release(self, work: Work) -> None:
        """Give its orders back to the next start, and end it."""
        work.releasing = True
        await self._books.release(work)
        self.close(work)

    def close(self, work: Work) -> None:
        """End it. No await may lie between its last settled ticket and here, so that nobody joins unseen."""
        work.closed = True
        if work.retry is not None:
            work.retry.cancel()
        self.works.discard(work)
        self._queue.done(work.painting)

    async def patiently(self, work: Work, move: Callable[[Work], Awaitable[None]]) -> None:
        """Run a step that needs storage; try again after growing pauses; in the end its orders fail."""
        if work.closed:
            return
        if work.retry is not None:
            work.retry.cancel()
            work.retry = None
        try:
            await move(work)
        except StorageError as error:
            await self._pause(work, move, error)
        else:
            work.pauses = 0

    async def _pause(self, work: Work, move: Callable[[Work], Awaitable[None]], error: StorageError) -> None:
        pause_s = self._patience.pause_s(work.pauses)
        _log.warning("storage is in trouble (pause %d): %s", work.pauses, error)
        if self.hasty:
            await self.release(work)
        elif error.retryable and pause_s is not None:
            work.pauses += 1
            work.retry = self._inbox.later(pause_s, (work,), self.patiently, work, move)
        elif work.error is None:
            self.fail(work, error)
        else:
            self._books.tell_failed(work)
            self.close(work)


def explained(error: BaseException | None, doing: str) -> WordbrushError:
    """The failure a learner is told; what we did not foresee goes into the log under its reference."""
    reference = new_reference()
    known = failure(error, reference)
    if known is not error:
        _log.error("%s failed, %s", doing, traced(error, reference))
    return known
