"""Updates of kinds the library does not know: the others are handled, the offset moves, nothing leaks into the log."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiogram import Bot, Dispatcher
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.exceptions import ClientDecodeError
from aiogram.methods import GetUpdates
from aiogram.types import Message
from aiohttp import web

from bot.decoding import Decoding, discreet
from bot.polling import PollingWatch, poll
from bot.refusals import Verdict, _undecoded

TOKEN = "8600000001:token-of-these-tests-000000000000000"
SECRET = "秘密の単語"
CHAT = {"id": 7, "type": "private", "first_name": SECRET}


def message(update: int, text: str, **more: Any) -> dict[str, Any]:
    author = {"id": 7, "is_bot": False, "first_name": SECRET}
    return {
        "update_id": update,
        "message": {"message_id": update, "date": 1, "chat": CHAT, "from": author, "text": text, **more},
    }


UNKNOWN = message(11, SECRET, forward_origin={"type": "brand_new_origin", "date": 1})


class Feed:
    """getUpdates with real offset semantics over a list of raw updates."""

    def __init__(self, updates: list[Any]) -> None:
        self.updates, self.offsets = updates, []

    async def answer(self, request: web.Request) -> web.Response:
        name = request.match_info["method"].lower()
        if name == "getme":
            return web.json_response(
                {"ok": True, "result": {"id": 1, "is_bot": True, "first_name": "B", "username": "b"}}
            )
        form = await request.post()
        offset = int(str(form.get("offset", 0)))
        self.offsets.append(offset)
        left = [raw for raw in self.updates if raw["update_id"] >= offset]
        if not left:
            await asyncio.sleep(0.05)
        return web.json_response({"ok": True, "result": left})


@asynccontextmanager
async def served(feed: Feed) -> AsyncIterator[Bot]:
    app = web.Application()
    app.router.add_route("*", "/bot{token}/{method}", feed.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    bot = Bot(TOKEN, session=AiohttpSession(api=TelegramAPIServer.from_base(url)))
    try:
        yield bot
    finally:
        await bot.session.close()
        await runner.cleanup()


async def handled_texts(feed: Feed, bot: Bot, wanted: int) -> list[str | None]:
    dispatcher, seen, enough = Dispatcher(), [], asyncio.Event()

    @dispatcher.message()
    async def handle(message: Message) -> None:
        seen.append(message.text)
        if len(seen) >= wanted:
            enough.set()

    watch = PollingWatch()
    bot.session.middleware(watch)
    running = asyncio.ensure_future(poll(dispatcher, bot, watch))
    try:
        await asyncio.wait_for(enough.wait(), 15)
    finally:
        await dispatcher.stop_polling()
        await asyncio.wait_for(running, 15)
    return seen


async def test_an_unreadable_update_does_not_make_the_bot_deaf(caplog: pytest.LogCaptureFixture) -> None:
    feed = Feed([message(10, "before"), UNKNOWN, message(12, "after")])
    async with served(feed) as bot:
        bot.session.middleware(Decoding())
        with caplog.at_level(logging.DEBUG), pytest.warns(RuntimeWarning, match="unknown update type"):
            assert await handled_texts(feed, bot, 2) == ["before", "after"]
    assert max(feed.offsets) == 13
    assert "update 11 (message)" in caplog.text
    assert SECRET not in caplog.text


async def test_control_without_it_nothing_is_handled_and_the_log_says_too_much(
    caplog: pytest.LogCaptureFixture,
) -> None:
    feed = Feed([message(10, "before"), UNKNOWN, message(12, "after")])
    async with served(feed) as bot:
        with caplog.at_level(logging.ERROR), pytest.raises(ClientDecodeError) as caught:
            await bot(GetUpdates())
    assert SECRET in str(caught.value)


@pytest.mark.parametrize("updates", [["not an object"], [{"no": "number"}]])
async def test_a_batch_that_is_no_batch_is_an_error_without_its_content(updates: list[Any]) -> None:
    class Odd(Feed):
        async def answer(self, request: web.Request) -> web.Response:
            return web.json_response({"ok": True, "result": self.updates, "x": SECRET})

    async with served(Odd(updates)) as bot:
        bot.session.middleware(Decoding())
        with pytest.raises(ClientDecodeError) as caught:
            await bot(GetUpdates())
    assert SECRET not in str(caught.value) + repr(caught.value.__cause__) + repr(caught.value.__context__)


async def test_a_web_page_instead_of_json_loses_its_text() -> None:
    class Page(Feed):
        async def answer(self, request: web.Request) -> web.Response:
            return web.Response(text=f"<html>{SECRET}</html>", status=502)

    async with served(Page([])) as bot:
        bot.session.middleware(Decoding())
        with pytest.raises(ClientDecodeError) as caught:
            await bot.get_me()
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    ("data", "verdict"),
    [({"ok": True, "result": SECRET}, Verdict.DONE), ({"ok": False}, Verdict.UNSURE), (SECRET, Verdict.UNSURE)],
)
def test_whether_the_call_was_carried_out_is_still_known(data: object, verdict: Verdict) -> None:
    error = discreet(ClientDecodeError("cannot", ValueError(SECRET), data))
    assert _undecoded(error) is verdict
    assert SECRET not in str(error)
