"""Whether a row still fits into the time a run may take. Knows the clock and what this run has measured; no models.

What to expect is taken from the rows of the same rung in this run, and before there is one, from a guess that errs on
the long side.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from generation.diffusion.measuring.cases import Case
from generation.diffusion.measuring.figures import Timing

ROUNDS = 3
BUILDING_S = 15.0
"""Roughly: drawing the weights of a setup."""
FIRST_GUESS_S: Mapping[str, float] = MappingProxyType(
    {"eager": 40.0, "regional": 90.0, "compiled": 300.0, "full": 150.0}
)
"""What a row takes, by rung, before one has been measured."""


@dataclass(slots=True)
class Deadline:
    """How much time is left, and what to expect of it.

    Attributes:
        limit_s: seconds this run may take; None is no limit.
        began_s: when it began.
        warming_s: the longest warming up so far, by rung.
        picture_s: the slowest picture so far, by rung.
    """

    limit_s: float | None = None
    began_s: float = field(default_factory=time.monotonic)
    warming_s: dict[str, float] = field(default_factory=dict)
    picture_s: dict[str, float] = field(default_factory=dict)

    @property
    def left_s(self) -> float:
        """Seconds until then."""
        return float("inf") if self.limit_s is None else self.limit_s - (time.monotonic() - self.began_s)

    def expected_s(self, case: Case) -> float:
        """What a case will take: building models, compiling, and every round."""
        rung = case.setup.rung
        if rung not in self.picture_s:
            return FIRST_GUESS_S[rung]
        return BUILDING_S + self.warming_s[rung] + self.picture_s[rung] * case.batch * (ROUNDS + 1)

    def note(self, case: Case, timing: Timing) -> None:
        """What a case took."""
        rung = case.setup.rung
        self.warming_s[rung] = max(timing.warming_s, self.warming_s.get(rung, 0.0))
        self.picture_s[rung] = max(timing.median_s / case.batch, self.picture_s.get(rung, 0.0))

    def shortage(self, needed_s: float) -> str | None:
        """Why there is no time for something that takes so long; None when there is."""
        if needed_s <= self.left_s:
            return None
        return f"about {needed_s:.0f} s are needed and {max(self.left_s, 0):.0f} s left"
