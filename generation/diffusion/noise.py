"""Where a picture starts: noise drawn on the CPU from its own seed. Knows torch; no sampler, no device."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def initial_noise(seeds: Sequence[int], height: int, width: int, channels: int = 4) -> Tensor:
    """Standard normal noise, one generator a picture.

    A seed gives the same noise on every machine and beside any neighbours: what diffusers' pipelines draw in fp32 from
    `torch.Generator("cpu").manual_seed(seed)`.

    Args:
        seeds: one a picture.
        height: of the latents, an eighth of the picture's.
        width: of the latents.
        channels: of the latents.

    Returns:
        fp32 on the CPU, shape (len(seeds), channels, height, width).
    """
    return torch.cat([_drawn(seed, (1, channels, height, width)) for seed in seeds])


def _drawn(seed: int, shape: tuple[int, int, int, int]) -> Tensor:
    generator = torch.Generator("cpu").manual_seed(seed)
    return torch.randn(shape, generator=generator, dtype=torch.float32, device="cpu")
