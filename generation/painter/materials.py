"""Surfaces to photograph: planks, bricks, sand, marble, ice; letters of metal. Linear light; no composition."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from generation.painter.fields import Canvas, Frame, Plane, mix, noise, plane, smoothstep, soften, spread, warp
from generation.painter.light import Direction, Relief, diffuse, highlight, relief, studio
from generation.painter.palette import Colour, gradient, linear, rgb, tinted
from generation.painter.paper import wood_grain


@dataclass(frozen=True, slots=True)
class Surface:
    """What light falls on.

    Attributes:
        albedo: share of light sent back, linear.
        height: relief in units.
    """

    albedo: Canvas
    height: Plane


@dataclass(frozen=True, slots=True)
class Metal:
    """A metal's tint in full reflection and in its shadows, linear."""

    bright: Colour
    deep: Colour


def metal(bright: str, deep: str) -> Metal:
    """A metal from two display colours."""
    return Metal(linear(rgb(bright)), linear(rgb(deep)))


GOLD = metal("#ffd073", "#663a08")
ROSE = metal("#ffc7a8", "#7a3420")
SILVER = metal("#f2f5fa", "#4a5260")
BRONZE = metal("#e0a25c", "#3f2410")


def planks(frame: Frame, rng: np.random.Generator, tones: tuple[Colour, ...]) -> Surface:
    """Weathered boards side by side, each cut from another part of the trunk."""
    board = float(rng.uniform(128, 190))
    index = np.floor((frame.y + np.float32(rng.uniform(0, board))) / np.float32(board))[:, 0].astype(int)
    index -= index.min()
    offsets = rng.uniform(-900, 900, index.max() + 1).astype(np.float32)[index][:, None]
    shades = rng.uniform(0.72, 1.15, index.max() + 1).astype(np.float32)[index][:, None]
    grain = warp(frame, wood_grain(frame, rng), offsets * np.float32(0.5), offsets * np.float32(0.2))
    seam = _seam(index, frame)
    gap = smoothstep(5.5, 1.5, seam)
    scuffs = noise(frame, rng, 90, octaves=4, stretch=(4.0, 0.4))
    tone = np.clip(0.55 - 0.55 * grain + 0.10 * scuffs, 0, 1)
    albedo = gradient(tuple(linear(colour) for colour in tones), plane(tone)) * spread(
        plane(shades * (1 - 0.9 * gap) + np.zeros_like(grain))
    )
    return Surface(plane(albedo), plane(-1.1 * grain - 5 * gap + 0.25 * scuffs))


def _seam(index: np.ndarray[tuple[int, ...], np.dtype[np.int64]], frame: Frame) -> Plane:
    """Distance in units to the nearest seam between boards, shape (height, 1)."""
    rows = np.arange(frame.height)
    seams = np.flatnonzero(np.diff(index))
    if not len(seams):
        return np.full((frame.height, 1), frame.tall, np.float32)
    return plane(np.abs(rows[:, None] - seams[None, :] - 0.5).min(1) / frame.unit)[:, None]


def bricks(frame: Frame, rng: np.random.Generator, tones: tuple[Colour, ...]) -> Surface:
    """A wall in running bond with worn edges and pale mortar."""
    wide, tall, joint = 148.0, 58.0, 7.5
    crooked = noise(frame, rng, 70, octaves=3) * np.float32(1.3)
    row = np.floor(frame.y / np.float32(tall)) + np.zeros_like(crooked)
    across = frame.x + np.mod(row, 2) * np.float32(wide / 2)
    column = np.floor(across / np.float32(wide))
    in_x, in_y = across - column * np.float32(wide), frame.y - row * np.float32(tall)
    edge = np.minimum(np.minimum(in_x, wide - in_x), np.minimum(in_y, tall - in_y)) - np.float32(joint / 2) + crooked
    face = smoothstep(-0.5, 3.5, edge)
    shades = rng.random((64, 64)).astype(np.float32)
    shade = shades[row.astype(int) % 64, column.astype(int) % 64]
    rough = noise(frame, rng, 16, octaves=4, gain=0.65)
    tone = plane(shade * 0.65 + 0.18 + 0.09 * rough)
    mortar = tinted(plane(0.30 + 0.03 * rough), (1.0, 0.96, 0.9))
    brick = gradient(tuple(linear(colour) for colour in tones), tone)
    return Surface(mix(mortar, brick, spread(face)), plane(face * 4 + 0.45 * rough * face + 1.2 * shade))


