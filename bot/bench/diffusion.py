"""Pictures by diffusers' pipeline and by ours on one device: seconds, TFLOP/s, memory, compile time, one row a case.

Weights are random and of full size: kernels take as long with them as with real ones, and what comes out is no
picture. With `tiny` the same code runs tiny models on the CPU, which shows that it works and nothing about speed.
Needs torch, diffusers, transformers and numpy only; imports nothing else of the project's dependencies.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from bot.bench.choice import chosen
from bot.bench.needs import need_diffusion
from bot.bench.options import Options
from bot.bench.rows import Row, row

if TYPE_CHECKING:
    from generation.diffusion.measuring.figures import Figure


def rows(options: Options) -> Iterator[Row]:
    """Rows in the order they are measured; those of a trace first.

    Raises:
        EngineUnavailable: torch, diffusers or a CUDA device is missing.
        BadSettings: a row asked for does not exist.
        CannotWrite: the trace cannot be written.
    """
    need_diffusion()
    from generation.diffusion.measuring import session

    wanted = _wanted(options, session.names())
    with session.scene(tiny=options.tiny, side_px=options.side_px, steps=options.steps) as scene:
        if options.trace is not None:
            yield from map(_row, session.traced(scene, options.trace))
        for figure in session.figures(scene, wanted, deadline_s=options.deadline_s):
            yield _row(figure) | ({"target": None} if options.reduced and figure.unit == "s" else {})


def machine(options: Options) -> dict[str, object]:
    """The device and the versions of what computes there.

    Raises:
        EngineUnavailable: as for `rows`.
    """
    need_diffusion()
    from generation.diffusion.measuring import session

    return session.machine(tiny=options.tiny)


def _wanted(options: Options, names: list[str]) -> Callable[[str], bool]:
    """A trace alone measures nothing else."""
    if options.trace is not None and options.rows is None:
        return lambda _name: False
    return chosen(options.rows, names)


def _row(figure: Figure) -> Row:
    details = dict(figure.details)
    if figure.value is None:
        return {"name": figure.name, "value": None, "unit": figure.unit} | details
    plain = row(figure.name, figure.value, figure.unit, target=figure.target, baseline=figure.baseline)
    return plain | details
