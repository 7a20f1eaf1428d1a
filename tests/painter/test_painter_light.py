"""Light: bevels, normals, reflections, shadows and surfaces behave like the real ones."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generation.painter.fields import Frame, noise
from generation.painter.light import (
    bevel,
    bloom,
    cast_shadow,
    develop,
    diffuse,
    focused,
    glow,
    highlight,
    occlusion,
    relief,
    studio,
)
from generation.painter.materials import (
    BRONZE,
    GOLD,
    ROSE,
    SILVER,
    bricks,
    cast_metal,
    frozen_lake,
    lit,
    marble,
    planks,
    sand,
    sheen,
)
from generation.painter.palette import swatch

FRAME = Frame(128, 128)
UPPER_LEFT = (-0.6, -0.6, 0.5)


def rng(seed=1):
    return np.random.default_rng(seed)


def dome():
    """A round hill in the middle of the sheet, in units."""
    away = np.hypot(FRAME.x - 512, FRAME.y - 512)
    return np.sqrt(np.maximum(300**2 - away**2, 0)).astype(np.float32)


def lengths(surface):
    return np.sqrt(surface.x**2 + surface.y**2 + surface.z**2)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(5, 300), st.floats(0, 60), st.floats(0.1, 4))
def test_normals_are_unit_vectors_that_face_the_viewer(seed, cell, height, steepness):
    surface = relief(FRAME, noise(FRAME, rng(seed), cell) * np.float32(height), steepness)

    assert np.allclose(lengths(surface), 1, atol=1e-3)
    assert (surface.z > 0).all()


def test_a_slope_has_the_normal_of_its_angle():
    slope = relief(FRAME, np.broadcast_to(FRAME.x * np.float32(0.75), (128, 128)).copy())

    assert np.allclose((slope.x[64, 64], slope.y[64, 64], slope.z[64, 64]), (-0.6, 0, 0.8), atol=1e-2)


def test_normals_are_the_same_at_every_size():
    def tilt(frame):
        wave = (40 * np.sin(frame.x / 90) + 0 * frame.y).astype(np.float32)
        return float(relief(frame, wave).z.mean())

    assert tilt(Frame(128, 128)) == pytest.approx(tilt(Frame(512, 512)), abs=0.02)


@pytest.mark.parametrize("turn", range(0, 360, 45))
def test_the_side_towards_the_light_is_brighter(turn):
    x, y = np.cos(np.radians(turn)), np.sin(np.radians(turn))
    seen = diffuse(relief(FRAME, dome()), (x, y, 0.5))
    at = [seen[int(64 + way * 25 * y), int(64 + way * 25 * x)] for way in (1, -1)]

    assert at[0] > at[1] + 0.3
    assert seen.min() >= 0
    assert seen.max() <= 1 + 1e-5


def test_light_direction_needs_no_unit_length():
    surface = relief(FRAME, dome())

    assert np.allclose(diffuse(surface, (1, 2, 3)), diffuse(surface, (10, 20, 30)), atol=1e-5)


def test_a_sharper_highlight_is_smaller():
    surface = relief(FRAME, dome())
    broad, sharp = (highlight(surface, UPPER_LEFT, power) for power in (8, 60))

    assert (sharp <= broad + 1e-6).all()
    assert (sharp > 0.5).sum() < (broad > 0.5).sum()
    assert np.unravel_index(sharp.argmax(), sharp.shape) < (64, 64)


def test_the_studio_mirrors_sky_above_and_floor_below():
    surface = relief(FRAME, dome())
    seen = studio(surface, 0.0)

    assert seen[30:60, 54:74].mean() > seen[68:98, 54:74].mean() + 0.05
    assert seen.min() > 0


@pytest.mark.parametrize("rounded", [True, False])
def test_bevels_rise_from_the_edge_to_their_width(subject, rounded):
    word = subject("水", side=192)
    height = bevel(word, 20, rounded=rounded)

    assert height.max() == pytest.approx(20, rel=0.05)
    assert height[word.distance < -12].max() < 1
    assert height[word.distance > 30].min() > 18


def test_a_bevel_is_lit_on_its_near_side_and_dark_on_the_other(subject):
    word = subject("水", side=256)
    seen = diffuse(relief(word.frame, bevel(word, 24)), UPPER_LEFT)
    slope_y, slope_x = np.gradient(word.distance)
    rim = (word.distance > 3) & (word.distance < 16)
    towards, away = rim & (slope_x + slope_y > 3), rim & (slope_x + slope_y < -3)

    assert seen[towards].mean() > seen[away].mean() + 0.3


def test_a_shadow_falls_away_from_the_light(subject):
    word = subject("水", side=192)
    shadow = cast_shadow(word, word.mask, UPPER_LEFT, 30)
    rows, columns = np.indices(shadow.shape)
    middle = [np.average(axis, weights=word.mask) for axis in (rows, columns)]

    assert shadow.min() >= 0
    assert shadow.max() <= 1
    assert np.average(rows, weights=shadow) > middle[0] + 1
    assert np.average(columns, weights=shadow) > middle[1] + 1


def test_a_higher_word_throws_a_softer_shadow(subject):
    word = subject("Freude", side=192)
    low, high = (cast_shadow(word, word.mask, UPPER_LEFT, height) for height in (10, 60))

    assert np.abs(np.diff(low, axis=1)).max() > np.abs(np.diff(high, axis=1)).max()


def test_occlusion_is_strongest_at_the_word(subject):
    word = subject("Freude", side=192)
    dark = occlusion(word, word.mask, 20)

    assert dark[word.mask > 0.5].mean() > dark[word.distance < -30].mean() + 0.3
    assert dark[word.distance < -120].max() < 0.02


def test_glow_spreads_and_fades():
    source = FRAME.edge((60 - np.hypot(FRAME.x - 512, FRAME.y - 512)).astype(np.float32))
    spread = glow(FRAME, source, (20, 80), (0.7, 0.3))

    assert spread.sum() == pytest.approx(source.sum(), rel=0.05)
    assert spread[64, 64] > spread[64, 84] > spread[64, 104]


@given(st.lists(st.floats(0, 30), min_size=2, max_size=20))
def test_film_keeps_the_order_of_light_and_never_clips_below_black(light):
    seen = develop(np.array(sorted(light), np.float32))

    assert (np.diff(seen) >= -1e-6).all()
    assert seen.min() >= 0
    assert seen.max() <= 1


def test_exposure_brightens():
    light = np.linspace(0.01, 2, 50, dtype=np.float32)

    assert (develop(light, 2.0) > develop(light)).mean() > 0.9


def test_bloom_spills_only_from_highlights():
    dim, bright = np.full((64, 64, 3), 0.4, np.float32), np.full((64, 64, 3), 0.4, np.float32)
    bright[30:34, 30:34] = 3

    assert np.array_equal(bloom(Frame(64, 64), dim.copy(), 0.95, 0.3), dim)
    assert bloom(Frame(64, 64), bright.copy(), 0.95, 0.3)[29, 29, 0] > 0.4


def test_focus_keeps_what_is_sharp():
    picture = rng().random((128, 128, 3)).astype(np.float32)
    sharp = np.zeros((128, 128), np.float32)
    sharp[:, :64] = 1
    seen = focused(FRAME, picture.copy(), sharp, 30)

    assert np.allclose(seen[:, :60], picture[:, :60])
    assert seen[:, 68:].std() < 0.5 * picture[:, 68:].std()


TONES = swatch("#3a2010 #a07040")
SURFACES = {
    "planks": lambda random: planks(FRAME, random, TONES),
    "bricks": lambda random: bricks(FRAME, random, TONES),
    "sand": lambda random: sand(FRAME, random),
    "marble": lambda random: marble(FRAME, random, swatch("#101010 #404040"), (0.8, 0.8, 0.8)),
    "ice": lambda random: frozen_lake(FRAME, random),
}


@pytest.mark.parametrize("name", SURFACES)
def test_surfaces_send_back_no_more_light_than_falls_on_them(name):
    surface = SURFACES[name](rng())
    seen = lit(surface, FRAME, UPPER_LEFT, (1, 1, 1), (0, 0, 0))

    assert surface.albedo.shape == (128, 128, 3)
    assert surface.albedo.min() >= 0
    assert surface.albedo.max() <= 1.16
    assert (seen <= surface.albedo + 1e-5).all()
    assert np.isfinite(surface.height).all()


@pytest.mark.parametrize("name", SURFACES)
def test_surfaces_follow_their_seed(name):
    one, again, other = (SURFACES[name](rng(seed)).albedo for seed in (1, 1, 2))

    assert np.array_equal(one, again)
    assert not np.array_equal(one, other)


@pytest.mark.parametrize("kind", [GOLD, ROSE, SILVER, BRONZE])
def test_metal_has_its_tint_and_highlights(kind):
    seen = cast_metal(relief(FRAME, dome()), kind, UPPER_LEFT, 0.2)

    assert all(dark < bright for dark, bright in zip(kind.deep, kind.bright, strict=True))
    assert seen.min() >= 0
    assert seen.max() > 1.2 * max(kind.bright)


def test_gold_is_warmer_than_silver():
    gold, silver = (cast_metal(relief(FRAME, dome()), kind, UPPER_LEFT, 0.2).mean((0, 1)) for kind in (GOLD, SILVER))

    assert gold[0] / gold[2] > 1.5 * silver[0] / silver[2]


def test_a_polished_floor_shines_evenly():
    floor = marble(FRAME, rng(), swatch("#101010 #404040"), (0.8, 0.8, 0.8))

    assert 0 <= sheen(FRAME, floor, UPPER_LEFT).std() < 0.2