def sand(frame: Frame, rng: np.random.Generator) -> Surface:
    """Dry beach sand: wind ripples, small lumps, grains."""
    lumps, grains = noise(frame, rng, 150, octaves=5, gain=0.5), noise(frame, rng, 4.0, octaves=2, gain=0.9)
    bend = noise(frame, rng, 420, octaves=2)
    wind = np.sin((frame.y + frame.x * np.float32(0.22) + 42 * bend) / np.float32(11.5))
    height = 5.0 * lumps + 0.9 * wind * smoothstep(-1.2, 0.6, bend) + 0.42 * grains
    tone = plane(np.clip(0.5 + 0.12 * lumps + 0.10 * grains, 0, 1))
    albedo = gradient((linear(rgb("#b98f5e")), linear(rgb("#dcb988")), linear(rgb("#f4dfba"))), tone)
    return Surface(albedo, plane(height))


def marble(frame: Frame, rng: np.random.Generator, tones: tuple[Colour, ...], vein: Colour) -> Surface:
    """Polished stone with branching veins: thin zero crossings of warped noise (Perlin 1985)."""
    swirl = noise(frame, rng, 520, octaves=4)
    cloud = noise(frame, rng, 300, octaves=5)
    lines = noise(frame, rng, 430, octaves=6, gain=0.52, stretch=(1.5, 0.8)) + 0.5 * swirl
    strong = np.exp(-np.abs(lines) * np.float32(36)) * smoothstep(-0.8, 1.0, cloud)
    hair = np.exp(-np.abs(noise(frame, rng, 260, octaves=6, gain=0.55)) * np.float32(30)) * 0.45
    base = gradient(tuple(linear(colour) for colour in tones), plane(0.5 + 0.22 * cloud + 0.10 * swirl))
    veined = np.clip(strong * 0.6 + hair * smoothstep(-0.2, 1.2, swirl), 0, 1)
    return Surface(mix(base, plane(linear(vein)), spread(plane(veined))), plane(0.06 * cloud))


def frozen_lake(frame: Frame, rng: np.random.Generator) -> Surface:
    """Dark clear ice with white cracks at several depths and trapped bubbles."""
    deep = noise(frame, rng, 460, octaves=4)
    base = gradient((linear(rgb("#04121f")), linear(rgb("#0b3350")), linear(rgb("#2a6f92"))), plane(0.42 + 0.2 * deep))
    cracks = np.zeros_like(deep)
    for cell, sharp, weight in ((520.0, 60.0, 1.0), (330.0, 90.0, 0.55), (210.0, 46.0, 0.22)):
        line = np.abs(noise(frame, rng, cell, octaves=3, gain=0.32))
        cracks += np.float32(weight) * (
            np.exp(-line * np.float32(sharp)) + 0.25 * np.exp(-line * np.float32(sharp / 7))
        )
    frost = smoothstep(0.6, 2.2, noise(frame, rng, 120, octaves=6, gain=0.6))
    white = np.clip(cracks * 0.55 + 0.30 * frost, 0, 1)
    return Surface(mix(base, plane((0.72, 0.86, 0.95)), spread(plane(white))), plane(0.8 * frost + 0.5 * cracks))


def lit(surface: Surface, frame: Frame, towards: Direction, colour: Colour, ambient: Colour) -> Canvas:
    """A matt surface in one light and its surroundings."""
    normals = relief(frame, surface.height)
    return plane(surface.albedo * (tinted(diffuse(normals, towards), colour) + plane(ambient)))


def cast_metal(letters: Relief, kind: Metal, towards: Direction, tilt: float | Plane) -> Canvas:
    """Polished metal: a mirrored studio in the metal's tint, and the lamp's highlight."""
    mirror = studio(letters, tilt)
    body = gradient((kind.deep, kind.bright), plane(np.clip(mirror * 0.85, 0, 1)))
    body = body * spread(plane(0.35 + 0.75 * diffuse(letters, towards) + 0.35 * np.maximum(mirror - 0.7, 0)))
    return plane(body + tinted(highlight(letters, towards, 46) * np.float32(0.9), (1.0, 0.95, 0.85)))


def sheen(frame: Frame, surface: Surface, towards: Direction) -> Plane:
    """The broad soft highlight of a polished floor."""
    return highlight(relief(frame, soften(frame, surface.height, 1.0)), towards, 24)
