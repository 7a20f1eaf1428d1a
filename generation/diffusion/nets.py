"""ControlNets behind one interface: how rows are steered, what nets see of the text, what they give back. Knows torch.

Two layouts stand behind it, `multi` and `union`. A row is one picture of a batch; rows of a guided step come twice,
the negative half first, as diffusers orders them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor

from generation.contracts.picture import Rgb

Window = tuple[float, float]
"""Where a net is open: from and to which fraction of the steps, 0 to 1."""
ALWAYS: Window = (0.0, 1.0)


class Residuals(NamedTuple):
    """What ControlNets add to the UNet: one tensor for each skip connection, and one for its middle block."""

    down: tuple[Tensor, ...]
    mid: Tensor

    def plus(self, other: Residuals) -> Residuals:
        """The sum of two nets' residuals."""
        return Residuals(tuple(a + b for a, b in zip(self.down, other.down, strict=True)), self.mid + other.mid)


class Trunk(Protocol):
    """What runs a net from its first convolution to its residuals; `trunk.run` or a compiled copy of it."""

    def __call__(self, net: Any, latents: Tensor, timestep: Tensor, given: Given) -> Residuals:
        """See `trunk.run`."""
        ...


class Given(NamedTuple):
    """What one forward of a net is given besides latents and timestep; all rows of the (doubled) batch.

    Attributes:
        hidden: text, shape (rows, tokens, width).
        condition: embedded control images, shape (rows, channels, height / 8, width / 8).
        embedding: what is added to the time embedding, shape (rows, time width).
        scale: factor on the residuals, shape (rows, 1, 1, 1).
    """

    hidden: Tensor
    condition: Tensor
    embedding: Tensor
    scale: Tensor


@dataclass(frozen=True, slots=True)
class Steering:
    """How one row is steered.

    Attributes:
        images: control images by kind, shape (height, width, 3), uint8.
        weights: conditioning scale by kind, one number a step; 0 where the kind is switched off or its window closed.
    """

    images: Mapping[str, Rgb]
    weights: Mapping[str, tuple[float, ...]]

    def active(self, i: int) -> tuple[str, ...]:
        """Kinds that steer step `i`."""
        return tuple(kind for kind, weights in self.weights.items() if weights[i])

    @property
    def kinds(self) -> tuple[str, ...]:
        """Kinds that steer at any step."""
        return tuple(kind for kind, weights in self.weights.items() if any(weights))


def steer(
    images: Mapping[str, Rgb], weights: Mapping[str, float], windows: Mapping[str, Window], *, steps: int, end: float
) -> Steering:
    """Weights laid out over `steps` steps; kinds without an image do not steer.

    Args:
        images: control images by kind.
        weights: conditioning scale by kind.
        windows: by kind where it is not open always.
        steps: of the sampler.
        end: fraction of the steps after which every window is closed.
    """
    laid_out = {}
    for kind in images:
        start, stop = windows.get(kind, ALWAYS)
        window = (start, min(stop, end))
        laid_out[kind] = tuple(weights.get(kind, 0.0) * is_open(i, steps, window) for i in range(steps))
    return Steering(images, laid_out)


def is_open(i: int, steps: int, window: Window) -> bool:
    """Whether step `i` of `steps` lies in `window`, compared as diffusers compares its `control_guidance_end`."""
    return i / steps >= window[0] and (i + 1) / steps <= window[1]


@dataclass(frozen=True, slots=True)
class Rows:
    """Which pictures a batch holds, in order; one may come several times to fill a bucket."""

    order: tuple[int, ...]
    index: Tensor

    @classmethod
    def of(cls, order: Sequence[int], device: Any) -> Rows:
        """Those rows, with their index on `device`."""
        return cls(tuple(order), torch.tensor(order, device=device))


@dataclass(frozen=True, slots=True)
class TextRows:
    """Text as the models take it, halves apart: one half (positive) without guidance, else negative and positive.

    Attributes:
        hidden: shape (halves, rows, tokens, width).
        pooled: shape (halves, rows, width).
        time_ids: SDXL's sizes and crop, shape (halves, rows, 6).
    """

    hidden: Tensor
    pooled: Tensor
    time_ids: Tensor

    def select(self, rows: Rows) -> TextRows:
        """Only these rows."""
        return TextRows(*(half.index_select(1, rows.index) for half in (self.hidden, self.pooled, self.time_ids)))

    def flat(self, guided: bool) -> TextBatch:  # noqa: FBT001 - a state of the step, not an option
        """As the models take it at one step."""
        return TextBatch(*(halves(half, guided) for half in (self.hidden, self.pooled, self.time_ids)))


class TextBatch(NamedTuple):
    """Text of one step's rows: as `TextRows`, halves one after the other."""

    hidden: Tensor
    pooled: Tensor
    time_ids: Tensor


def halves(rows: Tensor, guided: bool) -> Tensor:  # noqa: FBT001 - a state of the step, not an option
    """(halves, rows, ...) as one batch: both halves of a guided step, else the positive one."""
    return rows.flatten(0, 1) if guided else rows[-1]


def both(rows: Tensor, guided: bool) -> Tensor:  # noqa: FBT001 - a state of the step, not an option
    """(rows, ...) as one batch: twice in a guided step, else as they are."""
    return torch.cat([rows, rows]) if guided else rows


class Conditions(Protocol):
    """What nets know of a batch before its first step: everything that no step changes is computed once, in here."""

    def select(self, rows: Rows) -> Conditions:
        """Only these rows of those it was prepared for."""
        ...

    def residuals(self, i: int, latents: Tensor, timestep: Tensor, *, guided: bool) -> Residuals | None:
        """What the nets add at step `i`, or None when no net steers any row.

        Args:
            i: step, counted from 0.
            latents: the UNet's scaled input, shape (rows, 4, height / 8, width / 8), doubled in a guided step.
            timestep: one number, no dimension.
            guided: whether both halves are computed.
        """
        ...


class Nets(Protocol):
    """A set of ControlNets.

    Attributes:
        layout: `multi` or `union`.
        modules: diffusers models by role.
        trunk: runs one net; replaced by a compiled one where the device compiles.
    """

    layout: str
    modules: Mapping[str, Any]
    trunk: Trunk

    def prepare(self, steering: Sequence[Steering], text: TextRows) -> Conditions:
        """Embed control images and everything else that no step changes; one `steering` a row of `text`."""
        ...
