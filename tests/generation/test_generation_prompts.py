"""Prompts: a learner's text fills its slot and does nothing else."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generation.contracts.errors import UnknownStyle
from generation.prompts import LONGEST_MEANING, build, inert, script_name
from generation.styles import STYLES
from tests.generation.scripted import request

SYNTAX = set("(){}[]<>|\\^~")


@pytest.mark.parametrize("style", STYLES)
def test_a_template_is_filled(style):
    positive, negative = build(request(style=style, translation="to study"), "Chinese characters")
    assert "to study" in positive
    assert "学习" in positive
    assert "Chinese characters" in positive
    assert not set("{}") & set(positive)
    assert negative == STYLES[style].negative


def test_the_word_stands_for_a_meaning_that_is_not_there():
    assert build(request(translation=" () "), "letters")[0].count("学习") == 2


def test_a_prompt_of_ones_own_replaces_the_template():
    positive, negative = build(request(translation="tea", prompt="{word}: a bowl of {meaning} {steam}"), "letters")
    assert positive == "学习: a bowl of tea {steam}"
    assert negative == STYLES["ink"].negative


def test_an_unknown_style():
    with pytest.raises(UnknownStyle):
        build(request(style="cubism"), "letters")


@pytest.mark.parametrize(
    ("written", "plain"),
    [
        ("nsfw, (masterpiece:2), <lora:x>", "nsfw, masterpiece"),
        ("(x:1.2)", "x"),
        ("((very)) [[odd:-.5]]", "very odd"),
        ("<lora:<lora:a:1>b:1> tea", "tea"),
        ("{meaning} {0.__class__}", "meaning 0.__class__"),
        ("a\\(b\\)", "a b"),
        ("（茶：1.5）", "茶"),
        ("tea\x00\n  cup", "tea cup"),
        ("12:30 train", "12:30 train"),
        ("to learn; to study", "to learn; to study"),
        ("", ""),
    ],
)
def test_syntax_is_inert(written, plain):
    assert inert(written) == plain


@settings(deadline=None)
@given(st.text(max_size=200), st.sampled_from(sorted(STYLES)))
def test_only_the_slot_differs(meaning, style):
    with_slot, negative = build(request(style=style, translation="MEANING"), "letters")
    positive, also_negative = build(request(style=style, translation=meaning), "letters")
    before, after = with_slot.split("MEANING")
    assert positive.startswith(before)
    assert positive.endswith(after)
    filled = positive[len(before) : len(positive) - len(after)]
    assert not SYNTAX & set(filled)
    assert len(filled) <= LONGEST_MEANING
    assert negative == also_negative


@settings(deadline=None)
@given(st.text(alphabet="(){}[]<>:.12lora a", max_size=60))
def test_inert_text_stays_as_it_is(text):
    once = inert(text)
    assert inert(once) == once
    assert not re.search(r"[<>(){}\[\]]", once)


def test_a_long_meaning_ends_at_a_word():
    positive, _ = build(request(translation="word " * 100), "letters")
    assert "word word" in positive
    assert len(positive) < len(STYLES["ink"].template) + 2 * LONGEST_MEANING
    assert "wor," not in positive


@pytest.mark.parametrize(
    ("code", "language", "name"),
    [
        ("Hani", "zh-Hans", "Chinese characters"),
        ("Hani", "ja", "Japanese kanji"),
        ("Hani", "ko-KR", "Korean hanja"),
        ("Arab", "fa", "Arabic script"),
        ("Cyrl", "ru", "Cyrillic letters"),
        ("Zyyy", "und", "letters"),
    ],
)
def test_scripts_are_named_truthfully(code, language, name):
    assert script_name(code, language) == name
