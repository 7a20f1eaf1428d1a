"""Arranges a word in a picture as large as it can be read: one line, several, or columns. Knows ems; draws nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from generation.contracts.errors import NothingToDraw
from generation.glyphs.breaking import SOFT_HYPHEN, Break, Place, places_to_break
from generation.glyphs.fontbook import FontBook
from generation.glyphs.scripts import is_east_asian
from generation.glyphs.shaping import Line, around, clusters_of, levels_of, shape_line
from generation.glyphs.typefaces import Ink
from generation.glyphs.words import graphemes

_MOST_LINES = 8
_LINE_GAP_EM, _COLUMN_GAP_EM = 0.14, 0.12
_TALL = 1.25
"""Height over width from which a picture invites columns."""
_COLUMN_EASE, _COLUMN_EASE_TALL = 0.93, 1.08
"""Columns read less easily than lines, unless the picture is tall: four characters down beat two by two."""
_FURTHER_CUT = 0.78
"""Each break inside a word after its first costs this much again: three pieces must be a third larger than two."""
_LARGEST_EM = 1.6
"""In shorter sides of the picture: a lone comma-sized glyph is not blown up past recognition."""
_WHOLE_WORDS = frozenset({Break.SPACE, Break.HYPHEN, Break.SCRIPT})
_KINDS_TRIED = (_WHOLE_WORDS, frozenset(kind for kind in Break if not kind.cuts), frozenset(Break))


@dataclass(frozen=True, slots=True)
class Placed:
    """A line with its origin in the arrangement (ems, y upwards) and the word's grapheme index of every character."""

    line: Line
    owners: tuple[int, ...]
    x: float
    y: float

    @property
    def ink(self) -> Ink:
        """The line's ink box in the arrangement."""
        x0, y0, x1, y1 = self.line.ink
        return x0 + self.x, y0 + self.y, x1 + self.x, y1 + self.y


@dataclass(frozen=True, slots=True)
class Arrangement:
    """One way to set the word; `ease` (up to 1) is how well its breaks read."""

    lines: tuple[Placed, ...]
    down: bool
    ease: float

    @property
    def ink(self) -> Ink:
        """The ink box of all lines, in ems."""
        return around([line.ink for line in self.lines])

    def em_px(self, width: float, height: float) -> float:
        """The size of an em with which the ink just fits a field of so many pixels."""
        x0, y0, x1, y1 = self.ink
        return min(width / (x1 - x0), height / (y1 - y0), _LARGEST_EM * min(width, height))

    def score(self, width: float, height: float) -> float:
        """Its size weighed by how well it reads; rounded, so that equals tie whatever the last bit says."""
        grain = 1.0 if not self.down else _COLUMN_EASE_TALL if height >= _TALL * width else _COLUMN_EASE
        return round(self.em_px(width, height) * self.ease * grain, 3)


@dataclass(frozen=True, slots=True)
class _Piece:
    """The text of one line, its characters' graphemes and embedding levels."""

    text: str
    owners: tuple[int, ...]
    levels: tuple[int, ...]


