"""Segmentation maps for the ADE20K ControlNet: flat class colours. Knows only the writing's coverage."""

from __future__ import annotations

import numpy as np

from generation.conditioning.channels import inked
from generation.conditioning.registry import method
from generation.contracts.picture import Rgb, Writing

Colour = tuple[int, int, int]

ADE20K: dict[str, Colour] = {
    "building": (180, 120, 120),
    "sky": (6, 230, 230),
    "tree": (4, 200, 3),
    "grass": (4, 250, 7),
    "earth": (120, 120, 70),
    "mountain": (143, 255, 140),
    "water": (61, 230, 250),
    "sea": (9, 7, 230),
    "rock": (255, 41, 10),
}
"""Colours (RGB) of the classes used here, from the palette that ADE20K segmentation models are drawn with."""

INK_ON_GROUND = (("mountain", "sky"), ("building", "sky"), ("tree", "sky"), ("rock", "sea"), ("water", "grass"))
"""What the strokes may be, and on what: pairs that meet in real scenes, far apart in the palette."""


@method("segmentation")
def black_and_white_segmentation(writing: Writing, *, seed: int) -> Rgb:
    """Two regions, ink and ground, each in the colour of one ADE20K class; the seed chooses the pair.

    The checkpoint reads colours as classes, so literal black and white would mean nothing to it: black is no class.
    Edges are hard, because a blend of two colours is a third class. Exactly two colours occur.
    """
    ink, ground = INK_ON_GROUND[np.random.default_rng(seed).integers(len(INK_ON_GROUND))]
    palette = np.array([ADE20K[ground], ADE20K[ink]], np.uint8)
    return np.asarray(np.take(palette, inked(writing.mask), axis=0), np.uint8)
