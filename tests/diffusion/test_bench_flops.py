"""Counted operations are right: against arithmetic, against a run that really computes, and the two ways against each other."""

from __future__ import annotations

import json

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from bot.__main__ import main
from generation.contracts.request import KINDS
from generation.diffusion.config import LAYOUTS
from generation.diffusion.measuring import flops, tiny
from generation.diffusion.measuring.counting import Counting
from generation.diffusion.measuring.forwards import watched
from generation.diffusion.measuring.rig import Rig
from generation.diffusion.measuring.subjects import samples
from generation.diffusion.plans import PLANS, Plan, plan_named

pytestmark = [
    pytest.mark.diffusion,
    pytest.mark.timeout(180),
    pytest.mark.filterwarnings("ignore:__array__ implementation does.* accept a copy keyword:DeprecationWarning"),
]
SIDE_PX = flops.TINY_SIDE_PX
QUALITY = plan_named("quality")


@pytest.fixture(scope="module")
def real() -> Rig:
    return Rig(shapes=tiny.SHAPES, dtype=torch.float32, device="cpu")


@pytest.fixture(scope="module")
def shapes() -> Rig:
    return Rig(shapes=tiny.SHAPES, dtype=torch.float32, device="meta")


@pytest.fixture(scope="module")
def costs(shapes: Rig) -> dict[str, int]:
    return flops.costs(shapes, "multi", side_px=SIDE_PX)


def test_the_counter_counts_what_arithmetic_says() -> None:
    convolution = torch.nn.Conv2d(3, 5, 3, padding=1, bias=False)
    linear = torch.nn.Linear(7, 11, bias=False)
    assert flops.counted(lambda: convolution(torch.zeros(1, 3, 8, 8))) == 2 * 3 * 5 * 3 * 3 * 8 * 8
    assert flops.counted(lambda: linear(torch.zeros(2, 7))) == 2 * 2 * 7 * 11


@pytest.mark.parametrize("layout", LAYOUTS)
def test_shapes_give_the_figure_a_real_run_gives(real: Rig, shapes: Rig, layout: str) -> None:
    """Nothing is remembered, and nothing is a shape only, in the run that is compared with."""
    models = real.models(layout)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        latents = flops._last_latents(models, samples(1, width=SIDE_PX, height=SIDE_PX), QUALITY, 5)
        models.vae.decode(latents, return_dict=False)
    assert flops.ours(shapes, layout, plan=QUALITY, steps=5, side_px=SIDE_PX) == counter.get_total_flops()


def test_what_was_remembered_serves_the_next_plan(shapes: Rig) -> None:
    fresh = Rig(shapes=tiny.SHAPES, dtype=torch.float32, device="meta")
    assert not fresh.known
    flops.ours(shapes, "multi", plan=plan_named("reference"), steps=3, side_px=SIDE_PX)
    again = flops.ours(shapes, "multi", plan=QUALITY, steps=5, side_px=SIDE_PX)
    assert again == flops.ours(fresh, "multi", plan=QUALITY, steps=5, side_px=SIDE_PX)
    assert not any("forward" in vars(block) for block in shapes.part("unet").children()), "put back"


@pytest.mark.parametrize("plan", PLANS.values(), ids=PLANS)
def test_the_loop_costs_what_its_forwards_cost(real: Rig, shapes: Rig, costs: dict[str, int], plan: Plan) -> None:
    steps = 5 if plan.guidance_end < 1 else 2
    rows = flops.forwards_of_ours(real, "multi", plan=plan, steps=steps).rows()
    assert flops.by_forwards(rows, costs) == flops.ours(shapes, "multi", plan=plan, steps=steps, side_px=SIDE_PX)


def test_the_union_saves_its_fuser_too(real: Rig, shapes: Rig) -> None:
    """Stock fuses the conditions at every step, ours once: by forwards that little is counted in."""
    rows = flops.forwards_of_ours(real, "union", plan=QUALITY, steps=5).rows()
    by_forwards = flops.by_forwards(rows, flops.costs(shapes, "union", side_px=SIDE_PX))
    counted = flops.ours(shapes, "union", plan=QUALITY, steps=5, side_px=SIDE_PX)
    assert 0.998 * by_forwards < counted < by_forwards


