"""Which GPU is here and how it fares. Knows NVML; knows no engine and no chat. Never imports torch at module level."""

from generation.gpu.nvml import Device, DeviceReport, look

__all__ = ["Device", "DeviceReport", "look"]
