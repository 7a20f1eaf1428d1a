"""Finding a device, told by a stand-in for torch: what it reports is the one boundary that cannot be had everywhere."""

from __future__ import annotations

import subprocess
import sys
import types
from pathlib import Path

import pytest

from generation.contracts.errors import BadSettings, NoSuitableDevice
from generation.gpu import devices
from generation.gpu.devices import REASONS, Accelerator, dtype_for, find
from generation.gpu.nvml import DeviceReport
from generation.gpu.profiles import GIB

ROOT = Path(__file__).resolve().parents[2]
RTX_4090 = ("NVIDIA GeForce RTX 4090", 23.64, (8, 9), 128)
A100 = ("NVIDIA A100-SXM4-80GB", 79.25, (8, 0), 108)
T4 = ("Tesla T4", 14.58, (7, 5), 40)
RTX_3070 = ("NVIDIA GeForce RTX 3070", 7.78, (8, 6), 46)


def torch_with(*cards, cuda="13.2", hip=None, mps_gib=None, error=None):
    """A torch that reports these cards."""

    def start() -> None:
        if error:
            raise error

    def properties(index):
        name, gib, (major, minor), count = cards[index]
        return types.SimpleNamespace(
            name=name,
            total_memory=int(gib * GIB),
            major=major,
            minor=minor,
            multi_processor_count=count,
            uuid=f"u{index}",
        )

    torch = types.ModuleType("torch")
    torch.__version__ = "2.15.0"
    torch.version = types.SimpleNamespace(cuda=cuda, hip=hip)
    torch.cuda = types.SimpleNamespace(init=start, device_count=lambda: len(cards), get_device_properties=properties)
    torch.backends = types.SimpleNamespace(mps=types.SimpleNamespace(is_available=lambda: mps_gib is not None))
    torch.mps = types.SimpleNamespace(recommended_max_memory=lambda: int((mps_gib or 0) * GIB))
    torch.get_num_threads = lambda: 2
    return torch


@pytest.fixture
def torch(monkeypatch):
    def install(*cards, **more):
        monkeypatch.setitem(sys.modules, "torch", torch_with(*cards, **more))

    return install


def refused(name: str) -> dict[str, object]:
    with pytest.raises(NoSuitableDevice) as caught:
        find(name)
    details = caught.value.details
    assert str(details["reason"]).count(": ") >= 1, "every reason ends with what to do"
    assert details["device"] == name
    return details


def test_everything_a_card_says(torch):
    torch(RTX_4090)
    found = find("auto")
    assert found == Accelerator(
        kind="cuda",
        index=0,
        name="NVIDIA GeForce RTX 4090",
        memory_bytes=int(23.64 * GIB),
        capability=(8, 9),
        multiprocessors=128,
        runtime="cuda 13.2",
        uuid="u0",
    )
    assert found.torch_name == "cuda:0"
    assert found.large_enough


@pytest.mark.parametrize(
    ("cards", "index"), [((T4, RTX_4090, A100), 2), ((A100, RTX_4090), 0), ((RTX_3070, RTX_4090), 1), ((T4, T4), 0)]
)
def test_auto_takes_the_card_with_the_most_memory(torch, cards, index):
    torch(*cards)
    assert find("auto").index == index


@pytest.mark.parametrize(("name", "index"), [("cuda", 0), ("cuda:0", 0), ("cuda:1", 1), (" CUDA:1 ", 1)])
def test_a_card_by_its_number(torch, name, index):
    torch(T4, RTX_4090)
    assert find(name).index == index


def test_rocm_is_cuda_to_torch(torch):
    torch(("AMD Instinct MI300X", 191.5, (9, 4), 304), cuda=None, hip="6.4")
    found = find("auto")
    assert (found.kind, found.runtime, found.torch_name) == ("cuda", "rocm 6.4", "cuda:0")
    assert dtype_for(found) == "bf16"


def test_a_small_card_is_refused_by_auto_and_taken_by_name(torch, caplog):
    torch(RTX_3070)
    details = refused("auto")
    assert details["code"] == "too-small"
    assert "RTX 3070 has 7.8 GiB" in str(details["reason"])
    assert find("cuda").name == RTX_3070[0]
    assert "memory may run out" in caplog.text


