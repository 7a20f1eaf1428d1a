"""Shortens a prompt to what its reader can hold. Knows words and graphemes; no tokenizer, no torch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import regex

_UNSPACED = r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}\p{Tibetan}]"
"""Scripts that put no space between words: each grapheme may end a line of them, and a prompt."""
_WORD = regex.compile(rf"\s*(?:(?={_UNSPACED})\X|(?:(?!{_UNSPACED})\S)+)")
_LOOSE_ENDS = " \t\r\n,;:，、；："


@dataclass(frozen=True, slots=True)
class _Piece:
    """A word (or a grapheme of an unspaced script) with the white space before it; rank 0 is dearest."""

    text: str
    position: int
    rank: int


def cut(text: str, keep: Sequence[str], *, fits: Callable[[str], bool]) -> str:
    """The longest part of `text` that fits, taking words away from the end, those outside `keep` first.

    Where even what is kept is too long, the last text of `keep` loses words first; one whose only word is too long is
    cut between graphemes instead of vanishing.

    Args:
        text: any text.
        keep: parts of it, the dearest first; those not found in it are ignored.
        fits: whether the reader can hold a text; the empty one always fits.
    """
    if fits(text):
        return text
    pieces = _ranked(text, keep)
    if not pieces:
        return ""
    leaving = sorted(pieces, key=lambda piece: (-piece.rank, -piece.position))
    count = _fewest(len(leaving), lambda dropped: fits(_joined(leaving[dropped:])))
    return _rescued(leaving[count - 1], leaving[count:], len(keep), fits)


def _ranked(text: str, keep: Sequence[str]) -> list[_Piece]:
    """The text's words, each with the rank of the kept text it belongs to; `len(keep)` for none.

    The longest kept text takes its place first, so that a word inside its own meaning is looked for elsewhere.
    """
    ranks = [len(keep)] * len(text)
    for rank, kept in sorted(enumerate(keep), key=lambda pair: -len(pair[1])):
        spot = _place(text, kept, [taken != len(keep) for taken in ranks])
        ranks[spot] = [min(rank, taken) for taken in ranks[spot]]
    spans = [(match.start(), match.end()) for match in _WORD.finditer(text)]
    return [_Piece(text[start:end], start, min(ranks[start:end])) for start, end in spans]


def _place(text: str, kept: str, taken: Sequence[bool]) -> slice:
    """Where `kept` stands: preferably where no other kept text stands already, and as whole words."""
    words = [regex.escape(word) for word in kept.split()]
    spots = [match.span() for match in regex.finditer(r"\s+".join(words), text)] if words else []

    def unfitness(spot: tuple[int, int]) -> tuple[bool, bool]:
        start, end = spot
        inside = text[max(start - 1, 0) : start].isalnum() or text[end : end + 1].isalnum()
        return any(taken[start:end]), inside

    return slice(*min(spots, key=unfitness, default=(0, 0)))


def _fewest(most: int, enough: Callable[[int], bool]) -> int:
    """The smallest number from 1 to `most` that is enough; `most` always is."""
    low, high = 0, most  # `low` is not enough, `high` is
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def _joined(pieces: Sequence[_Piece]) -> str:
    return "".join(piece.text for piece in sorted(pieces, key=lambda piece: piece.position)).strip(_LOOSE_ENDS)


def _rescued(last: _Piece, left: Sequence[_Piece], free: int, fits: Callable[[str], bool]) -> str:
    """What is left, with the beginning of the piece that went last where otherwise nothing of its text remained."""
    gone = last.rank < free and all(piece.rank != last.rank for piece in left)
    if left and not gone:
        return _joined(left)
    graphemes = regex.findall(r"\X", last.text)

    def shortened(dropped: int) -> str:
        beginning = "".join(graphemes[: len(graphemes) - dropped])
        return _joined([*left, _Piece(beginning, last.position, last.rank)])

    return shortened(_fewest(len(graphemes), lambda dropped: fits(shortened(dropped))))
