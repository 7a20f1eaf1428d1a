"""The command-line options that describe a word, and the request they make. Shared by `paint` and `condition`."""

from __future__ import annotations

import argparse
from pathlib import Path

from bot.grammar import clean_meaning
from generation.contracts.errors import (
    BadNumber,
    CannotWrite,
    UnknownKind,
    UnknownMethod,
)
from generation.contracts.request import (
    DEFAULT_SIDE_PX,
    KINDS,
    LARGEST_SEED,
    PaintRequest,
    first_seed,
)
from generation.glyphs import admit, check_size, language_of
from generation.styles import style_named


def add_word_arguments(parser: argparse.ArgumentParser) -> None:
    """The word, its language, the picture's size and seed."""
    parser.add_argument("word", metavar="WORD", help="what is written, for example 学习")
    parser.add_argument("--language", metavar="TAG", help="language of the word, for example ja or zh-Hant")
    parser.add_argument("--seed", type=int, metavar="N", help="0 to 4294967295; the word's own seed without it")
    parser.add_argument("--width", type=int, default=DEFAULT_SIDE_PX, metavar="PX", help="512 to 1536 in steps of 64")
    parser.add_argument("--height", type=int, default=DEFAULT_SIDE_PX, metavar="PX", help="512 to 1536 in steps of 64")
    parser.add_argument("--fonts", type=Path, metavar="DIR", help="a folder with further fonts")


def request_from(arguments: argparse.Namespace, *, style: str = "ink") -> PaintRequest:
    """A checked request.

    Raises:
        WordRefused: the word cannot be painted.
        RequestRefused: an option is out of range or unknown.
    """
    word = admit(arguments.word)
    language = language_of(word, arguments.language)
    seed = first_seed(word, language) if arguments.seed is None else arguments.seed
    _check_numbers(seed, arguments)
    return PaintRequest(
        word=word,
        translation=clean_meaning(getattr(arguments, "translation", None) or ""),
        language=language,
        style=style_named(getattr(arguments, "style", style)).name,
        seed=seed,
        width=arguments.width,
        height=arguments.height,
        steps=getattr(arguments, "steps", None),
        guidance=getattr(arguments, "guidance", None),
        weights=_weights(getattr(arguments, "weight", [])),
        methods=_methods(getattr(arguments, "method", [])),
        writing=getattr(arguments, "writing", "sans"),
        prompt=getattr(arguments, "prompt", None),
    )


def _check_numbers(seed: int, arguments: argparse.Namespace) -> None:
    check_size(arguments.width, arguments.height)
    _check_range("--seed", seed, 0, LARGEST_SEED)
    _check_range("--steps", getattr(arguments, "steps", None), 1, 150)
    _check_range("--guidance", getattr(arguments, "guidance", None), 1, 30)


def _check_range(option: str, value: float | None, smallest: int, largest: int) -> None:
    if value is not None and not smallest <= value <= largest:
        raise BadNumber(option=option, value=str(value), smallest=smallest, largest=largest)


def _pairs(given: list[str], option: str) -> list[tuple[str, str]]:
    pairs = []
    for item in given:
        kind, separator, value = item.partition("=")
        if kind not in KINDS:
            raise UnknownKind(kind=kind, known=", ".join(KINDS))
        if not separator:
            raise BadNumber(option=f"{option} {kind}", value="empty", smallest=0, largest=2)
        pairs.append((kind, value))
    return sorted(dict(pairs).items())


def _weights(given: list[str]) -> tuple[tuple[str, float], ...]:
    weights = []
    for kind, text in _pairs(given, "--weight"):
        try:
            weight = float(text)
        except ValueError:
            raise BadNumber(option=f"--weight {kind}", value=text, smallest=0, largest=2) from None
        _check_range(f"--weight {kind}", weight, 0, 2)
        weights.append((kind, weight))
    return tuple(weights)


def _methods(given: list[str]) -> tuple[tuple[str, str], ...]:
    from generation.conditioning import methods_of

    pairs = _pairs(given, "--method")
    for kind, method in pairs:
        if method not in methods_of(kind):
            raise UnknownMethod(kind=kind, method=method, known=", ".join(methods_of(kind)))
    return tuple(pairs)


def write_file(path: Path, content: bytes) -> None:
    """Write an output file.

    Raises:
        CannotWrite: with the system's reason.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    except OSError as error:
        raise CannotWrite(path=str(path), reason=error.strerror or type(error).__name__) from error
