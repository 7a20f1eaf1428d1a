"""Realistic scenes under the sky: letters drawn in beach sand, letters standing in a lake at dusk. Linear light."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from generation.painter.fields import Canvas, Plane, mix, noise, plane, radius, shade, smoothstep, soften, spread, warp
from generation.painter.light import Direction, Relief, bevel, diffuse, lay, relief
from generation.painter.materials import BRONZE, GOLD, cast_metal, sand
from generation.painter.palette import Colour, blend, gradient, linear, rgb, swatch, tinted
from generation.painter.shapes import dots, peaks
from generation.painter.subject import Subject

Stages = Iterator[Canvas]
Scene = Callable[[Subject], Stages]


def beach(subject: Subject) -> Stages:
    """The word pressed into sand by the sea: wet dark letters, raised rims, a wave running up."""
    frame = subject.frame
    light: Direction = (float(subject.choose("sun side", (-0.75, 0.75))), -0.55, 0.55)
    ground = sand(frame, subject.rng("sand"))
    yield _sunlit(subject, ground.albedo, relief(frame, ground.height), light)
    stem = subject.stem
    depth, width = float(np.clip(stem * 0.75, 4, 15)), float(np.clip(stem * 0.8, 3, 16))
    rough = noise(frame, subject.rng("crumbs"), 14, octaves=3)
    shore = plane(soften(frame, subject.distance, 1.2) + rough * np.float32(min(1.6, stem * 0.07)))
    carved = smoothstep(-width * 0.35, width * 0.65, shore)
    rim = np.exp(-(((shore + np.float32(width * 0.9)) / np.float32(width * 0.65)) ** 2))
    height = ground.height * (1 - 0.6 * carved) - depth * carved + rim * (0.30 * depth + 0.5 * rough)
    albedo = shade(ground.albedo.copy(), plane(1 - (0.70 + 0.08 * subject.firmness) * carved))
    canvas = _sunlit(subject, albedo, relief(frame, plane(height), 1.0), light)
    hollow = soften(frame, plane(carved), width * 0.5) * carved
    shade(canvas, plane(1 - 0.34 * hollow))
    _wave(subject, canvas)
    yield canvas


def _sunlit(subject: Subject, albedo: Canvas, surface: Relief, light: Direction) -> Canvas:
    warmth: Colour = subject.choose("hour", ((1.75, 1.45, 1.08), (1.9, 1.3, 0.78), (1.5, 1.45, 1.35)))
    sun = tinted(plane(diffuse(surface, light) * 0.95), warmth)
    return plane(albedo * (sun + plane((0.20, 0.24, 0.32))))


def _wave(subject: Subject, canvas: Canvas) -> None:
    """The sea, from the side where the word leaves more room: wet sand, a lace of foam, turquoise shallows."""
    frame, rng = subject.frame, subject.rng("wave")
    above, beneath = subject.box[1], frame.tall - subject.box[3]
    away = frame.y if beneath >= above else np.float32(frame.tall) - frame.y
    reach = max(frame.tall - max(above, beneath) + 58, frame.tall * 0.76)
    sway = np.clip(noise(frame, rng, 380, octaves=3, gain=0.4), -1.6, 1.6)
    slant = (frame.x - np.float32(frame.wide / 2)) * np.float32(rng.uniform(-0.03, 0.03))
    sea = plane(away - np.float32(reach) + 24 * sway + slant)
    wet = smoothstep(-70, -8, sea)
    shade(canvas, plane(1 - 0.42 * wet))
    lace = noise(frame, rng, 60, octaves=4, gain=0.55)
    cells = np.exp(-np.abs(lace) * np.float32(5.5))
    depth = smoothstep(0, 190, sea)
    light_net = np.exp(-np.abs(noise(frame, rng, 80, octaves=3, gain=0.4)) * np.float32(7)) * (1 - 0.5 * depth)
    water = gradient(tuple(linear(c) for c in swatch("#8fd8cf #3fb9bd #0d7f9c")), depth)
    clear = mix(canvas * plane((0.75, 1.0, 0.98)), water * np.float32(1.15), spread(plane(0.35 + 0.6 * depth)))
    clear = plane(clear + tinted(plane(light_net * 0.14), (0.9, 1.0, 0.95)))
    lay(canvas, clear, smoothstep(-1.5, 3.0, sea))
    edge = np.exp(-((np.maximum(sea, 0) / np.float32(20)) ** 2)) * smoothstep(-4, 1, sea)
    foam = np.clip(edge * (0.72 + 0.3 * lace) + cells * smoothstep(150, 20, sea) * smoothstep(0, 24, sea) * 0.75, 0, 1)
    lay(canvas, tinted(plane(0.92 + 0.05 * lace), (1.0, 1.0, 1.0)), plane(foam))


_SKIES: tuple[tuple[bool, tuple[Colour, ...]], ...] = (
    (True, swatch("#0b1440 #27306f #7a4a86 #cf6a5e #eda878")),
    (True, swatch("#07142e #12345c #2f6f8f #6fa39f #dfbf8c")),
    (True, swatch("#160b33 #3b1a5c #8c2f6a #c9503f #e8944a")),
    (False, swatch("#5b9bd1 #9cc3df #f3cfa8 #ffb877 #fff0c9")),
    (False, swatch("#e0864f #f2a65c #ffcb7d #ffe6ad #fff8de")),
)


def still_water(subject: Subject) -> Stages:
    """Letters as tall as houses standing in a still lake; sky, letters and far hills mirrored in it."""
    frame = subject.frame
    dusk, colours = subject.choose("sky", _SKIES)
    line = float(np.clip(subject.box[3] + 6, frame.tall * 0.5, frame.tall))
    canvas = _sky(subject, tuple(linear(c) for c in colours), line, dusk=dusk)
    yield _mirrored(subject, canvas, line)
    letters = relief(frame, plane(bevel(subject, float(np.clip(subject.stem * 0.6, 3, 14)))))
    side = 1.0 if _sun_place(subject, line)[0] > frame.wide / 2 else -1.0
    if dusk:
        metal = cast_metal(letters, GOLD, (side * 0.7, -0.3, 0.55), 0.5) * np.float32(1.5)
        metal = plane(
            metal + tinted(plane(0.25 + 0.25 * smoothstep(0, subject.stem, subject.distance)), linear(rgb("#ffdf9e")))
        )
        shade(canvas, plane(1 - (0.55 + 0.1 * subject.firmness) * np.clip(soften(frame, subject.mask, 24) * 1.3, 0, 1)))
        canvas += tinted(plane(soften(frame, subject.mask, 9) * 0.10), linear(rgb("#ffb45a")))
    else:
        metal = cast_metal(letters, BRONZE, (side * 0.8, -0.2, 0.25), 0.15) * np.float32(0.20)
        metal = plane(metal + tinted(plane(np.maximum(letters.x * side, 0) ** 1.5 * 0.5), linear(rgb("#ffb45a"))))
    lay(canvas, metal, subject.mask)
    yield _mirrored(subject, canvas, line)


def _sun_place(subject: Subject, line: float) -> tuple[float, float]:
    frame = subject.frame
    return frame.wide * float(subject.rng("sun").choice([0.16, 0.3, 0.7, 0.84])), line - float(
        subject.rng("sun height").uniform(10, 80)
    )


def _sky(subject: Subject, colours: tuple[Colour, ...], line: float, *, dusk: bool) -> Canvas:
    """Graded air, long clouds lit from the sun's side, the sun's glow, hills at the horizon; also painted below it."""
    frame = subject.frame
    height = plane(np.clip(frame.y / np.float32(line), 0, 1) ** 1.25 + np.zeros_like(subject.mask))
    canvas = gradient(colours, height)
    sun = _sun_place(subject, line)
    near = np.exp(-radius(frame, sun, 1.6) / np.float32(230))
    stretch = (3.4, 0.55)
    clouds = noise(frame, subject.rng("clouds"), 240, octaves=6, gain=0.52, stretch=stretch)
    cover = smoothstep(0.25, 1.7, plane(clouds + 0.35 * (height - 0.4)))
    lit_side = np.clip(0.35 + 0.55 * height + 0.9 * near - 0.16 * clouds, 0, 1.4)
    bright, dark = linear(rgb("#ffb98a")), (colours[1] if dusk else linear(rgb("#c98a7a")))
    cloud = gradient((blend((0.0, 0.0, 0.0), dark, 0.75), bright), plane(lit_side**2))
    lay(canvas, cloud, plane(cover * (0.62 if dusk else 0.5)))
    if dusk:
        _stars(subject, canvas, height)
    canvas += tinted(plane(near * 0.5), linear(rgb("#ff9a4f")))
    canvas += tinted(plane(smoothstep(34, 30, radius(frame, sun)) * 2.2), linear(rgb("#fff0c8")))
    for index, haze in enumerate((0.55, 0.22)):
        ridge = peaks(frame, subject.rng(f"hills {index}"), line + 14, 150 - 60 * index, 4 + index)
        land = frame.edge(plane(frame.y - ridge[None]), 1)
        tone = mix(plane(colours[0]) * np.float32(0.35), plane(colours[-2]), haze * 0.7)
        lay(canvas, plane(tinted(plane(near * 0.25), linear(rgb("#ff9a4f"))) + tone), land)
    return canvas


def _stars(subject: Subject, canvas: Canvas, height: Plane) -> None:
    frame, rng = subject.frame, subject.rng("stars")
    spots = np.column_stack([rng.uniform((0, 0), (frame.wide, frame.tall * 0.5), (170, 2)), rng.uniform(0.5, 1.5, 170)])
    canvas += tinted(plane(dots(frame, plane(spots)) * smoothstep(0.75, 0.1, height) * 0.8), (0.9, 0.95, 1.0))


def _mirrored(subject: Subject, scene: Canvas, line: float) -> Canvas:
    """The scene above the water line with its reflection below: rippled, darker towards the viewer (Fresnel)."""
    frame = subject.frame
    below = np.maximum(frame.y - np.float32(line), 0)
    depth = np.clip(below / np.float32(max(frame.tall - line, 1)), 0, 1)
    ripple = noise(frame, subject.rng("ripple"), 20, octaves=3, gain=0.6, stretch=(6.0, 0.5))
    swell = noise(frame, subject.rng("swell"), 90, octaves=2, stretch=(5.0, 0.6))
    sway = (1 + 14 * depth) * (ripple + 0.8 * swell)
    look = np.where(below > 0, -2 * below + sway * 1.3, 0)
    mirror = warp(frame, scene, plane(np.where(below > 0, sway * 0.5, 0)), plane(look))
    tone = tinted(plane(0.80 - 0.38 * depth + 0.05 * ripple), (0.86, 0.95, 1.0))
    water = smoothstep(-0.5, 0.5, frame.y - np.float32(line)) + np.zeros_like(ripple)
    glint = np.exp(-(((below - 3) / 2.5) ** 2)) * 0.10 * water
    return plane(mix(scene, mirror * tone, spread(plane(water))) + spread(plane(glint)))


OPEN_SCENES: tuple[tuple[str, Scene], ...] = (
    ("water", beach),
    ("water night mountain fire", still_water),
    ("city night fire plant", still_water),
)
