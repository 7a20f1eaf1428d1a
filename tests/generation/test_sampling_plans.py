"""Sampling plans: what each leaves out, and how many steps it takes. No torch."""

from __future__ import annotations

import subprocess
import sys

import pytest

from generation.contracts.errors import BadSettings
from generation.contracts.request import PaintRequest
from generation.diffusion.config import SAMPLERS
from generation.diffusion.plans import PLANS, Plan, plan_named, sampler_for, steps_for
from generation.diffusion.warming import STEPS
from generation.styles import STYLES


def request(**options: object) -> PaintRequest:
    return PaintRequest(**{"word": "学习", "style": "watercolor", "seed": 7, **options})  # type: ignore[arg-type]


def test_the_plans_go_from_exact_to_fast():
    assert list(PLANS) == ["reference", "quality", "fast", "turbo"]
    assert all(plan.name == name for name, plan in PLANS.items())


def test_reference_leaves_nothing_out():
    plan = PLANS["reference"]
    assert (plan.steps, plan.net_end, plan.guidance_end, plan.lora) == (None, 1.0, 1.0, False)


@pytest.mark.parametrize("plan", PLANS.values(), ids=list(PLANS))
def test_a_plan_that_leaves_something_out_says_so(plan: Plan):
    leaves_out = plan.net_end < 1 or plan.guidance_end < 1 or plan.lora
    assert plan.approximate == leaves_out
    assert plan.summary.startswith("approximate" if leaves_out else "exact")


def kept(end: float, steps: int) -> list[int]:
    """The steps of a window that ends there, as the loop itself decides it."""
    from generation.diffusion.nets import is_open

    return [i for i in range(steps) if is_open(i, steps, (0.0, end))]


@pytest.mark.diffusion
def test_quality_keeps_nets_and_guidance_for_the_first_sixty_percent():
    plan = PLANS["quality"]
    assert plan.steps == 30
    assert kept(plan.net_end, 30) == kept(plan.guidance_end, 30) == [*range(18)]


@pytest.mark.diffusion
def test_fast_works_less_than_quality_and_turbo_least():
    def forwards(plan: Plan) -> int:
        steps = plan.steps or 30
        unet = steps + len(kept(plan.guidance_end, steps))
        return unet + 4 * 2 * len(kept(plan.net_end, steps))

    assert [*map(forwards, PLANS.values())] == sorted(map(forwards, PLANS.values()), reverse=True)


def test_an_unknown_plan_is_refused_with_the_known_ones():
    with pytest.raises(BadSettings, match=r"'best'.*reference, quality, fast, turbo"):
        plan_named("best")


def test_a_plan_is_found_by_name():
    assert plan_named("fast") is PLANS["fast"]


@pytest.mark.parametrize("style", STYLES)
def test_a_style_says_the_steps_only_under_reference(style: str):
    assert steps_for(PLANS["reference"], request(style=style)) == STYLES[style].steps
    assert steps_for(PLANS["quality"], request(style=style)) == 30


@pytest.mark.parametrize("plan", PLANS.values(), ids=list(PLANS))
def test_a_request_says_the_steps_before_any_plan(plan: Plan):
    assert steps_for(plan, request(steps=12)) == 12


@pytest.mark.diffusion
@pytest.mark.parametrize("plan", PLANS.values(), ids=list(PLANS))
def test_warming_up_passes_through_every_kind_of_step(plan: Plan):
    def kinds(steps: int) -> set[tuple[bool, bool]]:
        return {(i in kept(plan.net_end, steps), i in kept(plan.guidance_end, steps)) for i in range(steps)}

    assert kinds(STEPS) == kinds(plan.steps or 30)


@pytest.mark.parametrize("plan", PLANS.values(), ids=list(PLANS))
@pytest.mark.parametrize("wanted", [None, *SAMPLERS])
def test_a_sampler_replaces_the_plans_but_never_that_of_a_few_step_lora(plan: Plan, wanted: str | None):
    if wanted is None:
        assert sampler_for(plan, wanted) == plan.sampler
    elif plan.name != "turbo":
        assert sampler_for(plan, wanted) == wanted
    else:
        with pytest.raises(BadSettings, match=rf"turbo is sampled with euler_trailing, not {wanted}"):
            sampler_for(plan, wanted)


def test_plans_and_cutting_come_without_torch():
    code = "import sys, generation.diffusion.plans, generation.diffusion.cutting; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
