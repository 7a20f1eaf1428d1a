"""Random SDXL models from configurations: the one way tiny and full-size ones are built. Knows torch and diffusers.

As initialised, zero convolutions and the union's projections are zero and hide every error that passes through them;
here they are drawn at random. Nothing is loaded, and nothing these models paint is a picture of anything.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any
from zlib import crc32

import torch
from diffusers import AutoencoderKL, AutoencoderTiny, ControlNetModel, ControlNetUnionModel, UNet2DConditionModel
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection, CLIPTokenizer
from transformers.convert_slow_tokenizer import bytes_to_unicode

from generation.contracts.request import KINDS

Config = Mapping[str, Any]

BASE_PARTS = ("unet", "text_encoder", "text_encoder_2")
"""Roles of the base repository's modules; the other roles are those of `config.ROLES`."""

_CLASSES: Mapping[str, Any] = MappingProxyType(
    {
        "unet": UNet2DConditionModel,
        "vae": AutoencoderKL,
        **dict.fromkeys(KINDS, ControlNetModel),
        "union": ControlNetUnionModel,
        "taesd": AutoencoderTiny,
    }
)
_TEXT_CLASSES: Mapping[str, Any] = MappingProxyType(
    {"text_encoder": CLIPTextModel, "text_encoder_2": CLIPTextModelWithProjection}
)
_START, _END = "<|startoftext|>", "<|endoftext|>"


@dataclass(frozen=True, slots=True)
class Shapes:
    """Configurations of one whole set: keyword arguments of the diffusers classes and of `CLIPTextConfig`."""

    unet: Config
    controlnet: Config
    union: Config
    vae: Config
    taesd: Config
    text_encoder: Config
    text_encoder_2: Config

    def of(self, role: str) -> Config:
        """The configuration of `role`."""
        config: Config = getattr(self, "controlnet" if role in KINDS else role)
        return config


def tokenizer(pad: str = _END) -> Any:
    """A CLIP tokenizer that knows single bytes only; the second one of SDXL pads with `!`, which has the number 0."""
    letters = sorted(bytes_to_unicode().values())
    pieces = [*letters, *(f"{letter}</w>" for letter in letters), _START, _END]
    vocab = {piece: number for number, piece in enumerate(pieces)}
    return CLIPTokenizer(vocab=vocab, merges=[], pad_token=pad, model_max_length=77)


def module(shapes: Shapes, role: str, *, dtype: Any, device: Any, seed: int) -> Any:
    """One model, drawn at random directly in `dtype` on `device`; `meta` takes no memory at all.

    Each role has a stream of its own from `seed`, so two sets with one seed are the same, whatever else was built.
    """
    with _drawn_in(dtype, device, seed, role):
        built = _text_encoder(shapes, role) if role in _TEXT_CLASSES else _CLASSES[role](**shapes.of(role))
        _enliven(built)
    return built.eval().requires_grad_(requires_grad=False)


@contextmanager
def _drawn_in(dtype: Any, device: Any, seed: int, role: str) -> Iterator[None]:
    usual, target = torch.get_default_dtype(), torch.device(device)
    forked = [target] if target.type == "cuda" else []
    try:
        with torch.random.fork_rng(devices=forked), target, torch.no_grad():
            torch.manual_seed(crc32(f"{role} {seed}".encode()))
            torch.set_default_dtype(dtype)
            yield
    finally:
        torch.set_default_dtype(usual)


def _text_encoder(shapes: Shapes, role: str) -> Any:
    words = tokenizer("!" if role.endswith("2") else _END)
    ends = {"bos_token_id": words.bos_token_id, "eos_token_id": words.eos_token_id, "pad_token_id": words.pad_token_id}
    return _TEXT_CLASSES[role](CLIPTextConfig(**shapes.of(role), **ends))


def _enliven(built: Any) -> None:
    """Draw what diffusers starts at zero, and let what a control image shows weigh as much as the latents do."""
    for name, parameter in built.named_parameters():
        if _starts_at_zero(name):
            parameter.normal_(0.0, parameter[0].numel() ** -0.5)
        if name.startswith("controlnet_cond_embedding."):
            parameter.mul_(2.5 if parameter.dim() > 1 else 0.25)
        if name == "task_embedding":
            parameter.mul_(parameter.shape[1] ** -0.5)


def _starts_at_zero(name: str) -> bool:
    blocks = (
        "controlnet_down_blocks.",
        "controlnet_mid_block.",
        "spatial_ch_projs.",
        "controlnet_cond_embedding.conv_out.",
    )
    return name.startswith(blocks)
