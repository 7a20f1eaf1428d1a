"""Verdicts and repetitions, one call at a time."""

from __future__ import annotations

import asyncio
import itertools
import ssl
from typing import Any

import pytest
from aiogram import Bot
from aiogram.exceptions import (
    AiogramError,
    ClientDecodeError,
    TelegramAPIError,
    TelegramConflictError,
    TelegramEntityTooLarge,
    TelegramMigrateToChat,
    TelegramNetworkError,
    TelegramNotFound,
    TelegramUnauthorizedError,
)
from aiogram.methods import EditMessageText, SendDocument, SendMessage
from aiohttp import ClientConnectorError, ConnectionTimeoutError, ServerDisconnectedError
from aiohttp.client_reqrep import ConnectionKey

from bot.flood import Flood, Pace
from bot.outbox import Errand, Outbox, Repeat
from bot.refusals import Refused, Verdict, judge
from tests.bot_outgoing.hands import HandClock, settle, until
from tests.bot_outgoing.wire import TOKEN, Wire, bad, blocked, broken, busy, lost

METHOD = SendMessage(chat_id=1, text="x")


def because(cause: BaseException) -> TelegramNetworkError:
    error = TelegramNetworkError(method=METHOD, message="x")
    error.__cause__ = cause
    return error


def never_connected() -> ClientConnectorError:
    key = ConnectionKey("h", 1, False, ssl.create_default_context(), None, None, None)
    return ClientConnectorError(key, OSError(111, "refused"))


JUDGED = [
    (busy(9)(METHOD), Verdict.WAIT),
    (blocked(METHOD), Verdict.BLOCKED),
    (broken(METHOD), Verdict.NOT_DONE),
    (lost(METHOD), Verdict.UNSURE),
    (because(never_connected()), Verdict.NOT_DONE),
    (because(ConnectionTimeoutError()), Verdict.NOT_DONE),
    (because(ServerDisconnectedError()), Verdict.UNSURE),
    (because(TimeoutError()), Verdict.UNSURE),
    (ClientDecodeError("x", ValueError(), "<html>502 Bad Gateway</html>"), Verdict.UNSURE),
    (ClientDecodeError("x", ValueError(), {"ok": True, "result": {"odd": 1}}), Verdict.DONE),
    (ClientDecodeError("x", ValueError(), {"ok": False}), Verdict.UNSURE),
    (TelegramMigrateToChat(method=METHOD, message="x", migrate_to_chat_id=-2), Verdict.MOVED),
    (TelegramEntityTooLarge(method=METHOD, message="x"), Verdict.TOO_LARGE),
    (TelegramUnauthorizedError(method=METHOD, message="Unauthorized"), Verdict.NOT_DONE),
    (TelegramNotFound(method=METHOD, message="Not Found"), Verdict.NOT_DONE),
    (TelegramConflictError(method=METHOD, message="Conflict"), Verdict.NOT_DONE),
    (TelegramAPIError(method=METHOD, message="Too Many Requests"), Verdict.NOT_DONE),
    (AiogramError("something new"), Verdict.REFUSED),
    (BrokenPipeError(), Verdict.UNSURE),
    (UnicodeDecodeError("utf-8", b"\xff", 0, 1, "x"), Verdict.UNSURE),
    (bad("message is not modified: specified new message content")(METHOD), Verdict.DONE),
    (bad("message to edit not found")(METHOD), Verdict.GONE),
    (bad("MESSAGE_ID_INVALID")(METHOD), Verdict.GONE),
    (bad("query is too old and response timeout expired or query ID is invalid")(METHOD), Verdict.LATE),
    (bad("wrong file identifier/HTTP URL specified")(METHOD), Verdict.WRONG_FILE),
    (bad("wrong remote file identifier specified: can't unserialize it")(METHOD), Verdict.WRONG_FILE),
    (bad("PHOTO_INVALID_DIMENSIONS")(METHOD), Verdict.TOO_LARGE),
    (bad("chat not found")(METHOD), Verdict.BLOCKED),
    (bad("message text is empty")(METHOD), Verdict.REFUSED),
]


@pytest.mark.parametrize(
    ("error", "verdict"), JUDGED, ids=lambda value: value.name if isinstance(value, Verdict) else ""
)
def test_every_answer_has_its_verdict(error: Any, verdict: Verdict) -> None:
    assert judge(error).verdict is verdict


def test_verdict_brings_what_it_needs() -> None:
    assert judge(busy(9)(METHOD)).retry_after_s == 9
    assert judge(TelegramMigrateToChat(method=METHOD, message="x", migrate_to_chat_id=-2)).chat == -2


@pytest.fixture
def outbox(wire: Wire, hands: HandClock) -> Outbox:
    wire.now = hands.monotonic
    return Outbox(Bot(TOKEN, session=wire), Flood(hands, Pace()))


async def run_out(outbox: Outbox, hands: HandClock, method: Any, errand: Errand) -> Any:
    """Send while time flies; the result, or what was raised."""
    task = asyncio.ensure_future(outbox.send(method, errand))
    while not task.done():
        await settle()
        await hands.advance(0.25)
    return await task


async def test_backoff_grows_to_a_minute_with_jitter(outbox: Outbox, hands: HandClock, wire: Wire) -> None:
    wire.before["SendMessage"] = [broken] * 14
    await run_out(outbox, hands, METHOD, Errand(chat=1))
    times = [call.at for call in wire.calls]
    gaps = [after - before for before, after in itertools.pairwise(times)]
    assert min(gaps) >= 1
    assert max(gaps) <= 60.5
    assert max(gaps) > 10
    assert len({round(gap, 2) for gap in gaps}) > 8


