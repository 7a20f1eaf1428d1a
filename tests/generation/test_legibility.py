"""The legibility report: what it must tell apart, and what it must survive."""

import time

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generation.contracts.picture import Writing
from generation.glyphs import language_of, write
from generation.legibility import FLOOR, GOOD, contrast_at, measure

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


def textured(writing, seed, strength):
    noise = np.random.default_rng(seed).standard_normal((512, 512, 3)).astype(np.float32)
    noise = cv2.GaussianBlur(noise, (0, 0), 7)
    word = plain(writing, (70, 60, 50), (170, 180, 190)).astype(np.float32)
    return np.clip(word + noise / noise.std() * strength, 0, 255).astype(np.uint8)


@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), strength=st.floats(0, 120))
def test_reports_are_fractions_and_colour_only_helps(writing, seed, strength):
    report = measure(textured(writing, seed, strength), writing)

    assert all(0 <= value <= 1 for value in report.values())
    assert report["contrast"] >= report["luminance"]
    assert report["contrast_thumbnail"] >= report["luminance_thumbnail"]


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_a_picture_reads_as_well_when_mirrored_with_its_word(writing, seed):
    image = textured(writing, seed, 40)
    scale = 64 / writing.em_px
    seen = contrast_at(image, writing.mask, writing.em_px, scale)
    mirrored = contrast_at(image[:, ::-1].copy(), writing.mask[:, ::-1].copy(), writing.em_px, scale)

    assert mirrored == pytest.approx(seen, abs=0.02)


def test_what_lies_far_from_the_word_does_not_matter(writing):
    image, busy = plain(writing, (40, 40, 40), (200, 200, 200)), textured(writing, 1, 90)
    far = cv2.dilate(writing.mask, np.ones((201, 201), np.uint8)) == 0
    changed = np.where(far[..., None], busy, image)

    assert far.any()
    assert measure(changed, writing)["contrast"] == pytest.approx(measure(image, writing)["contrast"], abs=0.02)


def test_a_blurred_word_reads_worse(writing):
    image = plain(writing, (0, 0, 0), (255, 255, 255))
    seen = [measure(cv2.GaussianBlur(image, (0, 0), sigma), writing)["contrast"] for sigma in (1, 12, 30)]

    assert seen[0] > seen[1] > seen[2]
