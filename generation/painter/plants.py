"""Brush motifs of the ink tradition: bamboo, plum branch, reeds, a boat. Coverages from geometry; knows no colour."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from generation.painter.fields import Plane, Points, plane, soften
from generation.painter.motifs import blossom, leaf
from generation.painter.shapes import dots, lines, polygons, smooth
from generation.painter.subject import Subject


def bamboo(subject: Subject, depth: int) -> tuple[Plane, Plane]:
    """Stalks and leaves of one row of bamboo; depth 0 is the far row. Stalks keep to the sheet's sides."""
    frame, rng = subject.frame, subject.rng(f"bamboo {depth}")
    side = float(subject.rng("bamboo side").choice([0.0, 1.0]))
    stalks: list[Points] = []
    foliage: list[Points] = []
    for _ in range(4 if depth == 0 else 3):
        root = frame.wide * abs(side - float(rng.beta(1.1, 9.0 - 5.5 * (depth == 0))))
        lean, thick = float(rng.uniform(-70, 90)) * (1 - 2 * side), float(rng.uniform(9, 17)) * (0.8 + 0.4 * depth)
        joints = _joints(rng, root, lean, frame.tall)
        stalks += [_segment(a, b, thick) for a, b in pairwise(joints)]
        for x, y in joints[1:-1]:
            if rng.random() < 0.75:
                foliage += _sprig(rng, float(x), float(y), float(rng.uniform(60, 130)), 1 - 2 * side)
    return polygons(frame, stalks), polygons(frame, foliage)


def _joints(rng: np.random.Generator, root: float, lean: float, tall: float) -> Points:
    heights = [tall + 30]
    while heights[-1] > -40:
        heights.append(heights[-1] - rng.uniform(110, 190))
    y = np.array(heights)
    rise = np.maximum(1 - y / tall, 0)
    return plane(np.column_stack([root + lean * rise**1.6, y]))


def _segment(a: Points, b: Points, thick: float) -> Points:
    """One internode: slightly waisted, with swollen ends and a gap before the next."""
    t = np.linspace(0.02, 0.975, 10)
    half = thick * (0.82 + 0.35 * np.abs(2 * t - 1) ** 3) / 2
    x, y = a[0] + (b[0] - a[0]) * t, a[1] + (b[1] - a[1]) * t
    return plane(np.concatenate([np.column_stack([x - half, y]), np.column_stack([x + half, y])[::-1]]))


def _sprig(rng: np.random.Generator, x: float, y: float, length: float, way: float) -> list[Points]:
    """A twig with a hand of drooping leaves."""
    angle = (0.15 + rng.normal(0, 0.35)) if way > 0 else (np.pi - 0.15 + rng.normal(0, 0.35))
    tip_x, tip_y = x + np.cos(angle) * length, y + np.sin(angle) * length * 0.6
    twig = smooth(plane([[x, y], [(x + tip_x) / 2, (y + tip_y) / 2 - 12], [tip_x, tip_y]]))
    hand = [plane(np.concatenate([twig, twig[::-1] + plane([0, 2.2])]))]
    for _ in range(int(rng.integers(3, 6))):
        droop = np.pi / 2 - way * rng.uniform(0.1, 1.1)
        size = rng.uniform(70, 130)
        hand.append(
            leaf(tip_x + rng.normal(0, 10), tip_y + rng.normal(0, 6), droop, size, size * rng.uniform(0.13, 0.2))
        )
    return hand


def plum(subject: Subject) -> tuple[Plane, Plane, Plane]:
    """Coverages of the branch, the petals and the flowers' hearts; the branch grows in from a corner."""
    frame, rng = subject.frame, subject.rng("plum")
    flip = -1.0 if rng.random() < 0.5 else 1.0
    start = np.array([-20.0 if flip > 0 else frame.wide + 20, frame.tall * rng.uniform(0.04, 0.2)])
    wood: list[Points] = []
    buds: list[tuple[float, float]] = []
    _grow(rng, wood, buds, (start, flip * 1.0), (frame.wide * 0.8, 15.0))
    low = np.array([frame.wide + 20 if flip > 0 else -20.0, frame.tall * rng.uniform(0.86, 0.97)])
    _grow(rng, wood, buds, (low, -flip * 1.0), (frame.wide * 0.45, 10.0))
    petals: list[Points] = []
    hearts = []
    for x, y in buds:
        size = float(rng.uniform(16, 33))
        petals += blossom(rng, x, y, size)
        turn = rng.uniform(0, 2 * np.pi, 7)
        hearts += [(x + np.cos(a) * size * 0.3, y + np.sin(a) * size * 0.3, 1.5) for a in turn]
    spots = plane(hearts) if hearts else np.zeros((0, 3), np.float32)
    return polygons(frame, wood), polygons(frame, petals), dots(frame, spots)


