"""Control images as tensors: the values stock makes of them, and clear words about those it cannot take."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from diffusers.image_processor import VaeImageProcessor
from PIL import Image

from generation.contracts.errors import PaintingFailed
from generation.diffusion.controls import to_tensor

pytestmark = pytest.mark.diffusion


def pictures(count: int, height: int = 16, width: int = 24) -> list[np.ndarray]:
    return list(np.random.default_rng(1).integers(0, 256, (count, height, width, 3), dtype=np.uint8))


def test_values_equal_stock_to_the_last_bit():
    images = pictures(3)
    processor = VaeImageProcessor(vae_scale_factor=8, do_convert_rgb=True, do_normalize=False)
    stock = processor.preprocess([Image.fromarray(image) for image in images], height=16, width=24)
    assert torch.equal(to_tensor(images, device="cpu", dtype=torch.float32), stock.to(torch.float32))


def test_every_byte_has_its_value():
    ramp = np.arange(256, dtype=np.uint8).reshape(16, 16, 1).repeat(3, axis=2)
    values = to_tensor([ramp], device="cpu", dtype=torch.float32)[0, 0].flatten()
    assert torch.equal(values, torch.arange(256) / 255)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_shape_type_and_layout(dtype: torch.dtype):
    tensor = to_tensor(pictures(2), device="cpu", dtype=dtype)
    assert tensor.shape == (2, 3, 16, 24)
    assert tensor.dtype == dtype
    assert tensor.is_contiguous()


def test_the_images_are_not_shared_with_the_tensor():
    images = pictures(1)
    tensor = to_tensor(images, device="cpu", dtype=torch.float32)
    before = tensor.clone()
    images[0][:] = 0
    assert torch.equal(tensor, before)


def test_views_and_read_only_arrays_are_taken():
    wide = pictures(1, 16, 48)[0]
    wide.flags.writeable = False
    tensor = to_tensor([wide[:, ::2]], device="cpu", dtype=torch.float32)
    assert torch.equal(tensor, to_tensor([wide[:, ::2].copy()], device="cpu", dtype=torch.float32))


def test_meta_takes_shapes_only():
    assert to_tensor(pictures(2), device="meta", dtype=torch.bfloat16).shape == (2, 3, 16, 24)


def test_another_size_is_named():
    with pytest.raises(PaintingFailed, match="32x16x3 beside one of 16x24x3"):
        to_tensor([*pictures(1), *pictures(1, 32, 16)], device="cpu", dtype=torch.float32)


@pytest.mark.parametrize(
    "image",
    [np.zeros((16, 16), np.uint8), np.zeros((16, 16, 4), np.uint8), np.zeros((16, 16, 3), np.float32)],
    ids=["gray", "alpha", "floats"],
)
def test_what_is_not_rgb_bytes_is_refused(image: np.ndarray):
    with pytest.raises(PaintingFailed, match="not RGB bytes"):
        to_tensor([image], device="cpu", dtype=torch.float32)
