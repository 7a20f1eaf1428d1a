"""What the woodblock prints show: a great mountain, the sea, rain, blossoms, the moon, gold leaf. Colour blocks only.

A scene prints on the canvas and says whether the word is bare paper on dark (True) or dark on the picture.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from generation.painter.fields import Canvas, Plane, cover, noise, plane, smoothstep
from generation.painter.motifs import blossom, flock
from generation.painter.palette import Colour, blend, gradient, rgb, swatch
from generation.painter.plants import plum, reeds
from generation.painter.shapes import below, disc, dots, fractal_line, lines, polygons, rolling
from generation.painter.subject import Subject
from generation.painter.woodblock import Press, bokashi, gold_leaf, mist_bands, outline, seigaiha


@dataclass(frozen=True, slots=True)
class Minerals:
    """Pigments of one edition.

    Attributes:
        sky: top of the sky, and the glow over the horizon.
        sun: the disc.
        land: from far to near.
        water: dark and light.
        word: the letters, from the top down, all dark.
        pale: what tints letters left as bare paper.
    """

    sky: tuple[Colour, ...]
    sun: Colour
    land: tuple[Colour, ...]
    water: tuple[Colour, ...]
    word: tuple[Colour, ...]
    pale: tuple[Colour, ...] = (rgb("#fffaf0"), rgb("#fff1d0"))


def _edition(sky: str, sun: str, land: str, water: str, word: str) -> Minerals:
    return Minerals(swatch(sky), rgb(sun), swatch(land), swatch(water), swatch(word))


PALETTES: tuple[tuple[str, Minerals], ...] = (
    (
        "water mountain",
        _edition("#1d4a86 #efb48c", "#cf3f2a", "#8fa9b4 #5d7f8e #3c5b5a", "#1b3f78 #8fb8c9", "#1a2b57 #14161f"),
    ),
    ("fire", _edition("#b8432f #f2c27a", "#c92f22", "#c98a5e #97563f #5a3a35", "#23426b #a7b9ae", "#5a1518 #1b1418")),
    ("plant", _edition("#3f7d86 #f1d9a0", "#d2573a", "#a5b98a #6d9068 #3f6650", "#1f5a6b #9cc6b8", "#143f36 #121a1c")),
    (
        "night snow",
        _edition("#22305f #d9b7a8", "#d6452f", "#8d8fae #5f6590 #3a4068", "#1c2b5c #93a6c4", "#241f4c #14131f"),
    ),
    (
        "study city",
        _edition("#4d6a7c #e8c48e", "#c4442e", "#b7a67e #8a7b57 #56543f", "#2a4a5e #b4bfa8", "#2b2320 #131214"),
    ),
)


def _sky(subject: Subject, press: Press, minerals: Minerals, canvas: Canvas, horizon: float) -> None:
    """Deep colour wiped down from the top (ichimonji bokashi) and a glow wiped up from the horizon."""
    frame = subject.frame
    press.print(canvas, blend(minerals.sky[0], rgb("#f3e8ce"), 0.84), np.ones_like(subject.mask), 0.8)
    press.print(canvas, minerals.sky[1], bokashi(frame, horizon, horizon - 330), 0.8)
    press.print(canvas, minerals.sky[0], bokashi(frame, 60, 300), 0.96)


def _sun(subject: Subject, press: Press, minerals: Minerals, canvas: Canvas, low: float) -> None:
    frame, rng = subject.frame, subject.rng("sun")
    size = float(rng.uniform(80, 150))
    centre = (frame.wide * float(rng.choice([0.24, 0.34, 0.66, 0.76])), float(np.clip(subject.box[1] * 0.8, 190, low)))
    ball = frame.edge(disc(frame, centre, size))
    press.print(canvas, minerals.sun, plane(ball * (0.72 + 0.28 * bokashi(frame, centre[1] + size, centre[1] - size))))


def _mountain_line(subject: Subject, top: float, foot: float) -> tuple[Plane, float]:
    """The cone's outline as heights by column, and where its summit stands."""
    frame, rng = subject.frame, subject.rng("cone")
    middle = frame.wide * float(rng.choice([0.32, 0.42, 0.58, 0.68]))
    away = np.abs(frame.x[0] - np.float32(middle)) / np.float32(frame.wide * 0.62)
    crater = np.maximum(away - 0.045, 0)
    cone = np.exp(-3.6 * crater) * (1 - 0.35 * crater)
    jag = fractal_line(rng, frame.x[0], 46, octaves=3) * np.float32(3) * (1 - away.clip(0, 1))
    return plane(foot - (foot - top) * (cone - np.exp(-3.6)) / (1 - np.exp(-3.6)) + jag), middle


