"""Depth maps for the depth ControlNet: near is bright. Knows only the writing's coverage."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from generation.conditioning.channels import field_around, gray_to_rgb, rim_distance, stroke_width_px
from generation.conditioning.registry import method
from generation.contracts.picture import Rgb, Writing

_FAR, _NEAR_GROUND = 18.0, 96.0
"""Brightness of the ground at the top and at the bottom edge of the picture."""
_RIM, _RIDGE = 150.0, 252.0
"""Brightness of a stroke at its rim and along its middle: always nearer than the ground."""
_ROLL = 10.0
"""How far the ground rises and falls, in brightness."""
_ROLL_CELLS = 5
_SOFTNESS = 0.05
_LEAST_SOFT_PX, _MOST_SOFT_PX = 0.8, 2.5
"""Blur of a stroke's rim, in stroke widths, and its bounds."""


@method("depth")
def distance_transform_depth(writing: Writing, *, seed: int) -> Rgb:
    """Strokes rounded like bars, raised off rolling ground that comes nearer towards the bottom edge.

    The height across a stroke is a quarter circle over the distance to its rim. Range 18 to 252, grey in three
    channels; near is bright, as in the MiDaS maps `controlnet-depth-sdxl` was trained on. The seed moves only the
    ground.
    """
    depth = _ground(writing.mask.shape[0], writing.mask.shape[1], seed)
    field = field_around(writing, round(4 * _MOST_SOFT_PX))
    mask, ground = writing.mask[field], depth[field]
    distance = rim_distance(mask)
    width = stroke_width_px(distance)
    softness = min(max(_LEAST_SOFT_PX, _SOFTNESS * width), _MOST_SOFT_PX)
    coverage = cv2.GaussianBlur(mask, (0, 0), softness).astype(np.float32) / np.float32(255)
    ground += coverage * (_stroke_brightness(distance, width) - ground)
    return gray_to_rgb(np.rint(depth).astype(np.uint8))


def _stroke_brightness(distance: NDArray[np.float32], width: float) -> NDArray[np.float32]:
    """`_RIM` at a stroke's rim and outside, `_RIDGE` from half a usual stroke's width inwards."""
    inward = np.minimum(distance / np.float32(width / 2), np.float32(1))
    rounded = cv2.GaussianBlur(cv2.sqrt(inward * (np.float32(2) - inward)), (0, 0), 1.5)
    return np.asarray(np.float32(_RIM) + np.float32(_RIDGE - _RIM) * rounded, np.float32)


def _ground(rows: int, columns: int, seed: int) -> NDArray[np.float32]:
    """A plane receding upwards with a few soft hills; far at the top, near at the bottom."""
    hills = np.random.default_rng(seed).uniform(-_ROLL, _ROLL, (_ROLL_CELLS, _ROLL_CELLS)).astype(np.float32)
    rolling = cv2.resize(hills, (columns, rows), interpolation=cv2.INTER_CUBIC)
    plane = np.linspace(_FAR, _NEAR_GROUND, rows, dtype=np.float32)[:, None]
    return np.asarray(np.clip(plane + rolling, _FAR, _NEAR_GROUND + _ROLL), np.float32)
