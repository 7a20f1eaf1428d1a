import time
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generation.contracts.errors import BadSize, NothingToDraw, WordRefused
from generation.contracts.request import LARGEST_SIDE_PX, SIDE_STEP_PX, SMALLEST_SIDE_PX
from generation.glyphs import FontBook, write
from generation.glyphs.words import admit, graphemes
from generation.glyphs.writing import MARGIN

SIDES = st.sampled_from(range(SMALLEST_SIDE_PX, LARGEST_SIDE_PX + 1, SIDE_STEP_PX))
ALPHABETS = ["学習臺灣鬱", "かなコーッ、", "한글공부", "abcéệğ-", "шёлкж", "λόγ", "بحمعسّ", "שלוםָ", "कखििी्", "กทีเ่ะ"]
WORDS = (
    st.lists(st.sampled_from(ALPHABETS).flatmap(lambda letters: st.text(letters, min_size=1, max_size=8)), max_size=3)
    .map(" ".join)
    .filter(lambda text: text.strip() and len(graphemes(text)) <= 24)
)
PACK = FontBook(system=False)


def _write(word: str, width: int = 512, height: int = 512, language: str = "und", **more):
    return write(word, language=language, width=width, height=height, fonts=PACK, **more)


def _check(writing, width: int, height: int, margin: float = MARGIN) -> None:
    """What holds for every writing."""
    assert writing.mask.shape == (height, width)
    assert writing.mask.dtype == np.uint8
    rows, columns = np.flatnonzero(writing.mask.any(axis=1)), np.flatnonzero(writing.mask.any(axis=0))
    assert writing.box == (columns[0], rows[0], columns[-1] + 1, rows[-1] + 1)
    clear = margin * min(width, height) - 2  # outlines are measured in font units, about a pixel each
    x0, y0, x1, y1 = writing.box
    assert min(x0, y0, width - x1, height - y1) >= clear
    assert abs(x0 + x1 - width) <= 4
    assert abs(y0 + y1 - height) <= 4
    total = np.zeros((height, width), np.uint16)
    for glyph in writing.glyphs:
        gx0, gy0, gx1, gy1 = glyph.box
        assert glyph.mask.shape == (gy1 - gy0, gx1 - gx0)
        assert glyph.mask.any()
        total[gy0:gy1, gx0:gx1] += glyph.mask
    assert (np.minimum(total, 255) == writing.mask).all()
    assert len(writing.lines) == len(writing.baselines) >= 1


@settings(max_examples=60, deadline=None)
@given(WORDS, SIDES, SIDES)
def test_every_word_fits_every_picture(word, width, height):
    try:
        writing = _write(admit(word), width, height)
    except WordRefused:
        return  # a mark without a base; what else may be refused has its own tests
    _check(writing, width, height)
    clusters = graphemes(writing.word)
    assert all(glyph.text == clusters[glyph.cluster] for glyph in writing.glyphs)
    inked = {glyph.cluster for glyph in writing.glyphs}
    assert inked >= {i for i, cluster in enumerate(clusters) if cluster[0].isalpha()}


@pytest.mark.parametrize("width", range(SMALLEST_SIDE_PX, LARGEST_SIDE_PX + 1, 256))
@pytest.mark.parametrize("height", range(SMALLEST_SIDE_PX, LARGEST_SIDE_PX + 1, 256))
def test_the_ink_touches_its_margin_in_one_direction(width, height):
    writing = _write("学习", width, height, "zh-Hans")
    _check(writing, width, height)
    x0, y0, _, _ = writing.box
    margin = MARGIN * min(width, height)
    assert min(x0 - margin, y0 - margin) <= 1.5


@pytest.mark.parametrize(
    ("width", "height"), [(511, 512), (512, 1600), (448, 512), (520, 512), (0, 0), (-512, 512), (1024, 1025)]
)
def test_sizes_off_the_grid_are_refused(width, height):
    with pytest.raises(BadSize) as refused:
        _write("学", width, height)
    assert refused.value.details == {"width": width, "height": height, "smallest": 512, "largest": 1536, "step": 64}


def test_a_word_without_ink_is_refused():
    with pytest.raises(NothingToDraw):
        _write("\u00ad")


@pytest.mark.parametrize(
    ("word", "language", "size", "direction", "lines"),
    [
        ("学习", "zh-Hans", (1024, 1024), "ltr", 1),
        ("学习", "zh-Hans", (512, 1536), "ttb", 1),
        ("学习", "zh-Hans", (1536, 512), "ltr", 1),
        ("図書館", "ja", (1024, 1024), "ltr", 2),
        ("勉強する", "ja", (512, 1536), "ttb", 1),
        ("千里之行始於足下", "zh-Hant", (1024, 1024), "ltr", 3),
        ("千里之行始於足下", "zh-Hant", (512, 1024), "ttb", 2),
        ("안녕 하세요", "ko", (1024, 1024), "ltr", 2),
        ("日本語abc", "ja", (1024, 1024), "ltr", 2),
        ("tiếng Việt", "vi", (1024, 1024), "ltr", 2),
        ("tiếng Việt", "vi", (1536, 512), "ltr", 1),
        ("internationalization", "en", (1024, 1024), "ltr", 3),
        ("study", "en", (1024, 1024), "ltr", 1),
        ("تعلّم", "ar", (512, 1536), "rtl", 1),
        ("السلام عليكم", "ar", (1024, 1024), "rtl", 2),
        ("विद्यार्थी", "hi", (1024, 1024), "ltr", 1),
        ("สวัสดีเพื่อน", "th", (1024, 1024), "ltr", 2),
    ],
)
def test_the_arrangement_suits_word_and_picture(word, language, size, direction, lines):
    writing = _write(word, *size, language)
    assert (writing.direction, len(writing.lines)) == (direction, lines)


