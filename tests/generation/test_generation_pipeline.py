"""From a request to a finished picture, with real glyphs, real control images and the real painter."""

from __future__ import annotations

import io
import threading

import numpy as np
import pytest
from PIL import Image

from generation.contracts.errors import NothingToDraw, OutOfMemory, PaintingCancelled, PaintingFailed, UnknownMethod
from generation.contracts.events import Done
from generation.contracts.request import KINDS
from generation.encode import png, preview_jpeg
from generation.painter import Painter
from generation.pipeline import Pipeline
from generation.styles import STYLES
from tests.generation.scripted import STEPS, ScriptedEngine, request

PIPELINE = Pipeline()


def test_control_images_only_for_what_the_engine_needs():
    job, seconds = PIPELINE.prepare(request(), ScriptedEngine(), threading.Event())
    assert (dict(job.control), list(seconds)) == ({}, ["glyphs"])
    job, seconds = PIPELINE.prepare(request(), ScriptedEngine(needs=("depth", "canny")), threading.Event())
    assert set(job.control) == {"depth", "canny"}
    assert list(seconds) == ["glyphs", "control"]
    assert all(control.image.shape == (512, 512, 3) for control in job.control.values())


def test_weights_of_the_request_go_before_the_styles():
    job, _ = PIPELINE.prepare(request(weights=(("canny", 0.1),)), ScriptedEngine(), threading.Event())
    assert job.weights == {**STYLES["ink"].weights, "canny": 0.1}


def test_refusals_come_out_as_they_are():
    with pytest.raises(UnknownMethod):
        PIPELINE.prepare(request(methods=(("canny", "no such"),)), ScriptedEngine(needs=KINDS), threading.Event())
    with pytest.raises(NothingToDraw):
        PIPELINE.prepare(request(word="\u3000"), ScriptedEngine(), threading.Event())


def test_a_cancelled_request_is_not_prepared():
    cancelled = threading.Event()
    cancelled.set()
    engine = ScriptedEngine(needs=KINDS)
    with pytest.raises(PaintingCancelled):
        PIPELINE.prepare(request(), engine, cancelled)


def test_one_picture_by_the_painter_and_again_the_same():
    wanted, events = request(translation="study"), []
    first = PIPELINE.paint_one(wanted, Painter(), events.append)
    again = PIPELINE.paint_one(wanted, Painter())
    assert first.png == again.png
    assert isinstance(events[-1], Done)
    image = Image.open(io.BytesIO(first.png))
    assert image.size == (512, 512)
    assert image.text["word"] == "学习"
    assert image.text["translation"] == "study"
    assert (image.text["style"], image.text["seed"]) == ("ink", "0")
    assert image.text["engine"] == "painter 1" or image.text["engine"].startswith("painter ")
    assert image.text["Software"] == "Wordbrush"
    assert {"glyphs", "encode", "legibility"} <= set(first.seconds)
    assert (first.methods, first.weights) == ({}, {})
    x0, y0, x1, y1 = first.box
    assert 0 <= x0 < x1 <= 512
    assert 0 <= y0 < y1 <= 512


def test_a_picture_says_which_methods_and_weights_made_it():
    engine = ScriptedEngine(needs=("canny",))
    picture = PIPELINE.paint_one(request(), engine)
    assert list(picture.methods) == ["canny"]
    assert picture.weights == {"canny": STYLES["ink"].weights["canny"]}
    assert engine.steps[0] == STEPS


@pytest.mark.parametrize(("does", "error"), [("oom", OutOfMemory), ("no end", PaintingFailed)])
def test_a_failure_is_raised(does, error):
    with pytest.raises(error):
        PIPELINE.paint_one(request(), ScriptedEngine(script={0: does}))


def test_a_png_keeps_every_pixel_and_every_script():
    image = np.random.default_rng(1).integers(0, 256, (64, 48, 3), np.uint8)
    decoded = Image.open(io.BytesIO(png(image, {"word": "кисть 书法 كتاب", "empty": ""})))
    assert np.array_equal(np.asarray(decoded), image)
    assert decoded.text == {"word": "кисть 书法 كتاب"}


@pytest.mark.parametrize(
    ("shape", "size"), [((1024, 512, 3), (256, 512)), ((100, 90, 3), (461, 512)), ((64, 64, 3), (512, 512))]
)
def test_previews_have_one_size_and_keep_their_shape(shape, size):
    preview = Image.open(io.BytesIO(preview_jpeg(np.full(shape, 200, np.uint8))))
    assert preview.format == "JPEG"
    assert preview.size == size
