"""Requests: equal ones are one picture, different ones never share a cache key, seeds come from words."""

from __future__ import annotations

import dataclasses
import hashlib
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generation.contracts.request import LARGEST_SEED, PaintRequest, first_seed

BASE = PaintRequest(word="学习", style="ink", seed=7, translation="study", language="zh-Hans")
WITHOUT_A_COLUMN = {
    "steps": 30,
    "guidance": 7.5,
    "weights": (("canny", 0.5),),
    "methods": (("canny", "opencv_canny"),),
    "writing": "kai",
    "prompt": "a {meaning}",
}


def test_equal_requests_are_one_key() -> None:
    twin = dataclasses.replace(BASE)
    assert twin == BASE
    assert hash(twin) == hash(BASE)
    assert pickle.loads(pickle.dumps(BASE)) == BASE


def test_a_request_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        BASE.seed = 8


@pytest.mark.parametrize(("name", "value"), WITHOUT_A_COLUMN.items())
def test_each_parameter_without_a_column_changes_the_hash(name: str, value: object) -> None:
    assert dataclasses.replace(BASE, **{name: value}).parameters_hash() != BASE.parameters_hash()


@pytest.mark.parametrize("name", ["word", "translation", "language", "style", "seed", "width", "height"])
def test_what_has_a_column_is_not_hashed_again(name: str) -> None:
    other = dataclasses.replace(BASE, **{name: 576 if name in {"seed", "width", "height"} else "x"})
    assert other.parameters_hash() == BASE.parameters_hash()
    assert other != BASE


def test_every_field_is_in_the_key_one_way_or_the_other() -> None:
    columns = {"word", "translation", "language", "style", "seed", "width", "height"}
    assert {field.name for field in dataclasses.fields(PaintRequest)} == columns | set(WITHOUT_A_COLUMN)


def test_the_hash_is_the_same_in_every_process() -> None:
    assert BASE.parameters_hash() == hashlib.sha256(b'[null, null, [], [], "sans", null]').hexdigest()[:16]


def test_the_first_seed_is_the_head_of_the_words_hash() -> None:
    digest = hashlib.sha256("学习\nzh-Hans".encode()).hexdigest()
    assert first_seed("学习", "zh-Hans") == int(digest[:8], 16)


@given(st.text(min_size=1, max_size=24), st.sampled_from(["zh-Hans", "ja", "und", "ru"]))
def test_first_seeds_are_in_range_and_depend_on_the_language(word: str, language: str) -> None:
    if any(0xD800 <= ord(letter) <= 0xDFFF for letter in word):
        return
    assert 0 <= first_seed(word, language) <= LARGEST_SEED
    assert first_seed(word, language) == first_seed(word, language)
    assert first_seed(word, language) != first_seed(word, "xx")
