"""Floating operations of a picture, counted by torch's counter over meta tensors: no weights, no device. Knows torch.

A multiplication with its addition counts as two; convolutions, matrix products and attention are counted, elementwise
work is not. Two ways lead to a picture's figure, and a test holds them together:

* `ours` drives the real loop over full-size meta modules with the counter on. Every step runs; only a block that has
  been counted over inputs of the same shapes gives its remembered figure and outputs of the same shapes instead of
  being taken apart once more, because meta tensors hold nothing that could come out differently. That turns minutes
  a picture into seconds.
* `by_forwards` multiplies rows that really passed each model, counted with hooks on tiny models, with what one row
  costs at full size. Diffusers' pipelines cannot run on meta tensors, so this is the way for them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import FlopCounterMode

from generation.contracts.request import KINDS
from generation.diffusion.loop import Sample, denoise
from generation.diffusion.measuring import stock
from generation.diffusion.measuring.forwards import Forwards, watched
from generation.diffusion.measuring.rig import Rig
from generation.diffusion.measuring.subjects import samples
from generation.diffusion.plans import Plan

TINY_SIDE_PX = 128
LATENT_CHANNELS = 4
_TOKENS = 77
_TIME_IDS = 6


def counted(work: Callable[[], object]) -> int:
    """Floating operations of `work`."""
    with torch.inference_mode(), FlopCounterMode(display=False) as counter:
        work()
    return int(counter.get_total_flops())


def ours(rig: Rig, layout: str, *, plan: Plan, steps: int, side_px: int) -> int:
    """Floating operations of one picture by our loop: text, every step, decoding.

    Args:
        rig: on `meta`.
        layout: one of `LAYOUTS`.
        plan: sampling plan.
        steps: sampler steps.
        side_px: width and height.
    """
    models = rig.models(layout)
    blocks = [block for role in ("unet", *nets_of(layout)) for block in _blocks(rig.part(role))]
    skipped: list[int] = []
    counter = FlopCounterMode(display=False)
    with torch.inference_mode(), counter, _remembering(blocks, _Memory(rig.known, counter, skipped)):
        latents = _last_latents(models, samples(1, width=side_px, height=side_px), plan, steps)
        models.vae.decode(latents.to(models.dtype), return_dict=False)
        return int(counter.get_total_flops()) + sum(skipped)


def forwards_of_ours(rig: Rig, layout: str, *, plan: Plan, steps: int) -> Forwards:
    """What passes each model when our loop paints one small picture with tiny models, in order."""
    models = rig.models(layout)
    parts = {role: rig.part(role) for role in _watched(layout)}
    with watched(parts) as forwards, torch.inference_mode():
        latents = _last_latents(models, samples(1, width=TINY_SIDE_PX, height=TINY_SIDE_PX), plan, steps)
        models.vae.decode(latents.to(models.dtype), return_dict=False)
    return forwards


def forwards_of_stock(rig: Rig, layout: str, *, sampler: str, steps: int) -> Forwards:
    """What passes each model when diffusers' pipeline paints one small picture with tiny models, in order."""
    pipe = rig.pipeline(layout, sampler)
    with watched({role: rig.part(role) for role in _watched(layout)}) as forwards:
        stock.paint(pipe, samples(1, width=TINY_SIDE_PX, height=TINY_SIDE_PX), steps=steps)
    return forwards


def by_forwards(rows: Mapping[str, int], costs: Mapping[str, int]) -> int:
    """Rows that passed each model times what a row costs there."""
    return sum(count * costs[name] for name, count in rows.items())


def costs(rig: Rig, layout: str, *, side_px: int) -> dict[str, int]:
    """Floating operations of one row through each model of `layout`; keys as in `forwards.DOORS`.

    Args:
        rig: on `meta`; its modules run the way diffusers runs them.
        layout: one of `LAYOUTS`.
        side_px: width and height of the picture.
    """
    inputs = _Inputs(rig, side_px)
    found = {
        "unet": counted(lambda: rig.part("unet")(inputs.latents, 500, **inputs.text)),
        "text_encoder": counted(lambda: rig.part("text_encoder")(inputs.tokens)),
        "text_encoder_2": counted(lambda: rig.part("text_encoder_2")(inputs.tokens)),
        "decode": counted(lambda: rig.part("vae").decode(inputs.latents, return_dict=False)),
    }
    return found | (_union_costs(rig, inputs) if layout == "union" else _multi_costs(rig, inputs))


def nets_of(layout: str) -> tuple[str, ...]:
    """The roles of a layout's nets."""
    return ("union",) if layout == "union" else KINDS


def _watched(layout: str) -> tuple[str, ...]:
    return ("unet", *nets_of(layout), "text_encoder", "text_encoder_2", "vae")


