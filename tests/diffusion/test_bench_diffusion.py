"""The speed suite with tiny models on the CPU: the same code that measures a GPU, its rows, its trace, its ends."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from bot.__main__ import main
from generation.contracts.errors import CannotWrite
from generation.contracts.request import KINDS
from generation.diffusion.measuring import easel, service, session, stock, trace
from generation.diffusion.measuring.cases import Case, Setup, cases
from generation.diffusion.measuring.deadline import Deadline
from generation.diffusion.measuring.easel import Easel, Scene
from generation.diffusion.measuring.figures import Timing, timed
from generation.diffusion.measuring.speed import Speed
from generation.diffusion.samplers import Sampler
from generation.gpu import DeviceReport, look

pytestmark = [
    pytest.mark.diffusion,
    pytest.mark.timeout(300),
    pytest.mark.filterwarnings("ignore:__array__ implementation does.* accept a copy keyword:DeprecationWarning"),
]
ROOT = Path(__file__).resolve().parents[2]
CPU = torch.device("cpu")
NOT_NEEDED = (
    "accelerate",
    "aiogram",
    "bidi",
    "cv2",
    "fastapi",
    "fluent",
    "peft",
    "psutil",
    "pydantic",
    "pydantic_settings",
    "pynvml",
    "rich",
    "skimage",
    "sqlalchemy",
    "torchvision",
    "uharfbuzz",
    "xformers",
)


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tiny=True, device=CPU, dtype=torch.float32, side_px=128, steps=2, kernels=tmp_path)


def bench(*arguments: str) -> list[str]:
    return ["bench", "diffusion", "--tiny", *arguments]


def test_rows_come_with_everything_beside_the_seconds(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "rows.jsonl"
    chosen = "ceiling,text,decode,stock/eager/1,multi/*/eager/1,union/quality/eager/2,load,lag/*"
    assert main(bench("--steps", "3", "--rows", chosen, "--out", str(out), "--json")) == 0
    report = json.loads(capsys.readouterr().out)
    rows = {row["name"]: row for row in report["rows"]}
    assert list(rows) == [
        "ceiling",
        "stock/eager/1",
        "multi/reference/eager/1",
        "multi/quality/eager/1",
        "union/quality/eager/2",
        "text",
        "decode",
        "load",
        "lag/p50",
        "lag/p99",
    ]
    assert all(row["value"] > 0 for row in rows.values())
    reference, baseline = rows["multi/reference/eager/1"], rows["stock/eager/1"]
    assert reference["baseline"] == baseline["value"]
    assert reference["ratio"] == pytest.approx(baseline["value"] / reference["value"], rel=1e-3)
    assert reference["tflop_per_s"] == pytest.approx(reference["tflop"] / reference["value"])
    assert reference["ceiling_share"] == pytest.approx(reference["tflop_per_s"] / rows["ceiling"]["value"])
    assert baseline["tflop"] > reference["tflop"] > rows["multi/quality/eager/1"]["tflop"]
    assert (reference["rung"], reference["steps"], reference["rounds"]) == ("eager", 3, 3)
    assert rows["union/quality/eager/2"]["baseline"] is None, "no stock row of that batch was asked for"
    assert set(rows["load"]["seconds"]) == {"base", "vae", *KINDS}
    assert rows["lag/p99"]["target"] == 25
    assert rows["lag/p99"]["idle_p99_ms"] > 0
    assert [json.loads(line) for line in out.read_text().splitlines()] == report["rows"]
    assert report["machine"]["runtime"] == "cpu"


def test_a_trace_names_the_parts_of_a_picture(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "trace.json"
    assert main(bench("--steps", "2", "--trace", str(path), "--json")) == 0
    parts = {"text", "condition", *(f"net {kind}" for kind in KINDS), "unet", "sampler", "denoise", "decode"}
    names = [event.get("name") for event in json.loads(path.read_text())["traceEvents"]]
    assert parts <= set(names)
    assert names.count("unet") >= 2
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)["rows"]}
    assert set(rows) == {f"trace/{part}" for part in parts}
    assert rows["trace/unet"]["calls"] == rows["trace/net canny"]["calls"] == rows["trace/sampler"]["calls"] == 2
    assert rows["trace/denoise"]["value"] > rows["trace/unet"]["value"]


def test_nothing_is_named_outside_a_trace(scene: Scene) -> None:
    models = Easel(scene, Setup("multi", "eager")).models
    before = models.stage, models.nets.trunk, Sampler.step
    with trace.named_parts(models):
        assert models.nets.trunk is not before[1]
    assert (models.stage, models.nets.trunk, Sampler.step) == before
    assert "forward" not in vars(models.unet)
    assert "prepare" not in vars(models.nets)


def test_a_trace_that_cannot_be_written_costs_no_measuring(scene: Scene, tmp_path: Path) -> None:
    with pytest.raises(CannotWrite):
        next(trace.traced(None, pytest.fail, tmp_path / "none" / "trace.json", CPU))


def test_it_needs_torch_diffusers_transformers_and_numpy_only(tmp_path: Path) -> None:
    code = f"""
