"""What every method does with its result and its mask. Knows pixels only."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from generation.contracts.picture import Gray, Rgb, Writing

_HALF_COVERED = 127


def gray_to_rgb(image: Gray) -> Rgb:
    """The same brightness in three channels, shape (height, width, 3)."""
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_GRAY2RGB), np.uint8)


def inked(mask: Gray) -> Gray:
    """1 where at least half of a pixel is covered, else 0."""
    return (mask > _HALF_COVERED).astype(np.uint8)


def stroke_width_px(distance: NDArray[np.float32]) -> float:
    """The usual width of a stroke, in pixels; at least 1.

    Across a bar the distance to the rim climbs from 0 to half the width and falls again, so its median is a quarter
    of it; where strokes cross it climbs higher, which moves a mean and hardly a median.

    Args:
        distance: to the nearest rim inside the ink, 0 outside (a distance transform).
    """
    inside = distance[distance > 0]
    return max(1.0, 4.0 * float(np.median(inside))) if inside.size else 1.0


def rim_distance(mask: Gray) -> NDArray[np.float32]:
    """Pixels to the nearest rim inside the ink, 0 outside: Felzenszwalb and Huttenlocher's transform, by OpenCV."""
    return np.asarray(cv2.distanceTransform(inked(mask), cv2.DIST_L2, cv2.DIST_MASK_5), np.float32)


def field_around(writing: Writing, rim_px: int) -> tuple[slice, slice]:
    """Rows and columns of the ink box with a rim, cut to the picture: all that a local operation has to look at."""
    x0, y0, x1, y1 = writing.box
    return slice(max(0, y0 - rim_px), y1 + rim_px), slice(max(0, x0 - rim_px), x1 + rim_px)
