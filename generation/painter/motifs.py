"""Things a brush can say in a few strokes: firs, birds, leaves, blossoms. Units; no colour and no style."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from generation.painter.fields import Frame, Plane, Points, plane
from generation.painter.shapes import lines, polygons, smooth
from generation.painter.subject import Subject


def conifers(frame: Frame, rng: np.random.Generator, line: Plane, tall: float, count: int) -> list[Points]:
    """Firs standing on a line of heights: stacked, drooping, uneven tiers."""
    places = (np.arange(count) + rng.uniform(-0.4, 0.4, count)) / count * frame.wide
    roots = np.interp(places, frame.x[0], line) + 6
    sizes = tall * rng.uniform(0.5, 1.15, count)
    return [_conifer(rng, x, y, size) for x, y, size in zip(places, roots, sizes, strict=True)]


def _conifer(rng: np.random.Generator, x: float, y: float, tall: float) -> Points:
    tiers = 9
    level = np.repeat(np.linspace(0, 1, tiers), 2)[1:]
    reach = tall * 0.21 * level * rng.uniform(0.75, 1.25, len(level))
    reach[1::2] *= 0.55
    droop = np.where(np.arange(len(level)) % 2, 0, tall * 0.035)
    heights = y - tall * (1 - level) + droop
    left = np.column_stack([x - reach, heights])
    right = np.column_stack([x + reach * rng.uniform(0.85, 1.15, len(level)), heights])
    return plane(np.concatenate([[[x, y - tall]], right, [[x, y + 10]], left[::-1]]))


def flock(subject: Subject) -> Plane:
    """Coverage of a few far birds, each two curved strokes, in the free sky above or beside the word."""
    frame, rng = subject.frame, subject.rng("flock")
    free = max(subject.box[1] - 40, 110.0)
    middle = (rng.uniform(0.2, 0.8) * frame.wide, rng.uniform(0.35, 0.8) * free)
    wings: list[Points] = []
    for _ in range(int(rng.integers(3, 8))):
        x, y = middle + rng.standard_normal(2) * (90, 26)
        span, lift = rng.uniform(9, 20), rng.uniform(0.35, 0.6)
        wings += [_wing(x, y, span, lift), _wing(x, y, -span, lift * rng.uniform(0.8, 1.1))]
    return polygons(frame, wings)


def _wing(x: float, y: float, span: float, lift: float) -> Points:
    t = np.linspace(0, 1, 9)
    rise = np.sin(t * np.pi * 0.85) * abs(span) * lift
    thick = abs(span) * 0.13 * (1 - t) + 0.5
    top = np.column_stack([x + t * span, y - rise])
    return plane(np.concatenate([top, top[::-1] + np.column_stack([np.zeros(9), thick[::-1]])]))


def leaf(x: float, y: float, angle: float, length: float, width: float) -> Points:
    """A pointed leaf from its stem at x, y in the direction `angle` (radians)."""
    t = np.linspace(0, 1, 12)
    half = width * np.sin(np.pi * t**0.8) * 0.5
    along = np.concatenate([t * length, (t * length)[::-1]])
    across = np.concatenate([half, -half[::-1]]) + 0.12 * length * np.concatenate([t, t[::-1]]) ** 2
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    return plane(np.column_stack([along, across]) @ turn + (x, y))


def _rim(subject: Subject, rng: np.random.Generator, count: int) -> list[tuple[float, float, float]]:
    """Places round the sheet's rim with the direction inwards, favouring two opposite corners."""
    frame = subject.frame
    flip = rng.random() < 0.5
    places = []
    for index in range(count):
        t = rng.beta(0.7, 0.9)
        along = (
            (t * frame.wide * 0.75, rng.uniform(20, 130))
            if rng.random() < 0.6
            else (rng.uniform(20, 120), t * frame.tall * 0.6)
        )
        x, y = (frame.wide - along[0] if flip else along[0]), along[1]
        if index % 2:
            x, y = frame.wide - x, frame.tall - y
        places.append((x, y, float(np.arctan2(frame.tall / 2 - y, frame.wide / 2 - x))))
    return places


def leaves(subject: Subject) -> list[Plane]:
    """Three sets of leaves, as coverages to be painted in different greens."""
    rng = subject.rng("leaves")
    sets: list[list[Points]] = [[], [], []]
    for index, (x, y, inwards) in enumerate(_rim(subject, rng, 34)):
        for _ in range(3):
            angle, length = inwards + rng.normal(0, 1.0), rng.uniform(70, 150)
            sets[index % 3].append(leaf(x, y, angle, length, length * rng.uniform(0.2, 0.36)))
    return [polygons(subject.frame, each) for each in sets]


def blossom_heads(subject: Subject) -> list[Plane]:
    """Three sets of loose five-petalled blossoms near the rim."""
    rng = subject.rng("blossoms")
    sets: list[list[Points]] = [[], [], []]
    for index, (x, y, _) in enumerate(_rim(subject, rng, 12)):
        sets[index % 3] += blossom(rng, x, y, float(rng.uniform(38, 82)))
    return [polygons(subject.frame, each) for each in sets]


def blossom(rng: np.random.Generator, x: float, y: float, size: float, petals: int = 5) -> list[Points]:
    """The petals of one flower, each a notched oval."""
    turn = rng.uniform(0, 2 * np.pi)
    return [_petal(rng, x, y, turn + index * 2 * np.pi / petals, size) for index in range(petals)]


def _petal(rng: np.random.Generator, x: float, y: float, angle: float, size: float) -> Points:
    t = np.linspace(0, 2 * np.pi, 20, endpoint=False)
    reach = size * rng.uniform(0.85, 1.1)
    along = reach * (0.56 + 0.44 * np.cos(t)) - 0.10 * reach * np.exp(-((np.minimum(t, 2 * np.pi - t) / 0.25) ** 2))
    across = reach * 0.40 * np.sin(t) * (0.75 + 0.25 * np.cos(t))
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    return plane(np.column_stack([along, across]) @ turn + (x, y))


def strokes(frame: Frame, paths: Sequence[Points], widths: Sequence[float]) -> Plane:
    """Coverage of flowing lines of different widths."""
    sheet = np.zeros((frame.height, frame.width), np.float32)
    for path, width in zip(paths, widths, strict=True):
        np.maximum(sheet, lines(frame, [smooth(path)], width), out=sheet)
    return sheet
