"""The painter's last resort for a word that does not read."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generation.legibility import FLOOR, GOOD, measure
from generation.painter.firmness import REHEARSED, firm_enough, set_off


def texture(seed):
    noise = np.random.default_rng(seed).integers(0, 255, (512, 512, 3)).astype(np.uint8)
    return cv2.normalize(cv2.GaussianBlur(noise, (0, 0), 12), None, 0, 255, cv2.NORM_MINMAX)


@pytest.mark.parametrize("seed", range(4))
def test_a_word_hidden_in_texture_is_set_off(write_word, seed):
    writing, image = write_word("学习"), texture(seed)

    assert not firm_enough(image, writing, FLOOR)
    assert measure(set_off(image, writing), writing)["contrast"] >= FLOOR


def test_a_readable_picture_is_left_alone(write_word):
    writing = write_word("学习")
    image = np.repeat((255 - writing.mask)[..., None], 3, 2)

    assert set_off(image, writing) is image


def test_a_blank_picture_gets_its_word(write_word):
    writing = write_word("Freude")

    assert measure(set_off(np.full((512, 512, 3), 120, np.uint8), writing), writing)["contrast"] >= FLOOR


def test_the_far_ground_is_not_touched(write_word):
    writing, image = write_word("Freude"), texture(1)
    far = cv2.dilate(writing.mask, np.ones((161, 161), np.uint8)) == 0

    change = np.abs(set_off(image, writing).astype(int) - image)[far]
    assert far.any()
    assert change.max() == 0


def test_a_small_rehearsal_is_judged_like_the_picture(paint, write_word):
    image, writing = paint("学习", "ink"), write_word("学习")

    assert firm_enough(cv2.resize(image, (256, 256), interpolation=cv2.INTER_AREA), writing, FLOOR)


BARS = (0.5, FLOOR, REHEARSED, GOOD)


def test_a_higher_bar_sets_the_word_off_more(write_word):
    writing, image = write_word("Freude"), texture(1)
    lifted = [set_off(image, writing, bar) for bar in BARS]
    contrasts = [measure(each, writing)["contrast"] for each in (image, *lifted)]
    changes = [np.abs(each.astype(int) - image).mean() for each in lifted]

    assert contrasts == sorted(contrasts)
    assert changes == sorted(changes)
    assert min(contrasts[2:]) >= FLOOR
    assert contrasts[-1] > contrasts[0] + 0.2


LEVELS = st.integers(0, 255)


@settings(max_examples=8, deadline=None)
@given(ink=st.tuples(LEVELS, LEVELS, LEVELS), ground=st.tuples(LEVELS, LEVELS, LEVELS))
def test_a_word_in_any_two_colours_is_left_alone_or_made_readable(write_word, ink, ground):
    writing = write_word("水", 256, 256)
    amount = writing.mask[..., None] / 255
    image = np.round(np.array(ground) * (1 - amount) + np.array(ink) * amount).astype(np.uint8)
    good = firm_enough(image, writing, FLOOR)
    result = set_off(image, writing)

    assert (result is image) == good
    assert firm_enough(result, writing, FLOOR)


@pytest.mark.parametrize(("ink", "ground"), [(110, 150), (150, 110)])
def test_ink_keeps_its_side_of_the_ground(write_word, ink, ground):
    writing = write_word("水", 256, 256)
    ripples = np.random.default_rng(1).standard_normal((256, 256)).astype(np.float32)
    ripples = cv2.GaussianBlur(ripples, (0, 0), 6) * 500
    image = np.where(writing.mask > 127, ink, ground) + ripples
    image = np.repeat(np.clip(image, 0, 255).astype(np.uint8)[..., None], 3, 2)
    lifted = set_off(image, writing, 0.9).astype(float)
    inside, outside = lifted[writing.mask > 127].mean(), lifted[writing.mask == 0].mean()

    assert (inside < outside) == (ink < ground)


def test_the_picture_itself_is_not_written_into(write_word):
    image = texture(2)
    before = image.copy()
    set_off(image, write_word("学习"))

    assert np.array_equal(image, before)
