"""Being told to stop: once politely, twice at once. Signals belong to the composition root alone."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from typing import Self

logger = logging.getLogger(__name__)

AT_ONCE = 130
"""Exit code of a process ended by the second signal, as shells report an interrupt."""


class StopSignal:
    """SIGINT and SIGTERM as an event; the second one leaves without saying good-bye.

    Leaving at once loses nothing: every order is a committed row, and the next start goes on from there.
    """

    def __init__(self) -> None:
        self._asked = asyncio.Event()

    def __enter__(self) -> Self:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._received)
        return self

    def __exit__(self, *_: object) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)

    async def wait(self) -> None:
        """Until the first signal."""
        await self._asked.wait()

    def _received(self) -> None:
        if self._asked.is_set():
            logging.shutdown()
            os._exit(AT_ONCE)
        logger.info("stopping: running work gets its grace time; once more leaves at once")
        self._asked.set()
