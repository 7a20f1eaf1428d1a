"""The device as the installed torch reports it; where a machine has no GPU, what torch says is put in its mouth."""

from __future__ import annotations

import gc
import types
import weakref

import pytest
import torch

from generation.contracts.errors import NoSuitableDevice
from generation.gpu import devices
from generation.gpu.devices import Accelerator, find, is_out_of_memory
from generation.gpu.profiles import GIB

pytestmark = pytest.mark.diffusion
CARD = Accelerator(kind="cuda", index=1, name="card", memory_bytes=24 * GIB)


@pytest.fixture
def cuda(monkeypatch):
    """Two cards, as torch.cuda describes them."""
    cards = [("Tesla T4", 14.58, 7, 5, 40), ("NVIDIA RTX 6000 Ada Generation", 44.40, 8, 9, 142)]

    def properties(index):
        name, gib, major, minor, count = cards[index]
        return types.SimpleNamespace(
            name=name, total_memory=int(gib * GIB), major=major, minor=minor, multi_processor_count=count, uuid="1-2"
        )

    monkeypatch.setattr(torch.version, "cuda", "13.2")
    monkeypatch.setattr(torch.cuda, "init", lambda: None)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: len(cards))
    monkeypatch.setattr(torch.cuda, "get_device_properties", properties)


def outcome() -> str:
    """What asking for any device comes to on this machine."""
    try:
        return "large enough" if find("auto").large_enough else "too small all the same"
    except NoSuitableDevice as error:
        return str(error.details["code"])


def test_a_machine_as_it_is_finds_a_card_or_says_why_not():
    reasons = {"no-driver", "no-device", "old-driver", "no-cuda-build", "too-small", "driver-error"}
    assert outcome() in reasons | {"large enough"}


def test_the_largest_card_is_taken_and_described(cuda):
    found = find("auto")
    assert (found.index, found.capability, found.multiprocessors, found.uuid) == (1, (8, 9), 142, "1-2")
    assert found.runtime == "cuda 13.2"
    assert devices.dtype_for(found) == "bf16"
    assert devices.dtype_for(find("cuda:0")) == "fp16"
    assert torch.device(found.torch_name) == torch.device("cuda", 1)


def test_the_drivers_own_words_are_understood(monkeypatch):
    monkeypatch.setattr(torch.version, "cuda", "13.2")
    said = "The NVIDIA driver on your system is too old (found version 11040)."
    monkeypatch.setattr(torch.cuda, "init", lambda: (_ for _ in ()).throw(RuntimeError(said)))
    with pytest.raises(NoSuitableDevice, match="update the driver"):
        find("cuda")


def test_the_cpu_by_name():
    found = find("cpu")
    assert (found.kind, found.capability) == ("cpu", None)
    assert torch.device(found.torch_name).type == "cpu"
    reading = devices.memory(found)
    assert 0 < reading.allocated == reading.peak < reading.total
    devices.reset_peak(found)


def test_memory_of_a_card(monkeypatch):
    asked = []

    def told(value):
        return lambda index: asked.append(index) or value

    monkeypatch.setattr(torch.cuda, "mem_get_info", told((3 * GIB, 24 * GIB)))
    monkeypatch.setattr(torch.cuda, "memory_allocated", told(10 * GIB))
    monkeypatch.setattr(torch.cuda, "memory_reserved", told(20 * GIB))
    monkeypatch.setattr(torch.cuda, "max_memory_allocated", told(15 * GIB))
    assert devices.memory(CARD) == devices.MemoryReading(10 * GIB, 20 * GIB, 15 * GIB, 3 * GIB, 24 * GIB)
    assert set(asked) == {1}


def test_the_peak_is_that_of_the_card(monkeypatch):
    asked = []
    monkeypatch.setattr(torch.cuda, "reset_peak_memory_stats", asked.append)
    devices.reset_peak(CARD)
    assert asked == [1]


class Knot:
    """Something only the garbage collector can free."""

    def __init__(self) -> None:
        self.itself = self


@pytest.mark.parametrize("accelerator", [None, CARD, Accelerator(kind="cpu", index=0, name="", memory_bytes=0)])
def test_freeing_collects_what_is_tied_in_knots(monkeypatch, accelerator):
    emptied = []
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: True)
    monkeypatch.setattr(torch.cuda, "empty_cache", lambda: emptied.append(True))
    gc.disable()
    try:
        knot = weakref.ref(Knot())
        devices.free(accelerator)
        assert knot() is None
    finally:
        gc.enable()
    assert bool(emptied) == (accelerator is None or accelerator.kind == "cuda")


def test_a_device_torch_never_began_to_use_is_left_alone(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: False)
    monkeypatch.setattr(torch.cuda, "empty_cache", lambda: pytest.fail("it would start the driver"))
    devices.free()


@pytest.mark.parametrize(
    ("error", "short"),
    [
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"), True),
        (MemoryError(), True),
        (RuntimeError("MPS backend out of memory (MPS allocated: 9 GB)"), True),
        (RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried"), True),
        (RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"), True),
        (RuntimeError("CUDA error: an illegal memory access was encountered"), False),
        (ValueError("out of memory"), False),
    ],
)
def test_memory_that_ran_out_is_told_from_other_errors(error, short):
    assert is_out_of_memory(error) is short


def test_the_allocators_own_words():
    with pytest.raises(RuntimeError) as caught:
        torch.empty((1 << 60,))
    assert is_out_of_memory(caught.value)
