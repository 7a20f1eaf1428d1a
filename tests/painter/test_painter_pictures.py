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
        "comic": 0x5587284949728B55,
        "ink": 0xE3E3353231218381,
        "realistic": 0x90B8E8C5CCCAE6F0,
        "traditional": 0x791D113233251501,
        "watercolor": 0x9484311AB335DA46,
    }
}


def digest(image):
    return hashlib.sha256(image.tobytes()).hexdigest()


def look(image):
    """64 bits of difference hash: whether each of 8 x 8 cells is brighter than the one to its right."""
    grey = cv2.resize(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), (9, 8), interpolation=cv2.INTER_AREA)
    return int("".join("1" if bit else "0" for bit in (grey[:, 1:] > grey[:, :-1]).ravel()), 2)


def distance(one, other):
    """Mean difference of two pictures at 32 px, 0 to 255."""
    small = [cv2.resize(image, (32, 32), interpolation=cv2.INTER_AREA).astype(float) for image in (one, other)]
    return np.abs(small[0] - small[1]).mean()


@pytest.mark.parametrize("style", STYLES)
def test_the_same_request_gives_the_same_bytes(make_job, run_jobs, paint, style):
    again = run_jobs(make_job("学习", style))[-1].image

    assert digest(again) == digest(paint("学习", style))


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


@pytest.mark.parametrize(("width", "height"), [(512, 896), (960, 512)])
@pytest.mark.parametrize("style", STYLES)
def test_other_formats_are_painted_and_readable(paint, write_word, style, width, height):
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
    seen, kept = look(paint("学习", style)), GOLDEN[Painter.version][style]

    assert (seen ^ kept).bit_count() <= 5, f"{style} looks different ({seen:#018x}): raise Painter.version"
