"""`python -m bot models` where nothing is downloaded: list, verify, and what fetch says without the extra."""

from __future__ import annotations

import io
import json
import os
import sys
from pathlib import Path

import pytest

from bot.__main__ import main
from bot.commands.models_progress import PlainLines, progress
from generation.diffusion.config import ROLES
from generation.diffusion.weights import FetchProgress
from tests.weights.made import COMMIT, WEIGHTS, fetched, net, put, tensors


@pytest.fixture(autouse=True)
def own_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    for name in list(os.environ):
        if name.startswith(("BOT_", "STORAGE__", "GENERATION__", "DIFFUSION__", "HF_", "HUGGINGFACE")):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DIFFUSION__CACHE_FOLDER", str(tmp_path / "cache"))
    monkeypatch.setenv("DIFFUSION__CANNY", "maker/net")
    return tmp_path


class TestList:
    def test_every_role_as_json(self, own_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        fetched(own_folder, net())
        assert main(["models", "list", "--json"]) == 0
        printed = json.loads(capsys.readouterr().out)
        models = {model["role"]: model for model in printed["models"]}
        assert tuple(models) == ROLES
        assert (models["canny"]["state"], models["canny"]["commit"]) == ("complete", COMMIT)
        assert models["base"]["state"] == "missing"
        assert models["base"]["variant"] == "fp16"
        assert models["base"]["needed"] is True
        assert models["turbo"]["needed"] is False
        assert printed["cache"] == str(own_folder / "cache")

    def test_for_people(self, own_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        fetched(own_folder, net())
        assert main(["models", "list", "canny", "taesd"]) == 0
        lines = capsys.readouterr().out.splitlines()
        assert lines[0].split()[:2] == ["complete", "canny"]
        assert COMMIT[:12] in lines[0]
        assert "not needed" in lines[1]
        assert len(lines) == 4

    def test_looking_leaves_nothing_behind(self, own_folder: Path) -> None:
        main(["models", "list"])
        main(["models", "verify"])
        assert [path for path in own_folder.rglob("*") if path.is_file()] == []


class TestVerify:
    def test_what_is_fine_is_0(self, own_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        fetched(own_folder, net())
        assert main(["models", "verify", "canny"]) == 0
        assert "2 of 2 fine" in capsys.readouterr().out

    def test_what_is_damaged_is_1_and_named(self, own_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        folder = fetched(own_folder, net())
        (folder / WEIGHTS).write_bytes(tensors(fill=9))
        assert main(["models", "verify", "canny", "--json"]) == 1
        files = {file["file"]: file["state"] for file in json.loads(capsys.readouterr().out)["files"]}
        assert files == {"config.json": "fine", WEIGHTS: "damaged"}
        assert main(["models", "verify", "canny"]) == 1
        assert "models fetch" in capsys.readouterr().out

    def test_what_is_missing_is_1(self) -> None:
        assert main(["models", "verify"]) == 1


class TestFetch:
    def test_without_the_extra_it_says_what_to_install(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setitem(sys.modules, "huggingface_hub", None)
        assert main(["models", "fetch", "canny"]) == 3
        error = capsys.readouterr().err
        assert "EXTRAS=diffusion" in error
        assert error.count("\n") == 1

    def test_what_is_there_needs_no_extra(
        self, own_folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setitem(sys.modules, "huggingface_hub", None)
        fetched(own_folder, net())
        assert main(["models", "fetch", "canny"]) == 0
        assert capsys.readouterr().out.startswith("complete canny")

    def test_offline_is_one_line(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        monkeypatch.setenv("HF_HUB_OFFLINE", "1")
        assert main(["models", "fetch", "canny"]) == 3
        assert "switched off" in capsys.readouterr().err

    def test_an_own_folder_with_a_pickle_is_refused(
        self, own_folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        put(own_folder / "mine", {"config.json": b"{}", "net.ckpt": b"\x80"})
        monkeypatch.setenv("DIFFUSION__CANNY", "./mine")
        assert main(["models", "fetch", "canny"]) == 3
        assert "pickle" in capsys.readouterr().err

    def test_a_role_that_is_none(self, capsys: pytest.CaptureFixture[str]) -> None:
        with pytest.raises(SystemExit) as ended:
            main(["models", "fetch", "pose"])
        assert ended.value.code == 2
        assert "scribble" in capsys.readouterr().err


def at(done: int, files_done: int = 0) -> FetchProgress:
    return FetchProgress("canny", "maker/net", WEIGHTS, done, 100_000_000, done, files_done, 2)


class TestProgress:
    def test_plain_lines_are_few_and_say_how_long(self) -> None:
        now, stream = [0.0], io.StringIO()
        lines = PlainLines(stream, every_s=10, clock=lambda: now[0])
        for second in range(1, 26):
            now[0] = second
            lines(at(second * 1_000_000))
        assert stream.getvalue().splitlines() == [
            f"10.0 of 100.0 MB, file 0 of 2, 1.0 MB/s, 1:30 left: maker/net {WEIGHTS}",
            f"20.0 of 100.0 MB, file 0 of 2, 1.0 MB/s, 1:20 left: maker/net {WEIGHTS}",
        ]
        lines(at(100_000_000, files_done=1))
        assert stream.getvalue().splitlines()[-1].startswith("100.0 of 100.0 MB, file 1 of 2, 4.0 MB/s: ")

    def test_what_was_here_before_is_not_speed(self) -> None:
        stream, now = io.StringIO(), [0.0]
        lines = PlainLines(stream, clock=lambda: now[0])
        now[0] = 10.0
        lines(FetchProgress("canny", "maker/net", WEIGHTS, 60_000_000, 100_000_000, 10_000_000, 0, 2))
        assert "1.0 MB/s, 0:40 left" in stream.getvalue()

    def test_a_terminal_gets_a_bar(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("COLUMNS", "80")

        class Terminal(io.StringIO):
            def isatty(self) -> bool:
                return True

        stream = Terminal()
        with progress(stream) as report:
            report(at(50_000_000))
            report(at(100_000_000, files_done=2))
        assert "canny 2/2" in stream.getvalue()
        assert "100.0/100.0 MB" in stream.getvalue()
