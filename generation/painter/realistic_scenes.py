"""Realistic scenes under lamps: metal on boards, neon on brick, inlay in marble, frost on a lake. Linear light."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from generation.painter.fields import Canvas, Frame, Plane, noise, plane, radius, shade, smoothstep, soften, spread
from generation.painter.light import (
    Direction,
    bevel,
    cast_shadow,
    diffuse,
    focused,
    glow,
    highlight,
    lay,
    occlusion,
    relief,
)
from generation.painter.materials import (
    GOLD,
    ROSE,
    SILVER,
    Metal,
    bricks,
    cast_metal,
    frozen_lake,
    lit,
    marble,
    planks,
    sheen,
)
from generation.painter.palette import gradient, linear, rgb, swatch, tinted
from generation.painter.subject import Subject

Stages = Iterator[Canvas]
"""Two canvases in linear light: the ground alone, then with the word in it."""
Scene = Callable[[Subject], Stages]

_WOODS = (swatch("#1d0f08 #7a4a2a"), swatch("#17110d #5f4a3a"), swatch("#20140c #9a6a3c"), swatch("#0f1416 #4c5a5e"))


def lamp(subject: Subject) -> Direction:
    """The key light: from above, left or right by seed."""
    return float(subject.choose("lamp", (-0.62, -0.4, 0.5))), -0.66, 0.62


def pool(frame: Frame, centre: tuple[float, float], size: float) -> Plane:
    """Brightness of a lamp's pool on a wall."""
    return plane(0.22 + 0.95 * np.exp(-((radius(frame, centre, 1.25) / np.float32(size)) ** 2)))


def _shallow(subject: Subject) -> Plane:
    """Sharp within the word's reach, soft towards the sheet's rim."""
    frame = subject.frame
    away = np.abs(frame.y - np.float32(subject.centre[1])) - np.float32((subject.box[3] - subject.box[1]) / 2)
    return plane(np.broadcast_to(smoothstep(330, 60, away), subject.mask.shape))


def boards(subject: Subject) -> Stages:
    """Cast metal letters lying on old boards under a lamp."""
    frame, light = subject.frame, lamp(subject)
    ground = planks(frame, subject.rng("planks"), subject.choose("wood", _WOODS))
    canvas = lit(ground, frame, light, (1.5, 1.28, 1.0), (0.10, 0.10, 0.13))
    shade(canvas, plane(pool(frame, (subject.centre[0] + light[0] * 260, subject.centre[1] - 140), 560)))
    canvas *= np.float32(0.8 - 0.25 * subject.firmness)
    focused(frame, canvas, _shallow(subject))
    yield canvas
    _set_metal(subject, canvas, light, subject.choose("metal", (GOLD, GOLD, SILVER, ROSE)))
    yield canvas


def _set_metal(subject: Subject, canvas: Canvas, light: Direction, kind: Metal) -> None:
    frame, stem = subject.frame, subject.stem
    rise = float(np.clip(stem * 0.9, 5, 24))
    shade(canvas, plane(1 - 0.82 * cast_shadow(subject, subject.mask, light, rise)))
    shade(canvas, plane(1 - 0.45 * occlusion(subject, subject.mask, rise * 0.6)))
    brushed = noise(frame, subject.rng("brushed"), 26, octaves=3, stretch=(4.0, 0.35))
    brushed = brushed * np.float32(0.07) * smoothstep(0.5, 8, subject.distance)
    letters = relief(frame, plane(bevel(subject, float(np.clip(stem * 0.62, 3, 15))) + brushed))
    phase = np.float32(subject.rng("sweep").uniform(0, 6))
    sweep = 0.55 + 0.55 * np.sin((frame.y + 0.55 * frame.x) / np.float32(150) + phase)
    lay(canvas, plane(cast_metal(letters, kind, light, plane(sweep)) * np.float32(1.25)), subject.mask)
    spill = soften(frame, subject.mask, rise * 1.6) * (1 - subject.mask)
    canvas += tinted(plane(spill * 0.035), kind.bright)


_NEON = (
    swatch("#ff2f7d #7a5cff"),
    swatch("#19e3ff #3a6bff"),
    swatch("#ff8a1f #ff2f5e"),
    swatch("#5dff9b #18c8ff"),
    swatch("#ffe14a #ff5aa8"),
)
_WALLS = (swatch("#3a1d18 #8a4636"), swatch("#23262e #5a6270"), swatch("#33231d #7d6250"))


def neon(subject: Subject) -> Stages:
    """Lit channel letters on a brick wall at night."""
    frame = subject.frame
    wall = bricks(frame, subject.rng("bricks"), subject.choose("wall", _WALLS))
    upper, lower = (linear(colour) for colour in subject.choose("neon", _NEON))
    moon = lit(wall, frame, (-0.5, -0.6, 0.5), (0.035, 0.045, 0.075), (0.010, 0.011, 0.018))
    yield moon
    down = (frame.y - np.float32(subject.box[1])) / np.float32(max(subject.box[3] - subject.box[1], 1))
    colour = gradient((upper, lower), plane(np.broadcast_to(down, subject.mask.shape)))
    reach = float(np.clip(subject.stem / 20, 0.5, 1.2))
    halo = glow(frame, subject.mask, (16 * reach, 60 * reach, 170), (0.30, 0.34, 0.50))
    facing = relief(frame, wall.height, 0.8).z
    canvas = plane(
        moon
        + wall.albedo * colour * spread(plane(halo * (0.55 + 0.75 * facing) * np.float32(2.3 - 0.7 * subject.firmness)))
    )
    _tubes(subject, canvas, colour)
    yield canvas


