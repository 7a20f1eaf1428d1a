"""Fuses a few-step LoRA into the UNet. Knows torch, safetensors and LoRA file layouts; nothing of sampling.

The low-rank products are added to the weights themselves, in fp32 and rounded once, before anything is compiled:
nothing of the adapter remains and a step costs what it costs without.
"""

from __future__ import annotations

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
from generation.diffusion.weights.durable import parsed

_DOWN, _UP = "A.weight", "B.weight"
_NAME = re.compile(r"[A-Za-z0-9_.]+")
_LARGEST_ALPHA = 1e6


@dataclass(frozen=True, slots=True)
class _Update:
    """One layer's low-rank product: `weight += scale * up @ down`."""

    layer: str
    down: Tensor
    up: Tensor
    scale: float


def fuse(unet: Any, file: Path, *, model: str = "") -> int:
    """Add a LoRA to a UNet's weights, all of it or nothing.

    Args:
        unet: diffusers' `UNet2DConditionModel`, on any device and in any precision.
        file: a `.safetensors` file as diffusers, PEFT or kohya write them.
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
            _add(unet.get_submodule(update.layer).weight, update)
    return len(updates)


def _read(file: Path, name: str) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """A file's tensors, and what PEFT noted in its header about the UNet's adapter."""
    if file.suffix != ".safetensors":
        raise UnsafeWeights(model=name, file=file.name)
    if not file.is_file():
        raise WeightsMissing(models=name)
    try:
        with safe_open(file, framework="pt") as opened:
            noted = parsed((opened.metadata() or {}).get("lora_adapter_metadata", "{}").encode())
        tensors = load_file(file)
    except (SafetensorError, OSError, ValueError):
        raise WeightsDamaged(model=name, file=file.name) from None
    if not isinstance(noted, dict):
        raise _misfit(name, "notes that are none")
    return tensors, noted


def _updates(unet: Any, file: Path, name: str) -> Iterator[_Update]:
    """The products in a file, whatever its layout; diffusers' own reader knows the names of the others."""
    state, noted = _read(file, name)
    try:
        named, alphas = StableDiffusionXLPipeline.lora_state_dict(state, unet_config=unet.config)
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, RuntimeError) as error:
        raise _misfit(name, type(error).__name__) from None
    factors = {key.removeprefix("unet."): value for key, value in convert_unet_state_dict_to_peft(named).items()}
    stranger = next((key for key in (*factors, *noted) if not _understood(key, noted)), None)
    if stranger is not None:
        raise _misfit(name, stranger)
    try:
        alpha_of = _alphas(alphas or {}, noted)
    except (ValueError, TypeError, AttributeError, RuntimeError):
        raise _misfit(name, "alphas that are none") from None
    for key, down in factors.items():
        layer, _, factor = key.rpartition(".lora_")
        if factor == _DOWN:
            up = factors.get(f"{layer}.lora_{_UP}")
            if up is None or not down.ndim or not down.shape[0]:
                raise _misfit(name, key)
            yield _Update(layer, down, up, alpha_of(layer, down.shape[0]) / down.shape[0])


def _understood(key: str, noted: Mapping[str, Any]) -> bool:
    """Whether a tensor or a note is one that is applied; variants of LoRA with another formula are not."""
    if key in noted:
        return not (key.endswith(("use_rslora", "use_dora", "lora_bias")) and noted[key])
    return key.endswith((f".lora_{_DOWN}", f".lora_{_UP}"))


def _alphas(named: Mapping[str, Any], noted: Mapping[str, Any]) -> Callable[[str, int], float]:
    """A layer's alpha: kohya's beside the tensors, PEFT's in the header, else the rank.

    PEFT itself takes the names in its `alpha_pattern` for regular expressions, but writes layers' names or their ends
    there. No more is understood here: a stranger's expression could take for ever to match.

    Raises:
        ValueError, TypeError, AttributeError, RuntimeError: something there is no name or no number.
    """
    plain = convert_unet_state_dict_to_peft({key.removesuffix(".alpha"): value for key, value in named.items()})
    own = {key.removeprefix("unet.").removesuffix(f".lora_{_DOWN}"): float(value) for key, value in plain.items()}
    patterns = {_plain(p): _number(value) for p, value in (noted.get("unet.alpha_pattern") or {}).items()}
    general = noted.get("unet.lora_alpha")
    common = None if general is None else _number(general)

    def alpha_of(layer: str, rank: int) -> float:
        if layer in own:
            return own[layer]
        end = next((p for p in patterns if f".{layer}".endswith(f".{p}")), None)
        if end is not None:
            return patterns[end]
        return float(rank) if common is None else common

    return alpha_of


def _plain(pattern: str) -> str:
    """The name behind a pattern that is one, anchored and escaped as PEFT may write it."""
    name = pattern.removeprefix("^").removesuffix("$").replace(r"\.", ".")
    if _NAME.fullmatch(name) is None:
        raise ValueError(pattern)
    return name


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= _LARGEST_ALPHA:
        raise TypeError
    return float(value)


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


def _add(weight: Tensor, update: _Update) -> None:
    up, down = (factor.to(weight.device, torch.float32).flatten(1) for factor in (update.up, update.down))
    product = (up @ down).view(weight.shape)
    weight.copy_(weight.to(torch.float32) + update.scale * product)


def _misfit(name: str, found: str) -> WrongArchitecture:
    return WrongArchitecture(model=name, expected="a LoRA of the SDXL UNet", found=found)
