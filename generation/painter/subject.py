"""What a style is given: the sheet, the word on it, and everything the seed and the meaning decide. Paints nothing."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

import cv2
import numpy as np

from generation.contracts.picture import Gray
from generation.contracts.request import PaintRequest
from generation.painter.fields import Canvas, Frame, Plane, plane, signed_distance
from generation.painter.meaning import families_of

T = TypeVar("T")
Layers = Callable[["Subject"], Iterator[Canvas]]
"""A style: yields the canvas after each of its `STAGES` stages; the last one is the picture."""
STAGES = 4


@dataclass(frozen=True, slots=True)
class Subject:
    """A word on a sheet.

    Attributes:
        frame: the sheet.
        mask: coverage of the word, 0 to 1, shape (height, width).
        distance: signed distance to the word's outline in units, positive inside.
        box: ink box of the word in units.
        stem: typical half width of a stroke in units.
        seed: where everything random comes from.
        families: what the word is about (`water`, `fire`, ...); may be empty.
        firmness: 0 as composed; above that the style must set the word off more strongly.
    """

    frame: Frame
    mask: Plane
    distance: Plane
    box: tuple[float, float, float, float]
    stem: float
    seed: int
    families: frozenset[str] = frozenset()
    firmness: float = 0.0

    def rng(self, name: str) -> np.random.Generator:
        """A stream of random numbers of its own for each part of the picture, so that parts stay independent."""
        return np.random.default_rng([self.seed, zlib.crc32(name.encode())])

    def choose(self, name: str, options: Sequence[T]) -> T:
        """One of the options, by seed.

        Runs of as many seeds as there are options go through all of them in a shuffled order: asking again (the next
        seed) shows something else, and two choices of the same length do not move in step.
        """
        run, turn = divmod(self.seed, len(options))
        order = np.random.default_rng([run, zlib.crc32(name.encode())]).permutation(len(options))
        return options[int(order[turn])]

    def fitting(self, name: str, options: Sequence[tuple[str, T]]) -> T:
        """One of the options by seed; every other time only those tagged with one of the word's families are asked.

        The rest stay possible, so that asking again always shows something new.

        Args:
            name: which choice this is.
            options: pairs of space-separated families and the thing itself.
        """
        near = [thing for tags, thing in options if self.families & set(tags.split())]
        inclined = bool(near) and self.choose(f"{name} inclined", (True, False))
        return self.choose(name, near if inclined else [thing for _, thing in options])

    @property
    def centre(self) -> tuple[float, float]:
        """Middle of the word's box in units."""
        return (self.box[0] + self.box[2]) / 2, (self.box[1] + self.box[3]) / 2


def subject_of(request: PaintRequest, mask: Gray, *, side: int | None = None, firmness: float = 0.0) -> Subject:
    """The subject for a request, at full size or with a short side of `side` pixels."""
    height, width = mask.shape
    factor = 1.0 if side is None else side / min(width, height)
    frame = Frame(max(1, round(width * factor)), max(1, round(height * factor)))
    coverage = plane(cv2.resize(mask, (frame.width, frame.height), interpolation=cv2.INTER_AREA)) / np.float32(255)
    distance = signed_distance(frame, coverage)
    return Subject(
        frame,
        coverage,
        distance,
        _ink_box(frame, coverage),
        _stem(distance),
        request.seed,
        families_of(request.word, request.translation),
        firmness,
    )


def _ink_box(frame: Frame, mask: Plane) -> tuple[float, float, float, float]:
    rows, columns = np.flatnonzero(mask.max(1) > 0.5), np.flatnonzero(mask.max(0) > 0.5)
    if not len(rows):
        return 0.0, 0.0, frame.wide, frame.tall
    edges = (columns[0], rows[0], columns[-1] + 1, rows[-1] + 1)
    x0, y0, x1, y1 = (float(edge / frame.unit) for edge in edges)
    return x0, y0, x1, y1


def _stem(distance: Plane) -> float:
    inside = distance[distance > 0]
    return float(np.clip(2 * inside.mean(), 2, 60)) if inside.size else 2.0
