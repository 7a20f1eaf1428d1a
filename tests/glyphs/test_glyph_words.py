import time
import unicodedata

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from generation.contracts.errors import (
    BidiControls,
    BrokenText,
    ControlCharacters,
    EmojiOnly,
    EmptyWord,
    NothingToDraw,
    StackedMarks,
    WordRefused,
    WordTooLong,
)
from generation.glyphs.words import MOST_CODE_POINTS, MOST_GRAPHEMES, MOST_MARKS, admit, graphemes

ANY_TEXT = st.text(st.characters(codec=None, exclude_categories=()), max_size=90)
TROUBLE = st.text(
    st.sampled_from(
        "\u0e4d\ufffc\u0e35\u0357\u0354\u0739aé한한학\u0301\u0323\u200c\u200d\u00ad\u202e\u2066\ufeff\u200b \u3000\n\0\ud800\ue000\u0378क\u094dिبـّשָ1️⃣👩🏽🇩🇪\ufe0f💥ﷺ!、"
    ),
    max_size=40,
)

ORTHOGRAPHIES = [
    "学习",
    "勉強する",
    "공부",
    "tiếng Việt",
    "שָּׁ֑לוֹם",
    "בְּרֵאשִׁ֖ית",
    "مُحَمَّدٌ",
    "ٱلرَّحْمَٰنِ",
    "می‌خواهم",
    "क्षत्रिय",
    "र्त्स्न्या",
    "क्‍ष",
    "ที่นี่",
    "น้ำ",
    "źdźbło",
    "ağaç",
    "ᾧ",
    "учёба",
    "don't",
    "to-do",
    "¿qué?",
    "3月",
    "C++",
    "ﷺ",
    "ＡＢＣ",
    "葛󠄀城",
]


@pytest.mark.parametrize("word", ORTHOGRAPHIES)
def test_every_orthography_passes_whole(word):
    assert admit(word) == unicodedata.normalize("NFC", word)


@pytest.mark.parametrize(
    ("text", "error", "details"),
    [
        ("", EmptyWord, {}),
        ("  \n\t\u3000", EmptyWord, {}),
        ("\u200b\ufeff\u2060", EmptyWord, {}),
        ("学\ud800习", BrokenText, {"code": "U+D800"}),
        ("\ue000", BrokenText, {"code": "U+E000"}),
        ("a\U0010fffd", BrokenText, {"code": "U+10FFFD"}),
        ("a\u0378", BrokenText, {"code": "U+0378"}),
        ("a\uffff", BrokenText, {"code": "U+FFFF"}),
        ("caf\ufffd", BrokenText, {"code": "U+FFFD"}),
        ("a\0b", ControlCharacters, {"code": "U+0000"}),
        ("a\x1bb", ControlCharacters, {"code": "U+001B"}),
        ("a\x85b", ControlCharacters, {"code": "U+0085"}),
        ("a\ufff9b", ControlCharacters, {"code": "U+FFF9"}),
        ("\u202eabc", BidiControls, {"code": "U+202E"}),
        ("abc\u2067", BidiControls, {"code": "U+2067"}),
        ("Z" + "\u0335" * 40, StackedMarks, {"limit": MOST_MARKS}),
        ("x" + "\u0301" * 2000, StackedMarks, {"limit": MOST_MARKS}),
        ("x" * 10_000, WordTooLong, {"limit": MOST_GRAPHEMES, "length": 10_000}),
        ("学" * 25, WordTooLong, {"limit": MOST_GRAPHEMES, "length": 25}),
        ("क्ष्म्य" * 12, WordTooLong, {"limit": MOST_CODE_POINTS, "length": 84}),
        ("😀😀", EmojiOnly, {}),
        ("👩🏽‍🚀 👨‍👩‍👧", EmojiOnly, {}),
        ("🇩🇪1️⃣#⃣", EmojiOnly, {}),
        ("🏴\U000e0067\U000e0062\U000e007f", EmojiOnly, {}),
        ("…!?", NothingToDraw, {}),
        ("\u0301", NothingToDraw, {}),
    ],
)
def test_each_abuse_has_its_own_refusal(text, error, details):
    with pytest.raises(WordRefused) as refused:
        admit(text)
    assert (type(refused.value), refused.value.details) == (error, details)


def test_length_is_counted_after_normalising():
    decomposed = unicodedata.normalize("NFD", "ệ" * MOST_GRAPHEMES)
    assert len(decomposed) == 3 * MOST_GRAPHEMES > MOST_CODE_POINTS
    assert admit(decomposed) == "ệ" * MOST_GRAPHEMES


@pytest.mark.parametrize("word", ["학" * MOST_GRAPHEMES, "ש\u05c1\u05bc\u05b8\u0591" * 12])
def test_the_limits_themselves_are_allowed(word):
    assert len(graphemes(admit(word))) == len(graphemes(word))


def test_white_space_is_trimmed_and_collapsed():
    assert admit("\n how\u00a0 are\u3000\tyou ") == "how are you"


def test_joiners_stay_only_where_a_script_uses_them():
    assert admit("می\u200cخواهم") == "می\u200cخواهم"
    assert admit("क्\u200d\u200dष") == "क्\u200dष"
    assert admit("pass\u200dword\u200c") == "password"
    assert admit("学\u200b习") == admit("\ufeff学习\u200f") == "学习"


def test_a_removed_joiner_lets_marks_compose():
    assert admit("e\u200d\u0301") == "é"


def test_mixed_writing_and_emoji_is_left_to_the_fonts():
    assert admit("学习📚") == "学习📚"


@pytest.mark.parametrize(
    "text", ["x" * 10_000_000, " " * 10_000_000, "\u0301" * 1024, "ﷺ" * 1024, "क\u094d\u200d" * 341, "\u200d" * 1024]
)
def test_size_buys_no_time(text):
    def decide() -> float:
        start = time.thread_time()
        with pytest.raises(WordRefused):
            admit(text)
        return time.thread_time() - start

    assert min(decide() for _ in range(5)) < 0.005


def _decided(text: str) -> tuple[str | None, WordRefused | None]:
    try:
        return admit(text), None
    except WordRefused as refusal:
        return None, refusal


@settings(max_examples=300, deadline=None)
@given(ANY_TEXT | TROUBLE)
@example("क\u200d")
@example("\u200c\u200dب")
@example("e\u200d\u0301")
@example(" \u200b ")
@example("\u0e4d\ufffc\u3164\u0e35\u0357\u0354\u0739\u200c")
def test_admit_refuses_or_settles(text):
    word, refusal = _decided(text)
    if word is None:
        assert "?" not in str(refusal) != ""
        return
    assert admit(word) == word
    assert unicodedata.is_normalized("NFC", word)
    assert 1 <= len(graphemes(word.replace("\u00ad", ""))) <= MOST_GRAPHEMES
    assert len(word) <= MOST_CODE_POINTS
    word.encode()
