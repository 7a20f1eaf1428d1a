"""What the watercolors show: landscapes and colour fields. Paints behind the word only.

A scene lays its washes on the canvas and says whether the word is lifted out as white paper (True) or washed on top.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from generation.painter.fields import Canvas, Plane, plane, smoothstep, soften
from generation.painter.motifs import blossom_heads, conifers, flock, leaves
from generation.painter.palette import blend, glaze, gradient
from generation.painter.pigments import Pigments
from generation.painter.plants import reeds
from generation.painter.shapes import below, disc, dots, panel, peaks, polygons, rolling
from generation.painter.subject import Subject
from generation.painter.washes import Easel, fringe, wash


def _sheet_of_colour(subject: Subject, easel: Easel) -> Plane:
    """The painted area: nearly the whole sheet, leaving a white border that the brush did not quite reach."""
    margin = float(subject.rng("margin").uniform(34, 52))
    return fringe(easel, panel(subject.frame, margin, 14), astray=5, dry=3.5)


def _quiet(subject: Subject) -> Plane:
    """Less pigment round the word: the painter left room for it."""
    return plane(1 - (0.34 + 0.25 * subject.firmness) * np.clip(soften(subject.frame, subject.mask, 26) * 1.5, 0, 1))


def _clearing(subject: Subject) -> Plane:
    """Mist that keeps a dark wood light behind the word, counters and the space between letters and lines included."""
    frame = subject.frame
    near = np.clip(soften(frame, subject.mask, max(24.0, subject.stem * 1.1)) * 3.0, 0, 1)
    return plane(1 - (0.66 + 0.16 * subject.firmness) * soften(frame, plane(near), 10))


def _sky(subject: Subject, easel: Easel, pigments: Pigments, canvas: Canvas, reach: Plane) -> None:
    """A graded wash with soft clouds left white."""
    frame = subject.frame
    height = plane(frame.y / np.float32(frame.tall * 0.72) + 0.05 * easel.cloud)
    clouds = smoothstep(0.1, 1.3, plane(easel.cloud + 0.35 * easel.flow)) * smoothstep(1.0, 0.3, height)
    centre, size = _sun_place(subject)
    kept = 1 - 0.92 * np.exp(-((np.maximum(-disc(frame, centre, size), 0) / np.float32(60)) ** 2))
    density = reach * np.clip(0.95 - 0.25 * height + 0.12 * easel.cloud, 0.15, 1.3) * (1 - 0.72 * clouds)
    glaze(canvas, gradient(pigments.sky, height), plane(density * kept * _quiet(subject) * (1 - 0.07 * easel.paper)))


def _sun_place(subject: Subject) -> tuple[tuple[float, float], float]:
    frame, rng = subject.frame, subject.rng("sun")
    side = float(rng.choice([0.24, 0.36, 0.64, 0.76]))
    centre = (frame.wide * side, min(frame.tall * 0.26, max(170.0, subject.box[1] * 0.72)))
    return centre, float(rng.uniform(72, 120))


def _sun(subject: Subject, easel: Easel, pigments: Pigments, canvas: Canvas, reach: Plane) -> tuple[float, float]:
    frame = subject.frame
    centre, size = _sun_place(subject)
    ball = fringe(easel, disc(frame, centre, size), astray=2.5, dry=1)
    glow = np.exp(-np.maximum(-disc(frame, centre, size), 0) / np.float32(130))
    glaze(canvas, pigments.sun, plane(reach * glow * 0.38 * _quiet(subject)))
    glaze(canvas, pigments.sun, plane(reach * wash(easel, ball, strength=0.85) * _quiet(subject)))
    return centre


def _ground_line(subject: Subject) -> float:
    """Where the nearest ground begins: the word's foot, but always within the lower third of the sheet."""
    tall = subject.frame.tall
    return float(np.clip(subject.box[3] + 24, tall * 0.68, tall * 0.88))


