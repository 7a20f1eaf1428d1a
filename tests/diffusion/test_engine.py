"""The diffusion engine on the tiny models: loading lazily, painting, showing, cancelling, telling."""

from __future__ import annotations

import threading
from dataclasses import replace

import numpy as np
import pytest
import torch

from generation.contracts.errors import BadSettings, EngineUnavailable, WeightsMissing
from generation.contracts.events import Done, Preview, Step
from generation.contracts.request import KINDS
from generation.diffusion.config import DEFAULT_SOURCES, DiffusionConfig, Source
from generation.diffusion.engine import DiffusionEngine
from generation.diffusion.warming import WORDS
from tests.diffusion.engine_rig import (
    SIDE,
    STEPS,
    SmallPipeline,
    decibels,
    eight,
    engine_on,
    job_for,
    of,
    paint,
    pictures,
    previews_of,
    request,
    shared,
    sources,
    steps_of,
)

pytestmark = pytest.mark.diffusion
__all__ = ["shared", "sources"]


def test_nothing_is_loaded_before_the_first_picture_and_all_is_recorded_after(sources, tmp_path):
    engine = engine_on(sources, tmp_path)
    assert not engine.loaded
    assert engine.diagnostics()["models"] == []
    engine.warm()
    assert not engine.loaded, "warming loads only when it is told to"
    paint(engine, request())
    assert engine.loaded
    report = engine.diagnostics()
    assert [model["role"] for model in report["models"]] == ["base", "vae", *KINDS]
    assert all(model["seconds"] > 0 for model in report["models"])
    assert (report["device_name"], report["dtype"], report["attention"]) == ("cpu", "fp32", "sdpa")
    assert (report["pictures"], report["weights"]["state"]) == (1, "complete")


def test_a_picture_has_its_size_its_stages_and_every_step(shared):
    events = paint(shared, request())
    (done,) = of(events, Done)
    assert (done.image.shape, done.image.dtype) == ((SIDE, SIDE, 3), np.uint8)
    assert {"denoise", "decode"} <= set(done.seconds)
    assert steps_of(events) == [1, 2, 3]
    assert all(step.steps == STEPS for step in of(events, Step))
    assert isinstance(events[-1], Done)


def test_loading_is_a_stage_of_the_first_picture_only(sources, tmp_path):
    engine = engine_on(sources, tmp_path)
    (first,) = of(paint(engine, request()), Done)
    (second,) = of(paint(engine, request(1)), Done)
    assert {"load", "text", "denoise", "decode"} == set(first.seconds)
    assert "load" not in second.seconds


