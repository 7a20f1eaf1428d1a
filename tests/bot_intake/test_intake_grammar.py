"""The grammar of a wish, by example and by property."""

from __future__ import annotations

import argparse
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.commands.word_options import add_word_arguments, request_from
from bot.grammar import LONGEST_MEANING, Wish, clean_meaning, is_prose, parse
from generation.contracts.errors import BadNumber, RequestRefused, TranslationTooLong, UnknownLanguage, UnknownStyle
from generation.contracts.request import LARGEST_SEED
from generation.styles import STYLES

EXAMPLES = [
    ("学习 study", "学习", "study"),
    ("学习　to study", "学习", "to study"),
    ("学习", "学习", ""),
    ("学习 - study", "学习", "study"),
    ("学习 – study", "学习", "study"),
    ("学习 — to study", "学习", "to study"),
    ("学习=study", "学习", "study"),
    ("学习 | study", "学习", "study"),
    ("学习\nstudy", "学习", "study"),
    ("学习 -", "学习", ""),
    ("guten Tag - hello", "guten Tag", "hello"),
    ("guten Tag = hello = hi", "guten Tag", "hello = hi"),
    ("well-known - famous", "well-known", "famous"),
    ("well-known", "well-known", ""),
    ('"guten Tag" hello', "guten Tag", "hello"),
    ('"guten Tag" - hello', "guten Tag", "hello"),
    ('"guten Tag"hello', "guten Tag", "hello"),
    ('"a - b" c', "a - b", "c"),
    ("«добрый день» good day", "добрый день", "good day"),
    ("“good day” добрый день", "good day", "добрый день"),
    ("「図書 館」 library", "図書 館", "library"),
    ('学习 "to - study"', "学习", "to - study"),
    ("学习 = «учить = учиться»", "学习", "учить = учиться"),
    ('"open', '"open', ""),
    ("l'eau water", "l'eau", "water"),
    ("  spaced   out  ", "spaced", "out"),
    ("", "", ""),
    (" \n ", "", ""),
]


@pytest.mark.parametrize(("text", "word", "translation"), EXAMPLES)
def test_word_and_meaning(text, word, translation):
    assert parse(text) == Wish(word=word, translation=translation)


@pytest.mark.parametrize(
    "text",
    [
        "学习 study lang:ja style:ink seed:7",
        "lang:ja style:ink seed:7 学习 study",
        "学习 style:ink study SEED:7 Lang:ja",
        "seed:7 学习 - study\nLANGUAGE:ja style：INK",
        "style:comic 学习 lang:zh study style:ink lang:ja seed:7",
    ],
)
def test_options_stand_anywhere_in_any_case_and_the_last_one_counts(text):
    assert parse(text) == Wish("学习", "study", language="ja", style="ink", seed=7)


def test_inside_quotes_an_option_is_a_word():
    assert parse('"seed:7" number') == Wish("seed:7", "number")
    assert parse("http://x lang") == Wish("http://x", "lang")


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("a style:oil", UnknownStyle),
        ("a style:", UnknownStyle),
        ("a lang:", UnknownLanguage),
        ("a seed:", BadNumber),
        ("a seed:-1", BadNumber),
        ("a seed:4294967296", BadNumber),
        ("a seed:1e3", BadNumber),
        ("a seed:²", BadNumber),
        ("a seed:" + "9" * 5000, BadNumber),
    ],
)
def test_bad_options_are_refused_by_name(text, error):
    with pytest.raises(error) as refused:
        parse(text)
    assert all(len(str(value)) < 100 for value in refused.value.details.values())


def test_numbers_in_any_script_and_the_largest_seed():
    assert parse("a seed:٧").seed == 7
    assert parse(f"a seed:{LARGEST_SEED}").seed == LARGEST_SEED


def test_localized_style_names():
    assert parse("a style:ТУШЬ", style_names={"тушь": "ink"}).style == "ink"


@pytest.mark.parametrize(
    "text", ["学习", "学习 to study hard", "the quick brown fox jumps - лиса", '"a b c d e f g" h', "a b c d e lang:ja"]
)
def test_not_prose(text):
    assert not is_prose(text)


@pytest.mark.parametrize("text", ["can you please tell me how", "x " * 100, "学习 - " + "s" * 200])
def test_prose(text):
    assert is_prose(text)


