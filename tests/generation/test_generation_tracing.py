"""What enters the log of an error: where and what kind, never what it says."""

from __future__ import annotations

import re

from generation.tracing import new_reference, traced

WORD = "秘密"


def fail(word: str) -> None:
    raise ValueError(f"cannot paint {word}")


def wrap(word: str) -> None:
    try:
        fail(word)
    except ValueError as error:
        raise KeyError(word) from error


def caught(work, *args) -> BaseException:
    try:
        work(*args)
    except (KeyError, ValueError) as error:
        return error
    raise AssertionError("nothing was raised")


def test_a_trace_is_one_line_without_the_errors_words():
    text = traced(caught(fail, WORD), "0a1b2c3d")
    assert re.fullmatch(
        r"reference 0a1b2c3d: ValueError in fail \(test_generation_tracing\.py:\d+\) < caught \(\S+:\d+\)", text
    )


def test_causes_are_named_and_their_words_are_not():
    text = traced(caught(wrap, WORD), "0a1b2c3d")
    assert "KeyError in wrap" in text
    assert ", caused by ValueError in fail" in text
    assert WORD not in text


def test_a_hidden_context_stays_hidden_and_an_endless_one_ends():
    error = caught(wrap, WORD)
    error.__cause__, error.__suppress_context__ = None, True
    assert "ValueError" not in traced(error, "r")
    error.__cause__ = error
    assert traced(error, "r").count("KeyError") == 4


def test_an_end_without_a_result_and_an_error_without_frames():
    assert traced(None, "r") == "reference r: it ended without a result"
    assert traced(OSError(WORD), "r") == "reference r: OSError in no frame"


def test_references_are_short_and_differ():
    made = {new_reference() for _ in range(200)}
    assert len(made) == 200
    assert all(re.fullmatch("[0-9a-f]{8}", reference) for reference in made)
