"""`doctor` on the diffusion engine: what it finds on machines with and without a card, torch and weights."""

from __future__ import annotations

import importlib
import json
import os
import sys
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import pytest

from bot.__main__ import main
from bot.commands import doctor_advice, doctor_diffusion
from generation.contracts.errors import NoSuitableDevice
from generation.gpu import Accelerator, Device, DeviceReport, nvml
from generation.gpu.advice import CODES, Advice
from generation.gpu.devices import REASONS
from generation.gpu.profiles import GIB

RTX = Device(0, "RTX 4090", 24_564, 400, 50, 30.0, 0, 500)
SMALL = Device(0, "RTX 3070", 8_192, 400, 50, 30.0, 0, 500)


@pytest.fixture(autouse=True)
def own_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    for name in list(os.environ):
        if name.startswith(("BOT_", "ADMINS", "PLAYGROUND", "STORAGE__", "GENERATION__", "DIFFUSION__", "HF_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hub"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """A machine with these cards, and a torch of this build or none."""

    def build(*cards: Device, torch: str | None = None) -> None:
        report = DeviceReport(cards, None if cards else "no-driver", "580" if cards else None)
        monkeypatch.setattr("generation.gpu.look", lambda: report)
        for user in ("generation.diffusion.outlook", "generation.gpu.devices"):
            monkeypatch.setattr(importlib.import_module(user), "look", lambda: report)
        importlib.import_module("generation.diffusion.outlook")._sizes.cache_clear()
        folder = tmp_path / "packages" / "torch"
        folder.mkdir(parents=True)
        (folder / "version.py").write_text(torch or "")
        spec = type("Spec", (), {"submodule_search_locations": [str(folder)]})()

        def found(name: str, *rest: object) -> object:
            return (spec if torch is not None else None) if name == "torch" else find_spec(name, *rest)

        monkeypatch.setattr(doctor_diffusion, "find_spec", found)

    yield build
    importlib.import_module("generation.diffusion.outlook")._sizes.cache_clear()


def findings(capsys: pytest.CaptureFixture[str]) -> dict[str, dict[str, str]]:
    main(["doctor", "--json"])
    found = {finding["name"]: finding for finding in json.loads(capsys.readouterr().out)["findings"]}
    assert all(finding["mend"] for finding in found.values() if finding["state"] == "broken")
    return found


def takes(monkeypatch: pytest.MonkeyPatch, gib: float, capability: tuple[int, int] = (8, 9)) -> None:
    card = Accelerator(
        kind="cuda",
        index=0,
        name="RTX 4090",
        memory_bytes=int(gib * GIB),
        capability=capability,
        multiprocessors=128,
        runtime="cuda 13.2",
    )
    monkeypatch.setattr("generation.gpu.find", lambda _: card)


def test_a_machine_without_a_card_misses_nothing(machine, capsys):
    machine()
    found = findings(capsys)
    assert found["torch"]["state"] == found["diffusion"]["state"] == found["gpu"]["state"] == "fine"
    assert "painter" in found["diffusion"]["detail"]
    assert not {"weights", "device", "profile"} & set(found)


def test_a_small_card_is_a_note(machine, capsys):
    machine(SMALL)
    found = findings(capsys)
    assert found["gpu"]["state"] == "note"
    assert "12 GB" in found["gpu"]["mend"]
    assert "weights" not in found


def test_a_card_without_torch_names_the_extra(machine, capsys):
    machine(RTX)
    found = findings(capsys)
    assert found["torch"]["state"] == "note"
    assert "EXTRAS=diffusion" in found["torch"]["mend"]
    assert found["profile"]["detail"].startswith("medium_memory")
    assert found["weights"]["state"] == "note"
    assert "models fetch" in found["weights"]["mend"]
    for role in ("base", "vae", "canny", "depth", "segmentation", "scribble"):
        assert f"{role} missing" in found["weights"]["detail"]


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("cuda: Optional[str] = '13.2'\nhip: Optional[str] = None\n", "cuda 13.2"),
        ('cuda: str | None = None\nhip = "6.4"\n', "hip 6.4"),
        ("cuda: Optional[str] = None\n", "the CPU"),
        ("", "the CPU"),
    ],
)
def test_the_build_of_torch_is_read_without_importing_it(machine, monkeypatch, capsys, written, shown):
    machine(RTX, torch=written)
    takes(monkeypatch, 23.64)
    found = findings(capsys)
    assert found["torch"]["detail"].endswith(f"built for {shown}")


