"""What the ink paintings show round the word: ridges in mist, bamboo, plum, a lake, an open circle, a waterfall."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from generation.painter.fields import Canvas, Frame, Plane, noise, plane, radius, smoothstep, soften, warp
from generation.painter.motifs import flock
from generation.painter.palette import Colour, glaze, rgb, swatch
from generation.painter.plants import bamboo, boat, plum, reeds
from generation.painter.shapes import below, disc, peaks, rolling
from generation.painter.subject import Subject

PAPERS = swatch("#f3ead6 #f1ebdd #efe3c8 #f4eee2")
INKS = swatch("#17161a #1a1715 #141a22")
VERMILION: Colour = rgb("#c4402c")


@dataclass(frozen=True, slots=True)
class Sheet:
    """The paper's own fields and the ink.

    Attributes:
        frame: the sheet.
        cloud: large-scale unevenness of the ink, unit variance.
        tooth: the paper's texture, unit variance.
        ink: its colour at full density.
    """

    frame: Frame
    cloud: Plane
    tooth: Plane
    ink: Colour

    def grey(self, canvas: Canvas, density: Plane) -> None:
        """Lay diluted ink, uneven as it dries."""
        varied = 1 + 0.16 * self.cloud - 0.08 * self.tooth
        glaze(canvas, self.ink, plane(np.maximum(density * varied, 0)))


def _room(subject: Subject) -> Plane:
    """Less ink round the word, so that it stands in mist."""
    return plane(1 - (0.42 + 0.25 * subject.firmness) * np.clip(soften(subject.frame, subject.mask, 30) * 1.6, 0, 1))


def _ridge(subject: Subject, sheet: Sheet, canvas: Canvas, name: str, line: Plane, near: float) -> None:
    """One range: a wet dark crest that thins into mist, with hatching down its slopes (cun)."""
    frame = subject.frame
    distance = below(frame, line) + 2.5 * sheet.tooth * (0.4 + near)
    land = frame.edge(plane(distance), 1.5)
    slopes = noise(frame, subject.rng(f"{name} cun"), 46, octaves=3, stretch=(0.45, 1.7))
    slopes = warp(frame, slopes, 16 * sheet.cloud, 0)
    fade = 0.60 * np.exp(-np.maximum(distance, 0) / np.float32(46 + 40 * near)) + 0.40 * np.exp(
        -np.maximum(distance, 0) / np.float32(190)
    )
    hatch = smoothstep(0.15, 1.2, slopes) * np.exp(-np.maximum(distance, 0) / np.float32(130)) * (0.15 + 0.55 * near)
    crest = np.exp(-((distance / np.float32(4 + 3 * near)) ** 2)) * smoothstep(-0.6, 0.9, slopes) * (0.1 + 0.35 * near)
    mist = smoothstep(330 - 120 * near, 20, distance)
    sheet.grey(canvas, plane(land * mist * (fade * (0.22 + 0.34 * near) + hatch * 0.42 + crest) * _room(subject)))


def _mountains(subject: Subject, sheet: Sheet, canvas: Canvas) -> None:
    frame, tall = subject.frame, subject.frame.tall
    for index, near in enumerate((0.0, 0.35, 0.7, 1.0)):
        rng = subject.rng(f"mountain {index}")
        base = tall * (0.52 + 0.36 * near)
        line = peaks(frame, rng, base, 300 - 150 * near, int(rng.integers(2, 5)) + index)
        _ridge(subject, sheet, canvas, f"mountain {index}", line, near)


def _sun(subject: Subject, canvas: Canvas, sheet: Sheet) -> None:
    """A red sun or a pale moon left in a wash."""
    frame, rng = subject.frame, subject.rng("sun")
    centre = (
        frame.wide * float(rng.choice([0.2, 0.3, 0.7, 0.8])),
        min(frame.tall * 0.2, max(120.0, subject.box[1] * 0.62)),
    )
    distance = disc(frame, centre, float(rng.uniform(58, 92))) + sheet.tooth * 0.7
    if rng.random() < 0.55:
        body = frame.edge(plane(distance), 1)
        glaze(canvas, VERMILION, plane(body * (0.86 + 0.09 * sheet.cloud - 0.06 * sheet.tooth)))
        return
    glow = np.exp(-((distance / np.float32(90)) ** 2)) * (1 - frame.edge(plane(distance), 1))
    sheet.grey(canvas, plane(glow * 0.2 + 0.1 * frame.edge(plane(1.2 - np.abs(distance)))))


def mountains(subject: Subject, sheet: Sheet, canvas: Canvas) -> None:
    """Ranges in mist, a sun or moon, far birds."""
    _sun(subject, canvas, sheet)
    _mountains(subject, sheet, canvas)
    sheet.grey(canvas, flock(subject) * np.float32(0.9))


def bamboo_grove(subject: Subject, sheet: Sheet, canvas: Canvas) -> None:
    """Stalks and leaves, pale behind and dark in front, moved by wind."""
    _sun(subject, canvas, sheet)
    mist = np.exp(-((sheet.frame.y - np.float32(sheet.frame.tall)) ** 2) / np.float32(2 * 160**2))
    sheet.grey(canvas, plane(np.maximum(0.16 + 0.1 * sheet.cloud, 0) * mist))
    for depth, strength in ((0, 0.20), (1, 0.62)):
        stalks, foliage = bamboo(subject, depth)
        veins = 0.75 + 0.25 * smoothstep(-1, 1, sheet.tooth)
        sheet.grey(canvas, plane(np.maximum(stalks * 0.8, foliage) * strength * veins * _room(subject) ** (1 + depth)))


def plum_branch(subject: Subject, sheet: Sheet, canvas: Canvas) -> None:
    """An old branch with blossoms in thinned vermilion."""
    frame = subject.frame
    line = rolling(frame, subject.rng("hill"), frame.tall * 0.86, 60)
    _ridge(subject, sheet, canvas, "hill", line, 0.25)
    wood, petals, hearts = plum(subject)
    rough = smoothstep(-1.1, 0.4, noise(frame, subject.rng("bark"), 14, octaves=3))
    sheet.grey(canvas, plane(wood * (0.45 + 0.55 * rough) * 0.92 * _room(subject)))
    soft = soften(frame, petals, 1.6)
    rim = np.maximum(soft - soften(frame, soft, 7), 0)
    glaze(canvas, VERMILION, plane(soft * (0.34 + 0.10 * sheet.cloud) + 0.9 * rim))
    sheet.grey(canvas, plane(hearts * 0.8))


def lake(subject: Subject, sheet: Sheet, canvas: Canvas) -> None:
    """Still water under far ridges: a boat, reeds, a few lines for the ripples."""
    frame, tall = subject.frame, subject.frame.tall
    _sun(subject, canvas, sheet)
    shore = float(np.clip(subject.box[3] + 10, tall * 0.60, tall * 0.78))
    for index, near in enumerate((0.0, 0.4)):
        line = np.minimum(peaks(frame, subject.rng(f"far {index}"), shore, 190 - 100 * near, 4), np.float32(shore))
        land = frame.edge(plane(np.minimum(below(frame, line), shore - frame.y) + sheet.tooth), 1)
        fade = 0.16 + 0.84 * np.exp(-np.maximum(below(frame, line), 0) / np.float32(60))
        sheet.grey(canvas, plane(land * fade * (0.24 + 0.3 * near) * _room(subject)))
    depth = np.clip((frame.y - np.float32(shore)) / np.float32(tall - shore), 0, 1)
    ripple = noise(frame, subject.rng("ripple"), 26, octaves=3, stretch=(9.0, 0.45))
    water = frame.edge(plane(np.broadcast_to(frame.y - np.float32(shore), sheet.cloud.shape)))
    sheet.grey(canvas, plane(water * (0.05 + smoothstep(0.7, 1.8, ripple) * 0.28 * (0.35 + depth)) * _room(subject)))
    sheet.grey(canvas, plane(boat(subject, shore) * 0.9))
    sheet.grey(canvas, plane(reeds(subject) * 0.75 * _room(subject)))


def open_circle(subject: Subject, sheet: Sheet, canvas: Canvas) -> None:
    """One breath, one circle (enso), its bristles running dry towards the end."""
    frame, rng = subject.frame, subject.rng("circle")
    size, half = 400.0, float(rng.uniform(34, 52))
    centre = (frame.wide / 2, frame.tall / 2)
    start, way = float(rng.uniform(0, 2 * np.pi)), float(rng.choice([-1.0, 1.0]))
    turn = np.arctan2(frame.y - np.float32(centre[1]), frame.x - np.float32(centre[0])) * np.float32(way) + np.float32(
        start
    )
    along = plane(np.mod(turn, np.float32(2 * np.pi)) / np.float32(2 * np.pi))
    wander = 10 * np.sin(along * np.float32(4.2)) + 5 * sheet.cloud * 0.6
    swell = half * (0.72 + 0.5 * np.maximum(np.sin(np.pi * np.clip(along * 1.1, 0, 1)), 0) ** 0.6)
    across = plane((radius(frame, centre) - np.float32(size) - wander) / swell)
    bristles = _comb(rng, across, along)
    body = smoothstep(1.0, 0.9, np.abs(across) + 0.12 * np.maximum(bristles, -1) * 0.5)
    tail = smoothstep(0.97, 0.90, along + 0.02 * bristles) * smoothstep(0.0, 0.015, along)
    dry = smoothstep(-0.2, 0.35, bristles + 1.5 - 2.4 * along**1.5)
    colour = VERMILION if rng.random() < 0.45 else sheet.ink
    density = body * tail * dry * (0.62 - 0.2 * along) * (1 + 0.10 * sheet.cloud)
    glaze(canvas, colour, plane(density * (1 - 0.45 * (1 - _room(subject)) - 0.1)))


def _comb(rng: np.random.Generator, across: Plane, along: Plane) -> Plane:
    """Bristle tracks: noise that is fine across the stroke and slow along it."""
    table = rng.standard_normal((96, 14)).astype(np.float32)
    table = np.repeat(np.repeat(table, 4, 0), 4, 1)
    table = soften(Frame(1024, 1024), table, 1.6)
    rows = np.clip((across * np.float32(0.45) + np.float32(0.5)), 0, 0.999) * np.float32(table.shape[0] - 1)
    columns = np.clip(along, 0, 0.999) * np.float32(table.shape[1] - 1)
    return plane(table[rows.astype(np.int32), columns.astype(np.int32)] * np.float32(1.6))


def waterfall(subject: Subject, sheet: Sheet, canvas: Canvas) -> None:
    """Steep cliffs to both sides and a fall of white paper between them."""
    frame, rng = subject.frame, subject.rng("fall")
    middle, gap = frame.wide * float(rng.uniform(0.3, 0.7)), float(rng.uniform(50, 80))
    spill = 26 * noise(frame, subject.rng("spill"), 240, octaves=3, stretch=(3.0, 1.0))
    wall = np.abs(frame.x - np.float32(middle) + spill * 0.7) - np.float32(gap) - frame.y * np.float32(0.05)
    rock = noise(frame, subject.rng("rock"), 90, octaves=5, stretch=(0.6, 1.8))
    cliff = frame.edge(
        plane(np.minimum(wall + 10 * rock, below(frame, peaks(frame, rng, frame.tall * 0.42, 300, 4)))), 2
    )
    fade = np.exp(-np.maximum(wall, 0) / np.float32(150)) * smoothstep(frame.tall * 0.9, frame.tall * 0.5, frame.y)
    sheet.grey(canvas, plane(cliff * fade * (0.34 + 0.30 * smoothstep(0, 1.4, rock)) * _room(subject)))
    threads = noise(frame, subject.rng("threads"), 40, octaves=3, stretch=(0.25, 8.0))
    fall = (
        frame.edge(plane(-wall), 8)
        * smoothstep(0.9, 1.8, threads)
        * smoothstep(frame.tall * 0.95, frame.tall * 0.3, frame.y)
    )
    sheet.grey(canvas, plane(fall * 0.26 * _room(subject)))
    mist = np.exp(-(((frame.y - np.float32(frame.tall * 0.96)) / np.float32(90)) ** 2))
    sheet.grey(canvas, plane(np.maximum(mist * (0.16 + 0.13 * sheet.cloud), 0)))
    sheet.grey(canvas, flock(subject) * np.float32(0.9))


Scene = Callable[[Subject, Sheet, Canvas], None]
SCENES: tuple[tuple[str, Scene], ...] = (
    ("mountain night city", mountains),
    ("plant study", bamboo_grove),
    ("plant snow fire", plum_branch),
    ("water city", lake),
    ("fire night study", open_circle),
    ("water mountain", waterfall),
)
