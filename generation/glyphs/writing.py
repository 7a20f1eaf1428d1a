"""A word to a `Writing`: laid out, rasterised, with where everything stands. Knows no styles and no engines."""

from __future__ import annotations

from dataclasses import dataclass

from generation.contracts.errors import BadSize, NothingToDraw
from generation.contracts.picture import Box, PlacedGlyph, Writing
from generation.contracts.request import LARGEST_SIDE_PX, SIDE_STEP_PX, SMALLEST_SIDE_PX
from generation.glyphs.fontbook import FontBook, default_fontbook
from generation.glyphs.layout import Arrangement, Placed, Typesetter
from generation.glyphs.raster import Stamp, box_of, rasterise, united
from generation.glyphs.scripts import script_of
from generation.glyphs.shaping import clusters_of, levels_of
from generation.glyphs.words import graphemes

MARGIN = 0.07
"""Clear space on every side, as a share of the picture's shorter side."""


@dataclass(frozen=True, slots=True)
class _Sheet:
    """The picture's frame: where the arrangement's origin falls and how large an em is, in pixels."""

    width: int
    height: int
    em_px: float
    x: float
    y: float

    def to_px(self, x: float, y: float) -> tuple[float, float]:
        """A point of the arrangement (ems, y upwards) as pixels from the top left."""
        return self.x + x * self.em_px, self.y - y * self.em_px


def check_size(width: int, height: int) -> None:
    """Refuse a size off the grid.

    Raises:
        BadSize: a side is below 512, above 1536, or not a multiple of 64.
    """
    for side in (width, height):
        if not SMALLEST_SIDE_PX <= side <= LARGEST_SIDE_PX or side % SIDE_STEP_PX:
            raise BadSize(
                width=width, height=height, smallest=SMALLEST_SIDE_PX, largest=LARGEST_SIDE_PX, step=SIDE_STEP_PX
            )


def check_drawable(word: str, language: str, fonts: FontBook | None = None) -> None:
    """Make sure every grapheme has a shape, without drawing. Warm, it costs microseconds.

    A character outside the pack is searched for in the operator's and the system's fonts, which the first time costs
    some tens of milliseconds where hundreds are installed.

    Raises:
        MissingGlyph: no font has a character.
        BrokenText: a combining mark has no base.
    """
    for _ in clusters_of(word, fonts or default_fontbook(), language):
        pass


def write(
    word: str, *, language: str, width: int, height: int, fonts: FontBook | None = None, margin: float = MARGIN
) -> Writing:
    """Lay a word out as large as it fits and rasterise it; the ink is centred. Deterministic.

    Args:
        word: admitted text.
        language: BCP 47 tag; it chooses regional shapes.
        width: pixels, 512 to 1536 in steps of 64.
        height: pixels, likewise.
        fonts: where typefaces come from; the process's own when None.
        margin: clear space on every side, 0 to 0.4 of the shorter side.

    Raises:
        BadSize: the size is off the grid.
        MissingGlyph: no font has a character.
        BrokenText: a combining mark has no base.
        NothingToDraw: the word leaves no ink.
    """
    check_size(width, height)
    clear = 2 * margin * min(width, height)
    field = width - clear, height - clear
    arrangement = Typesetter(word, language, fonts or default_fontbook()).best(*field)
    em_px = arrangement.em_px(*field)
    x0, y0, x1, y1 = arrangement.ink
    sheet = _Sheet(width, height, em_px, (width - (x0 + x1) * em_px) / 2, (height + (y0 + y1) * em_px) / 2)
    return _drawn(word, language, arrangement, sheet)


def _drawn(word: str, language: str, arrangement: Arrangement, sheet: _Sheet) -> Writing:
    clusters = graphemes(word)
    by_line = [_glyphs(placed, clusters, sheet) for placed in arrangement.lines]
    if not all(by_line):
        raise NothingToDraw
    glyphs = tuple(glyph for line in by_line for glyph in line)
    lines = tuple(box_of([glyph.box for glyph in line]) for line in by_line)
    return Writing(
        word=word,
        language=language,
        script=script_of(word),
        direction=_direction(word, arrangement),
        mask=united([(glyph.box, glyph.mask) for glyph in glyphs], sheet.width, sheet.height),
        glyphs=glyphs,
        box=box_of(lines),
        lines=lines,
        baselines=_baselines(arrangement, lines, sheet),
        em_px=sheet.em_px,
    )


def _glyphs(placed: Placed, clusters: list[str], sheet: _Sheet) -> list[PlacedGlyph]:
    drawn: list[PlacedGlyph] = []
    for glyph in placed.line.glyphs:
        x, y = sheet.to_px(placed.x + glyph.x, placed.y + glyph.y)
        found = glyph.ink and rasterise(
            Stamp(glyph.typeface, glyph.number, x, y), sheet.em_px, sheet.width, sheet.height
        )
        if found:
            owner = placed.owners[glyph.owner]
            drawn.append(PlacedGlyph(text=clusters[owner], cluster=owner, box=found[0], mask=found[1]))
    return drawn


def _direction(word: str, arrangement: Arrangement) -> str:
    if arrangement.down:
        return "ttb"
    levels = levels_of(word)
    return "rtl" if sum(level % 2 for level in levels) * 2 > len(levels) else "ltr"


def _baselines(arrangement: Arrangement, lines: tuple[Box, ...], sheet: _Sheet) -> tuple[int, ...]:
    if arrangement.down:
        return tuple(round((x0 + x1) / 2) for x0, _, x1, _ in lines)
    return tuple(round(sheet.to_px(0.0, placed.y)[1]) for placed in arrangement.lines)
