"""The picture arrives once, whatever the wire does."""

from __future__ import annotations

import asyncio
from functools import partial

import pytest
from aiogram.exceptions import ClientDecodeError, TelegramNetworkError, TelegramServerError
from aiogram.types import BufferedInputFile

from bot import captions
from storage import State
from tests.bot_outgoing.conftest import Office, png_of
from tests.bot_outgoing.hands import HandClock, until
from tests.bot_outgoing.wire import Wire, bad, blocked, broken, lost


async def test_status_message_becomes_the_picture(office: Office, wire: Wire) -> None:
    order = await office.rendered()
    done = await office.delivered(order)
    assert done.state is State.DELIVERED
    message = wire.messages[1001, done.status_message]
    assert message["media"].startswith("photo-of-")
    assert "学习" in message["caption"]
    assert "study" in message["caption"]
    buttons = [button for row in message["keyboard"].inline_keyboard for button in row]
    assert len(buttons) == 4
    assert len(wire.messages) == 1
    assert not wire.of("SendPhoto")


async def test_second_order_of_the_picture_goes_by_file_id(office: Office, wire: Wire) -> None:
    first = await office.delivered(await office.rendered())
    second = await office.order()
    assert await office.storage.orders.finish_from_cache(second.id, first.picture)
    done = await office.delivered(second)
    assert done.state is State.DELIVERED
    assert isinstance(wire.of("EditMessageMedia")[-1].method.media.media, str)
    assert len(wire.photos()) == 2


@pytest.mark.parametrize("faults", [[broken], [lost], [lost, broken, lost], [broken] * 6])
async def test_faulty_wire_gives_exactly_one_picture(office: Office, wire: Wire, faults) -> None:
    order = await office.rendered()
    wire.before["EditMessageMedia"] = list(faults)
    done = await office.delivered(order)
    assert done.state is State.DELIVERED
    assert len(wire.photos()) == 1


async def test_lost_answer_gives_exactly_one_picture(office: Office, wire: Wire) -> None:
    order = await office.rendered()
    wire.after["EditMessageMedia"] = [lost]
    done = await office.delivered(order)
    assert done.state is State.DELIVERED
    assert len(wire.of("EditMessageMedia")) == 2
    assert len(wire.photos()) == 1


async def test_control_a_repeated_send_photo_doubles(office: Office, wire: Wire) -> None:
    """What a retry around `sendPhoto` does under the same fault; the test above can fail."""
    wire.after["SendPhoto"] = [lost]
    for _ in range(2):
        try:
            await office.bot.send_photo(1001, BufferedInputFile(png_of(), "p.png"))
            break
        except (TelegramNetworkError, TelegramServerError):
            continue
    assert len(wire.photos()) == 2


async def test_lost_answer_to_the_status_text_leaves_one_orphan_at_most(office: Office, wire: Wire) -> None:
    order = await office.order()
    wire.after["SendMessage"] = [lost]
    office.courier.open_status(order.id)
    assert await office.courier.drain(5)
    await office.painted(order)
    done = await office.delivered(order)
    assert done.state is State.DELIVERED
    assert len(wire.photos()) == 1
    assert len(wire.texts()) == 1


async def test_status_deleted_by_the_learner(office: Office, wire: Wire) -> None:
    order = await office.rendered()
    del wire.messages[1001, order.status_message]
    done = await office.delivered(order)
    assert done.state is State.DELIVERED
    assert done.status_message != order.status_message
    assert len(wire.photos()) == 1
    assert len(wire.messages) == 1


async def test_status_never_sent(office: Office, wire: Wire) -> None:
    order = await office.painted(await office.order())
    done = await office.delivered(order)
    assert done.state is State.DELIVERED
    assert len(wire.photos()) == len(wire.messages) == 1


async def test_status_deleted_and_every_answer_lost_once(office: Office, wire: Wire) -> None:
    """The worst of both: the replacement is a text, so only texts can be left over."""
    order = await office.rendered()
    del wire.messages[1001, order.status_message]
    wire.after["SendMessage"] = [lost, broken]
    wire.after["EditMessageMedia"] = [lost, lost]
    done = await office.delivered(order)
    assert done.state is State.DELIVERED
    assert len(wire.photos()) == 1


async def test_wrong_file_id_is_forgotten_and_the_bytes_are_sent(office: Office, wire: Wire) -> None:
    first = await office.delivered(await office.rendered())
    second = await office.order()
    await office.storage.orders.finish_from_cache(second.id, first.picture)
    wire.before["EditMessageMedia"] = [bad("wrong file identifier/HTTP URL specified")]
    done = await office.delivered(second)
    assert done.state is State.DELIVERED
    assert isinstance(wire.of("EditMessageMedia")[-1].method.media.media, BufferedInputFile)
    kept = await office.storage.files.find(first.picture, office.bot.id, "photo")
    assert kept.startswith("l-")


async def test_picture_too_large_goes_as_jpeg(office: Office, wire: Wire) -> None:
    order = await office.rendered()
    wire.before["EditMessageMedia"] = [bad("file is too big")]
    done = await office.delivered(order)
    assert done.state is State.DELIVERED
    sent = wire.of("EditMessageMedia")[-1].method.media.media
    assert sent.filename.endswith(".jpg")
    assert sent.data.startswith(b"\xff\xd8\xff")


async def test_refused_for_good_is_told(office: Office, wire: Wire) -> None:
    order = await office.rendered()
    wire.before["EditMessageMedia"] = [bad("not enough rights to send photos to the chat")]
    done = await office.delivered(order)
    assert done.state is State.FAILED
    assert wire.texts() == [captions.failed(office.texts, done)]


