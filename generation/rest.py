"""When the engine may rest: so many seconds after the last work. Knows a clock and nothing of what resting means."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from generation.inbox import Inbox


class Rest:
    """A timer that runs while there is nothing to do.

    Args:
        inbox: where the step goes.
        after_s: seconds without work; 0 never.
        step: what is done then; it has to look for itself whether there is still nothing to do.
    """

    def __init__(self, inbox: Inbox, after_s: float, step: Callable[[], Awaitable[None]]) -> None:
        self._inbox, self._after_s, self._step = inbox, after_s, step
        self._timer: asyncio.TimerHandle | None = None

    def when(self, *, idle: bool) -> None:
        """Say whether there is nothing to do; saying it again does not wind the timer up anew."""
        if not idle and self._timer is not None:
            self._timer.cancel()
            self._timer = None
        elif idle and self._timer is None and self._after_s > 0:
            self._timer = self._inbox.later(self._after_s, (), self._step)
