"""The live stream: what the page hears, in which order, and how it catches up."""

import asyncio
import json
import time
from contextlib import asynccontextmanager

import pytest
import websockets.asyncio.client as ws
from aiogram.types import BufferedInputFile, InlineKeyboardButton, InlineKeyboardMarkup, InputMediaPhoto
from websockets.exceptions import ConnectionClosed

from bot.playground.live import KEPT, Live


class Listener:
    def __init__(self, socket) -> None:
        self.socket = socket

    async def next(self, *kinds: str):
        """The next event of one of these kinds."""
        async with asyncio.timeout(10):
            while True:
                event = json.loads(await self.socket.recv())
                if event["type"] in kinds:
                    return event


@asynccontextmanager
async def listening(playground, since=None):
    query = f"key={playground.key}" + (f"&since={since}" if since is not None else "")
    async with ws.connect(playground.url.replace("http", "ws") + f"sim/live?{query}", proxy=None) as socket:
        yield Listener(socket)


async def test_a_whole_conversation(playground, bot, sim, picture):
    async with listening(playground) as page:
        await page.next("hello")
        await sim.post("message", json={"learner": 1001, "text": "学习"})
        assert (await page.next("message"))["message"]["text"] == "学习"
        keyboard = InlineKeyboardMarkup(inline_keyboard=[[InlineKeyboardButton(text="x", callback_data="1")]])
        sent = await bot.send_message(1001, "style?", reply_markup=keyboard)
        assert (await page.next("message"))["message"]["reply_markup"]["inline_keyboard"][0][0]["text"] == "x"
        tap = {"learner": 1001, "chat": 1001, "message": sent.message_id, "data": "1", "wait": 0}
        query = (await sim.post("tap", json=tap)).json()["id"]
        assert (await page.next("tap"))["callback"] == query
        await bot.answer_callback_query(query, "ok")
        toast = await page.next("toast")
        assert (toast["learner"], toast["message"], toast["text"], toast["alert"]) == (
            1001,
            sent.message_id,
            "ok",
            False,
        )
        await bot.send_chat_action(1001, "upload_photo")
        assert (await page.next("typing"))["action"] == "upload_photo"
        media = InputMediaPhoto(media=BufferedInputFile(picture(), "a.png"))
        await bot.edit_message_media(media, chat_id=1001, message_id=sent.message_id)
        edit = await page.next("edit")
        assert edit["message"]["photo"][-1]["width"] == 640
        await bot.delete_message(1001, sent.message_id)
        assert (await page.next("delete"))["messages"] == [sent.message_id]


async def test_people_commands_and_calls(playground, bot, sim):
    async with listening(playground) as page:
        await page.next("hello")
        await sim.patch("learner", json={"id": 1001, "blocked": True})
        assert (await page.next("learner"))["learner"]["blocked"] is True
        await sim.patch("learner", json={"id": 1001, "blocked": False})
        await sim.post("group", json={"title": "Class", "members": [1001]})
        assert (await page.next("chat"))["info"]["title"] == "Class"
        await bot.set_my_commands([{"command": "a", "description": "b"}])
        await page.next("commands")
        assert (await page.next("call"))["call"]["method"] == "setMyCommands"
        await bot.set_my_name("Pinsel")
        assert (await page.next("bot"))["bot"]["first_name"] == "Pinsel"
        await sim.post("reset")
        await page.next("reset")


async def test_numbers_grow_by_one_and_a_lost_connection_catches_up(playground, sim):
    async with listening(playground) as page:
        await page.next("hello")
        await sim.post("message", json={"learner": 1001, "text": "one"})
        seen = await page.next("message")
    for text in ("two", "three"):
        await sim.post("message", json={"learner": 1001, "text": text})
    async with listening(playground, since=seen["seq"]) as page:
        await page.next("hello")
        missed = [await page.next("message", "update") for _ in range(5)]
    assert [e["message"]["text"] for e in missed if e["type"] == "message"] == ["two", "three"]
    assert [e["seq"] for e in missed] == list(range(seen["seq"] + 1, seen["seq"] + 6))


@pytest.mark.parametrize("since", [0, 1, 10**15])
async def test_a_number_of_another_time_means_resync(playground, since):
    async with listening(playground, since=since) as page:
        assert (await page.next("resync", "hello"))["type"] == "resync"


async def test_stop_closes_the_stream(own):
    async with listening(own) as page:
        await page.next("hello")
        begun = time.monotonic()
        await own.stop()
        assert time.monotonic() - begun < 3
        with pytest.raises(ConnectionClosed):
            await page.socket.recv()


async def test_what_is_kept_is_bounded():
    live = Live(100)
    live.publish([{"type": "x"}] * (KEPT + 10))
    assert live.since(100) is None
    assert len(live.since(110)) == KEPT
    assert live.since(live.seq) == []
    assert live.since(99) is None
