"""What a user installs: the wheel, outside the checkout, paints and speaks every language."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    for name in listed.stdout.decode().split("\0"):
        if name and (ROOT / name).is_file():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            (source / name).write_bytes((ROOT / name).read_bytes())
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(source)],
        check=True,
        capture_output=True,
    )
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    subprocess.run(
        [
            sys.executable,
            "-m",
            "pip",
            "install",
            "--quiet",
            "--no-deps",
            "--no-index",
            "--target",
            str(folder),
            str(wheel),
        ],
        check=True,
    )
    return folder


def run(installed: Path, folder: Path, *command: str) -> str:
    done = subprocess.run(
        [sys.executable, *command],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(installed)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_wheel_carries_its_data_and_licences(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    for part in (
        "locales/en/",
        "locales/ru/",
        "locales/zh/",
        "generation/glyphs/fonts/OFL.txt",
        "bot/playground/static/index.html",
        "bot/playground/schema/",
        "storage/migrations/versions/",
        "licenses/LICENSE",
        "licenses/NOTICE",
    ):
        assert any(part in name for name in names), part
    assert not [name for name in names if name.startswith("tests/")]
    assert wheel.stat().st_size < 12_000_000


@pytest.mark.parametrize(("word", "style"), [("学习", "ink"), ("بحر", "comic"), ("हिन्दी", "watercolor")])
def test_it_paints_outside_the_checkout(installed: Path, tmp_path: Path, word: str, style: str) -> None:
    report = json.loads(
        run(
            installed,
            tmp_path,
            "-m",
            "bot",
            "paint",
            word,
            "--style",
            style,
            "--out",
            "a.png",
            "--width",
            "512",
            "--height",
            "512",
            "--json",
        )
    )
    assert report["word"] == word
    assert (tmp_path / "a.png").stat().st_size > 20_000


def test_it_speaks_every_locale(installed: Path, tmp_path: Path) -> None:
    script = "import bot, locales\nfrom bot.texts import Texts\nt = Texts.load()\nprint(bot.__file__, *[t.get('order-ask-style', code) for code in t.locales], sep='\\n')"
    lines = run(installed, tmp_path, "-c", script).splitlines()
    assert lines[0].startswith(str(installed)), "the checkout was imported instead of the wheel"
    assert len(set(lines[1:])) == 3


def test_its_bot_starts_with_its_own_migrations_and_page(installed: Path, tmp_path: Path) -> None:
    script = "import asyncio, pathlib\nfrom storage import open_storage\nasync def main():\n    async with open_storage(pathlib.Path('d'), cache_budget_bytes=10**8) as storage:\n        print((await storage.counts()).learners)\nasyncio.run(main())"
    assert run(installed, tmp_path, "-c", script).strip() == "0"