def test_no_torch(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    for name in ("auto", "cuda", "mps", "cpu"):
        details = refused(name)
        assert details["code"] == "no-torch"
        assert "EXTRAS=diffusion" in str(details["reason"])


@pytest.mark.parametrize(
    "error", [ImportError("libcudart.so.13: cannot open"), OSError("bad ELF"), ModuleNotFoundError("x", name="sympy")]
)
def test_a_torch_that_does_not_import(monkeypatch, error):
    class Broken:
        def find_spec(self, name, *_):
            if name == "torch":
                raise error

    monkeypatch.delitem(sys.modules, "torch", raising=False)
    monkeypatch.setattr(sys, "meta_path", [Broken(), *sys.meta_path])
    assert refused("auto")["code"] == "broken-torch"


NO_DRIVER = "Found no NVIDIA driver on your system. Please check that you have an NVIDIA GPU"
OLD_DRIVER = "The NVIDIA driver on your system is too old (found version 11040). Please update"


@pytest.mark.parametrize(
    ("torch_says", "nvml", "code"),
    [
        ({"cuda": None}, DeviceReport(()), "no-cuda-build"),
        ({"error": RuntimeError(NO_DRIVER)}, DeviceReport((), "no-driver"), "no-driver"),
        ({"error": RuntimeError(OLD_DRIVER)}, DeviceReport((), None, "470.1"), "old-driver"),
        ({"error": RuntimeError("No CUDA GPUs are available")}, DeviceReport((), "no-device"), "no-device"),
        ({"error": RuntimeError("CUDA unknown error\nmore")}, DeviceReport((), "driver-error"), "driver-error"),
        ({"error": AssertionError("Torch not compiled with CUDA enabled")}, DeviceReport(()), "driver-error"),
        ({}, DeviceReport(()), "no-device"),
    ],
)
def test_why_there_is_no_cuda(torch, monkeypatch, torch_says, nvml, code):
    monkeypatch.setattr(devices, "look", lambda: nvml)
    torch(**torch_says)
    for name in ("auto", "cuda"):
        details = refused(name)
        assert details["code"] == code
        assert "\n" not in str(details["reason"])
    if code == "old-driver":
        assert "470.1" in str(details["reason"])


def test_a_number_that_is_not_there(torch):
    torch(T4)
    details = refused("cuda:3")
    assert (details["code"], details["what"]) == ("no-such-index", "1")


@pytest.mark.parametrize("name", ["gpu", "", "cuda:", "cuda:x", "mps:1", "cpu:0", "cuda:1234", "xpu", "auto:1"])
def test_what_is_no_device_name(torch, name):
    torch(T4)
    assert refused(name)["code"] == "unknown-device"


def test_mps_where_torch_has_it(torch, monkeypatch):
    monkeypatch.setattr(devices, "look", lambda: DeviceReport((), "no-driver"))
    torch(cuda=None, mps_gib=24)
    for name in ("mps", "auto"):
        found = find(name)
        assert (found.kind, found.torch_name, found.large_enough, dtype_for(found)) == ("mps", "mps", True, "fp16")
    torch(cuda=None, mps_gib=8)
    assert refused("auto")["code"] == "too-small"
    torch(cuda=None)
    assert refused("mps")["code"] == "no-mps"
    torch(RTX_4090, mps_gib=64)
    assert find("auto").kind == "cuda"


def test_the_cpu_only_by_name(torch, monkeypatch):
    monkeypatch.setattr(devices, "look", lambda: DeviceReport((), "no-driver"))
    torch(cuda=None)
    assert refused("auto")["code"] == "no-cuda-build"
    found = find("cpu")
    assert (found.kind, found.torch_name, dtype_for(found)) == ("cpu", "cpu", "fp32")
    assert found.memory_bytes > GIB / 4


@pytest.mark.parametrize(
    ("capability", "wanted", "dtype"),
    [
        ((8, 0), None, "bf16"),
        ((9, 0), None, "bf16"),
        ((7, 5), None, "fp16"),
        ((7, 5), "bf16", "fp16"),
        ((7, 5), "fp32", "fp32"),
        ((8, 6), "fp16", "fp16"),
        ((12, 0), "bf16", "bf16"),
    ],
)
def test_the_number_format_follows_the_compute_capability(capability, wanted, dtype, caplog):
    card = Accelerator(kind="cuda", index=0, name="card", memory_bytes=12 * GIB, capability=capability)
    assert dtype_for(card, wanted) == dtype
    assert bool(caplog.records) == (wanted == "bf16" and dtype == "fp16")


def test_a_number_format_that_does_not_exist():
    with pytest.raises(BadSettings, match="fp8"):
        dtype_for(Accelerator(kind="cpu", index=0, name="", memory_bytes=0), "fp8")


def test_every_reason_says_what_to_do():
    for code, text in REASONS.items():
        assert len(text.split(": ")) == 2 or "; " in text, code


def test_the_room_is_entered_without_torch():
    script = "import sys, generation.gpu; sys.exit(bool({'torch', 'diffusers', 'cv2', 'aiogram'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", script], check=False, cwd=ROOT).returncode == 0


def test_the_painting_thread_means_the_card_that_was_chosen(torch):
    """`auto` takes the card with the most memory, which need not be the one torch begins with."""
    torch(RTX_3070, RTX_4090)
    chosen: list[int] = []
    sys.modules["torch"].cuda.set_device = chosen.append
    devices.make_current(find("auto"))
    assert chosen == [1]
    devices.make_current(find("cpu"))
    assert chosen == [1]
