"""Noise schedules: how noisy latents are at each of a model's timesteps. Knows torch on the CPU and numpy; no sampler.

Computed as diffusers' schedulers compute them (fp32 products, double interpolation), so that timesteps are equal and
sigmas agree to the last bit that matters.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from diffusers.schedulers.scheduling_euler_discrete import rescale_zero_terminal_snr
from numpy.typing import NDArray

from generation.contracts.errors import BadNumber, WrongArchitecture

_RHO = 7.0
"""Of Karras et al., "Elucidating the Design Space of Diffusion-Based Generative Models" (arXiv 2206.00364)."""
Doubles = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Trajectory:
    """Where a sampler stops on its way from noise to picture.

    Attributes:
        timesteps: what the models are told, one a step, falling.
        sigmas: noise over signal at each, and 0 at the end: one more than there are steps.
        initial_scale: standard deviation of the first latents.
    """

    timesteps: tuple[float, ...]
    sigmas: tuple[float, ...]
    initial_scale: float


def training_sigmas(config: Mapping[str, object]) -> Doubles:
    """Noise over signal at every timestep a model was trained on, rising.

    Args:
        config: the model's `scheduler_config.json`.

    Raises:
        WrongArchitecture: its betas follow a schedule SDXL models do not use.
    """
    betas = _betas(config)
    if config.get("rescale_betas_zero_snr"):
        betas = rescale_zero_terminal_snr(betas)
    products = torch.cumprod(1.0 - betas, dim=0)
    if config.get("rescale_betas_zero_snr"):
        products[-1] = 2**-24  # not 0, or the first sigma would be infinite
    sigmas: Doubles = (((1 - products) / products) ** 0.5).numpy().astype(np.float64)
    return sigmas


def _betas(config: Mapping[str, object]) -> torch.Tensor:
    first, last = _number(config, "beta_start", 0.0001), _number(config, "beta_end", 0.02)
    count, kind = int(_number(config, "num_train_timesteps", 1000)), config.get("beta_schedule", "linear")
    if kind not in {"linear", "scaled_linear"} or config.get("trained_betas") is not None:
        raise WrongArchitecture(model="scheduler", expected="scaled_linear betas", found=str(kind))
    power = 2.0 if kind == "scaled_linear" else 1.0
    return torch.linspace(first ** (1 / power), last ** (1 / power), count, dtype=torch.float32, device="cpu") ** power


def karras(config: Mapping[str, object], steps: int) -> Trajectory:
    """Sigmas after Karras et al. between the model's largest and smallest; timesteps are the nearest to them.

    Raises:
        BadNumber: fewer than one step, or more than the model was trained on.
        WrongArchitecture: the schedule is unknown.
    """
    known = training_sigmas(config)
    _require_steps(steps, len(known))
    sigmas = _spread(config, known[-1], known[0], steps)
    return Trajectory(_floats(_nearest(sigmas, known).round()), _ended(sigmas), 1.0)


def spaced(config: Mapping[str, object], steps: int, spacing: str | None = None) -> Trajectory:
    """Timesteps at equal distances, with the model's sigmas at them (or Karras sigmas where its configuration says so).

    Args:
        config: the model's `scheduler_config.json`.
        steps: how many.
        spacing: `leading`, `linspace` or `trailing`; None takes the model's.

    Raises:
        BadNumber: fewer than one step, or more than the model was trained on.
        WrongArchitecture: the schedule or the spacing is unknown.
    """
    known = training_sigmas(config)
    _require_steps(steps, len(known))
    spacing = spacing or str(config.get("timestep_spacing", "linspace"))
    timesteps = _stops(spacing, steps, len(known), offset=int(_number(config, "steps_offset", 0)))
    sigmas = np.interp(timesteps, np.arange(len(known)), known)
    if config.get("use_karras_sigmas"):
        sigmas = _spread(config, sigmas[0], sigmas[-1], steps)
        timesteps = _nearest(sigmas, known).astype(np.float32).astype(np.float64)
    ended = _ended(sigmas)
    # Leading timesteps begin short of the end: diffusers counts the signal that is still there, too.
    start = max(ended) if spacing in {"linspace", "trailing"} else (max(ended) ** 2 + 1) ** 0.5
    return Trajectory(_floats(timesteps), ended, start)


def _stops(spacing: str, steps: int, count: int, *, offset: int) -> Doubles:
    if spacing == "linspace":
        return np.linspace(0, count - 1, steps, dtype=np.float32)[::-1].astype(np.float64)
    if spacing == "leading":
        return np.arange(steps, dtype=np.float64)[::-1] * (count // steps) + offset
    if spacing == "trailing":
        return np.arange(count, 0, -count / steps, dtype=np.float64).round() - 1.0
    raise WrongArchitecture(model="scheduler", expected="leading, linspace or trailing timesteps", found=spacing)


def _spread(config: Mapping[str, object], largest: float, smallest: float, steps: int) -> Doubles:
    high, low = _number(config, "sigma_max", largest), _number(config, "sigma_min", smallest)
    ends = [high ** (1 / _RHO), low ** (1 / _RHO)]
    spread: Doubles = (ends[0] + np.linspace(0, 1, steps) * (ends[1] - ends[0])) ** _RHO
    return spread


def _nearest(sigmas: Doubles, known: Doubles) -> Doubles:
    """Fractional timesteps of sigmas, interpolated over their logarithms."""
    logs = np.log(known.astype(np.float32)).astype(np.float64)
    timesteps: Doubles = np.interp(np.log(np.maximum(sigmas, 1e-10)), logs, np.arange(len(known)))
    return timesteps


def _ended(sigmas: Doubles) -> tuple[float, ...]:
    return (*_floats(sigmas.astype(np.float32)), 0.0)


def _floats(values: NDArray[np.floating]) -> tuple[float, ...]:
    return tuple(float(value) for value in values)


def _number(config: Mapping[str, object], key: str, default: float) -> float:
    value = config.get(key)
    return float(default) if value is None else float(str(value))


def _require_steps(steps: int, most: int) -> None:
    if not 1 <= steps <= most:
        raise BadNumber(option="steps", value=steps, smallest=1, largest=most)
