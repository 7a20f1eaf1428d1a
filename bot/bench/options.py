"""What the suites about models are told beside their name."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

SIDE_PX, TINY_SIDE_PX = 1024, 128
STEPS = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How much is measured.

    Attributes:
        rows: names with `*`, separated by commas; None for all.
        tiny: tiny models instead of full-size ones, on the CPU.
        steps: sampler steps for every plan; None takes 30, or the plan's own.
        side: width and height in pixels; None takes 1024, with tiny models 128.
        deadline_s: what would not fit is left out, and named; None measures everything.
        trace: where a profiler trace is written.
    """

    rows: str | None = None
    tiny: bool = False
    steps: int | None = None
    side: int | None = None
    deadline_s: float | None = None
    trace: Path | None = None

    @property
    def side_px(self) -> int:
        """Width and height in pixels."""
        return self.side or (TINY_SIDE_PX if self.tiny else SIDE_PX)

    @property
    def reduced(self) -> bool:
        """Whether the work is not the one the targets are about."""
        return self.tiny or self.steps not in {None, STEPS} or self.side_px != SIDE_PX
