"""The figures the code holds itself to, measured on the code: see CONTRIBUTING.md."""

from __future__ import annotations

import ast
import statistics
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


def test_torch_is_imported_nowhere_yet() -> None:
    imported = {
        alias.name.split(".")[0]
        for _, _, tree in parsed()
        for node in ast.walk(tree)
        if isinstance(node, ast.Import)
        for alias in node.names
    }
    assert "numpy" in imported
    assert not imported & {"torch", "diffusers", "controlnet_aux", "transformers"}
