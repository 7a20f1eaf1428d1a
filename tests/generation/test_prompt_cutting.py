"""Prompts cut to what a reader holds: never too long, at words, the dear parts last. No torch, no tokenizer."""

from __future__ import annotations

import pytest
import regex
from hypothesis import assume, example, given
from hypothesis import strategies as st

from generation.contracts.request import PaintRequest
from generation.diffusion.cutting import cut
from generation.prompts import build
from generation.styles import STYLES

words = st.text(st.sampled_from("abcdefgh"), min_size=1, max_size=8)
sentences = st.lists(words, min_size=1, max_size=30).map(" ".join)


def within(limit: int):
    return lambda text: len(text) <= limit


@given(text=st.text(max_size=300), keep=st.lists(st.text(max_size=40), max_size=3), limit=st.integers(0, 120))
@example(text=" " * 50, keep=[], limit=3)
@example(text="a" * 50, keep=["a" * 50], limit=3)
def test_whatever_is_given_fits_and_is_part_of_it(text: str, keep: list[str], limit: int):
    short = cut(text, keep, fits=within(limit))
    assert len(short) <= limit
    left = iter(text)
    assert all(letter in left for letter in short)  # in order, nothing invented


@given(text=st.text(max_size=100), keep=st.lists(st.text(max_size=20), max_size=2))
def test_what_fits_is_left_alone(text: str, keep: list[str]):
    assert cut(text, keep, fits=within(100)) == text


@given(text=sentences, limit=st.integers(8, 60))
def test_without_anything_dear_the_beginning_survives_in_whole_words(text: str, limit: int):
    assume(len(text) > limit)
    short = cut(text, (), fits=within(limit))
    assert text.startswith(short + " ")
    following = text[len(short) :].split(maxsplit=1)[0]
    assert len(f"{short} {following}") > limit


@given(before=sentences, after=sentences, word=st.sampled_from(["学习", "мир", "Zug"]), data=st.data())
def test_the_word_and_its_meaning_survive_when_they_can(before: str, after: str, word: str, data: st.DataObject):
    meaning = data.draw(sentences.filter(lambda text: len(text) < 40))
    text = f"{before} of {meaning}, along the strokes of {word}, {after}"
    limit = data.draw(st.integers(len(meaning) + len(word) + 2, len(text)))
    short = cut(text, (word, meaning), fits=within(limit))
    assert len(short) <= limit
    assert word in short
    assert all(part in short.split() or f"{part}," in short.split() for part in meaning.split())


@given(word=words, meaning=sentences, limit=st.integers(9, 40))
def test_the_meaning_yields_before_the_word(word: str, meaning: str, limit: int):
    short = cut(f"a picture of {meaning}, built around 《{word}》", (f"《{word}》", meaning), fits=within(limit + 2))
    assert f"《{word}》"[: limit + 2] in short


def test_words_leave_from_the_end_and_the_template_first():
    text = "A painting of quiet study, along the Chinese characters 学习, pale edges, white paper"
    assert cut(text, ("学习", "quiet study"), fits=within(70)) == text[: text.index(", white")]
    assert cut(text, ("学习", "quiet study"), fits=within(36)) == "A painting of quiet study, along 学习"
    assert cut(text, ("学习", "quiet study"), fits=within(15)) == "quiet study, 学习"
    assert cut(text, ("学习", "quiet study"), fits=within(8)) == "quiet 学习"
    assert cut(text, ("学习", "quiet study"), fits=within(3)) == "学习"
    assert cut(text, ("学习", "quiet study"), fits=within(1)) == "学"


def test_chinese_ends_between_characters():
    text = "一幅关于学习的水彩画，水色沿着笔画流动"
    assert cut(text, (), fits=within(6)) == "一幅关于学习"
    assert cut(text, ("水彩画",), fits=within(6)) == "一幅关水彩画"


def test_a_word_without_end_is_cut_between_graphemes():
    family = "👩‍👩‍👧‍👦"
    short = cut(family * 9, (family * 9,), fits=within(len(family) * 2 + 3))
    assert short == family * 2
    assert regex.findall(r"\X", cut("e\u0301" * 50, ("e\u0301" * 50,), fits=within(7))) == ["e\u0301"] * 3


def test_a_word_inside_its_own_meaning_is_kept_where_it_stands_alone():
    text = "A picture of to go home at night, along the letters go, bold"
    assert cut(text, ("go", "to go home"), fits=within(14)) == "to go home go"


def test_a_word_is_not_found_inside_another_where_it_stands_alone_too():
    assert cut("concatenation of many a cat on a mat", ("cat",), fits=within(5)) == "cat"


def test_white_space_in_what_is_kept_does_not_matter():
    assert cut("a b c deep  blue sea d e f", ("deep blue\nsea ",), fits=within(14)) == "deep  blue sea"


def test_what_is_dear_but_absent_changes_nothing():
    assert cut("one two three", ("four", ""), fits=within(8)) == cut("one two three", (), fits=within(8)) == "one two"


@pytest.mark.parametrize("style", STYLES)
def test_every_style_keeps_word_and_meaning(style: str):
    request = PaintRequest(word="学习", translation="to study " * 10 + "hard", style=style, seed=1)
    prompt, _ = build(request, "Chinese characters")
    short = cut(prompt, ("学习", request.translation), fits=within(110))
    assert "学习" in short
    assert request.translation in short
