"""Four nets: our loop under `reference` against diffusers' `StableDiffusionXLControlNetPipeline`, called whole."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace

import pytest
import torch

from generation.contracts.request import KINDS
from generation.diffusion.plans import plan_named
from tests.parity.stock import TOLERANCE, Counted, error, ours, samples, stock_multi, swapped

pytestmark = [
    pytest.mark.diffusion,
    pytest.mark.filterwarnings("ignore:__array__ implementation does.* accept a copy keyword:DeprecationWarning"),
]

CASES = [
    # pictures, sampler, seed, (width, height), guidance, steps
    (1, "dpmpp_2m_karras", 7, (128, 128), 7.5, 4),
    (1, "dpmpp_2m_karras", 2**32 - 1, (192, 128), 5.0, 3),
    (1, "dpmpp_2m_karras", 0, (128, 128), 1.0, 5),
    (1, "euler", 7, (128, 128), 7.5, 4),
    (1, "euler", 123456, (128, 192), 12.0, 3),
    (1, "euler", 1, (128, 128), 0.0, 2),
    (3, "dpmpp_2m_karras", 42, (192, 128), 5.0, 3),
    (3, "dpmpp_2m_karras", 3, (128, 128), 1.0, 3),
    (3, "euler", 42, (128, 128), 7.5, 3),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_equals_stock(multi, case):
    count, sampler, seed, size, guidance, steps = case
    batch = samples(count, size=size, seed=seed, guidance=guidance)
    stock = stock_multi(multi, batch, steps=steps, sampler=sampler)
    mine = ours(multi, batch, steps=steps, sampler=sampler, size=size)
    assert error(mine, stock) <= TOLERANCE


def test_each_pictures_own_guidance_equals_stock_runs_alone(multi):
    batch = [replace(sample, guidance=g) for sample, g in zip(samples(3), (9.0, 1.0, 4.5), strict=True)]
    alone = torch.cat([stock_multi(multi, [sample]) for sample in batch])
    assert error(ours(multi, batch), alone) <= TOLERANCE


def test_no_negative_prompt_is_zeros_as_in_stock(multi):
    [sample] = samples(1)
    sample = replace(sample, negative_prompt=None)
    stock = stock_multi(multi, [sample], negative_prompt=None)
    assert error(ours(multi, [sample]), stock) <= TOLERANCE
    assert error(ours(multi, [replace(sample, negative_prompt="")]), stock) > 100 * TOLERANCE


@pytest.fixture(scope="module")
def three(multi):
    batch = samples(3)
    return batch, stock_multi(multi, batch)


def test_a_swap_of_two_control_images_breaks_parity(multi, three):
    batch, stock = three
    first = batch[0].control
    swap = {**first, "canny": first["depth"], "depth": first["canny"]}
    assert error(ours(multi, [replace(batch[0], control=swap), *batch[1:]]), stock) > 100 * TOLERANCE


def test_a_swap_of_two_weights_breaks_parity(multi, three):
    batch, stock = three
    first = batch[0].weights
    swap = {**first, "canny": first["scribble"], "scribble": first["canny"]}
    assert error(ours(multi, [replace(batch[0], weights=swap), *batch[1:]]), stock) > 100 * TOLERANCE


@pytest.mark.parametrize("field", ["prompt", "negative_prompt", "control", "weights", "seed"])
def test_a_swap_between_two_pictures_breaks_parity(multi, three, field):
    batch, stock = three
    assert error(ours(multi, [*swapped(batch[0], batch[1], field), batch[2]]), stock) > 100 * TOLERANCE


@pytest.mark.parametrize(("end", "steps"), [(0.5, 4), (0.6, 5), (0.1, 3)])
def test_closing_every_net_equals_control_guidance_end(multi, end, steps):
    batch = samples(2)
    stock = stock_multi(multi, batch, steps=steps, control_guidance_end=end)
    plan = replace(plan_named("reference"), net_end=end)
    assert error(ours(multi, batch, plan=plan, steps=steps), stock) <= TOLERANCE
    assert error(ours(multi, batch, steps=steps), stock) > 100 * TOLERANCE


def test_each_nets_own_window_equals_stocks_lists(multi):
    windows = {"canny": (0.0, 0.5), "depth": (0.25, 1.0), "segmentation": (0.5, 0.75)}
    starts = [windows.get(kind, (0.0, 1.0))[0] for kind in KINDS]
    ends = [windows.get(kind, (0.0, 1.0))[1] for kind in KINDS]
    batch = [replace(sample, windows=windows) for sample in samples(2)]
    stock = stock_multi(multi, batch, steps=4, control_guidance_start=starts, control_guidance_end=ends)
    assert error(ours(multi, batch, steps=4), stock) <= TOLERANCE


def test_windows_are_each_pictures_own(multi):
    first, second = samples(2)
    early = replace(first, windows=dict.fromkeys(KINDS, (0.0, 0.5)))
    alone = [stock_multi(multi, [early], control_guidance_end=0.5), stock_multi(multi, [second])]
    assert error(ours(multi, [early, second]), torch.cat(alone)) <= TOLERANCE


def test_a_net_of_weight_zero_is_not_run_and_stock_does_not_miss_it(multi):
    off = {"canny": 0.8, "depth": 0.0, "segmentation": 0.0, "scribble": 0.3}
    batch = [replace(sample, weights=off) for sample in samples(2)]
    stock = stock_multi(multi, batch)
    with Counted(multi.nets.modules) as counted:
        assert error(ours(multi, batch), stock) <= TOLERANCE
    assert counted.forwards == {"canny": 3, "depth": 0, "segmentation": 0, "scribble": 3}
    assert counted.embedded == {"canny": 1, "depth": 0, "segmentation": 0, "scribble": 1}


def test_stock_runs_and_embeds_every_net_at_every_step(multi):
    off = {"canny": 0.8, "depth": 0.0, "segmentation": 0.0, "scribble": 0.3}
    [sample] = samples(1)
    with Counted(multi.nets.modules) as counted:
        stock_multi(multi, [replace(sample, weights=off)], control_guidance_end=0.5)
    assert counted.forwards == counted.embedded == dict.fromkeys(KINDS, 3)


def test_no_control_at_all_equals_stock_with_zero_weights(multi):
    [sample] = samples(1)
    stock = stock_multi(multi, [replace(sample, weights={})])
    assert error(ours(multi, [replace(sample, control={}, weights={})]), stock) <= TOLERANCE


@contextmanager
def channel_order(net, order):
    before = net.config.controlnet_conditioning_channel_order
    net.register_to_config(controlnet_conditioning_channel_order=order)
    yield
    net.register_to_config(controlnet_conditioning_channel_order=before)


def test_a_net_trained_on_bgr_is_given_bgr(multi):
    batch = samples(1)
    usual = ours(multi, batch)
    with channel_order(multi.nets.modules["canny"], "bgr"):
        stock = stock_multi(multi, batch)
        assert error(ours(multi, batch), stock) <= TOLERANCE
    assert error(usual, stock) > 100 * TOLERANCE
