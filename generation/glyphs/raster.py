"""Glyph outlines to coverage, by HarfBuzz's own rasteriser. Knows pixels; knows nothing of text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import uharfbuzz as hb

from generation.contracts.picture import Box, Gray
from generation.glyphs.typefaces import Typeface


@dataclass(frozen=True, slots=True)
class Stamp:
    """A glyph to draw: its font, its number and where its origin stands in pixels from the picture's top left."""

    typeface: Typeface
    number: int
    x: float
    y: float


def rasterise(stamp: Stamp, em_px: float, width: int, height: int) -> tuple[Box, Gray] | None:
    """Exact-area coverage of one glyph.

    Args:
        stamp: what and where.
        em_px: size of an em in pixels.
        width: of the picture.
        height: of the picture.

    Returns:
        The pixels it covers, cut to the picture, and their coverage; None when it leaves no ink there.
    """
    scale = em_px / stamp.typeface.units
    pen = hb.RasterDraw()
    pen.transform = (scale, 0.0, 0.0, scale, stamp.x, height - stamp.y)
    pen.draw_glyph(stamp.typeface.font, stamp.number)
    image = pen.render()
    if image is None or not image.extents.width or not image.extents.height:
        return None
    extents = image.extents
    rows = np.frombuffer(image.buffer, np.uint8).reshape(extents.height, extents.stride)
    upright = rows[::-1, : extents.width]
    return _cut(upright, extents.x_origin, height - extents.y_origin - extents.height, width, height)


def _cut(mask: Gray, left: int, top: int, width: int, height: int) -> tuple[Box, Gray] | None:
    """The part of a mask inside the picture, without its empty rim."""
    inside = mask[max(0, -top) : max(0, height - top), max(0, -left) : max(0, width - left)]
    rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
    if not rows.size:
        return None
    y0, y1, x0, x1 = int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1
    left, top = max(left, 0), max(top, 0)
    return (left + x0, top + y0, left + x1, top + y1), np.ascontiguousarray(inside[y0:y1, x0:x1])


def united(parts: Sequence[tuple[Box, Gray]], width: int, height: int) -> Gray:
    """Coverage of all parts together, shape (height, width).

    Coverages add up and saturate: where two glyphs of a joined script meet inside a pixel, their sum is the full pixel,
    while their maximum would leave a pale seam.
    """
    mask = np.zeros((height, width), np.uint8)
    for (x0, y0, x1, y1), part in parts:
        field = mask[y0:y1, x0:x1]
        field[:] = np.minimum(field, 255 - part) + part
    return mask


def box_of(boxes: Sequence[Box]) -> Box:
    """The box around boxes."""
    lefts, tops, rights, bottoms = zip(*boxes, strict=True)
    return min(lefts), min(tops), max(rights), max(bottoms)
