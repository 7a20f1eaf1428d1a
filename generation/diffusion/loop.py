"""The denoise loop: from prompts, seeds and control images to latents, one step at a time. Knows torch, no pipeline.

What a step cannot change is computed before the first one: text, embedded control images, sizes. Weights, windows,
guidance and seed are each picture's own within one batch. Which nets run, whether the negative half runs and who is
still there is decided in plain numbers on the CPU: a step never waits for the device.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor

from generation.contracts.picture import Rgb
from generation.contracts.ports import CancelledFlag
from generation.diffusion.models import Models
from generation.diffusion.nets import (
    Conditions,
    Residuals,
    Rows,
    TextBatch,
    TextRows,
    Window,
    both,
    is_open,
    steer,
)
from generation.diffusion.noise import initial_noise
from generation.diffusion.plans import Plan
from generation.diffusion.samplers import Sampler, SamplerState, make_sampler
from generation.diffusion.text import Prompt, time_ids

LATENT_PX = 8
"""Pixels of the picture a latent stands for, along one side."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One picture of a batch.

    Attributes:
        prompt: positive prompt.
        negative_prompt: None is none at all, which SDXL sees as zeros.
        keep: parts of the prompt that survive cutting first: the word, then its meaning.
        seed: 0 to 2**32 - 1.
        guidance: classifier-free guidance; 1 and less is none.
        control: control images by kind, of the picture's size.
        weights: conditioning scale by kind; a kind that is missing here or in `control` does not steer.
        windows: by kind, from and to which fraction of the steps it steers, where that is not all of them.
        cancelled: looked at before every step.
    """

    prompt: str
    negative_prompt: str | None = ""
    keep: tuple[str, ...] = ()
    seed: int
    guidance: float
    control: Mapping[str, Rgb] = field(default_factory=dict)
    weights: Mapping[str, float] = field(default_factory=dict)
    windows: Mapping[str, Window] = field(default_factory=dict)
    cancelled: CancelledFlag


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a batch stands after a step.

    Attributes:
        step: steps done, from 1.
        steps: of how many.
        alive: samples still in the batch, as indices into those given, ascending.
        latents: shape (len(alive), 4, height / 8, width / 8), fp32; after the last step the result.
        estimate: the finished latents as this step sees them; what a preview shows. Same shape.
    """

    step: int
    steps: int
    alive: tuple[int, ...]
    latents: Tensor
    estimate: Tensor


@dataclass(frozen=True, slots=True)
class _Batch:
    """Who is in the batch, and what no step changes; rows beyond `alive` fill the bucket up and are copies.

    Attributes:
        alive: samples still in the batch, as indices into those given.
        state: the sampler's.
        text: embedded prompts.
        conditions: embedded control images.
        guidance: shape (rows, 1, 1, 1), at least 1.
        guided: whether each row wants guidance at all.
        timesteps: of all steps, shape (steps,), on the device.
    """

    alive: tuple[int, ...]
    state: SamplerState
    text: TextRows
    conditions: Conditions
    guidance: Tensor
    guided: tuple[bool, ...]
    timesteps: Tensor

    def select(self, rows: Rows, alive: Sequence[int]) -> _Batch:
        return _Batch(
            tuple(alive),
            self.state.select(rows.index),
            self.text.select(rows),
            self.conditions.select(rows),
            self.guidance.index_select(0, rows.index),
            tuple(self.guided[row] for row in rows.order),
            self.timesteps,
        )


