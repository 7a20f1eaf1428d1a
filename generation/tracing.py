"""How an unforeseen error enters the log: by reference, type and frames, never by its own words.

An exception's text may quote what a learner wrote, and so may the text of whatever caused it. Knows tracebacks only.
"""

from __future__ import annotations

import secrets
import traceback
from collections.abc import Iterator
from pathlib import Path

_MOST_CAUSES = 4


def new_reference() -> str:
    """A short id that a learner may tell and an operator finds in the log."""
    return secrets.token_hex(4)


def traced(error: BaseException | None, reference: str) -> str:
    """One line for the log, such as `reference 1a2b3c4d: KeyError in find (rooms.py:12) < run (main.py:3)`.

    Args:
        error: what was raised; None where something ended without a result.
        reference: from `new_reference`.
    """
    if error is None:
        return f"reference {reference}: it ended without a result"
    return f"reference {reference}: {', caused by '.join(_described(error))}"


def _described(error: BaseException) -> Iterator[str]:
    """The error and what it was raised from, the outermost first."""
    cause: BaseException | None = error
    for _ in range(_MOST_CAUSES):
        if cause is None:
            return
        yield f"{type(cause).__qualname__} in {_frames(cause)}"
        cause = cause.__cause__ or (None if cause.__suppress_context__ else cause.__context__)


def _frames(error: BaseException) -> str:
    """Where it was raised, innermost first, without the lines of source: some quote their values."""
    frames = reversed(traceback.extract_tb(error.__traceback__))
    return " < ".join(f"{frame.name} ({Path(frame.filename).name}:{frame.lineno})" for frame in frames) or "no frame"
