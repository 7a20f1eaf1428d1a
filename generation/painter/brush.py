"""A bristle brush: stroke directions found in a shape, streaks along them, dry and wet coverage. Knows no scene.

Directions come from the smoothed structure tensor (as in Kyprianidis and Doellner 2008, after the edge tangent flow of
Kang et al. 2007); streaks are line integral convolution (Cabral and Leedom 1993) by doubling, which follows bends.
"""

from __future__ import annotations

import cv2
import numpy as np

from generation.painter.fields import Frame, Plane, noise, plane, smoothstep, soften, standardise, warp
from generation.painter.subject import Subject

_WORKING_SIDE_PX = 640


def directions(frame: Frame, shape: Plane, reach: float) -> tuple[Plane, Plane]:
    """Unit vectors along the strokes of a shape, averaged over `reach` units."""
    smooth = soften(frame, shape, 1.5)
    across_x, across_y = cv2.Sobel(smooth, cv2.CV_32F, 1, 0), cv2.Sobel(smooth, cv2.CV_32F, 0, 1)
    products = cv2.merge([across_x * across_x, across_x * across_y, across_y * across_y])
    xx, xy, yy = cv2.split(soften(frame, plane(products), reach))
    angle = plane(0.5 * np.arctan2(2 * xy, xx - yy) + np.pi / 2)
    return plane(np.cos(angle)), plane(np.sin(angle))


def streaks(frame: Frame, rng: np.random.Generator, along: tuple[Plane, Plane], length: float) -> Plane:
    """Bristle marks that run along the given directions for about `length` units; unit variance.

    Worked out on a smaller sheet: bristles are no finer than that.
    """
    factor = min(1.0, _WORKING_SIDE_PX / min(frame.width, frame.height))
    small = Frame(max(8, round(frame.width * factor)), max(8, round(frame.height * factor)))
    dx, dy = (plane(cv2.resize(part, (small.width, small.height))) for part in along)
    field = noise(small, rng, 5.5, octaves=2, gain=0.8)
    step = length / 16
    for _ in range(4):
        field = (
            warp(small, field, dx * step, dy * step) + field + warp(small, field, -dx * step, -dy * step)
        ) / np.float32(3)
        step *= 2
    return standardise(plane(cv2.resize(field, (frame.width, frame.height), interpolation=cv2.INTER_CUBIC)))


def brushed(subject: Subject, *, dryness: float, name: str = "brush") -> tuple[Plane, Plane]:
    """The word as a loaded brush writes it.

    Args:
        subject: the word.
        dryness: 0 for a wet brush, 1 where white paper flies through (feibai).
        name: of the random stream.

    Returns:
        Coverage 0 to 1, and the streaks (unit variance) that shaped it.
    """
    frame, stem = subject.frame, subject.stem
    along = directions(frame, subject.mask, max(3.0, stem * 0.55))
    marks = streaks(frame, subject.rng(name), along, max(24.0, stem * 3.5))
    rounding = min(stem * 0.22, 7.0)
    pressure = noise(frame, subject.rng(f"{name} pressure"), max(60.0, stem * 5), octaves=2) * np.float32(
        min(stem * 0.07, 2.4)
    )
    body = (
        soften(frame, subject.distance, rounding)
        + np.float32(rounding * 0.45)
        + pressure
        + marks * np.float32(min(stem * 0.05, 1.6))
    )
    load = noise(frame, subject.rng(f"{name} load"), max(110.0, stem * 9), octaves=3)
    threshold = dryness * (0.9 * load - 1.55 + 0.9 * dryness) - 1.9 * (1 - dryness)
    bristle = smoothstep(-0.25, 0.35, plane(marks - threshold))
    return plane(frame.edge(plane(body), 0.6) * bristle), marks
