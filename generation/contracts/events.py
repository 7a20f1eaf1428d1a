"""What happens while painting, as values: the engine's own events, and the ones an order's owner may watch.

Engine events go from the engine's thread to the worker and must all be read. Order events go from the worker to whoever
watches; they are for the eye and may be dropped. What must last goes through the `Ledger` instead.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from generation.contracts.errors import WordbrushError
from generation.contracts.picture import Rgb


@dataclass(frozen=True, slots=True)
class Step:
    """A job moved on: `step` of `steps` are done."""

    job: int
    step: int
    steps: int


@dataclass(frozen=True, slots=True)
class Preview:
    """How a job looks so far; `image` has any size."""

    job: int
    image: Rgb


@dataclass(frozen=True, slots=True)
class Done:
    """A job is painted.

    Attributes:
        job: which.
        image: of the request's size.
        seconds: the engine's stages.
        engine: who painted it, where that is not the engine that was asked; empty otherwise.
        version: that engine's.
    """

    job: int
    image: Rgb
    seconds: Mapping[str, float] = field(default_factory=dict)
    engine: str = ""
    version: str = ""


@dataclass(frozen=True, slots=True)
class Failed:
    """A job cannot be painted; the others go on."""

    job: int
    error: WordbrushError


EngineEvent = Step | Preview | Done | Failed
"""`job` is the index into the jobs given to `Engine.paint`."""


@dataclass(frozen=True, slots=True)
class OrderWaiting:
    """An order's place in the queue: 1 is next. `eta_s` is None until something has been measured."""

    order: int
    place: int
    eta_s: float | None


@dataclass(frozen=True, slots=True)
class OrderStarted:
    """An order is being painted now."""

    order: int
    eta_s: float | None


@dataclass(frozen=True, slots=True)
class OrderAdvanced:
    """`fraction` (0 to 1) of an order is painted."""

    order: int
    fraction: float
    eta_s: float | None


@dataclass(frozen=True, slots=True)
class OrderPreviewed:
    """A first look at an order's picture, as an encoded JPEG."""

    order: int
    jpeg: bytes


@dataclass(frozen=True, slots=True)
class OrderRendered:
    """The picture is durable (the ledger has it): deliver it."""

    order: int


@dataclass(frozen=True, slots=True)
class OrderFailed:
    """The failure is durable (the ledger has it): tell the learner."""

    order: int
    error: WordbrushError


OrderEvent = OrderWaiting | OrderStarted | OrderAdvanced | OrderPreviewed | OrderRendered | OrderFailed
