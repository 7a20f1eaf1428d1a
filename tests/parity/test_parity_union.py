"""One union net: our loop against diffusers' `StableDiffusionXLControlNetUnionPipeline`, called whole, picture by picture."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from generation.contracts.request import KINDS
from generation.diffusion.plans import plan_named
from generation.diffusion.union import UnionNets
from tests.parity.stock import TOLERANCE, Counted, error, ours, samples, stock_multi, stock_union, swapped

pytestmark = [
    pytest.mark.diffusion,
    pytest.mark.filterwarnings("ignore:__array__ implementation does.* accept a copy keyword:DeprecationWarning"),
]

CASES = [
    # sampler, seed, (width, height), guidance, steps
    ("dpmpp_2m_karras", 7, (128, 128), 7.5, 4),
    ("dpmpp_2m_karras", 99, (192, 128), 4.0, 3),
    ("dpmpp_2m_karras", 0, (128, 128), 1.0, 4),
    ("euler", 7, (128, 128), 7.5, 4),
    ("euler", 2**32 - 1, (128, 192), 11.0, 3),
]


@pytest.fixture(scope="module")
def three(union):
    """Three pictures and what stock makes of each alone."""
    batch = samples(3)
    return batch, torch.cat([stock_union(union, [sample]) for sample in batch])


def steered_by(sample, *kinds):
    return replace(sample, weights={kind: sample.weights[kind] for kind in kinds})


@pytest.mark.parametrize(("sampler", "seed", "size", "guidance", "steps"), CASES)
def test_four_conditions_equal_stock(union, sampler, seed, size, guidance, steps):
    batch = samples(1, size=size, seed=seed, guidance=guidance)
    stock = stock_union(union, batch, steps=steps, sampler=sampler)
    assert error(ours(union, batch, steps=steps, sampler=sampler, size=size), stock) <= TOLERANCE


@pytest.mark.parametrize(
    ("kind", "sampler"),
    [("canny", "dpmpp_2m_karras"), ("depth", "euler"), ("segmentation", "dpmpp_2m_karras"), ("scribble", "euler")],
)
def test_one_condition_equals_stock(union, kind, sampler):
    batch = [steered_by(sample, kind) for sample in samples(1)]
    stock = stock_union(union, batch, kinds=[kind], sampler=sampler)
    assert error(ours(union, batch, sampler=sampler), stock) <= TOLERANCE


def test_two_conditions_equal_stock(union):
    kinds = ("depth", "scribble")
    batch = [steered_by(sample, *kinds) for sample in samples(1)]
    assert error(ours(union, batch), stock_union(union, batch, kinds=kinds)) <= TOLERANCE


def test_a_batch_of_three_equals_three_stock_runs_alone(union, three):
    batch, alone = three
    assert error(ours(union, batch), alone) <= TOLERANCE


def test_a_batch_of_three_equals_three_stock_runs_alone_with_euler(union):
    batch = samples(3)
    alone = torch.cat([stock_union(union, [sample], sampler="euler", steps=2) for sample in batch])
    assert error(ours(union, batch, sampler="euler", steps=2), alone) <= TOLERANCE


def test_stock_leaks_between_the_pictures_of_a_batch(union):
    """The control of the test above: what diffusers computes for such a batch is far from any of them alone."""
    batch = [replace(sample, weights=samples(1)[0].weights) for sample in samples(3)]
    alone = torch.cat([stock_union(union, [sample]) for sample in batch])
    assert error(stock_union(union, batch), alone) > 10 * TOLERANCE
    assert error(ours(union, batch), alone) <= TOLERANCE


def test_pictures_with_four_one_and_no_conditions_share_a_batch(union, multi, three):
    (four, one, none), _ = three
    one, none = steered_by(one, "segmentation"), replace(none, weights={})
    alone = [
        three[1][:1],
        stock_union(union, [one], kinds=["segmentation"]),
        stock_multi(multi, [none]),  # the same UNet; nets of weight 0 add nothing
    ]
    assert error(ours(union, [four, one, none]), torch.cat(alone)) <= TOLERANCE


def test_a_swap_of_two_control_images_breaks_parity(union, three):
    batch, stock = three[0][:1], three[1][:1]
    images = batch[0].control
    swap = {**images, "canny": images["depth"], "depth": images["canny"]}
    assert error(ours(union, [replace(batch[0], control=swap)]), stock) > 100 * TOLERANCE


def test_a_swap_of_two_weights_breaks_parity(union, three):
    batch, stock = three[0][:1], three[1][:1]
    weights = batch[0].weights
    swap = {**weights, "canny": weights["scribble"], "scribble": weights["canny"]}
    assert error(ours(union, [replace(batch[0], weights=swap)]), stock) > 100 * TOLERANCE


@pytest.mark.parametrize("field", ["prompt", "control", "weights", "seed"])
def test_a_swap_between_two_pictures_breaks_parity(union, three, field):
    batch, alone = three[0][:2], three[1][:2]
    assert error(ours(union, list(swapped(*batch, field))), alone) > 100 * TOLERANCE


@pytest.mark.parametrize("end", [0.5, 0.75])
def test_closing_one_condition_equals_control_guidance_end(union, end):
    batch = [steered_by(sample, "canny") for sample in samples(1)]
    stock = stock_union(union, batch, kinds=["canny"], steps=4, control_guidance_end=end)
    plan = replace(plan_named("reference"), net_end=end)
    assert error(ours(union, batch, plan=plan, steps=4), stock) <= TOLERANCE


def test_weights_of_zero_really_switch_the_union_off(union, multi):
    """Diffusers runs it on: with several conditions the weights scale inputs only, and residuals stay."""
    batch = [replace(sample, weights=dict.fromkeys(KINDS, 0.0)) for sample in samples(1)]
    unsteered = stock_multi(multi, batch)
    with Counted(union.nets.modules) as counted:
        assert error(ours(union, batch), unsteered) <= TOLERANCE
    assert counted.forwards == counted.embedded == {"union": 0}
    assert error(stock_union(union, batch), unsteered) > 100 * TOLERANCE


def test_the_gain_scales_what_comes_out(union):
    half = replace(union, nets=UnionNets(union.nets.modules["union"], gain=0.5))
    batch = [steered_by(sample, "canny") for sample in samples(1)]
    weaker = [replace(batch[0], weights={"canny": batch[0].weights["canny"] / 2})]
    assert error(ours(half, batch), stock_union(union, weaker, kinds=["canny"])) <= TOLERANCE


def test_conditions_are_embedded_once_a_picture_and_the_net_runs_once_a_step(union):
    batch = samples(3)
    with Counted(union.nets.modules) as counted:
        ours(union, batch, steps=4)
    assert (counted.forwards, counted.embedded) == ({"union": 4}, {"union": 3})
    with Counted(union.nets.modules) as counted:
        stock_union(union, batch[:1], steps=4)
    assert (counted.forwards, counted.embedded) == ({"union": 4}, {"union": 16})