def test_a_card_that_works(machine, monkeypatch, capsys):
    machine(RTX, torch="cuda = '13.2'")
    takes(monkeypatch, 23.64)
    found = findings(capsys)
    assert (
        found["device"]["detail"]
        == "RTX 4090 (cuda:0), 23.6 GiB, cuda 13.2, compute capability 8.9, 128 multiprocessors"
    )
    assert found["profile"]["detail"].startswith("medium_memory: multi, resident, 2 at once, regional")
    assert found["profile"]["state"] == "fine"


def test_a_profile_beyond_the_card_is_a_note(machine, monkeypatch, capsys):
    machine(RTX, torch="cuda = '13.2'")
    takes(monkeypatch, 23.64)
    monkeypatch.setenv("DIFFUSION__PROFILE", "ultra_high_memory")
    found = findings(capsys)
    assert found["profile"]["state"] == "note"
    assert "DIFFUSION__PROFILE" in found["profile"]["mend"]


@pytest.mark.parametrize("code", sorted(REASONS))
def test_a_device_that_does_not_work_says_what_to_do(machine, monkeypatch, capsys, code):
    machine(RTX, torch="")

    def refuse(name: str) -> Accelerator:
        raise NoSuitableDevice(device=name, reason=REASONS[code].format(what="x"), code=code)

    monkeypatch.setattr("generation.gpu.find", refuse)
    found = findings(capsys)
    assert found["device"]["state"] == "note"
    assert found["device"]["mend"]
    monkeypatch.setenv("GENERATION__ENGINE", "diffusion")
    assert findings(capsys)["device"]["state"] == "broken"


def test_what_was_asked_for_by_name_and_is_missing_is_broken(machine, monkeypatch, capsys):
    machine()
    monkeypatch.setenv("GENERATION__ENGINE", "diffusion")
    found = findings(capsys)
    assert found["torch"]["state"] == found["weights"]["state"] == "broken"


def test_the_painter_by_name_needs_no_look(machine, monkeypatch, capsys):
    machine(RTX)
    monkeypatch.setenv("GENERATION__ENGINE", "painter")
    found = findings(capsys)
    assert found["diffusion"]["state"] == "fine"
    assert "torch" not in found


def test_weights_that_do_not_fit_the_disk(machine, monkeypatch, capsys):
    machine(RTX)
    real = doctor_diffusion.shutil.disk_usage
    monkeypatch.setattr(doctor_diffusion.shutil, "disk_usage", lambda path: real(path)._replace(free=6 * 10**9))
    found = findings(capsys)
    assert found["weights disk"]["state"] == "note"
    assert "DIFFUSION__CACHE_FOLDER" in found["weights disk"]["mend"]
    monkeypatch.setattr(doctor_diffusion.shutil, "disk_usage", lambda path: real(path)._replace(free=60 * 10**9))
    assert findings(capsys)["weights disk"]["state"] == "fine"


def test_only_the_layouts_own_roles_are_asked_for(machine, monkeypatch, capsys):
    machine(RTX)
    monkeypatch.setenv("DIFFUSION__LAYOUT", "union")
    found = findings(capsys)
    assert "union missing" in found["weights"]["detail"]
    assert "canny" not in found["weights"]["detail"]


def test_xformers_that_is_asked_for_and_missing(machine, monkeypatch, capsys):
    machine(RTX)
    before = doctor_diffusion.find_spec
    for there in (False, True):
        monkeypatch.setattr(
            doctor_diffusion,
            "find_spec",
            lambda name, there=there: there or None if name == "xformers" else before(name),
        )
        monkeypatch.setenv("DIFFUSION__ATTENTION", "xformers")
        assert findings(capsys)["xformers"]["state"] == ("fine" if there else "note")
        monkeypatch.setenv("DIFFUSION__ATTENTION", "sdpa")
        assert findings(capsys)["xformers"]["state"] == "fine"


def test_a_profile_that_does_not_exist_is_a_finding(machine, monkeypatch, capsys):
    machine(RTX)
    monkeypatch.setenv("DIFFUSION__OVERRIDES", '{"batch_size": 2}')
    found = findings(capsys)
    broken = [finding for finding in found.values() if finding["state"] == "broken"]
    assert broken
    assert any("batch_size" in finding["detail"] for finding in broken)


