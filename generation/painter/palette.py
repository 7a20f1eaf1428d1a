"""Colours: hexadecimal notation, gradients, and optical mixing of pigments. Knows no composition."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from generation.painter.fields import Canvas, Plane, extent, plane, spread

Colour = tuple[float, float, float]
_TABLE = 256
_BLACKEST = 0.004


def rgb(notation: str) -> Colour:
    """`#rrggbb` as red, green, blue from 0 to 1."""
    red, green, blue = bytes.fromhex(notation.removeprefix("#"))
    return red / 255, green / 255, blue / 255


def swatch(notation: str) -> tuple[Colour, ...]:
    """Several colours, written with spaces between them."""
    return tuple(rgb(one) for one in notation.split())


def linear(colour: Colour) -> Colour:
    """From the display's encoding to linear light, with the usual exponent 2.2."""
    red, green, blue = (channel**2.2 for channel in colour)
    return red, green, blue


def blend(a: Colour, b: Colour, amount: float) -> Colour:
    """A colour between two."""
    red, green, blue = (p + (q - p) * amount for p, q in zip(a, b, strict=True))
    return red, green, blue


def gradient(colours: Sequence[Colour], position: Plane) -> Canvas:
    """A canvas that runs through the colours as `position` goes from 0 to 1, and stays at the ends beyond."""
    stops, steps = np.linspace(0, 1, len(colours)), np.linspace(0, 1, _TABLE)
    table = np.stack([np.interp(steps, stops, [colour[i] for colour in colours]) for i in range(3)], 1)
    at = plane(np.clip(position, 0, 1) * np.float32(_TABLE - 1))
    return plane(
        cv2.remap(plane(table)[None], at, np.zeros_like(at), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    )


def tinted(field: Plane, colour: Colour) -> Canvas:
    """A plane of brightness in one colour."""
    return plane(cv2.merge([field * np.float32(channel) for channel in colour]))


def glaze(canvas: Canvas, pigment: Colour | Canvas, density: Plane) -> Canvas:
    """Lay a transparent layer of pigment over the canvas, in place.

    Light passes the layer as pigment ** density (Beer and Lambert), the multiplicative form of the pigment density
    model of Bousseau et al., Interactive Watercolor Rendering, 2006. A density of 1 shows the pigment as named.
    """
    where = extent(density)
    if where is None:
        return canvas
    laid, part = np.ascontiguousarray(density[where]), canvas[where]
    if isinstance(pigment, tuple):
        absorbed = [laid * np.float32(np.log(max(channel, _BLACKEST))) for channel in pigment]
        part *= cv2.exp(plane(cv2.merge(absorbed)))
    else:
        part *= cv2.exp(cv2.log(np.maximum(pigment[where], np.float32(_BLACKEST))) * spread(laid))
    return canvas
