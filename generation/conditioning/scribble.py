"""Scribble maps for the scribble ControlNet: white lines on black. Knows only the writing's coverage."""

from __future__ import annotations

import cv2
import numpy as np

from generation.conditioning.channels import field_around, gray_to_rgb, inked, rim_distance, stroke_width_px
from generation.conditioning.registry import method
from generation.conditioning.thinning import middle_lines, pruned
from generation.contracts.picture import Gray, Rgb, Writing

_LINE_AT_1024_PX = 3
_SMOOTHING = 0.1
"""Blur before thinning, in stroke widths: it rounds corners, each of which would grow a spur."""
_LONGEST_SPUR = 0.75
"""In stroke widths: a spur runs from the middle line into a corner of the stroke's end."""


@method("scribble")
def skeletonization_scribble(writing: Writing, *, seed: int) -> Rgb:  # noqa: ARG001 - thinning leaves nothing to chance
    """The middle line of every stroke, 3 px wide at 1024 px, 255 on 0.

    Zhang and Suen's thinning without its spurs (see `thinning`), then dilated: the scribble ControlNet
    was trained on lines a few pixels wide, and one-pixel lines fall through the eightfold reduction to latents.
    """
    return gray_to_rgb(_thickened(skeleton(writing)))


def skeleton(writing: Writing) -> Gray:
    """The middle lines one pixel wide, always inside the ink; 255 on 0, shape of the mask."""
    field = field_around(writing, 1)
    width = stroke_width_px(rim_distance(writing.mask[field]))
    smooth = cv2.GaussianBlur(writing.mask[field], (0, 0), max(0.5, _SMOOTHING * width))
    ink = inked(np.asarray(smooth, np.uint8)) & inked(writing.mask[field])
    middle = pruned(middle_lines(ink, width), round(_LONGEST_SPUR * width))
    lines = np.zeros_like(writing.mask)
    lines[field] = np.where(middle, 255, 0)
    return lines


def _thickened(lines: Gray) -> Gray:
    width = max(1, round(_LINE_AT_1024_PX * min(lines.shape) / 1024)) | 1
    brush = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (width, width))
    return np.asarray(cv2.dilate(lines, brush), np.uint8)
