"""Fonts for the tests: the pack alone, and files made to order."""

import struct
from collections.abc import Callable
from pathlib import Path

import pytest
import uharfbuzz as hb

from generation.glyphs import FontBook
from generation.glyphs.fontbook import PACK

MakeFont = Callable[..., Path]


@pytest.fixture(scope="session")
def pack() -> FontBook:
    """The vendored pack without the machine's own fonts: what everybody has."""
    return FontBook(system=False)


def _character_map(code: int, glyph: int) -> bytes:
    groups = struct.pack(">HHIIIIII", 12, 0, 28, 0, 1, code, code, glyph)
    return struct.pack(">HHHHI", 0, 1, 3, 10, 12) + groups


def _sfnt(tables: dict[str, bytes]) -> bytes:
    directory, body, at = b"", b"", 12 + 16 * len(tables)
    for tag, data in sorted(tables.items()):
        padded = data + b"\0" * (-len(data) % 4)
        directory += struct.pack(">4sIII", tag.encode(), 0, at + len(body), len(data))
        body += padded
    return struct.pack(">IHHHH", 0x00010000, len(tables), 0, 0, 0) + directory + body


@pytest.fixture(scope="session")
def make_font() -> MakeFont:
    """Write a font whose character map says it has one character, drawn with a Hebrew letter's (or any) glyph."""

    def make(path: Path, character: str, *, drawn_as: str = "א") -> Path:
        face = hb.Face(hb.Blob.from_file_path(str(PACK / "NotoSansHebrew-Bold.ttf")))
        glyph = hb.Font(face).get_nominal_glyph(ord(drawn_as)) or 0
        tables = {tag: bytes(face.reference_table(tag).data) for tag in face.table_tags}
        for layout in ("GSUB", "GPOS", "GDEF"):
            tables.pop(layout, None)
        path.write_bytes(_sfnt({**tables, "cmap": _character_map(ord(character), glyph)}))
        return path

    return make
