"""A red seal with abstract carved marks: a signature that says nothing. Knows where the word leaves room for it."""

from __future__ import annotations

import numpy as np

from generation.painter.fields import Canvas, Frame, Plane, Points, cover, noise, plane
from generation.painter.palette import Colour, rgb
from generation.painter.shapes import lines
from generation.painter.subject import Subject

CINNABAR: Colour = rgb("#b8231b")
GROUND: Colour = rgb("#f4ead6")


def stamp(
    subject: Subject, canvas: Canvas, *, size: float = 76.0, margin: float = 62.0, colour: Colour = CINNABAR
) -> None:
    """Press a seal into the emptiest lower corner, in place."""
    frame, rng = subject.frame, subject.rng("seal")
    x, y = _free_corner(subject, size, margin)
    half = size / 2
    wear = noise(frame, rng, 26, octaves=4, gain=0.6)
    box = np.maximum(np.abs(frame.x - np.float32(x)), np.abs(frame.y - np.float32(y)) / np.float32(1.12))
    corner = np.hypot(frame.x - np.float32(x), frame.y - np.float32(y)) * np.float32(0.78)
    body = frame.edge(plane(half - np.maximum(box, corner) + wear * 0.9))
    carved = np.maximum(lines(frame, _marks(rng, x, y, half * 0.66), size * 0.085), _inner_rule(frame, box, half))
    pressed = np.clip(0.93 + 0.10 * wear - 0.25 * np.maximum(wear - 1.1, 0), 0, 1)
    cover(canvas, GROUND, plane(body * 0.85))
    cover(canvas, colour, plane(body * (1 - carved * 0.92) * pressed))


def _inner_rule(frame: Frame, box: Plane, half: float) -> Plane:
    return frame.edge(plane(1.1 - np.abs(box - np.float32(half * 0.84))))


def _free_corner(subject: Subject, size: float, margin: float) -> tuple[float, float]:
    """Of the four corners the one with least ink under the seal; a lower one when several are free."""
    frame = subject.frame
    inset = margin + size / 2
    right, low = frame.wide - inset, frame.tall - inset
    first, second = (inset, right) if subject.rng("seal side").random() < 0.3 else (right, inset)
    corners = [(first, low), (second, low), (first, inset), (second, inset)]
    return min(corners, key=lambda at: round(_ink_under(subject, at, size), 2))


def _ink_under(subject: Subject, at: tuple[float, float], size: float) -> float:
    reach = size * 0.8
    unit = subject.frame.unit
    x0, x1 = (max(0, int((at[0] + side * reach) * unit)) for side in (-1, 1))
    y0, y1 = (max(0, int((at[1] + side * reach) * unit)) for side in (-1, 1))
    return float(subject.mask[y0 : y1 + 1, x0 : x1 + 1].mean())


def _marks(rng: np.random.Generator, x: float, y: float, half: float) -> list[Points]:
    """Right-angled strokes on a grid of two by three cells, each cell another bend: carved, but no character."""
    strokes = []
    for column in (-0.5, 0.5):
        for row in (-0.68, 0.0, 0.68):
            bend = rng.choice(3)
            a, b = half * 0.40, half * 0.26
            shape = (((-a, -b), (a, -b), (a, b)), ((-a, b), (-a, -b), (a, -b)), ((-a, 0), (a, 0), (0, b)))[bend]
            strokes.append(plane([[x + column * half * 1.05 + dx, y + row * half * 1.12 + dy] for dx, dy in shape]))
    return strokes
