"""Middle lines of thick shapes: thinning, and cutting off the spurs it leaves. Knows binary images only."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

from generation.contracts.picture import Gray

Bits = NDArray[np.bool_]
Pixel = tuple[int, int]

_RING = ((-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1), (-1, -1))
"""The eight neighbours in order round a pixel."""
_NEAREST_FIRST = (*_RING[::2], *_RING[1::2])
_FORK = 3
_WIDE_PX = 24


def thinned(ink: Gray) -> Bits:
    """Zhang and Suen's thinning (CACM 27(3), 1984), as scikit-image implements it: lines one pixel wide."""
    from skimage.morphology import skeletonize  # half a second to import, and only this needs it

    lines: Bits = skeletonize(ink > 0, method="zhang")  # type: ignore[no-untyped-call]
    return lines


def middle_lines(ink: Gray, width_px: float) -> Bits:
    """Lines one pixel wide along the middle of strokes about `width_px` wide.

    Wide strokes are thinned at half the size and once more at full size: half as many passes over a quarter of the
    pixels, and a middle line that is off by a pixel at most.
    """
    if width_px < _WIDE_PX:
        return thinned(ink)
    coarse = thinned(np.asarray(cv2.resize(ink, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA), np.uint8))
    doubled = cv2.resize(coarse.astype(np.uint8), ink.shape[::-1], interpolation=cv2.INTER_NEAREST)
    return thinned(np.asarray(doubled, np.uint8) & ink)


def pruned(lines: Bits, longest_px: int) -> Bits:
    """Lines without the short branches that thinning grows into the corners of a stroke's end.

    From every end the line is followed; if it meets a fork within `longest_px`, the way there was a spur and goes. A
    line that meets none is a stroke of its own, however short, and stays; so does a dot, which is nothing but spurs.

    Args:
        lines: one pixel wide.
        longest_px: branches up to this length are spurs.
    """
    framed = np.pad(lines, 1)
    branches = branch_counts(framed)
    kept = framed.copy()
    for end in np.argwhere(branches == 1).tolist():
        for pixel in _way_to_fork(framed, branches, (end[0], end[1]), longest_px):
            kept[pixel] = False
    return (kept | _worn_away(framed, kept))[1:-1, 1:-1]


def branch_counts(framed: Bits) -> NDArray[np.uint8]:
    """How many lines leave each set pixel: its crossing number, the steps from empty to set round its neighbours.

    Args:
        framed: lines with an empty rim of one pixel.
    """
    rows, columns = np.nonzero(framed)
    ring = [framed[rows + down, columns + right] for down, right in _RING]
    counts = np.zeros(framed.shape, np.uint8)
    for here, after in zip(ring, [*ring[1:], ring[0]], strict=True):
        counts[rows, columns] += ~here & after
    return counts


def _worn_away(framed: Bits, kept: Bits) -> Bits:
    """The connected lines that lost more than half: nothing but spurs, as a dot's are, and kept whole."""
    count, labels = cv2.connectedComponents(framed.astype(np.uint8), connectivity=8)
    before = np.bincount(labels[framed], minlength=count)
    after = np.bincount(labels[kept], minlength=count)
    worn: Bits = (2 * after < before)[labels]
    return framed & worn


def _way_to_fork(framed: Bits, branches: NDArray[np.uint8], end: Pixel, longest_px: int) -> list[Pixel]:
    """The pixels from an end to the fork it leads to, without the fork; none when there is no fork near enough."""
    way: list[Pixel] = [end]
    seen = {end}
    while len(way) <= longest_px:
        following = next((pixel for pixel in _neighbours(way[-1]) if framed[pixel] and pixel not in seen), None)
        if following is None:
            return []
        if branches[following] >= _FORK:
            return way
        seen.add(following)
        way.append(following)
    return []


def _neighbours(pixel: Pixel) -> Iterator[Pixel]:
    return ((pixel[0] + down, pixel[1] + right) for down, right in _NEAREST_FIRST)
