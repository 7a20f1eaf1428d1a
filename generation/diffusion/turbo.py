"""Fuses a few-step LoRA into the UNet. Knows torch, safetensors and LoRA file layouts; nothing of sampling.

The low-rank products are added to the weights themselves, in fp32 and rounded once, before anything is compiled:
nothing of the adapter remains and a step costs what it costs without.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from diffusers import StableDiffusionXLPipeline
from diffusers.utils import convert_unet_state_dict_to_peft
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file
from torch import Tensor

from generation.contracts.errors import UnsafeWeights, WeightsDamaged, WeightsMissing, WrongArchitecture

_DOWN, _UP = "A.weight", "B.weight"


@dataclass(frozen=True, slots=True)
class _Update:
    """One layer's low-rank product: `weight += scale * up @ down`."""

    layer: str
    down: Tensor
    up: Tensor
    scale: float


def fuse(unet: Any, file: Path, *, strength: float = 1.0, model: str = "") -> int:
    """Add a LoRA to a UNet's weights, all of it or nothing.

    Args:
        unet: diffusers' `UNet2DConditionModel`, on any device and in any precision.
        file: a `.safetensors` file as diffusers, PEFT or kohya write them.
        strength: factor on the whole LoRA; Hyper-SD's is used at 1.
        model: its name in errors; the file's without one.

    Returns:
        How many layers were changed.

    Raises:
        UnsafeWeights: not a safetensors file by its name.
        WeightsMissing: there is no such file.
        WeightsDamaged: it cannot be read.
        WrongArchitecture: it is no LoRA, or not one of this UNet.
    """
    name = model or file.name
    updates = [_checked(unet, update, name) for update in _updates(unet, file, name)]
    if not updates:
        raise _misfit(name, "no LoRA layers")
    with torch.no_grad():
        for update in updates:
            _add(unet.get_submodule(update.layer).weight, update, strength)
    return len(updates)


def _read(file: Path, name: str) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """A file's tensors, and what PEFT noted in its header about the UNet's adapter."""
    if file.suffix != ".safetensors":
        raise UnsafeWeights(model=name, file=file.name)
    if not file.is_file():
        raise WeightsMissing(models=name)
    try:
        with safe_open(file, framework="pt") as opened:
            noted = json.loads((opened.metadata() or {}).get("lora_adapter_metadata", "{}"))
        return load_file(file), noted
    except (SafetensorError, OSError, ValueError):
        raise WeightsDamaged(model=name, file=file.name) from None


def _updates(unet: Any, file: Path, name: str) -> Iterator[_Update]:
    """The products in a file, whatever its layout; diffusers' own reader knows the names of the others."""
    state, noted = _read(file, name)
    try:
        named, alphas = StableDiffusionXLPipeline.lora_state_dict(state, unet_config=unet.config)
    except (ValueError, KeyError, IndexError) as error:
        raise _misfit(name, type(error).__name__) from None
    factors = {key.removeprefix("unet."): value for key, value in convert_unet_state_dict_to_peft(named).items()}
    stranger = next((key for key in (*factors, *noted) if not _understood(key, noted)), None)
    if stranger is not None:
        raise _misfit(name, stranger)
    alpha_of = _alphas(alphas or {}, noted)
    for key, down in factors.items():
        layer, _, factor = key.rpartition(".lora_")
        if factor == _DOWN:
            up = factors.get(f"{layer}.lora_{_UP}")
            if up is None:
                raise _misfit(name, key)
            yield _Update(layer, down, up, alpha_of(layer, down.shape[0]) / down.shape[0])


def _understood(key: str, noted: Mapping[str, Any]) -> bool:
    """Whether a tensor or a note is one that is applied; variants of LoRA with another formula are not."""
    if key in noted:
        return not (key.endswith(("use_rslora", "use_dora", "lora_bias")) and noted[key])
    return key.endswith((f".lora_{_DOWN}", f".lora_{_UP}"))


def _alphas(named: Mapping[str, Any], noted: Mapping[str, Any]) -> Callable[[str, int], float]:
    """A layer's alpha: kohya's beside the tensors, PEFT's in the header, else the rank."""
    plain = convert_unet_state_dict_to_peft({key.removesuffix(".alpha"): value for key, value in named.items()})
    own = {key.removeprefix("unet.").removesuffix(f".lora_{_DOWN}"): float(value) for key, value in plain.items()}
    patterns: Mapping[str, float] = noted.get("unet.alpha_pattern") or {}

    def alpha_of(layer: str, rank: int) -> float:
        pattern = next((p for p in patterns if re.fullmatch(rf"(.*\.)?({p})", layer)), None)
        common = patterns[pattern] if pattern else noted.get("unet.lora_alpha", rank)
        return own.get(layer, float(common))

    return alpha_of


def _checked(unet: Any, update: _Update, name: str) -> _Update:
    try:
        weight = unet.get_submodule(update.layer).weight
    except AttributeError:
        raise _misfit(name, update.layer) from None
    if _product_shape(update) != tuple(weight.shape):
        raise _misfit(name, f"{update.layer} {'x'.join(map(str, _product_shape(update)))}")
    return update


def _product_shape(update: _Update) -> tuple[int, ...]:
    """Of a linear layer (out, in); of a convolution the first factor carries the kernel. Empty when ranks differ."""
    fits = min(update.up.ndim, update.down.ndim) > 1 and update.up.shape[1] == update.down.shape[0]
    return (update.up.shape[0], *update.down.shape[1:]) if fits else ()


def _add(weight: Tensor, update: _Update, strength: float) -> None:
    up, down = (factor.to(weight.device, torch.float32).flatten(1) for factor in (update.up, update.down))
    product = (up @ down).view(weight.shape)
    weight.copy_(weight.to(torch.float32) + strength * update.scale * product)


def _misfit(name: str, found: str) -> WrongArchitecture:
    return WrongArchitecture(model=name, expected="a LoRA of the SDXL UNet", found=found)
