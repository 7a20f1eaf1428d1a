"""What the suites about models are told, without torch: which rows, of what size, and what is missing."""

from __future__ import annotations

import sys

import pytest

from bot.bench.choice import chosen
from bot.bench.needs import LIBRARIES, need_diffusion
from bot.bench.options import Options
from generation.contracts.errors import BadSettings, EngineUnavailable

NAMES = ("stock/eager/1", "multi/quality/eager/1", "multi/quality/full/4")


def test_without_a_choice_every_row_is_wanted() -> None:
    assert all(map(chosen(None, NAMES), NAMES))


@pytest.mark.parametrize(
    ("patterns", "wanted"),
    [
        ("stock/eager/1", NAMES[:1]),
        ("multi/*", NAMES[1:]),
        ("*/1", NAMES[:2]),
        (" stock/* , multi/*/full/* ,", (NAMES[0], NAMES[2])),
    ],
)
def test_rows_are_chosen_by_name(patterns: str, wanted: tuple[str, ...]) -> None:
    assert tuple(filter(chosen(patterns, NAMES), NAMES)) == wanted


def test_a_name_that_fits_nothing_is_refused_with_the_names_there_are() -> None:
    with pytest.raises(BadSettings, match=r"no row is called 'turbo/\*'.*multi/quality/full/4"):
        chosen("stock/*,turbo/*", NAMES)


def test_sizes_follow_the_models() -> None:
    assert (Options().side_px, Options(tiny=True).side_px, Options(tiny=True, side=256).side_px) == (1024, 128, 256)


@pytest.mark.parametrize(
    ("options", "reduced"),
    [
        (Options(), False),
        (Options(steps=30), False),
        (Options(steps=8), True),
        (Options(side=512), True),
        (Options(tiny=True), True),
    ],
)
def test_targets_are_about_one_piece_of_work_only(options: Options, *, reduced: bool) -> None:
    assert options.reduced is reduced


@pytest.mark.parametrize("missing", LIBRARIES)
def test_a_missing_library_names_the_extra(missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(EngineUnavailable, match=f"{missing}.*EXTRAS=diffusion"):
        need_diffusion()
