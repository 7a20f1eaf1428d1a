import ast
import hashlib
import json
import re
from pathlib import Path

import pytest

from generation.glyphs import FontBook, repertoire
from generation.glyphs.fontbook import PACK
from generation.glyphs.fonts import build

MANIFEST = json.loads((PACK / "pack.json").read_text(encoding="utf-8"))
ROWS = MANIFEST["fonts"]


def _letters(*ranges: tuple[int, int], leave_out: str = "") -> frozenset[str]:
    return frozenset(chr(c) for first, last in ranges for c in range(first, last + 1)) - set(leave_out)


POLISH_TURKISH_VIETNAMESE = "ąćęłńóśźżğışçöüİÂâêÎîÔôÛûđĐơƠưƯăĂ"
VIETNAMESE = frozenset(
    letter + tone
    for letter in "aăâeêioôơuưyAĂÂEÊIOÔƠUƯY"
    for tone in ("", "\u0300", "\u0301", "\u0303", "\u0309", "\u0323")
)
SETS = {
    "GB 2312": ("zh-Hans", "Hani", repertoire.gb_2312(), 6763),
    "Big5 level 1": ("zh-Hant", "Hani", repertoire.big5_level_1(), 5401),
    "JIS X 0208 levels 1 and 2": ("ja", "Hani", repertoire.jis_x_0208(), 6356),
    "KS X 1001 hangul": ("ko", "Hang", repertoire.ks_x_1001_hangul(), 2350),
    "all modern hangul": ("ko", "Hang", repertoire.hangul(), 11172),
    "KS X 1001 hanja": ("ko", "Hani", repertoire.ks_x_1001_hanja(), 4888),
    "kana": ("ja", "Hira", repertoire.kana() - set("゛゜"), 300 - 52),
    "Latin": ("en", "Latn", _letters((0x41, 0x5A), (0x61, 0x7A), (0xC0, 0x24F)), 52 + 400),
    "Latin additional": ("en", "Latn", _letters((0x1E00, 0x1EFF)), 256),
    "named diacritics": ("pl", "Latn", frozenset(POLISH_TURKISH_VIETNAMESE), 30),
    "Vietnamese, decomposed": ("vi", "Latn", VIETNAMESE, 144),
    "Greek": ("el", "Grek", _letters((0x386, 0x38A), (0x38C, 0x38C), (0x38E, 0x3A1), (0x3A3, 0x3E1)), 89),
    "Cyrillic": ("ru", "Cyrl", _letters((0x400, 0x481), (0x48A, 0x52F)), 296),
    "Arabic": ("ar", "Arab", _letters((0x620, 0x64A), (0x66E, 0x66F), (0x671, 0x6D3)), 144),
    "Hebrew": ("he", "Hebr", _letters((0x5D0, 0x5EA)), 27),
    "Hebrew with points": ("he", "Hebr", frozenset("ש" + chr(c) for c in range(0x5B0, 0x5BD)), 13),
    "Arabic with vowels": ("ar", "Arab", frozenset("ب" + chr(c) for c in range(0x64B, 0x653)), 8),
    "Devanagari": ("hi", "Deva", _letters((0x904, 0x939), (0x958, 0x961), (0x966, 0x96F)), 74),
    "Devanagari with matras": ("hi", "Deva", frozenset("क" + chr(c) for c in range(0x93E, 0x94E)), 16),
    "Thai": ("th", "Thai", _letters((0xE01, 0xE30), (0xE40, 0xE46), (0xE50, 0xE59)), 65),
    "Thai with marks": (
        "th",
        "Thai",
        frozenset("ก" + chr(c) for c in (*range(0xE34, 0xE3B), *range(0xE47, 0xE4F))),
        15,
    ),
}


@pytest.mark.parametrize("name", SETS)
def test_every_character_of_the_set_has_a_shape_in_the_pack(pack: FontBook, name: str):
    language, script, characters, least = SETS[name]
    assert len(characters) >= least
    native = pack.typeface_for(min(characters), script=script, language=language)
    lacking = [c for c in sorted(characters) if not native.covers(c) or not native.draws(c, language)]
    assert lacking == []


@pytest.mark.parametrize("character", [*"学習學习臺灣鬱讀體國會說圖觀薔彙뷁똠ㄅ々"])
def test_named_characters(pack: FontBook, character: str):
    assert pack.typeface_for(character, script="Hani", language="ja").path.parent == PACK


def test_the_manifest_describes_the_files_there_are():
    assert {row["file"] for row in ROWS} == {path.name for path in PACK.iterdir() if path.suffix in {".ttf", ".otf"}}
    for row in ROWS:
        data = (PACK / row["file"]).read_bytes()
        assert (hashlib.sha256(data).hexdigest(), len(data)) == (row["sha256"], row["bytes"])
        assert row["license"] == "OFL-1.1"
        assert row["package"] in build.PACKAGES


def test_the_pack_stays_small():
    assert sum(row["bytes"] for row in ROWS) < 7_500_000


def test_the_licence_travels_with_every_copyright_line():
    text = (PACK / "OFL.txt").read_text(encoding="utf-8")
    assert all(row["copyright"] in text for row in ROWS)
    assert "SIL OPEN FONT LICENSE Version 1.1" in text
    assert "PERMISSION & CONDITIONS" in text
    assert "OTHER DEALINGS IN THE FONT SOFTWARE" in text


def test_each_font_names_its_licence_inside(pack: FontBook):
    for typeface in pack.pack():
        assert "SIL Open Font License" in (typeface.font.face.get_name(13) or "")


def test_nothing_at_run_time_needs_the_builder():
    root = Path(build.__file__).parents[2]
    importers = [
        path.name
        for path in root.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and re.search(r"glyphs\.fonts", node.module or "")
    ]
    assert importers == []


def test_building_again_from_the_pack_itself_keeps_every_character(pack: FontBook, tmp_path: Path):
    thai = next(source for source in build.SOURCES if source.scripts == ("Thai",))
    place = tmp_path / thai.path
    place.parent.mkdir(parents=True)
    place.write_bytes((PACK / thai.file).read_bytes())
    row = build.build_one(thai, tmp_path, tmp_path)
    kept = next(old for old in ROWS if old["file"] == thai.file)
    assert row["characters"] == kept["characters"]
    assert row["sha256"] == hashlib.sha256((tmp_path / thai.file).read_bytes()).hexdigest()
