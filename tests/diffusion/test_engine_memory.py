"""Out of memory at load, in the loop and in decode: the remedies in their order, and an engine that stays usable."""

from __future__ import annotations

import gc
import shutil
import weakref
from collections import Counter
from dataclasses import replace

import diffusers
import pytest
import torch

from generation.contracts.errors import EngineUnavailable, OutOfMemory, PaintingFailed, WeightsDamaged
from generation.contracts.events import Done, Failed
from generation.diffusion import residence
from generation.diffusion.config import Source
from generation.gpu import devices
from tests.diffusion.engine_rig import eight, engine_on, job_for, of, paint, pictures, request, sources, steps_of

pytestmark = pytest.mark.diffusion
__all__ = ["sources"]
GUIDED = 2
"""Rows a picture has in the UNet: one with its prompt, one with the negative one."""


class Device:
    """Lets a call fail as a device that is too small would: by its batch, or by how often it was called."""

    def __init__(self, monkeypatch, owner, name: str, *, fails) -> None:
        self.calls, self.fails, self.batches = 0, fails, []
        self.left: list[weakref.ref] = []
        plain = getattr(owner, name)

        def called(*args, **kwargs):
            self.calls += 1
            rows = next((len(value) for value in args if isinstance(value, torch.Tensor)), 0)
            self.batches.append(rows)
            if self.fails(self.calls, rows):
                scratch = torch.zeros(1000)
                self.left.append(weakref.ref(scratch))
                raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB.")
            return plain(*args, **kwargs)

        monkeypatch.setattr(owner, name, called)


@pytest.fixture
def in_the_loop(monkeypatch):
    return lambda fails: Device(monkeypatch, diffusers.UNet2DConditionModel, "forward", fails=fails)


@pytest.fixture
def in_decode(monkeypatch):
    return lambda fails: Device(monkeypatch, diffusers.AutoencoderKL, "decode", fails=fails)


@pytest.fixture
def at_load(monkeypatch):
    return lambda fails: Device(monkeypatch, residence, "load", fails=fails)


def ends(events) -> Counter:
    return Counter(event.job for event in events if isinstance(event, Done | Failed))


def remedies(engine) -> list[tuple[str, str]]:
    return [(event["stage"], event["remedy"]) for event in engine.diagnostics()["accidents"]]


def test_a_batch_that_does_not_fit_goes_on_in_halves(sources, tmp_path, in_the_loop):
    engine = engine_on(sources, tmp_path)
    device = in_the_loop(lambda _call, rows: rows > 4 * GUIDED)
    events = paint(engine, *eight())
    assert sorted(pictures(events)) == list(range(8))
    assert set(ends(events).values()) == {1}
    assert max(device.batches[1:]) == 4 * GUIDED
    assert remedies(engine) == [("denoise", "halved")]


def test_what_fits_is_remembered_until_the_models_leave(sources, tmp_path, in_the_loop):
    engine = engine_on(sources, tmp_path)
    device = in_the_loop(lambda _call, rows: rows > 4 * GUIDED)
    paint(engine, *eight())
    assert engine.batch_limit(128, 128) == 4
    paint(engine, *eight())
    assert remedies(engine) == [("denoise", "halved")], "no second try that is known to fail"
    engine.unload()
    assert engine.batch_limit(128, 128) == 8
    assert device.calls > 0


def test_memory_that_runs_out_in_the_middle_costs_only_what_was_not_done(sources, tmp_path, in_decode):
    """The first half is through before the second runs out of memory: it is not painted again."""
    engine = engine_on(sources, tmp_path, plan="quality")
    device = in_decode(lambda call, _rows: call in {1, 3})
    events = paint(engine, *eight()[:4])
    assert sorted(pictures(events)) == [0, 1, 2, 3]
    assert set(ends(events).values()) == {1}
    assert remedies(engine) == [("decode", "halved"), ("decode", "eased")]
    assert steps_of(events, 0) == [1, 2, 3] * 2
    assert steps_of(events, 3) == [1, 2, 3] * 3
    assert device.calls == 5, "four at once, two, two again, then the last two one by one"
    assert [event["batch"] for event in engine.diagnostics()["accidents"]] == [4, 2]


