"""Seconds, memory and TFLOP/s of pictures: diffusers' loop and ours in one run, on one device. Knows torch.

Rows come as they are measured; what is not expected to fit before the deadline is left out and named.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any

import torch

from generation.diffusion.latents import decode
from generation.diffusion.measuring.cases import BASELINE, Case, Setup, cases
from generation.diffusion.measuring.counting import Counting
from generation.diffusion.measuring.deadline import ROUNDS, Deadline
from generation.diffusion.measuring.easel import Easel, Scene
from generation.diffusion.measuring.figures import (
    FAILURES,
    MIB,
    Figure,
    Timing,
    failure,
    matmul_ceiling,
    missing,
    timed,
)
from generation.diffusion.plans import plan_named
from generation.diffusion.text import Prompt
from generation.gpu import devices

CEILING, TEXT, DECODE = "ceiling", "text", "decode"
ALONE = (TEXT, DECODE)
MATMUL_SIDES = (4096, 8192, 16384)
TINY_MATMUL_SIDES = (256, 512)
ALONE_S = 30.0
"""Roughly what the parts by themselves take."""


def names() -> list[str]:
    """Every row there can be, in the order they are measured."""
    return [CEILING, *(case.name for case in cases()), *ALONE]


class Speed:
    """One run of measurements.

    Args:
        scene: where and what is painted.
        deadline: of the run.
    """

    def __init__(self, scene: Scene, deadline: Deadline) -> None:
        self._scene = scene
        self._deadline = deadline
        self._ceiling: float | None = None
        self._medians: dict[str, float] = {}
        self._tflop: dict[tuple[str, str], float] = {}
        self._easel: Easel | None = None

    def figures(self, wanted: Callable[[str], bool]) -> Iterator[Figure]:
        """Measure the wanted rows, in their order.

        Yields:
            One figure a row; a row that did not fit, failed to run or ran out of memory has no value.
        """
        if wanted(CEILING):
            yield self._matmul()
        for case in cases():
            if wanted(case.name):
                yield self._case(case)
        if any(wanted(name) for name in ALONE):
            yield from self._alone(wanted)
        self._leave()

    def _matmul(self) -> Figure:
        sides = TINY_MATMUL_SIDES if self._scene.tiny else MATMUL_SIDES
        dtype = self._scene.dtype
        self._ceiling = matmul_ceiling(self._scene.device, dtype, sides)
        details = {"dtype": str(dtype).removeprefix("torch."), "sides": list(sides)}
        return Figure(name=CEILING, value=self._ceiling, unit="TFLOP/s", details=details)

    def _case(self, case: Case) -> Figure:
        shortage = self._deadline.shortage(self._deadline.expected_s(case))
        if shortage:
            return missing(case.name, "s", skipped=shortage)
        try:
            timing = self._painted(case)
        except FAILURES as error:  # other rows may well work
            reason = failure(error)
        else:
            self._deadline.note(case, timing)
            return self._figure(case, timing)
        self._leave()  # outside of the handler: a traceback would keep tensors alive
        return missing(case.name, "s", failed=reason)

    def _painted(self, case: Case) -> Timing:
        easel = self._easel_for(case.setup)
        return timed(easel.painter(case), self._scene.device, rounds=ROUNDS)

    def _easel_for(self, setup: Setup) -> Easel:
        if self._easel is None or self._easel.setup != setup:
            self._leave()
            self._easel = Easel(self._scene, setup)
        return self._easel

    def _leave(self) -> None:
        if self._easel is not None:
            self._easel.leave()
            self._easel = None
            devices.free()

    def _figure(self, case: Case, timing: Timing) -> Figure:
        each_s = timing.median_s / case.batch
        self._medians[case.name] = each_s
        baseline = f"{BASELINE}/{case.batch}"
        assert self._easel is not None
        return Figure(
            name=case.name,
            value=each_s,
            unit="s",
            target=case.target(self._medians),
            baseline=self._medians.get(baseline),
            details={**self._rates(case, each_s), **_costs(timing), **self._manner(case, self._easel)},
        )

    def _manner(self, case: Case, easel: Easel) -> dict[str, object]:
        return {"rung": easel.rung, "steps": self._scene.steps_of(plan_named(case.plan))}

    def _rates(self, case: Case, each_s: float) -> dict[str, object]:
        tflop = self._tflop_of(case)
        share = None if self._ceiling is None else tflop / each_s / self._ceiling
        return {"tflop": tflop, "tflop_per_s": tflop / each_s, "ceiling_share": share}

    def _tflop_of(self, case: Case) -> float:
        if case.counted_as not in self._tflop:
            layout, plan = case.setup.layout, plan_named(case.plan)
            count = self._counting
            picture = count.stock(layout) if case.setup.stock else count.ours_by_forwards(layout, plan)
            self._tflop[case.counted_as] = picture.tflop
        return self._tflop[case.counted_as]

    @cached_property
    def _counting(self) -> Counting:
        scene = self._scene
        return Counting(tiny=scene.tiny, steps=scene.steps, side_px=scene.side_px)

    def _alone(self, wanted: Callable[[str], bool]) -> Iterator[Figure]:
        """Parts of a picture by themselves, on our models in eager mode."""
        shortage = self._deadline.shortage(ALONE_S)
        for name in filter(wanted, ALONE):
            yield missing(name, "s", skipped=shortage) if shortage else self._part(name)

    def _part(self, name: str) -> Figure:
        try:
            timing = timed(self._parts()[name], self._scene.device, rounds=3 * ROUNDS)
        except FAILURES as error:
            reason = failure(error)
        else:
            return Figure(name=name, value=timing.median_s, unit="s", details=_costs(timing))
        self._leave()
        return missing(name, "s", failed=reason)

    def _parts(self) -> dict[str, Callable[[int], Any]]:
        models = self._easel_for(Setup("multi", "eager")).models
        assert models is not None
        side = self._scene.side_px // 8
        latents = torch.randn(1, 4, side, side, device=self._scene.device)
        return {
            TEXT: lambda turn: models.text.encode([Prompt(f"{turn} not seen before"), Prompt(f"nor {turn}")]),
            DECODE: lambda _turn: decode(models, latents),
        }


def _costs(timing: Timing) -> dict[str, object]:
    peak = None if timing.peak_bytes is None else timing.peak_bytes / MIB
    return {"warming_s": timing.warming_s, "rounds": len(timing.rounds_s), "peak_mib": peak}