SPICE = st.sampled_from(
    [
        '"',
        "«",
        "»",
        "“",
        "”",
        "「",
        "」",
        " - ",
        " — ",
        "=",
        "|",
        "\n",
        " ",
        "lang:",
        "style:ink",
        "seed:5",
        "seed:",
        "LANG:zh",
    ]
)
MESS = st.lists(st.one_of(SPICE, st.text(max_size=8)), max_size=12).map("".join)


@given(MESS)
def test_anything_is_read_or_refused_in_our_words(text):
    try:
        wish = parse(text)
    except RequestRefused:
        return
    assert wish.style is None or wish.style in STYLES
    assert wish.seed is None or 0 <= wish.seed <= LARGEST_SEED
    assert wish.word == " ".join(wish.word.split())
    assert isinstance(is_prose(text), bool)


PLAIN = st.text(st.characters(categories=["L", "Nd"]), min_size=1, max_size=12)
PHRASE = st.lists(PLAIN, min_size=1, max_size=4).map(" ".join)
QUOTES = st.sampled_from(['""', "«»", "“”", "「」"])
SEPARATORS = st.sampled_from([" - ", " – ", " — ", "=", " = ", "|", " | ", "\n"])


@given(PHRASE, PHRASE, SEPARATORS)
def test_round_trip_with_a_separator(word, meaning, separator):
    assert parse(word + separator + meaning) == Wish(word, meaning)


@given(PHRASE, PHRASE, QUOTES)
def test_round_trip_with_quotes(word, meaning, quotes):
    assert parse(f"{quotes[0]}{word}{quotes[1]} {meaning}") == Wish(word, meaning)


@given(PLAIN, PHRASE)
def test_round_trip_with_a_space(word, meaning):
    assert parse(f"{word} {meaning}") == Wish(word, meaning)


OPTIONS = st.permutations([("lang", "ja"), ("style", "ink"), ("seed", "7")])


@given(
    PLAIN,
    PHRASE,
    OPTIONS,
    st.lists(st.integers(0, 3), min_size=3, max_size=3),
    st.sampled_from([str.lower, str.upper, str.title]),
)
def test_options_never_leak_into_the_word(word, meaning, options, places, casing):
    parts = [word, *meaning.split(" ")]
    for (key, value), place in zip(options, places, strict=True):
        parts.insert(min(place, len(parts)), f"{casing(key)}:{value}")
    assert parse(" ".join(parts)) == Wish(word, meaning, language="ja", style="ink", seed=7)


@given(st.text(max_size=300))
def test_a_clean_meaning_is_one_inert_line(text):
    try:
        meaning = clean_meaning(text)
    except TranslationTooLong:
        assert len(text) > LONGEST_MEANING // 3  # NFC makes three code points of one at most
        return
    assert len(meaning) <= LONGEST_MEANING
    assert not set(meaning) & set("\n\r\t\x00\u202e\u2066\ufeff")
    meaning.encode()
    assert clean_meaning(meaning) == meaning


def test_an_endless_meaning_is_refused_unread():
    with pytest.raises(TranslationTooLong):
        clean_meaning("x" * 1_000_000)
    assert clean_meaning("a\udc80\u202eb\x00c\nd") == "abc d"


def test_the_command_line_keeps_a_meaning_as_the_chat_does():
    parser = argparse.ArgumentParser()
    add_word_arguments(parser)
    parser.add_argument("translation")

    def kept(meaning: str) -> str:
        return request_from(parser.parse_args(["学习", meaning])).translation

    assert kept("to\x00 stu\u202edy\r\n hard") == clean_meaning("to\x00 stu\u202edy\r\n hard") == "to study hard"
    with pytest.raises(TranslationTooLong):
        kept("x" * (LONGEST_MEANING + 1))


@pytest.mark.parametrize(
    "text", ["«" * 4096, "“" * 4096, "「" * 4096, "«“「" * 1365, '"' * 4095, "a «" * 1365, " - " * 1365]
)
def test_no_text_buys_time(text):
    def seconds() -> float:
        start = time.thread_time()
        parse(text)
        is_prose(text)
        return time.thread_time() - start

    assert min(seconds() for _ in range(3)) < 0.05
