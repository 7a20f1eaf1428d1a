"""Which engine paints here. The one place that turns settings into an engine; loads no model and no torch."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from generation.contracts.errors import UnknownEngine
from generation.contracts.ports import Engine, Job
from generation.contracts.request import PaintRequest, first_seed
from generation.diffusion.config import ROLES, DiffusionConfig

if TYPE_CHECKING:
    from bot.settings import Settings
    from generation.diffusion.background import BackgroundFetch
    from generation.diffusion.engine import DiffusionEngine
    from generation.pipeline import Pipeline

ENGINES = ("auto", "painter", "diffusion")
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Easel:
    """An engine with what runs beside it.

    Attributes:
        engine: who paints.
        fetch: brings missing weights in the background once started; None where nothing is to be fetched.
        idle_s: unload the engine after so many seconds without work; 0 never.
        house: name of the engine that should paint, also while another stands in for it.
    """

    engine: Engine
    fetch: BackgroundFetch | None = None
    idle_s: float = 0.0
    house: str = "painter"


def engine_named(name: str, settings: Settings | None = None, *, plan: str | None = None) -> Engine:
    """Build an engine for one picture; nobody stands in for `diffusion`, its error is the answer.

    Args:
        name: one of `ENGINES`; `auto` takes diffusion where a card and all weights are, else the painter.
        settings: for the diffusion engine; read from the environment when None.
        plan: sampling plan in place of the settings'.

    Raises:
        UnknownEngine: not a name of ours.
        EngineUnavailable: the diffusion engine is not installed.
        BadSettings: it is set up wrongly.
    """
    if name not in ENGINES:
        raise UnknownEngine(engine=name, known=", ".join(ENGINES))
    if name == "painter" or (name == "auto" and not _card_is_there()):
        return _painter()
    if name == "diffusion":
        _refuse_not_installed()
    engine = _diffusion(settings or _settings(), plan=plan)
    if name == "auto" and engine.trouble() is not None:
        return _painter()
    return engine


def easel(settings: Settings, pipeline: Pipeline) -> Easel:
    """The bot's engine: with a stand-in, and with its weights on their way where that is wanted.

    Raises:
        EngineUnavailable: `diffusion` is set and not installed.
        BadSettings: the diffusion engine is set up wrongly.
    """
    wanted = settings.generation.engine
    if wanted == "diffusion":
        _refuse_not_installed()
    elif wanted == "painter" or not _card_is_there():
        return Easel(_painter())
    elif not _is_installed():
        _log.warning("there is a card for the diffusion engine, but it is not installed: the painter paints")
        return Easel(_painter())
    from generation.diffusion.background import BackgroundFetch
    from generation.standin import StandIn

    engine = _diffusion(settings, pipeline)
    fetch = BackgroundFetch(engine.store, engine.roles) if settings.generation.download else None
    stand_in = StandIn(engine, _painter(), further=fetch.report if fetch else None)
    return Easel(stand_in, fetch, settings.diffusion.idle_unload_s, house=engine.name)


def diffusion_config(settings: Settings) -> DiffusionConfig:
    """What the diffusion engine is told."""
    from bot.settings_models import source_of

    own = settings.diffusion
    roles = {f"{role}{part}" for role in ROLES for part in ("", "_revision", "_variant", "_weights")}
    return DiffusionConfig(
        sources={role: source_of(own, role) for role in ROLES},
        data_folder=settings.storage.folder,
        taesd=own.tiny_previews,
        **own.model_dump(exclude={"tiny_previews", "idle_unload_s", *roles}),
    )


def warm_jobs(pipeline: Pipeline, engine: Engine, width: int, height: int) -> list[Job]:
    """The warm-up words, prepared with few steps."""
    from generation.diffusion.warming import STEPS, WORDS

    request = PaintRequest(word="", language="zh-Hans", style="ink", seed=0, width=width, height=height, steps=STEPS)
    words = [replace(request, word=word, seed=first_seed(word, request.language)) for word in WORDS]
    return [pipeline.prepare(wanted, engine, threading.Event())[0] for wanted in words]


def _diffusion(settings: Settings, pipeline: Pipeline | None = None, *, plan: str | None = None) -> DiffusionEngine:
    from generation.diffusion.engine import DiffusionEngine

    size = settings.generation.width, settings.generation.height
    config = diffusion_config(settings)
    if pipeline is None:
        return DiffusionEngine(replace(config, plan=plan or config.plan))
    engine = DiffusionEngine(config, warm_jobs=lambda: warm_jobs(pipeline, engine, *size))
    return engine


def _painter() -> Engine:
    from generation.painter import Painter

    return Painter()


def _settings() -> Settings:
    from bot.settings import load_settings

    return load_settings()


def _card_is_there() -> bool:
    from generation.diffusion.outlook import card_is_there

    return card_is_there()


def _is_installed() -> bool:
    from generation.diffusion.outlook import absent_packages

    return not absent_packages()


def _refuse_not_installed() -> None:
    from generation.diffusion.outlook import absent_packages, not_installed

    if absent := absent_packages():
        raise not_installed(absent)
