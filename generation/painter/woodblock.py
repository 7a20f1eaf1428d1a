"""How a woodblock prints: washi, flat pigment with the plank's grain, bokashi, key lines; and its stock of patterns.

Technique after Yoshida, Japanese Wood-Block Printing, 1939: one block a colour, graded by wiping (bokashi), rubbed with
a baren, the key block in dark ink last. Knows no scene.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from generation.painter.fields import Canvas, Frame, Plane, cover, noise, plane, smoothstep
from generation.painter.palette import Colour, rgb
from generation.painter.paper import rice_paper, wood_grain
from generation.painter.shapes import panel
from generation.painter.subject import Subject

KEY: Colour = rgb("#1c1d29")
MARGIN = 44.0


@dataclass(frozen=True, slots=True)
class Press:
    """A sheet in the press.

    Attributes:
        frame: the sheet.
        washi: the unprinted paper.
        grain: of the blocks, 0 to 1.
        mottle: unevenness of the baren's rub (goma-zuri), unit variance.
        picture: coverage of the printed area within the margins.
    """

    frame: Frame
    washi: Canvas
    grain: Plane
    mottle: Plane
    picture: Plane

    def print(self, canvas: Canvas, colour: Colour | Canvas, shape: Plane, opacity: float = 1.0) -> None:
        """Print a colour block: flat, but for the grain and the mottle that let a little paper through."""
        through = 1 - 0.17 * self.grain - 0.035 * np.maximum(self.mottle, 0)
        cover(canvas, colour, plane(shape * self.picture * through * np.float32(opacity)))

    def key(self, canvas: Canvas, line: Plane) -> None:
        """Print lines of the key block: dark, crisp, here and there thin."""
        cover(canvas, KEY, plane(line * self.picture * (0.95 - 0.10 * np.maximum(self.mottle - 0.6, 0))))


def press_for(subject: Subject) -> Press:
    """Paper and blocks for a subject."""
    frame = subject.frame
    washi = rice_paper(
        frame, subject.rng("washi"), subject.choose("tint", (rgb("#f3e8ce"), rgb("#f1e4c6"), rgb("#f5ecd9")))
    )
    mottle = noise(frame, subject.rng("mottle"), 10, octaves=3, gain=0.7)
    crooked = noise(frame, subject.rng("edge"), 200, octaves=3) * np.float32(0.8)
    picture = frame.edge(plane(panel(frame, MARGIN, 3) + crooked))
    return Press(frame, washi, wood_grain(frame, subject.rng("grain"), 26), mottle, picture)


def outline(frame: Frame, distance: Plane, width: float) -> Plane:
    """Coverage of a line `width` units wide along the zero of a distance."""
    return frame.edge(plane(width / 2 - np.abs(distance)))


def bokashi(frame: Frame, start: float, end: float) -> Plane:
    """A wiped gradation from full at height `start` to nothing at `end` (units from the top)."""
    return plane(smoothstep(end, start, frame.y) + np.zeros((frame.height, frame.width), np.float32))


def seigaiha(frame: Frame, size: float, top: float) -> tuple[Plane, Plane]:
    """Blue ocean waves: overlapping fans of concentric rings.

    Returns:
        Rings as a signed distance in units (positive on the light bands), and coverage of each fan's rim line.
    """
    row_height = size / 2
    low = np.floor((frame.y - np.float32(top)) / np.float32(row_height))
    best = np.full((frame.height, frame.width), np.float32(size))
    for lower in (2, 1, 0):
        row = low + lower
        middle_y = top + row * np.float32(row_height)
        offset = np.mod(row, 2) * np.float32(size)
        across = np.mod(frame.x - offset + np.float32(size), np.float32(2 * size)) - np.float32(size)
        away = np.hypot(across, frame.y - middle_y)
        best = np.where((away < size) & (best >= size), away, best)
    ring = size / 4
    phase = np.abs(np.mod(best, np.float32(ring * 2)) - np.float32(ring)) - np.float32(ring / 2)
    return plane(phase), frame.edge(plane(2.2 - np.abs(best - np.float32(size - 2))))


def mist_bands(frame: Frame, rng: np.random.Generator, count: int, where: tuple[float, float]) -> Plane:
    """Signed distance of stylised mist (suyari-gasumi): round-ended horizontal bars that join each other."""
    field = np.full((frame.height, frame.width), np.float32(-1e3))
    for _ in range(count):
        x, y = rng.uniform(0, frame.wide), rng.uniform(*where)
        for step in range(int(rng.integers(2, 4))):
            half, thick = rng.uniform(110, 300), rng.uniform(13, 24)
            _bar(frame, field, (x, y + step * 30), half, thick)
            x += rng.uniform(-160, 160)
    return plane(field)


def _bar(frame: Frame, field: Plane, middle: tuple[float, float], half: float, thick: float) -> None:
    """Add one round-ended bar to a field of signed distances, touching only its own part of the sheet."""
    rows = _span(middle[1] - thick - 4, middle[1] + thick + 4, frame)
    columns = _span(middle[0] - half - thick - 4, middle[0] + half + thick + 4, frame)
    across = np.maximum(np.abs(frame.x[:, columns] - np.float32(middle[0])) - np.float32(half), 0)
    bar = np.float32(thick) - np.hypot(across, frame.y[rows] - np.float32(middle[1]))
    field[rows, columns] = np.maximum(field[rows, columns], bar)


def _span(start: float, end: float, frame: Frame) -> slice:
    return slice(max(0, int(start * frame.unit)), max(0, int(end * frame.unit) + 1))


def gold_leaf(frame: Frame, rng: np.random.Generator) -> Plane:
    """Brightness of a ground of gold leaf: squares that overlap, each laid a little differently, 0 to 1."""
    size = 112.0
    creased = noise(frame, rng, 150, octaves=5)
    across, down = frame.x + creased * np.float32(0.8), frame.y + creased * np.float32(0.8)
    column, row = np.floor(across / np.float32(size)).astype(int), np.floor(down / np.float32(size)).astype(int)
    tones = rng.random((32, 32)).astype(np.float32)
    tone = tones[row % 32, column % 32]
    in_x, in_y = across - column * np.float32(size), down - row * np.float32(size)
    seam = smoothstep(5, 1.5, np.minimum(in_x, in_y))
    worn = smoothstep(1.4, 2.6, noise(frame, rng, 40, octaves=5, gain=0.62))
    return plane(np.clip(0.50 + 0.28 * (tone - 0.5) + 0.09 * creased - 0.30 * seam - 0.5 * worn, 0, 1))
