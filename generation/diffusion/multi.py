"""One ControlNet a kind: weights scale residuals, which add up; nets that steer nothing are not run. Knows torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from generation.contracts.picture import Rgb
from generation.diffusion import trunk
from generation.diffusion.controls import to_tensor
from generation.diffusion.nets import Given, Residuals, Rows, Steering, TextRows, Trunk, both, halves


class MultiNets:
    """Separate ControlNets by kind; implements `Nets`.

    Args:
        modules: diffusers' `ControlNetModel` by kind.

    Raises:
        WrongArchitecture: one of them is something else.
    """

    layout = "multi"

    def __init__(self, modules: Mapping[str, Any]) -> None:
        for kind, net in modules.items():
            trunk.check(net, kind)
        self.modules = modules
        self.trunk: Trunk = trunk.run

    def prepare(self, steering: Sequence[Steering], text: TextRows) -> MultiConditions:
        """Embed each kind's control images once, and its text and sizes."""
        used = [kind for kind in self.modules if any(kind in row.kinds for row in steering)]
        return MultiConditions(
            nets=self,
            steering=tuple(steering),
            text=text,
            ready={kind: _ready(self.modules[kind], kind, steering, text) for kind in used},
        )


@dataclass(frozen=True, slots=True)
class _Ready:
    """One net's share of a batch.

    Attributes:
        condition: shape (rows, channels, height / 8, width / 8).
        augmented: shape (halves, rows, time width).
        scales: weights, shape (steps, rows); on the device, so that a step waits for nothing.
    """

    condition: Tensor
    augmented: Tensor
    scales: Tensor

    def select(self, rows: Rows) -> _Ready:
        return _Ready(
            self.condition.index_select(0, rows.index),
            self.augmented.index_select(1, rows.index),
            self.scales.index_select(1, rows.index),
        )


def _ready(net: Any, kind: str, steering: Sequence[Steering], text: TextRows) -> _Ready:
    like = text.pooled
    images = to_tensor([_image(row, kind, steering) for row in steering], device=like.device, dtype=like.dtype)
    weights = [row.weights.get(kind) for row in steering]
    steps = len(next(filter(None, weights)))
    table = [[row[i] if row else 0.0 for row in weights] for i in range(steps)]
    scales = torch.tensor(table, dtype=like.dtype, device=like.device)
    return _Ready(trunk.embed(net, images), trunk.augmented(net, text), scales)


def _image(row: Steering, kind: str, steering: Sequence[Steering]) -> Rgb:
    """A row without this kind borrows another's image; its weight is 0."""
    return next(other.images[kind] for other in (row, *steering) if kind in other.images)


@dataclass(frozen=True, slots=True)
class MultiConditions:
    """A batch's control images, embedded; implements `Conditions`."""

    nets: MultiNets
    steering: tuple[Steering, ...]
    text: TextRows
    ready: Mapping[str, _Ready]

    def select(self, rows: Rows) -> MultiConditions:
        """Only these rows."""
        return replace(
            self,
            steering=tuple(self.steering[row] for row in rows.order),
            text=self.text.select(rows),
            ready={kind: ready.select(rows) for kind, ready in self.ready.items()},
        )

    def residuals(self, i: int, latents: Tensor, timestep: Tensor, *, guided: bool) -> Residuals | None:
        """The sum over the nets that steer at least one row at step `i`; see `Conditions`."""
        active = {kind for row in self.steering for kind in row.active(i)}
        total: Residuals | None = None
        for kind in (kind for kind in self.ready if kind in active):
            given = self._given(self.ready[kind], i, guided)
            one = self.nets.trunk(self.nets.modules[kind], latents, timestep, given)
            total = one if total is None else total.plus(one)
        return total

    def _given(self, ready: _Ready, i: int, guided: bool) -> Given:  # noqa: FBT001 - a state of the step
        return Given(
            hidden=halves(self.text.hidden, guided),
            condition=both(ready.condition, guided),
            embedding=halves(ready.augmented, guided),
            scale=both(ready.scales[i].view(-1, 1, 1, 1), guided),
        )
