"""The tiny set: every model of SDXL with four ControlNets or a union, random, a few MiB in all. Knows torch.

`save` writes it as the hub would hold it, `models` holds it in memory. Sizes are the smallest the real classes take:
VAE and condition embeddings shrink by 8, as the real ones do.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from diffusers import EulerDiscreteScheduler, StableDiffusionXLPipeline

from generation.contracts.request import KINDS
from generation.diffusion.config import DEFAULT_SOURCES, Source
from generation.diffusion.measuring.shapes import Shapes, module, tokenizer
from generation.diffusion.models import SDXL_SCHEDULE, Models, assemble

_BLOCKS = {
    "in_channels": 4,
    "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
    "block_out_channels": (32, 32, 64),
    "layers_per_block": 1,
    "transformer_layers_per_block": (1, 1, 2),
    "attention_head_dim": (2, 2, 4),
    "norm_num_groups": 8,
    "cross_attention_dim": 64,
    "use_linear_projection": True,
    "addition_embed_type": "text_time",
    "addition_time_embed_dim": 8,
    "projection_class_embeddings_input_dim": 80,
}
_TEXT = {
    "vocab_size": 514,
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "projection_dim": 32,
}

SHAPES = Shapes(
    unet={
        **_BLOCKS,
        "sample_size": 16,
        "out_channels": 4,
        "up_block_types": ("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
    },
    controlnet={**_BLOCKS, "conditioning_embedding_out_channels": (8, 8, 16, 16)},
    union={
        **_BLOCKS,
        "conditioning_embedding_out_channels": (8, 8, 16, 16),
        "num_control_type": 8,
        "num_trans_channel": 32,
        "num_trans_head": 4,
        "num_proj_channel": 32,
    },
    vae={
        "down_block_types": ("DownEncoderBlock2D",) * 4,
        "up_block_types": ("UpDecoderBlock2D",) * 4,
        "block_out_channels": (8, 8, 16, 16),
        "layers_per_block": 1,
        "norm_num_groups": 4,
        "latent_channels": 4,
        "sample_size": 128,
        "scaling_factor": 0.13025,
        "force_upcast": False,
    },
    taesd={
        "encoder_block_out_channels": (8, 8, 8, 8),
        "decoder_block_out_channels": (8, 8, 8, 8),
        "num_encoder_blocks": (1, 1, 1, 1),
        "num_decoder_blocks": (1, 1, 1, 1),
    },
    text_encoder={**_TEXT, "hidden_act": "quick_gelu"},
    text_encoder_2={**_TEXT, "hidden_act": "gelu"},
)


def save(folder: Path, *, seed: int = 0) -> dict[str, Source]:
    """Write every model as a folder in diffusers layout, safetensors only.

    The segmentation net gets the file name the real one has, which is not diffusers' own.

    Returns:
        Local sources by role; all roles but `turbo`.
    """
    _base(seed).save_pretrained(folder / "base", safe_serialization=True)
    for words in ("tokenizer", "tokenizer_2"):
        _as_the_hub_holds_it(folder / "base" / words)
    roles = ("vae", *KINDS, "union", "taesd")
    for role in roles:
        _module(role, seed).save_pretrained(folder / role, safe_serialization=True)
    return {role: _named(folder, role) for role in ("base", *roles)}


def _as_the_hub_holds_it(words: Path) -> None:
    """SDXL's repository has the two old files of a CLIP tokenizer and no `tokenizer.json`."""
    vocab = json.loads((words / "tokenizer.json").read_text())["model"]["vocab"]
    (words / "vocab.json").write_text(json.dumps(vocab, ensure_ascii=False))
    (words / "merges.txt").write_text("#version: 0.2\n")
    (words / "tokenizer.json").unlink()


def _named(folder: Path, role: str) -> Source:
    weights = DEFAULT_SOURCES[role].weights
    if weights:
        (folder / role / "diffusion_pytorch_model.safetensors").rename(folder / role / weights)
    return Source(model=str((folder / role).absolute()), weights=weights)


def _module(role: str, seed: int) -> Any:
    return module(SHAPES, role, dtype=torch.float32, device="cpu", seed=seed)


def _base(seed: int) -> Any:
    return StableDiffusionXLPipeline(
        vae=_module("vae", seed),
        text_encoder=_module("text_encoder", seed),
        text_encoder_2=_module("text_encoder_2", seed),
        tokenizer=tokenizer(),
        tokenizer_2=tokenizer("!"),
        unet=_module("unet", seed),
        scheduler=EulerDiscreteScheduler.from_config(dict(SDXL_SCHEDULE)),
        add_watermarker=False,
    )


def models(layout: str, *, seed: int = 0, dtype: Any = torch.float32, device: Any = "cpu") -> Models:
    """The same set in memory, `layout` one of `LAYOUTS`: what `save` with this `seed` writes, rounded to `dtype`."""

    def moved(role: str) -> Any:
        return _module(role, seed).to(device=device, dtype=dtype)

    return assemble(layout, moved, tokenizers=(tokenizer(), tokenizer("!")))
