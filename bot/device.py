"""The facts behind `/gpu`: cards, processor, memory, the last paintings. Gathers; says nothing."""

from __future__ import annotations

import os
import platform

import psutil

from bot.services import DeviceReport, Gpu
from generation.gpu import Device, look
from generation.worker import Worker

MIB = 2**20


def device_report(worker: Worker) -> DeviceReport:
    """Look at the machine now. Takes some milliseconds: call it in a thread."""
    status, cards = worker.status(), look()
    engine = status.engine
    return DeviceReport(
        engine=str(engine.get("engine", "")),
        engine_version=str(engine.get("version", "")),
        gpus=[_gpu(device, cards.driver) for device in cards.devices],
        processor=platform.processor() or platform.machine(),
        cores=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
        process_mib=psutil.Process().memory_info().rss // MIB,
        memory_total_mib=psutil.virtual_memory().total // MIB,
        running=len(status.running),
        last_s=[painted.seconds for painted in reversed(status.last)],
    )


def _gpu(device: Device, driver: str | None) -> Gpu:
    """One card; what it does not tell is left out."""
    known: Gpu = {
        "name": device.name,
        "memory_used_mib": device.memory_used_mib,
        "memory_total_mib": device.memory_mib,
        "large_enough": device.large_enough,
    }
    if driver:
        known["driver"] = driver
    if device.temperature_c is not None:
        known["temperature_c"] = device.temperature_c
    if device.utilisation_percent is not None:
        known["load_percent"] = device.utilisation_percent
    if device.power_w is not None:
        known["power_w"] = device.power_w
    if device.clock_mhz is not None:
        known["clock_mhz"] = device.clock_mhz
    return known
