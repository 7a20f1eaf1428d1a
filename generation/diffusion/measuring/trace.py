"""A torch profiler trace of one picture, its parts named. Knows torch, the loop's parts and where each is entered.

Parts are named from outside, for as long as the trace runs: the loop itself carries no marks and pays for none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Any

from torch.profiler import ProfilerActivity, profile, record_function

from generation.contracts.errors import CannotWrite
from generation.diffusion.measuring.figures import Figure
from generation.diffusion.models import Models
from generation.diffusion.samplers import Sampler

TRACE_STEPS = 5
"""Steps of the traced picture: enough to see what comes once and what comes again, in a file that still opens."""
PREFIX = "trace/"
_MS = 1e3


def traced(models: Models, paint: Callable[[], object], path: Path, device: Any) -> Iterator[Figure]:
    """Paint once unobserved and once under the profiler, and write what it saw.

    Args:
        models: the ones `paint` uses.
        paint: paints one picture.
        path: where the trace goes, in Chrome's format (chrome://tracing, Perfetto).
        device: of the models.

    Yields:
        Milliseconds by part: of the CPU, and of the device where there is one.

    Raises:
        CannotWrite: the file cannot be written.
    """
    _check_writable(path)
    paint()
    activities = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if device.type == "cuda" else [])]
    with named_parts(models), profile(activities=activities) as profiler:
        paint()
    profiler.export_chrome_trace(str(path))
    ours = set(part_names(models))
    for part in profiler.key_averages():
        if part.key in ours and part.cpu_time_total:
            details = {"calls": part.count, "device_ms": part.device_time_total / _MS}
            yield Figure(name=f"{PREFIX}{part.key}", value=part.cpu_time_total / _MS, unit="ms", details=details)


def part_names(models: Models) -> tuple[str, ...]:
    """The names in a trace: the stages, and within `denoise` its parts."""
    nets = (f"net {role}" for role in models.nets.modules)
    return ("text", "denoise", "condition", *nets, "unet", "sampler", "decode")


@contextmanager
def named_parts(models: Models) -> Iterator[None]:
    """While the block runs, every part of a picture is entered under its name."""
    nets: Any = models.nets
    roles = {id(module): f"net {role}" for role, module in nets.modules.items()}
    with ExitStack() as stack:
        stack.enter_context(_replaced(models, "stage", _named_stages(models.stage)))
        stack.enter_context(_replaced(nets, "prepare", _named("condition", nets.prepare)))
        stack.enter_context(_replaced(nets, "trunk", _named_nets(roles, nets.trunk)))
        stack.enter_context(_replaced(models.unet, "forward", _named("unet", models.unet.forward)))
        stack.enter_context(_replaced(Sampler, "step", _named("sampler", Sampler.step)))
        yield


@contextmanager
def _replaced(target: Any, name: str, stand_in: Any) -> Iterator[None]:
    """An attribute replaced for a while; what the class gave is uncovered again, not copied to the object."""
    own = not hasattr(target, "__dict__") or name in vars(target)
    before = getattr(target, name)
    setattr(target, name, stand_in)
    try:
        yield
    finally:
        if own:
            setattr(target, name, before)
        else:
            delattr(target, name)


def _named(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    def call(*positional: Any, **named: Any) -> Any:
        with record_function(name):
            return function(*positional, **named)

    return call


def _named_nets(roles: Mapping[int, str], trunk: Callable[..., Any]) -> Callable[..., Any]:
    def call(net: Any, *positional: Any) -> Any:
        with record_function(roles[id(net)]):
            return trunk(net, *positional)

    return call


def _named_stages(
    stage: Callable[[str], AbstractContextManager[None]],
) -> Callable[[str], AbstractContextManager[None]]:
    @contextmanager
    def named(name: str) -> Iterator[None]:
        with record_function(name), stage(name):
            yield

    return named


def _check_writable(path: Path) -> None:
    """Before anything is measured; the profiler itself would only complain at the end."""
    try:
        path.touch()
    except OSError as error:
        raise CannotWrite(path=str(path), reason=error.strerror or "") from None
