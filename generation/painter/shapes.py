"""Outlines as coverage: polygons, lines, discs, ridges. Geometry in units; knows no colour and no style."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from generation.painter.fields import Frame, Plane, Points, plane, radius

_FRACTION_BITS = 4


def _fixed(frame: Frame, points: Points) -> NDArray[np.int32]:
    return np.asarray(np.round((points * frame.unit - 0.5) * 2**_FRACTION_BITS), np.int32)


def polygons(frame: Frame, outlines: Sequence[Points]) -> Plane:
    """Coverage of filled polygons; each one is filled alone, so that overlaps stay filled."""
    sheet = np.zeros((frame.height, frame.width), np.uint8)
    for outline in outlines:
        cv2.fillPoly(sheet, [_fixed(frame, outline)], 255, cv2.LINE_AA, _FRACTION_BITS)
    return plane(sheet) / np.float32(255)


def lines(frame: Frame, paths: Sequence[Points], width: float, *, closed: bool = False) -> Plane:
    """Coverage of polylines `width` units wide, at least one pixel."""
    sheet = np.zeros((frame.height, frame.width), np.uint8)
    thickness = max(1, round(width * frame.unit))
    for path in paths:
        cv2.polylines(sheet, [_fixed(frame, path)], closed, 255, thickness, cv2.LINE_AA, _FRACTION_BITS)
    return plane(sheet) / np.float32(255)


def dots(frame: Frame, spots: NDArray[np.float32]) -> Plane:
    """Coverage of discs given as rows of x, y, radius in units."""
    sheet = np.zeros((frame.height, frame.width), np.uint8)
    for (x, y), size in zip(_fixed(frame, spots[:, :2]), spots[:, 2] * frame.unit * 2**_FRACTION_BITS, strict=True):
        cv2.circle(sheet, (int(x), int(y)), max(4, int(size)), 255, -1, cv2.LINE_AA, _FRACTION_BITS)
    return plane(sheet) / np.float32(255)


def disc(frame: Frame, centre: tuple[float, float], size: float) -> Plane:
    """Signed distance of a disc, positive inside."""
    return plane(np.float32(size) - radius(frame, centre))


def panel(frame: Frame, margin: float, corner: float = 0.0) -> Plane:
    """Signed distance of a rectangle `margin` units inside the sheet with rounded corners, positive inside."""
    half_x, half_y = frame.wide / 2 - margin - corner, frame.tall / 2 - margin - corner
    out_x = np.abs(frame.x - np.float32(frame.wide / 2)) - np.float32(half_x)
    out_y = np.abs(frame.y - np.float32(frame.tall / 2)) - np.float32(half_y)
    outside = np.hypot(np.maximum(out_x, 0), np.maximum(out_y, 0))
    return plane(np.float32(corner) - outside - np.minimum(np.maximum(out_x, out_y), 0))


def fractal_line(rng: np.random.Generator, at: Plane, cell: float, *, octaves: int = 4, gain: float = 0.45) -> Plane:
    """Smooth one-dimensional fractal noise at positions `at` (units), about -1 to 1; `gain` below .5 keeps it calm."""
    total, position = np.zeros_like(at), at - at.min()
    for octave in range(octaves):
        step = cell / 2**octave
        nodes = rng.uniform(-1, 1, int(position.max() / step) + 4).astype(np.float32)
        index = (position / step).astype(np.int32)
        part = position / np.float32(step) - index
        ease = part * part * (3 - 2 * part)
        total += np.float32(gain**octave) * (nodes[index] * (1 - ease) + nodes[index + 1] * ease)
    return plane(total)


def rolling(frame: Frame, rng: np.random.Generator, base: float, height: float, cell: float = 420) -> Plane:
    """The line of rolling hills: y in units for each pixel column, shape (width,)."""
    return plane(base - height * fractal_line(rng, frame.x[0], cell, octaves=4, gain=0.3))


def peaks(frame: Frame, rng: np.random.Generator, base: float, height: float, count: int = 5) -> Plane:
    """The line of a mountain range: concave-sided summits, each the highest at its place, with small crags.

    Summits are placed, not summed from a spectrum: a sum of noise reads as a waveform.
    """
    x = frame.x[0]
    middles = (np.arange(count) + rng.uniform(0.1, 0.9, count)) * frame.wide / count
    line = np.zeros_like(x)
    for middle, tall, wide in zip(middles, rng.uniform(0.45, 1.0, count), rng.uniform(0.8, 1.5, count), strict=True):
        away = np.abs(x - np.float32(middle)) / np.float32(wide * frame.wide / count)
        slope = np.clip(1 - away, 0, 1) ** np.float32(1.25)
        line = np.maximum(line, np.float32(tall) * slope)
    crags = fractal_line(rng, x, 90, octaves=4, gain=0.5) * np.float32(0.09) * np.sqrt(line + 0.05)
    swell = fractal_line(rng, x, 500, octaves=2) * np.float32(0.08)
    return plane(base - height * (line + crags + swell))


def below(frame: Frame, line: Plane) -> Plane:
    """Signed vertical distance below a line of heights, positive underneath."""
    return plane(frame.y - line[None, :])


def smooth(points: Points, rounds: int = 2, *, closed: bool = False) -> Points:
    """Corner cutting (Chaikin 1974): a polygon becomes a flowing curve."""
    for _ in range(rounds):
        following = np.roll(points, -1, 0) if closed else points[1:]
        start = points if closed else points[:-1]
        cut = np.stack([start * 0.75 + following * 0.25, start * 0.25 + following * 0.75], 1).reshape(-1, 2)
        points = cut if closed else np.concatenate([points[:1], cut, points[-1:]])
    return plane(points)
