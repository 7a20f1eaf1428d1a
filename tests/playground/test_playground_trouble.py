"""Trouble by order: every kind of fault, how often and for which calls; flood buckets against a clock and a model."""

import itertools
import math

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.playground.faults import Fault, Faults
from bot.playground.flood import (
    CHAT_BURST,
    CHAT_RATE,
    COUNTED,
    GLOBAL_BURST,
    GLOBAL_RATE,
    GROUP_BURST,
    GROUP_RATE,
    Flood,
)
from bot.playground.refusals import Refusal

KINDS = {
    "400": ({"code": 400}, 400, "Bad Request"),
    "401": ({"code": 401}, 401, "Unauthorized"),
    "403": ({"code": 403}, 403, "Forbidden: bot was blocked by the user"),
    "409": ({"code": 409}, 409, "Conflict: terminated by other getUpdates request"),
    "413": ({"code": 413}, 413, "Request Entity Too Large"),
    "418": ({"code": 418}, 418, "Error 418"),
    "429": ({"code": 429}, 429, "Too Many Requests: retry after 1"),
    "retry": ({"retry_after": 7}, 429, "Too Many Requests: retry after 7"),
    "retry in words": ({"retry_after": 7, "description": "Slow down"}, 429, "Slow down"),
    "500 in words": ({"code": 500, "description": "Internal moon"}, 500, "Internal moon"),
    "502": ({"code": 502}, 502, "Bad Gateway"),
    "504": ({"code": 504}, 504, "Gateway Timeout"),
}
METHODS = ["sendMessage", "getMe", "*", "any", "SENDMESSAGE"]


@pytest.fixture(autouse=True)
def calm(desk):
    """No fault outlives its test."""
    yield
    desk.sim("faults", "DELETE")


@pytest.mark.parametrize("times", [1, 3])
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_as_often_as_said_and_nothing_is_sent(desk, anna, kind, times):
    about, code, said = KINDS[kind]
    desk.sim("faults", method="sendMessage", times=times, **about)
    for left in range(times, 0, -1):
        assert desk.read("faults")["faults"][0]["times"] == left
        answer = desk.call("sendMessage", chat_id=anna, text="x")
        assert (answer.status_code, answer.json()["error_code"]) == (code, code)
        assert answer.json()["description"].startswith(said)
        assert answer.headers.get("retry-after") == ({"429": "1"}.get(kind, "7") if code == 429 else None)
        assert desk.read("calls")["calls"][-1]["fault"] is True
    assert desk.read("faults") == {"faults": []}
    assert desk.messages(anna) == []
    assert desk.result("sendMessage", chat_id=anna, text="x")


@pytest.mark.parametrize(("fault", "done"), [("drop_response", True), ("drop_request", False)])
@pytest.mark.parametrize("times", [1, 2])
def test_a_lost_answer_has_done_its_work_and_a_lost_request_has_not(desk, anna, fault, done, times):
    sent = desk.result("sendMessage", chat_id=anna, text="0")
    desk.sim("faults", **{"method": "*", "times": times, fault: True})
    for n in range(1, times + 1):
        with pytest.raises(httpx.TransportError):
            desk.call("editMessageText", chat_id=anna, message_id=sent["message_id"], text=str(n))
        assert desk.messages(anna)[0]["text"] == (str(n) if done else "0")
        last = desk.read("calls")["calls"][-1]
        assert (last["code"], last["ok"], last["fault"]) == (0, False, True)
    assert desk.result("editMessageText", chat_id=anna, message_id=sent["message_id"], text="end")


def test_a_lost_refusal_changes_nothing(desk, anna):
    desk.sim("faults", method="sendMessage", drop_response=True)
    with pytest.raises(httpx.TransportError):
        desk.call("sendMessage", chat_id=anna, text="")
    assert desk.read("calls")["calls"][-1]["description"] == "Bad Request: message text is empty"
    assert desk.messages(anna) == []


def test_a_web_page_in_place_of_an_answer(desk, anna):
    desk.sim("faults", method="sendMessage", html=True, code=503)
    answer = desk.call("sendMessage", chat_id=anna, text="x")
    assert (answer.status_code, answer.headers["content-type"]) == (503, "text/html; charset=utf-8")
    assert "<h1>503 Service Unavailable</h1>" in answer.text


def test_only_the_call_that_holds_the_words_meets_the_fault(desk, anna):
    desk.sim("faults", method="sendMessage", code=500, contains="学习")
    desk.sim("faults", method="sendMessage", code=502, contains=f'"chat_id": "{anna}"')
    assert desk.call("sendMessage", chat_id=1001, text="x").status_code == 200
    assert desk.call("sendMessage", chat_id=anna, text="学习").status_code == 500, "first come, first served"
    assert desk.call("sendMessage", chat_id=anna, text="学习").status_code == 502
    assert desk.call("sendMessage", chat_id=anna, text="学习").status_code == 200


