"""One forward of a ControlNet or ControlNet-Union, in the pieces a picture needs once and a step needs. Knows torch.

Diffusers' own forwards embed the control image, the pooled text and the sizes again at every step; here they come in
embedded. The arithmetic and its order are those of `ControlNetModel.forward` and `ControlNetUnionModel.forward`.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from generation.contracts.errors import WrongArchitecture
from generation.diffusion.nets import Given, Residuals, TextRows


def run(net: Any, latents: Tensor, timestep: Tensor, given: Given) -> Residuals:
    """From the scaled latents to scaled residuals; `net` is a `ControlNetModel` or `ControlNetUnionModel`.

    Args:
        net: the model.
        latents: shape (rows, 4, height / 8, width / 8).
        timestep: one number, no dimension.
        given: everything that does not change from step to step.
    """
    time = net.time_proj(timestep.expand(latents.shape[0])).to(latents.dtype)
    embedding = net.time_embedding(time) + given.embedding
    sample = net.conv_in(latents) + given.condition
    skips = [sample]
    for block in net.down_blocks:
        sample, outputs = _through(block, sample, embedding, given.hidden)
        skips += outputs
    middle = _through(net.mid_block, sample, embedding, given.hidden)
    return Residuals(
        tuple(zero(skip) * given.scale for zero, skip in zip(net.controlnet_down_blocks, skips, strict=True)),
        net.controlnet_mid_block(middle) * given.scale,
    )


def _through(block: Any, sample: Tensor, embedding: Tensor, hidden: Tensor) -> Any:
    if getattr(block, "has_cross_attention", False):
        return block(sample, embedding, encoder_hidden_states=hidden)
    return block(sample, embedding)


def augmented(net: Any, text: TextRows) -> Tensor:
    """Pooled text and sizes as they are added to every step's time embedding, shape (halves, rows, time width)."""
    times = net.add_time_proj(text.time_ids.flatten()).reshape(*text.pooled.shape[:-1], -1)
    added: Tensor = net.add_embedding(torch.cat([text.pooled, times.to(text.pooled.dtype)], dim=-1))
    return added


def embed(net: Any, images: Tensor) -> Tensor:
    """Control images (rows, 3, height, width) in 0 to 1, embedded to (rows, channels, height / 8, width / 8)."""
    ordered = images.flip(1) if net.config.controlnet_conditioning_channel_order == "bgr" else images
    embedded: Tensor = net.controlnet_cond_embedding(ordered)
    return embedded


def check(net: Any, role: str, *, union: bool = False) -> None:
    """Make sure that `run` computes what diffusers would.

    Raises:
        WrongArchitecture: another kind of net, or one with inputs SDXL's nets do not have.
    """
    config = net.config
    found = {
        "kind": "union" if hasattr(net, "task_embedding") else "plain",
        "addition_embed_type": config.addition_embed_type,
        "class embedding": net.class_embedding is not None,
        "global_pool_conditions": bool(config.global_pool_conditions),
        "channel order": config.controlnet_conditioning_channel_order,
    }
    expected = {
        "kind": "union" if union else "plain",
        "addition_embed_type": "text_time",
        "class embedding": False,
        "global_pool_conditions": False,
        "channel order": "bgr" if found["channel order"] == "bgr" and not union else "rgb",
    }
    for name, value in expected.items():
        if found[name] != value:
            raise WrongArchitecture(model=role, expected=f"{name} {value}", found=str(found[name]))
