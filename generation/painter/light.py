"""Light on surfaces: bevels, normals, reflection, shadows, glow, exposure. Works in linear light; knows no scene.

Shading after Blinn 1977; the film curve is Narkowicz's fit of the ACES filmic curve (2015).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from generation.painter.fields import Canvas, Frame, Plane, cover, plane, shift, soften
from generation.painter.subject import Subject

Direction = tuple[float, float, float]
"""Towards the light: x right, y down, z to the viewer."""


@dataclass(frozen=True, slots=True)
class Relief:
    """Unit normals of a surface, as three planes."""

    x: Plane
    y: Plane
    z: Plane


def bevel(subject: Subject, width: float, *, rounded: bool = True) -> Plane:
    """Height in units of letters whose edges rise over `width` units: a quarter round, or a straight chamfer."""
    t = np.clip(soften(subject.frame, subject.distance, 0.9) / np.float32(width), 0, 1)
    profile = np.sqrt(np.maximum(1 - (1 - t) ** 2, 0)) if rounded else t
    return plane(soften(subject.frame, plane(profile), 0.8) * np.float32(width))


def relief(frame: Frame, height: Plane, steepness: float = 1.0) -> Relief:
    """Normals of a height field given in units."""
    scale = steepness * frame.unit / 8
    gx, gy = cv2.Sobel(height, cv2.CV_32F, 1, 0, scale=scale), cv2.Sobel(height, cv2.CV_32F, 0, 1, scale=scale)
    length = 1 / np.sqrt(gx * gx + gy * gy + 1)
    return Relief(plane(-gx * length), plane(-gy * length), plane(length))


def _unit(direction: Direction) -> Direction:
    length = float(np.linalg.norm(direction))
    return direction[0] / length, direction[1] / length, direction[2] / length


def diffuse(surface: Relief, towards: Direction) -> Plane:
    """Lambert's cosine, 0 to 1."""
    x, y, z = _unit(towards)
    return plane(np.maximum(surface.x * np.float32(x) + surface.y * np.float32(y) + surface.z * np.float32(z), 0))


def highlight(surface: Relief, towards: Direction, power: float) -> Plane:
    """Blinn's specular term for a viewer straight above."""
    x, y, z = _unit(towards)
    return plane(diffuse(surface, (x, y, z + 1)) ** np.float32(power))


def studio(surface: Relief, tilt: float | Plane) -> Plane:
    """Brightness of a photographer's studio mirrored in a surface: sky box, dark floor, a strip light.

    `tilt` says which height of the studio a flat surface mirrors; varied, it is the sweep of light over polished metal.
    """
    up, side = -surface.y * np.float32(1.9) + plane(tilt), surface.x * np.float32(1.9)
    sky = 0.62 * _band(up, 0.55, 0.34) + 0.28 * _band(up, 1.3, 0.45)
    strip = 0.85 * _band(side + 0.45 * up, -0.75, 0.16)
    floor = 0.16 * _band(up, -0.9, 0.6)
    return plane(0.14 + sky + strip + floor)


def _band(position: Plane, middle: float, width: float) -> Plane:
    return plane(np.exp(-(((position - np.float32(middle)) / np.float32(width)) ** 2)))


def cast_shadow(subject: Subject, shape: Plane, towards: Direction, height: float) -> Plane:
    """How much of the light a raised word takes from its ground, 0 to 1: dark and sharp near, soft farther off."""
    frame = subject.frame
    x, y, _ = _unit(towards)
    near = soften(frame, shift(frame, shape, -x * height * 0.5, -y * height * 0.5), height * 0.18)
    far = soften(frame, shift(frame, shape, -x * height * 1.3, -y * height * 1.3), height * 0.55)
    return plane(np.clip(np.maximum(near, far * 0.85), 0, 1))


def occlusion(subject: Subject, shape: Plane, reach: float) -> Plane:
    """Ambient light lost in the corner between letters and ground, 0 to 1."""
    return plane(np.clip(soften(subject.frame, shape, reach) * 1.3, 0, 1))


def glow(frame: Frame, source: Plane, sigmas: Sequence[float], weights: Sequence[float]) -> Plane:
    """Light scattered round a bright shape: a sum of wide blurs."""
    total = np.zeros_like(source)
    for sigma, weight in zip(sigmas, weights, strict=True):
        total += soften(frame, source, sigma) * np.float32(weight)
    return total


def lay(canvas: Canvas, light: Canvas, alpha: Plane) -> None:
    """Put lit material over the canvas, in place."""
    cover(canvas, light, alpha)


def develop(canvas: Canvas, exposure: float = 1.0) -> Canvas:
    """Linear light to display values through a filmic curve."""
    seen = canvas * np.float32(exposure)
    film = seen * (2.51 * seen + 0.03) / (seen * (2.43 * seen + 0.59) + 0.14)
    return plane(np.clip(film, 0, 1) ** np.float32(1 / 2.2))


def bloom(frame: Frame, canvas: Canvas, threshold: float, amount: float) -> Canvas:
    """Highlights spilling over, as in a lens; linear light, in place."""
    bright = np.maximum(canvas - np.float32(threshold), 0)
    canvas += soften(frame, plane(np.minimum(bright, 3)), 9) * np.float32(amount)
    return canvas


def focused(frame: Frame, canvas: Canvas, sharp: Plane, blur: float = 5.0) -> Canvas:
    """Depth of field: the canvas where `sharp` is 1, a blurred copy where it is 0; in place."""
    soft = soften(frame, canvas, blur)
    return cover(canvas, soft, plane(1 - sharp))
