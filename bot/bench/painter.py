"""Seconds a picture: every style at 1024x1024 through the real engine, beside a plain numeric baseline of the same run.

The baseline is what nobody can avoid: the word laid out and rasterised, its mask blurred once at full size in colour,
and the result encoded as PNG. Ratios against it hold when the machine's speed drifts; seconds do not.
"""

from __future__ import annotations

import resource
import statistics
import sys
import threading
import time
from collections.abc import Callable
from functools import partial

import cv2
import numpy as np

from bot.bench.rows import Row, row
from generation.contracts.events import Done
from generation.contracts.ports import Job
from generation.contracts.request import PaintRequest
from generation.encode import png
from generation.glyphs import write
from generation.painter import Painter
from generation.styles import STYLES

TARGET_S = 1.5
WORDS = (("学习", "zh-Hans"), ("любовь", "ru"), ("بحر", "ar"))
ROUNDS = 3


def run(rounds: int = ROUNDS, side_px: int = 1024) -> list[Row]:
    """Rows `painter/<style>`: median seconds of `paint`, and the process's peak memory."""
    baseline_s = statistics.median(_timed(lambda: _baseline(side_px)) for _ in range(rounds + 1))
    rows = [row("write, blur, encode (the baseline)", baseline_s, "s", baseline=baseline_s)]
    engine = Painter()
    engine.warm()
    for style in STYLES:
        seconds = [
            _timed(partial(_paint, engine, _job(word, language, style, seed, side_px=side_px)))
            for seed in range(rounds)
            for word, language in WORDS
        ]
        rows.append(row(f"{style} (median)", statistics.median(seconds), "s", target=TARGET_S, baseline=baseline_s))
        rows.append(row(f"{style} (slowest of {len(seconds)})", max(seconds), "s", baseline=baseline_s))
    rows.append(_memory_row())
    return rows


def _job(word: str, language: str, style: str, seed: int, *, side_px: int) -> Job:
    request = PaintRequest(word=word, language=language, style=style, seed=seed, width=side_px, height=side_px)
    writing = write(word, language=language, width=side_px, height=side_px)
    return Job(request=request, writing=writing, cancelled=threading.Event())


def _paint(engine: Painter, job: Job) -> None:
    events = list(engine.paint([job]))
    assert any(isinstance(event, Done) for event in events), "the painter must finish its job"


def _baseline(side_px: int) -> None:
    mask = write("学习", language="zh-Hans", width=side_px, height=side_px).mask
    image = cv2.GaussianBlur(np.repeat(mask[..., None], 3, axis=2), (0, 0), 6)
    png(np.asarray(image, dtype=np.uint8), {})


def _timed(work: Callable[[], None]) -> float:
    began_s = time.perf_counter()
    work()
    return time.perf_counter() - began_s


def _memory_row() -> Row:
    peak_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    if sys.platform == "darwin":
        peak_kib //= 1024
    return row("peak memory of the process", peak_kib // 1024, "MiB", target=400)