def _ranges(subject: Subject, easel: Easel, pigments: Pigments, canvas: Canvas, reach: Plane) -> None:
    """Hills behind hills, each cooler and paler with distance, its foot lost in mist."""
    frame, ground = subject.frame, _ground_line(subject)
    top = frame.tall * float(subject.rng("range height").uniform(0.34, 0.46))
    sharp = subject.choose("range kind", (True, True, False))
    for index, colour in enumerate(pigments.hills):
        near = index / (len(pigments.hills) - 1)
        rng = subject.rng(f"range {index}")
        base = top + (ground - top) * near**0.9
        line = (
            peaks(frame, rng, base + 60, 190 - 90 * near, 3 + index)
            if sharp and near < 0.9
            else rolling(frame, rng, base, 46)
        )
        distance = below(frame, line)
        shape = frame.edge(plane(distance + easel.flow * 2.2 + easel.paper * 0.8), 1.0)
        mist = 0.30 + 0.70 * np.exp(-np.maximum(distance, 0) / np.float32(150 + 160 * near))
        keep = _quiet(subject) if near < 0.99 else 1 - 0.5 * (1 - _quiet(subject))
        glaze(canvas, colour, plane(wash(easel, shape, strength=0.5 + 0.32 * near, edge=0.8) * mist * reach * keep))
    _foreground(subject, easel, pigments, canvas, reach)


def _foreground(subject: Subject, easel: Easel, pigments: Pigments, canvas: Canvas, reach: Plane) -> None:
    """The near bank, darker, with loose grasses that lead the eye in."""
    frame = subject.frame
    line = rolling(frame, subject.rng("bank"), max(frame.tall * 0.90, _ground_line(subject) + 90), 34, 360)
    bank = frame.edge(plane(below(frame, line) + easel.flow * 3), 1)
    near = blend(pigments.hills[-1], pigments.word[0], 0.35)
    glaze(canvas, near, plane(wash(easel, bank, strength=0.7, edge=0.8) * reach))
    glaze(canvas, near, plane(wash(easel, reeds(subject), strength=1.0, edge=0.6) * reach * 0.9))


def hills(subject: Subject, easel: Easel, pigments: Pigments, canvas: Canvas) -> bool:
    """Ranges of hills under a soft sun, birds in the sky."""
    reach = _sheet_of_colour(subject, easel)
    _sky(subject, easel, pigments, canvas, reach)
    _sun(subject, easel, pigments, canvas, reach)
    _ranges(subject, easel, pigments, canvas, reach)
    glaze(canvas, pigments.word[0], plane(flock(subject) * 0.8))
    return False


def forest(subject: Subject, easel: Easel, pigments: Pigments, canvas: Canvas) -> bool:
    """Firs on misty slopes, darker the nearer they stand."""
    reach, clearing = _sheet_of_colour(subject, easel), _clearing(subject)
    frame, ground = subject.frame, _ground_line(subject)
    _sky(subject, easel, pigments, canvas, reach)
    _sun(subject, easel, pigments, canvas, reach)
    for index, near in enumerate((0.0, 0.45, 1.0)):
        rng = subject.rng(f"forest {index}")
        line = rolling(frame, rng, ground - (1 - near) * 250, 40)
        trees = polygons(frame, conifers(frame, rng, line, 70 + 120 * near, int(34 - 12 * near)))
        slope = frame.edge(below(frame, line))
        shape = np.maximum(trees, slope)
        mist = 0.22 + 0.78 * np.exp(-np.maximum(below(frame, line), 0) / np.float32(90 + 120 * near))
        density = wash(easel, shape, strength=0.42 + 0.5 * near, edge=0.5) * mist * reach * clearing
        glaze(canvas, pigments.hills[min(index + 1, 3)], plane(density))
    _foreground(subject, easel, pigments, canvas, plane(reach * clearing))
    return False


