"""How long the event loop keeps others waiting while something works on a thread. Knows asyncio, and not what works."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass

PROBE_S = 0.002
TARGET_P99_MS = 25.0
"""What the bot promises everywhere."""


@dataclass(frozen=True, slots=True)
class Lag:
    """How much later than asked a sleeping coroutine was woken, in milliseconds."""

    p50_ms: float
    p99_ms: float
    max_ms: float
    probes: int

    def __str__(self) -> str:
        return f"p50 {self.p50_ms:.1f} ms, p99 {self.p99_ms:.1f} ms, max {self.max_ms:.1f} ms ({self.probes} probes)"


def loop_lag(work: Callable[[], object], *, probe_s: float = PROBE_S, thread: Executor | None = None) -> Lag:
    """Run `work` on a thread of its own, as the worker runs an engine, and a probe on an event loop beside it.

    Not to be called from a running event loop.

    Args:
        work: such as painting many batches; should take a second or more.
        probe_s: how long the probe sleeps; its lag is what comes on top.
        thread: that thread, where it is to be a certain one: what was compiled belongs to the thread that did it.

    Raises:
        Exception: whatever `work` raises.
    """
    if thread is not None:
        return asyncio.run(_beside(work, probe_s, thread))
    with ThreadPoolExecutor(1, thread_name_prefix="gpu") as own:
        return asyncio.run(_beside(work, probe_s, own))


async def _beside(work: Callable[[], object], probe_s: float, thread: Executor) -> Lag:
    loop, lags = asyncio.get_running_loop(), list[float]()
    working = loop.run_in_executor(thread, work)
    while not working.done():
        before_s = loop.time()
        await asyncio.sleep(probe_s)
        lags.append(max(0.0, loop.time() - before_s - probe_s))
    await working
    return _summed_up(lags)


def _summed_up(lags: list[float]) -> Lag:
    ordered = sorted(lags)
    p50, p99, most = (ordered[min(len(ordered) - 1, int(len(ordered) * share))] for share in (0.5, 0.99, 1.0))
    return Lag(p50 * 1e3, p99 * 1e3, most * 1e3, len(ordered))
