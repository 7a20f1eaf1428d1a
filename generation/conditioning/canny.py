"""Edge maps for the canny ControlNet: white lines on black. Knows only the writing's coverage."""

from __future__ import annotations

import cv2
import numpy as np

from generation.conditioning.channels import gray_to_rgb
from generation.conditioning.registry import method
from generation.contracts.picture import Rgb, Writing

_WEAK, _STRONG = 100, 200
"""Hysteresis thresholds on the gradient of an 8-bit image; those the ControlNet's training data used."""


@method("canny")
def opencv_canny(writing: Writing, *, seed: int) -> Rgb:  # noqa: ARG001 - edges leave nothing to chance
    """The outline of every stroke, one pixel wide, 255 on 0.

    Canny's detector (IEEE TPAMI 8(6), 1986) as OpenCV implements it, with the exact gradient norm so that diagonals are
    kept as willingly as uprights. Polarity and range are those of `controlnet-canny-sdxl`: white edges, black ground.
    """
    edges = cv2.Canny(writing.mask, _WEAK, _STRONG, L2gradient=True)
    return gray_to_rgb(np.asarray(edges, np.uint8))