def lake(subject: Subject, easel: Easel, pigments: Pigments, canvas: Canvas) -> bool:
    """Far mountains over water, with their reflection broken by dry-brush ripples."""
    reach = _sheet_of_colour(subject, easel)
    frame = subject.frame
    shore = float(np.clip(subject.box[3] + 20, frame.tall * 0.62, frame.tall * 0.8))
    _sky(subject, easel, pigments, canvas, reach)
    sun = _sun(subject, easel, pigments, canvas, reach)
    for index, tall in enumerate((170.0, 95.0)):
        line = np.minimum(peaks(frame, subject.rng(f"far {index}"), shore, tall, 4 + index), np.float32(shore))
        land = frame.edge(plane(np.minimum(below(frame, line), shore - frame.y) + easel.flow))
        glaze(canvas, pigments.hills[index], plane(wash(easel, land, strength=0.75) * reach * _quiet(subject)))
        mirrored = frame.edge(plane(np.minimum(2 * shore - frame.y - line[None], frame.y - shore) + easel.flow * 4), 6)
        glaze(canvas, pigments.hills[index], plane(mirrored * 0.38 * reach))
    water = frame.edge(plane(frame.y - np.float32(shore) + easel.flow))
    depth = (frame.y - np.float32(shore)) / np.float32(frame.tall - shore)
    ripple = _ripples(subject, shore)
    path = np.exp(-(((frame.x - np.float32(sun[0])) / np.float32(90)) ** 2)) * water
    density = water * (0.42 + 0.55 * np.clip(depth, 0, 1)) * (1 - 0.75 * ripple) * (1 - 0.5 * path)
    glaze(canvas, pigments.hills[2], plane(wash(easel, plane(density), edge=0.4) * reach))
    glaze(canvas, pigments.sun, plane(path * 0.5 * reach * (1 - ripple)))
    glaze(canvas, blend(pigments.hills[-1], pigments.word[0], 0.5), plane(wash(easel, reeds(subject)) * reach * 0.85))
    return False


def _ripples(subject: Subject, shore: float) -> Plane:
    """Horizontal glints on water, 0 to 1, finer towards the horizon."""
    frame, rng = subject.frame, subject.rng("glints")
    depth = np.clip((frame.y - np.float32(shore)) / np.float32(frame.tall - shore), 0.0, 1.0)
    strokes = []
    for _ in range(90):
        near = rng.random()
        y = shore + 8 + near**1.5 * (frame.tall - shore - 40)
        x, length = rng.uniform(0, frame.wide), rng.uniform(20, 60) * (0.5 + 2 * near)
        strokes.append(_lens(x, y, length, 0.8 + 3 * near))
    return plane(polygons(frame, strokes) * (0.4 + 0.6 * depth))


def _lens(x: float, y: float, length: float, thick: float) -> Plane:
    t = np.linspace(0, np.pi, 12)
    top = np.column_stack([x + np.cos(t) * length, y - np.sin(t) * thick])
    return plane(np.concatenate([top, np.column_stack([top[::-1, 0], 2 * y - top[::-1, 1]])]))


def night(subject: Subject, easel: Easel, pigments: Pigments, canvas: Canvas) -> bool:
    """A dark wash with moon and stars kept white; the word is lifted out of it."""
    frame, rng = subject.frame, subject.rng("night")
    reach = _sheet_of_colour(subject, easel)
    centre = (
        frame.wide * float(rng.choice([0.2, 0.32, 0.68, 0.8])),
        min(frame.tall * 0.2, max(120.0, subject.box[1] * 0.5)),
    )
    moon = frame.edge(disc(frame, centre, float(rng.uniform(58, 84))), 2)
    stars = dots(
        frame,
        np.column_stack(
            [rng.uniform((0, 0), (frame.wide, frame.tall * 0.7), (130, 2)), np.exp(rng.normal(0.2, 0.5, 130))]
        ).astype(np.float32),
    )
    glow = np.exp(-np.maximum(-disc(frame, centre, 70), 0) / np.float32(120))
    depth = 1.05 - 0.35 * frame.y / np.float32(frame.tall) + 0.2 * easel.cloud - 0.38 * glow
    kept = (1 - 0.95 * moon) * (1 - 0.9 * stars)
    glaze(
        canvas,
        gradient(
            (pigments.deep, pigments.word[1], pigments.hills[2]),
            plane(frame.y / np.float32(frame.tall) + 0.08 * easel.cloud),
        ),
        plane(wash(easel, reach, edge=0.5) * np.clip(depth, 0.3, 1.5) * kept),
    )
    for index, near in enumerate((0.0, 1.0)):
        line = peaks(frame, subject.rng(f"dark range {index}"), frame.tall * (0.86 + 0.08 * near), 130, 5)
        glaze(canvas, pigments.deep, plane(wash(easel, frame.edge(below(frame, line)), strength=0.55) * reach))
    return True


