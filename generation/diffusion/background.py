"""Fetches missing weights beside everything else: one thread, patient, stopped at once. Knows the store and a clock.

Whoever waits for the weights looks at the disk; nothing is told when they are there.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from typing import Protocol

from generation.contracts.errors import EngineUnavailable, PaintingCancelled, WordbrushError
from generation.contracts.ports import CancelledFlag
from generation.diffusion.weights.progress import FetchProgress
from generation.gpu.history import MIB, WeightsState
from generation.tracing import new_reference, traced

FIRST_PAUSE_S, LONGEST_PAUSE_S = 60.0, 3600.0
STOP_S = 2.0
"""A thread that waits for the network cannot be interrupted; the process ends without it."""
UNFORESEEN = (
    *(OSError, RuntimeError, ValueError, ImportError, MemoryError, EOFError),
    *(ArithmeticError, LookupError, TypeError, AttributeError, AssertionError),
)
"""What no layer below should let through. It is logged, told and tried again: nobody watches this thread."""
_log = logging.getLogger(__name__)


class Fetching(Protocol):
    """What of the model store is needed."""

    def fetch(
        self,
        roles: Sequence[str],
        *,
        on_progress: Callable[[FetchProgress], None],
        cancelled: CancelledFlag | None,
    ) -> None:
        """Bring what is missing; blocks, and goes on where it stopped before."""
        ...


class BackgroundFetch:
    """Brings models until they are complete, pausing longer after each failure.

    Args:
        store: where they come to.
        roles: which ones.
        first_pause_s: after the first failure; doubles up to `longest_pause_s`.
        longest_pause_s: between two attempts.
    """

    def __init__(
        self,
        store: Fetching,
        roles: Sequence[str],
        *,
        first_pause_s: float = FIRST_PAUSE_S,
        longest_pause_s: float = LONGEST_PAUSE_S,
    ) -> None:
        self._store, self._roles = store, tuple(roles)
        self._first_pause_s, self._longest_pause_s = first_pause_s, longest_pause_s
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="weights", daemon=True)
        self._progress: FetchProgress | None = None
        self._error: WordbrushError | None = None
        self._state = ""

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End, in the middle of a file if need be; the next start goes on there. Returns within moments."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join(STOP_S)

    def report(self) -> dict[str, object]:
        """`weights` for diagnostics while something is under way or in trouble; otherwise nothing to add."""
        if self._state not in {"downloading", "failed"}:
            return {}
        state = WeightsState(state=self._state, missing=list(self._roles))
        if (progress := self._progress) is not None:
            state["done_mib"], state["total_mib"] = progress.done // MIB, progress.total // MIB
        if (error := self._error) is not None:
            state["error"] = type(error).__name__
        return {"weights": state}

    def _run(self) -> None:
        pause_s = self._first_pause_s
        while not self._stopped.is_set():
            self._state = "downloading"
            error = self._attempt()
            if error is None:
                self._state = "complete"
                return
            self._error, self._state = error, "failed"
            _log.warning("fetching weights stopped, again in %.0f s: %s", pause_s, error)
            self._stopped.wait(pause_s)
            pause_s = min(2 * pause_s, self._longest_pause_s)

    def _attempt(self) -> WordbrushError | None:
        try:
            self._store.fetch(self._roles, on_progress=self._hear, cancelled=self._stopped)
        except PaintingCancelled:
            return None
        except WordbrushError as error:
            return error
        except UNFORESEEN as error:
            reference = new_reference()
            _log.error("fetching weights failed, %s", traced(error, reference))
            return EngineUnavailable(engine="diffusion", reason=f"fetching failed (log reference {reference})")
        return None

    def _hear(self, progress: FetchProgress) -> None:
        self._progress, self._error = progress, None