def great_mountain(subject: Subject, press: Press, minerals: Minerals, canvas: Canvas) -> bool:
    """The great cone with its snow, mackerel clouds, a wooded foot."""
    frame, tall = subject.frame, subject.frame.tall
    foot = tall * 0.80
    top = float(np.clip(subject.box[1] - 110, tall * 0.10, tall * 0.30))
    _sky(subject, press, minerals, canvas, foot)
    _mackerel(subject, press, canvas)
    line, middle = _mountain_line(subject, top, foot)
    distance = below(frame, line)
    body = frame.edge(distance)
    press.print(
        canvas,
        gradient(
            (minerals.land[1], minerals.land[0], blend(minerals.land[0], minerals.sky[1], 0.5)),
            plane(distance / np.float32(foot - top) + np.zeros_like(body)),
        ),
        body,
    )
    fingers = noise(frame, subject.rng("snow"), 60, octaves=4, stretch=(0.4, 3.0))
    spread = np.abs(frame.x - np.float32(middle)) * np.float32(0.10)
    snow = frame.edge(plane(np.minimum(distance, (foot - top) * 0.26 - (frame.y - top) + 46 * fingers + spread)))
    cover(canvas, press.washi, plane(snow * body * press.picture))
    press.key(canvas, outline(frame, plane(distance * np.float32(0.75)), 3.0))
    _woods(subject, press, minerals, canvas, foot)
    return False


def _mackerel(subject: Subject, press: Press, canvas: Canvas) -> None:
    frame, rng = subject.frame, subject.rng("mackerel")
    bands = mist_bands(frame, rng, int(rng.integers(5, 9)), (frame.tall * 0.12, frame.tall * 0.62))
    shape = frame.edge(bands)
    cover(canvas, press.washi, plane(shape * press.picture * 0.92))


def _woods(subject: Subject, press: Press, minerals: Minerals, canvas: Canvas, foot: float) -> None:
    """Rolling woods at the foot, dabbed with the points of a brush, dark towards the edge."""
    frame = subject.frame
    for index in (1, 2):
        rng = subject.rng(f"woods {index}")
        line = rolling(frame, rng, foot + 62 * (index - 1), 40, 260)
        distance = below(frame, line)
        press.print(canvas, minerals.land[index], frame.edge(distance))
        place = rng.uniform((0, 0), (frame.wide, frame.tall - foot + 40), (420, 2)) + np.array([0, foot - 10])
        keep = place[:, 1] > np.interp(place[:, 0], frame.x[0], line) + 4
        spots = np.column_stack([place, rng.uniform(3, 7, 420)])[keep]
        press.print(canvas, blend(minerals.land[index], rgb("#1b2226"), 0.42), dots(frame, plane(spots)), 0.8)
        press.key(canvas, outline(frame, plane(distance * np.float32(0.95)), 2.4))
    press.print(canvas, rgb("#1e2a30"), bokashi(frame, frame.tall, frame.tall - 120), 0.55)


def sea(subject: Subject, press: Press, minerals: Minerals, canvas: Canvas) -> bool:
    """Ocean-wave pattern below a great sun, mist drifting across."""
    frame, tall = subject.frame, subject.frame.tall
    level = float(np.clip(subject.box[3] - 90, tall * 0.55, tall * 0.72))
    _sky(subject, press, minerals, canvas, level)
    _sun(subject, press, minerals, canvas, level - 60)
    _mackerel(subject, press, canvas)
    swell = plane(level + 20 * np.sin(frame.x[0] / np.float32(150) + float(subject.rng("phase").uniform(0, 6))))
    body = frame.edge(below(frame, swell))
    rings, rims = seigaiha(frame, float(subject.rng("fan").uniform(50, 74)), level)
    press.print(
        canvas,
        gradient(
            (minerals.water[1], minerals.water[0]),
            plane((frame.y - np.float32(level)) / np.float32(tall - level) + np.zeros_like(body)),
        ),
        body,
    )
    cover(canvas, press.washi, plane(frame.edge(rings) * body * press.picture * 0.86))
    press.key(canvas, plane(rims * body * 0.85))
    press.key(canvas, outline(frame, below(frame, swell), 3.2))
    press.print(canvas, minerals.water[0], bokashi(frame, tall, tall - 170), 0.55)
    return False


def breakers(subject: Subject, press: Press, minerals: Minerals, canvas: Canvas) -> bool:
    """Swells striped with the lines of their water, foam on every crest."""
    tall = subject.frame.tall
    _sky(subject, press, minerals, canvas, tall * 0.6)
    _sun(subject, press, minerals, canvas, tall * 0.5)
    for index, near in enumerate((0.0, 0.33, 0.66, 1.0)):
        _breaker(subject, press, minerals, canvas, (index, near))
    return False