class Typesetter:
    """Sets one word in one language from one font book; tries arrangements and keeps the best.

    Args:
        word: admitted text.
        language: BCP 47 tag.
        fonts: where typefaces come from.
    """

    def __init__(self, word: str, language: str, fonts: FontBook) -> None:
        self._language, self._fonts = language, fonts
        self._clusters = graphemes(word)
        self._levels = levels_of(word)
        self._starts = [0]
        for cluster in self._clusters:
            self._starts.append(self._starts[-1] + len(cluster))
        self._places = places_to_break(self._clusters)

    def best(self, width: float, height: float) -> Arrangement:
        """The arrangement with the largest em for a field in pixels, counting how well it reads; earlier wins a tie.

        Raises:
            NothingToDraw: no arrangement leaves ink.
            MissingGlyph: a character has no shape in any font.
            BrokenText: a combining mark has no base.
        """
        found = max(self.arrangements(), key=lambda tried: tried.score(width, height), default=None)
        if found is None:
            raise NothingToDraw
        return found

    def arrangements(self) -> Iterator[Arrangement]:
        """Every arrangement worth trying: the evenest split into each number of lines, by each kind of break."""
        squares = [cluster for cluster in self._clusters if cluster != " "]
        grid = len(squares) > 1 and all(map(is_east_asian, squares))
        whole = self._set([])
        if whole:
            yield whole
        for kinds in _KINDS_TRIED:
            yield from self._splits([place for place in self._places if place.kind in kinds], grid=grid)
        if grid:
            yield from self._columns()

    def _splits(self, places: Sequence[Place], *, grid: bool) -> Iterator[Arrangement]:
        widths = self._widths()
        for count in range(2, min(_MOST_LINES, len(places) + 1) + 1):
            if grid and count >= len(self._clusters):
                return  # one character a line is a column, and set as one
            arrangement = self._set(split_evenly(widths, places, count))
            if arrangement:
                yield arrangement

    def _columns(self) -> Iterator[Arrangement]:
        even = [1.0] * len(self._clusters)
        for count in range(1, min(_MOST_LINES, len(self._places) + 1) + 1):
            arrangement = self._set(split_evenly(even, self._places, count), down=True)
            if arrangement:
                yield arrangement

    def _widths(self) -> list[float]:
        """Rough width of each cluster: enough to balance lines, which are measured exactly afterwards."""
        found = clusters_of("".join(self._clusters), self._fonts, self._language)
        return [face.advance(grapheme[0]) for cluster, _, face in found for grapheme in graphemes(cluster)]

    def _set(self, places: Sequence[Place], *, down: bool = False) -> Arrangement | None:
        pieces = list(self._pieces(places))
        lines = [
            shape_line(piece.text, self._fonts, language=self._language, levels=piece.levels, down=down)
            for piece in pieces
        ]
        inked = [(line, piece) for line, piece in zip(lines, pieces, strict=True) if line]
        if len(inked) < len(pieces) or not inked:
            return None
        placed = _columns_placed(inked) if down else _lines_placed(inked)
        return Arrangement(tuple(placed), down, _ease(places))

    def _pieces(self, places: Sequence[Place]) -> Iterator[_Piece]:
        edges = [0, *(place.at for place in places), len(self._clusters)]
        hyphens = [*(place.hyphen for place in places), ""]
        for start, end, hyphen in zip(edges, edges[1:], hyphens, strict=False):
            yield self._piece(start, end, hyphen)

    def _piece(self, start: int, end: int, hyphen: str) -> _Piece:
        text, owners, levels = "", [], []
        for index in range(start, end):
            cluster = self._clusters[index]
            if cluster == SOFT_HYPHEN or (cluster == " " and index in {start, end - 1}):
                continue
            text += cluster
            owners += [index] * len(cluster)
            levels += self._levels[self._starts[index] : self._starts[index + 1]]
        if hyphen and owners:
            text, owners, levels = text + hyphen, [*owners, owners[-1]], [*levels, levels[-1]]
        return _Piece(text, tuple(owners), tuple(levels))


def split_evenly(widths: Sequence[float], places: Sequence[Place], count: int) -> list[Place]:
    """Choose `count - 1` breaks so that the widest line is as narrow as possible, then the lines as even as possible.

    Exact dynamic programming; a word has at most 24 clusters.

    Args:
        widths: of each cluster.
        places: where breaking is allowed, in order; at least `count - 1`.
        count: number of lines.
    """
    edges = [0, *(place.at for place in places), len(widths)]
    sums = [sum(widths[:edge]) for edge in edges]
    best: dict[int, tuple[float, float, tuple[int, ...]]] = {0: (0.0, 0.0, ())}
    for line in range(1, count + 1):
        reached: dict[int, tuple[float, float, tuple[int, ...]]] = {}
        for end in range(line, len(edges)):
            options = [
                (max(widest, span), squares + span * span, (*path, end))
                for start, (widest, squares, path) in best.items()
                if start < end and (span := sums[end] - sums[start]) >= 0
            ]
            if options:
                reached[end] = min(options, key=lambda option: (option[0], option[1], [-edge for edge in option[2]]))
        best = reached
    return [places[edge - 1] for edge in best[len(edges) - 1][2][:-1]]


def _ease(places: Sequence[Place]) -> float:
    cuts = sum(place.kind.cuts for place in places)
    worst: float = min((place.kind.value for place in places), default=1.0)
    return worst * _FURTHER_CUT ** max(0, cuts - 1)


def _lines_placed(inked: Sequence[tuple[Line, _Piece]]) -> list[Placed]:
    """Stack lines on evenly spaced baselines, each centred by its ink."""
    inks = [line.ink for line, _ in inked]
    pitch = max((above[3] - inks[i][1] for i, above in enumerate(inks[1:])), default=0.0) + _LINE_GAP_EM
    return [
        Placed(line, piece.owners, -(line.ink[0] + line.ink[2]) / 2, -pitch * row)
        for row, (line, piece) in enumerate(inked)
    ]


def _columns_placed(inked: Sequence[tuple[Line, _Piece]]) -> list[Placed]:
    """Columns from right to left, hung from one height."""
    return [
        Placed(line, piece.owners, -(1.0 + _COLUMN_GAP_EM) * column, 0.0) for column, (line, piece) in enumerate(inked)
    ]
