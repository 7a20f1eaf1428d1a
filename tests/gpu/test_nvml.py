"""What NVML says, told by a stand-in driver: the library itself is the one boundary that cannot be had everywhere."""

from __future__ import annotations

import os
import types
from typing import Any

import pynvml
import pytest

from generation.gpu import look
from generation.gpu.nvml import Device

OURS = os.getpid()


class Driver:
    """Replaces pynvml's calls; readings listed in `hidden` are not supported by this card."""

    def __init__(self, hidden: frozenset[str] = frozenset(), count: int = 1, memory_gib: float = 24) -> None:
        self.hidden, self.count, self.memory_gib, self.open = hidden, count, memory_gib, 0
        self.computing: list[types.SimpleNamespace] = []
        self.drawing: list[types.SimpleNamespace] = []
        self.reasons = 0

    def answers(self) -> dict[str, Any]:
        gib = int(self.memory_gib * 2**30)
        return {
            "nvmlInit": lambda: self._count(1),
            "nvmlShutdown": lambda: self._count(-1),
            "nvmlSystemGetDriverVersion": lambda: b"575.51",
            "nvmlDeviceGetCount": lambda: self.count,
            "nvmlDeviceGetHandleByIndex": lambda index: index,
            "nvmlDeviceGetName": lambda _: b"NVIDIA RTX",
            "nvmlDeviceGetMemoryInfo": lambda _: types.SimpleNamespace(total=gib, used=gib // 4),
            "nvmlDeviceGetTemperature": lambda _, __: 61,
            "nvmlDeviceGetPowerUsage": lambda _: 123_400,
            "nvmlDeviceGetUtilizationRates": lambda _: types.SimpleNamespace(gpu=87),
            "nvmlDeviceGetClockInfo": lambda _, __: 2520,
            "nvmlDeviceGetComputeRunningProcesses": lambda _: self.computing,
            "nvmlDeviceGetGraphicsRunningProcesses": lambda _: self.drawing,
            "nvmlDeviceGetCudaComputeCapability": lambda _: (8, 9),
            "nvmlDeviceGetUUID": lambda _: "GPU-1a2b",
            "nvmlDeviceGetCurrentClocksThrottleReasons": lambda _: self.reasons,
        }

    def _count(self, change: int) -> None:
        self.open += change

    def install(self, monkeypatch: pytest.MonkeyPatch) -> Driver:
        def unsupported(*_: object) -> None:
            raise pynvml.NVMLError(pynvml.NVML_ERROR_NOT_SUPPORTED)

        for name, answer in self.answers().items():
            monkeypatch.setattr(pynvml, name, unsupported if name in self.hidden else answer)
        return self


def test_everything_a_card_says(monkeypatch: pytest.MonkeyPatch) -> None:
    driver = Driver().install(monkeypatch)
    report = look()
    assert report.driver == "575.51"
    told = Device(0, "NVIDIA RTX", 24576, 6144, 61, 123.4, 87, 2520, others_mib=0, capability=(8, 9), uuid="1a2b")
    assert report.devices == (told,)
    assert driver.open == 0, "the library is closed again"


@pytest.mark.parametrize(
    ("hidden", "field"),
    [
        ("nvmlDeviceGetTemperature", "temperature_c"),
        ("nvmlDeviceGetPowerUsage", "power_w"),
        ("nvmlDeviceGetUtilizationRates", "utilisation_percent"),
        ("nvmlDeviceGetClockInfo", "clock_mhz"),
        ("nvmlDeviceGetCudaComputeCapability", "capability"),
        ("nvmlDeviceGetCurrentClocksThrottleReasons", "throttled"),
    ],
)
def test_a_reading_the_card_hides_is_none(monkeypatch: pytest.MonkeyPatch, hidden: str, field: str) -> None:
    Driver(frozenset({hidden})).install(monkeypatch)
    assert getattr(look().devices[0], field) is None


def test_a_driver_that_fails_half_way_is_closed_and_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    driver = Driver(frozenset({"nvmlDeviceGetMemoryInfo"})).install(monkeypatch)
    assert look().reason == "driver-error"
    assert driver.open == 0


def test_no_device(monkeypatch: pytest.MonkeyPatch) -> None:
    Driver(count=0).install(monkeypatch)
    assert look().reason == "no-device"


def test_no_driver_is_an_ordinary_case(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> None:
        raise pynvml.NVMLError(pynvml.NVML_ERROR_LIBRARY_NOT_FOUND)

    monkeypatch.setattr(pynvml, "nvmlInit", missing)
    report = look()
    assert (report.devices, report.reason) == ((), "no-driver")


@pytest.mark.parametrize(
    ("gib", "enough"), [(7.99, False), (11.0, False), (11.994, True), (12.0, True), (23.64, True), (79.25, True)]
)
def test_the_twelve_gigabyte_class_is_nominal(monkeypatch: pytest.MonkeyPatch, gib: float, enough: bool) -> None:
    Driver(memory_gib=gib).install(monkeypatch)
    assert look().devices[0].large_enough is enough


def process(pid: int, mib: int | None) -> types.SimpleNamespace:
    return types.SimpleNamespace(pid=pid, usedGpuMemory=None if mib is None else mib * 2**20)


@pytest.mark.parametrize(
    ("computing", "drawing", "own", "others"),
    [
        ([], [], None, 0),
        ([process(1, 500), process(2, 300)], [], None, 800),
        ([process(OURS, 4000), process(1, 500)], [], 4000, 500),
        ([process(OURS, 4000), process(1, 500)], [process(1, 500), process(3, 20)], 4000, 520),
        ([process(OURS, None), process(1, 500)], [], None, None),
        ([process(1, None)], [], None, None),
    ],
)
def test_whose_memory_it_is(monkeypatch: pytest.MonkeyPatch, computing, drawing, own, others) -> None:
    driver = Driver().install(monkeypatch)
    driver.computing, driver.drawing = computing, drawing
    device = look().devices[0]
    assert (device.own_mib, device.others_mib) == (own, others)


def test_a_driver_that_lists_no_processes_leaves_it_open(monkeypatch: pytest.MonkeyPatch) -> None:
    lists = {"nvmlDeviceGetComputeRunningProcesses", "nvmlDeviceGetGraphicsRunningProcesses"}
    Driver(frozenset(lists)).install(monkeypatch)
    assert (look().devices[0].own_mib, look().devices[0].others_mib) == (None, None)
    Driver(frozenset({"nvmlDeviceGetGraphicsRunningProcesses"})).install(monkeypatch)
    assert look().devices[0].others_mib == 0, "one list is enough"


@pytest.mark.parametrize(
    ("reasons", "throttled"),
    [
        (0, None),
        (0x1, None),
        (0x4, None),
        (0x20, "heat"),
        (0x40, "heat"),
        (0x8, "heat"),
        (0x80, "power"),
        (0xA4, "heat"),
    ],
)
def test_why_a_card_slows_itself_down(monkeypatch: pytest.MonkeyPatch, reasons: int, throttled: str | None) -> None:
    Driver().install(monkeypatch).reasons = reasons
    assert look().devices[0].throttled == throttled