def denoise(  # noqa: PLR0913 - the seam between engine and loop; benches and tests name every one
    models: Models,
    samples: Sequence[Sample],
    *,
    plan: Plan,
    steps: int,
    width: int,
    height: int,
    sampler: str | None = None,
) -> Iterator[Progress]:
    """Denoise a batch of pictures of one size, together.

    A cancelled sample leaves within one step; the iterator ends early when nobody is left. With a plan that is not
    approximate the result equals that of diffusers' `StableDiffusionXLControlNetPipeline` (or, a picture at a time,
    of `StableDiffusionXLControlNetUnionPipeline`) up to rounding.

    Args:
        models: loaded; entered are its stages `text` and then `denoise`.
        samples: at least one.
        plan: where nets and guidance end.
        steps: of the sampler.
        width: of the picture in pixels, a multiple of 8.
        height: likewise.
        sampler: instead of the plan's.

    Yields:
        `Progress` after each step.

    Raises:
        BadSettings: there is no such sampler.
        PaintingFailed: a control image is not of the form it should be.
    """
    if all(sample.cancelled.is_set() for sample in samples):
        return
    course = _Course(models, make_sampler(sampler or plan.sampler, steps, models.scheduler), plan)
    text = _text(models, samples, width, height)
    noise = initial_noise([sample.seed for sample in samples], height // LATENT_PX, width // LATENT_PX)
    with models.stage("denoise"):
        with torch.no_grad():  # never around a yield: it would hold for whoever looks at the progress, too
            batch = _begin(course, samples, text, noise)
        for i in range(steps):
            batch = _without_cancelled(course, samples, batch)
            if not batch.alive:
                return
            with torch.no_grad():
                batch = _step(course, batch, i)
            yield _progress(batch, i + 1, steps)


@dataclass(frozen=True, slots=True)
class _Course:
    """What all steps share."""

    models: Models
    sampler: Sampler
    plan: Plan

    @property
    def steps(self) -> int:
        return len(self.sampler.timesteps)


def _text(models: Models, samples: Sequence[Sample], width: int, height: int) -> TextRows:
    """Both halves in one call, the negative one first; without guidance the positive alone."""
    prompts: list[Prompt | None] = [Prompt(sample.prompt, sample.keep) for sample in samples]
    if any(sample.guidance > 1 for sample in samples):
        negative = [None if s.negative_prompt is None else Prompt(s.negative_prompt) for s in samples]
        prompts = [*negative, *prompts]
    with nullcontext() if models.text.remembers(prompts) else models.stage("text"):
        state = models.text.encode(prompts)
    sizes = time_ids(width, height, len(prompts), device=models.device)
    apart = (-1, len(samples))
    return TextRows(
        state.hidden.to(models.device, models.dtype).unflatten(0, apart),
        state.pooled.to(models.device, models.dtype).unflatten(0, apart),
        sizes.unflatten(0, apart),
    )


def _begin(course: _Course, samples: Sequence[Sample], text: TextRows, noise: Tensor) -> _Batch:
    models, plan = course.models, course.plan
    timesteps = torch.tensor(course.sampler.timesteps, dtype=torch.float32, device=models.device)
    guidance = torch.tensor([max(s.guidance, 1.0) for s in samples], dtype=torch.float32, device=models.device)
    steering = [steer(s.control, s.weights, s.windows, steps=course.steps, end=plan.net_end) for s in samples]
    batch = _Batch(
        alive=tuple(range(len(samples))),
        state=course.sampler.start(noise.to(models.device)),
        text=text,
        conditions=models.nets.prepare(steering, text),
        guidance=guidance.view(-1, 1, 1, 1),
        guided=tuple(sample.guidance > 1 for sample in samples),
        timesteps=timesteps,
    )
    return batch if models.bucket(len(samples)) == len(samples) else _kept(models, batch, range(len(samples)))


def _without_cancelled(course: _Course, samples: Sequence[Sample], batch: _Batch) -> _Batch:
    """The batch without those nobody waits for any more; the same object when there are none."""
    places = [place for place, sample in enumerate(batch.alive) if not samples[sample].cancelled.is_set()]
    if len(places) == len(batch.alive):
        return batch
    return _kept(course.models, batch, places) if places else replace(batch, alive=())


def _kept(models: Models, batch: _Batch, places: Sequence[int]) -> _Batch:
    """Only these places of the batch, filled up to the bucket with copies of the first."""
    spare = max(models.bucket(len(places)) - len(places), 0)
    rows = Rows.of([*places, *[places[0]] * spare], models.device)
    return batch.select(rows, [batch.alive[place] for place in places])


def _step(course: _Course, batch: _Batch, i: int) -> _Batch:
    models, sampler = course.models, course.sampler
    models.before_step()
    guided = any(batch.guided) and is_open(i, course.steps, (0.0, course.plan.guidance_end))
    inputs = both(sampler.scale_input(batch.state.latents, i).to(models.dtype), guided)
    timestep = batch.timesteps[i]
    residuals = batch.conditions.residuals(i, inputs, timestep, guided=guided)
    prediction = _predicted(models.unet, inputs, timestep, batch.text.flat(guided), residuals).float()
    if guided:
        negative, positive = prediction.chunk(2)
        prediction = negative + batch.guidance * (positive - negative)
    return replace(batch, state=sampler.step(batch.state, prediction, i))


def _predicted(unet: Any, inputs: Tensor, timestep: Tensor, text: TextBatch, residuals: Residuals | None) -> Tensor:
    steered = {}
    if residuals is not None:
        steered = {
            "down_block_additional_residuals": residuals.down,
            "mid_block_additional_residual": residuals.mid,
        }
    added = {"text_embeds": text.pooled, "time_ids": text.time_ids}
    prediction: Tensor = unet(
        inputs, timestep, encoder_hidden_states=text.hidden, added_cond_kwargs=added, return_dict=False, **steered
    )[0]
    return prediction


def _progress(batch: _Batch, step: int, steps: int) -> Progress:
    estimate = batch.state.estimate
    assert estimate is not None
    rows = len(batch.alive)
    return Progress(step, steps, batch.alive, batch.state.latents[:rows], estimate[:rows])
