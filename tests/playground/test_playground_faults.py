"""Faults on demand, seen through aiogram: it must raise what it raises against the real thing."""

import time

import pytest
from aiogram.exceptions import (
    ClientDecodeError,
    TelegramBadRequest,
    TelegramForbiddenError,
    TelegramNetworkError,
    TelegramRetryAfter,
    TelegramServerError,
)


async def fault(sim, **about):
    answer = await sim.post("faults", json={"method": "sendMessage", **about})
    assert answer.status_code == 200, answer.text


async def texts(sim):
    return [m["text"] for m in (await sim.get("transcript")).json()["chats"][0]["messages"]]


async def test_429_carries_retry_after(bot, sim, api):
    await fault(sim, code=429, retry_after=7, times=2)
    with pytest.raises(TelegramRetryAfter) as refusal:
        await bot.send_message(1001, "x")
    assert refusal.value.retry_after == 7
    answer = await api("sendMessage", chat_id=1001, text="x")
    assert answer.status_code == 429
    assert answer.json() == {
        "ok": False,
        "error_code": 429,
        "description": "Too Many Requests: retry after 7",
        "parameters": {"retry_after": 7},
    }
    assert await bot.send_message(1001, "y")
    assert await texts(sim) == ["y"]


@pytest.mark.parametrize(
    ("about", "raised"),
    [
        ({"code": 500}, TelegramServerError),
        ({"code": 502, "html": True}, ClientDecodeError),
        ({"html": True}, ClientDecodeError),
        ({"code": 403}, TelegramForbiddenError),
        ({"code": 400, "description": "Bad Request: moon"}, TelegramBadRequest),
        ({"drop_request": True}, TelegramNetworkError),
    ],
)
async def test_what_aiogram_raises_and_nothing_is_sent(bot, sim, about, raised):
    await fault(sim, **about)
    with pytest.raises(raised):
        await bot.send_message(1001, "x")
    assert await texts(sim) == []
    [call] = (await sim.get("calls")).json()["calls"]
    assert call["fault"] is True
    assert call["ok"] is False


async def test_an_html_page_is_what_a_proxy_answers(api, sim):
    await fault(sim, html=True)
    answer = await api("sendMessage", chat_id=1001, text="x")
    assert answer.status_code == 502
    assert answer.headers["content-type"].startswith("text/html")
    assert "<h1>502 Bad Gateway</h1>" in answer.text


async def test_a_lost_answer_has_done_its_work(bot, sim):
    await fault(sim, drop_response=True)
    with pytest.raises(TelegramNetworkError):
        await bot.send_message(1001, "once")
    assert await texts(sim) == ["once"]
    [call] = (await sim.get("calls")).json()["calls"]
    assert (call["code"], call["fault"]) == (0, True)
    assert await bot.send_message(1001, "twice")


async def test_a_slow_answer(bot, sim):
    await fault(sim, delay=0.5)
    begun = time.monotonic()
    assert await bot.send_message(1001, "late")
    assert time.monotonic() - begun >= 0.5


async def test_a_fault_for_some_calls_only(bot, sim):
    await fault(sim, method="*", code=500, contains="学习")
    assert await bot.send_message(1001, "другое")
    with pytest.raises(TelegramServerError):
        await bot.send_message(1001, "学习")
    assert (await sim.get("faults")).json() == {"faults": []}


async def test_faults_are_listed_and_cleared(bot, sim):
    await fault(sim, code=500, times=3)
    assert [one["times"] for one in (await sim.get("faults")).json()["faults"]] == [3]
    assert (await sim.delete("faults")).json() == {"faults": []}
    assert await bot.send_message(1001, "x")


async def test_a_lost_poll_loses_no_update(bot, sim):
    number = (await sim.post("message", json={"learner": 1001, "text": "x"})).json()["update_id"]
    await fault(sim, method="getUpdates", drop_response=True)
    with pytest.raises(TelegramNetworkError):
        await bot.get_updates(offset=number)
    assert [u.update_id for u in await bot.get_updates(offset=number)] == [number]
