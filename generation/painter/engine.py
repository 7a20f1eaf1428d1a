"""The engine that paints with cv2 and numpy alone: runs a style's stages, streams events, holds the legibility floor.

Knows the contracts and which module paints which style. Knows nothing of how a style looks.
"""

from __future__ import annotations

import logging
import statistics
import time
from collections import deque
from collections.abc import Generator, Hashable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import TypeVar

import cv2
import numpy as np

from generation.contracts.errors import OutOfMemory, PaintingFailed, UnknownStyle, WordbrushError
from generation.contracts.events import Done, EngineEvent, Failed, Preview, Step
from generation.contracts.picture import Rgb
from generation.contracts.ports import Job
from generation.contracts.request import PaintRequest
from generation.legibility import FLOOR
from generation.painter import comic, ink, realistic, traditional, watercolor
from generation.painter.fields import Canvas
from generation.painter.firmness import FIRMEST, REHEARSED, firm_enough, set_off
from generation.painter.subject import STAGES, Layers, Subject, subject_of
from generation.tracing import new_reference, traced

PREVIEW_SIDE_PX = 256
_STEPS = STAGES + 2
_REMEMBERED = 32
T = TypeVar("T")
_Events = Generator[EngineEvent, None, T]
_log = logging.getLogger(__name__)

STYLE_LAYERS: Mapping[str, Layers] = MappingProxyType(
    {
        "comic": comic.layers,
        "watercolor": watercolor.layers,
        "ink": ink.layers,
        "realistic": realistic.layers,
        "traditional": traditional.layers,
    }
)


class Painter:
    """Paints a word on the CPU. Implements `generation.contracts.ports.Engine`; use it from one thread at a time.

    Attributes:
        name: `painter`.
        version: goes up whenever pixels change; a golden hash test watches over it.
        needs: no control images.
    """

    name = "painter"
    version = "1"
    needs: tuple[str, ...] = ()

    def __init__(self) -> None:
        self._seconds: dict[str, deque[float]] = {style: deque(maxlen=_REMEMBERED) for style in STYLE_LAYERS}
        self._painted = self._repainted = 0

    def batch_key(self, request: PaintRequest) -> Hashable:
        """Everything may go together: jobs are painted one after the other anyway."""
        del request
        return self.name

    def batch_limit(self, width: int, height: int) -> int:
        """One at a time: nothing is shared between pictures, and a short batch lets the fair queue decide."""
        del width, height
        return 1

    def warm(self) -> None:
        """Nothing is loaded; the first picture is as quick as the next."""

    def unload(self) -> None:
        """Nothing is kept between pictures."""

    def diagnostics(self) -> dict[str, object]:
        """Pictures painted, how many of them a second time for legibility, and the median seconds of each style."""
        medians = {style: statistics.median(list(times)) for style, times in self._seconds.items() if times}
        return {
            "engine": self.name,
            "version": self.version,
            "painted": self._painted,
            "repainted": self._repainted,
            "threads": cv2.getNumThreads(),
            "median_seconds": medians,
        }

    def paint(self, jobs: Sequence[Job]) -> Iterator[EngineEvent]:
        """Paint the jobs in turn.

        Each yields a small `Preview`, a `Step` a stage, and ends in one `Done` or `Failed`; a job whose flag is set is
        dropped at its next stage without either.
        """
        for index, job in enumerate(jobs):
            try:
                yield from self._paint_one(index, job)
            except WordbrushError as error:
                yield Failed(index, error)
            except MemoryError:
                yield Failed(index, OutOfMemory())
            except cv2.error as error:
                yield Failed(index, _explained(error))

    def _paint_one(self, index: int, job: Job) -> Iterator[EngineEvent]:
        layers = STYLE_LAYERS.get(job.request.style)
        if layers is None:
            raise UnknownStyle(style=job.request.style, known=", ".join(STYLE_LAYERS))
        started = time.perf_counter()
        firmness = yield from self._sketch(index, job, layers)
        sketched = time.perf_counter()
        image = yield from self._picture(index, job, layers, firmness)
        if image is None:
            return
        ended = time.perf_counter()
        self._painted += 1
        self._seconds[job.request.style].append(ended - started)
        yield Done(index, image, {"sketch": sketched - started, "paint": ended - sketched})

    def _sketch(self, index: int, job: Job, layers: Layers) -> _Events[int]:
        """Paint the whole picture small: the early look, and the rehearsal that finds how firm the word must be."""
        for firmness in range(FIRMEST + 1):
            for stage in layers(_subject(job, firmness, PREVIEW_SIDE_PX)):
                if job.cancelled.is_set():
                    return firmness
                canvas = stage
            image = to_rgb(canvas)
            if firm_enough(image, job.writing, REHEARSED):
                break
        yield Preview(index, image)
        yield Step(index, 1, _STEPS)
        return firmness

    def _picture(self, index: int, job: Job, layers: Layers, firmness: int) -> _Events[Rgb | None]:
        """Paint at full size, again and firmer while the word does not read; None when cancelled."""
        told = 1
        for level in range(firmness, FIRMEST + 1):
            for step, stage in enumerate(layers(_subject(job, level, None)), start=2):
                if job.cancelled.is_set():
                    return None
                canvas = stage
                if step > told:
                    told = step
                    yield Step(index, step, _STEPS)
            image = to_rgb(canvas)
            if firm_enough(image, job.writing, FLOOR):
                break
            self._repainted += 1
        image = set_off(image, job.writing)
        if job.cancelled.is_set():
            return None
        yield Step(index, _STEPS, _STEPS)
        return image


def _subject(job: Job, firmness: int, side: int | None) -> Subject:
    return subject_of(job.request, job.writing.mask, side=side, firmness=firmness)


def to_rgb(canvas: Canvas) -> Rgb:
    """The canvas as 8-bit pixels."""
    return np.asarray(cv2.convertScaleAbs(np.clip(canvas, 0, 1), alpha=255), np.uint8)


def _explained(error: cv2.error) -> WordbrushError:
    """OpenCV's errors in our words: its own kind for memory, else a reference that finds the traceback in the log."""
    if getattr(error, "code", None) == cv2.Error.StsNoMem:
        return OutOfMemory()
    reference = new_reference()
    _log.error("painting failed: %s", traced(error, reference))
    return PaintingFailed(reference=reference)
