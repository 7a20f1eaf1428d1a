"""`/gpu` for administrators: engine, queue, device, last times, and what would help.

Knows facts as plain values; how they are measured is the device report's business. Everybody else gets the ordinary
answer to an unknown command, because this handler's filter does not see them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from aiogram import Router
from aiogram.filters import Command
from aiogram.types import Message

from bot.handlers.places import Admin, destination_of
from bot.middlewares.sender import Sender
from bot.services import DeviceReport, Gpu, Services
from bot.texts import Texts
from storage import Inventory, State

_MIB_PER_GIB = 1024
_BYTES_PER_MIB = 2**20
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
    kept = await services.storage.counts()
    facts = Facts(report=report, waiting=len(services.queue.positions()), kept=kept)
    services.courier.say(destination_of(message), page(services.texts, sender.locale, facts))


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
    orders = facts.kept.orders
    running = report.get("running", orders.get(State.RUNNING, 0))
    yield texts.get("gpu-queue", locale, waiting=facts.waiting, running=running)
    counts = ", ".join(f"{state.value} {number}" for state, number in orders.items() if number)
    yield texts.get("gpu-orders", locale, counts=counts or "0")
    yield from _kept(texts, locale, facts.kept)


def _kept(texts: Texts, locale: str, kept: Inventory) -> Iterator[str]:
    used, budget = _gib(kept.picture_bytes // _BYTES_PER_MIB), _gib(kept.budget_bytes // _BYTES_PER_MIB)
    yield texts.get("gpu-pictures", locale, pictures=kept.pictures, used=used, budget=budget)
    database = f"{kept.database_bytes / _BYTES_PER_MIB:.1f}"
    yield texts.get("gpu-database", locale, learners=kept.learners, size=database)


def _card(texts: Texts, locale: str, card: Gpu) -> Iterator[str]:
    yield texts.get("gpu-device", locale, name=card.get("name", "GPU")[:100])
    if "memory_used_mib" in card and "memory_total_mib" in card:
        used, total = _gib(card["memory_used_mib"]), _gib(card["memory_total_mib"])
        yield texts.get("gpu-memory", locale, used=used, total=total)
    if "temperature_c" in card:
        yield texts.get("gpu-temperature", locale, celsius=card["temperature_c"])
    if "load_percent" in card:
        yield texts.get("gpu-load", locale, percent=card["load_percent"])
    if "power_w" in card:
        yield texts.get("gpu-power", locale, watts=round(card["power_w"]))
    if "clock_mhz" in card:
        yield texts.get("gpu-clock", locale, megahertz=card["clock_mhz"])
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
    temperatures = [card.get("temperature_c", 0) for card in cards]
    lines = [texts.get("gpu-advice-hot", locale, celsius=hot) for hot in temperatures if hot >= _HOT_C]
    if not cards:
        lines.append(texts.get("gpu-advice-no-gpu", locale))
    elif report.get("engine") == "painter":
        roomy = any(card.get("large_enough", False) for card in cards)
        lines.append(texts.get("gpu-advice-idle" if roomy else "gpu-advice-small", locale))
    else:
        lines += [texts.get("gpu-advice-memory", locale) for card in cards if _is_full(card)]
    if facts.waiting > _CROWDED:
        lines.append(texts.get("gpu-advice-crowded", locale))
    return lines or [texts.get("gpu-advice-none", locale)]


def _is_full(card: Gpu) -> bool:
    return card.get("memory_used_mib", 0) > _FULL_SHARE * card.get("memory_total_mib", _MIB_PER_GIB**2)


def _gib(mib: int) -> str:
    return f"{mib / _MIB_PER_GIB:.1f}"