@pytest.mark.parametrize(
    "about",
    [
        {"code": 399},
        {"code": 600},
        {"times": 0},
        {"delay": -1},
        {"delay": 601},
        {"retry_after": -1},
        {"moon": 1},
        {"method": 7},
    ],
    ids=str,
)
def test_faults_that_cannot_be(desk, about):
    assert desk.sim_code("faults", **{"method": "sendMessage", **about}) == 422
    assert desk.read("faults") == {"faults": []}


FAULTS = st.tuples(st.sampled_from(METHODS), st.integers(1, 3), st.sampled_from([None, "学", "x"]))
ASKED = st.tuples(st.sampled_from(["sendMessage", "getMe", "sendPhoto"]), st.sampled_from(["学习", "x", ""]))


@given(st.lists(FAULTS, max_size=5), st.lists(ASKED, max_size=20))
def test_faults_are_used_up_in_the_order_they_came(wanted, calls):
    """Against a plain list: the first that fits, as often as it says."""
    faults, model = Faults(), []
    for number, (method, times, contains) in enumerate(wanted):
        faults.add(Fault(method=method, times=times, contains=contains, code=400, description=str(number)))
        model.append([number, method.lower(), times, contains])
    for method, text in calls:
        fits = (m for m in model if m[2] and m[1] in {"*", "any", method.lower()} and (m[3] or "") in text)
        meant = next(fits, None)
        got = faults.take(method, {"word": text})
        assert (got.description if got else None) == (str(meant[0]) if meant else None)
        if meant:
            meant[2] -= 1
    assert [one["times"] for one in faults.listed()] == [m[2] for m in model if m[2]]


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


CHATS = [1001, 1002, -1001000000001]
STEPS = st.lists(
    st.tuples(st.floats(0, 3), st.sampled_from(CHATS), st.sampled_from(sorted(COUNTED)), st.sampled_from([1, 1, 1, 4])),
    max_size=80,
)


@given(STEPS)
def test_no_window_holds_more_than_burst_and_rate(steps):
    clock = Clock()
    flood = Flood(clock)
    taken: list[tuple[float, int, int]] = []
    for gap, chat, method, cost in steps:
        clock.now += gap
        try:
            flood.spend(method, chat, cost)
        except Refusal as refusal:
            assert refusal.parameters["retry_after"] >= 1  # noqa: PT017 - taken calls go on below
        else:
            taken.append((clock.now, chat, cost))
    limits = {chat: [(CHAT_BURST, CHAT_RATE)] + ([(GROUP_BURST, GROUP_RATE)] if chat < 0 else []) for chat in CHATS}
    limits[0] = [(GLOBAL_BURST, GLOBAL_RATE)]
    for chat, rules in limits.items():
        mine = [(at, cost) for at, where, cost in taken if chat in {0, where}]
        for first, last in itertools.combinations_with_replacement(range(len(mine)), 2):
            spent, seconds = sum(cost for _, cost in mine[first : last + 1]), mine[last][0] - mine[first][0]
            assert all(spent <= burst + rate * seconds + 1e-6 for burst, rate in rules)


@given(st.integers(1, 30), st.sampled_from(CHATS))
def test_after_the_wait_that_was_told_the_call_goes_through(count, chat):
    clock = Clock()
    flood = Flood(clock)
    for _ in range(count):
        try:
            flood.spend("sendMessage", chat)
        except Refusal as refusal:
            clock.now += refusal.parameters["retry_after"]
            flood.spend("sendMessage", chat)
    assert clock.now - 1000 <= math.ceil(count / CHAT_RATE) * 3


def test_flood_is_told_and_an_album_costs_as_many_as_it_holds(desk, anna, picture):
    photo = desk.upload("sendPhoto", {"photo": ("a.png", picture(90, 90))}, chat_id=str(anna)).json()["result"]["photo"]
    media = [{"type": "photo", "media": photo[0]["file_id"]}] * 5
    desk.sim("settings", "PATCH", flood=True)
    try:
        assert desk.call("sendMediaGroup", chat_id=anna, media=media).status_code == 200
        answer = desk.call("sendMessage", chat_id=anna, text="x")
        assert answer.status_code == 429
        wait = answer.json()["parameters"]["retry_after"]
        assert answer.json()["description"] == f"Too Many Requests: retry after {wait}"
        assert answer.headers["retry-after"] == str(wait)
        assert len(desk.messages(anna)) == 6
        assert desk.call("sendChatAction", chat_id=anna, action="typing").status_code == 200
        assert desk.call("sendMessage", chat_id=desk.learner(), text="x").status_code == 200, (
            "another chat is not slowed down"
        )
    finally:
        desk.sim("settings", "PATCH", flood=False)
