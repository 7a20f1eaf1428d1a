"""Control images to tensors: one upload of bytes, turned into numbers on the device. Knows torch; no kinds, no nets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from generation.contracts.errors import PaintingFailed
from generation.contracts.picture import Rgb


def to_tensor(images: Sequence[Rgb], *, device: Any, dtype: Any) -> Tensor:
    """What a ControlNet reads: values 0 to 1, as diffusers' `prepare_image` makes them in fp32.

    Args:
        images: at least one; uint8, all of one size.
        device: where to; a quarter of the bytes of fp32 travel.
        dtype: of the result.

    Returns:
        Shape (images, 3, height, width).

    Raises:
        PaintingFailed: an image is not RGB bytes, or of another size than the first.
    """
    stacked = torch.from_numpy(_stacked(images))
    target = torch.device(device)
    if target.type == "cuda":
        stacked = stacked.pin_memory()
    pixels = stacked.to(target, non_blocking=True).permute(0, 3, 1, 2)
    # Divided by a tensor: by a number CUDA multiplies with its reciprocal, an ulp away from stock.
    white = torch.full((), 255.0, dtype=torch.float32, device=target)
    return (pixels.to(torch.float32) / white).to(dtype).contiguous()


def _stacked(images: Sequence[Rgb]) -> Rgb:
    first = images[0].shape
    for image in images:
        if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:  # noqa: PLR2004 - height, width, RGB
            raise PaintingFailed(reference=f"control image of {image.dtype} {_size(image.shape)}, not RGB bytes")
        if image.shape != first:
            raise PaintingFailed(reference=f"control image {_size(image.shape)} beside one of {_size(first)}")
    return np.stack(images)


def _size(shape: Sequence[int]) -> str:
    return "x".join(str(side) for side in shape)
