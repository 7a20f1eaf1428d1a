"""Polling: what ends it, what it waits out, what it confirms; over HTTP against the playground and a server gone wrong."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiogram import Bot, Dispatcher
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.exceptions import TelegramConflictError, TelegramUnauthorizedError
from aiogram.methods import GetUpdates
from aiogram.types import Message
from aiohttp import ClientSession, web

from bot.playground.serve import Playground
from bot.polling import CONFLICTS_ALLOWED, PollingWatch, introduce, poll
from generation.contracts.errors import AnotherInstance, BotServerUnreachable, TokenRefused

TOKEN = "8600000001:token-of-these-tests-000000000000000"
Answer = Callable[[str], Awaitable[web.Response]]


def refusal(code: int, description: str) -> web.Response:
    return web.json_response({"ok": False, "error_code": code, "description": description}, status=code)


def client(url: str, token: str = TOKEN) -> Bot:
    return Bot(token, session=AiohttpSession(api=TelegramAPIServer.from_base(url)))


@asynccontextmanager
async def server(answer: Answer) -> AsyncIterator[tuple[Bot, list[str]]]:
    """A Bot API server whose every answer the test gives; the calls are noted."""
    calls: list[str] = []

    async def handle(request: web.Request) -> web.Response:
        calls.append(request.match_info["method"])
        return await answer(request.match_info["method"])

    app = web.Application()
    app.router.add_route("*", "/bot{token}/{method}", handle)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    bot = client(f"http://127.0.0.1:{runner.addresses[0][1]}")
    try:
        yield bot, calls
    finally:
        await bot.session.close()
        await runner.cleanup()


async def test_a_refused_token_ends_the_bot() -> None:
    async def answer(_: str) -> web.Response:
        return refusal(401, "Unauthorized")

    async with server(answer) as (bot, _):
        with pytest.raises(TokenRefused):
            await introduce(bot)


async def test_a_token_revoked_while_running_ends_the_bot_too() -> None:
    async def answer(_: str) -> web.Response:
        return refusal(401, "Unauthorized")

    async with server(answer) as (bot, _):
        watch = PollingWatch()
        bot.session.middleware(watch)
        with pytest.raises(TelegramUnauthorizedError):
            await bot(GetUpdates())
        assert isinstance(watch.failure.result(), TokenRefused)


async def test_a_few_conflicts_are_a_predecessor_many_are_another_instance() -> None:
    async def answer(_: str) -> web.Response:
        return refusal(409, "Conflict: terminated by other getUpdates request")

    async with server(answer) as (bot, _):
        watch = PollingWatch()
        bot.session.middleware(watch)
        for _ in range(CONFLICTS_ALLOWED):
            with pytest.raises(TelegramConflictError):
                await bot(GetUpdates())
        assert not watch.failure.done()
        with pytest.raises(TelegramConflictError):
            await bot(GetUpdates())
        assert isinstance(watch.failure.result(), AnotherInstance)


async def test_an_answer_in_between_forgives_the_conflicts() -> None:
    count = 0

    async def answer(_: str) -> web.Response:
        nonlocal count
        count += 1
        if count % 3 == 0:
            return web.json_response({"ok": True, "result": []})
        return refusal(409, "Conflict: terminated by other getUpdates request")

    async with server(answer) as (bot, _):
        watch = PollingWatch()
        bot.session.middleware(watch)
        for _ in range(5 * CONFLICTS_ALLOWED):
            try:
                await bot(GetUpdates())
            except TelegramConflictError:
                continue
        assert not watch.failure.done()


async def test_a_server_that_is_not_up_yet_is_waited_for() -> None:
    tries = 0

    async def answer(method: str) -> web.Response:
        nonlocal tries
        tries += 1
        if tries < 3:
            return web.Response(status=502, text="<html>bad gateway</html>")
        me = {"id": 1, "is_bot": True, "first_name": "B", "username": "b_bot"}
        return web.json_response({"ok": True, "result": me if method == "getMe" else True})

    async with server(answer) as (bot, calls):
        await introduce(bot)
        assert calls == ["getMe", "getMe", "getMe", "deleteWebhook"]


async def test_a_server_that_never_comes_is_said_without_the_token() -> None:
    bot = client("http://127.0.0.1:9")
    with pytest.raises(BotServerUnreachable) as caught:
        await introduce(bot, patience_s=0.6)
    await bot.session.close()
    assert "http://127.0.0.1:9" in str(caught.value)
    assert TOKEN not in str(caught.value)


async def test_handled_updates_are_confirmed_at_the_end_and_an_unfinished_one_comes_again(tmp_path: Path) -> None:
    playground = Playground(tmp_path, port=0, token=TOKEN, key="k")
    url = (await playground.start()).rstrip("/")
    bot = client(url)
    dispatcher, entered, done = Dispatcher(), asyncio.Event(), asyncio.Event()

    @dispatcher.message()
    async def handle(message: Message) -> None:
        if message.text == "second":
            entered.set()
            await asyncio.Event().wait()
        done.set()

    async with ClientSession(headers={"X-Playground-Key": "k"}) as http:

        async def say(text: str) -> None:
            await http.post(f"{url}/sim/message", json={"learner": 1001, "text": text})

        watch = PollingWatch()
        bot.session.middleware(watch)
        running = asyncio.ensure_future(poll(dispatcher, bot, watch))
        await say("first")
        await asyncio.wait_for(done.wait(), 20)
        await say("second")
        await asyncio.wait_for(entered.wait(), 20)
        await dispatcher.stop_polling()
        await asyncio.wait_for(running, 20)

        left = await bot.get_updates(timeout=0)
    assert [update.message.text for update in left if update.message] == ["second"]
    await bot.session.close()
    await playground.stop()
