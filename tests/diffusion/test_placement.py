"""Which weights are on the device in which stage, and that nothing is lost on the way."""

from __future__ import annotations

import threading
from dataclasses import replace

import numpy as np
import pytest
import torch

from generation.contracts.request import KINDS
from generation.diffusion import placement
from generation.diffusion.latents import decode
from generation.diffusion.loop import Sample, denoise
from generation.diffusion.measuring import tiny
from generation.diffusion.plans import plan_named
from generation.gpu.profiles import PROFILES

pytestmark = pytest.mark.diffusion
LOW, HIGH = PROFILES[-1], PROFILES[0]


class Device:
    """A second memory beside the host's: copies made for it are remembered, and it may be too small."""

    def __init__(self, monkeypatch, room: int | None = None) -> None:
        self.room, self.copies = room, 0
        self.live: dict[int, torch.Tensor] = {}
        monkeypatch.setattr(placement, "_copied", self.copy)

    def copy(self, tensor: torch.Tensor, _device: object) -> torch.Tensor:
        if self.room is not None and self.copies >= self.room:
            raise torch.OutOfMemoryError("no room")
        self.copies += 1
        copied = tensor.clone()
        self.live[copied.data_ptr()] = copied
        return copied

    def holds(self, module: torch.nn.Module) -> bool:
        """Whether all of a module's weights are on it; some but not all is an error."""
        there = {
            weights.data_ptr() in self.live for weights in [*module.parameters(), *module.buffers()] if weights.numel()
        }
        assert len(there) == 1, "a module is on the device as a whole, or not at all"
        return there.pop()


def parts(models):
    return {
        "text": [*models.text.encoders],
        "denoise": [models.unet, *models.nets.modules.values()],
        "decode": [models.vae],
    }


def sample(seed: int = 1) -> Sample:
    picture = np.random.default_rng(seed).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    return Sample(
        prompt="a mountain",
        negative_prompt="blurry",
        seed=seed,
        guidance=5.0,
        control=dict.fromkeys(KINDS, picture),
        weights=dict.fromkeys(KINDS, 0.5),
        cancelled=threading.Event(),
    )


def latents(models) -> torch.Tensor:
    steps = denoise(models, [sample()], plan=plan_named("reference"), steps=2, width=64, height=64)
    return list(steps)[-1].latents


@pytest.mark.parametrize("layout", ["multi", "union"])
def test_only_what_a_stage_needs_is_on_the_device(monkeypatch, layout):
    models = tiny.models(layout)
    device = Device(monkeypatch)
    stage = placement.offload(models)
    assert device.copies == 0, "nothing is brought before it is needed"
    for name in ("text", "denoise", "decode", "denoise"):
        with stage(name):
            for owner, modules in parts(models).items():
                assert [device.holds(module) for module in modules] == [owner == name] * len(modules)


def test_a_stage_that_comes_again_at_once_copies_nothing(monkeypatch):
    models = tiny.models("union")
    device = Device(monkeypatch)
    stage = placement.offload(models)
    with stage("denoise"):
        brought = device.copies
    with stage("denoise"):
        assert device.copies == brought


@pytest.mark.parametrize("layout", ["multi", "union"])
def test_pictures_are_the_same_wherever_the_models_wait(layout):
    still, moved = tiny.models(layout), tiny.models(layout)
    moved.stage = placement.offload(moved)
    expected = latents(still)
    assert torch.equal(latents(moved), expected)
    assert np.array_equal(decode(moved, expected)[0], decode(still, expected)[0])
    assert torch.equal(latents(moved), expected), "and again, after the autoencoder had its turn"


class Stop(BaseException):
    """Something nobody foresaw."""


@pytest.mark.parametrize("error", [torch.OutOfMemoryError("full"), RuntimeError("kernel"), Stop(), GeneratorExit()])
def test_an_error_in_a_stage_leaves_the_device_empty(monkeypatch, error):
    models = tiny.models("multi")
    device = Device(monkeypatch)
    stage = placement.offload(models)
    with pytest.raises(type(error)), stage("denoise"):
        raise error
    assert not any(device.holds(module) for modules in parts(models).values() for module in modules)
    with stage("decode"):
        assert device.holds(models.vae)


@pytest.mark.parametrize("room", [0, 1, 50])
def test_a_device_that_is_full_half_way_through_keeps_nothing(monkeypatch, room):
    models = tiny.models("multi")
    before = {name: weights.clone() for name, weights in models.unet.state_dict().items()}
    device = Device(monkeypatch, room=room)
    stage = placement.offload(models)
    with pytest.raises(torch.OutOfMemoryError), stage("denoise"):
        raise AssertionError("the stage does not begin")
    assert not any(device.holds(module) for modules in parts(models).values() for module in modules)
    assert all(torch.equal(weights, before[name]) for name, weights in models.unet.state_dict().items())
    device.room = None
    with stage("denoise"):
        assert device.holds(models.unet)


def test_a_model_that_changed_its_precision_on_the_device_keeps_it(monkeypatch):
    models = tiny.models("union")
    Device(monkeypatch)
    stage = placement.offload(models)
    with stage("decode"):
        models.vae.to(dtype=torch.bfloat16)
    for name in ("text", "decode"):
        with stage(name):
            assert {weights.dtype for weights in models.vae.parameters()} == {torch.bfloat16}


def test_resident_models_move_once_and_stages_move_nothing(monkeypatch):
    models = tiny.models("multi")
    device = Device(monkeypatch)
    stage = placement.resident(models)
    with stage("text"), stage("denoise"), stage("decode"):
        assert device.copies == 0
    assert {
        weights.device for modules in parts(models).values() for module in modules for weights in module.parameters()
    } == {torch.device("cpu")}


def test_resident_models_go_to_the_models_device():
    models = tiny.models("multi")
    models.device = torch.device("meta")
    placement.resident(models)
    assert all(
        weights.is_meta for modules in parts(models).values() for module in modules for weights in module.parameters()
    )
    assert all(weights.is_meta for weights in models.taesd.parameters())


def test_a_profile_places_the_models_and_sets_the_autoencoder(monkeypatch):
    models = tiny.models("union")
    device = Device(monkeypatch)
    placement.place(models, LOW)
    with models.stage("denoise"):
        assert device.holds(models.unet)
    assert (models.vae.use_slicing, models.vae.use_tiling) == (True, True)
    assert (models.vae.tile_sample_min_size, models.vae.tile_latent_min_size) == (1024, 128)
    placement.place(models, HIGH)
    assert (models.vae.use_slicing, models.vae.use_tiling) == (False, False)


def test_ordinary_pictures_are_decoded_whole_even_where_large_ones_are_tiled():
    models = tiny.models("union")
    noise = torch.randn((2, 4, 16, 16), generator=torch.Generator().manual_seed(3))

    def change(profile) -> int:
        placement.tile(models.vae, profile)
        return int(np.abs(np.stack(decode(models, noise)).astype(int) - whole).max())

    placement.tile(models.vae, replace(LOW, vae_slicing=False, vae_tiling=False))
    whole = np.stack(decode(models, noise)).astype(int)
    assert change(LOW) <= 1, "at most a rounding, from decoding one by one"
    assert change(replace(LOW, vae_tile_px=64)) > 1, "smaller tiles do tile"
