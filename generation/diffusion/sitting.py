"""One sitting: jobs of one size and step count painted together on loaded models. Knows torch, the loop and events.

Yields what the engine yields. Whatever goes wrong is raised as it is; what becomes of it is the engine's business.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch

from generation.contracts.events import Done, EngineEvent, Preview, Step
from generation.contracts.ports import Job
from generation.diffusion.latents import decode
from generation.diffusion.loop import Progress, Sample, denoise
from generation.diffusion.models import Models
from generation.diffusion.plans import Plan, steps_for
from generation.diffusion.previews import preview
from generation.styles import style_named


@dataclass(slots=True)
class Stopwatch:
    """Which stage is running and what each took, in seconds.

    Attributes:
        stage: the one entered last.
        seconds: by stage, since `start`.
    """

    stage: str = ""
    seconds: dict[str, float] = field(default_factory=dict)

    def start(self) -> None:
        """Begin anew."""
        self.stage, self.seconds = "", {}

    def timed(
        self, enter: Callable[[str], AbstractContextManager[None]]
    ) -> Callable[[str], AbstractContextManager[None]]:
        """The stages of a set of models, each measured."""

        @contextmanager
        def stage(name: str) -> Iterator[None]:
            self.stage, began_s = name, time.perf_counter()
            with enter(name):
                yield
            self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - began_s

        return stage


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """How to paint, for every sitting of an engine.

    Attributes:
        plan: the sampling plan.
        sampler: in place of the plan's.
        preview_every: steps between two previews; 0 for none.
    """

    plan: Plan
    sampler: str
    preview_every: int


def sit(models: Models, jobs: Sequence[Job], manner: Manner) -> Iterator[EngineEvent]:
    """Paint jobs whose size and steps are equal; `Done` carries no seconds yet.

    Events are numbered as the jobs are given. A cancelled job leaves within a step, without `Done`.
    """
    request = jobs[0].request
    progress: Progress | None = None
    pace = _Pace(models.device)
    for progress in denoise(
        models,
        [sample_of(job) for job in jobs],
        plan=manner.plan,
        steps=steps_for(manner.plan, request),
        width=request.width,
        height=request.height,
        sampler=manner.sampler,
    ):
        pace.step()
        yield from _shown(models, progress, manner.preview_every)
    if progress is not None:
        yield from _pictures(models, jobs, progress)


def sample_of(job: Job) -> Sample:
    """What the loop needs of a job."""
    request = job.request
    return Sample(
        prompt=job.prompt,
        negative_prompt=job.negative_prompt,
        keep=job.keep,
        seed=request.seed,
        guidance=style_named(request.style).guidance if request.guidance is None else request.guidance,
        control={kind: image.image for kind, image in job.control.items()},
        weights=job.weights,
        cancelled=job.cancelled,
    )


def _shown(models: Models, progress: Progress, every: int) -> Iterator[EngineEvent]:
    for index in progress.alive:
        yield Step(index, progress.step, progress.steps)
    if every and progress.step % every == 0 and progress.step < progress.steps:
        for index, image in zip(progress.alive, preview(models, progress.estimate), strict=True):
            yield Preview(index, image)


def _pictures(models: Models, jobs: Sequence[Job], progress: Progress) -> Iterator[EngineEvent]:
    """Decode those that nobody cancelled since the last step."""
    rows = [row for row, index in enumerate(progress.alive) if not jobs[index].cancelled.is_set()]
    if progress.step < progress.steps or not rows:
        return
    latents = progress.latents if len(rows) == len(progress.alive) else progress.latents[rows]
    for row, image in zip(rows, decode(models, latents), strict=True):
        yield Done(progress.alive[row], image)


class _Pace:
    """Keeps the CPU at most one step ahead of a CUDA device, so that progress is true and a cancel comes in time.

    Launching is asynchronous: without this the loop would have queued many steps that are not computed yet. One step
    ahead is enough to keep the device busy.
    """

    def __init__(self, device: Any) -> None:
        self._on = torch.device(device).type == "cuda"
        self._last: Any | None = None

    def step(self) -> None:
        """A step was launched: wait for the one before."""
        if not self._on:
            return
        event = torch.cuda.Event()
        event.record()
        if self._last is not None:
            self._last.synchronize()
        self._last = event