def test_a_script_break_keeps_both_words_whole():
    upper, lower = _write("日本語abc", 1024, 1024, "ja").lines
    by_line = [
        "".join(g.text for g in _write("日本語abc", 1024, 1024, "ja").glyphs if box[1] <= g.box[1] < box[3])
        for box in (upper, lower)
    ]
    assert by_line == ["日本語", "abc"]


def test_lines_follow_one_another_and_hold_their_baselines():
    writing = _write("how are you", 1024, 1024, "en")
    boxes = writing.lines
    assert all(above[3] < below[1] for above, below in pairwise(boxes))
    assert all(y0 < baseline <= y1 + 1 for (_, y0, _, y1), baseline in zip(boxes, writing.baselines, strict=True))


def test_columns_run_from_right_to_left():
    writing = _write("千里之行始於足下", 512, 1024, "zh-Hant")
    first, second = writing.lines
    assert first[0] > second[2]
    assert [glyph.text for glyph in writing.glyphs] == list("千里之行始於足下")
    assert first[0] < writing.baselines[0] < first[2]


def test_a_hyphen_appears_where_a_word_is_cut_and_belongs_to_the_letter_before():
    writing = _write("internationalization", 1024, 1024, "en")
    letters = len("internationalization")
    assert len(writing.glyphs) == letters + len(writing.lines) - 1
    assert {glyph.cluster for glyph in writing.glyphs} == set(range(letters))


def test_a_soft_hyphen_is_seen_only_when_used():
    wide, narrow = _write("ab\u00adcd", 1536, 512, "en"), _write("Donau\u00addampf\u00adschiff", 512, 1024, "de")
    assert len(wide.glyphs) == 4
    assert len(narrow.lines) == 3
    assert len(narrow.glyphs) == len("Donaudampfschiff") + 2


def test_phrases_break_at_spaces_rather_than_inside_words():
    writing = _write("Guten Morgen", 1024, 1024, "de")
    assert len(writing.glyphs) == len("GutenMorgen")


def test_the_script_and_language_are_told():
    writing = _write("勉強する", 512, 512, "ja")
    assert (writing.word, writing.language, writing.script) == ("勉強する", "ja", "Hani")


def test_mixed_words_read_the_way_most_of_them_does():
    assert _write("שלום abc").direction == "rtl"
    assert _write("abcdef של").direction == "ltr"


def test_a_wider_margin_makes_a_smaller_word():
    wide, narrow = _write("学习", margin=0.25), _write("学习", margin=0.02)
    assert wide.em_px < narrow.em_px
    _check(wide, 512, 512, 0.25)
    _check(narrow, 512, 512, 0.02)


@pytest.mark.parametrize("word", ["学习", "تعلّم", "हिन्दी", "how are you?"])
def test_the_same_word_gives_the_same_pixels(word):
    first, second = _write(word), write(word, language="und", width=512, height=512, fonts=FontBook(system=False))
    assert (first.mask == second.mask).all()
    assert first.em_px == second.em_px


def test_one_joined_word_has_no_pale_seams():
    writing = _write("हिन्दी", 1024, 1024, "hi")
    head_line = np.argmax((writing.mask == 255).sum(axis=1))
    row = writing.mask[head_line, writing.box[0] + 4 : writing.box[2] - 4]
    assert (row > 250).mean() > 0.97
    solid = np.flatnonzero(row == 255)
    assert row[solid[0] : solid[-1] + 1].min() > 200


def _seconds(fonts: FontBook) -> float:
    """Processor time of one writing; the clock on the wall also counts whoever else is at work."""
    start = time.thread_time()
    write("学习", language="zh-Hans", width=1024, height=1024, fonts=fonts)
    return time.thread_time() - start


def test_writing_is_quick():
    books = [FontBook(system=False) for _ in range(3)]
    assert min(map(_seconds, books)) < 0.1
    assert min(_seconds(books[0]) for _ in range(5)) < 0.03


@settings(max_examples=150, deadline=None)
@given(st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Co", "Cn")), min_size=1, max_size=8))
def test_whatever_is_admitted_is_drawn_or_refused_by_name(text):
    try:
        word = admit(text)
        writing = _write(word)
    except WordRefused:
        return  # anything else that is raised fails the test
    _check(writing, 512, 512)
