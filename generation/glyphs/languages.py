"""Which language a word is in, from its letters or from a hint. Knows codes and alphabets; knows no dictionary.

The guess only has to choose regional shapes and a default; where it is wrong, the learner's hint corrects it.
"""

from __future__ import annotations

import unicodedata

import regex

from generation.contracts.errors import UnknownLanguage
from generation.glyphs import repertoire
from generation.glyphs.scripts import script_of, script_of_character

__all__ = ["NAMES", "language_of", "script_of"]

UNDETERMINED = "und"

NAMES = {
    "zh-Hans": ("simplified chinese", "simplified", "mandarin", "简体中文", "简体", "简中"),
    "zh-Hant": ("traditional chinese", "traditional", "cantonese", "繁體中文", "繁體", "正體中文", "繁中"),
    "zh": ("chinese", "中文", "汉语", "漢語", "китайский"),
    "ja": ("japanese", "日本語", "японский", "日语", "jp"),
    "ko": ("korean", "한국어", "корейский", "韩语", "kr"),
    "vi": ("vietnamese", "tiếng việt", "вьетнамский", "越南语"),
    "ar": ("arabic", "العربية", "арабский", "阿拉伯语"),
    "fa": ("persian", "farsi", "فارسی", "персидский"),
    "ur": ("urdu", "اردو", "урду"),
    "he": ("hebrew", "עברית", "иврит", "希伯来语", "iw"),
    "hi": ("hindi", "हिन्दी", "хинди", "印地语"),
    "mr": ("marathi", "मराठी"),
    "ne": ("nepali", "नेपाली"),
    "sa": ("sanskrit", "संस्कृतम्", "санскрит"),
    "th": ("thai", "ไทย", "тайский", "泰语"),
    "ru": ("russian", "русский", "俄语"),
    "uk": ("ukrainian", "українська", "украинский", "乌克兰语"),
    "be": ("belarusian", "беларуская"),
    "bg": ("bulgarian", "български"),
    "sr": ("serbian", "српски"),
    "el": ("greek", "ελληνικά", "греческий", "希腊语"),
    "en": ("english", "английский", "英语"),
    "de": ("german", "deutsch", "немецкий", "德语"),
    "fr": ("french", "français", "французский", "法语"),
    "es": ("spanish", "español", "испанский", "西班牙语"),
    "pt": ("portuguese", "português", "португальский"),
    "it": ("italian", "italiano", "итальянский"),
    "pl": ("polish", "polski", "польский"),
    "cs": ("czech", "čeština", "чешский"),
    "tr": ("turkish", "türkçe", "турецкий"),
}
"""Names a learner may write after `lang:`, by code."""

_CODES = {name: code for code, names in NAMES.items() for name in names}
_TAG = regex.compile(
    r"(?P<language>[a-z]{2,3}|[a-z]{5,8})(?:-(?P<script>[a-z]{4}))?(?:-(?P<region>[a-z]{2}|\d{3}))?"
    r"(?P<rest>(?:-(?:[a-z\d]{5,8}|\d[a-z\d]{3}))*(?:-[a-wy-z\d](?:-[a-z\d]{2,8})+)*(?:-x(?:-[a-z\d]{1,8})+)?)",
)
_TRADITIONAL_REGIONS = frozenset({"TW", "MO", "HK"})
_SIMPLIFIED_REGIONS = frozenset({"CN", "SG", "MY"})
_BY_SCRIPT = {
    "Hira": "ja",
    "Kana": "ja",
    "Hang": "ko",
    "Bopo": "zh-Hant",
    "Arab": "ar",
    "Hebr": "he",
    "Deva": "hi",
    "Thai": "th",
    "Grek": "el",
    "Armn": "hy",
    "Geor": "ka",
    "Beng": "bn",
    "Taml": "ta",
    "Telu": "te",
    "Khmr": "km",
    "Laoo": "lo",
    "Mymr": "my",
    "Tibt": "bo",
    "Ethi": "am",
}
_TELLTALES = (
    ("Arab", "ur", "ٹڈڑںےہھ"),
    ("Arab", "fa", "پچژگکی\u200c"),
    ("Cyrl", "uk", "їєґ"),
    ("Cyrl", "be", "ў"),
    ("Cyrl", "sr", "ђћџљњј"),
    ("Latn", "vi", "ơưđạảấầẩẫậắằẳẵặẹẻẽếềểễệỉịọỏốồổỗộớờởỡợụủứừửữựỳỵỷỹ"),
    ("Latn", "pl", "łąęźżśńć"),
    ("Latn", "cs", "řůě"),
    ("Latn", "tr", "ğış"),
    ("Latn", "de", "ß"),
    ("Latn", "es", "ñ¿¡"),
    ("Latn", "pt", "ãõ"),
)
"""Letters one language of a script has and its better-known neighbours do not; the first row that matches wins."""


