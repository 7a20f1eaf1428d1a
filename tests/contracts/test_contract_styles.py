"""Styles as data: the reference document's figures, and slots that a prompt can fill."""

from __future__ import annotations

import string

import pytest

from generation.contracts.errors import UnknownStyle
from generation.contracts.request import KINDS
from generation.styles import STYLES, style_named

REFERENCE = {
    "comic": (25, 8.0, {"canny": 0.9, "depth": 0.5, "segmentation": 0.7, "scribble": 0.3}),
    "watercolor": (35, 6.5, {"canny": 0.4, "depth": 0.3, "segmentation": 0.3, "scribble": 0.8}),
    "ink": (32, 6.0, {"canny": 0.6, "depth": 0.3, "segmentation": 0.2, "scribble": 0.9}),
    "realistic": (None, None, {"canny": 0.8, "depth": 0.9, "segmentation": 0.6, "scribble": 0.2}),
}


def test_there_are_five_in_the_order_of_the_buttons() -> None:
    assert list(STYLES) == ["comic", "watercolor", "ink", "realistic", "traditional"]


@pytest.mark.parametrize("name", REFERENCE)
def test_the_references_figures_hold(name: str) -> None:
    steps, guidance, weights = REFERENCE[name]
    style = STYLES[name]
    assert dict(style.weights) == weights
    if steps is not None:
        assert (style.steps, style.guidance) == (steps, guidance)


@pytest.mark.parametrize("style", STYLES.values(), ids=lambda style: style.name)
class TestEveryStyle:
    def test_names_itself(self, style) -> None:
        assert STYLES[style.name] is style
        assert style_named(style.name) is style

    def test_has_a_weight_for_each_kind(self, style) -> None:
        assert set(style.weights) == set(KINDS)
        assert all(0 <= weight <= 1 for weight in style.weights.values())

    def test_its_template_has_its_slots_and_no_other(self, style) -> None:
        slots = {name for _, name, _, _ in string.Formatter().parse(style.template) if name}
        assert slots == {"meaning", "word", "script"}

    def test_cannot_be_changed(self, style) -> None:
        with pytest.raises(TypeError):
            style.weights["canny"] = 1.0

    def test_is_a_plausible_request_of_a_sampler(self, style) -> None:
        assert 20 <= style.steps <= 40
        assert 5 <= style.guidance <= 9
        assert style.emoji
        assert style.negative


def test_an_unknown_style_lists_the_known_ones() -> None:
    with pytest.raises(UnknownStyle, match="comic, watercolor, ink, realistic, traditional"):
        style_named("oil")
