"""The union: its fuser sees one picture at a time, sums are made once, weights mean what they mean in diffusers."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from generation.contracts.errors import WrongArchitecture
from generation.contracts.request import KINDS
from generation.diffusion import union as room
from generation.diffusion.measuring import shapes, tiny
from generation.diffusion.nets import Rows, TextRows, steer
from generation.diffusion.union import MODES, UnionNets, fuse

pytestmark = pytest.mark.diffusion


@pytest.fixture(scope="module")
def module():
    return tiny.models("union").nets.modules["union"]


def image(seed):
    return np.random.default_rng(seed).integers(0, 256, (64, 64, 3), dtype=np.uint8)


def steering(seed, weights, windows=None, end=1.0):
    return steer({kind: image(seed + k) for k, kind in enumerate(KINDS)}, weights, windows or {}, steps=4, end=end)


def text(rows):
    draw = torch.Generator().manual_seed(rows)
    hidden, pooled = torch.randn(1, rows, 77, 64, generator=draw), torch.randn(1, rows, 32, generator=draw)
    return TextRows(hidden, pooled, torch.full((1, rows, 6), 64.0))


def unfixed(module, tokens):
    """What diffusers computes: the tokens given as they are."""
    for layer in module.transformer_layes:
        tokens = layer(tokens)
    return tokens


@torch.no_grad()
def test_the_fuser_treats_each_row_as_if_it_were_alone(module):
    tokens = torch.randn(3, 4, 32)
    alone = torch.cat([unfixed(module, row.unsqueeze(0)) for row in tokens])
    torch.testing.assert_close(fuse(module, tokens), alone)
    assert (unfixed(module, tokens) - alone).abs().max() > 1e-2, "the leak this is about"


@torch.no_grad()
def test_no_token_sees_another_so_the_noisy_latents_do_not_matter(module):
    conditions, sample = torch.randn(1, 4, 32), torch.randn(1, 1, 32)
    with_sample = unfixed(module, torch.cat([conditions, sample], dim=1))[:, :4]
    torch.testing.assert_close(fuse(module, conditions), with_sample)


@torch.no_grad()
def test_rows_of_a_batch_equal_each_alone(module):
    nets = UnionNets(module)
    weights = [{"canny": 0.9, "depth": 0.4}, {"scribble": 0.6}, {}]
    rows, whole = [steering(10 * n, own) for n, own in enumerate(weights)], text(3)
    latents, moment = torch.randn(3, 4, 8, 8), torch.tensor(400.0)
    together = nets.prepare(rows, whole).residuals(0, latents, moment, guided=False)
    for n in range(2):
        mine = whole.select(Rows.of([n], "cpu"))
        alone = nets.prepare([rows[n]], mine).residuals(0, latents[n : n + 1], moment, guided=False)
        torch.testing.assert_close(together.mid[n : n + 1], alone.mid, rtol=1e-4, atol=1e-5)
    assert all(not part[2].any() for part in (*together.down, together.mid))


@torch.no_grad()
def test_the_sum_is_made_once_for_each_choice_of_open_windows(module, monkeypatch):
    fused = []
    monkeypatch.setattr(room, "fuse", lambda *given: fused.append(1) or fuse(*given))
    row = steering(0, dict.fromkeys(KINDS, 0.5), {"canny": (0.0, 0.5)})
    conditions = UnionNets(module).prepare([row], text(1))
    for i in range(4):
        conditions.residuals(i, torch.randn(1, 4, 8, 8), torch.tensor(400.0), guided=False)
    assert len(fused) == 2


@torch.no_grad()
def test_a_closed_window_leaves_the_sum_and_the_control_types(module):
    late = steering(0, {"canny": 0.5, "depth": 0.8}, {"canny": (0.0, 0.5)})
    only = steering(0, {"depth": 0.8})
    latents, moment = torch.randn(1, 4, 8, 8), torch.tensor(400.0)
    closed = UnionNets(module).prepare([late], text(1)).residuals(3, latents, moment, guided=False)
    without = UnionNets(module).prepare([only], text(1)).residuals(3, latents, moment, guided=False)
    torch.testing.assert_close(closed.mid, without.mid)


def test_the_union_is_not_run_where_nothing_steers(module):
    conditions = UnionNets(module).prepare([steering(0, {"canny": 1.0}, end=0.5)], text(1))
    assert conditions.residuals(3, torch.randn(1, 4, 8, 8), torch.tensor(1.0), guided=False) is None


@torch.no_grad()
@pytest.mark.parametrize("weights", [{"canny": 0.8}, dict.fromkeys(KINDS, 0.5)])
def test_the_gain_multiplies_residuals(module, weights):
    latents, moment, row = torch.randn(1, 4, 8, 8), torch.tensor(400.0), steering(0, weights)
    usual = UnionNets(module).prepare([row], text(1)).residuals(0, latents, moment, guided=False)
    double = UnionNets(module, gain=2.0).prepare([row], text(1)).residuals(0, latents, moment, guided=False)
    torch.testing.assert_close(double.mid, usual.mid * 2)


@torch.no_grad()
def test_a_gain_of_nothing_never_runs_the_union(module):
    ran = []
    parts = (module.conv_in, module.controlnet_cond_embedding, module.mid_block)
    hooks = [part.register_forward_hook(lambda *_given: ran.append(1)) for part in parts]
    try:
        for gain, runs in ((1.0, 3), (0.0, 0)):
            ran.clear()
            conditions = UnionNets(module, gain=gain).prepare([steering(0, {"canny": 1.0})], text(1))
            given = conditions.residuals(0, torch.randn(1, 4, 8, 8), torch.tensor(400.0), guided=False)
            assert (given is not None, len(ran)) == (bool(gain), runs)
    finally:
        for hook in hooks:
            hook.remove()


@torch.no_grad()
def test_selected_rows_are_what_they_were(module):
    conditions = UnionNets(module).prepare([steering(n, {"canny": 0.5 + n, "depth": 0.2}) for n in range(3)], text(3))
    latents, moment, order = torch.randn(3, 4, 8, 8), torch.tensor(400.0), [2, 0, 0, 0]
    whole = conditions.residuals(0, latents, moment, guided=False)
    chosen = conditions.select(Rows.of(order, "cpu")).residuals(0, latents[order], moment, guided=False)
    torch.testing.assert_close(chosen.mid, whole.mid[order], rtol=1e-4, atol=1e-5)


def test_every_kind_has_a_mode_of_its_own():
    assert set(MODES) == set(KINDS)
    assert len(set(MODES.values())) == len(KINDS)


def test_a_plain_net_in_place_of_the_union_is_refused():
    with pytest.raises(WrongArchitecture, match="expected kind union, found plain"):
        UnionNets(tiny.models("multi").nets.modules["canny"])


def test_a_union_without_our_modes_is_refused():
    names = tiny.SHAPES.__slots__
    config = {**tiny.SHAPES.union, "num_control_type": 4}
    small = shapes.Shapes(**{name: getattr(tiny.SHAPES, name) for name in names} | {"union": config})
    with pytest.raises(WrongArchitecture, match="expected 6 control types or more, found 4"):
        UnionNets(shapes.module(small, "union", dtype=torch.float32, device="cpu", seed=0))
