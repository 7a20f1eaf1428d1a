"""NVIDIA devices as the driver's management library (NVML) reports them, without torch and without CUDA.

NVML ships with the driver, so a machine without one is an ordinary case here, never an error: `look` then says why
there is no device. Single readings a card does not offer (laptop cards hide power, some hide temperature) are None.

Source of the calls: NVIDIA's NVML API reference, through the package `nvidia-ml-py` (module `pynvml`).
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

Reading = TypeVar("Reading")

MIB = 1024 * 1024
SMALLEST_MIB = 11 * 1024 + 512
"""The 12 GB class: SDXL with four ControlNets does not fit less. NVML reports all of a card's memory, 12,288 MiB or a
few less for a "12 GB" card and 11,264 MiB for an "11 GB" one, so the line lies between them."""


THERMAL = 0x20 | 0x40 | 0x08
"""Clock event reasons: thermal slowdown by software, by hardware, and the hardware's own emergency slowdown."""
POWER = 0x80
"""The power brake. The software power cap (0x04) is everyday life of a busy card and tells nothing."""


@dataclass(frozen=True, slots=True)
class Device:
    """One GPU. Memory in MiB, temperature in degrees Celsius, power in watts, clocks in MHz, utilisation in percent.

    Attributes:
        others_mib: memory held by other processes; None where the driver does not tell (Windows, some containers).
        own_mib: memory this process holds as the driver sees it; None where it is not in the driver's list.
        capability: CUDA compute capability, such as (9, 0).
        uuid: without the `GPU-` in front, as torch writes it.
        throttled: `heat` or `power` when the card slows itself down for it.
    """

    index: int
    name: str
    memory_mib: int
    memory_used_mib: int
    temperature_c: int | None
    power_w: float | None
    utilisation_percent: int | None
    clock_mhz: int | None
    others_mib: int | None = None
    own_mib: int | None = None
    capability: tuple[int, int] | None = None
    uuid: str = ""
    throttled: str | None = None

    @property
    def large_enough(self) -> bool:
        """Whether the card is of the 12 GB class or better."""
        return self.memory_mib >= SMALLEST_MIB


@dataclass(frozen=True, slots=True)
class DeviceReport:
    """All GPUs, or the reason why there is none: `no-driver`, `no-device` or `driver-error`.

    Without the package that asks the driver there might as well be no driver: that is `no-driver` too.
    """

    devices: tuple[Device, ...]
    reason: str | None = None
    driver: str | None = None


def look() -> DeviceReport:
    """Read every device now; takes a few milliseconds once the library is loaded. Never raises."""
    try:
        import pynvml
    except ImportError:
        return DeviceReport((), "no-driver")
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError as error:
        return DeviceReport((), _reason(pynvml, error))
    try:
        devices = tuple(_device(pynvml, index) for index in range(pynvml.nvmlDeviceGetCount()))
        return DeviceReport(devices, None if devices else "no-device", _text(pynvml.nvmlSystemGetDriverVersion()))
    except pynvml.NVMLError:
        return DeviceReport((), "driver-error")
    finally:
        pynvml.nvmlShutdown()


def _reason(pynvml: Any, error: Exception) -> str:
    missing = (pynvml.NVMLError_LibraryNotFound, pynvml.NVMLError_DriverNotLoaded)
    return "no-driver" if isinstance(error, missing) else "driver-error"


def _device(pynvml: Any, index: int) -> Device:
    handle = pynvml.nvmlDeviceGetHandleByIndex(index)
    memory = pynvml.nvmlDeviceGetMemoryInfo(handle)
    power = _reading(pynvml, lambda: pynvml.nvmlDeviceGetPowerUsage(handle))
    utilisation = _reading(pynvml, lambda: pynvml.nvmlDeviceGetUtilizationRates(handle))
    own, others = _shares(pynvml, handle)
    return Device(
        index=index,
        name=_text(pynvml.nvmlDeviceGetName(handle)),
        memory_mib=int(memory.total) // MIB,
        memory_used_mib=int(memory.used) // MIB,
        temperature_c=_reading(
            pynvml, lambda: int(pynvml.nvmlDeviceGetTemperature(handle, pynvml.NVML_TEMPERATURE_GPU))
        ),
        power_w=None if power is None else power / 1000,
        utilisation_percent=None if utilisation is None else int(utilisation.gpu),
        clock_mhz=_reading(pynvml, lambda: int(pynvml.nvmlDeviceGetClockInfo(handle, pynvml.NVML_CLOCK_SM))),
        others_mib=others,
        own_mib=own,
        capability=_reading(pynvml, lambda: _pair(pynvml.nvmlDeviceGetCudaComputeCapability(handle))),
        uuid=_text(_reading(pynvml, lambda: pynvml.nvmlDeviceGetUUID(handle)) or "").removeprefix("GPU-"),
        throttled=_throttled(_reading(pynvml, lambda: pynvml.nvmlDeviceGetCurrentClocksThrottleReasons(handle))),
    )


def _shares(pynvml: Any, handle: Any) -> tuple[int | None, int | None]:
    """Memory of this process and of all others on the card, in MiB.

    A process that computes and draws is in both lists with the same figure. Drivers on Windows and inside some
    containers give no figures or no processes.
    """
    lists = (pynvml.nvmlDeviceGetComputeRunningProcesses, pynvml.nvmlDeviceGetGraphicsRunningProcesses)
    found = [_reading(pynvml, partial(ask, handle)) for ask in lists]
    if all(processes is None for processes in found):
        return None, None
    held = {process.pid: process.usedGpuMemory for processes in found for process in processes or ()}
    if any(used is None for used in held.values()):
        return None, None
    own = held.pop(os.getpid(), None)
    return None if own is None else own // MIB, sum(held.values()) // MIB


def _throttled(reasons: int | None) -> str | None:
    if not reasons:
        return None
    return "heat" if reasons & THERMAL else "power" if reasons & POWER else None


def _pair(numbers: Any) -> tuple[int, int]:
    major, minor = numbers
    return int(major), int(minor)


def _reading(pynvml: Any, read: Callable[[], Reading]) -> Reading | None:
    """One reading, or None where this card or driver does not offer it."""
    try:
        return read()
    except pynvml.NVMLError:
        return None


def _text(value: str | bytes) -> str:
    """Older bindings answer in bytes."""
    return value.decode(errors="replace") if isinstance(value, bytes) else value
