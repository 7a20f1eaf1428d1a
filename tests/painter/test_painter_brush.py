"""The bristle brush: where strokes run, what its bristles leave, and where it runs dry."""

import cv2
import numpy as np
import pytest

from generation.painter.brush import brushed, directions, streaks
from generation.painter.fields import Frame, signed_distance
from generation.painter.subject import Subject

FRAME = Frame(256, 256)


def bar(turn=0.0, half_length=100, half_width=14):
    """Coverage of one straight stroke through the middle of the sheet, turned by degrees."""
    sheet = np.zeros((256, 256), np.float32)
    box = cv2.boxPoints(((128.0, 128.0), (2.0 * half_length, 2.0 * half_width), turn))
    return cv2.fillPoly(sheet, [np.round(box).astype(np.int32)], 1.0)


def stroke_subject(mask, seed=1, stem=56.0):
    return Subject(FRAME, mask, signed_distance(FRAME, mask), (0, 0, 1024, 1024), stem, seed)


@pytest.mark.parametrize("turn", [0, 30, 60, 90, 120, 150])
def test_directions_run_along_a_stroke_up_to_its_very_ends(turn):
    mask = bar(turn)
    along_x, along_y = directions(FRAME, mask, 170)
    agreement = np.abs(along_x * np.cos(np.radians(turn)) + along_y * np.sin(np.radians(turn)))

    assert np.quantile(agreement[mask > 0.5], 0.1) > 0.97
    assert np.median(agreement[mask > 0.5]) > 0.995


@pytest.mark.parametrize(("turn", "sense"), [(0, (1, 0)), (90, (0, 1)), (120, (-0.5, 0.87)), (45, (0.7, 0.7))])
def test_a_brush_goes_down_and_to_the_right(turn, sense):
    along_x, along_y = directions(FRAME, bar(turn), 170)

    assert along_x[128, 128] * sense[0] + along_y[128, 128] * sense[1] > 0.9


def test_directions_have_unit_length():
    assert np.allclose(np.hypot(*directions(FRAME, bar(30), 170)), 1, atol=1e-4)


def level(field):
    return np.ones_like(field), np.zeros_like(field)


def autocorrelation(field):
    """Mean correlation of the rows with themselves, by lag in pixels."""
    return np.array([np.corrcoef(field[:, : 256 - lag].ravel(), field[:, lag:].ravel())[0, 1] for lag in range(1, 60)])


def test_streaks_are_long_along_the_stroke_and_short_across_it():
    marks = streaks(FRAME, np.random.default_rng(1), level(bar()), length=200, bristle=8)

    assert float(marks.std()) == pytest.approx(1, abs=0.01)
    assert autocorrelation(marks)[7] > 0.7
    assert abs(autocorrelation(marks.T)[7]) < 0.25


@pytest.mark.parametrize("bristle", [4, 8, 16])
@pytest.mark.parametrize("length", [100, 300])
def test_streaks_fade_without_a_beat(length, bristle):
    """Nothing along a stroke comes back at regular distances, as the teeth of a zipper would."""
    falling = autocorrelation(streaks(FRAME, np.random.default_rng(2), level(bar()), length=length, bristle=bristle))

    assert np.diff(falling).max() < 0.05
    assert (falling[1:30] - np.minimum.accumulate(falling)[:29]).max() < 0.08


def test_a_wet_brush_leaves_no_gaps():
    mask = bar(30)
    stroke = brushed(stroke_subject(mask), dryness=0.0)

    assert stroke.coverage[cv2.erode(mask, np.ones((9, 9))) > 0].min() > 0.99


def test_a_brush_is_spent_where_its_stroke_ends():
    spent = brushed(stroke_subject(bar(0)), dryness=0.5).spent[128]

    assert spent[215] > 0.7
    assert spent[60] < 0.1
    assert (np.diff(spent[60:220]) > -0.02).all()


def test_a_dry_brush_parts_towards_the_end_of_its_strokes():
    mask = bar(0)
    within = cv2.erode(mask, np.ones((7, 7)))
    paper = sum((1 - brushed(stroke_subject(mask, seed), dryness=0.8).coverage) * within for seed in range(8))

    assert paper[:, 190:].sum() > 3 * paper[:, :66].sum()


def test_dryness_takes_ink_away():
    covered = [brushed(stroke_subject(bar(90), 3), dryness=dryness).coverage.sum() for dryness in (0.0, 0.5, 1.0)]

    assert covered[0] > covered[1] > covered[2] > 0.6 * covered[0]


def test_narrow_counters_stay_open():
    mask = np.zeros((256, 256), np.float32)
    mask[60:120, 30:226], mask[124:184, 30:226] = 1, 1
    middle = brushed(stroke_subject(mask, stem=60.0), dryness=0.0).coverage[121:123, 60:196]

    assert middle.mean() < 0.5


def test_bristles_are_wider_in_wide_strokes():
    def fineness(stem):
        subject = stroke_subject(bar(0, half_width=30), stem=stem)
        marks = brushed(subject, dryness=0.5).marks
        return autocorrelation(marks.T)[3]

    assert fineness(60.0) > fineness(8.0) + 0.1


def test_the_same_seed_writes_the_same_stroke():
    one, two = (brushed(stroke_subject(bar(60), 5), dryness=0.7) for _ in range(2))

    assert np.array_equal(one.coverage, two.coverage)
    assert not np.array_equal(one.coverage, brushed(stroke_subject(bar(60), 6), dryness=0.7).coverage)
