"""The painter as an engine: events, cancelling, failures one job at a time."""

import dataclasses
import json
import threading
from itertools import pairwise

import cv2
import numpy as np
import pytest

from generation.contracts.errors import OutOfMemory, PaintingFailed, UnknownStyle
from generation.contracts.events import Done, Failed, Preview, Step
from generation.contracts.ports import Engine
from generation.contracts.request import PaintRequest
from generation.painter import Painter
from generation.painter.engine import STYLE_LAYERS
from generation.painter.subject import STAGES, subject_of
from generation.styles import STYLES

SMALL = (256, 256)


class FlagAfter:
    """A cancelled flag that is set once it has been looked at a number of times."""

    def __init__(self, looks):
        self.looks = looks

    def is_set(self):
        self.looks -= 1
        return self.looks < 0


class FailingFlag:
    """Something goes wrong while the job is being painted."""

    def __init__(self, error):
        self.error = error

    def is_set(self):
        raise self.error


def opencv_error(code):
    error = cv2.error("Failed to allocate 12582912 bytes")
    error.code = code
    return error


def ends(events):
    return [(event.job, type(event)) for event in events if isinstance(event, Done | Failed)]


def test_it_is_an_engine():
    engine: Engine = Painter()

    assert (engine.name, engine.version, engine.needs) == ("painter", "1", ())


def test_every_style_of_the_house_has_layers():
    assert set(STYLE_LAYERS) == set(STYLES)


def test_a_batch_ends_in_one_done_a_job(make_job, run_jobs):
    events = run_jobs(make_job("学习", "ink"), make_job("Freude", "comic"), make_job("水", "watercolor"))

    assert ends(events) == [(0, Done), (1, Done), (2, Done)]


def test_the_picture_has_the_size_asked_for(make_job, run_jobs):
    done = run_jobs(make_job("学习", "comic", size=(640, 512)))[-1]

    assert done.image.shape == (512, 640, 3)
    assert done.image.dtype == np.uint8


def test_a_preview_comes_before_the_last_steps(make_job, run_jobs):
    events = run_jobs(make_job("学习", "watercolor"))
    kinds = [type(event) for event in events]

    assert kinds.count(Preview) == 1
    assert kinds.index(Preview) < kinds.index(Step)
    assert kinds[-1] is Done


def test_the_preview_keeps_the_format(make_job, run_jobs):
    preview = next(e.image for e in run_jobs(make_job("学习", "realistic", size=(768, 512))) if isinstance(e, Preview))

    assert preview.shape == (256, 384, 3)


@pytest.mark.parametrize("style", sorted(STYLE_LAYERS))
def test_the_preview_looks_like_the_picture(make_job, run_jobs, style):
    events = run_jobs(make_job("水", style, 3, size=(448, 448)))
    preview = next(event.image for event in events if isinstance(event, Preview))
    small = cv2.resize(events[-1].image, preview.shape[1::-1], interpolation=cv2.INTER_AREA)

    assert np.corrcoef(small.ravel(), preview.ravel())[0, 1] > 0.85


def test_steps_go_up_to_the_end(make_job, run_jobs):
    steps = [event for event in run_jobs(make_job("سلام", "comic", 3)) if isinstance(event, Step)]

    assert [step.step for step in steps] == sorted({step.step for step in steps})
    assert {step.steps for step in steps} == {STAGES + 2}
    assert steps[-1].step == steps[-1].steps


def test_done_names_its_stages(make_job, run_jobs):
    done = run_jobs(make_job("学习", "ink"))[-1]

    assert set(done.seconds) == {"sketch", "paint"}
    assert all(seconds > 0 for seconds in done.seconds.values())


def test_a_job_can_be_cancelled_at_each_of_its_stages(make_job):
    style = "realistic"
    flag = FlagAfter(1000)
    list(Painter().paint([make_job("水", style, size=SMALL, cancelled=flag)]))
    looks = 1000 - flag.looks

    assert looks >= 2 * STAGES + 1
    for stage in range(looks):
        engine = Painter()
        assert ends(engine.paint([make_job("水", style, size=SMALL, cancelled=FlagAfter(stage))])) == []
        assert engine.diagnostics()["painted"] == 0


def test_a_cancelled_job_leaves_the_others_alone(make_job, run_jobs):
    events = run_jobs(make_job("学习", "comic", cancelled=FlagAfter(6)), make_job("水", "ink", size=SMALL))

    assert ends(events) == [(1, Done)]


