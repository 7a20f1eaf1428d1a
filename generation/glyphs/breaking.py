"""Where a word may be broken over lines, and how gladly. Knows orthography; knows neither fonts nor sizes."""

from __future__ import annotations

import enum
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

import regex

from generation.glyphs.scripts import is_east_asian, script_of_character
from generation.glyphs.words import starts_with_mark

SOFT_HYPHEN = "\u00ad"
_HYPHENS = frozenset("-‐–—/")
_NOT_FIRST = frozenset(
    "、。，．・：；？！゛゜ヽヾゝゞ々ー）〕］｝〉》」』】〙〗'\"”’)]},.:;?!%…"
    "ぁぃぅぇぉっゃゅょゎゕゖァィゥェォッャュョヮヵヶㇰㇱㇲㇳㇴㇵㇶㇷㇸㇹㇺㇻㇼㇽㇾㇿ"
    "ะาำๅๆฯ"
)
_NOT_LAST = frozenset("（〔［｛〈《「『【〘〖“‘([{¿¡")
_LEADING_VOWELS = frozenset("เแโใไເແໂໃໄ")
_CLOSING_VOWELS = frozenset("ะະ")
_AKSHARA_SCRIPTS = frozenset({"Deva", "Beng", "Guru", "Gujr", "Orya", "Taml", "Telu", "Knda", "Mlym", "Sinh"})
_SYLLABIC_SCRIPTS = frozenset({"Latn", "Cyrl", "Grek"})
_VIRAMA = regex.compile(r"\p{Indic_Syllabic_Category=Virama}$")
_VOWELS = frozenset("aeiouyæøœəıаеёиоуыэюяіїєαεηιουω")
_HELD_TOGETHER = frozenset(
    unit
    for first, seconds in {
        **dict.fromkeys("tgp", "hr"),
        **dict.fromkeys("fbk", "rl"),
        "c": "hkzrl",
        "s": "hzcptk",
        "r": "z",
        "d": "zr",
        "q": "u",
        "w": "h",
        "с": "т",
        **dict.fromkeys("тпдкгб", "р"),
        **dict.fromkeys("κτπβγδθφχ", "ρ"),
        **dict.fromkeys("κπβγφχ", "λρ"),
        "α": "ι",
        "ε": "ι",
        "ο": "ιυ",
    }.items()
    for unit in (first + second for second in seconds)
)
"""Pairs of letters that one sound or one onset is written with: never parted, and an onset as good as one consonant."""
_SILENT_START = frozenset("ьъйы")
_FEWEST_BEFORE, _FEWEST_AFTER = 2, 3
"""Letters on either side of a break inside a word, the minima that typesetters use."""
_SHORTEST_CUT = 10
"""A shorter word stays whole: a learner remembers its shape in one piece, and gains little from larger letters."""


class Break(enum.Enum):
    """How a place may be broken; the value is what the arrangement's score is multiplied by."""

    SPACE = 0.97
    """At white space, which vanishes."""
    HYPHEN = 0.96
    """After a hyphen that is written anyway."""
    SCRIPT = 0.94
    """Where the East Asian grid meets another script: 日本語|abc."""
    SQUARE = 0.85
    """Between characters of the East Asian grid."""
    SOFT = 0.9
    """At a soft hyphen the learner wrote; a hyphen appears."""
    UNSPACED = 0.86
    """Where a script written without spaces surely starts a syllable."""
    SYLLABLE = 0.68
    """Inside a word, at what is likely a syllable's edge; a hyphen appears."""
    AKSHARA = 0.5
    """Between the clusters of an Indic word, which cuts its head line."""

    @property
    def cuts(self) -> bool:
        """Whether breaking here cuts a word that has no mark of its own there."""
        return self in {Break.SYLLABLE, Break.AKSHARA}


@dataclass(frozen=True, slots=True)
class Place:
    """A break before grapheme `at`; `hyphen` is what the line before it gains."""

    at: int
    kind: Break
    hyphen: str = ""


def places_to_break(clusters: Sequence[str]) -> list[Place]:
    """Every place a word may be broken.

    Arabic, Hebrew, Khmer and other scripts that join or do not hyphenate break at spaces only; Thai and Lao before a
    leading vowel and after a closing one, which always bound a syllable; Indic scripts between aksharas.

    Args:
        clusters: the word's graphemes.
    """
    return [place for at in range(1, len(clusters)) if (place := _place(clusters, at))]


def _place(clusters: Sequence[str], at: int) -> Place | None:
    before, after = clusters[at - 1], clusters[at]
    if before == " ":
        return Place(at, Break.SPACE)
    if after == " " or starts_with_mark(after) or after in _HYPHENS or after[0] in _NOT_FIRST or before[0] in _NOT_LAST:
        return None
    if before in _HYPHENS and at > 1:
        return Place(at, Break.HYPHEN)
    if before == SOFT_HYPHEN:
        return Place(at, Break.SOFT, "-")
    squares = is_east_asian(before), is_east_asian(after)
    if any(squares):
        return Place(at, Break.SQUARE if all(squares) else Break.SCRIPT)
    return _inside_word(clusters, at)


def _inside_word(clusters: Sequence[str], at: int) -> Place | None:
    before, after = (script_of_character(clusters[i][0]) for i in (at - 1, at))
    if before != after or after is None:
        return None
    if after in _SYLLABIC_SCRIPTS and _opens_syllable(clusters, at):
        return Place(at, Break.SYLLABLE, "-")
    if after in {"Thai", "Laoo"} and (clusters[at][0] in _LEADING_VOWELS or clusters[at - 1][-1] in _CLOSING_VOWELS):
        return Place(at, Break.UNSPACED)
    if after in _AKSHARA_SCRIPTS and not _VIRAMA.search(clusters[at - 1]):
        return Place(at, Break.AKSHARA, "-" if after == "Deva" else "")
    return None


def _opens_syllable(clusters: Sequence[str], at: int) -> bool:
    """Whether a consonant before a vowel stands at `at`, with a vowel and enough letters on either side."""
    start, end = _word_around(clusters, at)
    letters = [_plain(cluster) for cluster in clusters[start:end]]
    here = at - start
    if len(letters) < _SHORTEST_CUT:
        return False
    if here < _FEWEST_BEFORE or len(letters) - here < _FEWEST_AFTER or letters[here] in _VOWELS | _SILENT_START:
        return False
    if "".join(letters[here - 1 : here + 1]) in _HELD_TOGETHER:
        return False
    head, tail = letters[:here], letters[here:]
    # A held group opens a syllable only before a vowel: Freund-schaft, but Deutsch-land.
    held = 3 if tail[:3] == ["s", "c", "h"] else 2 * ("".join(tail[:2]) in _HELD_TOGETHER)
    opens = tail[1] in _VOWELS or (held > 0 and tail[held : held + 1] != [] and tail[held] in _VOWELS)
    return opens and not _VOWELS.isdisjoint(head) and not _VOWELS.isdisjoint(tail)


def _word_around(clusters: Sequence[str], at: int) -> tuple[int, int]:
    start, end = at, at
    while start > 0 and clusters[start - 1][0].isalpha():
        start -= 1
    while end < len(clusters) and clusters[end][0].isalpha():
        end += 1
    return start, end


def _plain(cluster: str) -> str:
    """A letter without case and marks, so that é, ё and ệ count as the vowels they are."""
    return unicodedata.normalize("NFD", cluster)[0].lower()
