"""Diffusers' own SDXL ControlNet pipelines over the same modules: what the loop is compared with. Knows torch.

They are set up as fairly as their interface allows: the same sampler and schedule, the same autoencoder in a type
that does not overflow, no watermark, no progress bar, and arrays as output instead of PIL images.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import torch
from diffusers import (
    DPMSolverMultistepScheduler,
    EulerDiscreteScheduler,
    StableDiffusionXLControlNetPipeline,
    StableDiffusionXLControlNetUnionPipeline,
)

from generation.contracts.request import KINDS
from generation.diffusion.loop import Sample
from generation.diffusion.models import SDXL_SCHEDULE

UNION_MODES: Mapping[str, int] = MappingProxyType({"canny": 3, "depth": 1, "segmentation": 5, "scribble": 2})
"""Control modes of the union by kind, as its README numbers them: thin line, depth, segment, thick line."""
_SCHEDULERS: Mapping[str, tuple[Any, Mapping[str, object]]] = MappingProxyType(
    {
        "dpmpp_2m_karras": (
            DPMSolverMultistepScheduler,
            {"algorithm_type": "dpmsolver++", "use_karras_sigmas": True, "euler_at_final": True},
        ),
        "euler": (EulerDiscreteScheduler, {}),
    }
)
_BASE = ("vae", "text_encoder", "text_encoder_2", "unet")


def scheduler(sampler: str) -> Any:
    """Diffusers' scheduler that computes `sampler`, one of `SAMPLERS`."""
    kind, options = _SCHEDULERS[sampler]
    return kind.from_config({**SDXL_SCHEDULE, **options})


def pipeline(layout: str, module: Callable[[str], Any], *, tokenizers: tuple[Any, Any], sampler: str) -> Any:
    """The stock pipeline over given modules.

    Args:
        layout: `multi` takes one net a kind, `union` the one net for all.
        module: gives the module of a role, as for `models.assemble`.
        tokenizers: of the two text encoders.
        sampler: one of `SAMPLERS`.
    """
    kind = StableDiffusionXLControlNetUnionPipeline if layout == "union" else StableDiffusionXLControlNetPipeline
    pipe = kind(
        **{role: module(role) for role in _BASE},
        tokenizer=tokenizers[0],
        tokenizer_2=tokenizers[1],
        controlnet=module("union") if layout == "union" else [module(role) for role in KINDS],
        scheduler=scheduler(sampler),
        add_watermarker=False,
    )
    pipe.set_progress_bar_config(disable=True)
    return pipe


def compiled(pipe: Any) -> Any:
    """The same pipeline with UNet and nets compiled whole, the way diffusers' documentation shows it."""
    pipe.unet = torch.compile(pipe.unet, mode="reduce-overhead", fullgraph=True, dynamic=False)
    pipe.controlnet = torch.compile(pipe.controlnet, mode="reduce-overhead", fullgraph=True, dynamic=False)
    return pipe


def paint(pipe: Any, samples: Sequence[Sample], *, steps: int, output: str = "np") -> Any:
    """One call of the pipeline for a batch; weights and guidance are the first sample's, stock has one for all.

    Args:
        pipe: made by `pipeline`.
        samples: what to paint; all of one size.
        steps: sampler steps.
        output: `np` for images (B, H, W, 3) in 0..1, `latent` for latents (B, 4, H / 8, W / 8).
    """
    first = samples[0]
    images = [_stacked(samples, kind) for kind in KINDS]
    union = isinstance(pipe, StableDiffusionXLControlNetUnionPipeline)
    control = {"control_image": images, "control_mode": [UNION_MODES[k] for k in KINDS]} if union else {"image": images}
    # It warns of one prompt beside four control images at each call, which is what is meant here.
    logging.getLogger(type(pipe).__module__).setLevel(logging.ERROR)
    return pipe(
        prompt=[sample.prompt for sample in samples],
        negative_prompt=[sample.negative_prompt for sample in samples],
        controlnet_conditioning_scale=[float(first.weights[kind]) for kind in KINDS],
        guidance_scale=first.guidance,
        generator=[torch.Generator("cpu").manual_seed(sample.seed) for sample in samples],
        num_inference_steps=steps,
        height=images[0].shape[2],
        width=images[0].shape[3],
        output_type=output,
        **control,
    ).images


def _stacked(samples: Sequence[Sample], kind: str) -> torch.Tensor:
    """(B, 3, H, W) in 0..1: the only form of different control images in a batch that the pipelines take."""
    arrays = [torch.from_numpy(sample.control[kind]) for sample in samples]
    return torch.stack(arrays).permute(0, 3, 1, 2).float() / 255
