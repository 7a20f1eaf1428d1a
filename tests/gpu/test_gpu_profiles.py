"""Which profile real cards get, what may be overridden, and the way down when memory runs out."""

from __future__ import annotations

import itertools
from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generation.contracts.errors import BadSettings
from generation.gpu.profiles import (
    GIB,
    LAYOUTS,
    PLACEMENTS,
    PROFILES,
    RUNGS,
    Profile,
    at_once_bytes,
    beyond,
    more_frugal,
    profile_for,
    profile_named,
    recommended_batch,
    with_overrides,
)

ULTRA, HIGH, MEDIUM, LOW = PROFILES

CARDS = {
    "RTX 3050 8 GB": (7.63, None),
    "RTX 3070 8 GB": (7.78, None),
    "RTX 3080 10 GB": (9.78, None),
    "RTX 2080 Ti 11 GB": (10.75, None),
    "RTX 3060 12 GB": (11.75, LOW),
    "RTX 4070 12 GB": (11.99, LOW),
    "T4 16 GB": (14.58, LOW),
    "V100 16 GB": (15.77, LOW),
    "RTX A4500 20 GB": (19.70, LOW),
    "A10G 24 GB": (22.06, MEDIUM),
    "A30 24 GB": (23.53, MEDIUM),
    "RTX 4090 24 GB": (23.64, MEDIUM),
    "RTX 5090 32 GB": (31.36, MEDIUM),
    "A100 40 GB": (39.50, HIGH),
    "RTX 6000 Ada 48 GB": (44.40, HIGH),
    "A100 80 GB": (79.25, ULTRA),
    "H200": (139.8, ULTRA),
}
"""Total memory in GiB as torch reports it."""
PROFILES_ANYHOW = st.builds(
    Profile,
    name=st.just("any"),
    from_gib=st.just(11.0),
    placement=st.sampled_from(PLACEMENTS),
    layout=st.sampled_from(LAYOUTS),
    batch_limit=st.integers(1, 64),
    vae_slicing=st.booleans(),
    vae_tiling=st.booleans(),
    vae_tile_px=st.sampled_from([256, 512, 1024, 2048]),
    compile=st.sampled_from(RUNGS),
)


@pytest.mark.parametrize("card", CARDS)
def test_real_cards_get_the_profile_of_their_nominal_class(card):
    gib, expected = CARDS[card]
    assert profile_for(int(gib * GIB)) is expected


@pytest.mark.parametrize(("gib", "expected"), [(11, LOW), (22, MEDIUM), (37, HIGH), (74, ULTRA)])
def test_the_lines_themselves(gib, expected):
    assert profile_for(gib * GIB) is expected
    assert profile_for(gib * GIB - 1) is not expected


def test_the_weights_of_every_profile_fit_the_smallest_card_of_its_class():
    assert 15.5 < at_once_bytes(MEDIUM) / GIB < 16, "four nets in 16 bit: about 17 GB"
    assert 8.5 < at_once_bytes(replace(LOW, placement="resident")) / GIB < 9, "the union: about 9.5 GB"
    for profile in PROFILES:
        assert at_once_bytes(profile) / GIB < profile.from_gib - 1
        assert not beyond(profile, int(profile.from_gib * GIB))


def test_each_class_asks_less_than_the_one_above():
    for larger, smaller in itertools.pairwise(PROFILES):
        assert larger.batch_limit > smaller.batch_limit
        assert RUNGS.index(larger.compile) >= RUNGS.index(smaller.compile)
        assert larger.vae_tiling <= smaller.vae_tiling
        assert larger.vae_slicing <= smaller.vae_slicing


@pytest.mark.parametrize("name", ["low_memory", "LOW-MEMORY", " low_memory "])
def test_a_profile_by_its_name(name):
    assert profile_named(name) is LOW


def test_an_unknown_profile_names_the_known_ones():
    with pytest.raises(BadSettings, match=r"huge.*ultra_high_memory.*low_memory"):
        profile_named("huge")


OVERRIDES = [
    ("placement", "offload", "offload"),
    ("layout", " Union ", "union"),
    ("batch_limit", "16", 16),
    ("batch_limit", 3, 3),
    ("vae_slicing", "yes", True),
    ("vae_tiling", False, False),
    ("vae_tile_px", 768, 768),
    ("compile", "eager", "eager"),
    ("channels_last", "off", False),
    ("fused", 0, False),
]


@pytest.mark.parametrize(("field", "value", "read"), OVERRIDES)
def test_every_field_can_be_set_otherwise(field, value, read):
    assert getattr(with_overrides(MEDIUM, {field: value}), field) == read


