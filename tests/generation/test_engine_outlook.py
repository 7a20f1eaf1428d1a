"""What the diffusion engine says of itself before anything is loaded; everything here works without torch."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from generation.contracts.errors import CannotWrite, EngineUnavailable, WeightsMissing
from generation.diffusion import outlook
from generation.diffusion.config import DiffusionConfig
from generation.diffusion.outlook import ON_THE_CPU, Outlook, expected_profile, settled_profile
from generation.diffusion.weights import ModelStatus
from generation.gpu.nvml import Device, DeviceReport
from generation.gpu.profiles import GIB

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def cards(monkeypatch):
    """Machines with cards of so many MiB, as NVML would report them."""

    def have(*sizes_mib: int) -> None:
        devices = tuple(Device(n, f"card {n}", mib, 0, None, None, None, None) for n, mib in enumerate(sizes_mib))
        monkeypatch.setattr(outlook, "look", lambda: DeviceReport(devices))
        outlook._sizes.cache_clear()

    yield have
    outlook._sizes.cache_clear()


class Shelf:
    """A store whose answers the test decides."""

    def __init__(self, **states: str) -> None:
        self.states, self.commits, self.notes = states, {}, {}
        self.looks = 0

    def status(self, roles):
        self.looks += 1
        return [
            ModelStatus(
                role,
                role,
                self.states.get(role, "complete"),
                1,
                commit=self.commits.get(role),
                note=self.notes.get(role, ""),
            )
            for role in roles
        ]


@pytest.mark.parametrize(
    ("sizes", "device", "name"),
    [
        ((81559,), "auto", "ultra_high_memory"),
        ((40960,), "auto", "high_memory"),
        ((24564,), "auto", "medium_memory"),
        ((12288,), "auto", "low_memory"),
        ((12288, 81559), "auto", "ultra_high_memory"),
        ((12288, 81559), "cuda:0", "low_memory"),
        ((8192,), "cuda", "low_memory"),
        ((), "auto", "medium_memory"),
        ((12288,), "cuda:3", "medium_memory"),
        ((81559,), "cpu", "cpu"),
    ],
)
def test_the_profile_that_nvml_leads_to_expect(cards, sizes, device, name):
    cards(*sizes)
    assert expected_profile(DiffusionConfig(device=device)).name == name


def test_what_the_operator_sets_goes_before_what_the_device_would_have(cards):
    cards(81559)
    config = DiffusionConfig(profile="low_memory", layout="multi", compile="regional", overrides={"batch_limit": 3})
    profile = expected_profile(config)
    assert (profile.name, profile.layout, profile.compile, profile.batch_limit) == (
        "low_memory",
        "multi",
        "regional",
        3,
    )


@pytest.mark.parametrize(
    ("told", "rung"),
    [
        ({}, "regional"),
        ({"preload": True}, "full"),
        ({"compile": "full"}, "full"),
        ({"overrides": {"compile": "full"}}, "full"),
        ({"preload": True, "compile": "eager"}, "eager"),
    ],
)
def test_whole_models_are_compiled_where_the_warm_up_does_it_or_somebody_insists(cards, told, rung):
    cards(81559)
    assert expected_profile(DiffusionConfig(**told)).compile == rung


def test_nothing_is_compiled_on_the_cpu_unless_somebody_insists():
    assert settled_profile(DiffusionConfig(device="cpu", profile="high_memory"), None).compile == "eager"
    assert settled_profile(DiffusionConfig(device="cpu", compile="full"), None).compile == "full"
    assert settled_profile(DiffusionConfig(device="cpu"), 80 * GIB) == ON_THE_CPU


def test_a_look_is_believed_for_a_second():
    now = [0.0]
    shelf = Shelf(vae="missing")
    view = Outlook(DiffusionConfig(), shelf, lambda: now[0])
    assert view.view("multi").missing == ("vae",)
    shelf.states["vae"] = "complete"
    assert view.view("multi").missing == ("vae",)
    assert shelf.looks == 1
    now[0] = 1.0
    assert view.view("multi").missing == ()


@pytest.fixture
def installed(monkeypatch):
    monkeypatch.setattr(outlook, "PACKAGES", ())


@pytest.mark.usefixtures("installed")
class TestTrouble:
    def test_none_when_everything_is_there(self):
        assert Outlook(DiffusionConfig(), Shelf(base="local")).trouble("multi") is None

    @pytest.mark.parametrize("state", ["missing", "partial", "damaged"])
    def test_pictures_do_without_the_tiny_autoencoder(self, state):
        config, shelf = DiffusionConfig(taesd=True), Shelf(taesd=state)
        shelf.notes["taesd"] = "not as it should be"
        assert "taesd" in config.roles("multi"), "it is fetched all the same"
        view = Outlook(config, shelf)
        assert view.trouble("multi") is None
        assert view.weights("multi") == {"state": "complete", "missing": []}

    def test_missing_and_partial_models_are_named(self):
        trouble = Outlook(DiffusionConfig(), Shelf(base="partial", canny="missing")).trouble("multi")
        assert isinstance(trouble, WeightsMissing)
        assert trouble.details == {"models": "base, canny"}

    def test_a_note_is_passed_on(self):
        shelf = Shelf(vae="damaged")
        shelf.notes["vae"] = "x.safetensors is not what models.lock says"
        view = Outlook(DiffusionConfig(), shelf)
        assert "x.safetensors" in str(view.trouble("multi"))
        assert view.weights("multi") == {"state": "damaged", "missing": ["vae"]}

    def test_only_the_models_of_the_layout_count(self):
        view = Outlook(DiffusionConfig(), Shelf(union="missing"))
        assert view.trouble("multi") is None
        assert view.trouble("union") is not None
        assert view.weights("union")["state"] == "missing"


@pytest.mark.usefixtures("installed")
def test_a_lock_that_cannot_be_read_is_trouble_and_no_accident():
    class Locked(Shelf):
        def status(self, roles):
            raise CannotWrite(path="models.lock", reason="Permission denied")

    view = Outlook(DiffusionConfig(), Locked())
    assert "Permission denied" in str(view.trouble("multi"))
    assert view.weights("multi")["state"] == "missing"
    assert view.view("multi").version


def test_an_extra_that_is_not_installed_is_named(monkeypatch):
    monkeypatch.setattr(outlook, "PACKAGES", ("sys", "no_such_package"))
    trouble = Outlook(DiffusionConfig(), Shelf()).trouble("multi")
    assert type(trouble) is EngineUnavailable
    assert "no_such_package is not installed" in str(trouble)
    assert "EXTRAS=diffusion" in str(trouble)


def test_a_pinned_commit_is_part_of_the_version():
    shelf, now = Shelf(), [0.0]
    view = Outlook(DiffusionConfig(), shelf, lambda: now[0])
    before = view.view("multi").version
    shelf.commits["vae"] = "a" * 40
    now[0] = 5.0
    assert view.view("multi").version != before


def test_importing_the_engine_loads_neither_torch_nor_the_hub():
    code = (
        "import sys, generation.diffusion.engine, generation.diffusion.background, generation.standin, bot.engines\n"
        "loaded = {'torch', 'diffusers', 'transformers', 'huggingface_hub', 'safetensors', 'aiogram', 'sqlalchemy'}\n"
        "print(sorted(loaded & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
