"""A picture's operations by both ways of counting, over one set of models. Knows torch; see `flops` for the ways."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import torch

from generation.diffusion.measuring import flops, full, tiny
from generation.diffusion.measuring.forwards import Forwards
from generation.diffusion.measuring.rig import Rig
from generation.diffusion.plans import Plan, plan_named

STEPS = 30
TERA = 1e12


@dataclass(frozen=True, slots=True)
class Picture:
    """What one picture costs.

    Attributes:
        tflop: 10**12 floating operations.
        rows: rows that passed each model, by what was counted.
    """

    tflop: float
    rows: Mapping[str, int]


class Counting:
    """Counts pictures over full-size shapes (or tiny ones), by forwards that tiny models really made.

    Args:
        tiny: count over the tiny shapes.
        steps: for every plan; None takes 30, or the plan's own.
        side_px: width and height of the picture.
    """

    def __init__(self, *, tiny: bool, steps: int | None, side_px: int) -> None:
        self._tiny = tiny
        self._steps = steps
        self._side_px = side_px
        self._costs: dict[str, dict[str, int]] = {}

    @cached_property
    def shapes(self) -> Rig:
        """The models whose operations are counted."""
        return Rig(shapes=(tiny if self._tiny else full).SHAPES, dtype=torch.bfloat16, device="meta")

    @cached_property
    def small(self) -> Rig:
        """The models that really run."""
        return Rig(shapes=tiny.SHAPES, dtype=torch.float32, device="cpu")

    def ours(self, layout: str, plan: Plan) -> Picture:
        """One picture by our loop, counted while the loop runs over the shapes."""
        steps = self.steps(plan)
        total = flops.ours(self.shapes, layout, plan=plan, steps=steps, side_px=self._side_px)
        return Picture(total / TERA, self.forwards(layout, plan).rows())

    def stock(self, layout: str) -> Picture:
        """One picture by diffusers' pipeline, counted by its forwards."""
        plan = plan_named("reference")
        forwards = flops.forwards_of_stock(self.small, layout, sampler=plan.sampler, steps=self.steps(plan))
        return self.by_forwards(layout, forwards.rows())

    def ours_by_forwards(self, layout: str, plan: Plan) -> Picture:
        """One picture by our loop, counted by its forwards: seconds faster than `ours`, a rounding error apart."""
        return self.by_forwards(layout, self.forwards(layout, plan).rows())

    def forwards(self, layout: str, plan: Plan) -> Forwards:
        """What passes each model in our loop, in order."""
        return flops.forwards_of_ours(self.small, layout, plan=plan, steps=self.steps(plan))

    def by_forwards(self, layout: str, rows: Counter[str]) -> Picture:
        """Rows times what a row costs."""
        if layout not in self._costs:
            self._costs[layout] = flops.costs(self.shapes, layout, side_px=self._side_px)
        return Picture(flops.by_forwards(rows, self._costs[layout]) / TERA, rows)

    def steps(self, plan: Plan) -> int:
        """Sampler steps of a plan here."""
        return self._steps or plan.steps or STEPS
