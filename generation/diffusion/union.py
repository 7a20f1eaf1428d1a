"""One ControlNet-Union for all kinds: conditions are weighted, fused and added up once a picture. Knows torch.

Diffusers feeds the union's fuser (rows, tokens, width) although its attention takes (tokens, rows, width): attention
runs across the batch, and pictures of different people influence each other. Weights were trained so, and everybody
judges them on one picture at a time, where that attention has length 1. Here it always has. Then no token sees
another, what the fuser makes of a condition does not depend on the noisy latents, and the sum over the conditions is
the same at every step.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor

from generation.contracts.errors import WrongArchitecture
from generation.diffusion import trunk
from generation.diffusion.controls import to_tensor
from generation.diffusion.nets import Given, Residuals, Rows, Steering, TextRows, Trunk, both, halves

MODES: Mapping[str, int] = MappingProxyType({"canny": 3, "depth": 1, "segmentation": 5, "scribble": 2})
"""Modes the union was trained with (github.com/xinsir6/ControlNetPlus): thin lines, depth, segments, thick lines."""


class UnionNets:
    """One union net; implements `Nets`.

    Args:
        module: diffusers' `ControlNetUnionModel`.
        gain: factor on the residuals; 1 as trained, 0 never runs the net. Weights of several conditions scale what
            goes in, not what comes out, so this is the only strength knob there.

    Raises:
        WrongArchitecture: another kind of net, or a union without our four modes.
    """

    layout = "union"

    def __init__(self, module: Any, gain: float = 1.0) -> None:
        trunk.check(module, "union", union=True)
        if module.config.num_control_type <= max(MODES.values()):
            raise WrongArchitecture(
                model="union", expected="6 control types or more", found=str(module.config.num_control_type)
            )
        self.modules: Mapping[str, Any] = {"union": module}
        self.gain = gain
        self.trunk: Trunk = trunk.run

    def prepare(self, steering: Sequence[Steering], text: TextRows) -> UnionConditions:
        """Embed each row's control images once, and the text and sizes."""
        module = self.modules["union"]
        steering = steering if self.gain else [Steering({}, {})] * len(steering)
        rows = tuple(_Row(row, _embedded(module, row, text.pooled)) for row in steering)
        return UnionConditions(self, rows, text, trunk.augmented(module, text))


@dataclass(frozen=True, slots=True)
class _Row:
    """One picture: how it is steered, and its images embedded, each (1, channels, height / 8, width / 8)."""

    steering: Steering
    embedded: Mapping[str, Tensor]


def _embedded(module: Any, row: Steering, like: Tensor) -> dict[str, Tensor]:
    """One call a picture: at full size the embedding's first layers are the largest tensors of all."""
    if not row.kinds:
        return {}
    images = to_tensor([row.images[kind] for kind in row.kinds], device=like.device, dtype=like.dtype)
    return dict(zip(row.kinds, trunk.embed(module, images).split(1), strict=True))


@dataclass(frozen=True, slots=True)
class _Fused:
    """What the net is given for one choice of active kinds; all rows.

    Attributes:
        condition: weighted sum, shape (rows, channels, height / 8, width / 8).
        control: which control types are there, embedded, shape (rows, time width).
        scale: factor on the residuals, shape (rows, 1, 1, 1); 0 where nothing steers the row.
    """

    condition: Tensor
    control: Tensor
    scale: Tensor


@dataclass(frozen=True, slots=True)
class UnionConditions:
    """A batch's control images, embedded and fused; implements `Conditions`."""

    nets: UnionNets
    rows: tuple[_Row, ...]
    text: TextRows
    augmented: Tensor
    _fused: dict[tuple[tuple[str, ...], ...], _Fused] = field(default_factory=dict)

    def select(self, rows: Rows) -> UnionConditions:
        """Only these rows."""
        chosen = tuple(self.rows[row] for row in rows.order)
        return UnionConditions(self.nets, chosen, self.text.select(rows), self.augmented.index_select(1, rows.index))

    def residuals(self, i: int, latents: Tensor, timestep: Tensor, *, guided: bool) -> Residuals | None:
        """One forward for all kinds, or None where none steers any row at step `i`; see `Conditions`."""
        active = tuple(row.steering.active(i) for row in self.rows)
        if not any(active):
            return None
        fused = self._fused.get(active) or self._fuse(active, i)
        given = Given(
            hidden=halves(self.text.hidden, guided),
            condition=both(fused.condition, guided),
            embedding=both(fused.control, guided) + halves(self.augmented, guided),
            scale=both(fused.scale, guided),
        )
        return self.nets.trunk(self.nets.modules["union"], latents, timestep, given)

    def _fuse(self, active: tuple[tuple[str, ...], ...], i: int) -> _Fused:
        """Weigh and sum what is active at step `i`; kept, for it changes only when a window opens or closes."""
        module = self.nets.modules["union"]
        weights = [
            {kind: row.steering.weights[kind][i] for kind in kinds}
            for row, kinds in zip(self.rows, active, strict=True)
        ]
        like = next(condition for row in self.rows for condition in row.embedded.values())
        conditions = [_summed(module, row.embedded, own, like) for row, own in zip(self.rows, weights, strict=True)]
        gains = [_gain(own) * self.nets.gain for own in weights]
        fused = _Fused(
            torch.cat(conditions),
            _control(module, active, like),
            torch.tensor(gains, dtype=like.dtype, device=like.device).view(-1, 1, 1, 1),
        )
        self._fused[active] = fused
        return fused


def _gain(weights: Mapping[str, float]) -> float:
    """The weight itself where it is alone, as in diffusers; 1 beside others, whose inputs are scaled; 0 for none."""
    alone = len(weights) == 1
    return next(iter(weights.values())) if alone else float(bool(weights))


def _summed(module: Any, embedded: Mapping[str, Tensor], weights: Mapping[str, float], like: Tensor) -> Tensor:
    """One row's conditions with their biases, weighted and summed: what diffusers adds after the first convolution."""
    if not weights:
        return torch.zeros_like(like)
    scales = list(weights.values()) if len(weights) > 1 else [1.0]
    conditions = [embedded[kind] * scale for kind, scale in zip(weights, scales, strict=True)]
    tokens = [
        (embedded[kind].mean(dim=(2, 3)) + module.task_embedding[MODES[kind]]) * scale
        for kind, scale in zip(weights, scales, strict=True)
    ]
    biases = module.spatial_ch_projs(fuse(module, torch.stack(tokens, dim=1)))
    parts = [
        condition + biases[:, n, :, None, None] * scale
        for n, (condition, scale) in enumerate(zip(conditions, scales, strict=True))
    ]
    return torch.stack(parts).sum(dim=0)


def fuse(module: Any, tokens: Tensor) -> Tensor:
    """The union's fuser over (rows, tokens, width) with attention of length 1: every row as if it were alone."""
    x = tokens.reshape(1, -1, tokens.shape[-1])
    for layer in module.transformer_layes:
        x = layer(x)
    return x.reshape(tokens.shape)


def _control(module: Any, active: Sequence[Sequence[str]], like: Tensor) -> Tensor:
    types = [[0.0] * module.config.num_control_type for _ in active]
    for row, kinds in zip(types, active, strict=True):
        for kind in kinds:
            row[MODES[kind]] = 1.0
    projected = module.control_type_proj(torch.tensor(types, device=like.device).flatten())
    control: Tensor = module.control_add_embedding(projected.reshape(len(types), -1).to(like.dtype))
    return control
