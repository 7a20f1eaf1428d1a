"""From a request to a job an engine can paint, and from its image to a finished picture.

Knows glyphs, control images, prompts and encoding; no queue, no learners, no event loop. Every method may be called
from any thread, several at a time.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from generation import encode, prompts
from generation.contracts.errors import PaintingCancelled, PaintingFailed
from generation.contracts.events import Done, EngineEvent, Failed, Preview
from generation.contracts.picture import ControlImage, Picture, Rgb, Writing
from generation.contracts.ports import CancelledFlag, Engine, Job
from generation.contracts.request import PaintRequest
from generation.styles import style_named
from generation.tracing import new_reference

if TYPE_CHECKING:
    from generation.glyphs import FontBook

FIRST_LOOK_BY = "painter"
"""The engine whose quick sketch is everybody's first look; it uses no control images."""
Seconds = dict[str, float]
"""Time by stage."""


class Pipeline:
    """What happens before and after the engine.

    Args:
        fonts: where typefaces come from; the process's own when None.
    """

    def __init__(self, fonts: FontBook | None = None) -> None:
        self._fonts = fonts

    def prepare(self, request: PaintRequest, engine: Engine, cancelled: CancelledFlag) -> tuple[Job, Seconds]:
        """Lay the word out, make the control images the engine needs, and write the prompt.

        Returns:
            The job, and the seconds of the stages `glyphs` and, where images were made, `control`.

        Raises:
            PaintingCancelled: the flag was set on the way.
            WordRefused: the word cannot be drawn.
            RequestRefused: the style, a method or a language is not known.
        """
        seconds: Seconds = {}
        style = style_named(request.style)
        with _timed(seconds, "glyphs"):
            writing = self._write(request)
        control: dict[str, ControlImage] = {}
        if engine.needs and not cancelled.is_set():
            with _timed(seconds, "control"):
                control = _control_images(request, writing, engine.needs)
        if cancelled.is_set():
            raise PaintingCancelled
        positive, negative = prompts.build(request, prompts.script_name(writing.script, request.language))
        weights = {**style.weights, **dict(request.weights)}
        return Job(request, writing, cancelled, control, positive, negative, weights, prompts.kept(request)), seconds

    def finish(self, job: Job, done: Done, seconds: Mapping[str, float], engine: Engine) -> Picture:
        """Measure the picture's legibility and encode it as a PNG that says what made it.

        Args:
            job: as painted.
            done: the engine's image and stage seconds.
            seconds: the stages before.
            engine: who was asked to paint it; `done` says when it was another.
        """
        from generation import legibility

        stages: Seconds = {**seconds, **(done.seconds or {})}
        with _timed(stages, "legibility"):
            report = legibility.measure(done.image, job.writing)
        name, version = (done.engine, done.version) if done.engine else (engine.name, engine.version)
        with _timed(stages, "encode"):
            said = {**_texts(job.request), **_plan(engine, name), "engine": f"{name} {version}"}
            data = encode.png(done.image, said)
        height, width = done.image.shape[:2]
        control = {} if name == FIRST_LOOK_BY else job.control
        return Picture(
            png=data,
            width=width,
            height=height,
            engine=name,
            engine_version=version,
            box=job.writing.box,
            prompt=job.prompt,
            methods={kind: image.method for kind, image in control.items()},
            weights={kind: weight for kind, weight in job.weights.items() if kind in control},
            seconds=stages,
            legibility=report,
        )

    def paint_one(
        self, request: PaintRequest, engine: Engine, on_event: Callable[[EngineEvent], None] | None = None
    ) -> Picture:
        """Paint one picture here and now, for the command line.

        Args:
            request: what to paint.
            engine: who paints it, on this thread.
            on_event: called with each of the engine's events.

        Raises:
            WordbrushError: whatever `prepare` refuses, or the engine's own failure.
        """
        job, seconds = self.prepare(request, engine, threading.Event())
        for event in engine.paint([job]):
            if on_event is not None:
                on_event(event)
            if isinstance(event, Failed):
                raise event.error
            if isinstance(event, Done):
                return self.finish(job, event, seconds, engine)
        raise PaintingFailed(reference=new_reference())

    @staticmethod
    def first_look(job: Job) -> Rgb | None:
        """The painter's quick sketch of a job, for whoever waits for a slower engine; None when it was cancelled.

        Raises:
            WordbrushError: the painter cannot paint it.
        """
        from generation.painter import Painter

        for event in Painter().paint([job]):
            if isinstance(event, Preview):
                return event.image
            if isinstance(event, Failed):
                raise event.error
        return None

    @staticmethod
    def preview_jpeg(image: Rgb, side: int = encode.PREVIEW_SIDE_PX) -> bytes:
        """A small JPEG of how a painting looks so far."""
        return encode.preview_jpeg(image, side)

    def _write(self, request: PaintRequest) -> Writing:
        from generation import glyphs

        return glyphs.write(
            request.word,
            language=request.language,
            width=request.width,
            height=request.height,
            fonts=self._fonts,
        )


def _control_images(request: PaintRequest, writing: Writing, kinds: tuple[str, ...]) -> dict[str, ControlImage]:
    from generation import conditioning

    return dict(conditioning.make_all(kinds, writing, seed=request.seed, methods=dict(request.methods)))


def _texts(request: PaintRequest) -> dict[str, str]:
    """What is written into the file: the request, so that the picture can be painted again."""
    return {
        "word": request.word,
        "translation": request.translation,
        "language": request.language,
        "style": request.style,
        "seed": str(request.seed),
        "Software": "Wordbrush",
    }


def _plan(engine: Engine, name: str) -> dict[str, str]:
    """How a picture of the engine called `name` was sampled, where there is a plan to it."""
    told = {} if name == FIRST_LOOK_BY else engine.diagnostics()
    if "plan" not in told:
        return {}
    return {"plan": f"{told['plan']}, {'approximate' if told.get('plan_approximate') else 'exact'}"}


@contextmanager
def _timed(seconds: Seconds, stage: str) -> Iterator[None]:
    started = time.perf_counter()
    try:
        yield
    finally:
        seconds[stage] = time.perf_counter() - started
