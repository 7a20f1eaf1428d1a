"""What comes out: the writing as rasters, control images, and the finished picture. Arrays only; no drawing here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Gray = NDArray[np.uint8]
"""Shape (height, width), 0 to 255."""
Rgb = NDArray[np.uint8]
"""Shape (height, width, 3), 0 to 255, channels red, green, blue."""
Box = tuple[int, int, int, int]
"""x0, y0, x1, y1 in pixels; x1 and y1 are exclusive."""


@dataclass(frozen=True, slots=True)
class PlacedGlyph:
    """One shaped glyph where it stands in the picture.

    Attributes:
        text: the grapheme cluster it belongs to (several glyphs may share one: conjuncts, stacked marks).
        cluster: index of that grapheme in the word, in logical order.
        box: pixels of the picture it covers.
        mask: its coverage within `box`, shape (y1 - y0, x1 - x0).
    """

    text: str
    cluster: int
    box: Box
    mask: Gray


@dataclass(frozen=True, slots=True)
class Writing:
    """A word laid out in a picture.

    Attributes:
        word: the text drawn, NFC.
        language: BCP 47 tag that chose the regional shapes.
        script: ISO 15924 code of most of the word (`Hani`, `Arab`, `Latn`), `Zyyy` when none.
        direction: `ltr`, `rtl` or `ttb`.
        mask: coverage of the whole word, shape (height, width), 255 where there is ink.
        glyphs: each glyph apart, in visual order.
        box: the ink's bounding box.
        lines: the ink box of each line (each column when `ttb`), in reading order.
        baselines: y of each line's baseline in pixels (x of the centre line of each column when `ttb`).
        em_px: size of one em in pixels.
    """

    word: str
    language: str
    script: str
    direction: str
    mask: Gray
    glyphs: tuple[PlacedGlyph, ...]
    box: Box
    lines: tuple[Box, ...]
    baselines: tuple[int, ...]
    em_px: float


@dataclass(frozen=True, slots=True)
class ControlImage:
    """One map that steers a ControlNet.

    Attributes:
        kind: `canny`, `depth`, `segmentation` or `scribble`.
        method: the registered method that made it.
        image: what the ControlNet was trained on, shape (height, width, 3), RGB.
    """

    kind: str
    method: str
    image: Rgb


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A finished picture.

    Attributes:
        png: the encoded picture.
        width: pixels.
        height: pixels.
        engine: name of the engine that painted it.
        engine_version: its version; part of the cache key.
        box: the writing's ink box.
        prompt: the text prompt, also built (and shown) for engines that only look at the meaning.
        methods: conditioning method by kind, as used.
        weights: conditioning scale by kind, as used.
        seconds: time by stage (`glyphs`, `control`, `paint`, `encode`, ...); no total.
        legibility: the measured report, empty when nothing was measured.
    """

    png: bytes
    width: int
    height: int
    engine: str
    engine_version: str
    box: Box
    prompt: str = ""
    methods: Mapping[str, str] = field(default_factory=dict)
    weights: Mapping[str, float] = field(default_factory=dict)
    seconds: Mapping[str, float] = field(default_factory=dict)
    legibility: Mapping[str, float] = field(default_factory=dict)
