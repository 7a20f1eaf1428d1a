"""The command line as a user runs it: real processes for what starts and ends, `main()` for the rest."""

from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.__main__ import COMMANDS, main
from generation.contracts.request import KINDS, first_seed

ROOT = Path(__file__).resolve().parents[2]
REPORT_KEYS = {
    "word",
    "translation",
    "language",
    "style",
    "seed",
    "engine",
    "size",
    "prompt",
    "methods",
    "weights",
    "seconds",
    "box",
    "cached",
    "out",
}


@pytest.fixture(autouse=True)
def own_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    for name in list(os.environ):
        if name.startswith(("BOT_", "ADMINS", "PLAYGROUND", "STORAGE__", "GENERATION__", "QUEUE__")):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def cli(*arguments: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "bot", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        stdin=subprocess.DEVNULL,
    )


def png_size(path: Path) -> tuple[int, int]:
    head = path.read_bytes()[:24]
    assert head[:8] == b"\x89PNG\r\n\x1a\n"
    return struct.unpack(">II", head[16:24])


class TestPaint:
    def test_writes_the_picture_and_says_what_it_did(
        self, own_folder: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        code = main(
            [
                "paint",
                "学习",
                "study",
                "--style",
                "comic",
                "--out",
                "a.png",
                "--width",
                "576",
                "--height",
                "512",
                "--json",
            ]
        )
        report = json.loads(capsys.readouterr().out)
        assert code == 0
        assert report.keys() >= REPORT_KEYS
        assert (report["word"], report["translation"], report["language"], report["style"]) == (
            "学习",
            "study",
            "zh-Hans",
            "comic",
        )
        assert report["seed"] == first_seed("学习", "zh-Hans")
        assert "total" not in report["seconds"]
        assert all(seconds >= 0 for seconds in report["seconds"].values())
        x0, y0, x1, y1 = report["box"]
        assert 0 <= x0 < x1 <= 576
        assert 0 <= y0 < y1 <= 512
        assert png_size(own_folder / "a.png") == (576, 512)

    def test_is_the_same_twice_and_another_with_another_seed(self, own_folder: Path) -> None:
        for name, seed in (("a", "5"), ("b", "5"), ("c", "6")):
            assert (
                main(
                    [
                        "paint",
                        "мир",
                        "--style",
                        "ink",
                        "--seed",
                        seed,
                        "--out",
                        f"{name}.png",
                        "--width",
                        "512",
                        "--height",
                        "512",
                    ]
                )
                == 0
            )
        a, b, c = ((own_folder / f"{name}.png").read_bytes() for name in "abc")
        assert a == b
        assert a != c

    def test_parts_are_written(self, own_folder: Path) -> None:
        assert main(["paint", "山", "--out", "a.png", "--parts", "parts", "--width", "512", "--height", "512"]) == 0
        names = {path.name for path in (own_folder / "parts").iterdir()}
        assert names == {"base.png", "mask.png", *(f"{kind}.png" for kind in KINDS)}
        assert all(png_size(own_folder / "parts" / name) == (512, 512) for name in names)

    def test_options_without_use_are_named(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert (
            main(
                [
                    "paint",
                    "山",
                    "--out",
                    "a.png",
                    "--steps",
                    "30",
                    "--weight",
                    "canny=1",
                    "--width",
                    "512",
                    "--height",
                    "512",
                ]
            )
            == 0
        )
        notes = capsys.readouterr().err
        assert "--steps" in notes
        assert "--weight" in notes

    def test_a_prompt_template_is_filled(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert (
            main(
                [
                    "paint",
                    "山",
                    "mountain",
                    "--prompt",
                    "one {meaning} please",
                    "--out",
                    "a.png",
                    "--width",
                    "512",
                    "--height",
                    "512",
                    "--json",
                ]
            )
            == 0
        )
        assert "one mountain please" in json.loads(capsys.readouterr().out)["prompt"]

    @pytest.mark.parametrize(
        ("arguments", "part"),
        [
            (["", "--out", "a.png"], "empty"),
            (["𓀀", "--out", "a.png"], "U+13000"),
            (["a" * 200, "--out", "a.png"], "24"),
            (["x", "--style", "oil", "--out", "a.png"], "watercolor"),
            (["x", "--width", "1000", "--out", "a.png"], "steps of 64"),
            (["x", "--seed", "-1", "--out", "a.png"], "--seed"),
            (["x", "--steps", "0", "--out", "a.png"], "--steps"),
            (["x", "--weight", "canny=many", "--out", "a.png"], "canny"),
            (["x", "--weight", "pose=1", "--out", "a.png"], "scribble"),
            (["x", "--method", "canny=nothing", "--out", "a.png"], "opencv_canny"),
            (["x", "--language", "qq-not-a-language-at-all", "--out", "a.png"], "language"),
            (["x", "--engine", "oil", "--out", "a.png"], "painter"),
            (["x", "t" * 500, "--out", "a.png"], "200"),
        ],
    )
    def test_what_is_wrong_is_one_line_and_exit_2(
        self, own_folder: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], part: str
    ) -> None:
        assert main(["paint", *arguments]) == 2
        error = capsys.readouterr().err
        assert part in error
        assert error.startswith("error: ")
        assert error.count("\n") == 1
        assert not (own_folder / "a.png").exists()

    def test_an_engine_that_is_not_here_is_exit_3(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["paint", "x", "--engine", "diffusion", "--out", "a.png"]) == 3
        assert capsys.readouterr().err.startswith("error: ")

    def test_an_unwritable_file_is_exit_1(self, own_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        (own_folder / "file").write_text("")
        assert main(["paint", "x", "--width", "512", "--height", "512", "--out", "file/a.png"]) == 1
        assert "cannot write" in capsys.readouterr().err


class TestCondition:
    @pytest.mark.parametrize("kind", KINDS)
    def test_one_image_a_kind(self, own_folder: Path, capsys: pytest.CaptureFixture[str], kind: str) -> None:
        assert (
            main(["condition", "学", "--kind", kind, "--out", "c.png", "--width", "512", "--height", "512", "--json"])
            == 0
        )
        done = json.loads(capsys.readouterr().out)
        assert done["kind"] == kind
        assert done["method"]
        assert png_size(own_folder / "c.png") == (512, 512)

    def test_unknown_kind_and_method(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["condition", "学", "--kind", "pose", "--out", "c.png"]) == 2
        assert main(["condition", "学", "--kind", "depth", "--method", "guess", "--out", "c.png"]) == 2
        assert "distance_transform_depth" in capsys.readouterr().err


class TestDoctor:
    def test_finds_a_working_machine(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["doctor", "--json"]) == 0
        findings = {finding["name"]: finding for finding in json.loads(capsys.readouterr().out)["findings"]}
        assert findings["fonts"]["state"] == "fine"
        assert findings["engine"]["detail"].startswith("painter")
        assert {finding["state"] for finding in findings.values()} <= {"fine", "note"}

    def test_says_what_is_broken_and_what_mends_it(
        self, own_folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (own_folder / "file").write_text("")
        monkeypatch.setenv("STORAGE__FOLDER", "file/data")
        monkeypatch.setenv("PLAYGROUND", "off")
        monkeypatch.setenv("GENERATION__ENGINE", "diffusion")
        monkeypatch.setenv("GENERATION__FONTS", "nowhere")
        assert main(["doctor", "--json"]) == 1
        findings = {finding["name"]: finding for finding in json.loads(capsys.readouterr().out)["findings"]}
        broken = {name for name, finding in findings.items() if finding["state"] == "broken"}
        assert broken >= {"data folder", "telegram", "fonts", "weights"}
        assert all(findings[name]["mend"] for name in broken)

    def test_bad_settings_are_a_finding(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setenv("QUEUE__WAITING", "0")
        assert main(["doctor"]) == 1
        assert "QUEUE__WAITING" in capsys.readouterr().out

    def test_leaves_nothing_behind(self, own_folder: Path) -> None:
        main(["doctor"])
        assert [path for path in own_folder.rglob("*") if path.is_file()] == []


class TestTheWhole:
    @pytest.mark.parametrize("name", COMMANDS)
    def test_every_command_has_help(self, capsys: pytest.CaptureFixture[str], name: str) -> None:
        with pytest.raises(SystemExit) as ended:
            main([name, "--help"])
        assert ended.value.code == 0
        assert len(capsys.readouterr().out) > 100

    def test_an_unknown_command_lists_the_known_ones(self, capsys: pytest.CaptureFixture[str]) -> None:
        with pytest.raises(SystemExit) as ended:
            main(["draw"])
        assert ended.value.code == 2
        assert "paint" in capsys.readouterr().err

    def test_a_missing_token_with_the_playground_off_is_one_line(self, own_folder: Path) -> None:
        done = cli(folder=own_folder, PLAYGROUND="off")
        assert done.returncode == 2
        assert "BOT_TOKEN" in done.stderr
        assert "Traceback" not in done.stderr

    def test_fresh_is_refused_with_a_token(self, own_folder: Path) -> None:
        done = cli("--fresh", folder=own_folder, BOT_TOKEN="8600000001:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")
        assert done.returncode == 2
        assert "--fresh" in done.stderr

    def test_an_exposed_playground_must_be_meant(self, own_folder: Path) -> None:
        done = cli("playground", "--host", "0.0.0.0", "--port", "0", folder=own_folder)
        assert done.returncode == 2
        assert "--expose" in done.stderr

    @pytest.mark.parametrize(
        "code",
        [
            "main(['paint', '学习', '--out', 'a.png', '--width', '512', '--height', '512'])",
            "main(['condition', '学习', '--kind', 'canny', '--out', 'c.png'])",
            "main(['doctor'])",
            "main(['bench', 'queue', '--json'])",
        ],
    )
    def test_tools_import_neither_aiogram_nor_sqlalchemy_nor_torch(self, own_folder: Path, code: str) -> None:
        script = f"import sys\nfrom bot.__main__ import main\nassert {code} == 0\nprint(sorted({{'aiogram', 'sqlalchemy', 'fastapi', 'torch', 'aiosqlite'}} & set(sys.modules)))"
        done = subprocess.run(
            [sys.executable, "-c", script],
            cwd=own_folder,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.rstrip().endswith("[]"), done.stdout


class TestBench:
    def test_painter_rows_have_target_baseline_and_ratio(
        self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from bot.bench import painter

        monkeypatch.setattr(painter, "run", lambda run=painter.run: run(rounds=1, side_px=512))
        assert main(["bench", "painter", "--json"]) == 0
        printed = json.loads(capsys.readouterr().out)
        assert printed["suite"] == "painter"
        assert printed["machine"]["cores"] >= 1
        named = [row for row in printed["rows"] if row["unit"] == "s"]
        assert len(named) >= 10
        assert all(row["value"] > 0 and row["ratio"] > 0 and row["baseline"] for row in named)

    def test_a_table_for_people(self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        from bot.bench import queue

        monkeypatch.setattr(queue, "run", lambda run=queue.run: run(waiting=200))
        assert main(["bench", "queue"]) == 0
        assert "ratio" in capsys.readouterr().out

    def test_a_suite_this_version_does_not_have_is_exit_3(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["bench", "legibility"]) == 3
        assert "legibility" in capsys.readouterr().err

    @pytest.mark.parametrize("suite", ["flops", "diffusion"])
    def test_suites_of_models_without_torch_name_the_extra(
        self, suite: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(sys.modules, "torch", None)
        assert main(["bench", suite, "--json"]) == 3
        printed, told = capsys.readouterr()
        assert printed == ""
        assert "torch" in told
        assert "EXTRAS=diffusion" in told

    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            (["queue", "--rows", "x"], "the suite queue does not take --rows"),
            (["flops", "--trace", "t.json", "--deadline-s", "5"], "flops does not take --deadline-s, --trace"),
            (["painter", "--tiny"], "painter does not take --tiny"),
        ],
    )
    def test_options_of_another_suite_are_refused(
        self, arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert main(["bench", *arguments]) == 2
        assert said in capsys.readouterr().err

    def test_rows_are_told_one_by_one_and_kept(
        self, own_folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from bot.bench import diffusion

        out = own_folder / "rows.jsonl"
        seen: list[str] = []

        def rows(options: object) -> Iterator[dict[str, object]]:
            for name in ("a", "b"):
                seen.append(out.read_text() if out.exists() else "")
                yield {"name": name, "value": 1.0, "unit": "s"}

        monkeypatch.setattr(diffusion, "machine", lambda _options: {})
        monkeypatch.setattr(diffusion, "rows", rows)
        assert main(["bench", "diffusion", "--out", str(out), "--json"]) == 0
        assert [len(text.splitlines()) for text in seen] == [0, 1], "a row is on disk before the next is measured"
        assert [json.loads(line)["name"] for line in out.read_text().splitlines()] == ["a", "b"]
        assert main(["bench", "diffusion", "--out", str(own_folder / "none" / "rows.jsonl")]) == 1
        assert "cannot write" in capsys.readouterr().err

    def test_a_row_that_failed_is_exit_1(
        self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from bot.bench import diffusion

        monkeypatch.setattr(diffusion, "machine", lambda _options: {})
        monkeypatch.setattr(diffusion, "rows", lambda _options: iter([{"name": "a", "value": None, "failed": "why"}]))
        assert main(["bench", "diffusion"]) == 1
        assert "why" in capsys.readouterr().out

    def test_a_table_without_rich(self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        from bot.bench import diffusion

        monkeypatch.setitem(sys.modules, "rich", None)
        monkeypatch.setattr(diffusion, "machine", lambda _options: {})
        monkeypatch.setattr(diffusion, "rows", lambda _options: iter([{"name": "a", "value": 0.12345, "unit": "s"}]))
        assert main(["bench", "diffusion"]) == 0
        assert capsys.readouterr().out.splitlines()[2].split() == ["a", "0.1235", "s"]

    @pytest.mark.slow
    @pytest.mark.timeout(240)
    def test_bot_measures_a_real_start(self) -> None:
        from bot.bench.bot import run

        answer, idle, share_s, share_mib = run(rounds=1)
        assert answer["value"] > share_s["value"]
        assert idle["value"] > share_mib["value"] > 0
        assert answer["baseline"] == share_s["baseline"] > 0.5
        assert all(row["target"] for row in (answer, idle, share_s, share_mib))
