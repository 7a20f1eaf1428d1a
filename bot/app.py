"""The composition root: builds every part once, connects them, and takes them apart in order.

The only module that knows all the rooms. It holds no rule of its own: what it does is say who gets whom.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import time
import webbrowser
from collections.abc import Coroutine
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from typing import Any, NoReturn

from aiogram import Bot, Dispatcher
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import PRODUCTION, TelegramAPIServer
from aiogram.utils.token import TokenValidationError

from bot.commands_menu import publish
from bot.courier import Courier
from bot.decoding import Decoding
from bot.desk import Desk
from bot.device import device_report
from bot.dispatcher import build_dispatcher
from bot.engines import Easel, easel
from bot.flood import Flood
from bot.logs import set_up
from bot.nursery import Nursery
from bot.polling import PollingWatch, introduce, poll
from bot.recovery import recover
from bot.services import BotSettings, Services
from bot.settings import Settings
from bot.signals import StopSignal
from bot.status import StatusBoard
from bot.texts import Texts
from bot.version import version_of_wordbrush
from generation.contracts.errors import BadSettings, TokenRefused, WordbrushError
from generation.glyphs import FontBook
from generation.pipeline import Pipeline
from generation.queue import FairQueue, QueueLimits
from generation.work import Patience
from generation.worker import Worker
from storage import Storage, clear_storage, open_storage

logger = logging.getLogger(__name__)

STUCK = 70
"""Exit status that asks a supervisor for a fresh process (EX_SOFTWARE)."""
HUB_TOKENS = ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN")
"""Where the model hub's client looks for its secret; like the bot's it stays out of every log line."""
CONFIRM_S = 4.0
LAST_WORDS_S = 3.0
"""Of the grace time, what is kept for sending when the worker has used all the rest."""
LEAST_WORDS_S = 1.0
"""What sending gets even after a worker that would not end."""


@dataclass(frozen=True, slots=True)
class Atelier:
    """What painting needs."""

    fonts: FontBook
    pipeline: Pipeline
    easel: Easel


@dataclass(frozen=True, slots=True)
class House:
    """The parts that run, once they stand."""

    bot: Bot
    storage: Storage
    queue: FairQueue
    worker: Worker
    courier: Courier
    nursery: Nursery
    dispatcher: Dispatcher
    watch: PollingWatch


async def run_bot(settings: Settings, *, fresh: bool = False) -> int:
    """Run until told to stop, or until something ends the bot.

    Raises:
        OperatorError: it cannot start, or another instance or a refused token ended it.
        StorageError: the data folder is unusable.
    """
    token = settings.bot_token.get_secret_value() if settings.bot_token else ""
    set_up(settings.log_level, (token, *(os.environ.get(name, "") for name in HUB_TOKENS)))
    _check(settings, fresh=fresh)
    with StopSignal() as stop:
        async with AsyncExitStack() as stack:
            house = await _unless_stopped(_build(settings, stack, fresh=fresh), stop)
            if house is None:
                return 0
            asked = await _live(house, stop, grace_s=settings.grace_s)
    code = STUCK if house.worker.stuck and not asked else 0
    if house.worker.busy:
        _leave(code)
    return code


async def _unless_stopped(building: Coroutine[Any, Any, House], stop: StopSignal) -> House | None:
    """The house, or None when the signal came first: an unreachable server must not hold up a polite stop."""
    tasks = Nursery()
    built, asked = tasks.spawn(_outcome(building), name="start"), tasks.spawn(stop.wait(), name="stop signal")
    try:
        await asyncio.wait({built, asked}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        asked.cancel()
    if built.done():
        outcome = built.result()
        if isinstance(outcome, WordbrushError):
            raise outcome
        return outcome
    built.cancel()
    await asyncio.wait({built})
    return None


async def _outcome(building: Coroutine[Any, Any, House]) -> House | WordbrushError:
    """A refusal to start as a value: the nursery would log it as an accident beside the one line the operator gets."""
    try:
        return await building
    except WordbrushError as error:
        return error


def _check(settings: Settings, *, fresh: bool) -> None:
    if settings.bot_token is None and not settings.playground.enabled:
        raise BadSettings(detail="BOT_TOKEN is missing and PLAYGROUND=off: set one, or remove the other")
    if settings.bot_token is not None and fresh:
        raise BadSettings(detail="--fresh forgets everything and is for the playground only: BOT_TOKEN is set")


async def _build(settings: Settings, stack: AsyncExitStack, *, fresh: bool) -> House:
    """Everything in the order it needs each other; the stack takes it down the other way round."""
    atelier = _atelier(settings)
    texts = Texts.load()
    folder = settings.bot_folder()
    if fresh:
        await asyncio.to_thread(clear_storage, folder)
    storage = await stack.enter_async_context(
        open_storage(folder, cache_budget_bytes=settings.storage.cache_mb * 2**20)
    )
    bot = await _open_bot(settings, stack, fresh=fresh)
    watch = PollingWatch()
    bot.session.middleware(Decoding())
    bot.session.middleware(watch)
    await introduce(bot)
    if (fetch := atelier.easel.fetch) is not None:
        fetch.start()
        stack.push_async_callback(asyncio.to_thread, fetch.stop)
    return await _connect(settings, bot, storage, atelier=atelier, texts=texts, watch=watch)


def _atelier(settings: Settings) -> Atelier:
    fonts = FontBook([settings.generation.fonts] if settings.generation.fonts else [])
    pipeline = Pipeline(fonts)
    return Atelier(fonts, pipeline, easel(settings, pipeline))


async def _open_bot(settings: Settings, stack: AsyncExitStack, *, fresh: bool) -> Bot:
    """Telegram's client: for Telegram, for another server, or for the playground opened here."""
    url = settings.bot_api_url
    if settings.bot_token is None:
        url, token = await _open_playground(settings, stack, fresh=fresh)
    else:
        token = settings.bot_token.get_secret_value()
    api = TelegramAPIServer.from_base(url) if url else PRODUCTION
    try:
        bot = Bot(token, session=AiohttpSession(api=api))
    except TokenValidationError:
        raise TokenRefused from None
    stack.push_async_callback(bot.session.close)
    return bot


