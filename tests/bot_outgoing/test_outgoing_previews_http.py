"""Previews against the loopback Bot API server, over real sockets: kinds of messages, lost answers, 429, races."""

from __future__ import annotations

import asyncio
import io
import itertools
from dataclasses import replace
from typing import Any

import pytest
from PIL import Image

from bot import captions
from bot.flood import Pace
from bot.lanes import Lane
from bot.playground.flood import Flood as TelegramFlood
from bot.playground.refusals import Refusal
from bot.recovery import recover
from bot.texts import Texts
from generation.contracts.errors import OutOfMemory
from generation.contracts.events import OrderAdvanced, OrderFailed, OrderPreviewed, OrderRendered
from storage import State, Storage
from tests.bot_outgoing.conftest import Office, employ
from tests.bot_outgoing.hands import HandClock, until
from tests.bot_outgoing.loopback import FIRST, HTTP, Sim, bot_at, desk_of
from tests.bot_outgoing.test_outgoing_previews import jpeg, previews
from tests.bot_outgoing.test_outgoing_status import opened
from tests.bot_outgoing.wire import Wire, busy

RED, BLUE = (200, 30, 30), (30, 30, 200)


def look(colour: tuple[int, int, int] = RED, side: int = 128) -> bytes:
    """A preview: a small JPEG of one colour."""
    out = io.BytesIO()
    Image.new("RGB", (side, side), colour).save(out, "JPEG")
    return out.getvalue()


async def painting(office: Office) -> int:
    """An order that is being painted, its status message a text."""
    order = await office.order()
    office.courier.open_status(order.id)
    await until(lambda: not office.courier._lasting)
    assert await office.storage.ledger.claim(order.id)
    return order.id


async def previewed(office: Office, sim: Sim) -> int:
    """An order that is being painted, its status message a preview."""
    order = await painting(office)
    office.board(OrderPreviewed(order, look()))
    await until(lambda: office.courier._lanes.of(order).pictured)
    assert len(await sim.photos()) == 1
    return order


def lane_of(office: Office, order: int) -> Lane:
    return office.courier._lanes.of(order)


