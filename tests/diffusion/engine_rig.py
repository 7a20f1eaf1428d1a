"""The engine on the tiny models, with pictures far smaller than a bot would paint: real words, real control images."""

from __future__ import annotations

import threading
from dataclasses import replace
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from generation.contracts.events import Done, Failed, Preview, Step
from generation.contracts.ports import Job
from generation.contracts.request import PaintRequest
from generation.diffusion.config import DiffusionConfig
from generation.diffusion.engine import DiffusionEngine
from generation.diffusion.measuring import tiny
from generation.pipeline import Pipeline

SIDE = 128
LARGE = 512
STEPS = 3
STYLES = ("comic", "watercolor", "ink", "realistic", "traditional")
WORDS = ("学习", "水", "山", "火", "心", "明", "雨", "林")
torch.set_num_threads(1)  # models this small gain nothing from more, and wait long for each other on a busy machine


def request(seed: int = 0, word: str = "学习", style: str = "ink", **more) -> PaintRequest:
    return PaintRequest(
        **{"word": word, "style": style, "seed": seed, "width": SIDE, "height": SIDE, "language": "zh-Hans"}
        | {"steps": STEPS}
        | more
    )


class SmallPipeline(Pipeline):
    """The real pipeline at the smallest size it takes, then everything scaled down to the request's own."""

    def prepare(self, request, engine, cancelled):
        job, seconds = super().prepare(replace(request, width=LARGE, height=LARGE), engine, cancelled)
        control = {kind: replace(image, image=_small(image.image, request)) for kind, image in job.control.items()}
        return replace(job, request=request, writing=_small_writing(job.writing, request), control=control), seconds

    def _write(self, request):
        return _laid_out(request.word, request.language)


@cache
def _laid_out(word, language):
    return Pipeline()._write(request(word=word, language=language, width=LARGE, height=LARGE))


def _small(image, request):
    return np.ascontiguousarray(cv2.resize(image, (request.width, request.height), interpolation=cv2.INTER_AREA))


def _small_writing(writing, request):
    share = request.width / LARGE
    box = tuple(round(edge * share) for edge in writing.box)
    return replace(writing, mask=_small(writing.mask, request), glyphs=(), box=box, lines=(box,))


def job_for(engine, wanted: PaintRequest, cancelled=None) -> Job:
    return SmallPipeline().prepare(wanted, engine, cancelled or threading.Event())[0]


@pytest.fixture(scope="session")
def sources(tmp_path_factory):
    """Where every tiny model lies."""
    return tiny.save(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="session")
def shared(sources, tmp_path_factory):
    """One engine for tests that leave it as it was."""
    return engine_on(sources, tmp_path_factory.mktemp("data"), preview_every=1)


def engine_on(sources, folder: Path, *, warm_jobs=None, batch: int = 8, **more) -> DiffusionEngine:
    config = DiffusionConfig(
        **{"sources": sources, "data_folder": folder, "device": "cpu", "overrides": {"batch_limit": batch}} | more
    )
    return DiffusionEngine(config, warm_jobs=warm_jobs)


def paint(engine, *requests: PaintRequest, cancelled=None):
    return list(engine.paint([job_for(engine, wanted, cancelled) for wanted in requests]))


def eight(**more) -> list[PaintRequest]:
    """Eight words in five styles, each with its own seed."""
    return [request(seed, word, STYLES[seed % 5], **more) for seed, word in enumerate(WORDS)]


def of(events, kind):
    return [event for event in events if isinstance(event, kind)]


def pictures(events) -> dict[int, np.ndarray]:
    assert not of(events, Failed), of(events, Failed)
    return {done.job: done.image for done in of(events, Done)}


def steps_of(events, job: int = 0) -> list[int]:
    return [event.step for event in of(events, Step) if event.job == job]


def previews_of(events, job: int = 0) -> list[Preview]:
    return [event for event in of(events, Preview) if event.job == job]


def decibels(one, other) -> float:
    """Peak signal to noise ratio; infinite for equal pictures."""
    error = np.mean((one.astype(np.float64) - other.astype(np.float64)) ** 2)
    return float("inf") if error == 0 else float(10 * np.log10(255**2 / error))