def _last_latents(models: Any, wanted: Sequence[Sample], plan: Plan, steps: int) -> Any:
    latents = None
    side = wanted[0].control[KINDS[0]].shape
    for progress in denoise(models, wanted, plan=plan, steps=steps, width=side[1], height=side[0]):
        latents = progress.latents
    assert latents is not None, "a loop nobody cancels has at least one step"
    return latents


class _Inputs:
    """One row of everything a forward takes, as shapes."""

    def __init__(self, rig: Rig, side_px: int) -> None:
        def empty(*shape: int, dtype: Any = rig.dtype) -> Any:
            return torch.empty(*shape, dtype=dtype, device=rig.device)

        config = rig.part("unet").config
        pooled = config.projection_class_embeddings_input_dim - _TIME_IDS * config.addition_time_embed_dim
        added = {"text_embeds": empty(1, pooled), "time_ids": empty(1, _TIME_IDS)}
        self.added = empty(1, config.projection_class_embeddings_input_dim)
        self.latents = empty(1, LATENT_CHANNELS, side_px // 8, side_px // 8)
        self.control = empty(1, 3, side_px, side_px)
        self.types = empty(1, rig.shapes.union["num_control_type"])
        self.tokens = empty(1, _TOKENS, dtype=torch.long)
        self.text = {
            "encoder_hidden_states": empty(1, _TOKENS, config.cross_attention_dim),
            "added_cond_kwargs": added,
            "return_dict": False,
        }


def _multi_costs(rig: Rig, inputs: _Inputs) -> dict[str, int]:
    """The four nets have one architecture: the first is counted for all."""
    net = rig.part(KINDS[0])
    once = _embeddings(net, inputs)
    whole = counted(lambda: net(inputs.latents, 500, controlnet_cond=inputs.control, **inputs.text))
    apart = {f"{name} {kind}": cost for name, cost in once.items() for kind in KINDS}
    return dict.fromkeys(KINDS, whole - sum(once.values())) | apart


def _union_costs(rig: Rig, inputs: _Inputs) -> dict[str, int]:
    """A forward with all conditions; each passes the condition embedding by itself, their fuser stays with the net."""
    net = rig.part("union")
    once = _embeddings(net, inputs)
    conditions = {
        "controlnet_cond": [inputs.control] * len(KINDS),
        "control_type": inputs.types,
        "control_type_idx": [stock.UNION_MODES[kind] for kind in KINDS],
        "conditioning_scale": [1.0] * len(KINDS),
    }
    whole = counted(lambda: net(inputs.latents, 500, **conditions, **inputs.text))
    apart = {f"{name} union": cost for name, cost in once.items()}
    return {"union": whole - len(KINDS) * once["condition"] - once["sizes"]} | apart


def _embeddings(net: Any, inputs: _Inputs) -> dict[str, int]:
    """What a loop may compute once a picture."""
    return {
        "condition": counted(lambda: net.controlnet_cond_embedding(inputs.control)),
        "sizes": counted(lambda: net.add_embedding(inputs.added)),
    }


def _blocks(model: Any) -> Iterator[Any]:
    """The parts a model's forward is written in: its children, lists taken apart."""
    for child in model.children():
        yield from child if isinstance(child, torch.nn.ModuleList) else (child,)


@dataclass(frozen=True, slots=True)
class _Memory:
    """What blocks cost.

    Attributes:
        known: figure and output by block and shapes of its inputs.
        counter: counts what is not known yet.
        skipped: where the figures go of calls that were answered from memory.
    """

    known: dict[tuple[object, ...], tuple[int, Any]]
    counter: FlopCounterMode
    skipped: list[int]

    def answer(self, forward: Callable[..., Any], key: tuple[object, ...], given: tuple[Any, Any]) -> Any:
        """The block's output, from memory where it was counted before."""
        if key in self.known:
            cost, output = self.known[key]
            self.skipped.append(cost)
            return output
        before = self.counter.get_total_flops()
        output = forward(*given[0], **given[1])
        self.known[key] = (int(self.counter.get_total_flops() - before), output)
        return output


@contextmanager
def _remembering(blocks: Sequence[Any], memory: _Memory) -> Iterator[None]:
    """While the block of code runs, each of `blocks` is taken apart once for each combination of input shapes."""
    for block in blocks:
        block.forward = _through(memory, block, block.forward)
    try:
        yield
    finally:
        for block in blocks:
            del block.forward


def _through(memory: _Memory, block: Any, forward: Callable[..., Any]) -> Callable[..., Any]:
    def call(*positional: Any, **named: Any) -> Any:
        shapes = (_shape(leaf) for leaf in tree_leaves((positional, sorted(named.items()))))
        return memory.answer(forward, (id(block), *shapes), (positional, named))

    return call


def _shape(leaf: object) -> object:
    return (tuple(leaf.shape), leaf.dtype) if isinstance(leaf, torch.Tensor) else repr(leaf)
