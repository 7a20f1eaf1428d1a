"""Query, key and value in one matrix product, weights in the order convolutions like. Knows torch; changes no result.

Diffusers fuses a UNet's projections but not a ControlNet's (its `fuse_qkv_projections` finds nothing there and says
so to nobody), and keeps the single ones beside the fused. Here both kinds of model are fused, and what the fused
projection replaces is dropped.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from diffusers.models.attention_processor import Attention, AttnProcessor2_0, FusedAttnProcessor2_0

from generation.diffusion.models import Models


def attentions(models: Models) -> Iterator[Any]:
    """Every attention of the UNet and the nets."""
    for model in (models.unet, *models.nets.modules.values()):
        for module in model.modules():
            if isinstance(module, Attention):
                yield module


def fuse(models: Models) -> int:
    """Fuse the projections of the UNet and the nets in place; adapters must be merged before. Returns how many were."""
    fused = 0
    for attention in attentions(models):
        if attention.fused_projections or not isinstance(attention.processor, AttnProcessor2_0):
            continue
        attention.fuse_projections(fuse=True)
        for single in ("to_k", "to_v") if attention.is_cross_attention else ("to_q", "to_k", "to_v"):
            delattr(attention, single)
        attention.set_processor(FusedAttnProcessor2_0())
        fused += 1
    return fused


def channels_last(models: Models) -> None:
    """Lay out the weights of everything that convolves as tensor cores read them; activations follow."""
    for model in (models.unet, models.vae, *models.nets.modules.values()):
        model.to(memory_format=torch.channels_last)