import sys
for name in {NOT_NEEDED}:
    sys.modules[name] = None
from bot.__main__ import main
sys.exit(main({bench("--steps", "2", "--rows", "stock/eager/1,multi/quality/eager/1,load,lag/*", "--json")}))
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    rows = {row["name"]: row for row in json.loads(done.stdout)["rows"]}
    assert rows["stock/eager/1"]["value"] > 0
    assert rows["multi/quality/eager/1"]["value"] > 0
    assert {rows[name]["skipped"] for name in ("load", "lag/p50", "lag/p99")} == {"accelerate not installed here"}


def test_a_device_is_looked_for_without_the_package_that_asks_the_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", None)
    assert look() == DeviceReport((), "no-driver")


def test_the_table_does_without_rich(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setitem(sys.modules, "rich", None)
    assert main(bench("--rows", "ceiling")) == 0
    table = capsys.readouterr().out.splitlines()
    assert table[1].split()[:3] == ["name", "value", "unit"]
    assert [line.split()[0] for line in table[2:]] == ["ceiling"]


def test_without_cuda_it_says_so(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "init", lambda: None)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    assert main(["bench", "diffusion", "--json"]) == 3
    printed, told = capsys.readouterr()
    assert "--tiny" in told
    assert printed == ""


def test_what_does_not_fit_is_left_out_and_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(bench("--deadline-s", "0.01", "--json")) == 0
    rows = json.loads(capsys.readouterr().out)["rows"]
    assert [row["name"] for row in rows] == session.names()
    assert rows[0]["value"] > 0
    assert all(row["value"] is None and "left" in row["skipped"] for row in rows[1:])


class BackendBroke(torch._dynamo.exc.TorchDynamoException):
    """As torch wraps what its backends raise."""

    def __init__(self) -> None:
        super().__init__("backend='inductor' raised:\nKeyError: 'triton'")
        self.inner_exception = KeyError("triton")


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (RuntimeError("no compiler here\nand much more"), "RuntimeError: no compiler here"),
        (AssertionError("a graph that changed"), "AssertionError: a graph that changed"),
        (ModuleNotFoundError("no triton"), "ModuleNotFoundError: no triton"),
        (BackendBroke(), "KeyError: 'triton'"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_whatever_the_compiler_raises_ends_one_row(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, error: Exception, told: str
) -> None:
    def no_compiler(pipe: object) -> object:
        raise error

    monkeypatch.setattr(stock, "compiled", no_compiler)
    (figure,) = Speed(scene, Deadline()).figures("stock/compiled/1".__eq__)
    assert (figure.value, figure.details) == (None, {"failed": told})


def test_a_row_that_fails_does_not_end_the_run(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(models: object, latents: object) -> object:
        raise TypeError("parts that do not fit")

    monkeypatch.setattr("generation.diffusion.measuring.speed.decode", broken)
    assert main(bench("--steps", "2", "--rows", "multi/quality/eager/2,text,decode", "--json")) == 1
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)["rows"]}
    assert rows["decode"]["failed"] == "TypeError: parts that do not fit"
    assert rows["multi/quality/eager/2"]["value"] > 0
    assert rows["text"]["value"] > 0


def test_a_disk_that_fills_up_ends_the_rows_of_the_engine(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> object:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(service, "written", full)
    assert main(bench("--rows", "ceiling,load,lag/p99", "--json")) == 1
    rows = json.loads(capsys.readouterr().out)["rows"]
    assert rows[0]["value"] > 0
    assert [row["failed"] for row in rows[1:]] == ["OSError: [Errno 28] No space left on device"] * 2


def test_out_of_memory_is_a_row_too(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> object:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(easel, "paint", full)
    (figure,) = Speed(scene, Deadline()).figures("multi/reference/eager/8".__eq__)
    assert (figure.value, figure.details) == (None, {"failed": "out of memory"})


def test_kernels_go_where_they_are_cleared_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRITON_CACHE_DIR", "mine")
    monkeypatch.delenv("TORCHINDUCTOR_CACHE_DIR", raising=False)
    with session.scene(tiny=True, side_px=128, steps=2) as scene:
        assert os.environ["TRITON_CACHE_DIR"].startswith(str(scene.kernels))
        assert scene.kernels.is_dir()
    assert not scene.kernels.exists()
    assert os.environ["TRITON_CACHE_DIR"] == "mine"
    assert "TORCHINDUCTOR_CACHE_DIR" not in os.environ


def test_every_turn_is_a_new_picture(scene: Scene) -> None:
    first, second = scene.subjects(2, 0), scene.subjects(2, 1)
    assert len({sample.prompt for sample in (*first, *second)}) == 4
    assert len({sample.seed for sample in (*first, *second)}) == 4
    assert all(image.shape == (128, 128, 3) and image.any() for image in first[0].control.values())
    assert (first[0].control["canny"] != first[1].control["canny"]).any()


def test_both_paint_the_same_picture(scene: Scene) -> None:
    """Same modules, subjects, seeds and sampler: what is compared differs in speed only."""
    rig = replace(scene, steps=3).rig()
    wanted = scene.subjects(1, 0)
    plan = easel.plan_named("reference")
    theirs = stock.paint(rig.pipeline("multi", plan.sampler), wanted, steps=3)[0]
    (ours,) = easel.paint(rig.models("multi"), wanted, plan, 3)
    assert abs(theirs * 255 - ours).max() <= 1.01


def test_stock_compiled_is_stock_with_unet_and_nets_compiled(scene: Scene) -> None:
    """That they are wrapped and nothing else changes; tracing them takes minutes, which a real run of the row does."""
    pipe = scene.rig().pipeline("multi", "euler")
    before = dict(pipe.components)
    after = stock.compiled(pipe).components
    changed = {name for name in before if after[name] is not before[name]}
    assert changed == {"unet", "controlnet"}
    assert all(after[name]._orig_mod is before[name] for name in changed)


def test_the_first_turn_is_not_part_of_the_figures() -> None:
    turns: list[int] = []
    timing = timed(turns.append, CPU, rounds=4)
    assert turns == [0, 1, 2, 3, 4]
    assert len(timing.rounds_s) == 4
    assert timing.peak_bytes is None
    assert Timing(9.0, (2.0, 1.0, 3.0), None).warming_s == 7.0


def test_long_rounds_are_two(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("generation.diffusion.measuring.figures.ENOUGH_S", 0.0)
    assert len(timed(lambda _turn: None, CPU, rounds=5).rounds_s) == 2


def test_every_case_has_a_name_of_its_own() -> None:
    names = [case.name for case in cases()]
    assert len(set(names)) == len(names)
    assert names[:4] == [
        "stock/eager/1",
        "multi/reference/eager/1",
        "multi/quality/eager/1",
        "union/reference/eager/1",
    ]
    assert {"stock/compiled/8", "union/quality/full/4", "multi/quality/regional/2"} <= set(names)


def test_targets_follow_from_what_stock_took() -> None:
    eager, full = Setup("multi", "eager"), Setup("multi", "full")
    medians = {"stock/eager/1": 6.0, "stock/compiled/1": 3.0}
    assert Case(eager, "reference", 1).target(medians) == 3.0, "not behind stock compiled"
    assert Case(full, "reference", 1).target({"stock/eager/1": 6.0}) == 4.0
    assert Case(full, "quality", 1).target(medians) == 2.4
    assert Case(Setup("union", "full"), "quality", 1).target(medians) == 1.5
    assert Case(Setup("union", "full"), "reference", 1).target(medians) is None
    assert Case(full, "quality", 4).target(medians) is None, "no stock row of that batch"


def test_a_deadline_learns_from_its_rows() -> None:
    case, later = Case(Setup("multi", "full"), "quality", 1), Case(Setup("multi", "full"), "quality", 8)
    deadline = Deadline(limit_s=100.0)
    assert deadline.shortage(deadline.expected_s(case)) is not None, "compiling may take minutes"
    deadline.note(case, Timing(12.0, (1.0, 2.0, 3.0), None))
    assert deadline.expected_s(case) == 15.0 + 10.0 + 2.0 * 4
    assert deadline.expected_s(later) == 15.0 + 10.0 + 2.0 * 8 * 4
    assert deadline.shortage(deadline.expected_s(later)) is None
    assert Deadline().shortage(1e9) is None


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_compiled_row(scene: Scene) -> None:
    name = "union/quality/regional/1"
    (figure,) = Speed(scene, Deadline()).figures(name.__eq__)
    assert figure.value
    assert figure.details["warming_s"] > figure.value
    assert figure.details["rung"] == "regional"
