"""The painter's tools: what they promise about units, ranges and randomness."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generation.painter.fields import (
    Frame,
    blur,
    cover,
    extent,
    grain,
    mix,
    noise,
    shade,
    shift,
    signed_distance,
    smoothstep,
    soften,
    standardise,
    warp,
)
from generation.painter.halftone import dot_screen, extruded
from generation.painter.light import diffuse, relief
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


@settings(max_examples=15, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    cell=st.floats(3, 900),
    octaves=st.integers(1, 6),
    stretch=st.tuples(st.floats(0.2, 6), st.floats(0.2, 6)),
    size=st.tuples(st.integers(64, 128), st.integers(64, 128)),
)
def test_noise_is_standard_and_repeatable_whatever_is_asked(seed, cell, octaves, stretch, size):
    frame = Frame(*size)
    field, again = (noise(frame, rng(seed), cell, octaves=octaves, stretch=stretch) for _ in range(2))

    assert field.shape == size[::-1]
    assert np.array_equal(field, again)
    assert abs(float(field.mean())) < 1e-3
    assert float(field.std()) == pytest.approx(1, abs=1e-2)


def autocorrelation(field, lag):
    return float((field[:, lag:] * field[:, :-lag]).mean())


def test_wider_cells_make_smoother_noise():
    lag_px = 16
    seen = [autocorrelation(noise(SMALL, rng(), cell, octaves=1), lag_px) for cell in (40, 150, 600)]

    assert seen[0] < seen[1] < seen[2]
    assert abs(seen[0]) < 0.2
    assert seen[2] > 0.8


def test_stretched_noise_runs_along_its_wide_side():
    field = noise(SMALL, rng(), 60, octaves=2, stretch=(6, 0.5))

    assert autocorrelation(field, 12) > autocorrelation(field.T, 12) + 0.4


def test_more_octaves_add_finer_detail():
    calm, rough = (noise(SMALL, rng(), 300, octaves=octaves) for octaves in (1, 6))

    assert np.abs(np.diff(rough, axis=1)).mean() > 1.2 * np.abs(np.diff(calm, axis=1)).mean()


def test_grain_is_finer_than_anything_else():
    assert abs(autocorrelation(grain(LARGE, rng()), 6)) < 0.1


def test_a_constant_field_standardises_to_nothing():
    assert (standardise(np.full((16, 16), 7, np.float32)) == 0).all()


@pytest.mark.parametrize("sigma", [2, 5, 13])
def test_blurring_keeps_the_mean(sigma):
    field = np.zeros((256, 256), np.float32)
    field[100:140, 90:170] = 1

    assert blur(field, sigma).sum() == pytest.approx(field.sum(), rel=0.01)


def test_a_blur_below_a_third_of_a_pixel_is_none():
    field = noise(SMALL, rng(), 9)

    assert blur(field, 0.2) is field


def test_softening_is_the_same_in_units_at_every_size():
    def soft_disc(frame):
        return soften(frame, frame.edge(disc(frame, (512, 512), 200)), 40)

    assert (
        np.abs(cv2.resize(soft_disc(LARGE), (256, 256), interpolation=cv2.INTER_AREA) - soft_disc(SMALL)).max() < 0.04
    )


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


@settings(max_examples=12, deadline=None)
@given(x=st.floats(300, 700), y=st.floats(300, 700), size=st.floats(60, 250))
def test_signed_distance_of_a_disc_is_its_radius_less_the_way_to_its_middle(x, y, size):
    exact = disc(SMALL, (x, y), size)
    found = signed_distance(SMALL, SMALL.edge(exact))
    away_from_tip = np.abs(exact - size) > 25

    assert np.abs(found - exact)[away_from_tip].max() < 8 + 0.03 * 1024
    assert (np.sign(found) == np.sign(exact))[np.abs(exact) > 8].all()


def test_signed_distance_is_the_same_in_units_at_every_size():
    fields = [signed_distance(frame, frame.edge(disc(frame, (500, 450), 180))) for frame in (SMALL, LARGE)]

    assert np.abs(fields[0] - cv2.resize(fields[1], (256, 256), interpolation=cv2.INTER_AREA)).max() < 6


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


def test_covering_with_a_canvas_takes_its_pixels():
    sheet, half = noise(SMALL, rng(), 90), np.zeros((256, 256), np.float32)
    half[:, 128:] = 1
    picture = cv2.merge([sheet, sheet * 2, sheet * 3])
    covered = cover(SMALL.blank((0.5, 0.5, 0.5)), picture, half)

    assert np.allclose(covered[:, 128:], picture[:, 128:], atol=1e-5)
    assert (covered[:, :128] == 0.5).all()


def test_mixing_goes_from_one_to_the_other():
    assert mix(2.0, 6.0, np.array([0, 0.25, 1], np.float32)).tolist() == [2, 3, 6]


def test_shading_multiplies_every_channel():
    canvas = shade(SMALL.blank((0.2, 0.4, 0.8)), np.full((256, 1), 0.5, np.float32))

    assert np.allclose(canvas, (0.1, 0.2, 0.4))


def test_a_shift_moves_by_units_and_brings_in_nothing():
    spot = np.zeros((256, 256), np.float32)
    spot[20, 30] = 1
    moved = shift(SMALL, spot, 40, 80)

    assert np.argwhere(moved > 0.5).tolist() == [[40, 40]]
    assert moved.sum() == pytest.approx(1)


def test_warping_by_a_number_looks_that_far_away():
    field = np.broadcast_to(SMALL.x, (256, 256)).copy()

    assert np.allclose(warp(SMALL, field, 100, 0)[:, 20:200], field[:, 20:200] + 100, atol=0.05)


def test_nothing_has_no_extent():
    assert extent(np.zeros((8, 8), np.float32)) is None


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


def test_mountains_are_placed_not_summed_from_a_spectrum():
    line = peaks(LARGE, rng(), 600, 300, 4)
    slopes = np.sign(np.diff(blur(line[None], 12)[0]))

    assert np.count_nonzero(np.diff(slopes)) < 24


def test_polygons_and_discs_cover_their_area():
    square = polygons(LARGE, [np.array([[100, 100], [300, 100], [300, 300], [100, 300]], np.float32)])

    assert square.sum() * 4 == pytest.approx(40_000, rel=0.04)
    assert LARGE.edge(disc(LARGE, (512, 512), 100)).sum() * 4 == pytest.approx(np.pi * 100**2, rel=0.02)


def test_parts_of_a_picture_have_streams_of_their_own(make_job):
    job = make_job("水", "ink")
    subject = subject_of(job.request, job.writing.mask, side=64)

    assert subject.rng("a").random() == subject.rng("a").random() != subject.rng("b").random()
