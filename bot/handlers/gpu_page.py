"""The page behind `/gpu`: facts in, one Telegram message out. Knows texts and plain values; no chat and no storage."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from bot.handlers.gpu_advice import sentence
from bot.services import DeviceReport
from bot.texts import Texts
from generation.gpu import Device, Diagnostics, Situation, advise
from generation.gpu import DeviceReport as Cards
from generation.gpu.history import WeightsState
from storage import Inventory, State

LONGEST_UNITS = 4096
"""Of one Telegram message, in UTF-16 units."""
_MIB_PER_GIB = 1024
_BYTES_PER_MIB = 2**20
_LAST_SHOWN, _CARDS_SHOWN, _SIZES_SHOWN, _ADVICE_SHOWN = 5, 4, 4, 8
_LONGEST_NAME, _LONGEST_LINE = 60, 300
_WHY: Mapping[str, str] = MappingProxyType(
    {"device": "gpu-why-device", "setting": "gpu-why-setting", "eased": "gpu-why-eased"}
)
_WEIGHTS: Mapping[str, str] = MappingProxyType(
    {
        "complete": "gpu-weights-complete",
        "missing": "gpu-weights-missing",
        "failed": "gpu-weights-missing",
        "damaged": "gpu-weights-damaged",
    }
)


@dataclass(frozen=True, slots=True)
class Facts:
    """What the report is made of.

    Attributes:
        report: engine and device.
        waiting: tickets in the queue.
        kept: what storage holds.
    """

    report: DeviceReport
    waiting: int
    kept: Inventory


def page(texts: Texts, locale: str, facts: Facts) -> str:
    """The whole report as HTML; when it would not fit one message, the longest parts lose their last lines."""
    say = _Voice(texts, locale)
    engine = facts.report.get("engine", Diagnostics())
    sections = [
        [*_queue(say, facts, engine)],
        *_devices(say, facts.report),
        [*_setup(say, engine)],
        [*_models(say, engine)],
        [*_times(say, facts.report, engine)],
        [say("gpu-advice-title"), *_advice(say, facts, engine)],
    ]
    sections = [lines for lines in sections if lines]
    while _units(whole := "\n\n".join("\n".join(lines) for lines in sections)) > LONGEST_UNITS:
        max(sections, key=lambda lines: _units("\n".join(lines)) if len(lines) > 1 else 0).pop()
    return whole


@dataclass(frozen=True, slots=True)
class _Voice:
    """Texts in one language."""

    texts: Texts
    locale: str

    def __call__(self, key: str, **arguments: str | float) -> str:
        return self.texts.get(key, self.locale, **arguments)


def _queue(say: _Voice, facts: Facts, engine: Diagnostics) -> Iterator[str]:
    yield say("gpu-title", engine=_short(engine.get("engine", "?")), version=engine.get("version", ""))
    orders = facts.kept.orders
    running = facts.report.get("running", orders.get(State.RUNNING, 0))
    yield say("gpu-queue", waiting=facts.waiting, running=running)
    counts = ", ".join(f"{state.value} {number}" for state, number in orders.items() if number)
    yield say("gpu-orders", counts=counts or "0")
    used, budget = _gib(facts.kept.picture_bytes / _BYTES_PER_MIB), _gib(facts.kept.budget_bytes / _BYTES_PER_MIB)
    yield say("gpu-pictures", pictures=facts.kept.pictures, used=used, budget=budget)
    yield say("gpu-database", learners=facts.kept.learners, size=f"{facts.kept.database_bytes / _BYTES_PER_MIB:.1f}")


def _devices(say: _Voice, report: DeviceReport) -> Iterator[list[str]]:
    cards = report.get("cards", Cards(()))
    if not cards.devices:
        processor, cores = report.get("processor", "CPU"), report.get("cores", 1)
        yield [say("gpu-none", processor=_short(processor), cores=cores)]
        return
    for card in cards.devices[:_CARDS_SHOWN]:
        yield [*_card(say, card, cards.driver)]
    if len(cards.devices) > _CARDS_SHOWN:
        yield [say("gpu-more", count=len(cards.devices) - _CARDS_SHOWN)]


def _card(say: _Voice, card: Device, driver: str | None) -> Iterator[str]:
    """One card; what it does not tell is left out."""
    yield say("gpu-device", name=_short(card.name))
    yield say("gpu-memory", used=_gib(card.memory_used_mib), total=_gib(card.memory_mib))
    if card.others_mib is not None and card.own_mib is not None:
        yield say("gpu-others", size=_gib(card.others_mib))
    if card.temperature_c is not None:
        yield say("gpu-temperature", celsius=card.temperature_c)
    if card.utilisation_percent is not None:
        yield say("gpu-load", percent=card.utilisation_percent)
    if card.power_w is not None:
        yield say("gpu-power", watts=round(card.power_w))
    if card.clock_mhz is not None:
        yield say("gpu-clock", megahertz=card.clock_mhz)
    if card.capability is not None:
        yield say("gpu-capability", version=".".join(map(str, card.capability)))
    if driver:
        yield say("gpu-driver", driver=_short(driver))


def _setup(say: _Voice, engine: Diagnostics) -> Iterator[str]:
    """Profile, and how the diffusion engine is set up; the painter has none."""
    if "profile" not in engine:
        return
    why = say(_WHY.get(engine.get("profile_why", "device"), "gpu-why-device"))
    limit = engine.get("batch_limit", 1)
    yield say("gpu-profile", profile=_short(engine["profile"]), reason=why, limit=limit)
    if "device" in engine:
        yield say("gpu-runs-on", name=_short(engine["device"]), where=engine.get("device_name", ""))
    parts = ("layout", "placement", "dtype", "plan", "attention", "compile")
    named = {part: str(engine.get(part)) for part in parts if engine.get(part)}
    if engine.get("plan_approximate"):
        approximate = say("gpu-plan-approximate")
        named["plan"] = f"{named.get('plan', '')} {approximate}".strip()
    yield say("gpu-setup", parts=" · ".join(named.values()))
    if engine.get("overrides"):
        yield say("gpu-overrides", fields=_line(engine["overrides"]))
    if engine.get("reserved_mib"):
        used, total = _gib(engine.get("allocated_mib", 0)), _gib(engine["reserved_mib"])
        yield say("gpu-torch-memory", used=used, total=total)


def _models(say: _Voice, engine: Diagnostics) -> Iterator[str]:
    """Weights on disk and models in memory."""
    weights = engine.get("weights", {})
    if weights.get("state") == "downloading":
        yield _download(say, weights)
    elif weights.get("state", "") in _WEIGHTS:
        yield say(_WEIGHTS[weights["state"]], roles=_line(weights.get("missing", ())))
    if engine.get("models"):
        yield say("gpu-models")
    elif "models" in engine:
        yield say("gpu-models-none")
    for model in engine.get("models", ()):
        took, size = f"{model['seconds']:.1f}", model["mib"]
        yield say("gpu-model", role=model["role"], name=_short(model["model"]), took=took, size=size)


def _download(say: _Voice, weights: WeightsState) -> str:
    """How far a download is; how much there is to fetch is known once the hub has answered."""
    done, total = weights.get("done_mib", 0), weights.get("total_mib", 0)
    if not total:
        return say("gpu-weights-listing")
    share = min(100, 100 * done // total)
    return say("gpu-weights-downloading", done=_gib(done), total=_gib(total), percent=share)


def _times(say: _Voice, report: DeviceReport, engine: Diagnostics) -> Iterator[str]:
    if "process_mib" in report and "memory_total_mib" in report:
        yield say("gpu-process", used=_gib(report["process_mib"]), total=_gib(report["memory_total_mib"]))
    last = report.get("last_s", [])[:_LAST_SHOWN]
    if last:
        yield say("gpu-last", seconds=" · ".join(f"{seconds:.1f}" for seconds in last))
    else:
        yield say("gpu-last-none")
    for size in engine.get("sizes", ())[:_SIZES_SHOWN]:
        what, took = f"{size['size']} × {size['batch']}", f"{size['median_seconds']:.1f}"
        peak = "–" if size["peak_mib"] is None else _gib(size["peak_mib"])
        yield say("gpu-size", what=what, took=took, peak=peak)
    if engine.get("warm_up"):
        yield say("gpu-warm-up", words=" · ".join(map(_warm, engine["warm_up"])))


def _warm(word: Mapping[str, object]) -> str:
    """Time and memory of a word; s and MiB are the same in every language."""
    memory = "" if word.get("mib") is None else f" {word['mib']} MiB"
    return f"{word['word']} {word['seconds']} s{memory}"


def _advice(say: _Voice, facts: Facts, engine: Diagnostics) -> list[str]:
    situation = Situation(engine, facts.report.get("cards", Cards(())), facts.waiting)
    found = advise(situation)[:_ADVICE_SHOWN]
    return [sentence(say, advice) for advice in found] or [say("gpu-advice-none")]


def _line(names: object) -> str:
    listed = names if isinstance(names, list | tuple) else ()
    return ", ".join(map(str, listed))[:_LONGEST_LINE]


def _short(name: str) -> str:
    return name[:_LONGEST_NAME]


def _gib(mib: float) -> str:
    return f"{mib / _MIB_PER_GIB:.1f}"


def _units(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2
