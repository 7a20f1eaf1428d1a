"""Flood control: the buckets by a clock of the test's, and once over HTTP."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.playground.flood import CHAT_BURST, GROUP_BURST, Bucket, Flood
from bot.playground.refusals import Refusal


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def flood(clock):
    return Flood(clock)


def allowed(flood, method, chat, most=1000):
    for count in range(most):
        try:
            flood.spend(method, chat)
        except Refusal as refusal:
            return count, refusal.parameters["retry_after"]
    return most, None


def test_a_burst_then_one_a_second_in_a_private_chat(flood, clock):
    assert allowed(flood, "sendMessage", 1001) == (CHAT_BURST, 1)
    clock.now += 1
    assert allowed(flood, "editMessageText", 1001) == (1, 1)


def test_twenty_a_minute_in_a_group_sends_and_edits_together(flood, clock):
    sent = 0
    while sent < GROUP_BURST:
        flood.spend("sendMessage" if sent % 2 else "editMessageMedia", -7)
        sent, clock.now = sent + 1, clock.now + 1
    count, wait = allowed(flood, "sendMessage", -7)
    assert count <= 7
    assert wait <= 3


def test_chats_do_not_disturb_each_other_up_to_thirty_a_second(flood):
    for chat in range(1, 31):
        flood.spend("sendMessage", chat)
    with pytest.raises(Refusal) as refusal:
        flood.spend("sendMessage", 31)
    assert refusal.value.code == 429
    assert refusal.value.description == "Too Many Requests: retry after 1"


def test_answers_and_actions_are_free(flood):
    assert allowed(flood, "answerCallbackQuery", None) == (1000, None)
    assert allowed(flood, "sendChatAction", 1001) == (1000, None)


def test_a_refused_call_takes_nothing(flood, clock):
    allowed(flood, "sendMessage", 1001)
    for _ in range(50):
        with pytest.raises(Refusal):
            flood.spend("sendMessage", 1001)
    clock.now += 1
    flood.spend("sendMessage", 1001)


@given(st.lists(st.floats(0, 5), max_size=200))
def test_a_bucket_never_lets_more_through_than_burst_and_rate(gaps):
    bucket, now, taken = Bucket(5, 1), 0.0, 0
    for gap in gaps:
        now += gap
        if bucket.wait(now, 1) <= 0:
            bucket.tokens -= 1
            taken += 1
    assert taken <= 5 + now + 1e-6


async def test_over_http(sim, api):
    await sim.patch("settings", json={"flood": True})
    answers = [await api("sendMessage", chat_id=1001, text="x") for _ in range(12)]
    refused = [a for a in answers if a.status_code == 429]
    assert refused
    assert refused[0].json()["parameters"]["retry_after"] >= 1
    assert refused[0].headers["retry-after"] == str(refused[0].json()["parameters"]["retry_after"])
