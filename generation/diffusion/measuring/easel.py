"""One setup ready to paint: random models on the device, as diffusers' pipeline or as the engine sets ours up.

Knows torch and both loops. Each setup gets models of its own, because ours are rearranged in place (fused projections,
memory format, compiled functions) and stock should be stock.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from generation.diffusion import attention, compiling, fusing
from generation.diffusion.latents import decode
from generation.diffusion.loop import Sample, denoise
from generation.diffusion.measuring import full, stock, tiny
from generation.diffusion.measuring.cases import Case, Setup
from generation.diffusion.measuring.rig import Rig
from generation.diffusion.measuring.subjects import samples
from generation.diffusion.models import Models
from generation.diffusion.plans import Plan, plan_named

STEPS = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """Where and what is painted.

    Attributes:
        tiny: tiny models instead of full-size ones.
        device: torch's.
        dtype: of weights and activations.
        side_px: width and height of the pictures.
        steps: for every plan; None takes 30, or the plan's own.
        kernels: folder for compiled kernels; an empty one makes compile times those of a first start.
    """

    tiny: bool
    device: Any
    dtype: Any
    side_px: int
    steps: int | None
    kernels: Path

    def rig(self) -> Rig:
        """New models."""
        shapes = (tiny if self.tiny else full).SHAPES
        return Rig(shapes=shapes, dtype=self.dtype, device=self.device)

    def shortened(self, steps: int) -> Scene:
        """The same with no more than so many steps."""
        return replace(self, steps=min(self.steps or STEPS, steps))

    def steps_of(self, plan: Plan) -> int:
        """Sampler steps of a plan."""
        return self.steps or plan.steps or STEPS

    def subjects(self, count: int, turn: int) -> list[Sample]:
        """New pictures to paint; every turn has other prompts and seeds."""
        return samples(count, width=self.side_px, height=self.side_px, turn=turn)


class Easel:
    """A setup with its models.

    Args:
        scene: where and what is painted.
        setup: how the models are held.

    Attributes:
        rung: of the compile ladder; after the first picture, the one really in use.
    """

    def __init__(self, scene: Scene, setup: Setup) -> None:
        self.setup = setup
        self._scene = scene
        self._plan = plan_named("reference")
        rig = scene.rig()
        self._stock = _stock(rig, setup, self._plan) if setup.stock else None
        self.models: Models | None = None if setup.stock else settled(rig.models(setup.layout), setup.rung, scene)

    @property
    def rung(self) -> str:
        """`compiled` or `eager` for stock; for ours whatever the ladder has fallen back to."""
        return self.setup.rung if self.models is None else compiling.in_use(self.models)

    def painter(self, case: Case) -> Callable[[int], object]:
        """What paints one batch; its argument is the turn."""
        plan = plan_named(case.plan)
        steps = self._scene.steps_of(plan)
        if self.models is None:
            return lambda turn: stock.paint(self._stock, self._scene.subjects(case.batch, turn), steps=steps)
        models = self.models
        return lambda turn: paint(models, self._scene.subjects(case.batch, turn), plan, steps)

    def leave(self) -> None:
        """Give the memory of models and graphs back; the easel is not used again."""
        if self.models is not None:
            compiling.undo(self.models)
        self._stock = self.models = None
        torch.compiler.reset()


def settled(models: Models, rung: str, scene: Scene) -> Models:
    """Ours as the engine holds them on a large device."""
    fusing.fuse(models)
    attention.choose(models, "sdpa")
    fusing.channels_last(models)
    compiling.apply(models, rung, cache_folder=scene.kernels)
    return models


def paint(models: Models, wanted: Sequence[Sample], plan: Plan, steps: int) -> Any:
    """One batch by our loop, from prompts to arrays of pixels (B, H, W, 3), uint8."""
    height, width = next(iter(wanted[0].control.values())).shape[:2]
    latents = None
    for progress in denoise(models, wanted, plan=plan, steps=steps, width=width, height=height):
        latents = progress.latents
    assert latents is not None, "a loop nobody cancels has at least one step"
    return decode(models, latents)


def _stock(rig: Rig, setup: Setup, plan: Plan) -> Any:
    pipe = rig.pipeline(setup.layout, plan.sampler)
    return stock.compiled(pipe) if setup.rung == "compiled" else pipe