def test_stock_runs_everything_at_every_step(real: Rig) -> None:
    steps = 4
    forwards = flops.forwards_of_stock(real, "multi", sampler="dpmpp_2m_karras", steps=steps)
    assert forwards.steps() == [{**dict.fromkeys(KINDS, 2), "unet": 2}] * steps
    rows = forwards.rows()
    assert {rows[f"condition {kind}"] for kind in KINDS} == {2 * steps}
    assert (rows["text_encoder"], rows["text_encoder_2"], rows["decode"]) == (2, 2, 1)
    union = flops.forwards_of_stock(real, "union", sampler="euler", steps=steps).rows()
    assert (union["union"], union["condition union"]) == (2 * steps, 2 * steps * len(KINDS))


@pytest.mark.parametrize("layout", LAYOUTS)
def test_quality_keeps_every_net_and_guidance_for_three_fifths(real: Rig, layout: str) -> None:
    steps = QUALITY.steps
    assert steps == 30
    by_step = flops.forwards_of_ours(real, layout, plan=QUALITY, steps=steps).steps()
    whole = {**dict.fromkeys(flops.nets_of(layout), 2), "unet": 2}
    kept = next(i for i, rows in enumerate(by_step) if rows != whole)
    assert kept >= 0.6 * steps
    assert by_step[kept:] == [{"unet": 1}] * (steps - kept)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_reference_leaves_out_nothing_but_repetition(real: Rig, layout: str) -> None:
    forwards = flops.forwards_of_ours(real, layout, plan=plan_named("reference"), steps=4)
    assert forwards.steps() == [{**dict.fromkeys(flops.nets_of(layout), 2), "unet": 2}] * 4
    assert sum(rows for name, rows in forwards.rows().items() if name.startswith("condition")) == len(KINDS)


def test_watching_ends_with_the_block(real: Rig) -> None:
    unet = real.part("unet")
    with watched({"unet": unet}) as forwards:
        unet.conv_in(torch.zeros(3, 4, 8, 8))
    unet.conv_in(torch.zeros(1, 4, 8, 8))
    assert forwards.passed == [("unet", 3)]
    assert forwards.calls() == {"unet": 1}


def test_rows_of_the_suite(capsys: pytest.CaptureFixture[str]) -> None:
    chosen = "stock,union/*"
    assert main(["bench", "flops", "--tiny", "--steps", "3", "--rows", chosen, "--json"]) == 0
    printed, told = capsys.readouterr()
    report = json.loads(printed)
    rows = {row["name"]: row for row in report["rows"]}
    assert report["suite"] == "flops"
    assert torch.__version__.startswith(report["machine"]["torch"])
    assert rows["union/reference"]["ratio"] > 1
    assert rows["stock"]["value"] == rows["union/turbo"]["baseline"]
    assert (rows["stock: canny"]["value"], rows["stock: unet"]["value"], rows["union/reference: union"]["value"]) == (
        6,
        6,
        6,
    )
    assert rows["stock: control images embedded"]["value"] == 24
    assert "multi/reference" not in rows
    assert [json.loads(line) for line in told.splitlines() if line.startswith("{")] == report["rows"]


@pytest.mark.parametrize("suite", ["flops", "diffusion"])
def test_a_row_nobody_knows_is_refused(suite: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", suite, "--tiny", "--rows", "multi/quick"]) == 2
    assert "multi/quality" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_full_size_meets_its_targets() -> None:
    """Four nets by their forwards, which is the same to the last operation (above); the union in the real loop."""
    counting = Counting(tiny=False, steps=None, side_px=1024)
    stock = counting.stock("multi").tflop
    assert stock == pytest.approx(1140, rel=0.005)
    assert counting.ours_by_forwards("multi", plan_named("reference")).tflop <= 1130
    assert counting.ours_by_forwards("multi", QUALITY).tflop <= 770
    assert counting.ours("union", QUALITY).tflop <= 450