@pytest.mark.parametrize("fault", [lost, lambda m: ClientDecodeError("x", ValueError(), "<html>")])
async def test_unsure_is_repeated_only_when_it_may(outbox: Outbox, hands: HandClock, wire: Wire, fault) -> None:
    wire.after["SendMessage"], wire.after["SendDocument"] = [fault], [fault]
    await run_out(outbox, hands, METHOD, Errand(chat=1))
    assert len(wire.of("SendMessage")) == 2
    document = SendDocument(chat_id=1, document="id")
    with pytest.raises(Refused) as caught:
        await run_out(outbox, hands, document, Errand(chat=1, repeat=Repeat.NEVER))
    assert caught.value.verdict is Verdict.UNSURE
    assert len(wire.of("SendDocument")) == 1


@pytest.mark.parametrize("fault", [broken, busy(3), lambda m: because(never_connected())])
async def test_certain_failures_are_repeated_always(outbox: Outbox, hands: HandClock, wire: Wire, fault) -> None:
    wire.before["SendDocument"] = [fault, fault]
    await run_out(outbox, hands, SendDocument(chat_id=1, document="id"), Errand(chat=1, repeat=Repeat.NEVER))
    assert len(wire.of("SendDocument")) == 3


async def test_patience_ends(outbox: Outbox, hands: HandClock, wire: Wire) -> None:
    wire.before["SendMessage"] = [broken] * 1000
    began = hands.now
    with pytest.raises(Refused):
        await run_out(outbox, hands, METHOD, Errand(chat=1, patience_s=100))
    assert 30 < hands.now - began <= 101


async def test_not_modified_is_success(outbox: Outbox, wire: Wire) -> None:
    wire.before["EditMessageText"] = [bad("message is not modified: the same")]
    assert await outbox.send(EditMessageText(chat_id=1, message_id=2, text="x"), Errand(chat=1)) is None


async def test_moved_group_is_followed_and_remembered(outbox: Outbox, hands: HandClock, wire: Wire) -> None:
    wire.before["SendMessage"] = [lambda m: TelegramMigrateToChat(method=m, message="x", migrate_to_chat_id=-200)]
    for _ in range(2):
        await run_out(outbox, hands, SendMessage(chat_id=-100, text="x"), Errand(chat=-100))
    assert [call.chat for call in wire.calls] == [-100, -200, -200]


async def test_endless_moving_ends(outbox: Outbox, hands: HandClock, wire: Wire) -> None:
    around = iter(range(-1000, -1, 1))
    wire.before["SendMessage"] = [
        lambda m: TelegramMigrateToChat(method=m, message="x", migrate_to_chat_id=next(around))
    ] * 50
    with pytest.raises(Refused):
        await run_out(outbox, hands, SendMessage(chat_id=-100, text="x"), Errand(chat=-100))
    assert len(wire.calls) <= 5


async def test_lost_chat_is_reported_once_a_call(outbox: Outbox, wire: Wire) -> None:
    heard: list[int] = []
    outbox.on_unreachable = heard.append
    wire.before["SendMessage"] = [blocked]
    with pytest.raises(Refused):
        await outbox.send(METHOD, Errand(chat=1))
    assert heard == [1]


async def test_moot_call_is_not_sent_again(outbox: Outbox, hands: HandClock, wire: Wire) -> None:
    wire.before["SendMessage"] = [broken]
    wanted = iter([METHOD, None])

    async def make() -> Any:
        return next(wanted)

    task = asyncio.ensure_future(outbox.send_made(make, Errand(chat=1)))
    while not task.done():
        await settle()
        await hands.advance(1)
    assert task.exception().verdict is Verdict.MOOT
    assert len(wire.calls) == 1


async def test_uploads_are_few_at_a_time(outbox: Outbox, hands: HandClock, wire: Wire) -> None:
    """Files in memory are bounded by `Pace.uploads`, however many wait, and a silenced chat holds no place."""
    building, most, gate = 0, 0, asyncio.Event()

    async def make() -> Any:
        nonlocal building, most
        building += 1
        most = max(most, building)
        await gate.wait()
        building -= 1
        return METHOD

    outbox._flood.silence(99, 1000)
    silenced = [asyncio.ensure_future(outbox.send_made(make, Errand(chat=99, upload=True))) for _ in range(5)]
    tasks = [asyncio.ensure_future(outbox.send_made(make, Errand(chat=chat, upload=True))) for chat in range(1, 12)]
    await until(lambda: building == outbox.pace.uploads)
    gate.set()
    await settle()
    while not all(task.done() for task in tasks):
        await settle()
        await hands.advance(0.1)
    assert most == outbox.pace.uploads
    for task in silenced:
        task.cancel()
    await asyncio.gather(*silenced, return_exceptions=True)


async def test_glance_is_made_once_or_not_at_all(outbox: Outbox, wire: Wire) -> None:
    edit = EditMessageText(chat_id=1, message_id=2, text="x")
    wire.before["EditMessageText"] = [broken]
    assert not await outbox.glance(edit, 1)
    assert len(wire.calls) == 1
    wire.before["EditMessageText"] = [bad("message to edit not found")]
    with pytest.raises(Refused):
        await outbox.glance(edit, 1)