async def _open_playground(settings: Settings, stack: AsyncExitStack, *, fresh: bool) -> tuple[str, str]:
    from bot.neighbour import open_playground

    playground = await open_playground(settings, fresh=fresh)
    stack.push_async_callback(playground.stop)
    print(f"Wordbrush playground: {playground.url}", flush=True)  # noqa: T201 - the line a person waits for
    print("No BOT_TOKEN: a real bot, without Telegram. Ctrl-C stops it.", flush=True)  # noqa: T201 - and why
    if settings.playground.open_browser and sys.stdout.isatty():
        await asyncio.to_thread(webbrowser.open, playground.url)
    return playground.url, playground.token


async def _connect(
    settings: Settings, bot: Bot, storage: Storage, *, atelier: Atelier, texts: Texts, watch: PollingWatch
) -> House:
    nursery = Nursery()
    courier = Courier(bot, storage, texts=texts, flood=Flood(), nursery=nursery, engine=atelier.easel.house)
    queue = FairQueue(QueueLimits(**settings.queue.model_dump()))
    engine = atelier.easel.engine
    worker = Worker(
        queue,
        engine,
        ledger=storage.ledger,
        watcher=StatusBoard(courier, texts),
        pipeline=atelier.pipeline,
        patience=Patience(painting_s=settings.generation.time_limit_s, idle_s=atelier.easel.idle_s),
        previews=atelier.easel.house != "painter",  # the painter is done before a look would arrive
        on_stuck=_leave_stuck,
    )
    desk = Desk(storage, queue, courier, engine)
    courier.attach_desk(desk)
    services = Services(
        storage=storage,
        queue=queue,
        courier=courier,
        texts=texts,
        desk=desk,
        fonts=atelier.fonts,
        settings=_what_handlers_see(settings),
        device_report=lambda: asyncio.to_thread(device_report, worker),
    )
    nursery.spawn(publish(bot, texts, services.settings.admins), name="command lists")
    await recover(storage, desk, courier)
    return House(bot, storage, queue, worker, courier, nursery, build_dispatcher(services), watch)


def _what_handlers_see(settings: Settings) -> BotSettings:
    return BotSettings(
        admins=settings.admin_ids(playground=settings.bot_token is None),
        width=settings.generation.width,
        height=settings.generation.height,
        version=version_of_wordbrush(),
    )


async def _live(house: House, stop: StopSignal, *, grace_s: float) -> bool:
    """Poll and paint until something ends that; then close in order, whatever it was.

    Returns:
        Whether it ended because somebody asked for it.
    """
    tasks = Nursery()
    polling = tasks.spawn(poll(house.dispatcher, house.bot, house.watch), name="polling")
    painting = tasks.spawn(house.worker.run(), name="worker")
    asked = tasks.spawn(stop.wait(), name="stop signal")
    try:
        ends: set[asyncio.Future[Any]] = {polling, painting, asked, house.watch.failure}
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
    finally:
        told = asked.done()
        asked.cancel()
        await _close(house, polling, grace_s=grace_s)
    if house.watch.failure.done():
        raise house.watch.failure.result()
    for task in (polling, painting):
        if task.done() and not task.cancelled():
            task.result()
    return told


async def _close(house: House, polling: asyncio.Task[None], *, grace_s: float) -> None:
    """Stop taking updates, let the worker finish or give back, send what is ready, leave the rest to the next start."""
    deadline_s = time.monotonic() + grace_s

    def left_s(keep_s: float = 0.0) -> float:
        return max(0.0, deadline_s - time.monotonic() - keep_s)

    await _stop_polling(house.dispatcher, polling, patience_s=min(CONFIRM_S, left_s(LAST_WORDS_S)))
    await house.worker.stop(left_s(LAST_WORDS_S))
    for place in house.queue.positions():
        house.courier.rest(place.order)
    await house.courier.drain(max(LEAST_WORDS_S, left_s()))
    await house.courier.close()
    await house.nursery.close(0)
    logger.info("stopped")


async def _stop_polling(dispatcher: Dispatcher, polling: asyncio.Task[None], *, patience_s: float) -> None:
    """Let go of the long poll and confirm what was handled; without mercy if the server does not answer."""
    with suppress(RuntimeError):  # it had not begun, or had ended by itself
        await dispatcher.stop_polling()
    await asyncio.wait({polling}, timeout=patience_s)
    polling.cancel()
    await asyncio.wait({polling})


def _leave_stuck() -> None:
    """A painting thread does not come back: only a new process helps. Every order is a committed row."""
    logger.critical("a painting does not end and cannot be interrupted: leaving, the next start goes on")
    _leave(STUCK)


def _leave(code: int) -> NoReturn:
    """End without waiting for a thread, as the interpreter would: it may read models for minutes, or hang for good."""
    sys.stdout.flush()
    logging.shutdown()
    os._exit(code)
