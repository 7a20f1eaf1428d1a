"""The text prompt of a request. Knows styles and words; no fonts, no tokenizer.

What a learner wrote only ever fills the template's slots: everything a prompt parser could take for syntax (weights,
brackets, network tags, escapes) is taken out of it first, and the negative prompt holds nothing of it.
"""

from __future__ import annotations

import re

from generation.contracts.request import PaintRequest
from generation.styles import style_named

LONGEST_MEANING = 120
"""Characters; a text encoder reads 77 tokens, and the style's own words stand behind the meaning."""

_SCRIPTS = {
    "Arab": "Arabic script",
    "Armn": "Armenian letters",
    "Beng": "Bengali script",
    "Cyrl": "Cyrillic letters",
    "Deva": "Devanagari script",
    "Ethi": "Ethiopic script",
    "Geor": "Georgian letters",
    "Grek": "Greek letters",
    "Hang": "Korean hangul",
    "Hani": "Chinese characters",
    "Hebr": "Hebrew letters",
    "Hira": "Japanese hiragana",
    "Jpan": "Japanese characters",
    "Kana": "Japanese katakana",
    "Khmr": "Khmer script",
    "Kore": "Korean hangul",
    "Laoo": "Lao script",
    "Latn": "Latin letters",
    "Mymr": "Burmese script",
    "Taml": "Tamil script",
    "Telu": "Telugu script",
    "Thai": "Thai script",
    "Tibt": "Tibetan script",
}
_NETWORK_TAG = re.compile(r"<[^<>]*>")
_WEIGHT = re.compile(r":\s*[-+]?\d*\.?\d+(?=\s*[)\]}])")
_SYNTAX = re.compile(r"[(){}\[\]<>|\\^~\"]|[\x00-\x1f\x7f]")
_FULL_WIDTH = str.maketrans("（）｛｝［］＜＞：｜＼", "(){}[]<>:|\\")
_SLOT = re.compile(r"\{(meaning|word|script)\}")


def script_name(code: str, language: str = "und") -> str:
    """A script's name for a prompt: `Chinese characters` for `Hani`, but `Japanese kanji` in Japanese.

    Args:
        code: ISO 15924.
        language: BCP 47 of the word.
    """
    if code == "Hani":
        return {"ja": "Japanese kanji", "ko": "Korean hanja"}.get(language.split("-", maxsplit=1)[0], _SCRIPTS[code])
    return _SCRIPTS.get(code, "letters")


def inert(text: str) -> str:
    """The text without anything a prompt parser could read as syntax; white space collapsed."""
    plain = text.translate(_FULL_WIDTH)
    while (less := _NETWORK_TAG.sub(" ", plain)) != plain:
        plain = less
    plain = _SYNTAX.sub(" ", _WEIGHT.sub(" ", plain))
    return re.sub(r"\s+([,.;!?])", r"\1", " ".join(plain.split())).strip(" ,:")


def build(request: PaintRequest, script: str) -> tuple[str, str]:
    """The positive and the negative prompt.

    Args:
        request: its style's template is filled, or its own `prompt` where it has one.
        script: the script's name, from `script_name`.

    Raises:
        UnknownStyle: the request's style is not in the list.
    """
    style = style_named(request.style)
    word, meaning = kept(request)
    slots = {"meaning": meaning, "word": word, "script": script}
    template = style.template if request.prompt is None else request.prompt
    return _SLOT.sub(lambda slot: slots[slot[1]], template), style.negative


def kept(request: PaintRequest) -> tuple[str, str]:
    """The word and its meaning as they stand in the prompt: what a reader that cannot take all of it keeps first."""
    word = inert(request.word)
    return word, _shortened(inert(request.translation)) or word


def _shortened(text: str) -> str:
    if len(text) <= LONGEST_MEANING:
        return text
    return text[: LONGEST_MEANING + 1].rpartition(" ")[0] or text[:LONGEST_MEANING]
