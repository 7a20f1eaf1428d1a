"""The figures the code holds itself to, measured on the code: see CONTRIBUTING.md."""

from __future__ import annotations

import ast
import statistics
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("bot", "generation", "storage", "locales")
Function = ast.FunctionDef | ast.AsyncFunctionDef


def modules() -> list[Path]:
    found = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]
    return [path for path in found if "versions" not in path.parts]


def parsed() -> Iterator[tuple[Path, str, ast.Module]]:
    for path in modules():
        text = path.read_text(encoding="utf-8")
        yield path, text, ast.parse(text)


def functions() -> list[tuple[str, Function]]:
    return [
        (f"{path.relative_to(ROOT)}:{node.lineno} {node.name}", node)
        for path, _, tree in parsed()
        for node in ast.walk(tree)
        if isinstance(node, Function)
    ]


def length(node: Function) -> int:
    lines = (node.end_lineno or node.lineno) - node.lineno + 1
    if ast.get_docstring(node) is not None:
        first = node.body[0]
        lines -= (first.end_lineno or first.lineno) - first.lineno + 1
    return lines


def test_there_is_something_to_measure() -> None:
    assert len(modules()) > 100
    assert len(functions()) > 1000


def test_functions_are_short() -> None:
    lengths = sorted(length(node) for _, node in functions())
    assert statistics.median(lengths) <= 7
    assert lengths[int(len(lengths) * 0.95)] <= 35
    assert [name for name, node in functions() if length(node) > 60] == []


def test_files_are_short() -> None:
    sizes = {
        str(path.relative_to(ROOT)): sum(
            1 for line in text.splitlines() if line.strip() and not line.strip().startswith("#")
        )
        for path, text, _ in parsed()
    }
    assert {name: size for name, size in sizes.items() if size > 350} == {}


def test_every_module_says_what_it_knows() -> None:
    assert [
        str(path) for path, text, tree in parsed() if len(text.splitlines()) > 5 and not ast.get_docstring(tree)
    ] == []


def test_everything_is_typed() -> None:
    def bare(node: Function) -> bool:
        arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
        return node.returns is None or any(a.annotation is None for a in arguments if a.arg not in {"self", "cls"})

    assert [name for name, node in functions() if bare(node)] == []


def test_broad_handlers_are_two_at_most() -> None:
    broad = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path, _, tree in parsed()
        for node in ast.walk(tree)
        if isinstance(node, ast.ExceptHandler)
        and (node.type is None or (isinstance(node.type, ast.Name) and node.type.id in {"Exception", "BaseException"}))
    ]
    assert len(broad) <= 2, broad


@pytest.mark.parametrize("name", ["Manager", "Helper", "Utils"])
def test_no_class_is_named_for_nothing(name: str) -> None:
    classes = [node.name for _, _, tree in parsed() for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    assert len(classes) > 100
    assert [one for one in classes if name in one] == []


HEAVY = {
    "torch",
    "torchvision",
    "diffusers",
    "transformers",
    "accelerate",
    "controlnet_aux",
    "huggingface_hub",
    "safetensors",
    "peft",
    "xformers",
}
"""Models and what loads them: a second and gigabytes to import, so only two rooms may, and lazily."""


def imported_by(tree: ast.AST) -> set[str]:
    nodes = list(ast.walk(tree))
    plain = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    taken = {node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module}
    return {name.split(".")[0] for name in plain | taken}


def test_models_are_loaded_only_in_the_rooms_of_diffusion_and_gpu() -> None:
    users = {path.relative_to(ROOT).as_posix() for path, _, tree in parsed() if imported_by(tree) & HEAVY}
    assert users
    assert [user for user in sorted(users) if not user.startswith(("generation/diffusion/", "generation/gpu/"))] == []


def test_the_import_contracts_know_every_module_of_the_bot() -> None:
    """The playground's contracts list the bot's modules one by one; a new one must not slip past them."""
    rules = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    listed = {name for rule in rules if "stranger" in rule["name"] for name in rule["forbidden_modules"]}
    there = {f"bot.{path.stem}" for path in (ROOT / "bot").glob("*.py") if not path.stem.startswith("__")}
    there |= {f"bot.{path.parent.name}" for path in (ROOT / "bot").glob("*/__init__.py")} - {"bot.playground"}
    assert there <= listed


def test_nothing_committed_names_a_machine_or_a_registry() -> None:
    words = [
        "pypi" + ".org",
        "python" + "hosted",
        "npm" + "js.org",
        "deb." + "debian.org",
        "/wo" + "rk/",
        "/o" + "pt/",
        "/ro" + "ot/",
    ]
    text = {".py", ".md", ".toml", ".txt", ".ftl", ".html", ".css", ".js", ".json", ""}
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split(
        "\n"
    )
    files = [ROOT / name for name in listed if name and Path(name).suffix in text and (ROOT / name).is_file()]
    assert len(files) > 150
    found = [
        f"{path.relative_to(ROOT)}: {word}"
        for path in files
        for word in words
        if word in path.read_text(errors="ignore")
    ]
    assert found == []


def test_tests_keep_pace_with_the_code() -> None:
    def size(paths: Iterator[Path]) -> int:
        return sum(
            1
            for path in paths
            for line in path.read_text().splitlines()
            if line.strip() and not line.strip().startswith("#")
        )

    assert size((ROOT / "tests").rglob("*.py")) >= 0.75 * size(iter(modules()))
