import numpy as np
import pytest

from generation.contracts.errors import MissingGlyph
from generation.glyphs import FontBook, write
from generation.glyphs.shaping import clusters_of, levels_of, shape_line
from generation.glyphs.words import graphemes


def _line(pack, text, language, *, down=False):
    line = shape_line(text, pack, language=language, levels=levels_of(text), down=down)
    assert line is not None
    return line


def _numbers(pack, text, language):
    return [glyph.number for glyph in _line(pack, text, language).glyphs]


def test_arabic_letters_join(pack):
    joined = _line(pack, "تعلم", "ar")
    apart = sum(_line(pack, letter, "ar").advance for letter in "تعلم")
    assert joined.advance < 0.8 * apart
    assert set(_numbers(pack, "ععع", "ar")).isdisjoint(_numbers(pack, "ع", "ar"))
    assert len(set(_numbers(pack, "ععع", "ar"))) == 3


def test_joined_arabic_is_one_piece_of_ink(pack):
    import cv2

    mask = write("محمد", language="ar", width=512, height=512, fonts=pack).mask
    assert cv2.connectedComponents((mask > 127).astype(np.uint8))[0] - 1 == 1


def test_arabic_runs_from_right_to_left(pack):
    glyphs = _line(pack, "بشر", "ar").glyphs
    assert [glyph.owner for glyph in glyphs] == [2, 1, 0]
    assert [glyph.x for glyph in glyphs] == sorted(glyph.x for glyph in glyphs)


def test_hebrew_points_stand_below_and_inside_their_letter(pack):
    line = _line(pack, "שָׁ", "he")
    letter = max((g for g in line.glyphs if g.ink), key=lambda g: g.ink[3] - g.ink[1])
    qamats = min((g for g in line.glyphs if g.ink), key=lambda g: g.ink[1])
    assert qamats.ink[3] <= letter.ink[1] + 0.02
    assert letter.ink[0] <= (qamats.ink[0] + qamats.ink[2]) / 2 <= letter.ink[2]


def test_devanagari_i_is_drawn_left_of_the_letter_it_follows(pack):
    line = _line(pack, "कि", "hi")
    alone = _numbers(pack, "क", "hi")[0]
    ka = next(glyph for glyph in line.glyphs if glyph.number == alone)
    matra = next(glyph for glyph in line.glyphs if glyph is not ka)
    assert matra.x < ka.x
    assert matra.owner == ka.owner == 0


def test_devanagari_conjuncts_become_one_glyph(pack):
    assert len(_numbers(pack, "द्य", "hi")) < len("द्य")


def test_thai_marks_stack(pack):
    line = _line(pack, "ที่", "th")
    base, vowel, tone = sorted((glyph.ink for glyph in line.glyphs), key=lambda ink: ink[1])
    assert base[3] <= vowel[1] + 0.05
    assert vowel[3] <= tone[1] + 0.05


def test_vietnamese_marks_stand_above_one_another(pack):
    assert _line(pack, "ệ", "vi").ink[3] > _line(pack, "e", "vi").ink[3] + 0.1
    assert _line(pack, "ệ", "vi").ink[1] < _line(pack, "e", "vi").ink[1] - 0.1
    assert _numbers(pack, "x̂", "en") != _numbers(pack, "x", "en")


@pytest.mark.parametrize(
    ("character", "groups"),
    [
        ("骨", [{"zh-Hans"}, {"zh-Hant"}, {"ja", "ko"}]),
        ("直", [{"zh-Hans", "zh-Hant"}, {"ja", "ko"}]),
        ("今", [{"zh-Hans"}, {"zh-Hant"}, {"ja", "ko"}]),
    ],
)
def test_regional_shapes_follow_the_language(pack, character, groups):
    shapes = {}
    for language in ("zh-Hans", "zh-Hant", "ja", "ko"):
        shapes.setdefault(tuple(_numbers(pack, character, language)), set()).add(language)
    assert sorted(map(sorted, shapes.values())) == sorted(map(sorted, groups))


def test_the_language_reaches_the_pixels(pack):
    masks = [
        write("骨", language=language, width=512, height=512, fonts=pack).mask
        for language in ("zh-Hans", "zh-Hant", "ja")
    ]
    assert (masks[0] != masks[1]).any()
    assert (masks[1] != masks[2]).any()


def test_columns_use_upright_forms(pack):
    across, down = _line(pack, "コーヒー。", "ja"), _line(pack, "コーヒー。", "ja", down=True)
    bar_across, bar_down = across.glyphs[1].ink, down.glyphs[1].ink
    assert bar_across[2] - bar_across[0] > 3 * (bar_across[3] - bar_across[1])
    assert bar_down[3] - bar_down[1] > 3 * (bar_down[2] - bar_down[0])
    assert down.glyphs[4].ink[0] > down.glyphs[0].x + 0.5
    assert [glyph.y for glyph in down.glyphs] == sorted((glyph.y for glyph in down.glyphs), reverse=True)


@pytest.mark.parametrize(
    ("text", "levels"),
    [
        ("abc", [0, 0, 0]),
        ("学习", [0, 0]),
        ("שלום 123 abc عربي", [1] * 5 + [2] * 3 + [1] + [2] * 3 + [1] * 5),
        ("abc שלום", [0] * 4 + [1] * 4),
        ("می\u200cخواهم", [1] * 8),
    ],
)
def test_levels_follow_the_bidirectional_algorithm(text, levels):
    assert levels_of(text) == levels


def test_mixed_directions_are_ordered_for_the_eye(pack):
    glyphs = _line(pack, "שלום 12 abc", "he").glyphs
    seen = [glyph.owner for glyph in sorted(glyphs, key=lambda glyph: glyph.x)]
    assert seen == [8, 9, 10, 7, 5, 6, 4, 3, 2, 1, 0]


def test_one_line_may_need_several_fonts(pack):
    glyphs = _line(pack, "日本語abcдعب", "ja").glyphs
    assert len({glyph.typeface.path for glyph in glyphs}) == 3
    assert {glyph.owner for glyph in glyphs} == set(range(9))


def test_brackets_mirror_in_hebrew(pack):
    bracket = _line(pack, "א(ב", "he").glyphs[1]
    assert bracket.number == bracket.typeface.font.get_nominal_glyph(ord(")"))


def test_a_mark_that_is_its_own_grapheme_is_drawn_by_its_bases_font(make_font, tmp_path):
    text = "မာ"
    make_font(tmp_path / "burmese.ttf", "မ")
    book = FontBook([tmp_path], system=False)
    assert len(graphemes(text)) == 2
    with pytest.raises(MissingGlyph) as missing:
        list(clusters_of(text, book, "my"))
    assert missing.value.details["character"] == "ာ"


@pytest.mark.parametrize(
    ("text", "levels"), [("\u20c1\u0628", [1, 1]), ("\u068a\ufdc8", [1, 1]), ("a\ufdc8\u0628", [0, 0, 1])]
)
def test_characters_newer_than_this_python_have_a_level(text, levels):
    assert len(levels_of(text)) == len(levels)
    assert levels_of(text)[-1] == levels[-1]


@pytest.mark.parametrize("word", ["\u20c1\u0628", "\u068a\ufdc8"])
def test_characters_no_font_has_are_named_whatever_their_direction(pack, word):
    with pytest.raises(MissingGlyph):
        write(word, language="ar", width=512, height=512, fonts=pack)