def test_a_job_cancelled_beforehand_costs_no_full_picture(make_job, run_jobs):
    flag = threading.Event()
    flag.set()

    assert [
        event for event in run_jobs(make_job("学习", "ink", cancelled=flag)) if isinstance(event, Preview | Done)
    ] == []


def test_an_unknown_style_fails_alone(make_job, run_jobs):
    strange = make_job("学习", "ink")
    strange = dataclasses.replace(strange, request=dataclasses.replace(strange.request, style="cubist"))
    failed, *rest = run_jobs(strange, make_job("水", "ink"))

    assert isinstance(failed, Failed)
    assert isinstance(failed.error, UnknownStyle)
    assert ends(rest) == [(1, Done)]


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (MemoryError(), OutOfMemory),
        (opencv_error(cv2.Error.StsNoMem), OutOfMemory),
        (opencv_error(cv2.Error.StsAssert), PaintingFailed),
        (UnknownStyle(style="x", known="y"), UnknownStyle),
    ],
)
def test_a_failure_is_explained_and_stays_with_its_job(make_job, run_jobs, error, kind):
    failed, *rest = run_jobs(make_job("水", "ink", cancelled=FailingFlag(error)), make_job("水", "ink", size=SMALL))

    assert (failed.job, type(failed.error)) == (0, kind)
    assert ends(rest) == [(1, Done)]


def test_other_errors_are_not_swallowed(make_job, run_jobs):
    with pytest.raises(ZeroDivisionError):
        run_jobs(make_job("水", "ink", cancelled=FailingFlag(ZeroDivisionError())))


def test_an_error_of_opencv_is_explained_and_logged(make_job, run_jobs, caplog):
    broken = make_job("学习", "ink")
    unsupported = dataclasses.replace(broken.writing, mask=broken.writing.mask.astype(np.complex64))
    failed, *rest = run_jobs(dataclasses.replace(broken, writing=unsupported), make_job("水", "ink"))

    assert isinstance(failed.error, PaintingFailed)
    assert str(failed.error.details["reference"]) in caplog.text
    assert ends(rest) == [(1, Done)]


def test_batches_are_small_and_anything_may_share_one():
    engine = Painter()
    one, other = (PaintRequest(word="水", style=style, seed=1) for style in ("ink", "comic"))

    assert engine.batch_key(one) == engine.batch_key(other)
    assert engine.batch_limit(1024, 1024) >= 1


def test_diagnostics_tell_what_was_painted(make_job):
    engine = Painter()
    before = engine.diagnostics()
    list(engine.paint([make_job("水", "ink", size=SMALL), make_job("水", "comic", size=SMALL)]))
    report = engine.diagnostics()

    assert (before["painted"], before["median_seconds"]) == (0, {})
    assert (report["engine"], report["version"], report["painted"]) == ("painter", Painter.version, 2)
    assert set(report["median_seconds"]) == {"ink", "comic"}
    assert all(0 < seconds < 60 for seconds in report["median_seconds"].values())
    assert json.loads(json.dumps(report)) == report


def test_warming_and_unloading_change_no_picture(make_job):
    engine = Painter()
    engine.warm()
    first = list(engine.paint([make_job("水", "ink", size=SMALL)]))[-1].image
    engine.unload()
    second = list(engine.paint([make_job("水", "ink", size=SMALL)]))[-1].image

    assert np.array_equal(first, second)


def test_pictures_do_not_depend_on_their_company(make_job, run_jobs):
    alone = run_jobs(make_job("水", "ink", size=SMALL))[-1].image
    together = run_jobs(make_job("学习", "comic", 5, size=SMALL), make_job("水", "ink", size=SMALL))[-1].image

    assert np.array_equal(alone, together)


def test_an_empty_batch_paints_nothing(run_jobs):
    assert run_jobs() == []


@pytest.mark.parametrize("style", sorted(STYLE_LAYERS))
def test_a_style_shows_each_of_its_stages(make_job, style):
    job = make_job("学习", style)
    canvases = [canvas.copy() for canvas in STYLE_LAYERS[style](subject_of(job.request, job.writing.mask, side=128))]

    assert len(canvases) == STAGES
    assert all(canvas.dtype == np.float32 for canvas in canvases)
    assert all(np.abs(a - b).mean() > 1e-4 for a, b in pairwise(canvases))
