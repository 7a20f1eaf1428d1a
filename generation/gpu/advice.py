"""What would help: from facts about engine and cards to recommendations, as codes with arguments.

Knows diagnostics and NVML's figures; says nothing itself, so that the chat, `doctor` and a web page can each say it in
their own words.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from generation.gpu.history import Diagnostics
from generation.gpu.nvml import Device, DeviceReport
from generation.gpu.profiles import LARGEST_BATCH

HOT_C = 85
FULL_SHARE = 0.92
ROOMY_SHARE = 0.6
"""A peak below this share of the card, and twice as many pictures would have fitted by a wide margin."""
OTHERS_MIB = 1024
CROWDED = 20
ENOUGH_PICTURES = 8
NO_CARD = frozenset({"no-torch", "no-cuda-build", "no-driver", "no-device"})
"""Reasons that, on a machine without any card, say nothing but that there is none."""
Argument = str | int
_MIB_PER_GIB = 1024


@dataclass(frozen=True, slots=True)
class Advice:
    """One recommendation.

    Attributes:
        code: one of `CODES`.
        arguments: what its sentence needs; see `CODES`.
    """

    code: str
    arguments: Mapping[str, Argument] = field(default_factory=dict)


CODES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "stands-in": ("reason",),  # class name of the error, or the code of a NoSuitableDevice
        "again": ("seconds",),
        "weights-missing": ("roles",),
        "weights-damaged": ("roles",),
        "download": ("done", "total", "percent"),  # GiB as text, and a number
        "no-gpu": (),
        "idle": (),
        "small": ("name", "size"),
        "hot": ("celsius",),
        "throttled-heat": (),
        "throttled-power": (),
        "memory-full": ("used", "total"),
        "memory-others": ("size",),
        "out-of-memory": ("count",),
        "eased": ("profile",),
        "beyond": ("profile",),
        "larger-batch": ("limit", "peak"),
        "attention": ("wanted", "used"),
        "compile": ("wanted", "used"),
        "leak": ("size", "count"),
        "crowded": ("waiting",),
    }
)
"""Every code with the names of its arguments, the most urgent first."""


@dataclass(frozen=True, slots=True)
class Situation:
    """Everything advice is drawn from.

    Attributes:
        engine: its `diagnostics()`.
        cards: NVML's report.
        waiting: pictures in the queue.
    """

    engine: Diagnostics
    cards: DeviceReport
    waiting: int = 0

    @property
    def painter_only(self) -> bool:
        """Whether nothing but the painter is meant to work here."""
        return self.engine.get("engine", "painter") == "painter" and not self.engine.get("standing_in")


def advise(situation: Situation) -> tuple[Advice, ...]:
    """What would help, the most urgent first; empty when there is nothing to change."""
    found = [advice for rule in _RULES for advice in rule(situation)]
    order = list(CODES)
    return tuple(sorted(found, key=lambda advice: order.index(advice.code)))


def _standing_in(situation: Situation) -> Iterator[Advice]:
    error = situation.engine.get("standing_in")
    if not error or error == "WeightsMissing":
        return
    reason = str(situation.engine.get("standing_in_details", {}).get("code", "")) or error
    if reason in NO_CARD and not situation.cards.devices:
        yield Advice("no-gpu")
        return
    yield Advice("stands-in", {"reason": reason})
    retry_s = situation.engine.get("retry_in_s")
    if retry_s is not None:
        yield Advice("again", {"seconds": max(1, round(retry_s))})


def _weights(situation: Situation) -> Iterator[Advice]:
    weights, error = situation.engine.get("weights", {}), situation.engine.get("standing_in")
    state, roles = weights.get("state"), ", ".join(weights.get("missing", ()))
    total = weights.get("total_mib", 0)
    if state == "downloading" and total:
        done = weights.get("done_mib", 0)
        share = min(100, 100 * done // total)
        yield Advice("download", {"done": _gib(done), "total": _gib(total), "percent": share})
    elif state == "damaged":
        yield Advice("weights-damaged", {"roles": roles})
    elif state in {"missing", "failed"} or error == "WeightsMissing":
        models = str(situation.engine.get("standing_in_details", {}).get("models", ""))
        yield Advice("weights-missing", {"roles": roles or models})
    if state == "failed" and weights.get("error"):
        yield Advice("stands-in", {"reason": str(weights.get("error"))})


def _unused_cards(situation: Situation) -> Iterator[Advice]:
    if not situation.painter_only:
        return
    cards = situation.cards.devices
    if not cards:
        yield Advice("no-gpu")
    elif any(card.large_enough for card in cards):
        yield Advice("idle")
    else:
        yield Advice("small", {"name": cards[0].name, "size": _gib(cards[0].memory_mib)})


def _cards(situation: Situation) -> Iterator[Advice]:
    for card in situation.cards.devices:
        if (card.temperature_c or 0) >= HOT_C:
            yield Advice("hot", {"celsius": card.temperature_c or 0})
        if card.throttled:
            yield Advice(f"throttled-{card.throttled}")
    ours = _our_card(situation)
    if ours is not None and not situation.painter_only:
        yield from _memory(ours, situation.engine)


def _memory(card: Device, engine: Diagnostics) -> Iterator[Advice]:
    if card.memory_used_mib <= FULL_SHARE * card.memory_mib:
        return
    others = _others_mib(card, engine)
    if others >= OTHERS_MIB:
        yield Advice("memory-others", {"size": _gib(others)})
    else:
        yield Advice("memory-full", {"used": _gib(card.memory_used_mib), "total": _gib(card.memory_mib)})


def _others_mib(card: Device, engine: Diagnostics) -> int:
    """Memory that is not ours. Inside a container the driver knows this process under another number: subtract it."""
    if card.others_mib is None:
        return 0
    ours = engine.get("reserved_mib", 0) if card.own_mib is None else 0
    return max(0, card.others_mib - ours)


def _our_card(situation: Situation) -> Device | None:
    """The card the engine is on: torch and the driver may count differently, so by its own number first."""
    cards, uuid = situation.cards.devices, situation.engine.get("device_uuid", "")
    return next((card for card in cards if uuid and card.uuid == uuid), cards[0] if cards else None)


def _profile(situation: Situation) -> Iterator[Advice]:
    engine = situation.engine
    name = engine.get("profile", "")
    if engine.get("beyond"):
        yield Advice("beyond", {"profile": name})
    if engine.get("profile_why") == "eased":
        yield Advice("eased", {"profile": name})
    times = engine.get("out_of_memory", 0)
    if times:
        yield Advice("out-of-memory", {"count": times})
    yield from _larger_batch(engine, times)


def _larger_batch(engine: Diagnostics, times_out_of_memory: int) -> Iterator[Advice]:
    """Only once full batches were painted with room to spare."""
    limit, memory, peak = engine.get("batch_limit", LARGEST_BATCH), engine.get("memory_mib", 0), engine.get("peak_mib")
    full = sum(size["pictures"] for size in engine.get("sizes", ()) if size["batch"] >= limit)
    roomy = peak is not None and peak < ROOMY_SHARE * memory
    if limit < LARGEST_BATCH and full >= ENOUGH_PICTURES and roomy and not times_out_of_memory:
        yield Advice("larger-batch", {"limit": min(LARGEST_BATCH, 2 * limit), "peak": _gib(peak or 0)})


def _fallen_back(situation: Situation) -> Iterator[Advice]:
    for fallback in situation.engine.get("fallbacks", ()):
        if fallback["what"] in {"attention", "compile"}:
            yield Advice(fallback["what"], {"wanted": fallback["wanted"], "used": fallback["used"]})


def _leak(situation: Situation) -> Iterator[Advice]:
    leak = situation.engine.get("leak")
    if leak:
        grown = round(leak["mib_per_picture"] * leak["pictures"])
        yield Advice("leak", {"size": grown, "count": leak["pictures"]})


def _crowded(situation: Situation) -> Iterator[Advice]:
    if situation.waiting > CROWDED:
        yield Advice("crowded", {"waiting": situation.waiting})


def _gib(mib: int) -> str:
    return f"{mib / _MIB_PER_GIB:.1f}"


_RULES: tuple[Callable[[Situation], Iterator[Advice]], ...] = (
    _standing_in,
    _weights,
    _unused_cards,
    _cards,
    _profile,
    _fallen_back,
    _leak,
    _crowded,
)
