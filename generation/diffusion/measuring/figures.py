"""What a measurement yields, how it is timed and what ends it. Knows the clock and torch's device queues; no models.

A picture's time is wall time between two points where the device has nothing left to do, because that is what whoever
waits for it sees; the work of the CPU between the device's is part of it.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch

from generation.contracts.errors import EngineError
from generation.diffusion.compiling import _COMPILER_ERRORS
from generation.gpu import devices

MIB = 2**20
FAILURES = (EngineError, *_COMPILER_ERRORS)
"""Of the engine, the compiler, the device or the disk: they end a row, never the run."""
ENOUGH_S = 45.0
"""A case whose rounds have taken so long gets no third one."""
FEWEST_ROUNDS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A measured figure beside its baseline of the same run.

    Attributes:
        name: the row's name, by which it is selected.
        value: None where it could not be measured; `details` then says why.
        unit: `s`, `TFLOP/s`, `MiB`, `ms`.
        target: what it should not exceed, in the same unit.
        baseline: the same work done the stock way.
        details: further plain figures of the same measurement, by name.
    """

    name: str
    value: float | None
    unit: str
    target: float | None = None
    baseline: float | None = None
    details: Mapping[str, object] = field(default_factory=dict)


def missing(name: str, unit: str, **why: str) -> Figure:
    """A row without a figure; `why` is `skipped` or `failed` and its reason."""
    return Figure(name=name, value=None, unit=unit, details=why)


def first_line(error: BaseException) -> str:
    """An error in one line of a row, a compiler's by what is inside; it goes to whoever measures, not to a chat."""
    inner = getattr(error, "inner_exception", None) or error
    return f"{type(inner).__name__}: {(str(inner).splitlines() or [''])[0][:200]}"


def failure(error: BaseException) -> str:
    """Why a row has no figure, in one line."""
    return "out of memory" if devices.is_out_of_memory(error) else first_line(error)


@dataclass(frozen=True, slots=True)
class Timing:
    """How long something took.

    Attributes:
        first_s: the first time, in which everything that is compiled or tuned is; not part of the rounds.
        rounds_s: the times after it.
        peak_bytes: most memory tensors held on the device during the rounds, models included; None without CUDA.
    """

    first_s: float
    rounds_s: tuple[float, ...]
    peak_bytes: int | None

    @property
    def median_s(self) -> float:
        """Median of the rounds."""
        return statistics.median(self.rounds_s)

    @property
    def warming_s(self) -> float:
        """What the first time took longer."""
        return max(self.first_s - self.median_s, 0.0)


def timed(work: Callable[[int], object], device: Any, *, rounds: int) -> Timing:
    """Do `work` once for warming up and then several times.

    Args:
        work: given the number of its turn, from 0; a turn should bring new prompts and seeds.
        device: waited for before and after each turn.
        rounds: how often to measure; at least two, and no more than two when they are long.
    """
    first_s = once(partial(work, 0), device)
    _forget_peak(device)
    spent: list[float] = []
    while len(spent) < FEWEST_ROUNDS or (len(spent) < rounds and sum(spent) < ENOUGH_S):
        spent.append(once(partial(work, len(spent) + 1), device))
    return Timing(first_s, tuple(spent), _peak(device))


def once(work: Callable[[], object], device: Any) -> float:
    """Seconds of `work`, from an idle device to an idle device."""
    wait(device)
    began_s = time.perf_counter()
    work()
    wait(device)
    return time.perf_counter() - began_s


def wait(device: Any) -> None:
    """Until everything given to the device is done; the CPU computes at once and needs no waiting for."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def _forget_peak(device: Any) -> None:
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)


def _peak(device: Any) -> int | None:
    return int(torch.cuda.max_memory_allocated(device)) if device.type == "cuda" else None


def matmul_ceiling(device: Any, dtype: Any, sides: tuple[int, ...]) -> float:
    """TFLOP/s of the best square matrix product: what this device gives to a program that does nothing else."""
    return max(_matmul_rate(device, dtype, side) for side in sides)


def _matmul_rate(device: Any, dtype: Any, side: int, *, repeats: int = 20) -> float:
    left, right = (torch.randn(side, side, device=device, dtype=dtype) for _ in range(2))

    def work(_turn: int) -> None:
        for _ in range(repeats):
            torch.mm(left, right)

    best_s = min(timed(work, device, rounds=3).rounds_s)
    return 2 * side**3 * repeats / best_s / 1e12
