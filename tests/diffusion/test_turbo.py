"""Fusing a LoRA: what peft computes, in every layout, and nothing left of it afterwards."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from generation.contracts.errors import UnsafeWeights, WeightsDamaged, WeightsMissing, WrongArchitecture
from generation.diffusion.measuring import shapes, tiny
from generation.diffusion.turbo import fuse

pytestmark = pytest.mark.diffusion

RANK = 4
ATTENTION = "down_blocks.1.attentions.0.transformer_blocks.0"
LAYERS = (
    f"{ATTENTION}.attn1.to_q",
    f"{ATTENTION}.attn2.to_out.0",
    f"{ATTENTION}.ff.net.0.proj",
    "mid_block.attentions.0.proj_in",
    "down_blocks.0.resnets.0.conv1",
    "down_blocks.0.resnets.0.time_emb_proj",
    "up_blocks.0.resnets.0.conv_shortcut",
    "down_blocks.0.downsamplers.0.conv",
)


@pytest.fixture(scope="module")
def original() -> Any:
    return shapes.module(tiny.SHAPES, "unet", dtype=torch.float32, device="cpu", seed=0)


@pytest.fixture
def unet(original: Any) -> Any:
    return copy.deepcopy(original)


def factors(unet: Any, layers: tuple[str, ...] = LAYERS) -> dict[str, tuple[torch.Tensor, torch.Tensor]]:
    generator = torch.Generator().manual_seed(3)
    made = {}
    for layer in layers:
        out, wide, *kernel = unet.get_submodule(layer).weight.shape
        down = torch.randn(RANK, wide, *kernel, generator=generator) * 0.1
        up = torch.randn(out, RANK, *(1 for _ in kernel), generator=generator) * 0.1
        made[layer] = (down, up)
    return made


def peft_file(unet: Any, file: Path, prefix: str = "unet.", noted: dict[str, Any] | None = None) -> Path:
    tensors = {}
    for layer, (down, up) in factors(unet).items():
        tensors[f"{prefix}{layer}.lora_A.weight"], tensors[f"{prefix}{layer}.lora_B.weight"] = down, up
    save_file(tensors, file, {"lora_adapter_metadata": json.dumps(noted), "format": "pt"} if noted else None)
    return file


def diffusers_file(unet: Any, file: Path) -> Path:
    tensors = {}
    for layer, (down, up) in factors(unet).items():
        tensors[f"unet.{layer}.lora.down.weight"], tensors[f"unet.{layer}.lora.up.weight"] = down, up
    save_file(tensors, file)
    return file


def kohya_file(unet: Any, file: Path, alpha: float = 2.0) -> Path:
    tensors = {}
    for layer, (down, up) in factors(unet).items():
        name = f"lora_unet_{layer.replace('.', '_')}"
        tensors[f"{name}.lora_down.weight"], tensors[f"{name}.lora_up.weight"] = down, up
        tensors[f"{name}.alpha"] = torch.tensor(alpha)
    save_file(tensors, file)
    return file


LAYOUTS = {"peft": peft_file, "diffusers": diffusers_file, "kohya": kohya_file}


def fused_by_peft(unet: Any, file: Path) -> Any:
    """Stock's way, except that fusing and unloading are its last words."""
    from diffusers import StableDiffusionXLPipeline

    state, alphas, metadata = StableDiffusionXLPipeline.lora_state_dict(
        str(file.parent),
        weight_name=file.name,
        unet_config=unet.config,
        return_lora_metadata=True,
        local_files_only=True,
    )
    StableDiffusionXLPipeline.load_lora_into_unet(state, alphas, unet, adapter_name="turbo", metadata=metadata)
    unet.fuse_lora()
    unet.unload_lora()
    return unet


def largest_difference(one: Any, other: Any) -> float:
    pairs = zip(one.parameters(), other.parameters(), strict=True)
    return max(float((mine - theirs).abs().max()) for mine, theirs in pairs)


def answer(unet: Any) -> torch.Tensor:
    generator = torch.Generator().manual_seed(4)
    added = {"text_embeds": torch.randn(1, 32, generator=generator), "time_ids": torch.full((1, 6), 128.0)}
    with torch.no_grad():
        return unet(
            torch.randn(1, 4, 16, 16, generator=generator),
            torch.tensor(500),
            encoder_hidden_states=torch.randn(1, 77, 64, generator=generator),
            added_cond_kwargs=added,
        ).sample


