"""The painter's last resort for a word that does not read."""

import cv2
import numpy as np
import pytest

from generation.legibility import FLOOR, measure
from generation.painter.firmness import firm_enough, set_off


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
