"""When a batch has taken too long, and what is done about it. Knows batches, not the queue they came from."""

from __future__ import annotations

import logging
from collections.abc import Callable

from generation.contracts.errors import PaintingFailed
from generation.contracts.ports import Engine
from generation.inbox import Inbox
from generation.settling import Settling
from generation.tracing import new_reference
from generation.work import Batch, Patience, is_loading

_log = logging.getLogger(__name__)


class Overdue:
    """Alarms for batches while they are prepared, loaded for, or painted.

    Attributes:
        stuck: a thread did not come back; only a new process helps.

    Args:
        inbox: where alarms become steps.
        settling: where orders fail.
        patience: time limits.
        engine: asked whether it is reading models, which has a time of its own.
        on_stuck: called once when a thread does not come back.
    """

    def __init__(
        self, inbox: Inbox, settling: Settling, *, patience: Patience, engine: Engine, on_stuck: Callable[[], None]
    ) -> None:
        self.stuck = False
        self._inbox, self._settling = inbox, settling
        self._patience, self._engine, self._on_stuck = patience, engine, on_stuck

    def arm(self, batch: Batch) -> None:
        """Wind the batch's alarm up anew."""
        batch.disarm()
        patience = self._patience
        limit_s = max(patience.painting_s, patience.loading_s) if batch.loading else patience.painting_s
        batch.alarm = self._inbox.later(limit_s, (), self._ring, batch)

    async def _ring(self, batch: Batch) -> None:
        """Its orders fail now, and the thread is asked to come back.

        Unless other models are being read, in place of ones that needed too much memory: that has a time of its own.
        """
        if batch.begun_at is not None and not batch.loading and is_loading(self._engine):
            batch.loading = True
            self.arm(batch)
            return
        reference = new_reference()
        _log.error("a batch of %d is overdue, reference %s", len(batch.works), reference)
        for work in batch.works:
            if not work.closed and work.done is None and work.error is None:
                work.painting.cancelled.set()
                self._settling.fail(work, PaintingFailed(reference=reference))
        self._inbox.later(self._patience.thread_s, (), self._look_for_thread, batch)

    async def _look_for_thread(self, batch: Batch) -> None:
        if batch.in_a_thread and not self.stuck:
            self.stuck = True
            _log.critical(
                "a thread did not come back within %.0f s: the process has to be replaced", self._patience.thread_s
            )
            self._on_stuck()
