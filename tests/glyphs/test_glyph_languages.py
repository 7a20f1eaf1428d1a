import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generation.contracts.errors import UnknownLanguage
from generation.glyphs.languages import NAMES, language_of, script_of
from generation.glyphs.scripts import is_east_asian


@pytest.mark.parametrize(
    ("word", "language"),
    [
        ("学习", "zh-Hans"),
        ("中国", "zh-Hans"),
        ("學習", "zh-Hant"),
        ("臺灣", "zh-Hant"),
        ("図書館", "ja"),
        ("時々", "ja"),
        ("働", "ja"),
        ("勉強する", "ja"),
        ("コーヒー", "ja"),
        ("공부", "ko"),
        ("學校에", "ko"),
        ("учёба", "ru"),
        ("їжа", "uk"),
        ("тиўн", "be"),
        ("љубав", "sr"),
        ("tiếng", "vi"),
        ("ŁÓDŹ", "pl"),
        ("ağaç", "tr"),
        ("Straße", "de"),
        ("study", "und-Latn"),
        ("تعلم", "ar"),
        ("گفت", "fa"),
        ("שלום", "he"),
        ("हिन्दी", "hi"),
        ("เรียน", "th"),
        ("λόγος", "el"),
        ("𓀀", "und-Egyp"),
        ("123", "und"),
    ],
)
def test_a_language_is_told_by_its_letters(word, language):
    assert language_of(word) == language


@pytest.mark.parametrize(
    ("hint", "language"),
    [
        ("ja", "ja"),
        ("Japanese", "ja"),
        (" 日本語 ", "ja"),
        ("японский", "ja"),
        ("zh", "zh-Hans"),
        ("chinese", "zh-Hans"),
        ("zh-TW", "zh-Hant"),
        ("zh_cn", "zh-Hans"),
        ("ZH-hant-hk", "zh-Hant-HK"),
        ("zh-HK", "zh-Hant-HK"),
        ("yue", "zh-Hant-HK"),
        ("EN-us", "en-US"),
        ("sr-latn", "sr-Latn"),
        ("de-1996", "de-1996"),
        ("sl-rozaj-biske", "sl-rozaj-biske"),
        ("es-419", "es-419"),
        ("tlh", "tlh"),
    ],
)
def test_a_hint_becomes_a_canonical_tag(hint, language):
    assert language_of("学习", hint) == language


def test_plain_chinese_takes_its_script_from_the_word():
    assert (language_of("臺灣", "zh"), language_of("台湾", "zh")) == ("zh-Hant", "zh-Hans")


@pytest.mark.parametrize("hint", ["x", "12", "klingonese language", "ja!", "zh-", "-", "a" * 9, "en--us", "<b>"])
def test_nonsense_is_refused_by_name(hint):
    with pytest.raises(UnknownLanguage) as refused:
        language_of("学习", hint)
    assert refused.value.details == {"language": hint}


@pytest.mark.parametrize(("code", "name"), [(code, name) for code, names in NAMES.items() for name in names])
def test_every_name_leads_to_its_code(code, name):
    assert language_of("学习", name).startswith(code.partition("-")[0])


@settings(deadline=None)
@given(st.text(max_size=30), st.text(max_size=12))
def test_a_hint_is_taken_or_refused(word, hint):
    try:
        tag = language_of(word, hint)
    except UnknownLanguage:
        return
    assert language_of(word, tag) == tag


@pytest.mark.parametrize(
    ("word", "script"),
    [("学习", "Hani"), ("勉強する", "Hani"), ("تعلّم", "Arab"), ("abc", "Latn"), ("123", "Zyyy"), ("日a한한", "Hang")],
)
def test_script_of_most_of_the_word(word, script):
    assert script_of(word) == script


def test_the_east_asian_grid_takes_its_punctuation_along():
    assert all(map(is_east_asian, "学あアー한ㄅ、。「」！々"))
    assert not any(map(is_east_asian, "aяب1 -"))
