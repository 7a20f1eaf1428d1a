"""A line of text to placed glyphs: bidirectional order, runs, HarfBuzz. Knows no pixels; everything is in ems."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

import regex
import uharfbuzz as hb
from bidi import algorithm as uax9

from generation.contracts.errors import MissingGlyph
from generation.glyphs.fontbook import FontBook, name_of
from generation.glyphs.scripts import scripts_of
from generation.glyphs.typefaces import Ink, Typeface
from generation.glyphs.words import code_of, graphemes, starts_with_mark

_RIGHT_TO_LEFT = {"R", "AL"}
_IGNORED_BY_BIDI = "BN"
_STAND_INS = (
    (regex.compile(r"\p{Bidi_Class=R}"), "\u05d0"),
    (regex.compile(r"\p{Bidi_Class=AL}"), "\u0627"),
    (regex.compile(r"\p{Bidi_Class=NSM}"), "\u0301"),
    (regex.compile(r"\p{Bidi_Class=ET}"), "$"),
    (regex.compile(r"\p{Bidi_Class=ON}"), "!"),
)
"""Older characters of the same class, for those that `regex` knows and this Python's `unicodedata` does not yet."""
_LETTERS_APART = frozenset({"Latn", "Grek", "Cyrl"})
"""Scripts whose ligatures (fi, ff) are ornament: without them every letter keeps a glyph of its own."""


@dataclass(frozen=True, slots=True)
class Glyph:
    """A shaped glyph on its line.

    Attributes:
        typeface: the font it is from.
        number: glyph id in that font.
        x: ems right of the line's origin.
        y: ems above it.
        owner: index in the line's text of the first character of its grapheme.
        ink: its outline's box on the line, in ems, y upwards; None for a blank.
    """

    typeface: Typeface
    number: int
    x: float
    y: float
    owner: int
    ink: Ink | None


@dataclass(frozen=True, slots=True)
class Line:
    """A shaped line (a column when it runs down) whose origin is the start of its baseline, and its ink box in ems."""

    glyphs: tuple[Glyph, ...]
    ink: Ink
    advance: float


@dataclass(frozen=True, slots=True)
class _Run:
    """Consecutive clusters with one level, script and font."""

    start: int
    end: int
    level: int
    script: str
    typeface: Typeface


def levels_of(text: str) -> list[int]:
    """The embedding level of every character (UAX #9): even reads rightwards, odd leftwards.

    python-bidi resolves the levels; it is asked only when something runs leftwards. Characters the algorithm drops
    (joiners) take the level of the one before.
    """
    text = "".join(character if unicodedata.bidirectional(character) else _stand_in(character) for character in text)
    if not any(unicodedata.bidirectional(character) in _RIGHT_TO_LEFT for character in text):
        return [0] * len(text)
    kept = [i for i, character in enumerate(text) if unicodedata.bidirectional(character) != _IGNORED_BY_BIDI]
    resolved = dict(zip(kept, _resolved("".join(text[i] for i in kept)), strict=True))
    levels: list[int] = []
    for i in range(len(text)):
        levels.append(resolved.get(i, levels[-1] if levels else 0))
    return levels


def _stand_in(character: str) -> str:
    return next((older for newer, older in _STAND_INS if newer.match(character)), "a")


def _resolved(text: str) -> list[int]:
    storage = uax9.get_empty_storage()
    storage["base_level"] = base = uax9.get_base_level(text)
    storage["base_dir"] = ("L", "R")[base]
    uax9.get_embedding_levels(text, storage)
    uax9.explicit_embed_and_overrides(storage)
    uax9.resolve_weak_types(storage)
    uax9.resolve_neutral_types(storage, debug=False)
    uax9.resolve_implicit_levels(storage, debug=False)
    return [character["level"] for character in storage["chars"]]


