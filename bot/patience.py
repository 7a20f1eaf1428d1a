"""Insisting on a database write. Knows which storage errors pass by themselves; knows no order and no chat.

Updates are taken one after the other and confirmed only by taking the next, so a write that fails for a moment is
repeated here, before that: a handler that gave up at once would lose what was asked for.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from generation.contracts.errors import StorageError

T = TypeVar("T")
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to insist.

    Attributes:
        pauses_s: seconds between the attempts; one attempt more than pauses.
    """

    pauses_s: tuple[float, ...] = (0.1, 0.4, 1.5, 4.0)

    async def insist(self, call: Callable[[], Awaitable[T]]) -> T:
        """Repeat `call` while storage says that trying again may help.

        Raises:
            StorageError: the last attempt failed too, or trying again cannot help.
        """
        for pause_s in self.pauses_s:
            try:
                return await call()
            except StorageError as error:
                if not error.retryable:
                    raise
                log.warning("storage: %s; again in %.1f s", type(error).__name__, pause_s)
            await asyncio.sleep(pause_s)
        return await call()
