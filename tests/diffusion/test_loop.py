"""The denoise loop: who is in the batch, what runs at a step, what is computed once, on any device and dtype."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import torch

from generation.contracts.errors import BadSettings, PaintingFailed
from generation.contracts.request import KINDS
from generation.diffusion.loop import Sample, denoise
from generation.diffusion.measuring import full, shapes, tiny
from generation.diffusion.models import assemble
from generation.diffusion.plans import plan_named

pytestmark = pytest.mark.diffusion

REFERENCE = plan_named("reference")


@cache
def drawn(role):
    return shapes.module(tiny.SHAPES, role, dtype=torch.float32, device="cpu", seed=0)


def fresh(layout):
    """The tiny set with a text memory and seams of its own over modules that all tests share."""
    return assemble(layout, drawn, tokenizers=(shapes.tokenizer(), shapes.tokenizer("!")))


@pytest.fixture(params=["multi", "union"])
def models(request):
    return fresh(request.param)


@pytest.fixture
def multi():
    return fresh("multi")


def sample(seed=0, **changes):
    images = np.random.default_rng(seed).integers(0, 256, (4, 64, 64, 3), dtype=np.uint8)
    usual = Sample(
        prompt=f"picture {seed}",
        negative_prompt="blurry",
        seed=seed,
        guidance=6.0,
        control=dict(zip(KINDS, images, strict=True)),
        weights=dict.fromkeys(KINDS, 0.5),
        cancelled=threading.Event(),
    )
    return replace(usual, **changes)


def run(models, batch, **changes):
    settings = {"plan": REFERENCE, "steps": 3, "width": 64, "height": 64} | changes
    return denoise(models, batch, **settings)


def final(models, batch, **changes):
    return list(run(models, batch, **changes))[-1]


@contextmanager
def rows_seen(module):
    """Batch sizes of each call of a module."""
    seen: list[int] = []
    hook = module.register_forward_hook(lambda _module, given, _result: seen.append(given[0].shape[0]))
    yield seen
    hook.remove()


def near(ours, other):
    torch.testing.assert_close(ours, other, rtol=0, atol=1e-5 * float(other.abs().max()))


def test_progress_tells_each_step(models):
    steps = list(run(models, [sample(1), sample(2)]))
    assert [(p.step, p.steps, p.alive) for p in steps] == [(1, 3, (0, 1)), (2, 3, (0, 1)), (3, 3, (0, 1))]
    assert all(p.latents.shape == p.estimate.shape == (2, 4, 8, 8) for p in steps)
    assert not torch.equal(steps[0].latents, steps[1].latents)


def test_the_last_step_ends_at_its_estimate(models):
    for sampler in ("euler", "dpmpp_2m_karras"):
        last = final(models, [sample(1)], sampler=sampler)
        near(last.latents, last.estimate)


def test_a_picture_is_the_same_alone_and_in_company(models):
    batch = [sample(1), sample(2, guidance=9.0), sample(3, guidance=1.0, weights={"depth": 0.9})]
    together = final(models, batch).latents
    for n, one in enumerate(batch):
        near(together[n : n + 1], final(models, [one]).latents)


def test_the_same_seed_gives_the_same_latents(models):
    first, again = final(models, [sample(5)]).latents, final(models, [sample(5)]).latents
    assert torch.equal(first, again)
    assert not torch.allclose(first, final(models, [replace(sample(5), seed=6)]).latents)


def test_a_cancelled_picture_leaves_within_one_step_and_the_others_do_not_notice(models):
    batch = [sample(1), sample(2), sample(3)]
    alive = []
    for progress in run(models, batch, steps=4):
        alive.append(progress.alive)
        if progress.step == 2:
            batch[1].cancelled.set()
    assert alive == [(0, 1, 2), (0, 1, 2), (0, 2), (0, 2)]
    near(progress.latents, torch.cat([final(models, [batch[n]], steps=4).latents for n in (0, 2)]))


def test_rows_of_the_cancelled_are_not_computed(multi):
    batch = [sample(1), sample(2), sample(3)]
    with rows_seen(multi.unet) as rows:
        for progress in run(multi, batch, steps=3):
            if progress.step == 1:
                batch[0].cancelled.set()
                batch[2].cancelled.set()
    assert rows == [6, 2, 2]


def test_it_ends_when_nobody_is_left(models):
    batch = [sample(1), sample(2)]
    steps = []
    for progress in run(models, batch, steps=5):
        steps.append(progress.step)
        for one in batch:
            one.cancelled.set()
    assert steps == [1]


def test_nothing_is_computed_for_pictures_cancelled_before_they_began(multi):
    gone = sample(1)
    gone.cancelled.set()
    with rows_seen(multi.unet) as rows:
        assert list(run(multi, [gone])) == []
    assert (rows, multi.text.misses) == ([], 0)
    assert [p.alive for p in run(multi, [gone, sample(2)], steps=2)] == [(1,), (1,)]


def test_rows_fill_the_bucket_and_change_nothing(models):
    batch = [sample(1), sample(2), sample(3)]
    expected = final(models, batch)
    models.bucket = lambda rows: next(size for size in (1, 4, 8) if size >= rows)
    with rows_seen(models.unet) as rows:
        padded = final(models, batch)
    assert rows == [8, 8, 8]
    assert padded.alive == (0, 1, 2)
    near(padded.latents, expected.latents)


def test_a_batch_that_shrinks_moves_to_a_smaller_bucket(multi):
    multi.bucket = lambda rows: next(size for size in (1, 2, 4) if size >= rows)
    batch = [sample(1), sample(2), sample(3)]
    with rows_seen(multi.unet) as rows:
        for progress in run(multi, batch, steps=3):
            batch[0].cancelled.set()
            if progress.step == 2:
                batch[1].cancelled.set()
    assert rows == [8, 4, 2]
    near(progress.latents, final(multi, [batch[2]]).latents)


def test_guidance_ends_with_the_plan_and_nets_close_with_it(multi):
    plan = replace(REFERENCE, guidance_end=0.75, net_end=0.5)
    with rows_seen(multi.unet) as rows, rows_seen(multi.nets.modules["canny"].conv_in) as net_rows:
        final(multi, [sample(1), sample(2)], plan=plan, steps=4)
    assert rows == [4, 4, 4, 2]
    assert net_rows == [4, 4]


def test_without_guidance_the_negative_half_is_neither_encoded_nor_run(multi):
    with rows_seen(multi.unet) as rows:
        final(multi, [sample(1, guidance=1.0), sample(2, guidance=0.0)])
    assert rows == [2, 2, 2]
    assert multi.text.misses == 2


def test_the_negative_half_stops_when_the_last_who_wants_it_has_left(multi):
    guided, plain = sample(1), sample(2, guidance=1.0)
    with rows_seen(multi.unet) as rows:
        for progress in run(multi, [guided, plain]):
            if progress.step == 1:
                guided.cancelled.set()
    assert rows == [4, 1, 1]


def test_text_and_sizes_are_embedded_once(multi):
    batch = [sample(1), sample(2)]
    first_layer = multi.text.encoders[1].get_submodule("text_model.embeddings.token_embedding")
    with rows_seen(first_layer) as encoded, rows_seen(multi.nets.modules["depth"].add_embedding) as added:
        final(multi, batch)
        final(multi, batch)
    assert encoded == [3], "two prompts and the negative they share, in one call, once"
    assert len(added) == 2


def test_stages_are_entered_in_order_and_left_even_when_given_up(multi):
    entered = []

    @contextmanager
    def stage(name):
        entered.append(name)
        try:
            yield
        finally:
            entered.append(f"/{name}")

    multi.stage = stage
    steps = run(multi, [sample(1)])
    next(steps)
    assert entered == ["text", "/text", "denoise"]
    steps.close()
    assert entered == ["text", "/text", "denoise", "/denoise"]
    entered.clear()
    final(multi, [sample(1)])
    assert entered == ["denoise", "/denoise"], "the text is remembered: its encoders stay where they are"


def test_before_step_is_called_before_each_step(multi):
    calls = []
    multi.before_step = lambda: calls.append(len(calls))
    seen = [len(calls) for _ in run(multi, [sample(1)])]
    assert seen == [1, 2, 3]


def test_whoever_looks_at_progress_keeps_gradients(multi):
    for progress in run(multi, [sample(1)]):
        assert torch.is_grad_enabled()
        assert not torch.is_inference_mode_enabled()
        assert not progress.latents.requires_grad


@pytest.mark.parametrize(("layout", "dtype"), [("multi", torch.float16), ("union", torch.bfloat16)])
def test_half_precision_keeps_the_samplers_state_in_fp32(layout, dtype):
    last = final(tiny.models(layout, dtype=dtype), [sample(1)], steps=2)
    exact = final(fresh(layout), [sample(1)], steps=2)
    assert last.latents.dtype == last.estimate.dtype == torch.float32
    difference = (last.latents - exact.latents).square().mean().sqrt() / exact.latents.square().mean().sqrt()
    assert 0 < difference < 0.05


@pytest.mark.parametrize("layout", ["multi", "union"])
def test_it_runs_on_meta(layout):
    last = final(tiny.models(layout, device="meta"), [sample(1), sample(2)], steps=1)
    assert last.latents.device.type == "meta"
    assert last.latents.shape == (2, 4, 8, 8)


def test_full_size_models_have_sdxls_sizes():
    count = {role: sum(p.numel() for p in net.parameters()) for role, net in _full_size().items()}
    billions = {role: round(number / 1e9, 3) for role, number in count.items()}
    assert billions == {"unet": 2.567, "canny": 1.251, "union": 1.258, "vae": 0.084, "first": 0.123, "second": 0.695}


def _full_size():
    multi, union = full.models("multi"), full.models("union", taesd=False)
    nets = {"canny": multi.nets.modules["canny"], "union": union.nets.modules["union"]}
    return nets | {
        "unet": multi.unet,
        "vae": multi.vae,
        "first": multi.text.encoders[0],
        "second": multi.text.encoders[1],
    }


def test_an_unknown_sampler_is_refused(multi):
    with pytest.raises(BadSettings):
        list(run(multi, [sample(1)], sampler="magic"))


def test_a_control_image_that_is_none_is_refused(models):
    with pytest.raises(PaintingFailed):
        list(run(models, [sample(1, control={"canny": np.zeros((64, 64), np.uint8)})]))


def test_what_is_saved_is_what_is_held(tmp_path):
    from diffusers import ControlNetModel, UNet2DConditionModel

    sources = tiny.save(tmp_path)
    held = tiny.models("multi")
    unet = UNet2DConditionModel.from_pretrained(sources["base"].folder, subfolder="unet")
    depth = ControlNetModel.from_pretrained(sources["depth"].folder)
    for saved, own in ((unet, held.unet), (depth, held.nets.modules["depth"])):
        for name, value in own.state_dict().items():
            assert torch.equal(saved.state_dict()[name], value), name
    assert (sources["segmentation"].folder / sources["segmentation"].weights).is_file()
    assert not list(tmp_path.rglob("*.bin"))
