import time

import cv2
import numpy as np
import pytest

from generation.conditioning import make, make_all, methods_of
from generation.conditioning.depth import distance_transform_depth
from generation.conditioning.scribble import skeleton
from generation.conditioning.segmentation import ADE20K, INK_ON_GROUND
from generation.conditioning.thinning import branch_counts, pruned
from generation.contracts.request import KINDS
from generation.glyphs import FontBook, write

FONTS = FontBook(system=False)
WORDS = {"学习": "zh-Hans", "تعلّم": "ar", "हिन्दी": "hi", "i": "tr", "鬱": "ja"}
WRITINGS = {word: write(word, language=tag, width=512, height=640, fonts=FONTS) for word, tag in WORDS.items()}
METHODS = [(kind, name) for kind in KINDS for name in methods_of(kind)]


def _ink(writing):
    return writing.mask > 127


def _pieces(bits):
    return cv2.connectedComponents(bits.astype(np.uint8), connectivity=8)[0] - 1


@pytest.mark.parametrize("word", WORDS)
@pytest.mark.parametrize(("kind", "name"), METHODS)
def test_every_method_keeps_the_contract(kind, name, word):
    writing = WRITINGS[word]
    made = make(kind, writing, seed=9, method=name)
    assert made.image.shape == (640, 512, 3)
    assert made.image.dtype == np.uint8
    assert (make(kind, writing, seed=9, method=name).image == made.image).all()
    assert made.image.any()


@pytest.mark.parametrize(("kind", "name"), METHODS)
def test_no_method_writes_into_the_writing(kind, name):
    writing = write("学", language="ja", width=512, height=512, fonts=FONTS)
    before = writing.mask.copy()
    writing.mask.setflags(write=False)
    make(kind, writing, seed=1, method=name)
    assert (writing.mask == before).all()


@pytest.mark.parametrize("word", WORDS)
def test_canny_draws_thin_white_outlines_on_black(word):
    writing = WRITINGS[word]
    image = make("canny", writing, seed=1).image
    assert set(np.unique(image)) == {0, 255}
    edges = image[..., 0] > 0
    near_rim = cv2.morphologyEx(_ink(writing).astype(np.uint8), cv2.MORPH_GRADIENT, np.ones((5, 5), np.uint8)) > 0
    assert not (edges & ~near_rim).any()
    assert 0.0005 < edges.mean() < 0.12
    assert _pieces(edges) >= _pieces(_ink(writing))


@pytest.mark.parametrize("word", WORDS)
def test_depth_raises_every_stroke_off_the_ground(word):
    writing = WRITINGS[word]
    depth = make("depth", writing, seed=3).image[..., 0].astype(int)
    ink = _ink(writing)
    inside = cv2.erode(ink.astype(np.uint8), np.ones((7, 7), np.uint8)) > 0
    outside = cv2.dilate(ink.astype(np.uint8), np.ones((25, 25), np.uint8)) == 0
    assert depth[inside].min() > depth[outside].max() + 20
    assert depth[outside].min() >= 18
    assert depth.max() >= 235


