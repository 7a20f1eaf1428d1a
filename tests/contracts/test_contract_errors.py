"""The error tree: drawn as it is, picklable, never without a word for the learner, and in every language."""

from __future__ import annotations

import inspect
import pickle
import re
import string

import pytest

from bot.texts import Texts
from generation.contracts import errors
from generation.contracts.errors import (
    EngineError,
    MissingGlyph,
    QueueFull,
    RequestRefused,
    StorageError,
    WordbrushError,
    WordRefused,
)

TREE = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, WordbrushError)]
TEXTS = Texts.load()


def fields_of(kind: type[WordbrushError]) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(kind.summary) if name}


def sample(kind: type[WordbrushError]) -> WordbrushError:
    return kind(**dict.fromkeys(fields_of(kind), 7))


def test_the_drawing_names_every_class_where_it_stands() -> None:
    drawn = re.findall(r"^ {4}([│ ]*)[├└]── (\w+)", errors.__doc__ or "", re.MULTILINE)
    parents: list[str] = ["WordbrushError"]
    seen = {"WordbrushError"}
    for indent, name in drawn:
        depth = len(indent) // 4 + 1
        parents = [*parents[:depth], name]
        assert parents[depth - 1] == getattr(errors, name).__bases__[0].__name__, name
        seen.add(name)
    assert seen == {kind.__name__ for kind in TREE}


@pytest.mark.parametrize("kind", TREE, ids=lambda kind: kind.__name__)
class TestEveryClass:
    def test_survives_another_process(self, kind: type[WordbrushError]) -> None:
        error = sample(kind)
        copy = pickle.loads(pickle.dumps(error))
        assert type(copy) is kind
        assert copy.details == error.details
        assert str(copy) == str(error)

    def test_its_english_line_is_filled_and_has_no_end_stop(self, kind: type[WordbrushError]) -> None:
        line = str(sample(kind))
        assert "{" not in line
        assert "?" not in line
        assert line == line.strip()
        assert not line.endswith(".")

    def test_a_missing_detail_is_readable_instead_of_an_exception(self, kind: type[WordbrushError]) -> None:
        assert str(kind())

    @pytest.mark.parametrize("locale", ["en", "ru", "zh"])
    def test_the_learner_hears_something_in_every_language(self, kind: type[WordbrushError], locale: str) -> None:
        error = sample(kind)
        text = TEXTS.get(kind.message_key, locale, **error.details)
        assert len(text) >= 4
        assert "{" not in text

    def test_the_docstring_says_when(self, kind: type[WordbrushError]) -> None:
        assert len(inspect.getdoc(kind) or "") > 15


def test_details_are_what_a_row_can_hold() -> None:
    error = MissingGlyph(character="𓀀", code="U+13000", name="EGYPTIAN HIEROGLYPH A001")
    assert error.details == {"character": "𓀀", "code": "U+13000", "name": "EGYPTIAN HIEROGLYPH A001"}
    assert "U+13000" in str(error)


def test_braces_in_a_detail_are_not_formatted_again() -> None:
    assert "{evil}" in str(MissingGlyph(character="{evil}", code="U+7B", name="x"))


@pytest.mark.parametrize(
    ("family", "retryable"), [(WordRefused, False), (RequestRefused, False), (StorageError, True), (EngineError, True)]
)
def test_families_say_whether_trying_again_helps(family: type[WordbrushError], retryable: bool) -> None:
    assert family.retryable is retryable


def test_a_full_queue_is_no_fault_of_the_word() -> None:
    assert not isinstance(QueueFull(limit=50), WordRefused)
    assert QueueFull(limit=50).retryable
