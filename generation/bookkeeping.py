"""The worker's dealings with the ledger: claim before the work, settle after it, release when the process stops.

Every step may be repeated after a `StorageError`: what is already in the ledger is not written twice.
Knows the ledger and who is to be told; no engine, no threads, no patience (that is the worker's).
"""

from __future__ import annotations

import logging

from generation.announcer import Announcer
from generation.contracts.errors import DeadOrder, PaintingFailed, StorageError
from generation.contracts.ports import Ledger, Ticket
from generation.queue import FairQueue
from generation.tracing import new_reference
from generation.work import Work

_log = logging.getLogger(__name__)


class Books:
    """Claims, settles and releases the orders of a work, one statement a ticket."""

    def __init__(self, ledger: Ledger, queue: FairQueue, announcer: Announcer) -> None:
        self._ledger = ledger
        self._queue = queue
        self._announcer = announcer

    async def claim(self, work: Work) -> None:
        """Claim every ticket; those whose order is no longer queued leave the painting.

        Raises:
            StorageError: some are not claimed yet.
        """
        while (ticket := work.unclaimed()) is not None:
            await self._claim(work, ticket)

    async def settle(self, work: Work) -> None:
        """Write the end of every ticket: its picture, or the work's error. Late joiners are claimed on the way.

        When it returns, no ticket is open, and none can come before the caller's next await.

        Raises:
            StorageError: some are not settled yet.
        """
        while (ticket := work.unsettled()) is not None:
            if ticket.order not in work.claimed:
                await self._claim(work, ticket)
            else:
                await self._settle(work, ticket.order)

    async def release(self, work: Work) -> None:
        """Give every claimed order back. A row that cannot be written now is mended at the next start."""
        for order in [order for order in work.painting.tickets if order in work.claimed - work.settled]:
            work.settled.add(order)
            try:
                await self._ledger.released(order)
            except StorageError as error:
                _log.warning("order %d stays claimed until the next start: %s", order, error)

    def tell_failed(self, work: Work) -> None:
        """Tell the failure although the ledger could not take it; better told twice than never."""
        while (ticket := work.unsettled()) is not None:
            work.settled.add(ticket.order)
            self._announcer.failed(ticket.order, work.error or PaintingFailed(reference=new_reference()))

    async def _claim(self, work: Work, ticket: Ticket) -> None:
        try:
            claimed = await self._ledger.claim(ticket.order)
        except DeadOrder as error:
            _log.warning("order %d is dead: %s", ticket.order, error)
            if self._queue.cancel(ticket.order):
                self._announcer.failed(ticket.order, error)
            return
        if claimed:
            work.claimed.add(ticket.order)
        else:
            self._queue.cancel(ticket.order)

    async def _settle(self, work: Work, order: int) -> None:
        if work.error is not None:
            if await self._ledger.failed(order, work.error):
                self._announcer.failed(order, work.error)
        elif work.picture is not None and await self._ledger.rendered(order, work.picture):
            self._announcer.rendered(order)
        work.settled.add(order)
