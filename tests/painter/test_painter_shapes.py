"""Geometry: outlines, plants, screens, blocks and seals keep to the sheet, to their tone and to their seed."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generation.painter import motifs, plants
from generation.painter.fields import Frame, plane
from generation.painter.halftone import dot_screen, extruded, glint, line_screen, rays, speed_lines
from generation.painter.seal import stamp
from generation.painter.shapes import (
    below,
    disc,
    dots,
    fractal_line,
    lines,
    panel,
    peaks,
    polygons,
    rolling,
    smooth,
)
from generation.painter.woodblock import bokashi, gold_leaf, mist_bands, seigaiha

FRAME, WIDE = Frame(256, 256), Frame(224, 128)
SEEDS = st.integers(0, 2**32 - 1)


def rng(seed=1):
    return np.random.default_rng(seed)


def area(coverage):
    """In square units."""
    return float(coverage.sum()) / FRAME.unit**2


def is_coverage(field, frame):
    return field.shape == (frame.height, frame.width) and field.min() >= 0 and field.max() <= 1


@settings(max_examples=20, deadline=None)
@given(SEEDS, st.floats(100, 900), st.floats(10, 300))
def test_hills_stay_within_their_height(seed, base, height):
    line = rolling(WIDE, rng(seed), base, height)

    assert line.shape == (WIDE.width,)
    assert np.abs(line - base).max() <= height * 1.45


@settings(max_examples=20, deadline=None)
@given(SEEDS, st.floats(10, 400), st.integers(1, 9))
def test_peaks_rise_above_their_base_no_higher_than_asked(seed, height, count):
    line = peaks(WIDE, rng(seed), 600, height, count)

    assert line.min() >= 600 - 1.35 * height
    assert line.max() <= 600 + 0.25 * height
    assert line.min() < 600 - 0.2 * height


def test_a_ridge_does_not_jump():
    assert np.abs(np.diff(peaks(FRAME, rng(), 600, 300, 4))).max() < 40


def test_fractal_lines_are_smooth_where_they_are_looked_at_closely():
    close = fractal_line(rng(), plane(np.linspace(0, 100, 400)), 50)

    assert np.abs(close).max() <= 2
    assert np.abs(np.diff(close)).max() < 0.1


def test_below_is_positive_under_the_line():
    distance = below(FRAME, np.full(256, 400, np.float32))

    assert distance[-1, 0] == pytest.approx(1024 - 400, abs=4)
    assert distance[0, 0] == pytest.approx(-400, abs=4)


def test_a_panel_measures_the_way_to_its_frame():
    distance = panel(FRAME, 100, 0)

    assert distance[128, 128] == pytest.approx(412, abs=5)
    assert distance[128, 0] == pytest.approx(-100, abs=5)


def test_overlapping_polygons_stay_filled():
    square = plane([[200, 200], [600, 200], [600, 600], [200, 600]])

    assert polygons(FRAME, [square, square])[100, 100] == 1


@pytest.mark.parametrize("width", [24, 60, 120])
def test_lines_cover_length_times_width(width):
    path = plane([[100, 500], [900, 500]])

    assert area(lines(FRAME, [path], width)) == pytest.approx(800 * width, rel=0.35)


def test_dots_cover_their_discs():
    assert area(dots(FRAME, plane([[300, 300, 60], [700, 700, 90]]))) == pytest.approx(
        np.pi * (60**2 + 90**2), rel=0.08
    )


@settings(max_examples=20, deadline=None)
@given(SEEDS, st.integers(3, 12), st.booleans())
def test_smoothing_stays_within_the_corners(seed, count, closed):
    corners = plane(rng(seed).uniform(0, 1000, (count, 2)))
    curve = smooth(corners, 2, closed=closed)

    assert (curve.min(0) >= corners.min(0) - 1e-3).all()
    assert (curve.max(0) <= corners.max(0) + 1e-3).all()
    assert closed or np.allclose(curve[[0, -1]], corners[[0, -1]])


@settings(max_examples=20, deadline=None)
@given(SEEDS, st.floats(100, 900), st.floats(100, 900), st.floats(10, 150))
def test_a_blossom_stays_round_its_heart(seed, x, y, size):
    petals = motifs.blossom(rng(seed), x, y, size)

    assert len(petals) == 5
    assert max(np.hypot(*(petal - (x, y)).T).max() for petal in petals) <= size * 1.15


@given(st.floats(0, 7), st.floats(20, 200), st.floats(4, 60))
def test_a_leaf_starts_at_its_stem_and_is_as_long_as_asked(angle, length, width):
    outline = motifs.leaf(500, 400, angle, length, width)
    away = np.hypot(*(outline - (500, 400)).T)

    assert away[0] == pytest.approx(0, abs=0.01)
    assert length * 0.95 <= away.max() <= length * 1.2 + width


def test_firs_stand_on_their_line():
    line = np.full(256, 700, np.float32)
    firs = motifs.conifers(FRAME, rng(), line, 200, 12)

    assert len(firs) == 12
    assert all(fir[:, 1].max() <= 720 and fir[:, 1].min() >= 700 - 200 * 1.2 for fir in firs)


MOTIFS = {
    "bamboo": lambda subject: plants.bamboo(subject, 1),
    "plum": plants.plum,
    "reeds": lambda subject: [plants.reeds(subject)],
    "boat": lambda subject: [plants.boat(subject, 700)],
    "flock": lambda subject: [motifs.flock(subject)],
    "leaves": motifs.leaves,
    "blossom heads": motifs.blossom_heads,
}


@pytest.mark.parametrize("size", [(512, 512), (960, 512), (512, 896)])
@pytest.mark.parametrize("name", MOTIFS)
def test_motifs_cover_some_of_the_sheet_and_leave_most_of_it(subject, name, size):
    for seed in range(3):
        word = subject(seed=seed, size=size, side=96)
        layers = list(MOTIFS[name](word))

        assert all(is_coverage(layer, word.frame) for layer in layers)
        assert max(float(layer.mean()) for layer in layers) > 0
        assert np.max(layers, 0).mean() < 0.45


@pytest.mark.parametrize("name", MOTIFS)
def test_motifs_follow_the_seed(subject, name):
    one, again, other = (np.stack(list(MOTIFS[name](subject(seed=seed)))) for seed in (1, 1, 2))

    assert np.array_equal(one, again)
    assert not np.array_equal(one, other)


def test_reeds_grow_behind_the_word(subject):
    word = subject("Freude", seed=4)
    reeds = plants.reeds(word)

    assert reeds[word.mask > 0.9].mean() < 0.3 * max(reeds[-8:].mean(), 0.01) + 0.05


@settings(max_examples=25, deadline=None)
@given(st.floats(0.05, 0.6), st.floats(12, 60), st.floats(0, 3))
def test_dots_cover_their_tone(tone, pitch, angle):
    """Dots are drawn a quarter fuller than the tone, as ink spreads; above .62 they touch."""
    frame = Frame(512, 512)
    covered = dot_screen(frame, np.full((512, 512), tone, np.float32), pitch, angle).mean()

    assert covered == pytest.approx(tone * 1.12**2, abs=0.05)


@settings(max_examples=25, deadline=None)
@given(st.floats(0.05, 1), st.floats(12, 60), st.floats(0, 3))
def test_lines_cover_their_tone(tone, pitch, angle):
    frame = Frame(512, 512)

    assert line_screen(frame, np.full((512, 512), tone, np.float32), pitch, angle).mean() == pytest.approx(
        tone, abs=0.03
    )


@pytest.mark.parametrize("screen", [dot_screen, line_screen])
def test_no_tone_prints_nothing(screen):
    assert screen(FRAME, np.zeros((256, 256), np.float32)).max() == 0


@pytest.mark.parametrize("count", [6, 14, 24])
def test_rays_take_half_of_the_sheet(count):
    assert rays(FRAME, (500, 500), count, 0.3).mean() == pytest.approx(0.5, abs=0.03)


def test_speed_lines_leave_the_middle_free():
    drawn = speed_lines(FRAME, rng(), (512, 512), 300)

    assert drawn[disc(FRAME, (512, 512), 230) > 0].max() == 0
    assert drawn.mean() > 0.02


@pytest.mark.parametrize(("dx", "dy"), [(40, 20), (-40, 20), (0, 32), (16, -48)])
def test_an_extrusion_holds_both_ends_of_its_way(dx, dy):
    shape = FRAME.edge(disc(FRAME, (512, 512), 60))
    swept = extruded(FRAME, shape, dx, dy)
    moved = FRAME.edge(disc(FRAME, (512 + dx, 512 + dy), 60))

    assert (swept >= shape - 0.01).all()
    assert (swept >= moved - 0.6).all()
    assert area(swept) == pytest.approx(area(shape) + 2 * 60 * np.hypot(dx, dy), rel=0.12)


def test_the_glint_lies_inside_the_upper_left_edges(subject):
    word = subject("水", side=256)
    shine = glint(word, word.stem * 0.3, word.stem * 0.16)
    moved = np.roll(word.mask, (6, 6), (0, 1))

    assert shine.sum() > 20
    assert shine[word.mask < 0.5].max(initial=0) < 0.2
    assert shine[moved < 0.5].sum() > 0.5 * shine.sum()


def test_a_wiped_gradation_goes_from_full_to_nothing():
    wiped = bokashi(FRAME, 200, 600)

    assert (wiped[:48] == 1).all()
    assert (wiped[152:] == 0).all()
    assert (np.diff(wiped[:, 0]) <= 0).all()


def test_waves_repeat_and_have_rims():
    rings, rim = seigaiha(FRAME, 128, 0)

    assert np.abs(rings[:, :64] - rings[:, 64:128]).mean() < 2
    assert 0.02 < rim.mean() < 0.3


def test_mist_keeps_to_its_part_of_the_sheet():
    mist = mist_bands(FRAME, rng(), 6, (100, 300)) > 0

    assert mist.any()
    assert not mist[int(420 * FRAME.unit) :].any()


def test_gold_leaf_is_bright_but_worn():
    leaf = gold_leaf(FRAME, rng())

    assert is_coverage(leaf, FRAME)
    assert 0.3 < leaf.mean() < 0.7
    assert leaf.std() > 0.05


def stamped(word):
    canvas = word.frame.blank((1, 1, 1))
    stamp(word, canvas)
    return canvas


@pytest.mark.parametrize("seed", range(5))
def test_a_seal_is_red_small_and_never_on_the_word(subject, seed):
    word = subject("Freude", seed=seed, side=256)
    canvas = stamped(word)
    red = canvas[..., 0] - canvas[..., 1] > 0.3

    assert 0.001 < red.mean() < 0.02
    assert not (red & (word.mask > 0.5)).any()


def test_a_seal_takes_the_corner_without_ink(subject):
    mask = np.ones((256, 256), np.float32)
    mask[:100, 150:] = 0
    word = subject(side=256)
    full = type(word)(word.frame, mask, word.distance, word.box, word.stem, 3)
    rows, columns = np.nonzero(stamped(full)[..., 1] < 0.6)

    assert rows.max() < 100
    assert columns.min() > 150


def test_seals_differ_between_seeds(subject):
    assert not np.array_equal(stamped(subject(seed=1)), stamped(subject(seed=2)))
