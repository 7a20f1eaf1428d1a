"""Previews from unfinished latents: the published linear guess, and the tiny autoencoder."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from diffusers.image_processor import VaeImageProcessor

from generation.diffusion.measuring import shapes, tiny
from generation.diffusion.previews import approximate, preview, tiny_decode

pytestmark = pytest.mark.diffusion


@pytest.fixture
def latents() -> torch.Tensor:
    return torch.randn(2, 4, 8, 12, generator=torch.Generator().manual_seed(2))


@pytest.fixture(scope="module")
def models() -> Any:
    taesd = shapes.module(tiny.SHAPES, "taesd", dtype=torch.float32, device="cpu", seed=0)
    with torch.no_grad():  # as drawn, it is all but black
        taesd.decoder.layers[-1].weight.mul_(9.0)
        taesd.decoder.layers[-1].bias.add_(0.5)
    return SimpleNamespace(taesd=taesd)


def test_nothing_is_a_warm_gray():
    (image,) = approximate(torch.zeros(1, 4, 3, 5))
    assert image.shape == (3, 5, 3)
    assert (image == (150, 140, 130)).all()


@pytest.mark.parametrize(
    ("channel", "colour"),
    [(0, (210, 200, 190)), (1, (90, 135, 140)), (2, (175, 155, 125)), (3, (80, 90, 95))],
)
def test_each_channel_has_its_colour(channel: int, colour: tuple[int, int, int]):
    latents = torch.zeros(1, 4, 2, 2)
    latents[:, channel] = 1.0
    assert (approximate(latents)[0] == colour).all()


def test_it_is_the_formula_of_the_diffusers_page(latents: torch.Tensor):
    weights = torch.tensor([(60, -60, 25, -70), (60, -5, 15, -50), (60, 10, -5, -35)], dtype=torch.float32)
    bias = torch.tensor((150.0, 140.0, 130.0)).view(3, 1, 1)
    for image, rows in zip(approximate(latents), latents, strict=True):
        expected = (torch.einsum("lxy,rl->rxy", rows, weights) + bias).clamp(0, 255).permute(1, 2, 0)
        assert np.abs(image - expected.numpy()).max() <= 0.5001


def test_a_picture_keeps_its_place_and_its_way_up():
    latents = torch.zeros(2, 4, 4, 6)
    latents[1, 0, 0, 5] = 1.0
    first, second = approximate(latents)
    assert (first == first[0, 0]).all()
    assert np.argwhere(second[..., 0] > 150).tolist() == [[0, 5]]


def test_noise_beyond_all_colours_is_clipped(latents: torch.Tensor):
    (image, _) = approximate(latents * 1000)
    assert set(np.unique(image)) <= {0, 255}


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_close(latents: torch.Tensor, dtype: torch.dtype):
    exact, rough = np.stack(approximate(latents)), np.stack(approximate(latents.to(dtype)))
    assert np.abs(exact.astype(int) - rough).max() <= 3


def test_the_tiny_autoencoder_decodes_as_in_stock_pipelines(models: Any, latents: torch.Tensor):
    with torch.no_grad():
        image = models.taesd.decode(latents / models.taesd.config.scaling_factor, return_dict=False)[0]
    stock = VaeImageProcessor(vae_scale_factor=8).postprocess(image, output_type="pil")
    pictures = tiny_decode(models, latents)
    assert np.array_equal(np.stack(pictures), np.stack([np.asarray(picture) for picture in stock]))
    assert pictures[0].shape == (64, 96, 3)
    assert np.ptp(pictures[0]) > 9


def test_the_tiny_autoencoder_keeps_its_own_precision(latents: torch.Tensor):
    half = SimpleNamespace(taesd=shapes.module(tiny.SHAPES, "taesd", dtype=torch.bfloat16, device="cpu", seed=0))
    assert tiny_decode(half, latents)[0].dtype == np.uint8
    assert half.taesd.dtype == torch.bfloat16


def test_the_best_look_there_is(models: Any, latents: torch.Tensor):
    assert preview(models, latents)[0].shape == (64, 96, 3)
    assert preview(SimpleNamespace(taesd=None), latents)[0].shape == (8, 12, 3)


@pytest.mark.parametrize("broken", [float("nan"), float("inf")])
def test_broken_latents_still_give_a_picture(models: Any, latents: torch.Tensor, broken: float):
    latents[0, 0, 0, 0] = broken
    assert len(approximate(latents)) == len(tiny_decode(models, latents)) == 2
