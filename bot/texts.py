"""What the bot says, in every interface language: Fluent messages by key.

Knows `.ftl` files and HTML escaping. Knows no chat, no database and no order, imports neither aiogram nor SQLAlchemy,
and never reads a context: a worker or the courier says the same as a handler. The learner's interface language and the
language they study are two things.
"""

from __future__ import annotations

import html
import logging
import re
from collections.abc import Callable, Mapping
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Any, cast

from fluent.runtime import FluentBundle, FluentResource
from fluent.runtime.types import FluentNone, FluentType
from fluent.syntax import ast

import locales

log = logging.getLogger(__name__)

FALLBACK = "en"
_TAG = re.compile(r"<[^>]*>")


class IncompleteTextsError(RuntimeError):
    """A locale lacks a message, or one of its files does not parse: a fault of the build, found at start."""


def quote(value: Any) -> str:
    """Any value as text that is inert inside Telegram's HTML; what cannot be encoded becomes U+FFFD.

    Numbers pass through without grouping, which is what seeds and sizes want.
    """
    if isinstance(value, FluentNone):
        return "…"  # an argument nobody gave; the log says which message
    return html.escape(str(value).encode("utf-8", "replace").decode("utf-8"), quote=False)


def strip_html(text: str) -> str:
    """The plain text behind one of our HTML messages, for buttons and alerts, where Telegram reads no markup."""
    return html.unescape(_TAG.sub("", text))


class Texts:
    """Every message of every locale, parsed once.

    Args:
        sources: by locale, the text of its `.ftl` files; tests pass their own.

    Raises:
        IncompleteTextsError: a file has an entry that does not parse.
    """

    def __init__(self, sources: Mapping[str, list[str]]) -> None:
        self._bundles = {locale: _bundle(locale, parts) for locale, parts in sources.items()}
        self._keys = {locale: _keys(parts) for locale, parts in sources.items()}
        self.locales: tuple[str, ...] = tuple(sorted(self._bundles, key=lambda code: (code != FALLBACK, code)))

    @classmethod
    def load(cls) -> Texts:
        """The texts shipped in the `locales` package, checked.

        Raises:
            IncompleteTextsError: a message is missing somewhere, or a file is damaged.
        """
        texts = cls({folder.name: _read(folder) for folder in _folders()})
        texts.check()
        return texts

    def check(self) -> None:
        """Compare every locale with the fallback's keys.

        Raises:
            IncompleteTextsError: a locale lacks a key or has one that nobody else knows.
        """
        wanted = self.keys()
        for locale, keys in self._keys.items():
            if keys != wanted:
                odd = ", ".join(sorted(keys ^ wanted))
                raise IncompleteTextsError(f"locale {locale} differs from {FALLBACK} in: {odd}")

    def keys(self, locale: str = FALLBACK) -> frozenset[str]:
        """The message keys a locale has."""
        return self._keys[locale]

    def has(self, key: str) -> bool:
        """Whether there is such a message; rows written by another version may name one there is not."""
        return key in self._keys[FALLBACK]

    def normalise(self, code: str | None) -> str:
        """The locale for a Telegram language code (`pt-br`, `zh-hans`, `RU_ru`, none at all): ours, or the fallback."""
        language = (code or "").replace("_", "-").split("-")[0].lower()
        return language if language in self._bundles else FALLBACK

    def get(self, key: str, locale: str, **args: str | float) -> str:
        """A message as Telegram HTML.

        Args:
            key: its key in the `.ftl` files.
            locale: one of `locales` or any Telegram code.
            **args: the message's arguments; numbers choose plurals, text is escaped by the message's own `QUOTE`.

        Raises:
            KeyError: no locale has the key.
        """
        for candidate in (self.normalise(locale), FALLBACK):
            bundle = self._bundles[candidate]
            if bundle.has_message(key):
                return _format(bundle, key, args)
        raise KeyError(key)

    def plain(self, key: str, locale: str, **args: str | float) -> str:
        """The same message without markup and escapes: for buttons, alerts, command lists and copied text."""
        return strip_html(self.get(key, locale, **args))


def _format(bundle: FluentBundle, key: str, args: Mapping[str, str | float]) -> str:
    pattern = bundle.get_message(key).value
    assert pattern is not None  # a message of attributes alone counts as missing, see `_keys`
    text, errors = bundle.format_pattern(pattern, dict(args))
    if errors:
        log.error("message %s of %s: %s", key, bundle.locales, [type(error).__name__ for error in errors])
    return str(text)


def _bundle(locale: str, parts: list[str]) -> FluentBundle:
    bundle = FluentBundle(
        [locale], functions={"QUOTE": cast("Callable[[Any], FluentType]", quote)}, use_isolating=False
    )
    for part in parts:
        bundle.add_resource(_parsed(locale, part))
    return bundle


def _parsed(locale: str, part: str) -> ast.Resource:
    resource: ast.Resource = FluentResource(part)
    for entry in resource.body:
        if isinstance(entry, ast.Junk):
            raise IncompleteTextsError(f"locale {locale} does not parse near: {(entry.content or '')[:60]!r}")
    return resource


def _keys(parts: list[str]) -> frozenset[str]:
    entries = [entry for part in parts for entry in FluentResource(part).body]
    return frozenset(entry.id.name for entry in entries if isinstance(entry, ast.Message) and entry.value)


def _folders() -> list[Traversable]:
    return [item for item in resources.files(locales).iterdir() if item.is_dir() and not item.name.startswith("_")]


def _read(folder: Traversable) -> list[str]:
    files = sorted((item for item in folder.iterdir() if item.name.endswith(".ftl")), key=lambda item: item.name)
    return [item.read_text(encoding="utf-8") for item in files]