def test_depth_is_rounded_and_comes_nearer_downwards():
    writing = WRITINGS["i"]
    depth = make("depth", writing, seed=3).image[..., 0].astype(float)
    x0, y0, x1, y1 = writing.box
    row = depth[y1 - (y1 - y0) // 4, x0:x1]
    middle = len(row) // 2
    assert row[middle] > row[3] + 30
    assert (np.diff(row[2:middle]) >= -1).all()
    assert depth[-40:].mean() > depth[:40].mean() + 40
    assert np.abs(np.diff(depth[:, 5])).max() <= 3


def test_the_seed_moves_the_ground_and_leaves_the_strokes():
    writing = WRITINGS["学习"]
    first, second = (distance_transform_depth(writing, seed=seed)[..., 0].astype(int) for seed in (1, 2))
    inside = cv2.erode(_ink(writing).astype(np.uint8), np.ones((15, 15), np.uint8)) > 0
    assert (first != second)[~_ink(writing)].mean() > 0.5
    assert np.abs(first - second)[inside].max() <= 1


@pytest.mark.parametrize("seed", range(8))
def test_segmentation_is_two_classes_and_exactly_the_ink(seed):
    writing = WRITINGS["鬱"]
    image = make("segmentation", writing, seed=seed).image
    ink = _ink(writing)
    on, off = image[ink][0], image[~ink][0]
    assert (image[ink] == on).all()
    assert (image[~ink] == off).all()
    names = {colour: name for name, colour in ADE20K.items()}
    assert (names[tuple(on)], names[tuple(off)]) in INK_ON_GROUND


def test_seeds_reach_every_pair_of_classes():
    writing = WRITINGS["i"]
    seen = {tuple(make("segmentation", writing, seed=seed).image[0, 0]) for seed in range(60)}
    assert seen == {ADE20K[ground] for _, ground in INK_ON_GROUND}


@pytest.mark.parametrize("word", WORDS)
def test_the_skeleton_is_thin_inside_the_ink_and_loses_no_part(word):
    writing = WRITINGS[word]
    lines = skeleton(writing) > 0
    assert not (lines & ~_ink(writing)).any()
    squares = cv2.erode(lines.astype(np.uint8), np.ones((2, 2), np.uint8))
    assert squares.sum() <= 0.005 * lines.sum()
    count, labels = cv2.connectedComponents(_ink(writing).astype(np.uint8), connectivity=8)
    assert all(lines[labels == part].any() for part in range(1, count))


def test_the_scribble_is_the_skeleton_a_few_pixels_wide():
    writing = write("学习", language="zh-Hans", width=1024, height=1024, fonts=FONTS)
    image = make("scribble", writing, seed=1).image
    assert set(np.unique(image)) == {0, 255}
    scribble, lines = image[..., 0] > 0, skeleton(writing) > 0
    assert (scribble >= lines).all()
    assert 2 < scribble.sum() / lines.sum() < 4


def test_scribbled_strokes_have_no_spurs():
    writing = write("一", language="zh-Hans", width=512, height=512, fonts=FONTS)
    lines = skeleton(writing) > 0
    assert branch_counts(np.pad(lines, 1)).max() <= 2
    assert lines.any(axis=0).sum() > 0.8 * (writing.box[2] - writing.box[0])


def _drawn(*rows):
    return np.array([[cell == "#" for cell in row] for row in rows])


def test_a_short_branch_goes_and_a_long_one_stays():
    lines = _drawn(
        "............",
        "....#.......",
        "....#.......",
        "############",
        ".......#....",
        ".......#....",
        ".......#....",
        ".......#....",
        ".......#....",
    )
    kept = pruned(lines, 2)
    assert not kept[:3].any()
    assert kept[5:, 7].all()
    assert kept[3].all()


def test_a_line_without_forks_stays_however_short():
    lines = _drawn("......", "..##..", "......")
    assert (pruned(lines, 5) == lines).all()


def test_a_dot_that_is_all_spurs_stays():
    lines = _drawn(".......", "..#.#..", "...#...", "..#.#..", ".......")
    assert (pruned(lines, 4) == lines).all()


def test_a_loop_stays():
    lines = _drawn("..##..", ".#..#.", ".#..#.", "..##..")
    assert (pruned(lines, 9) == lines).all()


def test_four_kinds_are_made_quickly():
    writing = write("学习", language="zh-Hans", width=1024, height=1024, fonts=FONTS)
    make_all(KINDS, writing, seed=1)

    def seconds(kind):
        start = time.thread_time()
        make(kind, writing, seed=1)
        return time.thread_time() - start

    assert sum(min(seconds(kind) for _ in range(3)) for kind in KINDS) < 0.24  # two cores halve it
