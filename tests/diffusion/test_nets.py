"""What both net layouts share, and four nets: windows, weights over steps, rows, one forward in pieces, refusals."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from generation.contracts.errors import WrongArchitecture
from generation.contracts.request import KINDS
from generation.diffusion import trunk
from generation.diffusion.measuring import shapes, tiny
from generation.diffusion.multi import MultiNets
from generation.diffusion.nets import Given, Residuals, Rows, TextRows, both, halves, is_open, steer

pytestmark = pytest.mark.diffusion

IMAGE = np.full((64, 64, 3), 200, np.uint8)
FRACTIONS = st.floats(0, 1, allow_nan=False)


@pytest.fixture(scope="module")
def nets():
    return tiny.models("multi").nets


def text(rows, count=2):
    draw = torch.Generator().manual_seed(rows)
    return TextRows(
        torch.randn(count, rows, 77, 64, generator=draw),
        torch.randn(count, rows, 32, generator=draw),
        torch.full((count, rows, 6), 64.0),
    )


def steering(weights, windows=None, *, steps=4, end=1.0):
    return steer(dict.fromkeys(KINDS, IMAGE), weights, windows or {}, steps=steps, end=end)


@given(steps=st.integers(1, 60), start=FRACTIONS, end=FRACTIONS)
def test_a_window_is_open_where_diffusers_keeps_its_net(steps, start, end):
    keeps = [1.0 - float(i / steps < start or (i + 1) / steps > end) for i in range(steps)]
    assert [float(is_open(i, steps, (start, end))) for i in range(steps)] == keeps


@given(steps=st.integers(1, 60), end=FRACTIONS)
def test_nets_close_where_the_plan_says_they_do(steps, end):
    weights = steering({"canny": 0.5}, steps=steps, end=end).weights["canny"]
    kept = sum((i + 1) / steps <= end for i in range(steps))
    assert weights == (0.5,) * kept + (0.0,) * (steps - kept)


def test_weights_are_laid_out_over_steps_within_kind_and_plan_windows():
    row = steering({"canny": 0.9, "depth": 0.5, "scribble": 0.0}, {"depth": (0.25, 1.0)}, end=0.75)
    assert row.weights["canny"] == (0.9, 0.9, 0.9, 0.0)
    assert row.weights["depth"] == (0.0, 0.5, 0.5, 0.0)
    assert row.kinds == ("canny", "depth")
    assert [row.active(i) for i in range(4)] == [("canny",), ("canny", "depth"), ("canny", "depth"), ()]


def test_a_kind_without_an_image_does_not_steer():
    row = steer({"depth": IMAGE}, {"canny": 1.0, "depth": 0.4}, {}, steps=2, end=1.0)
    assert row.kinds == ("depth",)


def test_halves_are_one_batch_negative_first():
    rows = torch.arange(6).view(2, 3)
    assert halves(rows, guided=True).tolist() == [0, 1, 2, 3, 4, 5]
    assert halves(rows, guided=False).tolist() == [3, 4, 5]
    assert both(rows[0], guided=True).tolist() == [0, 1, 2, 0, 1, 2]
    assert both(rows[0], guided=False).tolist() == [0, 1, 2]


def test_residuals_of_two_nets_add_up():
    one = Residuals((torch.ones(1), torch.ones(1) * 2), torch.ones(1) * 3)
    total = one.plus(one)
    assert [part.item() for part in (*total.down, total.mid)] == [2, 4, 6]


def test_one_forward_in_pieces_equals_the_models_own(nets):
    net, rows = nets.modules["depth"], text(1)
    latents, images = torch.randn(2, 4, 8, 8), torch.rand(2, 3, 64, 64)
    flat = rows.flat(guided=True)
    with torch.no_grad():
        down, mid = net(
            latents,
            torch.tensor(601.0),
            encoder_hidden_states=flat.hidden,
            controlnet_cond=images,
            conditioning_scale=0.7,
            added_cond_kwargs={"text_embeds": flat.pooled, "time_ids": flat.time_ids},
            return_dict=False,
        )
        given = Given(
            hidden=flat.hidden,
            condition=trunk.embed(net, images),
            embedding=halves(trunk.augmented(net, rows), guided=True),
            scale=torch.full((2, 1, 1, 1), 0.7),
        )
        mine = trunk.run(net, latents, torch.tensor(601.0), given)
    for own, theirs in zip((*mine.down, mine.mid), (*down, mid), strict=True):
        torch.testing.assert_close(own, theirs, rtol=1e-5, atol=1e-5)


def test_nothing_is_run_and_nothing_embedded_where_nothing_steers(nets):
    conditions = nets.prepare([steering({}), steering({"canny": 0.0})], text(2))
    assert conditions.ready == {}
    assert conditions.residuals(0, torch.randn(4, 4, 8, 8), torch.tensor(1.0), guided=True) is None


def test_a_row_that_wants_no_net_gets_nothing_from_it(nets):
    conditions = nets.prepare([steering({"canny": 0.8}), steering({"depth": 0.8}, end=0.5)], text(2))
    with torch.no_grad():
        last = conditions.residuals(3, torch.randn(2, 4, 8, 8), torch.tensor(1.0), guided=False)
    assert last.mid[0].abs().max() > 0
    assert all(not part[1].any() for part in (*last.down, last.mid))


def test_selected_rows_are_what_they_were(nets):
    weights = [{"canny": 0.8}, {"depth": 0.3}, {"canny": 0.2, "scribble": 1.0}]
    conditions = nets.prepare([steering(own) for own in weights], text(3))
    latents, moment = torch.randn(3, 4, 8, 8), torch.tensor(500.0)
    order = [2, 0, 0]
    with torch.no_grad():
        whole = conditions.residuals(1, latents, moment, guided=False)
        chosen = conditions.select(Rows.of(order, "cpu")).residuals(1, latents[order], moment, guided=False)
    torch.testing.assert_close(chosen.mid, whole.mid[order], rtol=1e-5, atol=1e-5)


def test_the_trunk_can_be_replaced(nets):
    seen = []
    other = MultiNets(nets.modules)

    def watched(net, latents, timestep, given):
        seen.append(tuple(given.scale.flatten().tolist()))
        return trunk.run(net, latents, timestep, given)

    other.trunk = watched
    conditions = other.prepare([steering({"canny": 0.75, "depth": 0.25})], text(1))
    with torch.no_grad():
        conditions.residuals(0, torch.randn(2, 4, 8, 8), torch.tensor(1.0), guided=True)
    assert seen == [(0.75, 0.75), (0.25, 0.25)]


def odd(**changes):
    config = {**tiny.SHAPES.controlnet, **changes}
    odd_shapes = shapes.Shapes(
        **{name: getattr(tiny.SHAPES, name) for name in tiny.SHAPES.__slots__} | {"controlnet": config}
    )
    return shapes.module(odd_shapes, "canny", dtype=torch.float32, device="cpu", seed=0)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"addition_embed_type": None, "addition_time_embed_dim": None}, "addition_embed_type text_time"),
        ({"num_class_embeds": 4}, "class embedding False"),
        ({"global_pool_conditions": True}, "global_pool_conditions False"),
        ({"controlnet_conditioning_channel_order": "gbr"}, "channel order rgb"),
    ],
)
def test_another_architecture_is_refused_by_name(changes, expected):
    with pytest.raises(WrongArchitecture) as refused:
        MultiNets({"canny": odd(**changes)})
    assert refused.value.details["model"] == "canny"
    assert refused.value.details["expected"] == expected


def test_a_union_in_place_of_a_net_is_refused():
    with pytest.raises(WrongArchitecture, match="expected kind plain, found union"):
        MultiNets({"canny": tiny.models("union").nets.modules["union"]})
