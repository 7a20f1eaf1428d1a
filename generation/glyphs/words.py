"""Which words may be painted. Knows Unicode and its abuses.

Knows no fonts, so a word it admits may still lack a glyph.
"""

from __future__ import annotations

import unicodedata
from typing import NoReturn

import regex

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

MOST_GRAPHEMES = 24
MOST_CODE_POINTS = 64
MOST_MARKS = 4
_MOST_READ = 1024
"""Of longer text no more is looked at. NFC shrinks a text to a quarter at most, so nothing admissible is near this."""

_SPACES = regex.compile(r"[\t\n\v\f\r\p{Z}]+")
_INVISIBLE = regex.compile(r"[\u061c\u200b\u200e\u200f\u2060-\u2064\ufeff\U000e0000-\U000e007f]+")
_JOINER_RUN = regex.compile(r"[\u200c\u200d]+")
_USES_JOINERS = regex.findall(
    r"\w+",
    "Arabic Syriac Nko Mongolian Mandaic Manichaean Adlam Hanifi_Rohingya Devanagari Bengali Gurmukhi Gujarati Oriya "
    "Tamil Telugu Kannada Malayalam Sinhala Khmer Myanmar Tibetan Balinese Javanese Sundanese Tai_Tham",
)
_BESIDE_JOINER = regex.compile(
    "[{}\\p{{Extended_Pictographic}}\\ufe0f\U0001f3fb-\U0001f3ff]".format(
        "".join(f"\\p{{Script={s}}}" for s in _USES_JOINERS)
    )
)
_DAMAGED = regex.compile(r"[\p{Cs}\p{Co}\p{Cn}\ufffd]")
_BIDI = regex.compile(r"[\u202a-\u202e\u2066-\u2069]")
_DRAWN_FORMATS = r"\u00ad\u0600-\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd\u200c\u200d"
_CONTROL = regex.compile(rf"(?![{_DRAWN_FORMATS}])[\p{{Cc}}\p{{Cf}}]")
_STACK = regex.compile(rf"(?:\p{{M}}[\u200c\u200d]?){{{MOST_MARKS + 1}}}")
_EMOJI = regex.compile(r"\p{Extended_Pictographic}|\p{Regional_Indicator}|[0-9#*]\ufe0f?\u20e3")
_WRITING = regex.compile(r"[\p{L}\p{N}\p{S}]")
_GRAPHEME = regex.compile(r"\X")


def graphemes(text: str) -> list[str]:
    """The text cut into what a reader calls characters: extended grapheme clusters (UAX #29)."""
    found: list[str] = _GRAPHEME.findall(text)
    return found


def starts_with_mark(grapheme: str) -> bool:
    """Whether a grapheme leans on the one before it: it begins with a combining mark."""
    return unicodedata.category(grapheme[0]).startswith("M")


def code_of(character: str) -> str:
    """A character's code as people write it: `U+5B66`."""
    return f"U+{ord(character):04X}"


def admit(text: str) -> str:
    """The word as it is kept and painted: NFC, trimmed, white space collapsed, stray invisible characters dropped.

    NFC and not NFKC: compatibility forms (ﷺ, ﬁ, full-width letters) are what the learner wants to see, and NFKC can
    grow a text eighteen times. Applying it twice changes nothing. Any input is decided within about a millisecond.

    Raises:
        EmptyWord: only white space or invisible characters.
        BrokenText: lone surrogates, private use, unassigned code points, or U+FFFD where a character was lost.
        BidiControls: embeddings, overrides or isolates.
        ControlCharacters: any other control or format character.
        StackedMarks: more than `MOST_MARKS` combining marks on one base.
        WordTooLong: more than `MOST_GRAPHEMES` graphemes or `MOST_CODE_POINTS` code points after normalising.
        EmojiOnly: emoji and nothing to read.
        NothingToDraw: punctuation and marks only.
    """
    if len(text) > _MOST_READ:
        _refuse_stacks(text[:_MOST_READ])
        raise WordTooLong(limit=MOST_GRAPHEMES, length=len(text))
    word = _normalised(text)
    if not word:
        raise EmptyWord
    _refuse_match(word, _DAMAGED, BrokenText)
    _refuse_match(word, _BIDI, BidiControls)
    _refuse_match(word, _CONTROL, ControlCharacters)
    _refuse_stacks(word)
    _refuse_long(word)
    _refuse_unwritten(word)
    return word


def _normalised(text: str) -> str:
    """One pass after the other until none changes anything: composing may move a mark away from its joiner."""
    while (normalised := _passed_over(text)) != text:
        text = normalised
    return text


def _passed_over(text: str) -> str:
    visible = _JOINER_RUN.sub(_kept_joiner, _INVISIBLE.sub("", text))
    composed: str = _SPACES.sub(" ", unicodedata.normalize("NFC", visible))
    return composed.strip(" ")


def _kept_joiner(match: regex.Match[str]) -> str:
    """Keep one joiner where a script (or an emoji sequence) uses it; elsewhere it only hides in a word."""
    before, after = match.string[max(0, match.start() - 1) : match.start()], match.string[match.end() : match.end() + 1]
    return str(match[0][0]) if _BESIDE_JOINER.match(before) or _BESIDE_JOINER.match(after) else ""


def _refuse_match(word: str, pattern: regex.Pattern[str], error: type[WordRefused]) -> None:
    found = pattern.search(word)
    if found:
        raise error(code=code_of(found[0]))


def _refuse_stacks(word: str) -> None:
    if _STACK.search(word):
        raise StackedMarks(limit=MOST_MARKS)


def _refuse_long(word: str) -> None:
    length = len(graphemes(word.replace("\u00ad", "")))
    if length > MOST_GRAPHEMES:
        raise WordTooLong(limit=MOST_GRAPHEMES, length=length)
    if len(word) > MOST_CODE_POINTS:
        raise WordTooLong(limit=MOST_CODE_POINTS, length=len(word))


def _refuse_unwritten(word: str) -> None:
    rest, emoji = _EMOJI.subn("", word)
    if _WRITING.search(rest.replace("\ufe0f", "")) and not _only_modifiers(rest):
        return
    _raise_unwritten(emoji=emoji > 0)


def _only_modifiers(rest: str) -> bool:
    """Whether what is left beside emoji is their own skin tones."""
    return not _WRITING.search(regex.sub("[\U0001f3fb-\U0001f3ff]", "", rest))


def _raise_unwritten(*, emoji: bool) -> NoReturn:
    if emoji:
        raise EmojiOnly
    raise NothingToDraw