def _breaker(subject: Subject, press: Press, minerals: Minerals, canvas: Canvas, which: tuple[int, float]) -> None:
    (index, near), frame = which, subject.frame
    rng = subject.rng(f"breaker {index}")
    base = frame.tall * (0.60 + 0.26 * near)
    at = (frame.x[0] + np.float32(rng.uniform(0, 1200))) / np.float32(230 + 90 * near)
    crest = np.abs(np.sin(np.pi * at / 2)) ** np.float32(2.2) * (
        0.75 + 0.35 * fractal_line(rng, frame.x[0], 300, octaves=1)
    )
    line = plane(base - (78 + 26 * near) * crest + 30)
    distance = below(frame, line)
    body = frame.edge(distance)
    press.print(
        canvas,
        gradient(
            (minerals.water[0], blend(minerals.water[0], minerals.water[1], 0.55), minerals.water[1]),
            plane(distance / np.float32(190) + np.zeros_like(body)),
        ),
        body,
    )
    stripes = np.mod(distance + 5 * noise(frame, subject.rng(f"water {index}"), 160, octaves=2), np.float32(30)) - 15
    cover(
        canvas,
        press.washi,
        plane(outline(frame, plane(stripes), 6.5) * body * smoothstep(12, 40, distance) * press.picture * 0.9),
    )
    tip = smoothstep(0.35, 0.95, crest)
    place = np.repeat(np.arange(0, frame.width, max(1, int(7 * frame.unit))), 2)
    reach = rng.uniform(0, 15, len(place)) * tip[place]
    foam = np.column_stack(
        [
            frame.x[0][place] + rng.normal(0, 3, len(place)),
            line[place] + reach,
            1.2 + rng.uniform(3, 9, len(place)) * tip[place],
        ]
    )
    foam = foam[tip[place] > 0.08]
    if len(foam):
        press.key(canvas, dots(frame, plane(foam + np.array([0, 0, 2.2]))))
        cover(canvas, press.washi, plane(dots(frame, plane(foam)) * press.picture))
    press.key(canvas, plane(outline(frame, plane(distance * np.float32(0.85)), 2.8) * (1 - tip[None, :])))


def rain(subject: Subject, press: Press, minerals: Minerals, canvas: Canvas) -> bool:
    """Evening rain over grey-blue hills: two sets of fine slanting lines."""
    frame, tall = subject.frame, subject.frame.tall
    _sky(subject, press, minerals, canvas, tall * 0.7)
    for index, near in enumerate((0.0, 0.5, 1.0)):
        line = rolling(frame, subject.rng(f"hill {index}"), tall * (0.60 + 0.24 * near), 80 - 30 * near, 340)
        distance = below(frame, line)
        body = frame.edge(distance)
        fade = 0.35 + 0.65 * np.exp(-np.maximum(distance, 0) / np.float32(90 + 60 * near))
        press.print(canvas, minerals.land[index], plane(body * fade))
        press.key(canvas, plane(outline(frame, plane(distance * np.float32(0.95)), 2.2) * 0.8))
    rng = subject.rng("rain")
    room = smoothstep(-4, -16, subject.distance)
    for slant, count, colour in ((0.20, 240, minerals.water[0]), (0.28, 150, minerals.word[1])):
        x, y = rng.uniform(-200, frame.wide, count), rng.uniform(-100, tall, count)
        length = rng.uniform(140, 420, count)
        paths = [plane([[a, b], [a + slant * n, b + n]]) for a, b, n in zip(x, y, length, strict=True)]
        press.print(canvas, colour, plane(lines(frame, paths, 1.3) * (0.45 + 0.55 * room)), 0.6)
    return False


def blossoms(subject: Subject, press: Press, minerals: Minerals, canvas: Canvas) -> bool:
    """A flowering bough across a wiped sky, petals on the wind."""
    frame, rng = subject.frame, subject.rng("petals")
    _sky(subject, press, minerals, canvas, frame.tall)
    _sun(subject, press, minerals, canvas, frame.tall * 0.4)
    wood, petals, hearts = plum(subject)
    press.print(canvas, rgb("#4a372f"), wood)
    press.key(canvas, plane(np.maximum(np.clip(wood * 4, 0, 1) - wood, 0)))
    loose = [
        blossom(rng, float(x), float(y), float(rng.uniform(9, 17)))[0]
        for x, y in rng.uniform((0, 0), (frame.wide, frame.tall), (46, 2))
    ]
    flowers = np.maximum(petals, polygons(frame, loose))
    rim = np.maximum(_grown(flowers, 2.2 * frame.unit) - flowers, 0)
    press.key(canvas, plane(rim * 0.8))
    cover(canvas, rgb("#f6c3bd"), plane(flowers * press.picture))
    press.print(canvas, minerals.sun, hearts)
    return False


