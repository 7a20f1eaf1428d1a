"""What is painted while measuring: words of the project with plain geometric control images. Knows numpy, no torch.

Control images are drawn here with a few strokes, because the real ones need OpenCV and fonts; a forward through a net
costs the same whatever its picture shows.
"""

from __future__ import annotations

from collections.abc import Mapping
from threading import Event

import numpy as np

from generation.contracts.picture import Rgb
from generation.contracts.request import KINDS
from generation.diffusion.loop import Sample

GUIDANCE = 7.5
WEIGHTS: Mapping[str, float] = {"canny": 0.9, "depth": 0.5, "segmentation": 0.7, "scribble": 0.3}
"""Four weights that are not zero; those of the style `comic`."""
WORDS = (("测", "measure"), ("试", "try"), ("验", "examine"), ("学", "learn"), ("习", "practise"))
_NEGATIVE = "photo, blurry, deformed, watermark, extra text, cropped"
_STROKE_PX = 24


def samples(count: int, *, width: int, height: int, turn: int = 0, guidance: float = GUIDANCE) -> list[Sample]:
    """As many different pictures to paint.

    Args:
        count: pictures in the batch.
        width: pixels.
        height: pixels.
        turn: a new one gives new prompts and seeds, so that no prompt's embedding is remembered from the turn before.
        guidance: the same for all; the stock pipeline takes one for a batch.
    """
    return [_sample(turn * count + index, width, height, guidance) for index in range(count)]


def _sample(number: int, width: int, height: int, guidance: float) -> Sample:
    word, meaning = WORDS[number % len(WORDS)]
    return Sample(
        prompt=f"A comic panel of {meaning} along the strokes of {word}, page {number}",
        negative_prompt=_NEGATIVE,
        keep=(word, meaning),
        seed=number,
        guidance=guidance,
        control={kind: strokes(width, height, place) for place, kind in enumerate(KINDS, start=number)},
        weights=dict(WEIGHTS),
        cancelled=Event(),
    )


def strokes(width: int, height: int, number: int) -> Rgb:
    """A cross of two strokes, white on black, its middle at a place of its own for each `number`; HxWx3, uint8."""
    image = np.zeros((height, width, 3), np.uint8)
    left, top = (width * (1 + number % 5)) // 7, (height * (1 + number % 3)) // 5
    image[:, left : left + _STROKE_PX] = 255
    image[top : top + _STROKE_PX] = (255, 255 - 20 * (number % 8), 255)
    return image