def shape_line(text: str, book: FontBook, *, language: str, levels: Sequence[int], down: bool = False) -> Line | None:
    """Shape one line.

    Args:
        text: the line's own text, not empty.
        book: where fonts come from.
        language: BCP 47 tag; it chooses regional shapes.
        levels: embedding level of each character.
        down: whether it runs down a column.

    Returns:
        The line, or None when nothing on it leaves ink.

    Raises:
        MissingGlyph: a character has no shape in any font.
        BrokenText: a combining mark has no base.
    """
    glyphs: list[Glyph] = []
    pen = (0.0, 0.0)
    for run in _visual_order(_runs(text, book, language, levels)):
        placed, pen = _shape_run(text, run, pen, language=language, down=down)
        glyphs += placed
    inks = [glyph.ink for glyph in glyphs if glyph.ink]
    if not inks:
        return None
    return Line(tuple(glyphs), around(inks), -pen[1] if down else pen[0])


def around(boxes: Sequence[Ink]) -> Ink:
    """The box around boxes."""
    lefts, bottoms, rights, tops = zip(*boxes, strict=True)
    return min(lefts), min(bottoms), max(rights), max(tops)


def clusters_of(text: str, book: FontBook, language: str) -> Iterator[tuple[str, str, Typeface]]:
    """Each cluster with the script it is shaped as and the font that draws it.

    A cluster is a grapheme with the marks after it that Unicode counts as graphemes of their own, such as Burmese ာ:
    a mark is drawn by the font of its base.

    Raises:
        MissingGlyph: no font has a character.
        BrokenText: a combining mark has no base.
    """
    clusters: list[str] = []
    for grapheme in graphemes(text):
        if clusters and starts_with_mark(grapheme):
            clusters[-1] += grapheme
        else:
            clusters.append(grapheme)
    for cluster, script in zip(clusters, scripts_of(clusters), strict=True):
        yield cluster, script, book.typeface_for(cluster, script=script, language=language)


def _runs(text: str, book: FontBook, language: str, levels: Sequence[int]) -> list[_Run]:
    at = 0
    pieces: list[_Run] = []
    for cluster, script, typeface in clusters_of(text, book, language):
        pieces.append(_Run(at, at + len(cluster), levels[at], script, typeface))
        at += len(cluster)
    runs: list[_Run] = []
    for (level, script, typeface), group in groupby(
        pieces, key=lambda piece: (piece.level, piece.script, piece.typeface)
    ):
        members = list(group)
        runs.append(_Run(members[0].start, members[-1].end, level, script, typeface))
    return runs


def _visual_order(runs: list[_Run]) -> list[_Run]:
    """UAX #9 rule L2 over runs: from the highest level down to the lowest odd one, reverse what is at or above it."""
    ordered = list(runs)
    for level in range(max((run.level for run in runs), default=0), 0, -1):
        reordered: list[_Run] = []
        for raised, group in groupby(ordered, key=lambda run: run.level >= level):
            members = list(group)
            reordered += members[::-1] if raised else members
        ordered = reordered
    return ordered


def _shape_run(
    text: str, run: _Run, pen: tuple[float, float], *, language: str, down: bool
) -> tuple[list[Glyph], tuple[float, float]]:
    buffer = hb.Buffer()
    buffer.add_str(text, run.start, run.end - run.start)
    buffer.script, buffer.language = run.script, language
    buffer.direction = "ttb" if down else ("rtl" if run.level % 2 else "ltr")
    hb.shape(run.typeface.font, buffer, {"liga": run.script not in _LETTERS_APART})
    x, y, units = *pen, run.typeface.units
    glyphs: list[Glyph] = []
    for info, position in zip(buffer.glyph_infos, buffer.glyph_positions, strict=True):
        if not info.codepoint:
            missing = text[info.cluster]
            raise MissingGlyph(character=missing, code=code_of(missing), name=name_of(missing))
        at = x + position.x_offset / units, y + position.y_offset / units
        glyphs.append(_placed(run.typeface, info, at))
        x, y = x + position.x_advance / units, y + position.y_advance / units
    return glyphs, (x, y)


def _placed(typeface: Typeface, info: hb.GlyphInfo, at: tuple[float, float]) -> Glyph:
    x, y = at
    ink = typeface.ink(info.codepoint)
    return Glyph(typeface, info.codepoint, x, y, info.cluster, ink and (ink[0] + x, ink[1] + y, ink[2] + x, ink[3] + y))