@pytest.mark.parametrize("step", [1, 2, 3])
def test_one_picture_is_tried_again_by_itself_whichever_step_it_was(sources, tmp_path, in_the_loop, step):
    engine = engine_on(sources, tmp_path)
    in_the_loop(lambda call, _rows: call == step)
    events = paint(engine, request())
    assert sorted(pictures(events)) == [0]
    assert steps_of(events) == [*range(1, step), 1, 2, 3]
    assert remedies(engine) == [("denoise", "halved")]


def test_then_the_next_frugal_profile(sources, tmp_path, in_the_loop):
    engine = engine_on(sources, tmp_path)
    in_the_loop(lambda _call, rows: rows > 2 * GUIDED)
    events = paint(engine, *eight())
    assert sorted(pictures(events)) == list(range(8))
    assert remedies(engine) == [("denoise", "halved"), ("denoise", "eased")]
    report = engine.diagnostics()
    assert (report["profile_why"], report["batch_limit"]) == ("eased", 1)
    engine.unload()
    assert engine.diagnostics()["profile_why"] == "device"


def test_then_a_polite_failure_and_the_engine_stays_usable(sources, tmp_path, in_the_loop):
    engine = engine_on(sources, tmp_path)
    device = in_the_loop(lambda _call, _rows: True)
    events = paint(engine, *eight())
    assert [type(event.error) for event in of(events, Failed)] == [OutOfMemory] * 8
    assert set(ends(events).values()) == {1}
    assert remedies(engine) == [("denoise", "halved"), ("denoise", "eased"), ("denoise", "refused")]
    device.fails = lambda _call, _rows: False
    assert sorted(pictures(paint(engine, *eight()))) == list(range(8))


def test_models_that_do_not_fit_are_placed_more_frugally(sources, tmp_path, at_load):
    engine = engine_on(sources, tmp_path)
    at_load(lambda call, _rows: call == 3)
    assert sorted(pictures(paint(engine, request()))) == [0]
    assert remedies(engine) == [("load", "eased")]
    assert engine.diagnostics()["placement"] == "offload"


def test_models_that_do_not_fit_at_all_make_the_engine_unavailable(sources, tmp_path, at_load):
    engine = engine_on(sources, tmp_path)
    device = at_load(lambda _call, _rows: True)
    events = paint(engine, request(), request(1))
    assert [type(event.error) for event in of(events, Failed)] == [EngineUnavailable] * 2
    assert "memory" in str(of(events, Failed)[0].error)
    assert not engine.loaded
    device.fails = lambda _call, _rows: False
    assert sorted(pictures(paint(engine, request()))) == [0]


def test_another_layout_is_no_remedy_where_one_was_chosen(sources, tmp_path, in_the_loop):
    engine = engine_on(sources, tmp_path, layout="multi")
    in_the_loop(lambda _call, _rows: True)
    paint(engine, request())
    assert engine.diagnostics()["layout"] == "multi"


@pytest.fixture(params=["load", "denoise", "decode"])
def somewhere(request, in_the_loop, in_decode, at_load):
    return {"denoise": in_the_loop, "decode": in_decode, "load": at_load}[request.param]


def test_nothing_of_the_failure_is_alive_when_memory_is_freed(sources, tmp_path, somewhere, monkeypatch):
    """The traceback holds frames, and frames hold tensors: all of them are gone before the cache is emptied."""
    gc.disable()
    try:
        engine = engine_on(sources, tmp_path)
        device = somewhere(lambda call, _rows: call == 1)
        alive = []
        free = devices.free
        monkeypatch.setattr(devices, "free", lambda where: (alive.append(device.left[0]()), free(where)))
        assert sorted(pictures(paint(engine, request()))) == [0]
    finally:
        gc.enable()
    assert alive[0] is None


