"""The painter's tools: what they promise about units, ranges and randomness."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generation.painter.brush import directions
from generation.painter.fields import Frame, blur, cover, extent, noise, signed_distance, smoothstep, warp
from generation.painter.halftone import dot_screen, extruded
from generation.painter.light import diffuse, relief
from generation.painter.meaning import families_of
from generation.painter.palette import glaze, gradient, rgb
from generation.painter.shapes import disc, peaks, polygons
from generation.painter.subject import subject_of

SMALL, LARGE = Frame(256, 256), Frame(512, 512)


def rng(seed=1):
    return np.random.default_rng(seed)


@pytest.mark.parametrize(("width", "height"), [(512, 512), (1536, 512), (576, 1024)])
def test_the_short_side_is_1024_units(width, height):
    frame = Frame(width, height)

    assert min(frame.wide, frame.tall) == pytest.approx(1024)
    assert frame.wide / frame.tall == pytest.approx(width / height)


def test_noise_has_no_mean_and_unit_variance():
    field = noise(LARGE, rng(), 120)

    assert field.dtype == np.float32
    assert (float(field.mean()), float(field.std())) == (pytest.approx(0, abs=1e-3), pytest.approx(1, abs=1e-3))


def test_noise_is_the_same_scene_at_every_size():
    small, large = noise(SMALL, rng(), 200), noise(LARGE, rng(), 200)

    assert np.corrcoef(small.ravel(), cv2.resize(large, (256, 256), interpolation=cv2.INTER_AREA).ravel())[0, 1] > 0.97


def test_noise_depends_on_the_seed():
    assert abs(np.corrcoef(noise(SMALL, rng(1), 60).ravel(), noise(SMALL, rng(2), 60).ravel())[0, 1]) < 0.3


@pytest.mark.parametrize("sigma", [8, 24, 60])
def test_wide_blurs_on_a_pyramid_are_close_to_the_plain_ones(sigma):
    field = (noise(LARGE, rng(), 100) > 0.5).astype(np.float32)

    difference = np.abs(blur(field, sigma) - cv2.GaussianBlur(field, (0, 0), sigma))
    assert difference.mean() < 0.01
    assert difference[sigma:-sigma, sigma:-sigma].max() < 0.05


def test_signed_distance_measures_units():
    mask = np.zeros((512, 512), np.float32)
    mask[128:384, 128:384] = 1
    distance = signed_distance(LARGE, mask)

    assert distance[256, 256] == pytest.approx(256, abs=4)
    assert distance[256, 64] == pytest.approx(-128, abs=4)


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_signed_distance_of_a_uniform_mask_stays_finite(value):
    assert np.isfinite(signed_distance(SMALL, np.full((256, 256), value, np.float32))).all()


def test_an_edge_covers_half_at_zero():
    assert SMALL.edge(np.zeros((2, 2), np.float32)).tolist() == [[0.5, 0.5], [0.5, 0.5]]


@given(st.floats(-2, 3), st.floats(-2, 3))
def test_smoothstep_rises_between_0_and_1(a, b):
    low, high = sorted((a, b))
    first, second = smoothstep(0, 1, np.array([low, high], np.float32))

    assert 0 <= first <= second <= 1


def test_covering_with_nothing_changes_nothing():
    canvas = SMALL.blank((0.2, 0.4, 0.6))
    before = canvas.copy()

    assert (cover(canvas, (1, 1, 1), np.zeros((256, 256), np.float32)) == before).all()


def test_covering_with_all_gives_the_colour():
    canvas = cover(SMALL.blank((0.2, 0.4, 0.6)), (1.0, 0.5, 0.0), np.ones((256, 256), np.float32))

    assert np.allclose(canvas, (1.0, 0.5, 0.0), atol=1e-6)


def test_extent_finds_small_things():
    plane = np.zeros((100, 80), np.float32)
    plane[10:12, 20:25] = 0.1

    assert extent(plane) == (slice(10, 12), slice(20, 25))


@settings(max_examples=20)
@given(st.floats(0, 2), st.floats(0, 2))
def test_a_denser_glaze_is_darker(a, b):
    thin, thick = sorted((a, b))
    frame = Frame(8, 8)
    laid = [
        glaze(frame.blank((1, 1, 1)), rgb("#3070a0"), np.full((8, 8), density, np.float32)) for density in (thin, thick)
    ]

    assert (laid[1] <= laid[0] + 1e-6).all()


def test_a_glaze_of_density_one_shows_the_pigment():
    canvas = glaze(Frame(8, 8).blank((1, 1, 1)), rgb("#3070a0"), np.ones((8, 8), np.float32))

    assert np.allclose(canvas, rgb("#3070a0"), atol=1e-3)


def test_a_gradient_ends_at_its_colours():
    ends = gradient((rgb("#ff0000"), rgb("#00ff00"), rgb("#0000ff")), np.array([[-1, 0, 0.5, 1, 2]], np.float32))

    assert np.allclose(ends[0], [(1, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1), (0, 0, 1)], atol=0.02)


@pytest.mark.parametrize("tone", [0.1, 0.3, 0.5])
def test_a_dot_screen_covers_about_its_tone(tone):
    assert dot_screen(LARGE, np.full((512, 512), tone, np.float32)).mean() == pytest.approx(tone * 1.25, abs=0.08)


def test_an_extrusion_reaches_as_far_as_pushed():
    shape = np.zeros((512, 512), np.float32)
    shape[100:110, 100:110] = 1
    pushed = extruded(LARGE, shape, 40, 20)

    assert extent(pushed) == (slice(100, 120), slice(100, 130))


def test_a_warp_by_nothing_is_the_field():
    field = noise(SMALL, rng(), 90)

    assert np.abs(warp(SMALL, field, 0, 0) - field).max() < 1e-3


def test_flat_ground_faces_the_viewer():
    surface = relief(SMALL, np.zeros((256, 256), np.float32))

    assert np.allclose(diffuse(surface, (0, 0, 1)), 1)


def test_directions_run_along_a_bar():
    bar = np.zeros((512, 512), np.float32)
    bar[240:272, 60:450] = 1
    along_x, along_y = directions(LARGE, bar, 20)

    assert abs(along_x[256, 256]) > 0.98
    assert abs(along_y[256, 256]) < 0.2


def test_mountains_are_placed_not_summed_from_a_spectrum():
    line = peaks(LARGE, rng(), 600, 300, 4)
    slopes = np.sign(np.diff(blur(line[None], 12)[0]))

    assert np.count_nonzero(np.diff(slopes)) < 24


def test_polygons_and_discs_cover_their_area():
    square = polygons(LARGE, [np.array([[100, 100], [300, 100], [300, 300], [100, 300]], np.float32)])

    assert square.sum() * 4 == pytest.approx(40_000, rel=0.04)
    assert LARGE.edge(disc(LARGE, (512, 512), 100)).sum() * 4 == pytest.approx(np.pi * 100**2, rel=0.02)


@pytest.mark.parametrize(
    ("word", "translation", "family"),
    [("学习", "study", "study"), ("海", "", "water"), ("Feuer", "fire", "fire"), ("ночь", "night", "night")],
)
def test_meanings_have_families(word, translation, family):
    assert family in families_of(word, translation)


def test_unknown_meanings_have_none():
    assert families_of("xyzzy", "qwert") == frozenset()


def test_a_run_of_seeds_goes_through_every_option(make_job):
    options = "abcde"
    chosen = [
        subject_of(make_job("水", "ink", seed).request, make_job("水", "ink").writing.mask, side=64).choose(
            "x", options
        )
        for seed in range(5)
    ]

    assert sorted(chosen) == list(options)


def test_parts_of_a_picture_have_streams_of_their_own(make_job):
    job = make_job("水", "ink")
    subject = subject_of(job.request, job.writing.mask, side=64)

    assert subject.rng("a").random() == subject.rng("a").random() != subject.rng("b").random()
