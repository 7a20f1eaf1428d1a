"""One run of the speed suite: device and models chosen, rows measured in order, nothing left behind. Knows torch."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import diffusers
import torch
import transformers

from generation.contracts.errors import EngineUnavailable, NoSuitableDevice
from generation.diffusion.measuring import service, speed, trace
from generation.diffusion.measuring.cases import Case, Setup
from generation.diffusion.measuring.deadline import Deadline
from generation.diffusion.measuring.easel import Easel, Scene
from generation.diffusion.measuring.figures import FAILURES, MIB, Figure, failure, missing
from generation.diffusion.outlook import absent_packages
from generation.diffusion.weights.loading import DTYPES
from generation.gpu import devices
from generation.gpu.devices import Accelerator

TRACED = Case(Setup("multi", "eager"), "reference", 1)
SERVICE_S, SERVICE_TINY_S = 400.0, 20.0
"""Roughly: weights written and read again, everything compiled, a few pictures."""
_KERNELS = ("TORCHINDUCTOR_CACHE_DIR", "TRITON_CACHE_DIR")


def names() -> list[str]:
    """Every row there can be, those of a trace aside, in the order they are measured."""
    return [*speed.names(), *service.NAMES]


@contextmanager
def scene(*, tiny: bool, side_px: int, steps: int | None) -> Iterator[Scene]:
    """Where and what is painted, with a folder for compiled kernels that is gone afterwards.

    Raises:
        EngineUnavailable: there is no CUDA device, and models are not tiny.
    """
    accelerator = _accelerator(tiny=tiny)
    with TemporaryDirectory(prefix="wordbrush-", ignore_cleanup_errors=True) as folder, _compiling_into(Path(folder)):
        yield Scene(
            tiny=tiny,
            device=torch.device(accelerator.torch_name),
            dtype=DTYPES[devices.dtype_for(accelerator)],
            side_px=side_px,
            steps=steps,
            kernels=Path(folder),
        )


def figures(where: Scene, wanted: Callable[[str], bool], *, deadline_s: float | None) -> Iterator[Figure]:
    """The wanted rows, as they are measured."""
    deadline = Deadline(deadline_s)
    yield from speed.Speed(where, deadline).figures(wanted)
    chosen = [name for name in service.NAMES if wanted(name)]
    shortage = _not_here() or deadline.shortage(SERVICE_TINY_S if where.tiny else SERVICE_S)
    if shortage:
        yield from (missing(name, service.UNITS[name], skipped=shortage) for name in chosen)
    elif chosen:
        yield from _of_service(where, chosen)


def _not_here() -> str | None:
    """What the whole engine needs beside the libraries of the suite."""
    absent = absent_packages()
    return f"{', '.join(absent)} not installed here" if absent else None


def _of_service(where: Scene, chosen: list[str]) -> Iterator[Figure]:
    done = set()
    try:
        for figure in service.figures(where, chosen.__contains__):
            done.add(figure.name)
            yield figure
    except FAILURES as error:
        reason = failure(error)
        yield from (missing(name, service.UNITS[name], failed=reason) for name in chosen if name not in done)


def traced(where: Scene, path: Path) -> Iterator[Figure]:
    """A short picture under the profiler: ours at equal maths, eager."""
    easel = Easel(where.shortened(trace.TRACE_STEPS), TRACED.setup)
    assert easel.models is not None
    paint = easel.painter(TRACED)
    turns = iter(range(2))
    try:
        yield from trace.traced(easel.models, lambda: paint(next(turns)), path, where.device)
    finally:
        easel.leave()
        devices.free()


def machine(*, tiny: bool) -> dict[str, object]:
    """What computes, beside the machine itself.

    Raises:
        EngineUnavailable: there is no CUDA device, and models are not tiny.
    """
    accelerator = _accelerator(tiny=tiny)
    return {
        "device": accelerator.name,
        "device_mib": accelerator.memory_bytes // MIB,
        "runtime": accelerator.runtime,
        "torch": torch.__version__,
        "diffusers": diffusers.__version__,
        "transformers": transformers.__version__,
    }


def _accelerator(*, tiny: bool) -> Accelerator:
    if tiny:
        memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        return Accelerator(kind="cpu", index=0, name=platform.machine(), memory_bytes=memory, runtime="cpu")
    try:
        return devices.find("cuda")
    except NoSuitableDevice as error:
        reason = f"{error.details['reason']}; --tiny runs the same code on the CPU with tiny models"
        raise EngineUnavailable(engine="diffusion", reason=reason) from None


@contextmanager
def _compiling_into(folder: Path) -> Iterator[None]:
    """Compiled kernels go into an empty folder, so that compile times are those of a first start."""
    before = {name: os.environ.get(name) for name in _KERNELS}
    os.environ |= {name: str(folder / name.lower()) for name in _KERNELS}
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value
