"""The diffusion engine on the tiny models: loading lazily, painting, showing, cancelling, telling."""

from __future__ import annotations

import io
import json
import threading
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from bot.__main__ import main
from generation.contracts.errors import BadSettings, EngineUnavailable, WeightsMissing
from generation.contracts.events import Done, Preview, Step
from generation.contracts.request import KINDS
from generation.diffusion import compiling
from generation.diffusion.config import DEFAULT_SOURCES, DiffusionConfig, Source
from generation.diffusion.engine import DiffusionEngine
from generation.diffusion.measuring import shapes, tiny
from generation.diffusion.plans import PLANS
from generation.diffusion.turbo import fuse
from generation.diffusion.warming import WORDS, together
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
from tests.diffusion.test_turbo import peft_file

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


def test_without_the_tiny_autoencoder_it_paints_all_the_same_and_says_so(sources, tmp_path, caplog):
    engine = engine_on(sources | {"taesd": Source(model="/nowhere")}, tmp_path, preview_every=2, taesd=True)
    assert engine.trouble() is None
    assert "taesd" in engine.roles
    events = paint(engine, request())
    assert len(pictures(events)) == 1
    (look,) = previews_of(events)
    assert look.image.shape == (SIDE // 8, SIDE // 8, 3)
    (fallback,) = engine.diagnostics()["fallbacks"]
    assert (fallback["what"], fallback["wanted"], fallback["used"]) == ("previews", "taesd", "linear")
    assert caplog.text.count("linear guess") == 1


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


@pytest.mark.parametrize(("limit", "sizes"), [(1, []), (3, [2, 3]), (4, [2, 4]), (8, [2, 4, 8])])
def test_batches_to_warm_up_with_go_up_to_the_limit(limit, sizes):
    assert [len(batch) for batch in together([object()] * 5, limit)] == sizes


def test_where_models_are_compiled_every_batch_size_is_warmed_up(sources, tmp_path, monkeypatch):
    monkeypatch.setattr(compiling, "apply", lambda models, rung, limit, *_given, **_named: backed(models, rung, limit))
    engine = engine_on(
        sources,
        tmp_path,
        preload=True,
        compile="regional",
        warm_jobs=lambda: [job_for(engine, request(word=word, steps=1)) for word in WORDS],
    )
    engine.warm()
    warm = engine.diagnostics()["warm_up"]
    assert [len(entry["word"]) for entry in warm] == [1] * 5 + [2, 4, 8]
    assert {entry["batch"] for entry in engine.diagnostics()["sizes"]} == {1, 2, 4, 8}


def backed(models, rung, limit):
    """The ladder with a compiler that hands the graph back: everything but the machine code."""
    return APPLY(models, rung, limit, backend="eager")


APPLY = compiling.apply


class TestThePlan:
    def test_is_told_with_what_it_leaves_out(self, sources, tmp_path, shared, caplog):
        caplog.set_level("INFO")
        report = engine_on(sources, tmp_path, plan="fast").diagnostics()
        assert (report["plan"], report["plan_approximate"]) == ("fast", True)
        assert report["plan_summary"] == PLANS["fast"].summary
        assert caplog.messages == [f"the sampling plan fast is {PLANS['fast'].summary}"]
        assert shared.diagnostics()["plan_approximate"] is False

    @pytest.mark.parametrize(("plan", "said"), [("reference", "reference, exact"), ("fast", "fast, approximate")])
    def test_is_written_into_the_picture(self, sources, tmp_path, plan, said):
        picture = SmallPipeline().paint_one(request(), engine_on(sources, tmp_path, plan=plan))
        assert Image.open(io.BytesIO(picture.png)).text["plan"] == said

    def test_is_in_the_report_of_the_command_line(self, sources, tmp_path, monkeypatch, capsys):
        for role, source in sources.items():
            monkeypatch.setenv(f"DIFFUSION__{role.upper()}", source.model)
        monkeypatch.setenv("DIFFUSION__SEGMENTATION_WEIGHTS", str(sources["segmentation"].weights))
        monkeypatch.setenv("DIFFUSION__DEVICE", "cpu")
        monkeypatch.chdir(tmp_path)
        told = ["--engine", "diffusion", "--plan", "quality", "--steps", "1", "--width", "512", "--height", "512"]
        assert main(["paint", "水", "water", *told, "--json", "--out", "x.png"]) == 0
        report = json.loads(capsys.readouterr().out)
        assert (report["plan"], report["approximate"]) == ("quality", True)

    def test_turbo_fuses_its_lora_into_the_unet_and_samples_as_it_was_trained(self, sources, tmp_path):
        unet = shapes.module(tiny.SHAPES, "unet", dtype=torch.float32, device="cpu", seed=0)
        folder = tmp_path / "lora"
        folder.mkdir()
        file = peft_file(unet, folder / "eight.safetensors")
        with_lora = sources | {"turbo": Source(model=str(folder), weights=file.name)}
        engine = engine_on(with_lora, tmp_path, plan="turbo")
        assert engine.trouble() is None
        events = paint(engine, request(steps=None))
        assert steps_of(events) == [*range(1, 9)]
        fuse(unet, file)
        for mine, theirs in zip(engine._studio.residence.models.unet.parameters(), unet.parameters(), strict=True):
            torch.testing.assert_close(mine.cpu(), theirs, rtol=0, atol=1e-6)
        plain = pictures(paint(engine_on(sources, tmp_path, sampler="euler"), request(steps=8)))[0]
        assert not np.array_equal(pictures(events)[0], plain)

    def test_turbo_without_its_lora_is_trouble(self, sources, tmp_path):
        engine = engine_on(sources | {"turbo": Source(model="/nowhere")}, tmp_path, plan="turbo")
        assert "turbo" in str(engine.trouble())


@pytest.mark.parametrize("template", ["{meaning}, brushed by hand, {word}", "{word} of {meaning}, brushed by hand"])
def test_the_word_survives_whatever_else_is_cut(sources, tmp_path, template):
    """A meaning far beyond both readers, and a tail behind it; the tokenizer is the tiny models' own."""
    engine = engine_on(sources, tmp_path)
    tail = ", fine paper" * 60
    job = job_for(engine, request(translation="(to study) " * 60, prompt=template + tail))
    assert pictures(list(engine.paint([job])))
    text = engine._studio.residence.models.text
    (read,) = [remembered for remembered in text._memory if "学习" in remembered]
    assert len(read) < len(job.prompt)
    assert "to study" in read
    assert "fine paper" not in read, "what is neither word nor meaning leaves first"
    assert all(len(tokenizer(read).input_ids) <= 77 for tokenizer in text.tokenizers)


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

    @pytest.mark.parametrize("change", [{"preview_every": 2}, {"taesd": True}, {"preload": True}])
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

    @pytest.mark.parametrize(
        "wrong",
        [
            {"plan": "no such"},
            {"profile": "no such"},
            {"overrides": {"no": "such"}},
            {"plan": "turbo", "sampler": "dpmpp_2m_karras"},
        ],
    )
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
