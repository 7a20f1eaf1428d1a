"""Diffusers' own pipelines over the very modules our loop runs, called whole, fp32 on the CPU."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Self

import numpy as np
import torch
from diffusers import (
    DPMSolverMultistepScheduler,
    EulerDiscreteScheduler,
    StableDiffusionXLControlNetPipeline,
    StableDiffusionXLControlNetUnionPipeline,
)

from generation.contracts.request import KINDS
from generation.diffusion.loop import Sample, denoise
from generation.diffusion.models import SDXL_SCHEDULE, Models
from generation.diffusion.plans import plan_named
from generation.diffusion.union import MODES

TOLERANCE = 1e-5
"""Of the largest latent."""
PROMPTS = ("a red fox in the snow", "学习: two people study", "an old harbour at night, 港")
NEGATIVES = ("blurry", "photo, neon colors", "")
WEIGHTS = ((0.9, 0.5, 0.7, 0.3), (0.4, 0.3, 0.35, 0.8), (0.6, 0.25, 0.2, 1.1))


def scheduler(name: str) -> Any:
    config = dict(SDXL_SCHEDULE)
    if name == "euler":
        return EulerDiscreteScheduler.from_config(config)
    return DPMSolverMultistepScheduler.from_config(config, use_karras_sigmas=True, euler_at_final=True)


def picture(seed: int, width: int, height: int) -> Any:
    """Blocks of colour: noise alone would average out in the condition embedding."""
    blocks = np.random.default_rng(seed).integers(0, 256, (height // 16, width // 16, 3), dtype=np.uint8)
    return blocks.repeat(16, axis=0).repeat(16, axis=1)


def samples(count: int, *, size: tuple[int, int] = (128, 128), seed: int = 7, guidance: float = 7.5) -> list[Sample]:
    """Pictures that differ in everything."""
    return [
        Sample(
            prompt=PROMPTS[n % 3],
            negative_prompt=NEGATIVES[n % 3],
            seed=seed + 1000 * n,
            guidance=guidance,
            control={kind: picture(100 * n + k + seed, *size) for k, kind in enumerate(KINDS)},
            weights=dict(zip(KINDS, WEIGHTS[n % 3], strict=True)),
            cancelled=threading.Event(),
        )
        for n in range(count)
    ]


def ours(
    models: Models,
    batch: Sequence[Sample],
    *,
    plan: Any = "reference",
    steps: int = 3,
    size: tuple[int, int] = (128, 128),
    sampler: str = "dpmpp_2m_karras",
) -> Any:
    """Final latents of our loop."""
    named = plan_named(plan) if isinstance(plan, str) else plan
    width, height = size
    steps_done = denoise(models, batch, plan=named, steps=steps, width=width, height=height, sampler=sampler)
    return deque(steps_done, maxlen=1)[0].latents


def _parts(models: Models, sampler: str) -> dict[str, Any]:
    tokenizers, encoders = models.text.tokenizers, models.text.encoders
    return {
        "vae": models.vae,
        "text_encoder": encoders[0],
        "text_encoder_2": encoders[1],
        "tokenizer": tokenizers[0],
        "tokenizer_2": tokenizers[1],
        "unet": models.unet,
        "scheduler": scheduler(sampler),
        "add_watermarker": False,
    }


def _called(pipeline: Any, batch: Sequence[Sample], given: Mapping[str, Any]) -> Any:
    pipeline.set_progress_bar_config(disable=True)
    usual = {
        "prompt": [sample.prompt for sample in batch],
        "negative_prompt": [sample.negative_prompt for sample in batch],
        "guidance_scale": batch[0].guidance,
        "generator": [torch.Generator("cpu").manual_seed(sample.seed) for sample in batch],
        "output_type": "latent",
    }
    return pipeline(**{**usual, **given}).images


def images(batch: Sequence[Sample], kind: str) -> Any:
    stacked = np.stack([sample.control[kind] for sample in batch])
    return torch.from_numpy(stacked).permute(0, 3, 1, 2).float() / 255.0


def stock_multi(
    models: Models, batch: Sequence[Sample], *, steps: int = 3, sampler: str = "dpmpp_2m_karras", **given: Any
) -> Any:
    """`StableDiffusionXLControlNetPipeline`; weights of each picture as tensors over the doubled batch."""
    nets = [models.nets.modules[kind] for kind in KINDS]
    pipeline = StableDiffusionXLControlNetPipeline(controlnet=nets, **_parts(models, sampler))
    halves = 2 if batch[0].guidance > 1 else 1
    scales = [torch.tensor([s.weights.get(kind, 0.0) for s in batch] * halves).view(-1, 1, 1, 1) for kind in KINDS]
    steer = {"image": [images(batch, kind) for kind in KINDS], "controlnet_conditioning_scale": scales}
    return _called(pipeline, batch, {**steer, "num_inference_steps": steps, **given})


def stock_union(
    models: Models,
    batch: Sequence[Sample],
    *,
    kinds: Sequence[str] = KINDS,
    steps: int = 3,
    sampler: str = "dpmpp_2m_karras",
    **given: Any,
) -> Any:
    """`StableDiffusionXLControlNetUnionPipeline`; one set of weights, that of the first picture."""
    pipeline = StableDiffusionXLControlNetUnionPipeline(
        controlnet=models.nets.modules["union"], **_parts(models, sampler)
    )
    steer = {
        "control_image": [images(batch, kind) for kind in kinds],
        "control_mode": [MODES[kind] for kind in kinds],
        "controlnet_conditioning_scale": [float(batch[0].weights[kind]) for kind in kinds],
    }
    return _called(pipeline, batch, {**steer, "num_inference_steps": steps, **given})


def error(ours: Any, stock: Any) -> float:
    """The largest difference, as a fraction of the largest latent."""
    assert ours.shape == stock.shape
    return float((ours - stock).abs().max() / stock.abs().max())


def swapped(first: Sample, second: Sample, field: str) -> tuple[Sample, Sample]:
    """Both pictures with one field exchanged."""
    return replace(first, **{field: getattr(second, field)}), replace(second, **{field: getattr(first, field)})


class Counted:
    """Counts how often nets and their condition embeddings run, for ours and stock alike: hooks on their first layers."""

    def __init__(self, nets: Mapping[str, Any]) -> None:
        self.forwards = dict.fromkeys(nets, 0)
        self.embedded = dict.fromkeys(nets, 0)
        self._nets = nets
        self._hooks: list[Any] = []

    def __enter__(self) -> Self:
        for role, net in self._nets.items():
            self._hooks.append(net.conv_in.register_forward_hook(self._adding(self.forwards, role)))
            embedding = net.controlnet_cond_embedding
            self._hooks.append(embedding.register_forward_hook(self._adding(self.embedded, role)))
        return self

    def __exit__(self, *_: object) -> None:
        for hook in self._hooks:
            hook.remove()

    @staticmethod
    def _adding(counts: dict[str, int], role: str) -> Any:
        def add(*_: object) -> None:
            counts[role] += 1

        return add
