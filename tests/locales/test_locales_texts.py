"""The messages themselves: complete in every language, sound in form, escaped where a learner's text goes in."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
from functools import lru_cache
from pathlib import Path

import pytest
from fluent.runtime import FluentResource
from fluent.syntax import ast
from fluent.syntax.visitor import Visitor
from hypothesis import given
from hypothesis import strategies as st

import locales
from bot.commands_menu import ADMIN, GROUP, PRIVATE
from bot.texts import FALLBACK, IncompleteTextsError, Texts, quote, strip_html
from generation.contracts import errors
from generation.styles import STYLES

TEXTS = Texts.load()
ROOT = Path(next(iter(locales.__path__)))
NUMBERS = {"place", "seconds", "minutes", "percent", "limit", "length", "waiting", "running", "cores", "count"}
OURS = {"style", "emoji", "bar", "reason"}
"""Arguments our own code makes, HTML already: a localized style name, its emoji, the bar, another message."""
PLAIN_HEADS = (
    "button-",
    "press-",
    "error-",
    "command-",
    "bot-",
    "language-name",
    "language-chosen",
    "ask-word-placeholder",
    "cancel-done-many",
)
"""Messages that are shown where Telegram reads no markup."""


@lru_cache
def messages(locale: str) -> dict[str, ast.Message]:
    entries = [
        entry for file in (ROOT / locale).glob("*.ftl") for entry in FluentResource(file.read_text("utf-8")).body
    ]
    found = [entry for entry in entries if isinstance(entry, ast.Message)]
    assert len({entry.id.name for entry in found}) == len(found), "a key twice"
    return {entry.id.name: entry for entry in found}


class Arguments(Visitor):
    """The variables of a message: all of them, and those that reach the text outside QUOTE."""

    def __init__(self, message: ast.Message) -> None:
        self.every: set[str] = set()
        self.bare: set[str] = set()
        self.visit(message)

    def visit_VariableReference(self, node):
        self.every.add(node.id.name)

    def visit_Placeable(self, node):
        if isinstance(node.expression, ast.VariableReference):
            self.bare.add(node.expression.id.name)
        self.generic_visit(node)


def sample(message: ast.Message, number: int = 2) -> dict[str, str | int]:
    return {name: number if name in NUMBERS else "x" for name in Arguments(message).every}


@pytest.mark.parametrize("locale", TEXTS.locales)
def test_every_error_has_its_message_and_its_arguments(locale):
    kinds = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, errors.WordbrushError)]
    assert len(kinds) > 40
    for kind in kinds:
        given_names = set(re.findall(r"{(\w+)}", kind.summary)) | set(re.findall(r"`(\w+)`", kind.__doc__ or ""))
        message = messages(locale)[kind.message_key]
        known = given_names | _details_in_the_tree(kind)
        assert Arguments(message).every <= known, f"{kind.__name__} in {locale}"


def _details_in_the_tree(kind: type[errors.WordbrushError]) -> set[str]:
    """What the picture of the tree on top of the module says a class carries, for every class with that key."""
    names = [
        other.__name__
        for _, other in inspect.getmembers(errors, inspect.isclass)
        if getattr(other, "message_key", None) == kind.message_key
    ]
    lines = [line for line in (errors.__doc__ or "").splitlines() if any(f" {name} " in f"{line} " for name in names)]
    return {word for line in lines for word in re.findall(r"\w+", line)}


@pytest.mark.parametrize("locale", TEXTS.locales)
def test_styles_and_commands_are_named(locale):
    for name in STYLES:
        assert 1 <= len(TEXTS.plain(f"style-{name}", locale)) <= 20
    for name in {*PRIVATE, *GROUP, *ADMIN}:
        assert 1 <= len(TEXTS.plain(f"command-{name}", locale)) <= 256
    assert len(TEXTS.plain("bot-description", locale)) <= 512
    assert len(TEXTS.plain("bot-short-description", locale)) <= 120
    assert len(TEXTS.plain("ask-word-placeholder", locale)) <= 64


@pytest.mark.parametrize("locale", TEXTS.locales)
def test_all_text_of_learners_goes_through_quote(locale):
    for key, message in messages(locale).items():
        assert Arguments(message).bare <= NUMBERS | OURS, key


@pytest.mark.parametrize("locale", TEXTS.locales)
def test_languages_use_the_same_arguments_and_the_same_tags(locale):
    reference = messages(FALLBACK)
    for key, message in messages(locale).items():
        assert Arguments(message).every == Arguments(reference[key]).every, key
        assert sorted(tags(key, message, locale)) == sorted(tags(key, reference[key], FALLBACK)), key


def tags(key: str, message: ast.Message, locale: str) -> list[str]:
    return re.findall(r"</?[a-z]+>", TEXTS.get(key, locale, **sample(message)))


@pytest.mark.parametrize("locale", TEXTS.locales)
@pytest.mark.parametrize("number", [0, 1, 2, 5, 11, 21, 22, 25, 101])
def test_every_message_renders_for_every_plural(locale, number, caplog):
    for key, message in messages(locale).items():
        text = TEXTS.get(key, locale, **sample(message, number))
        assert text.strip()
        assert "{" not in text
        assert "\u2068" not in text
        assert len(text) <= 4096
        if key.startswith(("button-", "press-")):
            assert len(text) <= 200
    assert not caplog.records


@pytest.mark.parametrize("locale", TEXTS.locales)
def test_what_is_shown_without_markup_has_none(locale):
    for key, message in messages(locale).items():
        if key.startswith(PLAIN_HEADS):
            assert "<" not in TEXTS.get(key, locale, **sample(message)), key


RUSSIAN = {
    1: "1 ваше слово",
    2: "2 ваших слова",
    5: "5 ваших слов",
    11: "11 ваших слов",
    21: "21 ваше слово",
    22: "22 ваших слова",
    25: "25 ваших слов",
    111: "111 ваших слов",
}


@pytest.mark.parametrize(("number", "words"), RUSSIAN.items())
def test_russian_counts_like_russian(number, words):
    assert words in TEXTS.get("error-queue-yours-full", "ru", limit=number)


@pytest.mark.parametrize(
    ("number", "words"), [(1, "1 секунды"), (2, "2 секунд"), (5, "5 секунд"), (21, "21 секунды"), (25, "25 секунд")]
)
def test_russian_declines_after_about(number, words):
    assert f"около {words}" in f"{TEXTS.get('order-eta-seconds', 'ru', seconds=number)}"


def test_english_tells_one_from_many():
    assert "1 word is waiting" in TEXTS.get("error-queue-full", "en", limit=1)
    assert "50 words are waiting" in TEXTS.get("error-queue-full", "en", limit=50)
    assert "50 个词" in TEXTS.get("error-queue-full", "zh", limit=50)


@pytest.mark.parametrize(
    ("code", "locale"),
    [
        ("en", "en"),
        ("en-US", "en"),
        ("ru", "ru"),
        ("RU_ru", "ru"),
        ("zh-hans", "zh"),
        ("zh-hant-TW", "zh"),
        ("zh", "zh"),
        ("pt-br", "en"),
        ("", "en"),
        (None, "en"),
        ("xx-yy-zz", "en"),
        ("-", "en"),
        ("__", "en"),
        ("zhongwen", "en"),
    ],
)
def test_telegrams_codes_find_a_locale(code, locale):
    assert TEXTS.normalise(code) == locale


def test_any_code_may_be_asked_in():
    assert TEXTS.get("order-cancelled", "pt-br") == TEXTS.get("order-cancelled", "en")
    assert TEXTS.get("order-cancelled", "zh-hans") == "已取消。"


@given(st.text())
def test_quoted_text_is_inert_and_comes_back(text):
    quoted = quote(text)
    assert not set("<>") & set(quoted)
    quoted.encode()
    assert strip_html(f"<b>{quoted}</b>") == text.encode("utf-8", "replace").decode() or "\ufffd" in quoted


def test_lone_surrogates_and_numbers_in_quotes():
    assert quote("a\ud800b") == "a?b"
    assert quote(4294967295) == "4294967295"
    assert TEXTS.plain("error-style-unknown", "en", style="<i>&", known="x").startswith(
        "I do not know the style “<i>&”."
    )


def test_a_missing_argument_is_logged_and_never_shows_machinery(caplog):
    text = TEXTS.get("error-style-unknown", "en", known="x")
    assert "…" in text
    assert "fluent" not in text
    assert "error-style-unknown" in caplog.text


def test_an_incomplete_or_damaged_locale_is_found_at_start():
    with pytest.raises(IncompleteTextsError, match="two"):
        Texts({"en": ["one = 1\ntwo = 2"], "ru": ["one = 1"]}).check()
    with pytest.raises(IncompleteTextsError, match="extra"):
        Texts({"en": ["one = 1"], "ru": ["one = 1\nextra = 2"]}).check()
    with pytest.raises(IncompleteTextsError, match="parse"):
        Texts({"en": ["one = { "]})
    with pytest.raises(KeyError):
        TEXTS.get("no-such-message", "en")
    assert not TEXTS.has("no-such-message")


def test_a_missing_message_falls_back_to_english():
    assert Texts({"en": ["one = 1\ntwo = 2"], "ru": ["one = один"]}).get("two", "ru") == "2"


def test_texts_need_neither_telegram_nor_a_database():
    code = "import sys, bot.texts; bot.texts.Texts.load(); sys.exit(bool({'aiogram', 'sqlalchemy', 'pydantic'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False, cwd=ROOT.parent).returncode == 0


def test_the_code_asks_for_no_message_that_is_missing_and_none_lies_idle():
    root = ROOT.parent
    code = "\n".join(
        path.read_text("utf-8") for path in [*(root / "bot").rglob("*.py"), root / "generation/contracts/errors.py"]
    )
    asked = set(
        re.findall(
            r'"((?:order|button|press|gpu|help|cancel|language|ask|command|error|start|about|bot)-[a-z-]+)"', code
        )
    )
    known = TEXTS.keys()
    assert {key for key in asked if not key.endswith("-")} - known <= {"language-x", "bot-api"}
    idle = {key for key in known if f'"{key}"' not in code}
    assert idle <= {f"style-{name}" for name in STYLES} | {f"command-{name}" for name in ADMIN}
