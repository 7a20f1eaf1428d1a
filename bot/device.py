"""The facts behind `/gpu`: engine, cards, processor, memory, the last paintings. Gathers; says nothing."""

from __future__ import annotations

import os
import platform
from typing import cast

import psutil

from bot.services import DeviceReport
from generation.gpu import Diagnostics, look
from generation.worker import Worker

MIB = 2**20


def device_report(worker: Worker) -> DeviceReport:
    """Look at the machine now. Takes some milliseconds: call it in a thread."""
    status = worker.status()
    return DeviceReport(
        engine=cast("Diagnostics", status.engine),
        cards=look(),
        processor=platform.processor() or platform.machine(),
        cores=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
        process_mib=psutil.Process().memory_info().rss // MIB,
        memory_total_mib=psutil.virtual_memory().total // MIB,
        running=len(status.running),
        last_s=[painted.seconds for painted in reversed(status.last)],
    )