async def colour_of(sim: Sim) -> tuple[int, int, int]:
    """What the learner sees in the middle of the newest photo."""
    photo = (await sim.photos())[-1]["photo"][-1]
    data = (await sim.client.get(f"/sim/file/{photo['file_id']}")).content
    with Image.open(io.BytesIO(data)) as image:
        return image.convert("RGB").getpixel((image.width // 2, image.height // 2))


def near(seen: tuple[int, int, int], wanted: tuple[int, int, int]) -> bool:
    return all(abs(a - b) < 12 for a, b in zip(seen, wanted, strict=True))


async def test_one_message_from_text_over_previews_to_the_picture(http_office: Office, sim: Sim) -> None:
    order = await painting(http_office)
    (message,) = [message for message in await sim.messages() if message["from"]["is_bot"]]
    http_office.board(OrderPreviewed(order, look(RED)))
    await until(lambda: lane_of(http_office, order).pictured)
    assert near(await colour_of(sim), RED)
    http_office.board(OrderAdvanced(order, 0.4, None))
    await until(lambda: not lane_of(http_office, order).pumping)
    (photo,) = await sim.photos()
    assert "40%" in photo["caption"]
    assert photo["reply_markup"] == message["reply_markup"]
    http_office.board(OrderPreviewed(order, look(BLUE)))
    await until(lambda: not lane_of(http_office, order).pumping)
    assert near(await colour_of(sim), BLUE)
    await http_office.painted_running(order)
    http_office.board(OrderRendered(order))
    assert await http_office.courier.drain(10)
    (photo,) = await sim.photos()
    assert photo["message_id"] == message["message_id"]
    assert "seed" in photo["caption"]
    assert not near(await colour_of(sim), BLUE)
    assert [call["code"] for call in await sim.calls("editMessageMedia")] == [200, 200, 200]
    assert not await sim.calls("sendPhoto")


async def test_preview_on_its_way_cannot_cover_the_picture(http_office: Office, sim: Sim) -> None:
    order = await painting(http_office)
    await sim.fault("editMessageMedia", delay=0.4)
    http_office.board(OrderPreviewed(order, look()))
    await until(lane_of(http_office, order).lock.locked)
    await http_office.painted_running(order)
    http_office.board(OrderRendered(order))
    http_office.board(OrderPreviewed(order, look(BLUE)))
    assert await http_office.courier.drain(10)
    calls = await sim.calls("editMessageMedia")
    assert ["seed" in str(call["parameters"]["media"]) for call in calls] == [False, True]
    assert "seed" in (await sim.photos())[0]["caption"]


async def test_preview_given_up_too_early_is_covered_again(sim: Sim, storage: Storage, texts: Texts) -> None:
    """The server takes longer than the call may last and then carries it out: after the result."""
    office = employ(storage, bot_at(sim.url), texts, pace=replace(HTTP, preview_timeout_s=1, preview_doubt_s=2.0))
    order = await painting(office)
    await sim.fault("editMessageMedia", delay=1.6)
    office.board(OrderPreviewed(order, look()))
    await until(lane_of(office, order).lock.locked)
    await office.painted_running(order)
    office.board(OrderRendered(order))
    assert await office.courier.drain(10)
    calls = await sim.calls("editMessageMedia")
    seen = ["seed" in str(call["parameters"]["media"]) for call in calls]
    assert seen == [True, False, True], "the result, the preview that came late, the result again"
    assert "seed" in (await sim.photos())[0]["caption"]
    assert (await office.storage.orders.get(order)).state is State.DELIVERED
    await office.courier.close()
    await office.bot.session.close()


@pytest.mark.parametrize("end", ["cancelled", "failed"])
async def test_an_end_without_a_picture_is_said_in_the_caption(http_office: Office, sim: Sim, end: str) -> None:
    desk, _ = desk_of(http_office)
    order = await previewed(http_office, sim)
    if end == "cancelled":
        assert await desk.cancel(await http_office.storage.orders.get(order))
    else:
        await http_office.storage.ledger.failed(order, OutOfMemory())
        http_office.board(OrderFailed(order, OutOfMemory()))
    assert await http_office.courier.drain(10)
    (photo,) = await sim.photos()
    assert photo["caption"].endswith(http_office.texts.get("order-unfinished", "en"))
    assert len(photo["reply_markup"]["inline_keyboard"]) == 1


async def test_after_a_restart_the_kind_is_found_out_and_the_picture_comes_into_the_same_message(
    http_office: Office, sim: Sim, texts: Texts
) -> None:
    """A queued order and an untold failure, both shown by photos, and a process that knows neither."""
    queued, failed = await previewed(http_office, sim), await painting(http_office)
    http_office.board(OrderPreviewed(failed, look()))
    await until(lambda: lane_of(http_office, failed).pictured)
    await http_office.storage.ledger.failed(failed, OutOfMemory())
    await http_office.courier.close()
    second = employ(http_office.storage, bot_at(sim.url), texts, pace=HTTP)
    desk, queue = desk_of(second)
    await recover(second.storage, desk, second.courier)
    await until(lambda: not second.courier._lasting)
    first, other = await sim.photos()
    assert other["caption"].endswith(texts.get("order-unfinished", "en"))
    assert [place.order for place in queue.positions()] == [queued]
    assert await second.storage.ledger.claim(queued)
    second.board(OrderAdvanced(queued, 0.2, None))
    await until(lambda: lane_of(second, queued).pictured)
    await until(lambda: not lane_of(second, queued).pumping)
    assert "20%" in (await sim.photos())[0]["caption"]
    await second.painted_running(queued)
    second.board(OrderRendered(queued))
    assert await second.courier.drain(10)
    done = [photo for photo in await sim.photos() if "seed" in photo["caption"]]
    assert [photo["message_id"] for photo in done] == [first["message_id"]]
    await second.courier.close()
    await second.bot.session.close()


async def test_429_on_a_preview_silences_the_chat_and_the_picture_waits_it_out(http_office: Office, sim: Sim) -> None:
    order = await painting(http_office)
    await sim.fault("editMessageMedia", retry_after=1)
    http_office.board(OrderPreviewed(order, look()))
    await until(lambda: http_office.courier._outbox._flood.silent_s(FIRST) > 0)
    await http_office.painted_running(order)
    http_office.board(OrderRendered(order))
    assert await http_office.courier.drain(10)
    refused, picture = await sim.calls("editMessageMedia")
    assert (refused["code"], picture["code"]) == (429, 200)
    assert picture["at"] - refused["at"] >= 1.0


async def test_message_deleted_under_a_preview(http_office: Office, sim: Sim) -> None:
    order = await previewed(http_office, sim)
    row = await http_office.storage.orders.get(order)
    await http_office.bot.delete_message(FIRST, row.status_message)
    http_office.board(OrderPreviewed(order, look(BLUE)))
    await until(lambda: not lane_of(http_office, order).wanting)
    await http_office.painted_running(order)
    http_office.board(OrderRendered(order))
    assert await http_office.courier.drain(10)
    (photo,) = await sim.photos()
    assert "seed" in photo["caption"]
    assert photo["message_id"] != row.status_message


async def test_longest_words_fit_under_a_preview(http_office: Office, sim: Sim) -> None:
    order = await http_office.order(word="&<>" * 200)
    http_office.courier.open_status(order.id)
    await until(lambda: not http_office.courier._lasting)
    assert await http_office.storage.ledger.claim(order.id)
    http_office.board(OrderPreviewed(order.id, look()))
    http_office.board(OrderAdvanced(order.id, 0.5, 3000.0))
    await until(lambda: lane_of(http_office, order.id).pictured)
    assert await http_office.storage.ledger.failed(order.id, OutOfMemory())
    http_office.courier.tell_failure(order.id)
    assert await http_office.courier.drain(10)
    (photo,) = await sim.photos()
    assert captions.units(photo["caption"]) <= captions.CAPTION_UNITS
    assert {call["code"] for call in await sim.calls("editMessageCaption")} == {200}


@pytest.mark.parametrize("chat", [1001, -500], ids=["private", "group"])
async def test_ten_minutes_of_previews_meet_the_flood_model_without_a_429(
    slow_office: Office, hands: HandClock, wire: Wire, chat: int
) -> None:
    """Telegram's buckets as the playground has them, the bot's own figures, a preview and a step every second."""
    model = TelegramFlood(hands.monotonic)

    def spend(method: Any) -> float:
        try:
            model.spend(type(method).__name__[0].lower() + type(method).__name__[1:], method.chat_id)
        except Refusal as refusal:
            raise busy(refusal.parameters["retry_after"])(method) from None
        return 0.0

    wire.delay = spend
    order, _ = await opened(slow_office, chat=chat, private=chat > 0)
    lane = lane_of(slow_office, order)
    for second in range(600):
        slow_office.board(OrderPreviewed(order, jpeg(second)))
        slow_office.board(OrderAdvanced(order, second / 600, 600.0 - second))
        await until(lambda: hands.due or not lane.pumping)
        await hands.advance(1.0)
        await asyncio.sleep(0)
    times = [call.at for call in previews(wire)]
    gaps = [after - before for before, after in itertools.pairwise(times)]
    floor = Pace().preview_floor_s(private=chat > 0)
    assert min(gaps) >= floor
    assert len(times) >= 0.6 * 600 / floor, "and they go on to the end"
    assert slow_office.courier._outbox._flood.silent_s(chat) == 0
    assert lane.preview_at == 0.0, "nothing was refused"
