"""Sampling plans as data: how many steps, with which sampler, and what is left out. Knows no torch.

A plan that leaves out work whose result would not be multiplied by zero is approximate and says so. The default is
`reference` until legibility, measured with real weights, says otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from generation.contracts.errors import BadSettings
from generation.contracts.request import PaintRequest
from generation.styles import style_named


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How pictures are sampled.

    Attributes:
        name: key in settings.
        summary: one line for people.
        steps: sampler steps, or None for the style's own.
        sampler: a name `samplers.make_sampler` knows.
        net_end: fraction of the steps after which every ControlNet is closed, 0 to 1; 1 never closes them.
        guidance_end: fraction after which classifier-free guidance ends and only the conditional half runs; 1 never.
        lora: whether the few-step LoRA of role `turbo` is fused into the UNet.
        approximate: whether the picture differs from what stock diffusers paints with the same models and settings.
    """

    name: str
    summary: str
    steps: int | None = None
    sampler: str = "dpmpp_2m_karras"
    net_end: float = 1.0
    guidance_end: float = 1.0
    lora: bool = False
    approximate: bool = False


_ALL = (
    Plan(
        name="reference",
        summary="exact: equals stock diffusers; skips only what is multiplied by zero and embeds once",
    ),
    # Shape and layout are settled early: of the approximations, closing the nets between 50 and 70 % of the steps and
    # ending guidance after 60 to 70 % are those published pipelines report least loss for (Step-AG, arXiv 2506.08351).
    Plan(
        name="quality",
        summary="approximate: 30 steps, the nets and guidance end after 60 % of them",
        steps=30,
        net_end=0.6,
        guidance_end=0.6,
        approximate=True,
    ),
    # DPM++ 2M on Karras sigmas with a final Euler step shows no artefacts from about 20 steps on (diffusers' SDXL
    # page). Guidance keeps its 12 steps: cut nearer to 40 % it is known to cost fine detail. The nets give up two.
    Plan(
        name="fast",
        summary="approximate: 20 steps, the nets end after 50 % of them and guidance after 60 %",
        steps=20,
        net_end=0.5,
        guidance_end=0.6,
        approximate=True,
    ),
    # Hyper-SD's 8-step LoRA that keeps guidance (5 to 8) was trained for deterministic DDIM on trailing timesteps,
    # which is Euler on the same timesteps. Of so few steps none is spared.
    Plan(
        name="turbo",
        summary="approximate: 8 steps with a guidance-preserving LoRA fused into the UNet",
        steps=8,
        sampler="euler_trailing",
        lora=True,
        approximate=True,
    ),
)

PLANS: Mapping[str, Plan] = MappingProxyType({plan.name: plan for plan in _ALL})
"""Every plan by name, the slowest first."""


def plan_named(name: str) -> Plan:
    """The plan called `name`.

    Raises:
        BadSettings: there is none; the error lists those there are.
    """
    try:
        return PLANS[name]
    except KeyError:
        raise BadSettings(detail=f"no sampling plan {name!r}: choose one of {', '.join(PLANS)}") from None


def steps_for(plan: Plan, request: PaintRequest) -> int:
    """Sampler steps of a request: its own, else the plan's, else its style's.

    Raises:
        UnknownStyle: the style is asked and is not in the list.
    """
    return request.steps or plan.steps or style_named(request.style).steps


def sampler_for(plan: Plan, wanted: str | None) -> str:
    """The sampler: the one that is wanted, else the plan's.

    Raises:
        BadSettings: another one than a few-step LoRA was trained for, which would ruin every picture.
    """
    if wanted is not None and plan.lora and wanted != plan.sampler:
        detail = f"the plan {plan.name} is sampled with {plan.sampler}, not {wanted}: leave DIFFUSION__SAMPLER empty"
        raise BadSettings(detail=detail)
    return wanted or plan.sampler
