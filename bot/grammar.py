"""How a learner writes a wish: `学习 study`, `学习 - study`, `"guten Tag" hello style:ink seed:7`.

Knows the grammar only. Whether the word can be painted, and in which language, is asked elsewhere.

    wish    = options anywhere, and: quoted [separator] [meaning] | word separator [meaning] | token [meaning]
    quoted  = "…" | «…» | “…” | 「…」
    separator = a spaced - – — | = | "|" | a newline
    option  = lang:CODE | style:NAME | seed:NUMBER, any case, not inside quotes
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, TypeVar

from generation.contracts.errors import BadNumber, TranslationTooLong, UnknownLanguage, UnknownStyle
from generation.contracts.request import LARGEST_SEED
from generation.styles import STYLES

# No quote holds its own opening sign: an unclosed one is given up at the next, so that a thousand of them cost a
# thousand short looks and not a thousand walks to the end.
_QUOTED = r'"[^"\n]*+"|«[^«»\n]*+»|“[^“”\n]*+”|「[^「」\n]*+」'
_OPTION = re.compile(
    rf"(?P<quoted>{_QUOTED})|(?<!\S)(?P<key>lang|language|style|seed)[:：](?P<value>\S*)", re.IGNORECASE
)
_SEPARATOR = re.compile(rf"(?P<quoted>{_QUOTED})|(?P<separator>(?:(?<=\s)|^)[-–—](?=\s|$)|[=＝|｜\n])")
_LEADING_QUOTE = re.compile(rf"\s*(?P<quoted>{_QUOTED})(?P<rest>.*)", re.DOTALL)
_LEADING_SEPARATOR = re.compile(r"^\s*(?:[-–—](?=\s|$)|[=＝|｜\n])")
_NUMBER = re.compile(r"\d{1,10}")
T = TypeVar("T")
LONGEST_MEANING: Final = 200
_LONGEST_READ: Final = 8192
_DROPPED: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})
_JOINERS: Final = "\u200c\u200d"
_SHOWN: Final = 32
_LONGEST_PLAIN: Final = 120
_MOST_PLAIN_TOKENS: Final = 5


@dataclass(frozen=True, slots=True)
class Wish:
    """What was asked for, as written.

    Attributes:
        word: raw text of the word; may be empty.
        translation: raw text of its meaning; may be empty.
        language: the `lang:` option's text, or None.
        style: a name from `generation.styles.STYLES`, or None.
        seed: 0 to 2**32 - 1, or None.
    """

    word: str = ""
    translation: str = ""
    language: str | None = None
    style: str | None = None
    seed: int | None = None


def parse(text: str, *, style_names: Mapping[str, str] = MappingProxyType({})) -> Wish:
    """Read a wish.

    Args:
        text: everything after the command, or a whole message.
        style_names: further names of styles (localized ones), casefolded, to the name in `STYLES`.

    Raises:
        UnknownStyle: `style:` names none of ours.
        UnknownLanguage: `lang:` is empty.
        BadNumber: `seed:` is no whole number in range.
    """
    found: dict[str, str] = {}

    def take(match: re.Match[str]) -> str:
        if match["key"] is None:
            return match[0]
        found[match["key"].lower()] = match["value"]
        return ""

    word, translation = _split(_OPTION.sub(take, text))
    return Wish(
        word=word,
        translation=translation,
        language=_read(found.get("lang", found.get("language")), _language),
        style=_read(found.get("style"), lambda value: _style(value, style_names)),
        seed=_read(found.get("seed"), _seed),
    )


def is_prose(text: str) -> bool:
    """Whether a plain message is too long or too wordy to mean one word, so that help serves better than a guess."""
    if len(text) > _LONGEST_PLAIN:
        return True
    rest = _OPTION.sub(lambda match: match[0] if match["key"] is None else "", text).strip()
    if _LEADING_QUOTE.match(rest) or _find_separator(rest):
        return False
    return len(rest.split()) > _MOST_PLAIN_TOKENS


def _split(text: str) -> tuple[str, str]:
    text = text.strip()
    quoted = _LEADING_QUOTE.match(text)
    if quoted and quoted["quoted"][1:-1].strip():
        return _squeeze(quoted["quoted"][1:-1]), _meaning(quoted["rest"])
    separator = _find_separator(text)
    if separator:
        return _squeeze(text[: separator.start()]), _meaning(text[separator.end() :])
    word, rest = (*text.split(maxsplit=1), "", "")[:2]
    return word, _meaning(rest)


def _find_separator(text: str) -> re.Match[str] | None:
    """The first separator outside quotes that has a word before it."""
    matches = (match for match in _SEPARATOR.finditer(text) if match["separator"])
    return next((match for match in matches if text[: match.start()].strip()), None)


def _meaning(text: str) -> str:
    text = _squeeze(_LEADING_SEPARATOR.sub("", text, count=1))
    quoted = re.fullmatch(_QUOTED, text)
    return _squeeze(text[1:-1]) if quoted else text


def _squeeze(text: str) -> str:
    return " ".join(text.split())


def _read(value: str | None, reader: Callable[[str], T]) -> T | None:
    return None if value is None else reader(value)


def _language(value: str) -> str:
    if not value:
        raise UnknownLanguage(language="")
    return value


def _style(value: str, names: Mapping[str, str]) -> str:
    folded = value.casefold()
    name = names.get(folded, folded)
    if name not in STYLES:
        raise UnknownStyle(style=value[:_SHOWN], known=", ".join(STYLES))
    return name


def _seed(value: str) -> int:
    number = int(value) if _NUMBER.fullmatch(value) else -1
    if not 0 <= number <= LARGEST_SEED:
        raise BadNumber(option="seed", value=value[:_SHOWN], smallest=0, largest=LARGEST_SEED)
    return number


def clean_meaning(text: str) -> str:
    """A translation as it is kept: NFC, one line, without control, direction and damaged characters.

    Raises:
        TranslationTooLong: more than `LONGEST_MEANING` code points are left.
    """
    if len(text) > _LONGEST_READ:
        raise TranslationTooLong(limit=LONGEST_MEANING, length=len(text))
    kept = "".join(c for c in text if c in _JOINERS or unicodedata.category(c) not in _DROPPED or c.isspace())
    meaning = _squeeze(unicodedata.normalize("NFC", kept))
    if len(meaning) > LONGEST_MEANING:
        raise TranslationTooLong(limit=LONGEST_MEANING, length=len(meaning))
    return meaning
