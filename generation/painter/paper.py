"""Sheets to paint on: cold-pressed watercolor paper, rice paper, washi, a block's wood grain. Knows no scene."""

from __future__ import annotations

import numpy as np

from generation.painter.fields import Canvas, Frame, Plane, mix, noise, plane, soften, standardise
from generation.painter.palette import Colour, tinted
from generation.painter.shapes import lines, smooth


def cold_press(frame: Frame, rng: np.random.Generator) -> Plane:
    """Height of cold-pressed paper, unit variance: pebbles a few units across with finer tooth on them."""
    pebbles = noise(frame, rng, 9, octaves=2, gain=0.6)
    tooth = noise(frame, rng, 3, octaves=2, gain=0.7)
    return standardise(plane(pebbles - 0.35 * np.abs(pebbles) + 0.6 * tooth))


def lit_paper(frame: Frame, height: Plane, tint: Colour, relief: float = 0.012) -> Canvas:
    """A sheet seen in light that falls from the upper left on its relief."""
    slope = np.gradient(soften(frame, height, 0.6), axis=(0, 1))
    shade = plane(1 + relief * 1.6 * (slope[0] + slope[1]) / max(frame.unit, 0.5))
    return plane(np.clip(tinted(shade, tint), 0, 1))


def fibres(frame: Frame, rng: np.random.Generator, count: int, length: float = 60) -> Plane:
    """Coverage of long curved plant fibres, as in rice paper and washi."""
    return plane(np.clip(lines(frame, [_fibre(frame, rng, length) for _ in range(count)], 1.0), 0, 1))


def _fibre(frame: Frame, rng: np.random.Generator, length: float) -> Plane:
    start = rng.uniform((0, 0), (frame.wide, frame.tall))
    heading = rng.uniform(0, 2 * np.pi) + np.cumsum(rng.normal(0, 0.4, 6))
    step = rng.uniform(0.4, 1.4) * length / 6
    return smooth(plane(start + np.cumsum(np.stack([np.cos(heading), np.sin(heading)], 1) * step, 0)), 1)


def rice_paper(frame: Frame, rng: np.random.Generator, tint: Colour) -> Canvas:
    """Xuan paper: warm, cloudy, with light and dark fibres."""
    cloud, tooth = noise(frame, rng, 420, octaves=4), noise(frame, rng, 4, octaves=2)
    tone = plane(1 + 0.010 * cloud + 0.010 * tooth)
    tone += 0.030 * fibres(frame, rng, 160) - 0.035 * fibres(frame, rng, 110)
    return plane(np.clip(tinted(tone, tint), 0, 1))


def wood_grain(frame: Frame, rng: np.random.Generator, rings: float = 34.0) -> Plane:
    """Grain of a plank cut along the trunk, 0 to 1 (dark lines near 1): warped year rings with fine pores.

    Year rings of a noisy cylinder, the classical solid wood texture of Perlin 1985, sampled in a plane.
    """
    bend = noise(frame, rng, 700, octaves=3, gain=0.4, stretch=(2.4, 0.5))
    fine = noise(frame, rng, 260, octaves=3, stretch=(3.0, 0.12))
    phase = frame.y / np.float32(1024) * np.float32(rings) + bend * np.float32(2.2) + fine * np.float32(0.25)
    ring = phase - np.floor(phase)
    pores = noise(frame, rng, 30, octaves=2, stretch=(6.0, 0.12))
    return plane(np.clip(ring**3 * 0.75 + 0.14 * pores + 0.12, 0, 1))


def vignette(frame: Frame, strength: float) -> Plane:
    """A factor that falls from 1 in the middle to 1 - strength in the corners."""
    x, y = frame.x / np.float32(frame.wide) - 0.5, frame.y / np.float32(frame.tall) - 0.5
    return plane(1 - strength * np.clip((x * x + y * y) * 2, 0, 1) ** 1.2)


def toned(canvas: Canvas, colour: Colour, amount: float) -> Canvas:
    """The canvas pulled a little towards one colour, which ties its parts together."""
    return mix(canvas, plane(canvas) * plane(colour), amount)
