"""What the engine has lived through: loads, pictures, accidents, words it warmed up with, and whether memory leaks.

Thread-safe: the engine's thread notes, anybody reads. Knows numbers only; no torch, no device, no chat.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import median
from threading import Lock
from typing import TypedDict

MIB = 2**20
KEPT = 64
"""Pictures that are remembered."""
LEAK_WINDOW = 32
LEAK_LEAST = 16
LEAK_MIB = 256.0
"""Growth over the window that is called a leak. The text cache, which may grow for a while, stays well below."""
LEAK_AGREEMENT = 0.7
"""Share of rising minus falling pairs (Kendall's tau). Noise over 16 samples reaches 0.5 in a thousandth of cases; one
single step up, such as a larger picture's workspace, stays near 0.5 however high it is."""
_log = logging.getLogger(__name__)


class LoadedModel(TypedDict):
    """One model in memory: its role, its id or folder, how long loading took, and what it weighs."""

    role: str
    model: str
    seconds: float
    mib: int


class WeightsState(TypedDict, total=False):
    """How far the weights are.

    Attributes:
        state: `complete`, `missing`, `downloading`, `failed` or `damaged`.
        done_mib: of the running download.
        total_mib: likewise.
        missing: roles that are not complete.
        error: class name of what stopped the last download, such as `HubUnreachable`.
    """

    state: str
    done_mib: int
    total_mib: int
    missing: list[str]
    error: str | None


class WarmWord(TypedDict):
    """One word of the warm-up. `mib` is the peak while it was painted; None where the device does not tell."""

    word: str
    seconds: float
    mib: int | None


class SizeFigures(TypedDict):
    """What pictures of one size took in one batch size."""

    size: str
    batch: int
    pictures: int
    median_seconds: float
    peak_mib: int | None


class OutOfMemoryEvent(TypedDict):
    """One time memory ran out: in which stage, with how many pictures at once, and what was done."""

    stage: str
    batch: int
    remedy: str


class FallBack(TypedDict):
    """What did not work and was replaced: `attention`, `compile` or `previews`, wanted, what is used, and why."""

    what: str
    wanted: str
    used: str
    reason: str


class LeakFigures(TypedDict):
    """Growth of memory from picture to picture, and over how many pictures it was seen."""

    mib_per_picture: float
    pictures: int


class HistoryReport(TypedDict):
    """`History.report()`: everything noted, ready for JSON."""

    models: list[LoadedModel]
    pictures: int
    last_seconds: list[float]
    median_seconds: float | None
    peak_mib: int | None
    sizes: list[SizeFigures]
    warm_up: list[WarmWord]
    out_of_memory: int
    accidents: list[OutOfMemoryEvent]
    fallbacks: list[FallBack]
    leak: LeakFigures | None


class Diagnostics(TypedDict, total=False):
    """What an engine's `diagnostics()` may tell; every key may be missing, and the painter tells only the first two.

    Attributes:
        engine, version: who paints, as in `Engine`.
        device: the accelerator's own name, such as `NVIDIA H200`.
        device_name: torch's, such as `cuda:0`.
        device_uuid: to find the same card in NVML's report.
        memory_mib: torch's `total_memory`.
        capability: such as `9.0`.
        profile: name of the device profile.
        profile_why: `device` (its memory), `setting` (named by the operator) or `eased` (memory ran out).
        overrides: fields that the operator set otherwise.
        beyond: the profile asks for more than the card is expected to hold.
        batch_limit: pictures of 1024x1024 at once.
        dtype, layout, plan, attention, compile: what is in use now, after any falling back.
        plan_approximate: the plan leaves out work that changes the picture; wherever it is named, it says so.
        plan_summary: what the plan does, one English line for terminals and logs.
        allocated_mib, reserved_mib: what torch holds now.
        weights: how far they are.
        standing_in: class name of the error because of which the painter works instead, such as `WeightsMissing`; None
            while it does not. Then engine and version are the painter's and everything else is the other engine's.
        standing_in_details: the error's own, such as `models`, or the `code` of a `NoSuitableDevice`.
        standing_in_reason: one English line for terminals and logs.
        retry_in_s: when the other engine is asked again; None while something has to change first.
        painter: the painter's own diagnostics meanwhile.
        history keys: as in `HistoryReport`, flat beside the others: `{**own, **history.report()}`.
    """

    engine: str
    version: str
    device: str
    device_name: str
    device_uuid: str
    memory_mib: int
    capability: str
    profile: str
    profile_why: str
    overrides: list[str]
    beyond: bool
    batch_limit: int
    dtype: str
    layout: str
    plan: str
    plan_approximate: bool
    plan_summary: str
    attention: str
    compile: str
    placement: str
    allocated_mib: int
    reserved_mib: int
    weights: WeightsState
    standing_in: str | None
    standing_in_details: Mapping[str, str | int]
    standing_in_reason: str
    retry_in_s: float | None
    painter: Mapping[str, object]
    models: list[LoadedModel]
    pictures: int
    last_seconds: list[float]
    median_seconds: float | None
    peak_mib: int | None
    sizes: list[SizeFigures]
    warm_up: list[WarmWord]
    out_of_memory: int
    accidents: list[OutOfMemoryEvent]
    fallbacks: list[FallBack]
    leak: LeakFigures | None


@dataclass(frozen=True, slots=True)
class Leak:
    """Memory that grows with every picture."""

    bytes_per_picture: float
    pictures: int

    @property
    def mib(self) -> float:
        """Growth over all of those pictures."""
        return self.bytes_per_picture * self.pictures / MIB


@dataclass(frozen=True, slots=True)
class _Painted:
    seconds: float
    size: tuple[int, int]
    batch: int
    peak_bytes: int | None


class History:
    """Notes and sums them up.

    Args:
        kept: pictures, accidents and the like that are remembered, the newest of each.
    """

    def __init__(self, kept: int = KEPT) -> None:
        self._lock = Lock()
        self._models: dict[str, LoadedModel] = {}
        self._painted: deque[_Painted] = deque(maxlen=kept)
        self._allocated: deque[int] = deque(maxlen=LEAK_WINDOW)
        self._warm: dict[str, WarmWord] = {}
        self._accidents: deque[OutOfMemoryEvent] = deque(maxlen=kept)
        self._fallbacks: dict[str, FallBack] = {}
        self._pictures = self._times_out_of_memory = 0
        self._leak_told = False

    def loaded(self, role: str, model: str, *, seconds: float, size_bytes: int) -> None:
        """A model is in memory. `seconds` from disk to where it works, `size_bytes` its parameters."""
        with self._lock:
            entry = LoadedModel(role=role, model=model, seconds=round(seconds, 2), mib=size_bytes // MIB)
            self._models[role] = entry
            self._forget_levels()

    def unloaded(self) -> None:
        """Every model is gone, and what fell back is tried anew when they come again."""
        with self._lock:
            self._models.clear()
            self._fallbacks.clear()
            self._forget_levels()

    def painted(
        self, *, seconds: float, size: tuple[int, int], batch: int, peak_bytes: int | None, allocated_bytes: int | None
    ) -> None:
        """A batch is finished.

        Args:
            seconds: for the whole batch.
            size: width and height in pixels.
            batch: pictures in it.
            peak_bytes: the most that was allocated meanwhile; None where the device does not tell.
            allocated_bytes: what is allocated now that everything of the batch is gone.
        """
        with self._lock:
            self._painted.append(_Painted(seconds, size, batch, peak_bytes))
            self._pictures += batch
            if allocated_bytes is not None:
                self._allocated.append(allocated_bytes)
            leak = leak_in(self._allocated)
            told, self._leak_told = self._leak_told, leak is not None
        if leak is not None and not told:
            each = leak.bytes_per_picture / MIB
            _log.warning("memory grows by %.1f MiB a batch, %.0f MiB over the last %d", each, leak.mib, leak.pictures)

    def out_of_memory(self, stage: str, *, batch: int, remedy: str) -> None:
        """Memory ran out in `stage` (`load`, `text`, `denoise` or `decode`); `remedy` says what was done."""
        with self._lock:
            self._times_out_of_memory += 1
            self._accidents.append(OutOfMemoryEvent(stage=stage, batch=batch, remedy=remedy))
            self._forget_levels()

    def fell_back(self, what: str, *, wanted: str, used: str, reason: str) -> None:
        """`what` (`attention`, `compile` or `previews`) did not work as wanted."""
        with self._lock:
            self._fallbacks[what] = FallBack(what=what, wanted=wanted, used=used, reason=reason[:200])

    def warmed(self, word: str, *, seconds: float, peak_bytes: int | None) -> None:
        """A word of the warm-up was painted."""
        with self._lock:
            mib = None if peak_bytes is None else peak_bytes // MIB
            self._warm[word] = WarmWord(word=word, seconds=round(seconds, 2), mib=mib)

    def report(self) -> HistoryReport:
        """Everything noted, ready for JSON; merge it into `diagnostics()`. Seconds are per picture."""
        with self._lock:
            painted, leak = list(self._painted), leak_in(self._allocated)
            each = [one.seconds / one.batch for one in painted]
            peaks = [one.peak_bytes for one in painted if one.peak_bytes is not None]
            return HistoryReport(
                models=list(self._models.values()),
                pictures=self._pictures,
                last_seconds=[round(seconds, 2) for seconds in each[::-1][:10]],
                median_seconds=round(median(each), 2) if each else None,
                peak_mib=max(peaks) // MIB if peaks else None,
                sizes=_by_size(painted),
                warm_up=list(self._warm.values()),
                out_of_memory=self._times_out_of_memory,
                accidents=list(self._accidents),
                fallbacks=list(self._fallbacks.values()),
                leak=_figures(leak),
            )

    def _forget_levels(self) -> None:
        """What comes and goes with models is no leak: look at memory afresh."""
        self._allocated.clear()
        self._leak_told = False


def leak_in(levels: Sequence[int]) -> Leak | None:
    """A steady growth in memory levels read after one picture each, oldest first.

    The slope is Theil and Sen's (the median over all pairs), which single outliers do not move; it counts when almost
    all pairs agree on the direction and when it adds up to `LEAK_MIB` over the window. Source: P. K. Sen, "Estimates
    of the regression coefficient based on Kendall's tau", JASA 63 (1968).
    """
    if len(levels) < LEAK_LEAST:
        return None
    pairs = list(combinations(enumerate(levels), 2))
    slope = median((later - earlier) / (j - i) for (i, earlier), (j, later) in pairs)
    agreement = sum((later > earlier) - (later < earlier) for (_, earlier), (_, later) in pairs) / len(pairs)
    leak = Leak(slope, len(levels))
    return leak if agreement >= LEAK_AGREEMENT and leak.mib >= LEAK_MIB else None


def _figures(leak: Leak | None) -> LeakFigures | None:
    if leak is None:
        return None
    return LeakFigures(mib_per_picture=round(leak.bytes_per_picture / MIB, 1), pictures=leak.pictures)


def _by_size(painted: Sequence[_Painted]) -> list[SizeFigures]:
    """One entry a size and batch size, the most painted first."""
    groups: dict[tuple[tuple[int, int], int], list[_Painted]] = {}
    for one in painted:
        groups.setdefault((one.size, one.batch), []).append(one)
    ordered = sorted(groups.items(), key=lambda group: -len(group[1]))
    return [_size_figures(size, batch, ones) for (size, batch), ones in ordered]


def _size_figures(size: tuple[int, int], batch: int, ones: Sequence[_Painted]) -> SizeFigures:
    peaks = [one.peak_bytes for one in ones if one.peak_bytes is not None]
    return SizeFigures(
        size=f"{size[0]}x{size[1]}",
        batch=batch,
        pictures=batch * len(ones),
        median_seconds=round(median(one.seconds / one.batch for one in ones), 2),
        peak_mib=max(peaks) // MIB if peaks else None,
    )