@pytest.mark.parametrize("layout", LAYOUTS)
def test_weights_are_those_peft_fuses(unet: Any, original: Any, tmp_path: Path, layout: str):
    file = LAYOUTS[layout](unet, tmp_path / "lora.safetensors")
    assert fuse(unet, file) == len(LAYERS)
    theirs = fused_by_peft(copy.deepcopy(original), file)
    assert largest_difference(unet, theirs) <= 1e-6
    torch.testing.assert_close(answer(unet), answer(theirs), rtol=1e-4, atol=1e-5)


def test_it_changes_the_picture_and_only_the_layers_it_names(unet: Any, original: Any, tmp_path: Path):
    fuse(unet, peft_file(unet, tmp_path / "lora.safetensors"))
    assert float((answer(unet) - answer(original)).abs().max()) > 1e-3
    before = dict(original.named_parameters())
    changed = {name.removesuffix(".weight") for name, now in unet.named_parameters() if not now.equal(before[name])}
    assert changed == set(LAYERS)


def test_nothing_of_the_adapter_remains(unet: Any, original: Any, tmp_path: Path):
    fuse(unet, kohya_file(unet, tmp_path / "lora.safetensors"))
    kinds = [(name, type(module)) for name, module in unet.named_modules()]
    assert kinds == [(name, type(module)) for name, module in original.named_modules()]
    assert list(unet.state_dict()) == list(original.state_dict())
    assert not any(parameter.requires_grad for parameter in unet.parameters())


def test_alpha_scales(unet: Any, original: Any, tmp_path: Path):
    whole, half = copy.deepcopy(unet), copy.deepcopy(unet)
    fuse(whole, kohya_file(unet, tmp_path / "whole.safetensors", alpha=RANK))
    fuse(half, kohya_file(unet, tmp_path / "half.safetensors", alpha=RANK / 2))
    assert largest_difference(whole, original) == pytest.approx(2 * largest_difference(half, original), rel=1e-3)


def test_each_layer_has_its_own_alpha(unet: Any, original: Any, tmp_path: Path):
    file = kohya_file(unet, tmp_path / "lora.safetensors", alpha=RANK)
    tensors = load_file(file)
    for number, layer in enumerate(LAYERS):
        tensors[f"lora_unet_{layer.replace('.', '_')}.alpha"] = torch.tensor(float(number))
    save_file(tensors, file)
    fuse(unet, file)
    for number, (layer, (down, up)) in enumerate(factors(original).items()):
        weight = original.get_submodule(layer).weight
        expected = weight + number / RANK * (up.flatten(1) @ down.flatten(1)).view(weight.shape)
        torch.testing.assert_close(unet.get_submodule(layer).weight, expected, rtol=0, atol=1e-6)


def test_the_alpha_in_the_header_counts(unet: Any, original: Any, tmp_path: Path):
    noted = {"unet.r": RANK, "unet.lora_alpha": 8, "unet.alpha_pattern": {"attn1.to_q": 2}, "unet.use_dora": False}
    noted["unet.target_modules"] = list(LAYERS)
    file = peft_file(unet, tmp_path / "lora.safetensors", noted=noted)
    fuse(unet, file)
    assert largest_difference(unet, fused_by_peft(copy.deepcopy(original), file)) <= 1e-6


def test_in_bf16_weights_are_rounded_once(original: Any, tmp_path: Path):
    file = peft_file(original, tmp_path / "lora.safetensors")
    half, exact = copy.deepcopy(original).bfloat16(), copy.deepcopy(original).bfloat16().float()
    fuse(half, file)
    fuse(exact, file)
    assert half.dtype == torch.bfloat16
    assert all(a.equal(b.bfloat16()) for a, b in zip(half.parameters(), exact.parameters(), strict=True))


def refused(unet: Any, original: Any, file: Path) -> WrongArchitecture:
    with pytest.raises(WrongArchitecture) as caught:
        fuse(unet, file, model="ByteDance/Hyper-SD")
    assert largest_difference(unet, original) == 0.0
    return caught.value


def test_a_lora_of_another_unet_is_refused_and_changes_nothing(unet: Any, original: Any, tmp_path: Path):
    tensors = {}
    for layer, (down, up) in factors(unet).items():
        tensors[f"unet.{layer}.lora_A.weight"], tensors[f"unet.{layer}.lora_B.weight"] = down, up
    last = f"unet.{LAYERS[1]}.lora_A.weight"
    tensors[last] = torch.zeros(RANK, 99)
    save_file(tensors, tmp_path / "lora.safetensors")
    error = refused(unet, original, tmp_path / "lora.safetensors")
    assert str(error) == (
        "ByteDance/Hyper-SD is not what is needed here: expected a LoRA of the SDXL UNet, "
        f"found {LAYERS[1]} {unet.get_submodule(LAYERS[1]).weight.shape[0]}x99"
    )


