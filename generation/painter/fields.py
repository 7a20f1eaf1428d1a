"""Scalar fields over a sheet: coordinates, noise, blur, distance and mixing. Knows nothing of styles or words.

All lengths are in units: 1024 units are the picture's short side, whatever its pixels. A scene composed in units looks
the same at 256 px (the preview) and at 1536 px.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

Plane = NDArray[np.float32]
"""Shape (height, width), usually 0 to 1."""
Canvas = NDArray[np.float32]
"""Shape (height, width, 3), red, green, blue, 0 to 1."""
Points = NDArray[np.float32]
"""Shape (n, 2), x and y in units."""
UNITS = 1024.0
_COARSE_CELL_PX = 8.0


@dataclass(frozen=True, slots=True)
class Frame:
    """The sheet: its pixels and its coordinate system."""

    width: int
    height: int

    @property
    def unit(self) -> float:
        """Pixels per unit."""
        return min(self.width, self.height) / UNITS

    @property
    def wide(self) -> float:
        """Width in units, at least 1024."""
        return self.width / self.unit

    @property
    def tall(self) -> float:
        """Height in units, at least 1024."""
        return self.height / self.unit

    @property
    def x(self) -> Plane:
        """Pixel centres from left to right in units, shape (1, width)."""
        return ((np.arange(self.width, dtype=np.float32) + np.float32(0.5)) / np.float32(self.unit))[None, :]

    @property
    def y(self) -> Plane:
        """Pixel centres from top to bottom in units, shape (height, 1)."""
        return ((np.arange(self.height, dtype=np.float32) + np.float32(0.5)) / np.float32(self.unit))[:, None]

    def edge(self, distance: Plane, softness: float = 0.0) -> Plane:
        """Coverage of the region where `distance` (units, positive inside) is positive.

        The edge is one pixel wide, plus `softness` units.
        """
        ramp = 1 / (1 / self.unit + softness)
        return plane(np.clip(distance * np.float32(ramp) + np.float32(0.5), 0, 1))

    def blank(self, colour: tuple[float, float, float]) -> Canvas:
        """A sheet of one colour."""
        return np.full((self.height, self.width, 3), colour, np.float32)


def plane(values: ArrayLike) -> NDArray[np.float32]:
    """The same values as float32, copied only when they are something else."""
    return np.asarray(values, np.float32)


def mix(a: ArrayLike, b: ArrayLike, amount: ArrayLike) -> NDArray[np.float32]:
    """Linear interpolation from `a` to `b`."""
    start = plane(a)
    return plane(start + (plane(b) - start) * plane(amount))


def smoothstep(low: float, high: float, values: ArrayLike) -> NDArray[np.float32]:
    """Hermite ramp from 0 at `low` to 1 at `high`; `low` may lie above `high`."""
    t = np.clip((plane(values) - np.float32(low)) / np.float32(high - low), 0, 1)
    return plane(t * t * (3 - 2 * t))


def spread(values: Plane) -> Canvas:
    """A plane in all three channels; numpy's own broadcasting over a last axis of three is several times slower."""
    return plane(cv2.merge((values, values, values)))


def extent(alpha: Plane) -> tuple[slice, slice] | None:
    """The rows and columns where a plane is not zero, or None: small things need not touch the whole sheet."""
    x, y, width, height = cv2.boundingRect((alpha > 0).view(np.uint8))
    return (slice(y, y + height), slice(x, x + width)) if width else None


def cover(canvas: Canvas, colour: ArrayLike, alpha: Plane) -> Canvas:
    """Paint `colour` (a triple or a canvas) over `canvas` with coverage `alpha`, in place."""
    where = extent(alpha)
    if where is None:
        return canvas
    part, paint, amount = canvas[where], plane(colour), np.ascontiguousarray(alpha[where])
    if paint.ndim == 1:
        part *= spread(1 - amount)
        part += cv2.merge([amount * channel for channel in paint])
    else:
        part += (np.broadcast_to(paint, canvas.shape)[where] - part) * spread(amount)
    return canvas


def shade(canvas: Canvas, factor: Plane) -> Canvas:
    """Multiply every channel by a plane, in place."""
    canvas *= spread(np.ascontiguousarray(np.broadcast_to(factor, canvas.shape[:2]), np.float32))
    return canvas


def blur(field: NDArray[np.float32], sigma_px: float) -> NDArray[np.float32]:
    """Gaussian blur; wide ones run on a smaller pyramid level (10 ms instead of 170 at sigma 60)."""
    if sigma_px <= 0.3:
        return field
    if sigma_px <= 5:
        return plane(cv2.GaussianBlur(field, (0, 0), sigma_px))
    height, width = field.shape[:2]
    factor = sigma_px / 2.5
    size = (max(4, round(width / factor)), max(4, round(height / factor)))
    small = cv2.resize(field, size, interpolation=cv2.INTER_AREA)
    small = cv2.GaussianBlur(small, (0, 0), sigma_px * size[0] / width)
    return plane(cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC))


