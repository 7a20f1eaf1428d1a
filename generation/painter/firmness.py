"""The legibility floor of the painter: is the word firm enough, and the last resort when it is not.

Knows finished pixels and the writing; knows no style.
"""

from __future__ import annotations

import cv2
import numpy as np

from generation.contracts.picture import Gray, Rgb, Writing
from generation.legibility import FLOOR, READING_EM_PX, contrast_at
from generation.painter.fields import Plane

FIRMEST = 2
"""The firmest a style can be asked to paint (`Subject.firmness`)."""
REHEARSED = 0.82
"""What the small sketch must reach, so that the full picture clears the floor with room to spare."""
_MIDDLE, _ALIKE = 100.0, 10.0
"""Levels of 255: the lightness above which ink is darkened, and the difference that tells ink from ground."""
_LIFTS = (0.15, 0.3, 0.45, 0.6, 0.8, 1.0)


def firm_enough(image: Rgb, writing: Writing, bar: float) -> bool:
    """Whether the word's contrast reaches the bar; the picture may be smaller than the writing."""
    mask, scale = _fitted(image, writing)
    em = writing.em_px * scale
    return contrast_at(image, mask, em, READING_EM_PX / max(em, 1.0))[0] >= bar


def set_off(image: Rgb, writing: Writing, bar: float = FLOOR) -> Rgb:
    """Pull ink and ground apart in lightness, gently first, until the word's contrast reaches the bar.

    The change follows the blurred coverage, so that it looks like light on the word and not like a label. An image
    that reads already is returned as it is.
    """
    if firm_enough(image, writing, bar):
        return image
    lab = np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2Lab), np.float32)
    ink = np.asarray(writing.mask, np.float32) / np.float32(255)
    near = np.asarray(cv2.GaussianBlur(ink, (0, 0), max(1.0, 0.06 * writing.em_px)), np.float32)
    target = _target(lab[..., 0], ink)
    reach = np.maximum(ink, np.clip(near * 1.6, 0, 1))
    far = reach <= 0
    lifted = image
    for amount in _LIFTS:
        changed = lab.copy()
        changed[..., 0] += (target - changed[..., 0]) * reach * np.float32(amount)
        lifted = np.asarray(cv2.cvtColor(np.clip(changed, 0, 255).astype(np.uint8), cv2.COLOR_Lab2RGB), np.uint8)
        lifted[far] = image[far]
        if firm_enough(lifted, writing, bar):
            break
    return lifted


def _target(lightness: Plane, ink: Plane) -> Plane:
    """Where lightness should go: the ink away from its ground, or where there is room when they are about alike."""
    inside, ground = float((lightness * ink).sum() / max(float(ink.sum()), 1.0)), float(lightness.mean())
    dark = ground > _MIDDLE if abs(inside - ground) < _ALIKE else inside < ground
    return np.where(ink > 0.5, 25.0 if dark else 235.0, 235.0 if dark else 25.0).astype(np.float32)


def _fitted(image: Rgb, writing: Writing) -> tuple[Gray, float]:
    scale = image.shape[0] / writing.mask.shape[0]
    if scale == 1:
        return writing.mask, 1.0
    size = (image.shape[1], image.shape[0])
    return np.asarray(cv2.resize(writing.mask, size, interpolation=cv2.INTER_AREA), np.uint8), scale
