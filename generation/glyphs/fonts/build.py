"""Builds the vendored font pack from unpacked Debian packages. Knows the packages; nothing at run time imports it.

Anybody can repeat it: fetch the two packages named in `PACKAGES` with `apt-get download`, unpack each with
`dpkg-deb -x PACKAGE FOLDER`, and run `python -m generation.glyphs.fonts.build FOLDER`. The same packages and the same
HarfBuzz give the same bytes.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path

import uharfbuzz as hb

from generation.glyphs import repertoire

PACKAGES = {
    "fonts-noto-cjk": "1:20220127+repack1-1",
    "fonts-noto-core": "20201225-1",
}
HERE = Path(__file__).parent
_TRUETYPE, _OPENTYPE = "usr/share/fonts/truetype/noto", "usr/share/fonts/opentype/noto"
_LICENSE_TITLE = """\
This Font Software is licensed under the SIL Open Font License, Version 1.1.
The files are subsets of the originals, without hinting; `pack.json` names each source.

SIL OPEN FONT LICENSE Version 1.1 - 26 February 2007"""
_NAMES_KEPT = (0, 1, 2, 3, 4, 5, 6, 7, 13, 14)


@dataclass(frozen=True, slots=True)
class Source:
    """One font of the pack: where it comes from and what it is for."""

    package: str
    path: str
    file: str
    scripts: tuple[str, ...]
    index: int = 0


_HAN = ("Hani", "Hira", "Kana", "Hang", "Bopo")
SOURCES = (
    Source("fonts-noto-cjk", f"{_OPENTYPE}/NotoSansCJK-Bold.ttc", "NotoSansCJK-Bold-subset.otf", _HAN, index=2),
    Source("fonts-noto-core", f"{_TRUETYPE}/NotoSans-Bold.ttf", "NotoSans-Bold.ttf", ("Latn", "Grek", "Cyrl")),
    Source("fonts-noto-core", f"{_TRUETYPE}/NotoNaskhArabic-Bold.ttf", "NotoNaskhArabic-Bold.ttf", ("Arab",)),
    Source("fonts-noto-core", f"{_TRUETYPE}/NotoSansHebrew-Bold.ttf", "NotoSansHebrew-Bold.ttf", ("Hebr",)),
    Source("fonts-noto-core", f"{_TRUETYPE}/NotoSansDevanagari-Bold.ttf", "NotoSansDevanagari-Bold.ttf", ("Deva",)),
    Source("fonts-noto-core", f"{_TRUETYPE}/NotoSansThai-Bold.ttf", "NotoSansThai-Bold.ttf", ("Thai",)),
)


def han_repertoire() -> frozenset[str]:
    """Every character the East Asian file keeps."""
    return (
        repertoire.gb_2312()
        | repertoire.big5_level_1()
        | repertoire.jis_x_0208()
        | repertoire.hangul()
        | repertoire.ks_x_1001_hanja()
        | repertoire.kana()
        | repertoire.east_asian_signs()
    )


def subset(face: hb.Face, characters: Iterable[int]) -> bytes:
    """The face cut down to `characters`, unhinted, with regional (`locl`) and vertical shapes kept.

    Hints are dropped because a picture's glyphs are hundreds of pixels high and drawn unhinted.
    """
    wanted = hb.SubsetInput()
    wanted.unicode_set.update(characters)
    wanted.flags = hb.SubsetFlags.NO_HINTING | hb.SubsetFlags.NOTDEF_OUTLINE
    wanted.name_id_set.update(_NAMES_KEPT)
    return bytes(hb.subset(face, wanted).blob.data)


def build_one(source: Source, packages: Path, into: Path) -> dict[str, object]:
    """Write one font file and return its row of the manifest."""
    face = hb.Face(hb.Blob.from_file_path(str(packages / source.path)), source.index)
    kept = set(face.unicodes)
    if source.scripts == _HAN:
        kept &= set(map(ord, han_repertoire()))
    data = subset(face, kept)
    (into / source.file).write_bytes(data)
    return {
        "file": source.file,
        "scripts": list(source.scripts),
        "package": source.package,
        "version": PACKAGES[source.package],
        "source": source.path,
        "index": source.index,
        "font_version": face.get_name(5),
        "license": "OFL-1.1",
        "copyright": face.get_name(0),
        "sha256": hashlib.sha256(data).hexdigest(),
        "bytes": len(data),
        "characters": len(kept),
    }


def license_text(packages: Path, rows: Iterable[dict[str, object]]) -> str:
    """The SIL Open Font License as the Debian package carries it, under the fonts' own copyright lines."""
    lines = (packages / "usr/share/doc/fonts-noto-core/copyright").read_text(encoding="utf-8").splitlines()
    start = lines.index("License: OFL-1.1", lines.index(" PREAMBLE") - 1) + 1
    body = [line[1:].replace(".", "", 1) if line == " ." else line[1:] for line in takewhile(bool, lines[start:])]
    holders = sorted({f"{row['copyright']} ({row['file']})" for row in rows})
    return "\n".join((*holders, "", _LICENSE_TITLE, "", *body, ""))


def build(packages: Path, into: Path = HERE) -> list[dict[str, object]]:
    """Write every font and `pack.json` into a folder.

    Args:
        packages: the folder the Debian packages were unpacked into.
        into: where the pack goes.
    """
    rows = [build_one(source, packages, into) for source in SOURCES]
    manifest = {"subsetter": f"HarfBuzz {hb.version_string()}", "fonts": rows}
    (into / "OFL.txt").write_text(license_text(packages, rows), encoding="utf-8")
    (into / "pack.json").write_text(json.dumps(manifest, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return rows


def main() -> None:
    """Read the command line and build."""
    parser = argparse.ArgumentParser(description="Build the vendored font pack from unpacked Debian packages.")
    parser.add_argument("packages", type=Path, help="folder that fonts-noto-cjk and fonts-noto-core were unpacked into")
    parser.add_argument("--into", type=Path, default=HERE, help="folder to write the pack to")
    arguments = parser.parse_args()
    build(arguments.packages, arguments.into)


if __name__ == "__main__":
    main()