def language_of(word: str, hint: str | None = None) -> str:
    """The BCP 47 tag a word is drawn and remembered under.

    Args:
        word: admitted text.
        hint: what the learner said: a tag (`ja`, `zh-TW`, `zh-Hant-HK`), or a name (`japanese`, `日本語`).

    Returns:
        A tag in its canonical case. Chinese always names its script: `zh-Hans` or `zh-Hant`, with the region only for
        Hong Kong, whose shapes differ. Latin words without a telltale letter are `und-Latn`; a word in no known script
        is `und`.

    Raises:
        UnknownLanguage: the hint is neither a well-formed tag nor a name we know.
    """
    if hint is None or not hint.strip():
        return _guessed(word)
    named = _CODES.get(unicodedata.normalize("NFC", hint).strip().casefold())
    return _canonical(named or hint, word, hint)


def _canonical(tag: str, word: str, hint: str) -> str:
    match = _TAG.fullmatch(tag.strip().replace("_", "-").casefold())
    if not match:
        raise UnknownLanguage(language=hint[:40])
    parts: dict[str, str] = match.groupdict("")
    language, script, region = parts["language"], parts["script"].title(), parts["region"].upper()
    if language in {"zh", "yue", "cmn"}:
        return _chinese(script, region or ("HK" if language == "yue" else ""), word)
    return "-".join(filter(None, (language, script, region))) + parts["rest"]


def _chinese(script: str, region: str, word: str) -> str:
    if script not in {"Hans", "Hant"}:
        script = _script_by_region(region) or _guessed_han(word).removeprefix("zh-")
    if script == "ja":
        script = "Hant"
    return "zh-Hant-HK" if (script, region) == ("Hant", "HK") else f"zh-{script}"


def _script_by_region(region: str) -> str | None:
    if region in _TRADITIONAL_REGIONS:
        return "Hant"
    return "Hans" if region in _SIMPLIFIED_REGIONS else None


def _guessed(word: str) -> str:
    scripts = {script for character in word if (script := script_of_character(character))}
    if scripts & {"Hira", "Kana"}:
        return "ja"
    if "Hang" in scripts:
        return "ko"
    main = script_of(word)
    if main == "Hani":
        return _guessed_han(word)
    told = _told_by_letters(word.lower(), main)
    if told:
        return told
    return _BY_SCRIPT.get(main, "ru" if main == "Cyrl" else UNDETERMINED if main == "Zyyy" else f"und-{main}")


def _told_by_letters(word: str, main: str) -> str | None:
    return next(
        (code for script, code, letters in _TELLTALES if script == main and not set(letters).isdisjoint(word)), None
    )


def _guessed_han(word: str) -> str:
    """Chinese or Japanese, by the first national set that has every ideograph: GB 2312, Big5, JIS X 0208."""
    han = "".join(filter(repertoire.is_han, word))
    if "々" in word or "〆" in word:
        return "ja"
    if _encodes(han, "gb2312"):
        return "zh-Hans"
    return "ja" if _encodes(han, "shift_jis") and not _encodes(han, "big5") else "zh-Hant"


def _encodes(text: str, codec: str) -> bool:
    try:
        text.encode(codec)
    except UnicodeEncodeError:
        return False
    return True