async def test_blocked_while_delivering_ends_the_order(office: Office, wire: Wire) -> None:
    order = await office.rendered()
    wire.before["EditMessageMedia"] = [blocked]
    done = await office.delivered(order)
    assert done.state is State.FAILED
    learner = await office.storage.learners.get(1001)
    assert learner.blocked
    assert not wire.photos()


async def test_delivered_only_once_however_often_asked(office: Office, wire: Wire) -> None:
    order = await office.rendered()
    for _ in range(5):
        office.courier.deliver(order.id)
    assert await office.courier.drain(5)
    assert len(wire.of("EditMessageMedia")) == 1
    office.courier.deliver(order.id)
    assert await office.courier.drain(5)
    assert len(wire.of("EditMessageMedia")) == 1


async def test_token_trouble_never_ends_an_order(office: Office, wire: Wire) -> None:
    """401 is about the token, not about the message: the row waits."""
    from aiogram.exceptions import TelegramUnauthorizedError

    order = await office.rendered()
    wire.before["EditMessageMedia"] = [
        lambda method: TelegramUnauthorizedError(method=method, message="Unauthorized")
    ] * 4
    done = await office.delivered(order)
    assert done.state is State.DELIVERED


async def test_drain_gives_up_in_time_and_the_row_keeps_the_delivery(office: Office, wire: Wire) -> None:
    order = await office.rendered()
    wire.before["EditMessageMedia"] = [broken] * 10_000
    office.courier.deliver(order.id)
    await until(lambda: len(wire.of("EditMessageMedia")) > 2)
    assert not await office.courier.drain(0.05)
    await office.courier.close()
    assert (await office.now(order)).state is State.DELIVERING
    calls = len(wire.calls)
    await asyncio.sleep(0.05)
    assert len(wire.calls) == calls, "something was sent after close"


async def test_drain_waits_for_what_is_on_its_way(office: Office, wire: Wire) -> None:
    order = await office.rendered()
    wire.delay = lambda _method: 0.05
    office.courier.deliver(order.id)
    assert await office.courier.drain(5)
    assert (await office.now(order)).state is State.DELIVERED


async def test_long_wait_rings_as_a_reply_to_the_picture(office: Office, wire: Wire) -> None:
    order = await office.rendered()
    office.courier._outbox.clock.wall = lambda: order.queued_at + 21  # the learner asked 21 s ago
    done = await office.delivered(order)
    ring = wire.of("SendMessage")[-1].method
    assert ring.text == captions.ready(office.texts, done)
    assert ring.reply_parameters.message_id == done.status_message
    assert len(wire.photos()) == 1


async def test_short_wait_rings_not(office: Office, wire: Wire) -> None:
    order = await office.rendered()
    await office.delivered(order)
    assert len(wire.of("SendMessage")) == 1


async def test_original_goes_once_even_when_its_answer_is_lost(office: Office, wire: Wire) -> None:
    done = await office.delivered(await office.rendered())
    wire.after["SendDocument"] = [lost]
    office.courier.send_original(done.id, done.destination)
    assert await office.courier.drain(5)
    assert len(wire.of("SendDocument")) == 1


async def test_original_is_repeated_when_it_certainly_was_not_sent(office: Office, wire: Wire) -> None:
    done = await office.delivered(await office.rendered())
    wire.before["SendDocument"] = [broken, broken]
    office.courier.send_original(done.id, done.destination)
    assert await office.courier.drain(5)
    office.courier.send_original(done.id, done.destination)
    assert await office.courier.drain(5)
    sent = [call.method.document for call in wire.of("SendDocument")]
    assert sent[-2].data == png_of()
    assert sent[-1] == "original"


async def test_original_whose_picture_was_dropped_is_explained(office: Office, wire: Wire) -> None:
    done = await office.delivered(await office.rendered())
    picture = await office.storage.pictures.get(done.picture)
    picture.path.unlink()
    for _ in range(2):  # the first finds the damage, the second the row without a picture
        office.courier.send_original(done.id, done.destination)
        assert await office.courier.drain(5)
    assert not wire.of("SendDocument")
    assert [call.method.text for call in wire.of("SendMessage")[-2:]] == [office.texts.get("error-storage", "en")] * 2


async def test_status_whose_id_could_not_be_read_waits_for_the_next_start(office: Office, wire: Wire) -> None:
    order = await office.painted(await office.order())
    wire.after["SendMessage"] = [lambda _m: ClientDecodeError("x", ValueError(), {"ok": True, "result": {}})]
    waiting = await office.delivered(order)
    assert waiting.state is State.DELIVERING
    assert len(wire.of("SendMessage")) == 1
    assert (await office.delivered(order)).state is State.DELIVERED
    assert len(wire.photos()) == 1


async def test_one_original_for_five_taps_and_another_after_a_while(
    slow_office: Office, hands: HandClock, wire: Wire
) -> None:
    done = await slow_office.delivered(await slow_office.rendered())
    ask = partial(slow_office.courier.send_original, done.id, done.destination)
    assert [ask() for _ in range(5)] == [True, False, False, False, False]
    await until(lambda: not slow_office.courier._lasting)
    assert not ask()
    await hands.advance(31)
    assert ask()
    await until(lambda: not slow_office.courier._lasting)
    assert len(wire.of("SendDocument")) == 2


async def test_an_original_that_was_not_sent_may_be_asked_for_at_once(office: Office, wire: Wire) -> None:
    done = await office.delivered(await office.rendered())
    wire.before["SendDocument"] = [bad("not enough rights to send documents to the chat")]
    assert office.courier.send_original(done.id, done.destination)
    assert await office.courier.drain(5)
    assert office.courier.send_original(done.id, done.destination)
    assert await office.courier.drain(5)
    assert len(wire.of("SendDocument")) == 2
