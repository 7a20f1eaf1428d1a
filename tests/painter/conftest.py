"""Real writings and jobs for the painter's tests."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache

import cv2
import numpy as np
import pytest

from generation.contracts.events import Done, EngineEvent
from generation.contracts.picture import Rgb, Writing
from generation.contracts.ports import CancelledFlag, Job
from generation.contracts.request import PaintRequest
from generation.glyphs import language_of, write
from generation.painter import Painter
from generation.painter.subject import Subject, subject_of

SIDE = 512
STYLES = ("comic", "watercolor", "ink", "realistic", "traditional")
WORDS = {
    "学习": "study",
    "勉強する": "to study",
    "공부": "study",
    "سلام": "peace",
    "לימוד": "study",
    "सीखना": "to learn",
    "เรียน": "to learn",
    "воображение": "imagination",
    "étude": "study",
    "Freude": "joy",
    "水": "water",
    "φως": "light",
}


@lru_cache(maxsize=64)
def writing_of(word: str, width: int = SIDE, height: int = SIDE) -> Writing:
    """The word as it is written; below the smallest picture there is, shrunk from that."""
    factor = max(1.0, SIDE / min(width, height))
    writing = write(word, language=language_of(word), width=round(width * factor), height=round(height * factor))
    if factor == 1:
        return writing
    mask = np.asarray(cv2.resize(writing.mask, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
    return replace(writing, mask=mask, glyphs=(), em_px=writing.em_px / factor)


def job_of(
    word: str,
    style: str,
    seed: int = 1,
    *,
    size: tuple[int, int] = (SIDE, SIDE),
    cancelled: CancelledFlag | None = None,
) -> Job:
    width, height = size
    request = PaintRequest(
        word=word, translation=WORDS.get(word, ""), style=style, seed=seed, width=width, height=height
    )
    return Job(request, writing_of(word, width, height), cancelled or threading.Event())


def events_of(*jobs: Job) -> list[EngineEvent]:
    return list(Painter().paint(jobs))


@lru_cache(maxsize=128)
def painted(word: str, style: str, seed: int = 1, width: int = SIDE, height: int = SIDE) -> Rgb:
    (done,) = (event for event in events_of(job_of(word, style, seed, size=(width, height))) if isinstance(event, Done))
    return done.image


@pytest.fixture(scope="session")
def paint() -> Callable[..., Rgb]:
    """Paint a word (pictures are shared between tests; do not write into them)."""
    return painted


@pytest.fixture(scope="session")
def make_job() -> Callable[..., Job]:
    return job_of


@pytest.fixture(scope="session")
def run_jobs() -> Callable[..., list[EngineEvent]]:
    return events_of


@pytest.fixture(scope="session")
def write_word() -> Callable[..., Writing]:
    return writing_of


def subject_for(
    word: str = "学习",
    style: str = "ink",
    seed: int = 1,
    *,
    size: tuple[int, int] = (SIDE, SIDE),
    side: int = 160,
    firmness: float = 0.0,
) -> Subject:
    job = job_of(word, style, seed, size=size)
    return subject_of(job.request, job.writing.mask, side=side, firmness=firmness)


@pytest.fixture(scope="session")
def subject() -> Callable[..., Subject]:
    """A word on a small sheet, as a style is given it."""
    return subject_for
