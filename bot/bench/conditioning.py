"""Every registered control image at 1024x1024, and one of each kind side by side, beside scikit-image in the same run.

Knows the registry and one word. The baseline of a kind is what one would reach for first: scikit-image's Canny for
`canny`, its thinning (Lee) for `scribble`, SciPy's exact distance transform for `depth`, its labelling for
`segmentation`; for all four together, one after the other.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from functools import partial

import numpy as np

from bot.bench.rows import Row, row
from generation.conditioning import METHODS, make, make_all
from generation.contracts.picture import Writing
from generation.contracts.request import KINDS
from generation.glyphs import write

TARGET_MS = 120.0
SIDE_PX = 1024
WORD, LANGUAGE = "学习", "zh-Hans"
ROUNDS = 5


def run(rounds: int = ROUNDS, side_px: int = SIDE_PX) -> list[Row]:
    """Rows `<kind>/<method>` and `all four side by side`: median milliseconds, with the baseline's."""
    writing = write(WORD, language=LANGUAGE, width=side_px, height=side_px)
    baselines = {kind: _median_ms(call, rounds) for kind, call in _baselines(writing).items()}
    rows = [
        row(
            f"{kind}/{name} (baseline: SciPy or scikit-image)",
            _median_ms(partial(make, kind, writing, seed=1, method=name), rounds),
            "ms",
            baseline=baselines[kind],
        )
        for kind, methods in METHODS.items()
        for name in methods
    ]
    together = _median_ms(partial(make_all, KINDS, writing, seed=1), rounds)
    name = "all four side by side (baseline: theirs one after the other)"
    return [*rows, row(name, together, "ms", target=TARGET_MS, baseline=sum(baselines.values()))]


def _baselines(writing: Writing) -> dict[str, Callable[[], object]]:
    from scipy import ndimage
    from skimage.feature import canny
    from skimage.morphology import skeletonize

    ink = writing.mask > np.uint8(127)
    return {
        "canny": partial(canny, writing.mask / 255.0),
        "depth": partial(ndimage.distance_transform_edt, ink),
        "segmentation": partial(ndimage.label, ink),
        "scribble": partial(skeletonize, ink, method="lee"),
    }


def _median_ms(call: Callable[[], object], rounds: int) -> float:
    call()
    seconds = []
    for _ in range(rounds):
        started = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - started)
    return statistics.median(seconds) * 1e3
