"""What the documents say is so: files they name exist, commands they show are understood, nothing private is in them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bot.__main__ import COMMANDS
from bot.commands.bench import SUITES

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = [
    "README.md",
    "README.ru.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    "CHANGELOG.md",
    "docs/architecture.md",
    "docs/models.md",
    "docs/performance.md",
    "docs/playground.md",
    "NOTICE",
]


@pytest.mark.parametrize("name", DOCUMENTS)
def test_links_and_pictures_exist(name: str) -> None:
    document = ROOT / name
    links = re.findall(r"\]\(([^)#\s]+)[^)]*\)|src=\"([^\"]+)\"", document.read_text())
    local = [one or two for one, two in links if not (one or two).startswith("http")]
    assert [link for link in local if not (document.parent / link).exists()] == []


@pytest.mark.parametrize("name", ["README.md", "README.ru.md"])
def test_commands_shown_are_understood(name: str) -> None:
    text = (ROOT / name).read_text()
    shown = set(re.findall(r"python -m bot ([a-z]+)", text))
    assert {"paint", "doctor"} <= shown
    assert shown <= set(COMMANDS)
    assert set(re.findall(r"bot bench ([a-z]+)", text)) <= set(SUITES)


@pytest.mark.parametrize("name", ["README.md", "README.ru.md"])
def test_make_targets_shown_exist(name: str) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    shown = set(re.findall(r"(?:^|`)make ([a-z-]+)", (ROOT / name).read_text(), re.MULTILINE))
    assert {"run", "test"} <= shown <= targets


def test_settings_shown_exist() -> None:
    example = (ROOT / ".env.example").read_text()
    for name in ("README.md", "README.ru.md", "SECURITY.md", "docs/architecture.md"):
        named = set(re.findall(r"\b(?:STORAGE|GENERATION|QUEUE|PLAYGROUND)__[A-Z_]+\b", (ROOT / name).read_text()))
        assert {one for one in named if one not in example} == set(), name


def test_paths_named_by_the_architecture_exist() -> None:
    text = (ROOT / "docs/architecture.md").read_text()
    named = set(re.findall(r"`((?:bot|generation|storage|tests|locales)/[\w/.]+)`", text))
    assert len(named) > 15
    assert {one for one in named if not (ROOT / one).exists()} == set()


def test_constraints_are_plain_versions() -> None:
    for path in (ROOT / "requirements").glob("*.txt"):
        lines = [line for line in path.read_text().splitlines() if line and not line.startswith("#")]
        assert lines
        assert all(re.fullmatch(r"[A-Za-z0-9_.-]+==[A-Za-z0-9_.+!-]+", line) for line in lines)