@pytest.mark.parametrize(
    "tensors",
    [
        {},
        {"conv_in.weight": torch.zeros(2, 2)},
        {"unet.nowhere.to_q.lora_A.weight": torch.zeros(4, 8), "unet.nowhere.to_q.lora_B.weight": torch.zeros(8, 4)},
        {f"unet.{LAYERS[0]}.lora_A.weight": torch.zeros(4, 32)},
        {f"unet.{LAYERS[0]}.lora_A.weight": torch.zeros(4, 32), f"unet.{LAYERS[0]}.lora_B.weight": torch.zeros(32, 3)},
        {f"unet.{LAYERS[0]}.lora_A.weight": torch.zeros(4), f"unet.{LAYERS[0]}.lora_B.weight": torch.zeros(32)},
        {"text_encoder.text_model.q_proj.lora_A.weight": torch.zeros(4, 32)},
        {"lora_unet_strange_0_thing.lora_down.weight": torch.zeros(4, 32)},
    ],
    ids=["empty", "a model", "unknown layer", "half a pair", "ranks differ", "vectors", "text encoder", "odd names"],
)
def test_what_is_no_lora_of_this_unet_is_refused(
    unet: Any, original: Any, tmp_path: Path, tensors: dict[str, torch.Tensor]
):
    save_file(tensors, tmp_path / "lora.safetensors")
    refused(unet, original, tmp_path / "lora.safetensors")


@pytest.mark.parametrize("variant", ["use_rslora", "use_dora"])
def test_variants_with_another_formula_are_refused(unet: Any, original: Any, tmp_path: Path, variant: str):
    file = peft_file(unet, tmp_path / "lora.safetensors", noted={"unet.r": RANK, f"unet.{variant}": True})
    assert variant in str(refused(unet, original, file))


def test_a_pickle_is_refused_unread(unet: Any, tmp_path: Path):
    (tmp_path / "lora.bin").write_bytes(b"\x80\x04cos\nsystem\n.")
    with pytest.raises(UnsafeWeights, match=r"lora\.bin"):
        fuse(unet, tmp_path / "lora.bin")


def test_a_missing_file_says_what_to_do(unet: Any, tmp_path: Path):
    with pytest.raises(WeightsMissing, match="models fetch"):
        fuse(unet, tmp_path / "lora.safetensors")


@pytest.mark.parametrize("damage", [b"", b"\x00" * 64, b"half"])
def test_a_damaged_file_is_named(unet: Any, tmp_path: Path, damage: bytes):
    (tmp_path / "lora.safetensors").write_bytes(damage)
    with pytest.raises(WeightsDamaged, match=r"lora\.safetensors is damaged"):
        fuse(unet, tmp_path / "lora.safetensors")


def test_a_file_that_broke_off_is_named(unet: Any, tmp_path: Path):
    file = peft_file(unet, tmp_path / "lora.safetensors")
    file.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(WeightsDamaged):
        fuse(unet, file)


@pytest.mark.parametrize(
    "noted",
    [
        {"unet.alpha_pattern": {"(?:[a-z0-9_.]+)+!": 1}},
        {"unet.alpha_pattern": {"(": 1}},
        {"unet.alpha_pattern": ["attn1.to_q"]},
        {"unet.alpha_pattern": {"attn1.to_q": "2"}},
        {"unet.lora_alpha": [8]},
        {"unet.lora_alpha": 1e300},
        ["unet.lora_alpha"],
    ],
)
def test_notes_that_are_none_are_refused_at_once(unet: Any, tmp_path: Path, noted: Any) -> None:
    with pytest.raises(WrongArchitecture):
        fuse(unet, peft_file(unet, tmp_path / "lora.safetensors", noted=noted))


def test_notes_without_a_bottom(unet: Any, tmp_path: Path) -> None:
    file = tmp_path / "lora.safetensors"
    save_file({"x": torch.zeros(1)}, file, {"lora_adapter_metadata": "[" * 100_000 + "]" * 100_000})
    with pytest.raises(WeightsDamaged):
        fuse(unet, file)


def test_an_anchored_and_escaped_name_is_the_name(unet: Any, original: Any, tmp_path: Path) -> None:
    layer = LAYERS[0]
    pattern = "^" + layer.replace(".", r"\.") + "$"
    fuse(unet, peft_file(unet, tmp_path / "lora.safetensors", noted={"unet.alpha_pattern": {pattern: 2 * RANK}}))
    down, up = factors(original, LAYERS)[layer]
    expected = original.get_submodule(layer).weight + 2 * (up @ down)
    assert torch.allclose(unet.get_submodule(layer).weight, expected, atol=1e-6)
