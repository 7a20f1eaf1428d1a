"""`/gpu` for administrators: engine, queue, device, last times, and what would help.

Knows facts as plain values; how they are measured is the device report's business. Everybody else gets the ordinary
answer to an unknown command, because this handler's filter does not see them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from aiogram import Router
from aiogram.filters import Command
from aiogram.types import Message

from bot.handlers.places import Admin, destination_of
from bot.middlewares.sender import Sender
from bot.services import DeviceReport, Gpu, Services
from bot.texts import Texts
from storage import State

_MIB_PER_GIB = 1024
_DIFFUSION_MIB = 11_500
"""A "12 GB" card reports a little less."""
_HOT_C = 85
_FULL_SHARE = 0.92
_CROWDED = 20
_LAST_SHOWN = 5


def gpu_router() -> Router:
    """The handlers of this module, as a fresh router."""
    router = Router(name="gpu")
    router.message.register(gpu, Command("gpu", ignore_case=True), Admin())
    return router


async def gpu(message: Message, sender: Sender, services: Services) -> None:
    """Gather the facts and show them."""
    await sender.meet()
    report = await services.device_report()
    counts = await services.storage.orders.counts()
    facts = Facts(report=report, waiting=len(services.queue.positions()), counts=counts)
    services.courier.say(destination_of(message), page(services.texts, sender.locale, facts))


@dataclass(frozen=True, slots=True)
class Facts:
    """What the report is made of.

    Attributes:
        report: engine and device.
        waiting: tickets in the queue.
        counts: orders by state.
    """

    report: DeviceReport
    waiting: int
    counts: Mapping[State, int]


def page(texts: Texts, locale: str, facts: Facts) -> str:
    """The whole report as HTML, well under 4,096 UTF-16 units."""
    report = facts.report
    sections = [
        "\n".join(_engine(texts, locale, facts)),
        "\n\n".join("\n".join(_card(texts, locale, card)) for card in report.get("gpus", []))
        or _none(texts, locale, report),
        "\n".join(_times(texts, locale, report)),
        "\n".join([texts.get("gpu-advice-title", locale), *(_advice(texts, locale, facts))]),
    ]
    return "\n\n".join(sections)


def _engine(texts: Texts, locale: str, facts: Facts) -> Iterator[str]:
    report = facts.report
    engine, version = report.get("engine", "?"), report.get("engine_version", "")
    yield texts.get("gpu-title", locale, engine=engine, version=version)
    running = report.get("running", facts.counts.get(State.RUNNING, 0))
    yield texts.get("gpu-queue", locale, waiting=facts.waiting, running=running)
    counts = ", ".join(f"{state.value} {number}" for state, number in facts.counts.items() if number)
    yield texts.get("gpu-orders", locale, counts=counts or "0")


def _card(texts: Texts, locale: str, card: Gpu) -> Iterator[str]:
    yield texts.get("gpu-device", locale, name=card.get("name", "GPU")[:100])
    if "memory_used_mib" in card and "memory_total_mib" in card:
        used, total = _gib(card["memory_used_mib"]), _gib(card["memory_total_mib"])
        yield texts.get("gpu-memory", locale, used=used, total=total)
    if "temperature_c" in card:
        yield texts.get("gpu-temperature", locale, celsius=card["temperature_c"])
    if "load_percent" in card:
        yield texts.get("gpu-load", locale, percent=card["load_percent"])
    if "driver" in card:
        yield texts.get("gpu-driver", locale, driver=card["driver"][:40])


def _none(texts: Texts, locale: str, report: DeviceReport) -> str:
    return texts.get("gpu-none", locale, processor=report.get("processor", "CPU")[:100], cores=report.get("cores", 1))


def _times(texts: Texts, locale: str, report: DeviceReport) -> Iterator[str]:
    if "process_mib" in report and "memory_total_mib" in report:
        used, total = _gib(report["process_mib"]), _gib(report["memory_total_mib"])
        yield texts.get("gpu-process", locale, used=used, total=total)
    last = report.get("last_s", [])[:_LAST_SHOWN]
    if last:
        yield texts.get("gpu-last", locale, seconds=" · ".join(f"{seconds:.1f}" for seconds in last))
    else:
        yield texts.get("gpu-last-none", locale)


def _advice(texts: Texts, locale: str, facts: Facts) -> list[str]:
    report = facts.report
    cards = report.get("gpus", [])
    lines = [line for card in cards for line in _card_advice(texts, locale, card)]
    if not cards:
        lines.append(texts.get("gpu-advice-no-gpu", locale))
    elif report.get("engine") != "diffusion":
        roomy = max(card.get("memory_total_mib", 0) for card in cards) >= _DIFFUSION_MIB
        lines.append(texts.get("gpu-advice-weights" if roomy else "gpu-advice-small", locale))
    if facts.waiting > _CROWDED:
        lines.append(texts.get("gpu-advice-crowded", locale))
    lines += [texts.get("gpu-advice-other", locale, text=text[:200]) for text in report.get("advice", [])[:_LAST_SHOWN]]
    return lines or [texts.get("gpu-advice-none", locale)]


def _card_advice(texts: Texts, locale: str, card: Gpu) -> Iterator[str]:
    celsius = card.get("temperature_c", 0)
    if celsius >= _HOT_C:
        yield texts.get("gpu-advice-hot", locale, celsius=celsius)
    if card.get("memory_used_mib", 0) > _FULL_SHARE * card.get("memory_total_mib", _MIB_PER_GIB**2):
        yield texts.get("gpu-advice-memory", locale)


def _gib(mib: int) -> str:
    return f"{mib / _MIB_PER_GIB:.1f}"
