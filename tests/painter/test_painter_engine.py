"""The painter as an engine: events, cancelling, failures one job at a time."""

import dataclasses
import threading
from itertools import pairwise

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


class FlagAfter:
    """A cancelled flag that is set once it has been looked at a number of times."""

    def __init__(self, looks):
        self.looks = looks

    def is_set(self):
        self.looks -= 1
        return self.looks < 0


class ExhaustedFlag:
    """Memory runs out while the job is being painted."""

    def is_set(self):
        raise MemoryError


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


def test_the_preview_is_small_and_looks_like_the_picture(make_job, run_jobs):
    events = run_jobs(make_job("学习", "realistic", size=(768, 512)))
    preview = next(event.image for event in events if isinstance(event, Preview))
    picture = events[-1].image

    small = picture[::2, ::2][: preview.shape[0], : preview.shape[1]]
    assert preview.shape == (256, 384, 3)
    assert np.corrcoef(small.ravel(), preview.ravel())[0, 1] > 0.8


def test_steps_go_up_to_the_end(make_job, run_jobs):
    steps = [event for event in run_jobs(make_job("سلام", "comic", 3)) if isinstance(event, Step)]

    assert [step.step for step in steps] == sorted({step.step for step in steps})
    assert {step.steps for step in steps} == {STAGES + 2}
    assert steps[-1].step == steps[-1].steps


def test_done_names_its_stages(make_job, run_jobs):
    done = run_jobs(make_job("学习", "ink"))[-1]

    assert set(done.seconds) == {"sketch", "paint"}
    assert all(seconds > 0 for seconds in done.seconds.values())


@pytest.mark.parametrize("looks", [0, 4, 8])
def test_a_cancelled_job_is_dropped_and_the_others_go_on(make_job, run_jobs, looks):
    events = run_jobs(make_job("学习", "comic", cancelled=FlagAfter(looks)), make_job("水", "ink"))

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


def test_running_out_of_memory_fails_alone(make_job, run_jobs):
    failed, *rest = run_jobs(make_job("学习", "ink", cancelled=ExhaustedFlag()), make_job("水", "ink"))

    assert isinstance(failed.error, OutOfMemory)
    assert ends(rest) == [(1, Done)]


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
    engine.warm()
    list(engine.paint([make_job("学习", "ink")]))
    engine.unload()
    report = engine.diagnostics()

    assert report["painted"] == 1
    assert set(report["median_seconds"]) == {"ink"}


@pytest.mark.parametrize("style", sorted(STYLE_LAYERS))
def test_a_style_shows_each_of_its_stages(make_job, style):
    job = make_job("学习", style)
    canvases = [canvas.copy() for canvas in STYLE_LAYERS[style](subject_of(job.request, job.writing.mask, side=128))]

    assert len(canvases) == STAGES
    assert all(canvas.dtype == np.float32 for canvas in canvases)
    assert all(np.abs(a - b).mean() > 1e-4 for a, b in pairwise(canvases))
