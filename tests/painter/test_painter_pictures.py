"""What the painter paints: the same for a seed, different between seeds, and always readable."""

import hashlib
import itertools
import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from generation.legibility import FLOOR, measure
from generation.painter import Painter
from generation.painter.engine import STYLE_LAYERS

STYLES = sorted(STYLE_LAYERS)
REPOSITORY = Path(__file__).parents[2]
PROGRAM = """
import hashlib, sys, threading
from generation.contracts.events import Done
from generation.contracts.ports import Job
from generation.contracts.request import PaintRequest
from generation.glyphs import write
from generation.painter import Painter
for style in sys.argv[1:]:
    request = PaintRequest(word="学习", translation="study", style=style, seed=1, width=512, height=512)
    job = Job(request, write("学习", language="zh-Hans", width=512, height=512), threading.Event())
    (done,) = (event for event in Painter().paint([job]) if isinstance(event, Done))
    print(style, hashlib.sha256(done.image.tobytes()).hexdigest())
"""
GOLDEN = {
    "1": {
        "comic": (
            0x5587284949728B55,
            "928f75a18570b0896aa395769c875da38143a6683f9a7753875e4b9e5830a24d347d5c40818377a98362a97e5f707f7f",
        ),
        "ink": (
            0xE3E3313333218381,
            "e6e1d3e9e3d6bdafa4b5b3aba2a19a86868392928e90908bb9b6ada7a6a0979792787a77e1dccfa9aaa6808484827e7d",
        ),
        "realistic": (
            0x90B8E8C5CCCAE6F0,
            "512a10532a10592e1245230e72472e8a5e45784f3567442f633e2978533c603b2568483532190b3d1f0c391d0c331a0b",
        ),
        "traditional": (
            0x791D113233251501,
            "9e9ca4af7b7a979ba797a4b29c98997e6b73a1a2a2a6a6a5b1ada59a9895b5b2aa9c9a95e5d0bae3cbb4e2c3aee1c3b0",
        ),
        "watercolor": (
            0x9484311AB335DA46,
            "d3dcd3dcd2c7cac1afccb39ca8aeaf888582bbaa9cc6b8b2a48870ad866bd2b7a4b5a39dc19771ddc3abbdc1b6ebe3d3",
        ),
    }
}
"""By version and style: `look` and `colours` of a picture."""
BITS_ASTRAY, LEVELS_ASTRAY = 5, 1.5


def digest(image):
    return hashlib.sha256(image.tobytes()).hexdigest()


def look(image):
    """64 bits of difference hash: whether each of 8 x 8 cells is brighter than the one to its right."""
    grey = cv2.resize(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), (9, 8), interpolation=cv2.INTER_AREA)
    return int("".join("1" if bit else "0" for bit in (grey[:, 1:] > grey[:, :-1]).ravel()), 2)


def colours(image):
    """Mean colour of each of 4 x 4 cells, as 48 bytes in hexadecimal notation."""
    return cv2.resize(image, (4, 4), interpolation=cv2.INTER_AREA).tobytes().hex()


def colour_change(one, other):
    """Mean difference of two such grids in levels of 255."""
    return float(
        np.abs(np.subtract(*(np.frombuffer(bytes.fromhex(each), np.uint8).astype(int) for each in (one, other)))).mean()
    )


def has_changed(image, kept):
    shape, grid = kept
    return (look(image) ^ shape).bit_count() > BITS_ASTRAY or colour_change(colours(image), grid) > LEVELS_ASTRAY


def distance(one, other):
    """Mean difference of two pictures at 32 px, 0 to 255."""
    small = [cv2.resize(image, (32, 32), interpolation=cv2.INTER_AREA).astype(float) for image in (one, other)]
    return np.abs(small[0] - small[1]).mean()


def test_another_process_gives_the_same_bytes(paint):
    environment = {**os.environ, "PYTHONHASHSEED": "7", "PYTHONPATH": str(REPOSITORY)}
    command = [sys.executable, "-c", PROGRAM, *STYLES]
    said = subprocess.run(command, env=environment, cwd=REPOSITORY, capture_output=True, text=True, check=True).stdout

    assert dict(line.split() for line in said.splitlines()) == {style: digest(paint("学习", style)) for style in STYLES}


@pytest.mark.parametrize("style", STYLES)
def test_seeds_are_visibly_different(paint, style):
    pictures = [paint("学习", style, seed) for seed in (1, 2, 3)]

    assert min(distance(a, b) for a, b in itertools.combinations(pictures, 2)) > 8


def test_styles_are_visibly_different(paint):
    pictures = [paint("学习", style) for style in STYLES]

    assert min(distance(a, b) for a, b in itertools.combinations(pictures, 2)) > 15


@pytest.mark.parametrize("style", STYLES)
def test_other_formats_are_painted_and_readable(paint, write_word, style):
    width, height = (512, 896) if STYLES.index(style) % 2 else (960, 512)
    image = paint("Freude", style, 4, width, height)

    assert image.shape == (height, width, 3)
    assert measure(image, write_word("Freude", width, height))["contrast"] >= FLOOR


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("word", ["학습", "سلام", "सीखना", "воображение"])
def test_the_word_is_readable(paint, write_word, style, word):
    report = measure(paint(word, style), write_word(word))

    assert report["contrast"] >= FLOOR
    assert report["contrast_thumbnail"] >= FLOOR - 0.1


@pytest.mark.parametrize("style", STYLES)
def test_the_picture_round_the_word_is_not_empty(paint, write_word, style):
    image, mask = paint("学习", style), write_word("学习").mask

    assert image[mask == 0].astype(float).std(0).max() > 12


@pytest.mark.parametrize("style", STYLES)
def test_pixels_change_only_with_the_version(paint, style):
    image = paint("学习", style)

    assert not has_changed(image, GOLDEN[Painter.version][style]), (
        f"{style} looks different ({look(image):#018x}, {colours(image)}): raise Painter.version"
    )


def turned(image, degrees):
    """The picture with every hue turned."""
    hls = cv2.cvtColor(image, cv2.COLOR_RGB2HLS)
    hls[..., 0] = (hls[..., 0].astype(int) + degrees // 2) % 180
    return cv2.cvtColor(hls, cv2.COLOR_HLS2RGB)


CHANGES = {
    "another hue": lambda image: turned(image, 40),
    "darker": lambda image: cv2.convertScaleAbs(image, alpha=0.95),
    "mirrored": lambda image: image[:, ::-1].copy(),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("style", STYLES)
def test_a_changed_picture_is_noticed(paint, style, change):
    image = paint("学习", style)

    assert has_changed(CHANGES[change](image), (look(image), colours(image)))


@pytest.mark.parametrize("style", STYLES)
def test_another_rounding_is_not_taken_for_a_change(paint, style):
    image = paint("学习", style)
    off_by_one = np.clip(image.astype(int) + np.random.default_rng(1).integers(-1, 2, image.shape), 0, 255)

    assert not has_changed(off_by_one.astype(np.uint8), (look(image), colours(image)))