def _grow(
    rng: np.random.Generator,
    wood: list[Points],
    buds: list[tuple[float, float]],
    origin: tuple[np.ndarray[tuple[int, ...], np.dtype[np.float64]], float],
    size: tuple[float, float],
) -> None:
    """A crooked branch of the given length and thickness, its twigs, and buds along them."""
    (place, way), (length, thick) = origin, size
    count = 9
    heading = np.cumsum(rng.normal(0, 0.32, count)) * 0.7 + rng.uniform(-0.1, 0.3)
    path = place + np.concatenate(
        [[[0, 0]], np.cumsum(np.column_stack([np.cos(heading) * way, np.sin(heading) * 0.55]) * length / count, 0)]
    )
    wood.append(_tapered(smooth(plane(path), 2), thick))
    for x, y in path[2:]:
        if thick > 6 and rng.random() < 0.75:
            twig = np.array([x, y])
            _grow(
                rng,
                wood,
                buds,
                (twig, way * float(rng.choice([1.0, 0.4]))),
                (length * float(rng.uniform(0.16, 0.3)), thick * 0.4),
            )
        elif rng.random() < 0.5:
            buds.append((float(x + rng.normal(0, 9)), float(y + rng.normal(0, 9))))


def _tapered(path: Points, thick: float) -> Points:
    along = np.gradient(path, axis=0)
    normal = np.column_stack([-along[:, 1], along[:, 0]]) / np.maximum(np.hypot(*along.T), 1e-3)[:, None]
    half = (thick * np.linspace(1, 0.18, len(path)) / 2)[:, None]
    return plane(np.concatenate([path + normal * half, (path - normal * half)[::-1]]))


def reeds(subject: Subject) -> Plane:
    """Blades of grass rising from a lower corner; they grow behind the word."""
    frame, rng = subject.frame, subject.rng("reeds")
    side = float(rng.choice([0.0, 1.0]))
    blades = []
    for _ in range(30):
        x = frame.wide * abs(side - rng.beta(1, 5)) + rng.normal(0, 10)
        tall, bend = rng.uniform(80, 230), rng.normal(0.25, 0.4) * (1 - 2 * side)
        t = np.linspace(0, 1, 10)
        path = np.column_stack([x + bend * tall * t**2, frame.tall + 10 - tall * t])
        blades.append(_tapered(plane(path), float(rng.uniform(3, 6))))
    clear = 1 - 0.85 * np.clip(soften(frame, subject.mask, 8) * 2.5, 0, 1)
    return plane(polygons(frame, blades) * clear)


def boat(subject: Subject, shore: float) -> Plane:
    """A small boat with its boatman, some way out, and the line of its shadow."""
    frame, rng = subject.frame, subject.rng("boat")
    x, y = frame.wide * float(rng.uniform(0.2, 0.8)), shore + (frame.tall - shore) * float(rng.uniform(0.35, 0.6))
    t = np.linspace(-1, 1, 16)
    keel = np.column_stack([x + t * 62, y + 9 * (1 - t**2)])
    deck = np.column_stack([x + t * 62, y - 5 * t**4 - 1 + 3 * (1 - t**2)])
    roof = np.column_stack([x + 6 + t * 22, y - 15 * np.sqrt(1 - t**2)])
    man = plane([[x - 38, y], [x - 34, y - 22], [x - 30, y - 22], [x - 27, y]])
    hat = plane([[x - 42, y - 21], [x - 32, y - 30], [x - 22, y - 21]])
    hull = polygons(frame, [plane(np.concatenate([keel, deck[::-1]])), plane(roof), man, hat])
    pole = lines(frame, [plane([[x - 26, y - 26], [x - 50, y + 24]]), plane([[x - 70, y + 15], [x + 50, y + 15]])], 1.6)
    return plane(np.maximum(hull, pole * np.float32(0.7)))
