"""One opened font: what it covers and what it shapes. Knows nothing of layout."""

from __future__ import annotations

import logging
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import regex
import uharfbuzz as hb

log = logging.getLogger(__name__)
DOTTED_CIRCLE = 0x25CC
_LARGEST_FILE = 1 << 28
_NEEDS_NO_GLYPH = regex.compile(r"\p{Default_Ignorable_Code_Point}|\p{Z}|\p{Cc}")
_NEEDS_NO_INK = regex.compile(r"(?:\p{Default_Ignorable_Code_Point}|\p{Z}|\p{Cf}|\u2800)+")
_PRIVATE = regex.compile(r"\p{Co}")

Ink = tuple[float, float, float, float]
"""x0, y0, x1, y1 in ems, y upwards."""


@dataclass(frozen=True, slots=True, eq=False)
class Typeface:
    """A font ready to shape; equal only to itself.

    Attributes:
        path: the file it came from.
        index: its place in a collection.
        font: at a scale of one font unit, shared by threads, never changed.
        units: font units an em.
        circle: glyph of U+25CC, which shapers insert under a mark without a base; 0 when there is none.
    """

    path: Path
    index: int
    font: hb.Font
    units: int
    coverage: hb.Set
    circle: int

    def covers(self, cluster: str) -> bool:
        """Whether the character map has everything visible in the cluster (the first filter only: see `draws`)."""
        return self.lacking(cluster) is None

    def lacking(self, cluster: str) -> str | None:
        """The first visible character the character map lacks."""
        return next((c for c in cluster if ord(c) not in self.coverage and not _NEEDS_NO_GLYPH.match(c)), None)

    def draws(self, cluster: str, language: str) -> bool:
        """Whether shaping the cluster alone gives real glyphs with ink. Private-use characters never do."""
        if _PRIVATE.search(cluster):
            return False
        glyphs = self._shaped(cluster, language)
        inked = any(self.ink(glyph) for glyph in glyphs)
        return 0 not in glyphs and (inked or _NEEDS_NO_INK.fullmatch(cluster) is not None)

    def orphans(self, cluster: str, language: str) -> bool:
        """Whether a mark in the cluster has no base: the shaper put a dotted circle under it."""
        return chr(DOTTED_CIRCLE) not in cluster and self.circle in self._shaped(cluster, language) and self.circle > 0

    def advance(self, character: str) -> float:
        """Width in ems of a character standing alone; 0 for one that is never seen."""
        glyph = self.font.get_nominal_glyph(ord(character))
        return self.font.get_glyph_h_advance(glyph) / self.units if glyph else 0.0

    def ink(self, glyph: int) -> Ink | None:
        """Bounding box of a glyph's outline in ems, None when it leaves none."""
        extents = self.font.get_glyph_extents(glyph)
        if extents is None or not extents.width or not extents.height:
            return None
        left, top = extents.x_bearing / self.units, extents.y_bearing / self.units
        return left, top + extents.height / self.units, left + extents.width / self.units, top

    def _shaped(self, cluster: str, language: str) -> list[int]:
        buffer = hb.Buffer()
        buffer.add_str(cluster)
        buffer.guess_segment_properties()
        buffer.language = language
        hb.shape(self.font, buffer)
        return [info.codepoint for info in buffer.glyph_infos]


def open_typefaces(path: Path) -> Iterator[Typeface]:
    """Every usable face of a font file; a file that is broken, huge or not a file is skipped with a line in the log."""
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode) or status.st_size > _LARGEST_FILE:
            log.warning("font skipped, not an ordinary file: %s", path)
            return
        blob = hb.Blob.from_file_path(str(path))
        count = hb.Face(blob, 0).count
    except (OSError, hb.HarfBuzzError) as error:
        log.warning("font skipped, cannot be read: %s (%s)", path, error)
        return
    faces = [face for index in range(min(count, 64)) if (face := _face(blob, path, index))]
    if not faces:
        log.warning("font skipped, no usable face: %s", path)
    yield from faces


def _face(blob: hb.Blob, path: Path, index: int) -> Typeface | None:
    face = hb.Face(blob, index)
    coverage = face.unicodes
    if not face.glyph_count or not face.upem or not len(coverage):
        return None
    font = hb.Font(face)
    return Typeface(path, index, font, face.upem, coverage, font.get_nominal_glyph(DOTTED_CIRCLE) or 0)
