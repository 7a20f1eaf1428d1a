"""Samplers: from noise to latents in a given number of steps. Knows torch; no models, no device.

Both samplers are deterministic and linear, so a step is a row of numbers computed once: nothing here keeps state,
waits for a device or depends on how many pictures share the batch.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from torch import Tensor

from generation.contracts.errors import BadSettings, WrongArchitecture
from generation.diffusion.schedules import Trajectory, karras, spaced


@dataclass(frozen=True, slots=True)
class SamplerState:
    """Where a batch stands between two steps.

    Attributes:
        latents: shape (pictures, channels, height, width); fp32 keeps the sampler's own error out of the picture.
        estimate: the finished latents as the last step saw them; None before the first. Multistep samplers read it.
    """

    latents: Tensor
    estimate: Tensor | None = None

    def select(self, rows: Tensor) -> SamplerState:
        """Only these pictures, by index; a picture may be named more than once to fill a batch up."""
        estimate = None if self.estimate is None else self.estimate.index_select(0, rows)
        return SamplerState(self.latents.index_select(0, rows), estimate)


@dataclass(frozen=True, slots=True)
class _Row:
    """The numbers of one step.

    The model sees `scale * x`; `estimate = sample * x + prediction * output`; then x becomes
    `keep * x + now * estimate + before * last estimate`.
    """

    scale: float
    sample: float
    prediction: float
    keep: float
    now: float
    before: float = 0.0


@dataclass(frozen=True, slots=True)
class Sampler:
    """A sampler for one number of steps.

    Attributes:
        name: as in `make_sampler`.
        timesteps: what the models are told at each step, as numbers.
        initial_scale: standard deviation of the first latents (diffusers' `init_noise_sigma`).
        rows: the numbers of each step.
    """

    name: str
    timesteps: tuple[float, ...]
    initial_scale: float
    rows: tuple[_Row, ...]

    def start(self, noise: Tensor) -> SamplerState:
        """The state before the first step, from standard normal noise."""
        return SamplerState(noise * self.initial_scale)

    def scale_input(self, latents: Tensor, i: int) -> Tensor:
        """What the models see of `latents` at step `i`."""
        scale = self.rows[i].scale
        return latents if scale == 1.0 else latents * scale

    def step(self, state: SamplerState, noise_prediction: Tensor, i: int) -> SamplerState:
        """The state after step `i`.

        Args:
            state: before it.
            noise_prediction: what the UNet says, guidance applied; shape of the latents, any float type.
            i: 0 to len(timesteps) - 1.
        """
        row = self.rows[i]
        prediction = noise_prediction.to(state.latents.dtype)
        estimate = state.latents * row.sample + prediction * row.prediction
        latents = state.latents * row.keep + estimate * row.now
        if row.before:  # without a last estimate the present one stands in: a step of first order
            latents = latents + (estimate if state.estimate is None else state.estimate) * row.before
        return SamplerState(latents, estimate)


def make_sampler(name: str, steps: int, scheduler_config: Mapping[str, object]) -> Sampler:
    """A sampler over the base model's noise schedule.

    `dpmpp_2m_karras` is DPM-Solver++(2M) (arXiv 2211.01095) on Karras sigmas with a final Euler step, equal to
    diffusers' `DPMSolverMultistepScheduler` with `use_karras_sigmas` and `euler_at_final`; `euler` is the base model's
    own `EulerDiscreteScheduler`; `euler_trailing` the same on trailing timesteps.

    Args:
        name: one of the three.
        steps: at least 1.
        scheduler_config: the base model's `scheduler_config.json`.

    Raises:
        BadSettings: there is no such sampler.
        BadNumber: fewer than one step, or more than the model was trained on.
        WrongArchitecture: the model predicts something else than noise, velocity or the sample.
    """
    if name not in _SAMPLERS:
        raise BadSettings(detail=f"no sampler {name!r}: choose one of {', '.join(_SAMPLERS)}")
    laid_out, row = _SAMPLERS[name]
    way = laid_out(scheduler_config, steps)
    prediction_type = str(scheduler_config.get("prediction_type", "epsilon"))
    return Sampler(
        name=name,
        timesteps=way.timesteps,
        initial_scale=way.initial_scale,
        rows=tuple(row(way.sigmas, i, prediction_type) for i in range(steps)),
    )


def _estimate(sigma: float, prediction_type: str) -> tuple[float, float]:
    """Factors on sample and prediction that give the finished latents, for a sample of variance 1 + sigma**2."""
    variance = sigma * sigma + 1.0
    factors = {
        "epsilon": (1.0, -sigma),
        "v_prediction": (1.0 / variance, -sigma / math.sqrt(variance)),
        "sample": (0.0, 1.0),
    }
    if prediction_type not in factors:
        raise WrongArchitecture(model="scheduler", expected=", ".join(factors), found=prediction_type)
    return factors[prediction_type]


def _euler_row(sigmas: Sequence[float], i: int, prediction_type: str) -> _Row:
    sigma, after = sigmas[i], sigmas[i + 1]
    sample, prediction = _estimate(sigma, prediction_type)
    ratio = after / sigma
    return _Row(1.0 / math.sqrt(sigma * sigma + 1.0), sample, prediction, keep=ratio, now=1.0 - ratio)


def _dpmpp_row(sigmas: Sequence[float], i: int, prediction_type: str) -> _Row:
    """The sample has variance 1 here: x / alpha is Euler's. Lambda is the logarithm of 1 / sigma."""
    sigma, after = sigmas[i], sigmas[i + 1]
    alpha, alpha_after = (1.0 / math.sqrt(s * s + 1.0) for s in (sigma, after))
    sample, prediction = _estimate(sigma, prediction_type)
    weight = alpha_after * (1.0 - after / sigma)
    before = 0.0
    if 0 < i < len(sigmas) - 2:
        ratio = math.log(sigmas[i - 1] / sigma) / math.log(sigma / after)
        before = -0.5 * weight / ratio
    factor = sample / alpha
    return _Row(1.0, factor, prediction, keep=after * alpha_after / (sigma * alpha), now=weight - before, before=before)


def _trailing(config: Mapping[str, object], steps: int) -> Trajectory:
    return spaced(config, steps, "trailing")


_SAMPLERS: Mapping[
    str,
    tuple[Callable[[Mapping[str, object], int], Trajectory], Callable[[Sequence[float], int, str], _Row]],
] = MappingProxyType(
    {
        "dpmpp_2m_karras": (karras, _dpmpp_row),
        "euler": (spaced, _euler_row),
        "euler_trailing": (_trailing, _euler_row),
    }
)
"""How each sampler lays out its way and what it does at one step.

`euler_trailing` is what few-step LoRAs are trained on: deterministic DDIM on timesteps that begin at the very end.
"""