def test_no_field_is_left_out():
    assert {field.name for field in fields(Profile)} - {name for name, *_ in OVERRIDES} == {"name", "from_gib", "eased"}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("batch_size", 2),
        ("name", "mine"),
        ("placement", "cloud"),
        ("layout", ""),
        ("batch_limit", 0),
        ("batch_limit", 65),
        ("batch_limit", -1),
        ("batch_limit", True),
        ("batch_limit", "2.5"),
        ("batch_limit", "²"),
        ("vae_slicing", "maybe"),
        ("vae_tiling", None),
        ("vae_tile_px", 100),
        ("vae_tile_px", 1000),
        ("compile", "fast"),
        ("fused", 2),
    ],
)
def test_what_cannot_be_is_refused_by_its_name(field, value):
    with pytest.raises(BadSettings, match=field):
        with_overrides(MEDIUM, {field: value})


def test_graphs_and_offloading_do_not_go_together():
    assert with_overrides(ULTRA, {"placement": "offload"}).compile == "regional"
    assert with_overrides(LOW, {"compile": "full"}).compile == "regional"
    assert with_overrides(MEDIUM, {"compile": "full"}).compile == "full"


@pytest.mark.parametrize(
    ("profile", "width", "height", "batch"),
    [
        (ULTRA, 1024, 1024, 8),
        (ULTRA, 512, 512, 8),
        (ULTRA, 1536, 1536, 3),
        (HIGH, 1024, 1024, 4),
        (HIGH, 1024, 1536, 2),
        (HIGH, 768, 768, 7),
        (MEDIUM, 1024, 1024, 2),
        (MEDIUM, 1536, 1536, 1),
        (LOW, 1536, 1536, 1),
        (LOW, 512, 512, 4),
    ],
)
def test_the_recommended_batch_follows_the_pixels(profile, width, height, batch):
    assert recommended_batch(profile, width, height) == batch


@given(PROFILES_ANYHOW, st.integers(8, 24), st.integers(8, 24))
def test_more_pixels_never_make_a_larger_batch(profile, columns, rows):
    batch = recommended_batch(profile, columns * 64, rows * 64)
    assert batch >= 1
    assert recommended_batch(profile, columns * 64 + 64, rows * 64) <= batch
    assert batch == 1 or batch * columns * rows <= profile.batch_limit * 16 * 16


def ladder(profile: Profile) -> list[Profile]:
    rungs = [profile]
    while (frugal := more_frugal(rungs[-1])) is not None:
        rungs.append(frugal)
        assert len(rungs) < 20
    return rungs


def test_the_way_down_from_the_largest_card():
    rungs = ladder(ULTRA)
    assert [rung.batch_limit for rung in rungs[:4]] == [8, 4, 2, 1]
    assert [(r.compile, r.vae_tile_px, r.placement, r.layout) for r in rungs[4:]] == [
        ("regional", 1024, "resident", "multi"),
        ("regional", 512, "resident", "multi"),
        ("eager", 512, "offload", "multi"),
        ("eager", 512, "offload", "union"),
    ]
    assert [rung.eased for rung in rungs] == list(range(len(rungs)))
    assert {rung.name for rung in rungs} == {ULTRA.name}


@given(PROFILES_ANYHOW)
def test_every_way_down_ends_and_never_asks_more(profile):
    rungs = ladder(profile)
    for one, next_ in itertools.pairwise(rungs):
        assert replace(next_, eased=one.eased) != one
        assert next_.batch_limit <= one.batch_limit
        assert at_once_bytes(next_) <= at_once_bytes(one)
        assert RUNGS.index(next_.compile) <= RUNGS.index(one.compile)
        assert next_.vae_slicing >= one.vae_slicing
    last = rungs[-1]
    assert (last.batch_limit, last.placement, last.layout, last.vae_slicing) == (1, "offload", "union", True)


def test_asking_too_much_of_a_card_is_noticed():
    rtx_4090 = int(23.64 * GIB)
    assert not beyond(MEDIUM, rtx_4090)
    assert not beyond(with_overrides(MEDIUM, {"layout": "union"}), rtx_4090)
    assert beyond(with_overrides(MEDIUM, {"batch_limit": 8}), rtx_4090)
    assert beyond(HIGH, rtx_4090)
    assert beyond(with_overrides(LOW, {"layout": "multi", "placement": "resident"}), int(11.75 * GIB))
    assert beyond(MEDIUM, rtx_4090, bytes_each=4), "fp32 weighs twice as much"
    assert beyond(LOW, 8 * GIB), "below the smallest class everything is"