def _tubes(subject: Subject, canvas: Canvas, colour: Canvas) -> None:
    """The letters: a dark casing, a saturated rim, and a face that burns nearly white."""
    frame, stem = subject.frame, subject.stem
    case = frame.edge(plane(subject.distance + np.float32(min(6.0, stem * 0.3))))
    lay(canvas, plane(canvas * np.float32(0.10)), case)
    hot = smoothstep(0.0, min(14.0, stem * 0.8), subject.distance)
    face = colour * np.float32(1.5) + spread(plane(0.42 + 0.9 * hot)) * (colour * np.float32(0.8) + np.float32(0.75))
    lay(canvas, plane(face), subject.mask)
    canvas += colour * spread(plane(glow(frame, subject.mask, (7, 30), (0.10, 0.10)) * (1 - subject.mask)))


def inlay(subject: Subject) -> Stages:
    """Letters of metal or lapis let into polished marble."""
    frame, light = subject.frame, lamp(subject)
    dark = bool(subject.rng("stone").random() < 0.6)
    tones, vein = (
        (swatch("#07090c #14181f #2b323c"), rgb("#d8cdb8"))
        if dark
        else (swatch("#d3cfc8 #ece9e4 #faf8f5"), rgb("#8d8a88"))
    )
    slab = marble(frame, subject.rng("marble"), tones, vein)
    canvas = lit(slab, frame, light, (1.1, 1.05, 0.98), (0.20, 0.21, 0.24))
    shade(canvas, plane(pool(frame, (subject.centre[0] + light[0] * 200, subject.centre[1] - 180), 760)))
    canvas += tinted(
        plane(sheen(frame, slab, light) * pool(frame, (frame.wide * 0.3, frame.tall * 0.12), 260) * 0.10),
        (1.0, 0.97, 0.9),
    )
    yield canvas
    _let_in(subject, canvas, light, dark=dark)
    yield canvas


def _let_in(subject: Subject, canvas: Canvas, light: Direction, *, dark: bool) -> None:
    """A groove whose upper wall throws a shadow, filled flush with metal; a bright arris round it."""
    frame, stem = subject.frame, subject.stem
    depth = float(np.clip(stem * 0.55, 3, 13))
    cut = relief(frame, plane(-bevel(subject, depth)))
    wall = cast_shadow(subject, plane(1 - subject.mask), light, depth * 1.1) * subject.mask
    if dark:
        fill = cast_metal(cut, subject.choose("inlay", (GOLD, GOLD, ROSE)), light, 0.62)
        fill *= np.float32(1.35)
    else:
        fleck = smoothstep(1.7, 2.6, noise(frame, subject.rng("fleck"), 9, octaves=3))
        stone = gradient(
            tuple(linear(c) for c in subject.choose("gem", _GEMS)),
            plane(0.5 + 0.25 * noise(frame, subject.rng("gem"), 60, octaves=5)),
        )
        shine = highlight(cut, light, 30)
        fill = plane(
            stone * spread(plane(0.35 + 0.8 * diffuse(cut, light)))
            + tinted(plane(fleck * 0.35), linear(rgb("#e9c46a")))
            + tinted(shine * np.float32(0.5), (1, 1, 1))
        )
    lay(canvas, plane(fill * spread(plane(1 - 0.5 * wall))), subject.mask)
    arris = frame.edge(plane(1.4 - np.abs(subject.distance + 1.0)))
    canvas += tinted(plane(arris * (0.10 if dark else 0.05)), (1.0, 0.9, 0.75))


_GEMS = (swatch("#0a1a55 #14358f #2a58c4"), swatch("#04342a #0a5a45 #1b8567"), swatch("#3d0610 #7a0f1f #a82233"))


def frost(subject: Subject) -> Stages:
    """Letters of white frost and ice on a dark frozen lake."""
    frame, light = subject.frame, lamp(subject)
    ground = frozen_lake(frame, subject.rng("ice"))
    canvas = lit(ground, frame, light, (0.75, 0.86, 1.0), (0.16, 0.19, 0.24))
    shade(canvas, plane(pool(frame, (subject.centre[0], subject.centre[1] - 60), 620)))
    canvas *= np.float32(0.85 - 0.25 * subject.firmness)
    focused(frame, canvas, _shallow(subject))
    yield canvas
    stem = subject.stem
    rise = float(np.clip(stem * 0.8, 4, 20))
    shade(canvas, plane(1 - 0.7 * cast_shadow(subject, subject.mask, light, rise)))
    crystals = noise(frame, subject.rng("crystals"), 30, octaves=4, gain=0.6)
    letters = relief(frame, plane(bevel(subject, float(np.clip(stem * 0.8, 3, 18))) + 0.7 * crystals))
    core = smoothstep(0, stem * 1.1, subject.distance)
    ice = gradient(
        (linear(rgb("#eefaff")), linear(rgb("#bfe6f8")), linear(rgb("#8ccbea"))), plane(core * 0.8 + 0.10 * crystals)
    )
    ice = ice * spread(plane(0.50 + 0.75 * diffuse(letters, light))) + tinted(
        highlight(letters, light, 60) * np.float32(1.4), (1, 1, 1)
    )
    lay(canvas, plane(ice), subject.mask)
    canvas += tinted(plane(soften(frame, subject.mask, 26) * (1 - subject.mask) * 0.10), linear(rgb("#9fdcff")))
    yield canvas


STUDIO_SCENES: tuple[tuple[str, Scene], ...] = (
    ("study plant", boards),
    ("city night fire", neon),
    ("mountain study", inlay),
    ("snow", frost),
)
