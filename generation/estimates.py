"""How long a painting takes, learned from those measured. Knows numbers only; no clock, no queue."""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable
from statistics import median

WINDOW = 32


class Estimate:
    """The rolling median of one kind of work.

    Attributes:
        seconds: the median of the latest measurements; None until there is one.

    Args:
        window: how many measurements count; older ones are forgotten.
    """

    __slots__ = ("_measured", "seconds")

    def __init__(self, window: int = WINDOW) -> None:
        self.seconds: float | None = None
        self._measured: deque[float] = deque(maxlen=window)

    def note(self, seconds: float) -> None:
        """Learn that one painting took `seconds`."""
        self._measured.append(seconds)
        self.seconds = median(self._measured)


class Estimates:
    """An estimate for each kind of work, such as an engine and a picture size."""

    def __init__(self, window: int = WINDOW) -> None:
        self._window = window
        self._kinds: dict[Hashable, Estimate] = {}

    def of(self, kind: Hashable) -> Estimate:
        """The estimate of `kind`: always the same object, so that it may be kept at hand."""
        estimate = self._kinds.get(kind)
        if estimate is None:
            estimate = self._kinds[kind] = Estimate(self._window)
        return estimate
