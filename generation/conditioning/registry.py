"""The methods that make control images, by kind and name. Knows none itself: each registers where it is defined."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from types import MappingProxyType
from typing import Protocol

from generation.contracts.errors import UnknownKind, UnknownMethod
from generation.contracts.picture import ControlImage, Rgb, Writing
from generation.contracts.request import KINDS, Pairs


class Draw(Protocol):
    """How a method draws: same writing and seed, same pixels; shape (height, width, 3), RGB. Called from any thread."""

    def __call__(self, writing: Writing, *, seed: int) -> Rgb:
        """Draw one control image."""
        ...


@dataclass(frozen=True, slots=True)
class Method:
    """A registered way to make one kind of control image."""

    kind: str
    name: str
    draw: Draw


_REGISTERED: dict[str, dict[str, Method]] = {kind: {} for kind in KINDS}

METHODS: Mapping[str, Mapping[str, Method]] = MappingProxyType(_REGISTERED)
"""Every method by kind, then by name; the first of a kind is its default."""


def method(kind: str) -> Callable[[Draw], Draw]:
    """Register a function as a method of a kind, under its own name.

    Raises:
        ValueError: the name is taken. Two methods of one name would silently change pictures.
    """

    def register(draw: Draw) -> Draw:
        name: str = getattr(draw, "__name__", "")
        if name in _REGISTERED[kind]:
            message = f"{kind} method {name} is registered twice"
            raise ValueError(message)
        _REGISTERED[kind][name] = Method(kind, name, draw)
        return draw

    return register


def methods_of(kind: str) -> tuple[str, ...]:
    """Names of a kind's methods, the default first.

    Raises:
        UnknownKind: it is none of the four.
    """
    if kind not in METHODS:
        raise UnknownKind(kind=kind, known=", ".join(METHODS))
    return tuple(METHODS[kind])


def method_named(kind: str, name: str | None = None) -> Method:
    """A kind's method by name, or its default.

    Raises:
        UnknownKind: no such kind.
        UnknownMethod: the kind has no method of that name.
    """
    known = methods_of(kind)
    found = METHODS[kind].get(name or known[0])
    if found is None:
        raise UnknownMethod(kind=kind, method=name or "", known=", ".join(known))
    return found


def make(kind: str, writing: Writing, *, seed: int, method: str | None = None) -> ControlImage:
    """Make one control image of the writing's size.

    Args:
        kind: `canny`, `depth`, `segmentation` or `scribble`.
        writing: the word laid out.
        seed: everything random derives from it.
        method: a registered name, or None for the kind's default.

    Raises:
        UnknownKind: no such kind.
        UnknownMethod: the kind has no method of that name.
    """
    chosen = method_named(kind, method)
    return ControlImage(kind=kind, method=chosen.name, image=chosen.draw(writing, seed=seed))


def make_all(
    kinds: Iterable[str],
    writing: Writing,
    *,
    seed: int,
    methods: Mapping[str, str] | Pairs = (),
    executor: Executor | None = None,
) -> dict[str, ControlImage]:
    """Make several control images side by side; NumPy and OpenCV let go of the interpreter while they work.

    Args:
        kinds: which to make.
        writing: the word laid out.
        seed: everything random derives from it.
        methods: a method by kind where one is wanted.
        executor: where to run; own threads when None. Never the pool the caller itself runs on: a full pool would wait
            for itself.

    Raises:
        UnknownKind: a kind in `kinds` is none of the four; nothing has been drawn then.
        UnknownMethod: a kind has no method of the wanted name; likewise.
    """
    wanted = dict(methods)
    chosen = [method_named(kind, wanted.get(kind)) for kind in dict.fromkeys(kinds)]
    if executor is not None:
        return _side_by_side(chosen, writing, seed, executor)
    with ThreadPoolExecutor(max_workers=max(1, len(chosen)), thread_name_prefix="control") as own:
        return _side_by_side(chosen, writing, seed, own)


def _side_by_side(chosen: list[Method], writing: Writing, seed: int, executor: Executor) -> dict[str, ControlImage]:
    running = [(entry, executor.submit(entry.draw, writing, seed=seed)) for entry in chosen]
    return {entry.kind: ControlImage(entry.kind, entry.name, future.result()) for entry, future in running}