def on_metal(monkeypatch: pytest.MonkeyPatch) -> None:
    metal = Accelerator(kind="mps", index=0, name="Apple M3", memory_bytes=48 * GIB, runtime="metal")
    monkeypatch.setattr("generation.gpu.find", lambda _: metal)


def test_the_profile_is_the_one_the_engine_takes_metal_compiles_nothing(machine, monkeypatch, capsys):
    machine(torch="")
    on_metal(monkeypatch)
    monkeypatch.setenv("GENERATION__ENGINE", "diffusion")
    assert "at once, eager;" in findings(capsys)["profile"]["detail"]
    monkeypatch.setenv("DIFFUSION__COMPILE", "regional")
    assert "at once, eager;" in findings(capsys)["profile"]["detail"]


@pytest.mark.parametrize(("name", "word"), [("reference", "exact"), ("quality", "approximate")])
def test_the_plan_says_whether_it_is_approximate(machine, monkeypatch, capsys, name, word):
    machine(RTX)
    monkeypatch.setenv("DIFFUSION__PLAN", name)
    assert findings(capsys)["plan"]["detail"].startswith(f"{name}: {word}")


def advice(capsys: pytest.CaptureFixture[str]) -> list[dict[str, str]]:
    main(["doctor", "--json"])
    found = json.loads(capsys.readouterr().out)["findings"]
    return [finding for finding in found if finding["name"] == "advice"]


def test_recommendations_for_the_painter(machine, monkeypatch, capsys):
    monkeypatch.setenv("GENERATION__ENGINE", "painter")
    machine()
    (only,) = advice(capsys)
    assert (only["state"], "12 GB" in only["detail"]) == ("fine", True)


def test_a_card_that_is_not_used_and_one_that_is_hot(machine, monkeypatch, capsys):
    monkeypatch.setenv("GENERATION__ENGINE", "painter")
    machine(replace(RTX, temperature_c=91))
    idle, hot = advice(capsys)
    assert "not used" in idle["detail"]
    assert "EXTRAS=diffusion" in idle["mend"]
    assert "91 °C" in hot["detail"]
    assert "nvidia-smi" in hot["mend"]
    main(["doctor"])
    assert f"note advice       {hot['detail']}\n" in capsys.readouterr().out


def test_why_the_engine_does_not_paint_and_the_command_that_mends_it(machine, monkeypatch, capsys):
    machine(RTX, torch="")
    monkeypatch.setenv("GENERATION__ENGINE", "diffusion")
    reason = REASONS["old-driver"].format(what="x")

    def refuse(name: str) -> Accelerator:
        raise NoSuitableDevice(device=name, reason=reason, code="old-driver")

    monkeypatch.setattr("generation.gpu.find", refuse)
    first = advice(capsys)[0]
    assert "too old" in first["detail"]
    assert first["mend"] == "update the driver"


def test_weights_that_are_missing_are_recommended_by_command(machine, monkeypatch, capsys):
    monkeypatch.setattr("generation.diffusion.outlook.absent_packages", tuple)
    machine(RTX)
    (missing,) = advice(capsys)
    assert missing["detail"] == "weights are missing (base, vae, canny, depth, segmentation, scribble)"
    assert "models fetch" in missing["mend"]


def test_settings_beyond_the_card_are_recommended_against(machine, monkeypatch, capsys):
    monkeypatch.setattr("generation.diffusion.outlook.absent_packages", tuple)
    machine(RTX, torch="")
    takes(monkeypatch, 23.64)
    monkeypatch.setenv("DIFFUSION__PROFILE", "ultra_high_memory")
    assert any("ultra_high_memory" in line["detail"] for line in advice(capsys))


@pytest.mark.parametrize("code", CODES)
def test_every_recommendation_has_a_line_and_a_remedy(code):
    arguments = {name: f"<{name}>" for name in CODES[code]}
    found = doctor_advice.finding(Advice(code, arguments), {})
    told = found.detail + found.mend
    assert found.mend
    assert "\n" not in told
    assert all(value in told for value in arguments.values())
    assert "{" not in told.replace('{"batch_limit', "")


def test_no_recommendation_is_without_words_and_no_words_without_one():
    assert set(doctor_advice.WORDS) == set(CODES)


def test_it_imports_no_torch_where_there_is_none(machine, capsys):
    machine(RTX)
    before = set(sys.modules)
    findings(capsys)
    assert "torch" not in set(sys.modules) - before


def test_the_stand_in_for_the_driver_is_the_real_functions_form():
    assert isinstance(nvml.look(), DeviceReport)
