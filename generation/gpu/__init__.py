"""Which GPU is here and how it fares. Knows NVML; knows no engine and no chat. Never imports torch at module level."""

from generation.gpu.advice import Advice, Situation, advise
from generation.gpu.devices import Accelerator, MemoryReading, dtype_for, find
from generation.gpu.history import Diagnostics, History
from generation.gpu.nvml import Device, DeviceReport, look
from generation.gpu.profiles import PROFILES, Profile, more_frugal, profile_for, profile_named, recommended_batch

__all__ = [
    "PROFILES",
    "Accelerator",
    "Advice",
    "Device",
    "DeviceReport",
    "Diagnostics",
    "History",
    "MemoryReading",
    "Profile",
    "Situation",
    "advise",
    "dtype_for",
    "find",
    "look",
    "more_frugal",
    "profile_for",
    "profile_named",
    "recommended_batch",
]