@pytest.mark.parametrize("words", ["MPS backend out of memory", "DefaultCPUAllocator: can't allocate memory: 4 bytes"])
def test_allocators_that_have_no_error_of_their_own_are_understood(sources, tmp_path, monkeypatch, words):
    engine, plain, calls = engine_on(sources, tmp_path), diffusers.UNet2DConditionModel.forward, []

    def short(self, *args, **kwargs):
        calls.append(1)
        if len(calls) == 1:
            raise RuntimeError(words)
        return plain(self, *args, **kwargs)

    monkeypatch.setattr(diffusers.UNet2DConditionModel, "forward", short)
    assert sorted(pictures(paint(engine, request()))) == [0]
    assert remedies(engine) == [("denoise", "halved")]


# -- whatever else goes wrong ------------------------------------------------------------------------------------------


def test_a_kernel_that_fails_is_told_by_a_reference_that_the_log_has(sources, tmp_path, monkeypatch, caplog):
    engine = engine_on(sources, tmp_path)

    def broken(*_args, **_kwargs):
        raise RuntimeError("a kernel does not know this shape; prompt 学习")

    monkeypatch.setattr(diffusers.UNet2DConditionModel, "forward", broken)
    (failed,) = paint(engine, request())
    assert isinstance(failed.error, PaintingFailed)
    assert failed.error.details["reference"] in caplog.text
    assert "学习" not in caplog.text


@pytest.mark.parametrize("fault", [torch.AcceleratorError, RuntimeError])
def test_a_device_that_is_broken_for_good_makes_room_for_the_painter(sources, tmp_path, monkeypatch, caplog, fault):
    engine = engine_on(sources, tmp_path)

    def broken(*_args, **_kwargs):
        raise fault("CUDA error: an illegal memory access was encountered")

    monkeypatch.setattr(diffusers.UNet2DConditionModel, "forward", broken)
    (failed,) = paint(engine, request())
    assert isinstance(failed.error, EngineUnavailable)
    assert "restart" in str(failed.error)
    assert "reference" in caplog.text


def test_one_bad_job_takes_no_other_along(sources, tmp_path):
    engine = engine_on(sources, tmp_path)
    jobs = [job_for(engine, one) for one in eight()[:3]]
    jobs[1].control["canny"] = replace(jobs[1].control["canny"], image=jobs[1].control["canny"].image[..., :2])
    events = list(engine.paint(jobs))
    assert sorted(event.job for event in of(events, Done)) == [0, 2]
    (failed,) = of(events, Failed)
    assert failed.job == 1


def test_a_library_that_breaks_while_loading_makes_the_engine_unavailable(sources, tmp_path, monkeypatch, caplog):
    engine = engine_on(sources, tmp_path)

    def broken(*_args, **_kwargs):
        raise ValueError("a configuration without a class")

    monkeypatch.setattr(residence, "assemble", broken)
    (failed,) = paint(engine, request())
    assert type(failed.error) is EngineUnavailable
    assert "ValueError" in caplog.text
    monkeypatch.undo()
    assert sorted(pictures(paint(engine, request()))) == [0]


@pytest.mark.parametrize("mistake", [TypeError, AttributeError, KeyError])
@pytest.mark.parametrize("where", ["load", "loop"])
def test_a_mistake_of_our_own_is_not_taken_for_models_that_do_not_load(sources, tmp_path, monkeypatch, mistake, where):
    """Whoever paints hears of it as it is, and the engine can go on."""
    engine = engine_on(sources, tmp_path)

    def wrong(*_args, **_kwargs):
        raise mistake("a mistake")

    owner, name = (residence, "assemble") if where == "load" else (diffusers.UNet2DConditionModel, "forward")
    monkeypatch.setattr(owner, name, wrong)
    with pytest.raises(mistake, match="a mistake"):
        paint(engine, request())
    monkeypatch.undo()
    assert sorted(pictures(paint(engine, request()))) == [0]


def test_weights_that_were_cut_off_are_named(sources, tmp_path):
    folder = tmp_path / "vae"
    shutil.copytree(sources["vae"].folder, folder)
    (weights,) = folder.glob("*.safetensors")
    weights.write_bytes(weights.read_bytes()[:-100])
    engine = engine_on(sources | {"vae": Source(model=str(folder))}, tmp_path)
    (failed,) = paint(engine, request())
    assert isinstance(failed.error, WeightsDamaged)
    assert not engine.loaded