def soften(frame: Frame, field: NDArray[np.float32], sigma: float) -> NDArray[np.float32]:
    """Gaussian blur with `sigma` in units."""
    return blur(field, sigma * frame.unit)


def noise(
    frame: Frame,
    rng: np.random.Generator,
    cell: float,
    *,
    octaves: int = 5,
    gain: float = 0.5,
    stretch: tuple[float, float] = (1.0, 1.0),
) -> Plane:
    """Fractal value noise (fBm; Ebert et al., Texturing and Modeling, 2003), zero mean and unit variance.

    Args:
        frame: the sheet.
        rng: where the lattices come from.
        cell: size of the widest lattice cell in units.
        octaves: lattices summed, each half as wide as the one before; those finer than a pixel are left out.
        gain: weight of each octave against the one before.
        stretch: widens cells along x and y.

    Returns:
        Shape (height, width).
    """
    coarse_size = (max(8, frame.width // 4), max(8, frame.height // 4))
    coarse, fine = np.zeros(coarse_size[::-1], np.float32), np.zeros((frame.height, frame.width), np.float32)
    for octave in range(octaves):
        across, down = cell * stretch[0] / 2**octave, cell * stretch[1] / 2**octave
        smallest = min(across, down) * frame.unit
        if octave and smallest < 1:
            break
        nodes = (max(2, round(frame.tall / down)) + 1, max(2, round(frame.wide / across)) + 1)
        lattice = rng.standard_normal(nodes, np.float32) * np.float32(gain**octave)
        target = coarse if smallest > _COARSE_CELL_PX else fine
        target += cv2.resize(lattice, target.shape[::-1], interpolation=cv2.INTER_CUBIC)
    fine += cv2.resize(coarse, (frame.width, frame.height), interpolation=cv2.INTER_CUBIC)
    return standardise(fine)


def standardise(field: Plane) -> Plane:
    """The same field with zero mean and unit variance; a constant one becomes zero."""
    mean, deviation = cv2.meanStdDev(field)
    return plane((field - np.float32(mean[0, 0])) / np.float32(max(float(deviation[0, 0]), 1e-6)))


def grain(frame: Frame, rng: np.random.Generator, size: float = 1.6) -> Plane:
    """Fine isotropic grain, `size` units across, unit variance: film, pigment, sand."""
    return noise(frame, rng, size * 2, octaves=2, gain=0.8)


def signed_distance(frame: Frame, mask: Plane) -> Plane:
    """Distance to the outline in units, positive inside (chamfer 5 x 5, Borgefors 1986: within 2 % of Euclid).

    Smoothed by most of a pixel, which removes the steps of the binary outline.
    """
    inside = (mask > 0.5).astype(np.uint8)
    near = cv2.distanceTransform(inside, cv2.DIST_L2, cv2.DIST_MASK_5)
    far = cv2.distanceTransform(1 - inside, cv2.DIST_L2, cv2.DIST_MASK_5)
    limit = float(max(mask.shape))
    field = np.clip(near, 0, limit) - np.clip(far, 0, limit)
    return plane(cv2.GaussianBlur(field, (0, 0), 0.9) / np.float32(frame.unit))


def warp(frame: Frame, field: NDArray[np.float32], dx: ArrayLike, dy: ArrayLike) -> NDArray[np.float32]:
    """Look the field up `dx`, `dy` units away from each pixel (planes, rows, columns or numbers)."""
    shape = (frame.height, frame.width)
    at_x = np.broadcast_to((frame.x + plane(dx)) * np.float32(frame.unit) - np.float32(0.5), shape)
    at_y = np.broadcast_to((frame.y + plane(dy)) * np.float32(frame.unit) - np.float32(0.5), shape)
    look_x, look_y = np.ascontiguousarray(at_x, np.float32), np.ascontiguousarray(at_y, np.float32)
    return plane(cv2.remap(field, look_x, look_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT))


def shift(frame: Frame, field: NDArray[np.float32], dx: float, dy: float) -> NDArray[np.float32]:
    """The field moved right by `dx` and down by `dy` units; zero comes in at the border."""
    matrix = np.array([[1, 0, dx * frame.unit], [0, 1, dy * frame.unit]], np.float32)
    return plane(cv2.warpAffine(field, matrix, (frame.width, frame.height)))


def radius(frame: Frame, centre: tuple[float, float], aspect: float = 1.0) -> Plane:
    """Distance in units from a point; `aspect` above 1 flattens the circles into wide ellipses."""
    return plane(np.hypot((frame.x - np.float32(centre[0])) / np.float32(aspect), frame.y - np.float32(centre[1])))
