"""The courier against the loopback Bot API server, over real sockets: aiogram's own session, real faults."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiogram.client.telegram import TelegramAPIServer
from aiogram.exceptions import AiogramError
from aiogram.types import BufferedInputFile

from bot import captions
from bot.flood import Pace
from bot.playground.serve import Playground
from bot.recovery import recover
from bot.texts import Texts
from generation.contracts.errors import PaintingFailed
from generation.contracts.events import OrderAdvanced, OrderRendered
from storage import State, Storage
from tests.bot_outgoing.conftest import Office, employ, png_of
from tests.bot_outgoing.hands import until
from tests.bot_outgoing.loopback import FIRST, HTTP, Sim, bot_at, desk_of


async def test_picture_arrives_in_the_status_message(http_office: Office, sim: Sim) -> None:
    order = await http_office.rendered(word="<b>学习</b> & co")
    done = await http_office.delivered(order)
    assert done.state is State.DELIVERED
    (photo,) = await sim.photos()
    assert photo["message_id"] == done.status_message == order.status_message
    assert "<b>学习</b> & co" in photo["caption"]
    assert len(photo["reply_markup"]["inline_keyboard"]) == 2
    assert not await sim.calls("sendPhoto")


FAULTS = {
    "500": {"code": 500, "times": 2},
    "502 as a page": {"code": 502, "html": True, "times": 2},
    "answer dropped": {"drop_response": True, "times": 2},
    "request dropped": {"drop_request": True},
    "slow": {"delay": 0.3},
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS.keys())
async def test_exactly_one_picture_under(http_office: Office, sim: Sim, fault: dict[str, Any]) -> None:
    order = await http_office.rendered()
    await sim.fault("editMessageMedia", **fault)
    done = await http_office.delivered(order)
    assert done.state is State.DELIVERED
    assert len(await sim.photos()) == 1
    assert len(await sim.calls("editMessageMedia")) == fault.get("times", 1) + ("delay" not in fault)


async def test_control_send_photo_with_retries_doubles(http_office: Office, sim: Sim) -> None:
    await sim.fault("sendPhoto", drop_response=True)
    for _ in range(2):
        try:
            await http_office.bot.send_photo(FIRST, BufferedInputFile(png_of(), "p.png"))
        except AiogramError:
            continue
        break
    assert len(await sim.photos()) == 2


async def test_429_is_waited_out_to_the_second(http_office: Office, sim: Sim) -> None:
    order = await http_office.rendered()
    await sim.fault("editMessageMedia", retry_after=1)
    http_office.courier.deliver(order.id)
    await until(lambda: http_office.courier._outbox._flood.silent_s(FIRST) > 0)
    # Whatever else is for this chat waits as well.
    http_office.courier.say(order.destination, "hello")
    assert await http_office.courier.drain(10)
    refused, *later = [*await sim.calls("editMessageMedia"), *(await sim.calls("sendMessage"))[1:]]
    assert len(later) == 2
    assert min(call["at"] for call in later) - refused["at"] >= 1.0
    assert (await http_office.now(order)).state is State.DELIVERED


async def test_control_an_impatient_retry_comes_too_early(http_office: Office, sim: Sim) -> None:
    order = await http_office.rendered()
    await sim.fault("editMessageText", retry_after=1)
    for _ in range(2):
        try:
            await http_office.bot.edit_message_text("again", chat_id=FIRST, message_id=order.status_message)
        except AiogramError:
            await asyncio.sleep(0.03)
    first, second = await sim.calls("editMessageText")
    assert second["at"] - first["at"] < 1.0


async def test_dropped_answer_to_the_status_text_leaves_one_orphan(http_office: Office, sim: Sim) -> None:
    await sim.fault("sendMessage", drop_response=True)
    order = await http_office.rendered()
    await http_office.delivered(order)
    from_bot = [message for message in await sim.messages() if message["from"]["is_bot"]]
    assert len(from_bot) == 2
    assert len([message for message in from_bot if "photo" in message]) == 1


async def test_status_deleted(http_office: Office, sim: Sim) -> None:
    order = await http_office.rendered()
    await http_office.bot.delete_message(FIRST, order.status_message)
    await sim.fault("editMessageMedia", drop_response=True, contains=str(order.status_message + 1))
    done = await http_office.delivered(order)
    (photo,) = await sim.photos()
    assert photo["message_id"] == done.status_message != order.status_message


async def test_blocked_learner_is_noted_and_their_orders_taken_back(http_office: Office, sim: Sim) -> None:
    desk, queue = desk_of(http_office)
    waiting = await http_office.order()
    await desk.accept(waiting.id)
    order = await http_office.rendered()
    await sim.block()
    done = await http_office.delivered(order)
    await until(lambda: not http_office.courier._lasting)
    assert done.state is State.FAILED
    assert (await http_office.storage.learners.get(FIRST)).blocked
    assert (await http_office.now(waiting)).state is State.CANCELLED
    assert not queue.positions()


async def test_damaged_file_is_painted_again_never_sent(http_office: Office, sim: Sim) -> None:
    _, queue = desk_of(http_office)
    order = await http_office.rendered()
    picture = await http_office.storage.pictures.get(order.picture)
    picture.path.write_bytes(b"\x89PNG rotten")
    await http_office.delivered(order)
    again = await http_office.now(order)
    assert again.state is State.QUEUED
    assert not await sim.calls("editMessageMedia")
    assert [place.order for place in queue.positions()] == [order.id]
    await http_office.painted(again)
    http_office.courier._line.resting = False
    assert (await http_office.delivered(again)).state is State.DELIVERED
    assert len(await sim.photos()) == 1


async def test_wrong_file_id_falls_back_to_the_bytes(http_office: Office, sim: Sim) -> None:
    order = await http_office.rendered()
    await http_office.storage.files.keep(order.picture, http_office.bot.id, "photo", "AgACAgIAAxkBAAI-not-a-file-id")
    done = await http_office.delivered(order)
    assert done.state is State.DELIVERED
    assert len(await sim.photos()) == 1
    kept = await http_office.storage.files.find(order.picture, http_office.bot.id, "photo")
    assert kept == (await sim.photos())[0]["photo"][-1]["file_id"]


async def test_original_comes_as_a_document_then_by_file_id(http_office: Office, sim: Sim) -> None:
    done = await http_office.delivered(await http_office.rendered())
    for _ in range(2):
        http_office.courier.send_original(done.id, done.destination)
        assert await http_office.courier.drain(5)
    documents = [message["document"] for message in await sim.messages() if "document" in message]
    assert len(documents) == 2
    assert documents[0]["file_unique_id"] == documents[1]["file_unique_id"]
    assert (await sim.client.get(f"/sim/file/{documents[0]['file_id']}")).content == png_of()
    assert [bool(call["files"]) for call in await sim.calls("sendDocument")] == [True, False]


async def test_uploading_is_shown(http_office: Office, sim: Sim) -> None:
    order = await http_office.rendered()
    await sim.fault("editMessageMedia", delay=0.2)
    await http_office.delivered(order)
    assert [call["parameters"]["action"] for call in await sim.calls("sendChatAction")] == ["upload_photo"]


async def test_late_slow_progress_cannot_cover_the_picture(http_office: Office, sim: Sim) -> None:
    order = await http_office.order()
    http_office.courier.open_status(order.id)
    await until(lambda: not http_office.courier._lasting)
    assert await http_office.storage.ledger.claim(order.id)
    await sim.fault("editMessageText", delay=0.3)
    http_office.board(OrderAdvanced(order.id, 0.9, None))
    await until(http_office.courier._lanes.of(order.id).lock.locked)
    await http_office.painted_running(order.id)
    http_office.board(OrderRendered(order.id))
    http_office.board(OrderAdvanced(order.id, 1.0, None))
    assert await http_office.courier.drain(5)
    assert len(await sim.photos()) == 1
    (text,) = await sim.calls("editMessageText")
    (media,) = await sim.calls("editMessageMedia")
    assert text["n"] < media["n"]


async def test_server_away_for_a_while(sim: Sim, storage: Storage, texts: Texts) -> None:
    """Nothing listens: the delivery goes on until something does."""
    office = employ(storage, bot_at("http://127.0.0.1:9/"), texts, pace=HTTP)
    order = await office.painted(await office.order())
    office.courier.deliver(order.id)
    await until(lambda: office.courier._lasting)
    assert not await office.courier.drain(0.3)
    assert (await office.now(order)).state is State.DELIVERING
    office.bot.session.api = TelegramAPIServer.from_base(sim.url.rstrip("/"))
    assert await office.courier.drain(5)
    assert (await office.now(order)).state is State.DELIVERED
    assert len(await sim.photos()) == 1
    await office.bot.session.close()


async def test_every_open_order_is_taken_up_after_a_crash(http_office: Office, sim: Sim, texts: Texts) -> None:
    """Rows as a killed process leaves them, a second courier over them."""
    desk_of(http_office)
    draft = await http_office.order(style=None)
    waiting, running = await http_office.order(), await http_office.order()
    await http_office.storage.ledger.claim(running.id)
    rendered, failed = await http_office.rendered(), await http_office.order()
    sending = await http_office.rendered()
    await http_office.storage.orders.begin_delivery(sending.id)
    await http_office.storage.ledger.claim(failed.id)
    await http_office.storage.ledger.failed(failed.id, PaintingFailed(reference="r"))
    # The killed process had sent the picture and heard no answer.
    await sim.fault("editMessageMedia", drop_response=True)
    second = employ(http_office.storage, bot_at(sim.url), texts, pace=HTTP)
    desk, queue = desk_of(second)
    await recover(second.storage, desk, second.courier)
    assert await second.courier.drain(10)
    states = [(await second.now(order)).state for order in (draft, waiting, running, rendered, sending, failed)]
    assert states == [State.DRAFT, State.QUEUED, State.QUEUED, State.DELIVERED, State.DELIVERED, State.FAILED]
    assert {place.order for place in queue.positions()} == {waiting.id, running.id}
    assert len(await sim.photos()) == 2
    told = await second.now(failed)
    assert told.told
    shown = [message.get("text", "") for message in await sim.messages()]
    assert any(text.startswith(draft.word) for text in shown)
    await second.courier.close()
    await second.bot.session.close()


async def test_real_pace_meets_the_flood_model_without_a_429(tmp_path: Path, storage: Storage, texts: Texts) -> None:
    """The server's own buckets on, the courier's own figures: nothing is refused."""
    playground = Playground(tmp_path / "flooded", port=0, flood=True)
    url = await playground.start()
    async with httpx.AsyncClient(base_url=url, headers={"X-Playground-Key": playground.key}) as client:
        await client.post("/sim/message", json={"learner": FIRST, "text": "/start"})
        office, sim = employ(storage, bot_at(url), texts, pace=Pace()), Sim(client, url)
        order = await office.rendered()
        for _ in range(4):
            office.courier.say(order.destination, captions.ready(texts, order))
        assert (await office.delivered(order)).state is State.DELIVERED
        calls = [call for name in ("sendMessage", "editMessageMedia") for call in await sim.calls(name)]
        assert len(calls) == 6
        assert {call["code"] for call in calls} == {200}
        await office.courier.close()
        await office.bot.session.close()
    await playground.stop()
