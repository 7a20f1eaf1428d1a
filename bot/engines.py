"""Which engine paints here. The one place that turns a name into an engine."""

from __future__ import annotations

from generation.contracts.errors import EngineUnavailable, UnknownEngine
from generation.contracts.ports import Engine

ENGINES = ("auto", "painter", "diffusion")


def engine_named(name: str) -> Engine:
    """Build an engine; `auto` takes the best one that can run here.

    Raises:
        UnknownEngine: not a name of ours.
        EngineUnavailable: an engine that this version or machine cannot run.
    """
    if name not in ENGINES:
        raise UnknownEngine(engine=name, known=", ".join(ENGINES))
    if name == "diffusion":
        reason = "this version paints on the CPU; set GENERATION__ENGINE=painter (or auto)"
        raise EngineUnavailable(engine=name, reason=reason)
    from generation.painter import Painter

    return Painter()