def meadow(subject: Subject, easel: Easel, pigments: Pigments, canvas: Canvas) -> bool:
    """Loose blossoms and leaves that frame the word on mostly white paper."""
    frame = subject.frame
    for index, colour in enumerate((pigments.sky[0], pigments.sun, pigments.sky[-1])):
        stain = smoothstep(0.35, 1.5, Easel.turbulence(subject, f"stain {index}", 460))
        glaze(canvas, colour, plane(stain * 0.5 * _quiet(subject)))
    sprays, heads = leaves(subject), blossom_heads(subject)
    for index, leaf in enumerate(sprays):
        shape = frame.edge(plane(soften(frame, leaf, 1.0) * 8 - 4 + easel.flow * 0.8))
        glaze(
            canvas,
            pigments.hills[1 + index % 3],
            plane(wash(easel, shape, strength=0.85, edge=0.9) * (0.55 + 0.45 * _quiet(subject))),
        )
    for index, head in enumerate(heads):
        colour = (pigments.accent, pigments.sun, pigments.accent)[index % 3]
        shape = frame.edge(plane(soften(frame, head, 1.5) * 8 - 4 + easel.flow * 1.0))
        glaze(canvas, colour, plane(wash(easel, shape, strength=0.62, edge=1.1, width=9)))
    return False


def colours(subject: Subject, easel: Easel, pigments: Pigments, canvas: Canvas) -> bool:
    """Wet-in-wet colour fields bleeding into each other round the word, and white paper beyond."""
    frame, rng = subject.frame, subject.rng("fields")
    x, y = subject.centre
    half = (max(subject.box[2] - subject.box[0], 300.0) / 2, max(subject.box[3] - subject.box[1], 300.0) / 2)
    for index, colour in enumerate((pigments.sky[0], pigments.sun, pigments.hills[0], pigments.accent)):
        angle = (index + rng.uniform(-0.2, 0.2)) * np.pi / 2
        place = (x + np.cos(angle) * half[0] * 0.72, y + np.sin(angle) * max(half[1], half[0] * 0.6) * 0.85)
        size = float(rng.uniform(210, 320))
        field = disc(frame, place, size) + 70 * Easel.turbulence(subject, f"field {index}", 260) + 14 * easel.flow
        shape = fringe(easel, plane(field), astray=4)
        inner = smoothstep(-0.1, 0.9, plane(field / np.float32(size)))
        bloom = Easel.bloom(subject, f"field bloom {index}", 200)
        glaze(
            canvas,
            colour,
            plane(
                wash(easel, shape, strength=0.62, edge=0.9, width=9)
                * (0.55 + 0.45 * inner - 0.3 * bloom)
                * _quiet(subject)
            ),
        )
    return False


Scene = Callable[[Subject, Easel, Pigments, Canvas], bool]
SCENES: tuple[tuple[str, Scene], ...] = (
    ("mountain city snow", hills),
    ("water fire", lake),
    ("plant mountain", forest),
    ("night snow", night),
    ("plant fire study", meadow),
    ("study fire city", colours),
)
