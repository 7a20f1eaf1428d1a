"""Which engine is built for which settings, without loading any."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

import pytest

from bot.__main__ import main
from bot.engines import diffusion_config, easel, engine_named, warm_jobs
from bot.settings import load_settings
from generation.contracts.errors import BadSettings, EngineUnavailable, UnknownEngine
from generation.diffusion import outlook
from generation.diffusion.config import DEFAULT_SOURCES, ROLES, DiffusionConfig, Source
from generation.diffusion.engine import DiffusionEngine
from generation.diffusion.plans import PLANS
from generation.diffusion.warming import STEPS
from generation.gpu.nvml import Device, DeviceReport
from generation.painter import Painter
from generation.pipeline import Pipeline
from generation.standin import StandIn


@pytest.fixture(autouse=True)
def bare(monkeypatch, tmp_path: Path) -> None:
    for name in list(os.environ):
        if name.startswith(("BOT_", "STORAGE__", "GENERATION__", "DIFFUSION__", "HF_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("STORAGE__FOLDER", str(tmp_path / "data"))
    monkeypatch.setenv("DIFFUSION__CACHE_FOLDER", str(tmp_path / "hub"))
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def machine(monkeypatch):
    """A machine with or without a card, with or without the extra."""

    def be(*, card_mib: int = 0, extra: bool = True) -> None:
        devices = (Device(0, "card", card_mib, 0, None, None, None, None),) if card_mib else ()
        monkeypatch.setattr(outlook, "look", lambda: DeviceReport(devices))
        monkeypatch.setattr(outlook, "PACKAGES", () if extra else ("no_such_package",))
        outlook._sizes.cache_clear()

    yield be
    outlook._sizes.cache_clear()


def built(**environment: str):
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        return easel(load_settings(), Pipeline())


class TestTheBots:
    def test_no_card_is_for_the_painter(self, machine):
        machine()
        assert isinstance(built().engine, Painter)

    def test_a_small_card_too(self, machine):
        machine(card_mib=8192)
        assert isinstance(built(GENERATION__DOWNLOAD="true").engine, Painter)
        assert built(GENERATION__DOWNLOAD="true").fetch is None

    def test_a_card_without_the_extra_too_and_says_so(self, machine, caplog):
        machine(card_mib=24564, extra=False)
        assert isinstance(built().engine, Painter)
        assert "not installed" in caplog.text

    def test_a_card_is_for_diffusion_with_the_painter_standing_in_until_the_weights_are_there(self, machine):
        machine(card_mib=24564)
        easel = built()
        assert isinstance(easel.engine, StandIn)
        assert (easel.engine.name, easel.engine.version) == ("painter", Painter.version)
        assert easel.engine.diagnostics()["standing_in"] == "WeightsMissing"
        assert (easel.fetch, easel.idle_s) == (None, 900.0)

    def test_idle_models_leave_after_the_time_that_is_set(self, machine):
        machine(card_mib=24564)
        assert built(DIFFUSION__IDLE_UNLOAD_S="60").idle_s == 60.0

    def test_weights_are_fetched_where_that_is_wanted(self, machine):
        machine(card_mib=24564)
        easel = built(GENERATION__DOWNLOAD="true")
        assert easel.fetch is not None
        assert easel.fetch._roles[:2] == ("base", "vae")

    def test_diffusion_by_name_needs_no_card_to_begin_with(self, machine):
        machine()
        assert isinstance(built(GENERATION__ENGINE="diffusion").engine, StandIn)

    def test_diffusion_by_name_is_refused_without_the_extra(self, machine):
        machine(card_mib=24564, extra=False)
        with pytest.raises(EngineUnavailable, match="EXTRAS=diffusion"):
            built(GENERATION__ENGINE="diffusion")

    def test_the_painter_by_name_fetches_nothing(self, machine):
        machine(card_mib=81559)
        easel = built(GENERATION__ENGINE="painter", GENERATION__DOWNLOAD="true")
        assert isinstance(easel.engine, Painter)
        assert easel.fetch is None


class TestTheCommandLines:
    def test_nobody_stands_in_for_diffusion(self, machine):
        machine()
        assert isinstance(engine_named("diffusion"), DiffusionEngine)

    def test_auto_takes_the_painter_until_all_weights_are_there(self, machine):
        machine(card_mib=24564)
        assert isinstance(engine_named("auto"), Painter)

    def test_auto_without_a_card_reads_no_settings(self, machine, monkeypatch):
        machine()
        monkeypatch.setenv("DIFFUSION__PLAN", "no such")
        assert isinstance(engine_named("auto"), Painter)

    def test_a_name_that_is_none(self):
        with pytest.raises(UnknownEngine):
            engine_named("oil")

    def test_a_plan_is_checked(self, machine):
        machine()
        with pytest.raises(BadSettings, match="no sampling plan"):
            engine_named("diffusion", plan="no such")

    def test_the_help_of_paint_says_which_plans_are_approximate(self, capsys):
        with pytest.raises(SystemExit):
            main(["paint", "--help"])
        said = " ".join(capsys.readouterr().out.split())
        assert all(f"{plan.name} is {plan.summary}" in said for plan in PLANS.values())

    def test_paint_says_what_is_missing_and_exits_with_3(self, machine, tmp_path, capsys):
        machine()
        code = main(
            ["paint", "学习", "study", "--engine", "diffusion", "--out", str(tmp_path / "x.png"), "--width", "512"]
        )
        assert code == 3
        assert "error:" in capsys.readouterr().err
        assert not (tmp_path / "x.png").exists()


class TestTheConfiguration:
    def test_the_defaults_are_the_engines_own(self, tmp_path):
        config = diffusion_config(load_settings())
        plain = DiffusionConfig(
            data_folder=tmp_path / "data", cache_folder=tmp_path / "hub", sources=dict(DEFAULT_SOURCES)
        )
        assert config == plain

    def test_every_field_can_be_set(self, monkeypatch):
        values = {
            "device": "cuda:1",
            "dtype": "fp16",
            "layout": "union",
            "profile": "low_memory",
            "overrides": '{"batch_limit": 2}',
            "plan": "quality",
            "sampler": "euler",
            "attention": "xformers",
            "compile": "regional",
            "compile_cache": "/kernels",
            "preview_every": "3",
            "tiny_previews": "true",
            "union_gain": "0.5",
            "preload": "true",
            "text_cache": "9",
            "cache_folder": "/hub",
            "local_files_only": "true",
            "stall_s": "7",
        }
        for name, value in values.items():
            monkeypatch.setenv(f"DIFFUSION__{name.upper()}", value)
        config, default = diffusion_config(load_settings()), DiffusionConfig()
        same = {f.name for f in dataclasses.fields(config) if getattr(config, f.name) == getattr(default, f.name)}
        assert same == set(), "every field but the sources is set otherwise than by default here"
        assert config.overrides == {"batch_limit": 2}
        assert config.taesd

    def test_another_model_takes_nothing_of_the_default_ones_variant_or_file(self, monkeypatch):
        monkeypatch.setenv("DIFFUSION__BASE", "/models/base")
        monkeypatch.setenv("DIFFUSION__SEGMENTATION", "me/mine")
        config = diffusion_config(load_settings())
        assert config.source("base") == Source(model="/models/base")
        assert config.source("segmentation") == Source(model="me/mine")

    def test_revision_variant_and_weights_of_each_role(self, monkeypatch):
        for role in ROLES:
            monkeypatch.setenv(f"DIFFUSION__{role.upper()}_REVISION", "v2")
            monkeypatch.setenv(f"DIFFUSION__{role.upper()}_VARIANT", "none")
            monkeypatch.setenv(f"DIFFUSION__{role.upper()}_WEIGHTS", "w.safetensors")
        config = diffusion_config(load_settings())
        for role in ROLES:
            model = DEFAULT_SOURCES[role].model
            assert config.source(role) == Source(model=model, revision="v2", variant=None, weights="w.safetensors")


def test_a_sampler_that_would_ruin_turbo_is_refused_at_start_and_on_the_command_line(machine, monkeypatch):
    machine()
    monkeypatch.setenv("DIFFUSION__SAMPLER", "dpmpp_2m_karras")
    with pytest.raises(BadSettings, match="DIFFUSION__SAMPLER"):
        engine_named("diffusion", plan="turbo")
    monkeypatch.setenv("DIFFUSION__PLAN", "turbo")
    with pytest.raises(BadSettings, match="euler_trailing"):
        load_settings()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DIFFUSION__DEVICE", "gpu"),
        ("DIFFUSION__DTYPE", "int8"),
        ("DIFFUSION__LAYOUT", "six"),
        ("DIFFUSION__PROFILE", "huge"),
        ("DIFFUSION__OVERRIDES", '{"wheels": 4}'),
        ("DIFFUSION__OVERRIDES", '{"batch_limit": "many"}'),
        ("DIFFUSION__OVERRIDES", "batch_limit=2"),
        ("DIFFUSION__PLAN", "best"),
        ("DIFFUSION__SAMPLER", "ddim"),
        ("DIFFUSION__UNION_GAIN", "9"),
        ("DIFFUSION__CANNNY", "x/y"),
    ],
)
def test_a_setting_that_cannot_be_is_refused_by_name(monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    with pytest.raises(BadSettings) as caught:
        load_settings()
    said = str(caught.value).lower()
    assert "diffusion" in said or "profile" in said or "plan" in said


def test_the_warm_up_words_are_small_and_steered(machine):
    machine()
    jobs = warm_jobs(Pipeline(), engine_named("diffusion"), 512, 512)
    assert [job.request.word for job in jobs] == ["测", "试", "验", "学", "习"]
    assert all((job.request.width, job.request.steps, len(job.control)) == (512, STEPS, 4) for job in jobs)
