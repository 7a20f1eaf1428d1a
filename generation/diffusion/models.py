"""Everything one picture needs, loaded: the models and how they are held. Knows torch; no loading, no loop."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import torch

from generation.contracts.request import KINDS
from generation.diffusion.multi import MultiNets
from generation.diffusion.nets import Nets
from generation.diffusion.text import TextEncoders
from generation.diffusion.union import UnionNets

SDXL_SCHEDULE: Mapping[str, object] = MappingProxyType(
    {
        "num_train_timesteps": 1000,
        "beta_start": 0.00085,
        "beta_end": 0.012,
        "beta_schedule": "scaled_linear",
        "prediction_type": "epsilon",
        "timestep_spacing": "leading",
        "steps_offset": 1,
        "interpolation_type": "linear",
        "use_karras_sigmas": False,
    }
)
"""The noise schedule SDXL base was trained with: `scheduler_config.json` of its repository."""


def _resident(_stage: str) -> AbstractContextManager[None]:
    return nullcontext()


def _as_many(rows: int) -> int:
    return rows


def _nothing() -> None:
    pass


@dataclass(slots=True)
class Models:
    """One set of models in memory, and the three places where a device has its say.

    Attributes:
        text: both text encoders with their cache.
        unet: diffusers' `UNet2DConditionModel`.
        nets: the ControlNets behind one interface.
        vae: diffusers' `AutoencoderKL`.
        taesd: the tiny autoencoder for previews, or None.
        device: where the maths happens.
        dtype: of weights and activations; the sampler's state stays in fp32.
        stage: entered around `text`, `denoise` and `decode`; brings what they need onto the device.
        bucket: rows of a batch -> rows it is padded to; graphs are captured per bucket.
        before_step: called before each step; CUDA graphs mark a new step there.
        scheduler: the base model's noise schedule.
    """

    text: TextEncoders
    unet: Any
    nets: Nets
    vae: Any
    taesd: Any | None
    device: Any
    dtype: Any
    stage: Callable[[str], AbstractContextManager[None]] = _resident
    bucket: Callable[[int], int] = _as_many
    before_step: Callable[[], None] = _nothing
    scheduler: Mapping[str, object] = field(default_factory=lambda: SDXL_SCHEDULE)


def assemble(
    layout: str,
    module: Callable[[str], Any],
    *,
    tokenizers: tuple[Any, Any],
    gain: float = 1.0,
    taesd: bool = True,
    text_cache: int = 256,
) -> Models:
    """Put modules together; device and dtype are the UNet's.

    Args:
        layout: one of `LAYOUTS`.
        module: gives the module of `unet`, `text_encoder`, `text_encoder_2`, `vae`, `taesd`, of a kind, or `union`.
        tokenizers: of the two text encoders.
        gain: factor on the union's residuals.
        taesd: whether there is a tiny autoencoder.
        text_cache: prompts whose embeddings are remembered.

    Raises:
        WrongArchitecture: a net's configuration is not one this loop computes.
    """
    unet = module("unet")
    nets = UnionNets(module("union"), gain=gain) if layout == "union" else MultiNets({k: module(k) for k in KINDS})
    text = TextEncoders(*tokenizers, module("text_encoder"), module("text_encoder_2"), remembered=text_cache)
    first: torch.Tensor = next(unet.parameters())
    return Models(
        text=text,
        unet=unet,
        nets=nets,
        vae=module("vae"),
        taesd=module("taesd") if taesd else None,
        device=first.device,
        dtype=first.dtype,
    )
