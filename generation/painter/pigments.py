"""Boxes of watercolor paints: which pigments belong together. Knows no washes and no scenes."""

from __future__ import annotations

from dataclasses import dataclass

from generation.painter.palette import Colour, rgb, swatch


@dataclass(frozen=True, slots=True)
class Pigments:
    """A box of paints.

    Attributes:
        sky: from the top down.
        sun: the warm one.
        hills: from far to near.
        word: run into each other within the word, all dark.
        accent: small touches.
        deep: the dark wash of night scenes.
        light: the tint of a word lifted out of a dark wash.
        paper: the sheet.
    """

    sky: tuple[Colour, ...]
    sun: Colour
    hills: tuple[Colour, ...]
    word: tuple[Colour, ...]
    accent: Colour
    deep: Colour
    light: Colour
    paper: Colour


def _box(sky: str, sun: str, hills: str, word: str, accent: str, deep: str = "#1c2f63") -> Pigments:
    light, paper = swatch("#ffe7b0 #fbf9f3")
    return Pigments(swatch(sky), rgb(sun), swatch(hills), swatch(word), rgb(accent), rgb(deep), light, paper)


PALETTES: tuple[tuple[str, Pigments], ...] = (
    (
        "mountain",
        _box(
            "#8db8e0 #c9dcec #f9d3ae",
            "#f2a25c",
            "#b9b5dc #8ca6d3 #5f8cb4 #4f8a78",
            "#16306e #4b2480 #9a2f63",
            "#e0734f",
        ),
    ),
    (
        "water",
        _box(
            "#9fd9e6 #cdeeee #fff0cf",
            "#ffc766",
            "#a9dbdd #69bcc8 #3a98ad #2f8f86",
            "#0b3f70 #0e6279 #1b2f6b",
            "#f08a5d",
            "#0f3d5c",
        ),
    ),
    (
        "plant",
        _box(
            "#bfe0ee #e3f1e6 #fdf3cf",
            "#ffcf5e",
            "#cfe2ab #a2cb84 #73ae62 #4d8a55",
            "#124a34 #0e5f63 #22407c",
            "#e5668a",
            "#123d3a",
        ),
    ),
    (
        "fire city",
        _box(
            "#f7b58c #fbd3a4 #fff0cd",
            "#f4683c",
            "#f1b6a0 #dc9189 #ab6a87 #744564",
            "#7d1230 #b03316 #471a5c",
            "#f0a030",
            "#3d1a3d",
        ),
    ),
    (
        "night snow",
        _box(
            "#b8c0ec #d9d3f1 #fbdfdb",
            "#ffb9a2",
            "#c9bde6 #a596d2 #7b7cbb #56699a",
            "#2b2170 #69257f #1d3d7a",
            "#e27fa6",
            "#231d52",
        ),
    ),
    (
        "study city",
        _box(
            "#f6d9b0 #fbe8cc #fdf5e2",
            "#ef8b43",
            "#ecc38e #d39a5e #ad6f4b #7a553c",
            "#14435c #2b2a55 #7a2a1c",
            "#3f8f95",
            "#3a2430",
        ),
    ),
)
