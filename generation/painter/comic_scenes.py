"""What happens behind the comic word: bursts, skylines, clouds, waves, panels. Knows inks, not the letters."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from generation.painter.fields import Canvas, Frame, Plane, Points, cover, plane, radius, smoothstep
from generation.painter.halftone import dot_screen, rays, speed_lines
from generation.painter.palette import Colour, gradient, rgb, swatch
from generation.painter.shapes import below, disc, dots, fractal_line, lines, polygons
from generation.painter.subject import Subject

INK: Colour = rgb("#15121c")
_PAPER: Colour = rgb("#fffaf0")


@dataclass(frozen=True, slots=True)
class Inks:
    """A printer's set.

    Attributes:
        sky: two or three ground colours.
        accent: what jumps out of the ground.
        second: its companion.
        word: the letters, from the top down, all light.
        side: the side of the block letters.
        rim: round the letters, dark, so that pale letters stand out for every eye.
    """

    sky: tuple[Colour, ...]
    accent: Colour
    second: Colour
    word: tuple[Colour, ...]
    side: Colour
    rim: Colour


def _set(sky: str, pair: str, word: str, side: str, rim: str) -> Inks:
    accent, second = swatch(pair)
    return Inks(swatch(sky), accent, second, swatch(word), rgb(side), rgb(rim))


PALETTES: tuple[tuple[str, Inks], ...] = (
    (
        "water study",
        _set("#1273d8 #36a9f0 #a5e3fb", "#ffd21f #ff5a3c", "#fff36b #ffd21f #ff9a2b", "#c2261f", "#10235c"),
    ),
    ("fire", _set("#e8262a #ff6a2b #ffc23d", "#ffe34d #2b3fa8", "#fffbe0 #fff07a #ffc81e", "#5a1078", "#2a1040")),
    ("plant", _set("#0f9d6b #5cc95e #d8ef7d", "#ffdf3b #7a3bd0", "#ffe9f1 #ffb3cf #ff86b2", "#8a0f5a", "#3d0a2e")),
    ("night", _set("#2a1a6e #6b2fb3 #e2559f", "#ffd447 #e2418f", "#eaffff #7dedff #38b4ff", "#12125e", "#1d0f4d")),
    ("city", _set("#ff8fb4 #ffb8c9 #ffe3d6", "#ffdc3c #f0418e", "#f2fdff #9fe8f5 #3fbfe2", "#7a1f8c", "#2d0f4a")),
    (
        "snow mountain",
        _set("#12a5b5 #5fd3d0 #d5f5e3", "#ffe25c #ff5f43", "#fffdf0 #ffe98a #ffb43a", "#a8263a", "#3d0f2e"),
    ),
)


def _corner(frame: Frame, centre: tuple[float, float]) -> Plane:
    """0 at a point, 1 about as far as the corners."""
    return plane(radius(frame, centre) / np.float32(np.hypot(frame.wide, frame.tall) * 0.56))


def _star(rng: np.random.Generator, subject: Subject, grow: float, points: int = 22) -> Points:
    """An explosion's outline round the word's box: long and short spikes in turn."""
    x, y = subject.centre
    half_x, half_y = (subject.box[2] - subject.box[0]) / 2 + 40, (subject.box[3] - subject.box[1]) / 2 + 40
    turn = np.linspace(0, 2 * np.pi, points * 2, endpoint=False) + rng.uniform(0, 1)
    spike = np.where(np.arange(points * 2) % 2, 1.0, 1.30) + rng.uniform(-0.07, 0.16, points * 2)
    reach = np.float32(grow) * spike
    return plane(np.column_stack([x + np.cos(turn) * half_x * reach * 1.12, y + np.sin(turn) * half_y * reach * 1.28]))


def burst(subject: Subject, inks: Inks, canvas: Canvas) -> None:
    """An explosion behind the word in front of turning rays."""
    frame, rng = subject.frame, subject.rng("burst")
    centre = subject.centre
    cover(canvas, inks.sky[1], rays(frame, centre, int(rng.integers(14, 24)), float(rng.uniform(0, 6))))
    cover(canvas, INK, plane(dot_screen(frame, plane(_corner(frame, centre) ** 2 * 0.6), 16.0) * 0.85))
    for grow, colour in ((1.16, inks.accent), (1.0, _PAPER), (0.86, inks.second)):
        star = _star(subject.rng("star"), subject, grow)
        cover(canvas, INK, polygons(frame, [plane(star + np.array([9, 11]))]))
        cover(canvas, colour, polygons(frame, [star]))
        cover(canvas, INK, lines(frame, [star], 6.0, closed=True))
    tone = plane(smoothstep(0.0, 0.75, _corner(frame, centre)) * 0.55)
    star = _star(subject.rng("star"), subject, 0.86)
    inner = polygons(frame, [star]) * (1 - lines(frame, [star], 7.0, closed=True))
    cover(canvas, INK, plane(dot_screen(frame, tone, 13.0) * inner * 0.42))


def focus(subject: Subject, inks: Inks, canvas: Canvas) -> None:
    """Speed lines that rush at the word over a graded, dotted ground."""
    frame, centre = subject.frame, subject.centre
    away = _corner(frame, centre)
    canvas[:] = gradient((_PAPER, *reversed(inks.sky)), plane(away * 1.05))
    cover(canvas, inks.accent, plane(dot_screen(frame, plane(smoothstep(0.95, 0.1, away) * 0.42), 15.0)))
    reach = 0.33 * float(np.hypot(subject.box[2] - subject.box[0], subject.box[3] - subject.box[1]))
    cover(canvas, INK, speed_lines(frame, subject.rng("speed"), centre, reach))


def city(subject: Subject, inks: Inks, canvas: Canvas) -> None:
    """A skyline with lit windows under a huge moon."""
    frame, rng = subject.frame, subject.rng("city")
    down = frame.y / np.float32(frame.tall)
    canvas[:] = gradient(inks.sky, plane(np.broadcast_to(down * 1.15, canvas.shape[:2])))
    centre = (frame.wide * float(rng.uniform(0.22, 0.78)), frame.tall * float(rng.uniform(0.24, 0.34)))
    size = float(rng.uniform(190, 270))
    cover(
        canvas,
        inks.sky[2],
        plane(
            dot_screen(frame, plane(np.exp(-np.maximum(-disc(frame, centre, size), 0) / np.float32(150)) * 0.55), 15.0)
        ),
    )
    cover(canvas, INK, frame.edge(disc(frame, centre, size + 6)))
    cover(canvas, inks.accent, frame.edge(disc(frame, centre, size)))
    crescent = plane(
        np.clip(radius(frame, (centre[0] - size * 0.4, centre[1] - size * 0.4)) / np.float32(size * 1.7) - 0.25, 0, 1)
    )
    cover(canvas, _PAPER, plane(frame.edge(disc(frame, centre, size)) * dot_screen(frame, plane(0.5 - crescent), 12.0)))
    for near, colour in ((0.0, inks.second), (0.55, inks.side), (1.0, INK)):
        _towers(subject, canvas, near, colour, inks)


def _towers(subject: Subject, canvas: Canvas, near: float, colour: Colour, inks: Inks) -> None:
    frame, rng = subject.frame, subject.rng(f"towers {near}")
    houses, panes, x = [], [], -20.0
    while x < frame.wide:
        wide, top = rng.uniform(60, 130), frame.tall * (0.60 + 0.2 * near) - rng.uniform(0, 210) * (1 - 0.35 * near)
        houses.append(_block(x, top, wide, frame.tall - top + 20))
        if rng.random() < 0.4:
            houses.append(_block(x + wide * 0.42, top - rng.uniform(20, 70), 7, 80))
        panes += _windows(rng, x, top, wide, frame.tall)
        x += wide + rng.choice([0.0, 0.0, 8.0])
    cover(canvas, INK, lines(frame, houses, 9.0, closed=True))
    cover(canvas, colour, polygons(frame, houses))
    if near:
        cover(canvas, inks.accent, polygons(frame, panes))


def _block(x: float, y: float, wide: float, tall: float) -> Points:
    return plane([[x, y], [x + wide, y], [x + wide, y + tall], [x, y + tall]])


def _windows(rng: np.random.Generator, x: float, top: float, wide: float, bottom: float) -> list[Points]:
    across, down = np.arange(x + 14, x + wide - 20, 21), np.arange(top + 18, bottom, 30)
    lit = rng.random((len(across), len(down))) < 0.42
    return [_block(float(a), float(d), 11, 16) for i, a in enumerate(across) for j, d in enumerate(down) if lit[i, j]]


def _puffs(frame: Frame, rng: np.random.Generator, base: float, size: float) -> Plane:
    """Rows of x, y, radius: a bank of round clouds along a height."""
    count = int(frame.wide / size * 1.9)
    x = np.linspace(-size, frame.wide + size, count) + rng.normal(0, size * 0.15, count)
    y = base - size * 0.5 * np.abs(fractal_line(rng, plane(x), 300, octaves=2))
    return plane(np.column_stack([x, y, size * rng.uniform(0.55, 1.1, count)]))


def _bank(
    subject: Subject, canvas: Canvas, name: str, base: float, size: float, colours: tuple[Colour, Colour]
) -> None:
    frame = subject.frame
    puffs = _puffs(frame, subject.rng(name), base, size)
    grown, lowered = puffs + plane([0, 0, 6]), puffs + plane([size * 0.1, size * 0.22, -size * 0.06])
    floor = frame.edge(plane(np.broadcast_to(frame.y - np.float32(base), canvas.shape[:2])))
    cover(canvas, INK, dots(frame, grown))
    cover(canvas, colours[0], np.maximum(dots(frame, puffs), floor))
    shade = np.maximum(dots(frame, lowered), floor)
    tone = smoothstep(base - size, base + size * 0.8, frame.y) * np.ones_like(shade) * 0.6
    cover(canvas, colours[1], plane(dot_screen(frame, tone, 12.0) * shade))


def clouds(subject: Subject, inks: Inks, canvas: Canvas) -> None:
    """Sun rays over banks of round clouds."""
    frame, rng = subject.frame, subject.rng("clouds")
    centre = (frame.wide * float(rng.uniform(0.3, 0.7)), frame.tall * float(rng.uniform(0.5, 0.72)))
    away = _corner(frame, centre)
    canvas[:] = gradient(tuple(reversed(inks.sky)), plane(away))
    cover(canvas, _PAPER, plane(rays(frame, centre, 15, float(rng.uniform(0, 6))) * smoothstep(1.15, 0.1, away) * 0.8))
    cover(canvas, inks.sky[0], plane(dot_screen(frame, plane(smoothstep(0.35, 1.2, away) * 0.6), 14.0)))
    cover(canvas, INK, frame.edge(disc(frame, centre, 186)))
    cover(canvas, inks.accent, frame.edge(disc(frame, centre, 180)))
    for index, (base, size) in enumerate(((0.80, 92.0), (0.88, 112.0), (0.97, 130.0))):
        _bank(subject, canvas, f"bank {index}", frame.tall * base, size, (_PAPER, inks.sky[1]))


def sea(subject: Subject, inks: Inks, canvas: Canvas) -> None:
    """Outlined swells with dotted shade under a striped sun."""
    frame, rng = subject.frame, subject.rng("sea")
    canvas[:] = gradient(
        (inks.sky[2], _PAPER, inks.second),
        plane(np.broadcast_to(frame.y / np.float32(frame.tall * 0.8), canvas.shape[:2])),
    )
    centre = (frame.wide * float(rng.uniform(0.25, 0.75)), frame.tall * 0.42)
    sun = frame.edge(disc(frame, centre, 270))
    cover(canvas, inks.accent, plane(rays(frame, centre, 18, 0.3) * smoothstep(1.0, 0.2, _corner(frame, centre)) * 0.7))
    cover(canvas, INK, frame.edge(disc(frame, centre, 277)))
    cover(canvas, inks.accent, sun)
    cover(
        canvas,
        inks.second,
        plane(dot_screen(frame, plane(smoothstep(0.2, 0.68, frame.y / np.float32(frame.tall)) * 0.7 * sun), 13.0)),
    )
    for index, near in enumerate((0.0, 0.35, 0.7, 1.0)):
        _swell(subject, inks, canvas, index, near)


def _swell(subject: Subject, inks: Inks, canvas: Canvas, index: int, near: float) -> None:
    frame, rng = subject.frame, subject.rng(f"swell {index}")
    length, tall = 150 + 130 * near, 26 + 30 * near
    phase = (frame.x[0] + np.float32(rng.uniform(0, 900))) / np.float32(length)
    crest = np.abs(np.sin(np.pi * phase)) ** np.float32(0.8)
    distance = below(frame, plane(frame.tall * (0.66 + 0.27 * near) + tall * crest))
    cover(canvas, INK, frame.edge(plane(distance + 7)))
    cover(canvas, _PAPER, frame.edge(plane(distance + 1)))
    body = frame.edge(plane(distance - 7 - 9 * near))
    cover(canvas, inks.sky[1] if index % 2 else inks.sky[0], body)
    cover(canvas, INK, plane(dot_screen(frame, plane(smoothstep(10, 200, distance) * 0.45 * body), 11.0) * 0.8))


def panels(subject: Subject, inks: Inks, canvas: Canvas) -> None:
    """A page of slanted panels, each with its own kind of energy, which the word breaks through."""
    frame, rng = subject.frame, subject.rng("panels")
    slant, split = float(rng.uniform(-0.22, 0.22)), frame.wide * float(rng.uniform(0.38, 0.62))
    level = frame.tall * float(rng.uniform(0.4, 0.6))
    right = plane(frame.x - split - (frame.y - frame.tall / 2) * np.float32(slant * 1.4))
    under = plane(frame.y - level - (frame.x - frame.wide / 2) * np.float32(slant))
    centre = (split, level)
    grounds = (
        (inks.sky[0], inks.sky[1]),
        (inks.accent, _PAPER),
        (inks.second, inks.accent),
        (inks.sky[2], inks.sky[0]),
    )
    for index, (base, motif) in enumerate(grounds):
        region = np.minimum(right if index % 2 else -right, under if index // 2 else -under)
        cover(canvas, base, frame.edge(region))
        cover(canvas, motif, plane(_energy(frame, rng, index, centre) * frame.edge(region)))
    gutter = np.minimum(np.abs(right), np.abs(under))
    cover(canvas, INK, frame.edge(plane(15 - gutter)))
    cover(canvas, _PAPER, frame.edge(plane(8 - gutter)))


def _energy(frame: Frame, rng: np.random.Generator, index: int, centre: tuple[float, float]) -> Plane:
    away = _corner(frame, centre)
    if index == 0:
        return rays(frame, centre, 20, float(rng.uniform(0, 6)))
    if index == 1:
        return dot_screen(frame, plane(smoothstep(1.0, 0.1, away) * 0.6), 20.0)
    if index == 2:
        return speed_lines(frame, rng, centre, 120)
    return dot_screen(frame, plane(smoothstep(0.1, 1.0, away) * 0.7), 16.0)


Scene = Callable[[Subject, Inks, Canvas], None]
SCENES: tuple[tuple[str, Scene], ...] = (
    ("fire study", burst),
    ("fire", focus),
    ("city night", city),
    ("mountain snow plant", clouds),
    ("water", sea),
    ("study city", panels),
)
