"""Our samplers against diffusers' schedulers, over whole trajectories."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from diffusers import DDIMScheduler, DPMSolverMultistepScheduler, EulerDiscreteScheduler
from hypothesis import given, settings
from hypothesis import strategies as st

from generation.contracts.errors import BadNumber, BadSettings, WrongArchitecture
from generation.diffusion.samplers import Sampler, SamplerState, make_sampler

pytestmark = [
    pytest.mark.diffusion,
    # numpy on a tensor inside diffusers' schedulers
    pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning"),
]

NAMES = ("dpmpp_2m_karras", "euler", "euler_trailing")
SDXL: dict[str, object] = {
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "prediction_type": "epsilon",
    "timestep_spacing": "leading",
    "steps_offset": 1,
}
NEAR = 1e-6
"""Of the largest latent at up to 30 steps; stock's own fp32 coefficients are that far from exact ones, and further with
more steps."""


def stock(name: str, steps: int, config: dict[str, object]) -> Any:
    if name == "dpmpp_2m_karras":
        told = {"use_karras_sigmas": True, "euler_at_final": True}
        scheduler = DPMSolverMultistepScheduler.from_config(config, **told)
    else:
        told = {"timestep_spacing": "trailing"} if name == "euler_trailing" else {}
        scheduler = EulerDiscreteScheduler.from_config(config, **told)
    scheduler.set_timesteps(steps)
    return scheduler


def predictions(seed: int, steps: int, shape: tuple[int, ...]) -> tuple[torch.Tensor, list[torch.Tensor]]:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator), [torch.randn(shape, generator=generator) for _ in range(steps)]


def largest_error(name: str, steps: int, config: dict[str, object], seed: int) -> float:
    """Over all steps, relative to the largest latent of the step; what the models see is compared too."""
    theirs, ours = stock(name, steps, config), make_sampler(name, steps, config)
    noise, outputs = predictions(seed, steps, (2, 4, 6, 6))
    latents, state, worst = noise * theirs.init_noise_sigma, ours.start(noise), 0.0
    for i, timestep in enumerate(theirs.timesteps):
        seen, ours_seen = theirs.scale_model_input(latents, timestep), ours.scale_input(state.latents, i)
        worst = max(worst, relative(ours_seen, seen))
        latents = theirs.step(outputs[i], timestep, latents, return_dict=False)[0]
        state = ours.step(state, outputs[i], i)
        worst = max(worst, relative(state.latents, latents))
    return worst


def relative(ours: torch.Tensor, theirs: torch.Tensor) -> float:
    return float((ours - theirs).abs().max() / theirs.abs().max())


@pytest.mark.parametrize("prediction", ["epsilon", "v_prediction", "sample"])
@pytest.mark.parametrize("name", NAMES)
def test_whole_trajectories_equal_diffusers(name: str, prediction: str):
    for steps in (1, 2, 3, 4, 8, 14, 15, 20, 25, 30):
        error = largest_error(name, steps, {**SDXL, "prediction_type": prediction}, seed=steps)
        assert error <= 2 * NEAR, f"{steps} steps: {error:.1e}"


@settings(max_examples=40, deadline=None)
@given(
    name=st.sampled_from(NAMES),
    steps=st.integers(1, 60),
    seed=st.integers(0, 2**32 - 1),
    prediction=st.sampled_from(["epsilon", "v_prediction"]),
    spacing=st.sampled_from(["leading", "linspace", "trailing"]),
    betas=st.sampled_from(["scaled_linear", "linear"]),
)
def test_any_schedule_equals_diffusers(name: str, steps: int, seed: int, prediction: str, spacing: str, betas: str):
    config = {**SDXL, "prediction_type": prediction, "timestep_spacing": spacing, "beta_schedule": betas}
    assert largest_error(name, steps, config, seed) <= 5 * NEAR


@pytest.mark.parametrize("steps", [10, 30, 60, 150])
def test_ours_is_as_near_to_exact_arithmetic_as_stock(steps: int):
    noise, outputs = predictions(3, steps, (1, 4, 8, 8))
    ours, theirs = make_sampler("dpmpp_2m_karras", steps, SDXL), stock("dpmpp_2m_karras", steps, SDXL)
    exact, state, latents = ours.start(noise.double()), ours.start(noise), noise
    for i, timestep in enumerate(theirs.timesteps):
        exact, state = ours.step(exact, outputs[i], i), ours.step(state, outputs[i], i)
        latents = theirs.step(outputs[i], timestep, latents, return_dict=False)[0]
    assert relative(state.latents, exact.latents) <= relative(latents, exact.latents) + NEAR / 2


@pytest.mark.parametrize("name", NAMES)
def test_timesteps_are_those_of_diffusers_for_every_number_of_steps(name: str):
    for steps in range(1, 121):
        theirs, ours = stock(name, steps, SDXL), make_sampler(name, steps, SDXL)
        assert ours.timesteps == tuple(theirs.timesteps.tolist())
        assert ours.initial_scale == pytest.approx(float(theirs.init_noise_sigma), rel=1e-7)


def test_karras_sigmas_and_zero_terminal_snr_of_the_models_own_schedule_are_honoured():
    for own in ({"use_karras_sigmas": True}, {"rescale_betas_zero_snr": True, "prediction_type": "v_prediction"}):
        assert largest_error("euler", 12, {**SDXL, **own}, seed=5) <= 2 * NEAR


def test_euler_on_trailing_timesteps_is_ddim():
    """What the few-step LoRA was trained for, but for the last step: DDIM ends at the first training sigma."""
    steps = 8
    ddim = DDIMScheduler.from_config(SDXL, timestep_spacing="trailing", clip_sample=False, set_alpha_to_one=True)
    ddim.set_timesteps(steps)
    ours = make_sampler("euler_trailing", steps, SDXL)
    noise, outputs = predictions(1, steps, (1, 4, 4, 4))
    state = ours.start(noise)
    latents = state.latents / (ours.initial_scale**2 + 1) ** 0.5
    for i, timestep in enumerate(ddim.timesteps):
        latents = ddim.step(outputs[i], timestep, latents, return_dict=False)[0]
        state = ours.step(state, outputs[i], i)
    assert tuple(ddim.timesteps.tolist()) == ours.timesteps
    assert relative(state.latents, latents) < 1e-5


@pytest.mark.parametrize("name", NAMES)
def test_the_estimate_is_the_picture_once_the_prediction_is_the_noise(name: str):
    picture, (noise,) = predictions(2, 1, (1, 4, 4, 4))
    sampler = make_sampler(name, 10, SDXL)
    for i in (0, 4, 9):
        spread = noisy(sampler, picture, noise, i)
        estimate = sampler.step(SamplerState(spread), noise, i).estimate
        assert estimate is not None
        assert float((estimate - picture).abs().max()) < 1e-4


def noisy(sampler: Sampler, picture: torch.Tensor, noise: torch.Tensor, i: int) -> torch.Tensor:
    row = sampler.rows[i]
    sigma = -row.prediction
    return (picture + sigma * noise) / row.sample


@pytest.mark.parametrize("name", NAMES)
def test_the_last_step_ends_at_the_estimate(name: str):
    sampler = make_sampler(name, 6, SDXL)
    latents, (last, now) = predictions(4, 2, (1, 4, 4, 4))
    done = sampler.step(SamplerState(latents, last), now, 5)
    assert torch.equal(done.latents, done.estimate)


def test_a_picture_does_not_notice_its_neighbours_or_who_leaves():
    sampler = make_sampler("dpmpp_2m_karras", 6, SDXL)
    noise, outputs = predictions(6, 6, (3, 4, 4, 4))
    together, alone = sampler.start(noise), sampler.start(noise[1:2])
    for i in range(6):
        rows = slice(None) if i < 3 else slice(1, None)
        together, alone = sampler.step(together, outputs[i][rows], i), sampler.step(alone, outputs[i][1:2], i)
        if i == 2:
            together = together.select(torch.tensor([1, 2]))
    assert torch.equal(together.latents[:1], alone.latents)
    assert torch.equal(together.estimate[:1], alone.estimate)


def test_entering_half_way_begins_with_a_step_of_first_order():
    sampler = make_sampler("dpmpp_2m_karras", 6, SDXL)
    latents, (output,) = predictions(8, 1, (1, 4, 4, 4))
    entered = sampler.step(SamplerState(latents), output, 3)
    steady = sampler.step(SamplerState(latents, entered.estimate), output, 3)
    assert torch.equal(entered.latents, steady.latents)


def test_steps_change_nothing_they_were_given():
    sampler = make_sampler("euler", 4, SDXL)
    noise, outputs = predictions(7, 4, (1, 4, 4, 4))
    state = sampler.start(noise)
    before = state.latents.clone()
    once, again = sampler.step(state, outputs[0], 0), sampler.step(state, outputs[0], 0)
    assert torch.equal(state.latents, before)
    assert torch.equal(once.latents, again.latents)


@pytest.mark.parametrize("name", NAMES)
def test_a_sampler_made_and_run_on_meta_never_asks_for_a_value(name: str):
    with torch.device("meta"):
        sampler = make_sampler(name, 3, SDXL)
        state = sampler.start(torch.empty(2, 4, 4, 4))
        for i in range(3):
            seen = sampler.scale_input(state.latents, i)
            state = sampler.step(state, torch.empty_like(seen), i)
    assert state.latents.is_meta
    assert sampler.timesteps == make_sampler(name, 3, SDXL).timesteps


def test_predictions_in_bf16_leave_the_state_in_fp32():
    sampler = make_sampler("dpmpp_2m_karras", 2, SDXL)
    state = sampler.step(sampler.start(torch.randn(1, 4, 4, 4)), torch.randn(1, 4, 4, 4).bfloat16(), 0)
    assert state.latents.dtype == state.estimate.dtype == torch.float32


@pytest.mark.parametrize("name", ["dpmpp_2m_karras", "euler"])
@pytest.mark.parametrize("steps", [0, -1, 1001])
def test_impossible_numbers_of_steps_are_refused(name: str, steps: int):
    with pytest.raises(BadNumber, match="from 1 to 1000"):
        make_sampler(name, steps, SDXL)


def test_an_unknown_sampler_is_refused_with_the_known_ones():
    with pytest.raises(BadSettings, match=r"'heun'.*dpmpp_2m_karras, euler"):
        make_sampler("heun", 5, SDXL)


@pytest.mark.parametrize(
    "config",
    [{"prediction_type": "flow_prediction"}, {"beta_schedule": "squaredcos_cap_v2"}, {"timestep_spacing": "odd"}],
)
def test_a_schedule_that_is_not_sdxls_is_refused(config: dict[str, object]):
    with pytest.raises(WrongArchitecture, match="scheduler"):
        make_sampler("euler", 5, {**SDXL, **config})
