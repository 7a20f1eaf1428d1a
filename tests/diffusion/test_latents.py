"""Latents to pictures: stock's pixels, and a precision that neither overflows nor is changed for each picture."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
import torch
from diffusers.image_processor import VaeImageProcessor

from generation.contracts.errors import PaintingFailed
from generation.diffusion.latents import computes_bf16, decode, plan_vae_dtype, settle_vae, to_bytes
from generation.diffusion.measuring import shapes, tiny

pytestmark = pytest.mark.diffusion

FP16, BF16, FP32 = torch.float16, torch.bfloat16, torch.float32


class Holding:
    """An autoencoder and nothing else, noting the stages entered."""

    def __init__(self, dtype: torch.dtype = FP32, **config: Any) -> None:
        self.vae = shapes.module(tiny.SHAPES, "vae", dtype=dtype, device="cpu", seed=0)
        self.vae.register_to_config(**config)
        self.device = "cpu"
        self.stages: list[str] = []

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        self.stages.append(name)
        yield


@pytest.fixture
def latents() -> torch.Tensor:
    return torch.randn(3, 4, 8, 12, generator=torch.Generator().manual_seed(1))


def as_stock_does(vae: Any, latents: torch.Tensor) -> np.ndarray:
    """The end of the pipelines' `__call__`."""
    config = vae.config
    if getattr(config, "latents_mean", None) is not None:
        mean = torch.tensor(config.latents_mean).view(1, 4, 1, 1)
        std = torch.tensor(config.latents_std).view(1, 4, 1, 1)
        latents = latents * std / config.scaling_factor + mean
    else:
        latents = latents / config.scaling_factor
    with torch.no_grad():
        image = vae.decode(latents, return_dict=False)[0]
    pictures = VaeImageProcessor(vae_scale_factor=8).postprocess(image, output_type="pil")
    return np.stack([np.asarray(picture) for picture in pictures])


def test_pixels_are_stocks(latents: torch.Tensor):
    models = Holding()
    pictures = decode(models, latents)
    assert np.array_equal(np.stack(pictures), as_stock_does(models.vae, latents))
    assert np.ptp(pictures[0]) > 20


def test_mean_and_deviation_of_the_latents_are_honoured(latents: torch.Tensor):
    models = Holding(latents_mean=[0.5, -1.0, 0.0, 2.0], latents_std=[1.5, 0.5, 1.0, 2.0])
    assert np.array_equal(np.stack(decode(models, latents)), as_stock_does(models.vae, latents))


def test_one_array_a_picture_of_bytes(latents: torch.Tensor):
    models = Holding()
    pictures = decode(models, latents)
    assert [(p.shape, p.dtype) for p in pictures] == [((64, 96, 3), np.uint8)] * 3
    assert models.stages == ["decode"]


def test_slicing_set_by_others_changes_nothing(latents: torch.Tensor):
    models = Holding()
    whole = np.stack(decode(models, latents)).astype(int)
    models.vae.enable_slicing()
    assert np.abs(np.stack(decode(models, latents)) - whole).max() <= 1


def test_values_beyond_white_and_black_are_clipped_and_halves_rounded_as_numpy_does():
    values = torch.tensor([-9.0, -1.0, 0.0, 1.0, 9.0, 2 * 0.5 / 255 - 1]).view(1, 1, 1, 6).expand(1, 3, 1, 6)
    expected = (values / 2 + 0.5).clamp(0, 1).permute(0, 2, 3, 1).numpy()
    assert np.array_equal(to_bytes(values).numpy(), (expected * 255).round().astype(np.uint8))


@pytest.mark.parametrize(
    ("dtype", "force_upcast", "bf16", "planned"),
    [
        (FP16, True, True, BF16),
        (FP16, True, False, FP32),
        (FP16, False, True, FP16),
        (FP16, False, False, FP16),
        (BF16, True, True, BF16),
        (BF16, False, True, BF16),
        (FP32, True, True, FP32),
    ],
)
def test_the_precision_planned(dtype: torch.dtype, *, force_upcast: bool, bf16: bool, planned: torch.dtype):
    assert plan_vae_dtype(dtype, force_upcast=force_upcast, bf16=bf16) == planned


@pytest.mark.parametrize(("capability", "computes"), [((7, 5), False), ((8, 0), True), ((9, 0), True)])
def test_bf16_begins_with_ampere(monkeypatch: pytest.MonkeyPatch, capability: tuple[int, int], *, computes: bool):
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _device: capability)
    assert computes_bf16("cuda:0") is computes
    assert computes_bf16("cpu")


def test_an_autoencoder_that_overflows_in_fp16_is_moved_once(latents: torch.Tensor, caplog: pytest.LogCaptureFixture):
    models = Holding(FP16, force_upcast=True)
    with caplog.at_level(logging.INFO, logger="generation.diffusion.latents"):
        for _ in range(3):
            decode(models, latents)
    assert models.vae.dtype == BF16
    assert caplog.messages == ["the autoencoder overflows in fp16 and runs in bfloat16"]


def test_one_made_for_fp16_stays_there(latents: torch.Tensor):
    models = Holding(FP16)
    exact = Holding()
    exact.vae.load_state_dict(models.vae.state_dict())
    pictures = np.stack(decode(models, latents)).astype(int)
    assert models.vae.dtype == FP16
    assert np.abs(pictures - np.stack(decode(exact, latents))).mean() < 1


@pytest.mark.parametrize("dtype", [BF16, FP32])
def test_others_are_not_moved(dtype: torch.dtype):
    vae = Holding(dtype, force_upcast=True).vae
    assert settle_vae(vae, "cpu") == vae.dtype == dtype


def test_an_overflow_widens_once_and_stays(latents: torch.Tensor, caplog: pytest.LogCaptureFixture):
    models = Holding(FP16)
    loud = latents * 1e5  # beyond fp16's 65504 once divided by the scaling factor
    with caplog.at_level(logging.WARNING, logger="generation.diffusion.latents"):
        first, again = decode(models, loud), decode(models, loud)
    assert models.vae.dtype == BF16
    assert np.array_equal(first, again)
    assert len(caplog.messages) == 1
    assert "stays in bfloat16" in caplog.text


def test_broken_latents_are_not_the_autoencoders_fault(latents: torch.Tensor):
    models = Holding(FP16)
    latents[1, 0, 0, 0] = float("nan")
    with pytest.raises(PaintingFailed, match="not finite"):
        decode(models, latents)
    assert models.vae.dtype == FP16


def test_a_picture_of_no_precision_is_refused_instead_of_painted_black(latents: torch.Tensor):
    models = Holding(FP16)
    with torch.no_grad():
        models.vae.decoder.conv_out.bias.fill_(float("inf"))
    with pytest.raises(PaintingFailed, match="not finite in bfloat16"):
        decode(models, latents)