@pytest.mark.parametrize(("every", "seen"), [(0, 0), (1, STEPS - 1), (2, 1), (STEPS, 0)])
def test_previews_come_every_so_many_steps_and_not_after_the_last(sources, tmp_path, every, seen):
    engine = engine_on(sources, tmp_path, preview_every=every)
    looks = previews_of(paint(engine, request()))
    assert len(looks) == seen
    assert all(look.image.shape == (SIDE // 8, SIDE // 8, 3) for look in looks)


def test_previews_by_the_tiny_autoencoder_are_of_full_size(sources, tmp_path):
    engine = engine_on(sources, tmp_path, preview_every=2, taesd=True)
    (look,) = previews_of(paint(engine, request()))
    assert look.image.shape == (SIDE, SIDE, 3)


def test_equal_requests_give_equal_pictures_and_a_seed_changes_them(shared):
    once, again, other = (pictures(paint(shared, request(seed)))[0] for seed in (1, 1, 2))
    assert np.array_equal(once, again)
    assert decibels(once, other) < 30


@pytest.mark.parametrize("change", ["guidance", "weights", "style", "word", "translation"])
def test_everything_a_request_says_reaches_the_picture(shared, change):
    more = {
        "guidance": {"guidance": 2.0},
        "weights": {"weights": (("canny", 2.0), ("scribble", 0.0))},
        "style": {"style": "comic"},
        "word": {"word": "火"},
        "translation": {"translation": "to burn"},
    }
    plain, changed = (pictures(paint(shared, request(**extra)))[0] for extra in ({}, more[change]))
    assert not np.array_equal(plain, changed)


@pytest.mark.parametrize("kind", KINDS)
def test_every_control_image_steers(shared, kind):
    job = job_for(shared, request(weights=tuple((kind, 1.0) for kind in KINDS)))
    control = dict(job.control)
    control[kind] = replace(control[kind], image=255 - control[kind].image)
    plain, changed = (pictures(list(shared.paint([one])))[0] for one in (job, replace(job, control=control)))
    assert not np.array_equal(plain, changed)


@pytest.mark.parametrize("layout", ["multi", "union"])
def test_a_batch_paints_what_each_would_be_alone(sources, tmp_path, layout):
    engine = engine_on(sources, tmp_path, layout=layout)
    wanted = eight()[:4]
    together = pictures(paint(engine, *wanted))
    alone = [pictures(paint(engine, one))[0] for one in wanted]
    assert all(decibels(together[n], alone[n]) > 45 for n in range(4))
    assert all(decibels(together[n], alone[m]) < 30 for n in range(4) for m in range(4) if n != m)


def test_jobs_that_do_not_go_together_are_painted_in_turn(shared):
    wanted = [request(0), request(1, steps=2), request(2)]
    assert len({shared.batch_key(one) for one in wanted}) == 2
    events = paint(shared, *wanted)
    assert sorted(pictures(events)) == [0, 1, 2]
    assert steps_of(events, 1) == [1, 2]


def test_a_cancelled_job_leaves_within_a_step_and_the_others_stay(shared):
    flags = [threading.Event() for _ in range(3)]
    jobs = [job_for(shared, one, flag) for one, flag in zip(eight()[:3], flags, strict=True)]
    events = []
    for event in shared.paint(jobs):
        events.append(event)
        if event == Step(1, 1, STEPS):
            flags[1].set()
    assert steps_of(events, 1) == [1]
    assert sorted(pictures(events)) == [0, 2]
    alone = pictures(paint(shared, jobs[2].request))[0]
    assert decibels(pictures(events)[2], alone) > 45


def test_a_batch_that_nobody_wants_any_more_ends_at_once(shared):
    flag = threading.Event()
    jobs = [job_for(shared, one, flag) for one in (request(), request(1))]
    flag.set()
    assert list(shared.paint(jobs)) == []


def test_a_cancel_after_the_last_step_spares_the_decoding(shared):
    flag, events = threading.Event(), []
    for event in shared.paint([job_for(shared, request(), flag)]):
        events.append(event)
        if event == Step(0, STEPS, STEPS):
            flag.set()
    assert not of(events, Done)


def test_batches_go_by_size_steps_and_sampler_only(shared):
    keys = {shared.batch_key(one) for one in eight(steps=None)}
    assert len(keys) == 4, "under `reference` a style's own steps count; two styles share theirs"
    assert len({shared.batch_key(one) for one in eight()}) == 1
    assert shared.batch_key(request(width=512)) != shared.batch_key(request(width=576))
    assert shared.batch_key(request(style="no such", steps=None)) is not None


def test_under_quality_every_style_goes_together(sources, tmp_path):
    engine = engine_on(sources, tmp_path, plan="quality")
    assert len({engine.batch_key(one) for one in eight(steps=None)}) == 1


def test_unloading_gives_it_all_back_and_the_next_picture_loads_again(sources, tmp_path):
    engine = engine_on(sources, tmp_path)
    before = pictures(paint(engine, request()))[0]
    engine.unload()
    assert not engine.loaded
    assert engine.diagnostics()["models"] == []
    (done,) = of(paint(engine, request()), Done)
    assert "load" in done.seconds
    assert np.array_equal(done.image, before)


def test_preloading_paints_the_warm_up_words_and_tells_what_they_took(sources, tmp_path, caplog):
    caplog.set_level("INFO")
    engine = engine_on(
        sources, tmp_path, preload=True, warm_jobs=lambda: [job_for(engine, request(word=word)) for word in WORDS]
    )
    engine.warm()
    warm = engine.diagnostics()["warm_up"]
    assert [entry["word"] for entry in warm] == ["测", "试", "验", "学", "习"]
    assert all(entry["seconds"] > 0 for entry in warm)
    assert "warmed up with 测" in caplog.text


class TestVersion:
    def test_is_one_and_eight_hex_digits_and_stays(self, sources, tmp_path, shared):
        assert shared.version.startswith("1.")
        assert len(bytes.fromhex(shared.version.removeprefix("1."))) == 4
        assert engine_on(sources, tmp_path).version == engine_on(sources, tmp_path / "other").version

    @pytest.mark.parametrize(
        "change",
        [
            {"plan": "quality"},
            {"layout": "union"},
            {"layout": "union", "union_gain": 0.5},
            {"sampler": "euler"},
            {"sources": {"canny": Source(model="/elsewhere")}},
            {"sources": {"vae": replace(DEFAULT_SOURCES["vae"], revision="v2")}},
        ],
    )
    def test_changes_with_whatever_changes_pixels(self, sources, tmp_path, shared, change):
        merged = {**change, "sources": sources | change.get("sources", {})}
        assert engine_on(merged.pop("sources"), tmp_path, **merged).version != shared.version

    def test_gain_counts_only_where_there_is_a_union(self, sources, tmp_path):
        plain, changed = (engine_on(sources, tmp_path, union_gain=gain).version for gain in (1.0, 0.5))
        assert plain == changed

    @pytest.mark.parametrize(
        "change", [{"preview_every": 2}, {"taesd": True}, {"idle_unload_s": 1.0}, {"preload": True}]
    )
    def test_stays_where_only_the_way_changes(self, sources, tmp_path, shared, change):
        assert engine_on(sources, tmp_path, **change).version == shared.version


class TestTrouble:
    def test_a_folder_that_is_not_there_is_told_before_anything_is_tried(self, sources, tmp_path):
        engine = engine_on(sources | {"vae": Source(model="/nowhere")}, tmp_path)
        trouble = engine.trouble()
        assert isinstance(trouble, EngineUnavailable)
        assert "vae" in str(trouble)

    def test_models_of_the_hub_that_were_never_fetched(self, tmp_path):
        engine = DiffusionEngine(DiffusionConfig(data_folder=tmp_path, cache_folder=tmp_path, device="cpu"))
        trouble = engine.trouble()
        assert isinstance(trouble, WeightsMissing)
        assert "canny" in str(trouble)
        (failed,) = paint(engine, request())
        assert isinstance(failed.error, WeightsMissing)
        assert not engine.loaded

    def test_no_device(self, sources, tmp_path):
        engine = engine_on(sources, tmp_path, device="cuda:7")
        assert engine.trouble() is None, "the disk knows nothing of devices"
        (failed,) = paint(engine, request())
        assert isinstance(failed.error, EngineUnavailable)

    @pytest.mark.parametrize("wrong", [{"plan": "no such"}, {"profile": "no such"}, {"overrides": {"no": "such"}}])
    def test_settings_that_cannot_be(self, sources, tmp_path, wrong):
        with pytest.raises(BadSettings):
            engine_on(sources, tmp_path, **wrong)


def test_the_pipeline_makes_a_picture_of_it(shared):
    picture = SmallPipeline().paint_one(request(), shared)
    assert (picture.engine, picture.engine_version) == ("diffusion", shared.version)
    assert set(picture.methods) == set(picture.weights) == set(KINDS)


def test_previews_grow_towards_the_picture(shared):
    """The last look is nearer to the final latents than the first; told apart by the engine's own estimate."""
    looks = [event.image.astype(float) for event in paint(shared, request(steps=6)) if isinstance(event, Preview)]
    assert np.abs(looks[-1] - looks[-2]).mean() < np.abs(looks[-1] - looks[0]).mean()


def test_no_gradient_is_ever_kept(shared):
    paint(shared, request())
    models = shared._studio.residence.models
    assert not any(parameter.requires_grad for parameter in models.unet.parameters())
    assert torch.is_grad_enabled(), "nor is it switched off for everybody"
