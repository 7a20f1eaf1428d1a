"""The legibility report: what it must tell apart, and what it must survive."""

import time

import cv2
import numpy as np
import pytest

from generation.contracts.picture import Writing
from generation.glyphs import language_of, write
from generation.legibility import FLOOR, GOOD, measure

KEYS = {"contrast", "luminance", "contrast_thumbnail", "luminance_thumbnail"}


@pytest.fixture(scope="module")
def writing():
    return write("学习", language=language_of("学习"), width=512, height=512)


def plain(writing, ink, ground):
    amount = writing.mask[..., None] / 255
    return np.round(np.array(ground) * (1 - amount) + np.array(ink) * amount).astype(np.uint8)


def blank(value=200):
    return np.full((512, 512, 3), value, np.uint8)


def written(mask, em_px):
    box = (0, 0, mask.shape[1], mask.shape[0])
    return Writing("x", "und", "Latn", "ltr", mask, (), box, (box,), (mask.shape[0],), em_px)


@pytest.mark.parametrize(("ink", "ground"), [((0, 0, 0), (255, 255, 255)), ((250, 240, 200), (20, 30, 70))])
def test_plain_writing_is_good_either_way_round(writing, ink, ground):
    report = measure(plain(writing, ink, ground), writing)

    assert set(report) == KEYS
    assert report["contrast"] > 0.97
    assert report["luminance"] > 0.97
    assert report["contrast_thumbnail"] > GOOD


@pytest.mark.parametrize("value", [0, 128, 255])
def test_a_blank_picture_is_not_legible(writing, value):
    assert measure(blank(value), writing) == dict.fromkeys(KEYS, 0.0)


def test_a_busy_picture_without_the_word_is_not_legible(writing):
    noise = np.random.default_rng(1).integers(0, 255, (512, 512, 3)).astype(np.uint8)

    assert measure(cv2.GaussianBlur(noise, (0, 0), 9), writing)["contrast"] < FLOOR


def test_another_word_is_not_this_word(writing):
    other = write("水", language="zh-Hans", width=512, height=512)

    assert measure(plain(other, (0, 0, 0), (255, 255, 255)), writing)["contrast"] < FLOOR


def test_colour_alone_is_contrast_but_no_luminance(writing):
    report = measure(plain(writing, (231, 88, 96), (104, 146, 88)), writing)

    assert report["contrast"] > 0.95
    assert report["luminance"] < 0.5


def test_texture_over_the_word_lowers_the_contrast_step_by_step(writing):
    texture = cv2.GaussianBlur(np.random.default_rng(3).standard_normal((512, 512, 1)).astype(np.float32), (0, 0), 8)
    texture = (texture / texture.std() * 60)[..., None]
    word = plain(writing, (60, 60, 60), (180, 180, 180)).astype(np.float32)
    seen = [
        measure(np.clip(word + amount * texture, 0, 255).astype(np.uint8), writing)["contrast"]
        for amount in (0, 0.5, 1.5)
    ]

    assert seen[0] > seen[1] > seen[2]


def test_tiny_and_empty_words_do_not_break_it():
    dot = np.zeros((512, 512), np.uint8)
    dot[250:252, 250:252] = 255

    assert measure(blank(), written(dot, 2.0))["contrast"] == 0
    assert measure(blank(), written(np.zeros((512, 512), np.uint8), 0.0)) == dict.fromkeys(KEYS, 0.0)


def test_a_word_that_fills_the_picture_has_no_ground_to_stand_out_from():
    assert measure(blank(10), written(np.full((512, 512), 255, np.uint8), 512.0))["contrast"] == 0


@pytest.mark.parametrize("picture", [np.zeros((512, 512), np.uint8), np.zeros((512, 512, 3), np.float32)])
def test_only_rgb_pictures_are_measured(writing, picture):
    with pytest.raises(ValueError, match="RGB"):
        measure(picture, writing)


def test_picture_and_writing_must_have_one_size(writing):
    with pytest.raises(ValueError, match="differ in size"):
        measure(np.zeros((256, 256, 3), np.uint8), writing)


def test_a_large_picture_takes_little_time():
    large = write("学习", language="zh-Hans", width=1024, height=1024)
    image = np.random.default_rng(1).integers(0, 255, (1024, 1024, 3)).astype(np.uint8)
    spent = []
    for _ in range(5):
        started = time.process_time()
        measure(image, large)
        spent.append(time.process_time() - started)

    assert min(spent) < 0.08