def _grown(shape: Plane, reach_px: float) -> Plane:
    size = 2 * max(1, round(reach_px)) + 1
    return plane(cv2.dilate(shape, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))))


def autumn_moon(subject: Subject, press: Press, minerals: Minerals, canvas: Canvas) -> bool:
    """A huge moon in a deep night, geese, tall grass; the word is bare paper."""
    frame, tall = subject.frame, subject.frame.tall
    night = gradient(
        (
            blend(minerals.sky[0], rgb("#0c1230"), 0.72),
            blend(minerals.water[0], rgb("#12204a"), 0.45),
            blend(minerals.water[0], minerals.sky[1], 0.35),
        ),
        plane(frame.y / np.float32(tall) + np.zeros_like(subject.mask)),
    )
    press.print(canvas, night, np.ones_like(subject.mask))
    rng = subject.rng("moon")
    centre = (frame.wide * float(rng.choice([0.3, 0.7])), float(np.clip(subject.box[1] * 0.7, 150, tall * 0.3)))
    moon = frame.edge(disc(frame, centre, float(rng.uniform(110, 165))))
    cover(canvas, blend(minerals.sky[1], rgb("#fff6dc"), 0.7), plane(moon * press.picture * (0.96 - 0.1 * press.grain)))
    bands = mist_bands(frame, subject.rng("mist"), 5, (tall * 0.15, tall * 0.8))
    press.print(canvas, blend(minerals.water[0], minerals.water[1], 0.4), frame.edge(bands), 0.55)
    press.key(canvas, plane(flock(subject)))
    line = rolling(frame, subject.rng("bank"), tall * 0.86, 50)
    press.print(canvas, rgb("#10162b"), frame.edge(below(frame, line)), 0.95)
    press.print(canvas, blend(minerals.sky[1], rgb("#c9a15a"), 0.5), reeds(subject), 0.9)
    return True


def gold_ground(subject: Subject, press: Press, minerals: Minerals, canvas: Canvas) -> bool:
    """Gold leaf, a dark stream of combed water, clouds of mist (after the Rimpa school)."""
    frame, rng = subject.frame, subject.rng("stream")
    tone = gold_leaf(frame, subject.rng("leaf"))
    cover(canvas, gradient(swatch("#8a6424 #c99a3f #e6c36c #f6e3a4"), tone), press.picture)
    course = frame.x - np.float32(frame.wide * 0.5) - (frame.y - frame.tall / 2) * np.float32(rng.choice([-0.7, 0.7]))
    course = (
        course
        + 90 * np.sin(frame.y / np.float32(170) + np.float32(rng.uniform(0, 6)))
        + 14 * noise(frame, rng, 300, octaves=2)
    )
    stream = plane(np.float32(rng.uniform(150, 210)) - np.abs(course))
    body = frame.edge(stream)
    press.print(canvas, blend(minerals.water[0], minerals.water[1], 0.35), body, 0.86)
    combed = np.mod(stream + 16 * np.sin(frame.y / np.float32(52) + stream / np.float32(60)), np.float32(26)) - 13
    cover(canvas, rgb("#e6c36c"), plane(outline(frame, plane(combed), 3.4) * body * press.picture))
    press.key(canvas, outline(frame, stream, 3.0))
    flowers = [
        blossom(rng, float(x), float(y), float(rng.uniform(26, 44)))
        for x, y in rng.uniform((60, 60), (frame.wide - 60, frame.tall - 60), (16, 2))
    ]
    petals = polygons(frame, [petal for flower in flowers for petal in flower])
    press.key(canvas, np.maximum(_grown(petals, 2.0 * frame.unit) - petals, 0))
    cover(
        canvas, subject.choose("petal", (rgb("#f7efe2"), minerals.sun, rgb("#f2b8ae"))), plane(petals * press.picture)
    )
    return False


Scene = Callable[[Subject, Press, Minerals, Canvas], bool]
SCENES: tuple[tuple[str, Scene], ...] = (
    ("mountain snow", great_mountain),
    ("water", sea),
    ("water fire", breakers),
    ("city snow water", rain),
    ("plant study", blossoms),
    ("night", autumn_moon),
    ("study fire plant", gold_ground),
)
