"""Printed tone and drawn force: Ben-Day dots, rays, speed lines, extruded letters. Coverages only; knows no colours.

Clustered-dot screening as in Ulichney, Digital Halftoning, 1987.
"""

from __future__ import annotations

import cv2
import numpy as np

from generation.painter.fields import Frame, Plane, plane
from generation.painter.subject import Subject


def dot_screen(frame: Frame, tone: Plane, pitch: float = 14.0, angle: float = 0.785) -> Plane:
    """Coverage of round dots on a turned grid whose area follows `tone` (0 to 1)."""
    cosine, sine = np.float32(np.cos(angle) / pitch), np.float32(np.sin(angle) / pitch)
    u, v = frame.x * cosine + frame.y * sine, frame.y * cosine - frame.x * sine
    away = np.hypot(u - np.rint(u), v - np.rint(v))
    size = np.sqrt(np.clip(tone, 0, 1) / np.float32(np.pi)) * np.float32(1.12)
    return plane(np.clip((size - away) * np.float32(pitch * frame.unit) + 0.5, 0, 1) * (tone > 0.015))


def line_screen(frame: Frame, tone: Plane, pitch: float = 10.0, angle: float = 0.785) -> Plane:
    """Coverage of parallel lines whose width follows `tone` (0 to 1)."""
    along = (frame.x * np.float32(np.cos(angle)) + frame.y * np.float32(np.sin(angle))) / np.float32(pitch)
    away = np.abs(along - np.rint(along))
    return plane(
        np.clip((np.clip(tone, 0, 1) * 0.5 - away) * np.float32(pitch * frame.unit) + 0.5, 0, 1) * (tone > 0.02)
    )


def rays(frame: Frame, centre: tuple[float, float], count: int, turn: float) -> Plane:
    """Coverage of every other sector of a wheel of `count` sector pairs."""
    dx, dy = frame.x - np.float32(centre[0]), frame.y - np.float32(centre[1])
    wave = np.sin(np.arctan2(dy, dx) * np.float32(count) + np.float32(turn))
    sharp = np.hypot(dx, dy) * np.float32(frame.unit / count) + np.float32(0.4)
    return plane(np.clip(wave * sharp + 0.5, 0, 1))


def speed_lines(frame: Frame, rng: np.random.Generator, centre: tuple[float, float], free: float) -> Plane:
    """Coverage of wedges that rush towards a point and end `free` units before it (manga focus lines)."""
    dx, dy = frame.x - np.float32(centre[0]), frame.y - np.float32(centre[1])
    away, turn = np.hypot(dx, dy * np.float32(1.25)), np.arctan2(dy, dx) / np.float32(2 * np.pi) + np.float32(0.5)
    count = 240
    index = np.minimum((turn * count).astype(np.int32), count - 1)
    middle = (index + np.float32(0.5)) / np.float32(count)
    start = (free * (1 + rng.exponential(0.35, count))).astype(np.float32)[index]
    width = (rng.uniform(0.1, 1.0, count) ** 2).astype(np.float32)[index]
    length = float(np.hypot(frame.wide, frame.tall)) / 2
    open_angle = width * np.clip((away - start) / np.float32(length - free), 0, 1) * np.float32(0.5 / count)
    inside = (open_angle - np.abs(turn - middle)) * away * np.float32(2 * np.pi * frame.unit)
    return plane(np.clip(inside + 0.5, 0, 1) * (open_angle > 0))


def extruded(frame: Frame, shape: Plane, dx: float, dy: float) -> Plane:
    """Coverage swept by a shape pushed `dx`, `dy` units away: the side of a block letter."""
    steps = max(2, round(max(abs(dx), abs(dy)) * frame.unit))
    track = np.linspace(0, 1, steps + 1)
    columns, rows = np.rint(track * dx * frame.unit).astype(int), np.rint(track * dy * frame.unit).astype(int)
    reach_x, reach_y = int(np.abs(columns).max()), int(np.abs(rows).max())
    kernel = np.zeros((2 * reach_y + 1, 2 * reach_x + 1), np.uint8)
    kernel[reach_y - rows, reach_x - columns] = 1
    solid = (np.clip(shape, 0, 1) * 255).astype(np.uint8)
    return plane(cv2.dilate(solid, kernel, borderType=cv2.BORDER_CONSTANT, borderValue=0)) / np.float32(255)


def glint(subject: Subject, inset: float, width: float) -> Plane:
    """Coverage of a highlight line that runs inside the letters' upper left edges."""
    distance = subject.distance
    slope_y, slope_x = np.gradient(distance)
    lit = np.clip((slope_x + slope_y) * np.float32(subject.frame.unit) * 1.2 - 0.35, 0, 1)
    return plane(subject.frame.edge(plane(width / 2 - np.abs(distance - inset))) * np.clip(lit * 3, 0, 1))
