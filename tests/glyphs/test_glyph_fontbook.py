import logging
import os
import threading
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generation.contracts.errors import BrokenText, MissingGlyph
from generation.glyphs import FontBook, check_drawable, write
from generation.glyphs.fontbook import PACK
from generation.glyphs.typefaces import open_typefaces

ARMENIAN = "Ա"


def _book(folder: Path) -> FontBook:
    return FontBook([folder], system=False)


@pytest.mark.parametrize(
    ("word", "character", "code", "name"),
    [
        ("𓀀", "𓀀", "U+13000", "EGYPTIAN HIEROGLYPH A001"),
        ("学𓀀习", "𓀀", "U+13000", "EGYPTIAN HIEROGLYPH A001"),
        ("ᚠ", "ᚠ", "U+16A0", "RUNIC LETTER FEHU FEOH FE F"),
        ("学习📚", "📚", "U+1F4DA", "BOOKS"),
        ("\ue080", "\ue080", "U+E080", "UNNAMED CHARACTER"),
    ],
)
def test_a_character_no_font_has_is_named(pack, word, character, code, name):
    with pytest.raises(MissingGlyph) as missing:
        check_drawable(word, "und", pack)
    assert missing.value.details == {"character": character, "code": code, "name": name}
    with pytest.raises(MissingGlyph):
        write(word, language="und", width=512, height=512, fonts=pack)


@pytest.mark.parametrize(("word", "code"), [("ि", "U+093F"), ("aि", "U+093F"), ("्क", "U+094D")])
def test_a_mark_without_a_base_is_damage(pack, word, code):
    with pytest.raises(BrokenText) as broken:
        check_drawable(word, "hi", pack)
    assert broken.value.details == {"code": code}


@pytest.mark.parametrize("word", ["学习 2", "don't", "می‌خواهم", "क्‍ष", "葛󠄀城", "C++", "co\u00adop", "◌"])
def test_what_is_drawable_passes(pack, word):
    check_drawable(word, "und", pack)


def test_an_operators_font_fills_a_gap(pack, make_font, tmp_path):
    with pytest.raises(MissingGlyph):
        check_drawable(ARMENIAN, "hy", pack)
    (tmp_path / "deep" / "er").mkdir(parents=True)
    font = make_font(tmp_path / "deep" / "er" / "armenian.TTF", ARMENIAN)
    book = _book(tmp_path)
    check_drawable(ARMENIAN, "hy", book)
    assert book.typeface_for(ARMENIAN, script="Armn", language="hy").path == font
    assert write(ARMENIAN + "a", language="hy", width=512, height=512, fonts=book).mask.any()


def test_the_pack_comes_before_an_operators_font(make_font, tmp_path):
    make_font(tmp_path / "a.ttf", "学")
    assert _book(tmp_path).typeface_for("学", script="Hani", language="ja").path.parent == PACK


def test_bold_is_preferred_to_regular_and_slanted(make_font, tmp_path):
    for name in ("A-Italic.ttf", "B-Regular.ttf", "C-BoldItalic.ttf", "D-Bold.ttf"):
        make_font(tmp_path / name, ARMENIAN)
    assert _book(tmp_path).typeface_for(ARMENIAN, script="Armn", language="hy").path.name == "D-Bold.ttf"


def test_a_font_that_claims_a_character_but_draws_nothing_is_not_believed(make_font, tmp_path):
    make_font(tmp_path / "liar.ttf", ARMENIAN, drawn_as=" ")
    with pytest.raises(MissingGlyph):
        check_drawable(ARMENIAN, "hy", _book(tmp_path))
    make_font(tmp_path / "zzz-honest.ttf", ARMENIAN)
    assert _book(tmp_path).typeface_for(ARMENIAN, script="Armn", language="hy").path.name == "zzz-honest.ttf"


def test_a_font_that_maps_to_the_missing_glyph_is_not_believed(make_font, tmp_path):
    make_font(tmp_path / "tofu.ttf", ARMENIAN, drawn_as="\uffff")
    with pytest.raises(MissingGlyph):
        check_drawable(ARMENIAN, "hy", _book(tmp_path))


def test_private_characters_are_refused_whatever_a_font_says(make_font, tmp_path):
    make_font(tmp_path / "own.ttf", "\ue000")
    with pytest.raises(MissingGlyph):
        check_drawable("\ue000", "und", _book(tmp_path))


def test_rubbish_in_a_font_folder_is_skipped_with_a_line(make_font, tmp_path, caplog):
    whole = make_font(tmp_path / "good.ttf", ARMENIAN).read_bytes()
    (tmp_path / "empty.ttf").touch()
    (tmp_path / "text.otf").write_text("not a font")
    (tmp_path / "cut.ttf").write_bytes(whole[:200])
    (tmp_path / "folder.ttf").mkdir()
    (tmp_path / "loop").symlink_to(tmp_path, target_is_directory=True)
    (tmp_path / "gone.ttf").symlink_to(tmp_path / "nowhere.ttf")
    os.mkfifo(tmp_path / "pipe.ttf")
    with caplog.at_level(logging.WARNING), pytest.raises(MissingGlyph):
        check_drawable("ᚠ", "und", _book(tmp_path))
    skipped = {Path(word).name for line in caplog.messages for word in line.split() if word.startswith("/")}
    assert skipped == {"empty.ttf", "text.otf", "cut.ttf", "gone.ttf", "pipe.ttf"}
    check_drawable(ARMENIAN, "hy", _book(tmp_path))


def test_a_folder_that_is_not_there_is_no_trouble(tmp_path, caplog):
    with pytest.raises(MissingGlyph):
        check_drawable("ᚠ", "und", _book(tmp_path / "nowhere"))
    assert caplog.messages == []


@settings(max_examples=50, deadline=None)
@given(st.data())
def test_no_damage_to_a_font_file_reaches_the_caller(make_font, tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("damaged")
    font = make_font(folder / "damaged.ttf", ARMENIAN)
    content = bytearray(font.read_bytes())
    for at in data.draw(st.lists(st.integers(0, len(content) - 1), min_size=1, max_size=40)):
        content[at] ^= data.draw(st.integers(1, 255))
    font.write_bytes(content[: data.draw(st.integers(1, len(content)))])
    for typeface in open_typefaces(font):
        typeface.draws(ARMENIAN, "hy")


def test_nothing_outside_the_pack_is_opened_until_a_character_is_missing(make_font, tmp_path, caplog):
    (tmp_path / "broken.ttf").write_text("x")
    book = _book(tmp_path)
    with caplog.at_level(logging.WARNING):
        check_drawable("学习 study", "zh-Hans", book)
    assert caplog.messages == []


def test_threads_share_a_book(make_font, tmp_path):
    make_font(tmp_path / "armenian.ttf", ARMENIAN)
    words = ["学习", "تعلّم", "हिन्दी", "ที่นี่", "étude", ARMENIAN, "שָׁלוֹם", "공부"]
    alone = {word: write(word, language="und", width=512, height=512, fonts=_book(tmp_path)).mask for word in words}
    shared, differing = _book(tmp_path), []

    def paint(offset: int) -> None:
        for word in words[offset:] + words[:offset]:
            mask = write(word, language="und", width=512, height=512, fonts=shared).mask
            if (mask != alone[word]).any():
                differing.append(word)

    threads = [threading.Thread(target=paint, args=(offset,)) for offset in range(len(words))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert differing == []
