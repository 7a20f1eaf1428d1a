"""Many at once: ids stay apart, one of two wins, nobody sees the other's chat; and the learner's queue is kept in order."""

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.playground import actions, messages, methods_send, people
from bot.playground.messages import Ask
from bot.playground.polling import begin, pending
from bot.playground.refusals import Refusal
from bot.playground.state import Store

KEYBOARD = {"inline_keyboard": [[{"text": "x", "callback_data": "1"}]]}


async def test_sends_at_the_same_time_get_their_own_ids(api, sim):
    answers = await asyncio.gather(*(api("sendMessage", chat_id=1001, text=str(n)) for n in range(30)))
    ids = [answer.json()["result"]["message_id"] for answer in answers]
    assert len(set(ids)) == 30
    kept = (await sim.get("transcript")).json()["chats"][0]["messages"]
    assert [one["message_id"] for one in kept] == sorted(ids)


async def test_of_two_answers_to_a_tap_one_wins(api, sim):
    sent = (await api("sendMessage", chat_id=1001, text="x", reply_markup=KEYBOARD)).json()["result"]
    tap = {"learner": 1001, "chat": 1001, "message": sent["message_id"], "data": "1", "wait": 0}
    query = (await sim.post("tap", json=tap)).json()["id"]
    answers = await asyncio.gather(
        *(api("answerCallbackQuery", callback_query_id=query, text=str(n)) for n in range(5))
    )
    assert sorted(answer.status_code for answer in answers) == [200, 400, 400, 400, 400]


async def test_two_taps_wait_for_their_own_answers(api, sim):
    sent = (await api("sendMessage", chat_id=1001, text="x", reply_markup=KEYBOARD)).json()["result"]
    tap = {"learner": 1001, "chat": 1001, "message": sent["message_id"], "data": "1"}
    tapping = [asyncio.create_task(sim.post("tap", json=tap)) for _ in range(2)]
    queries: list[str] = []
    offset = 0
    while len(queries) < 2:
        got = (await api("getUpdates", offset=offset, timeout=10)).json()["result"]
        queries += [one["callback_query"]["id"] for one in got]
        offset = got[-1]["update_id"] + 1
    for query in queries:
        await api("answerCallbackQuery", callback_query_id=query, text=query)
    for one in tapping:
        answer = (await one).json()
        assert answer["callback"]["text"] == answer["id"]


async def test_learners_see_their_own_chats_only(api, sim):
    anna = (await sim.post("learner", json={"first_name": "Anna"})).json()["learner"]["id"]
    await api("sendMessage", chat_id=anna, text="for Anna")
    chats = (await sim.get("state", params={"learner": 1001})).json()["chats"]
    assert [chat["id"] for chat in chats] == [1001]
    chats = (await sim.get("state", params={"learner": anna})).json()["chats"]
    assert [one["text"] for chat in chats for one in chat["messages"]] == ["for Anna"]


async def test_a_refused_method_leaves_no_trace(tmp_path):
    store = Store(tmp_path / "state.sqlite3")
    await store.open()
    heard: list[dict] = []
    store.watch(heard.extend)

    def half(tx):
        people.ensure_first_learner(tx)
        methods_send.send_message(tx, Ask({"chat_id": 1001, "text": "x"}))
        methods_send.send_message(tx, Ask({"chat_id": 1001, "text": ""}))

    with pytest.raises(Refusal, match="empty"):
        await store.run(half)
    assert heard == []
    assert await store.run(people.learners) == []
    await store.close()


STEPS = st.lists(st.one_of(st.just("write"), st.integers(-3, 6)), max_size=30)


@settings(max_examples=25, deadline=None)
@given(STEPS)
def test_offsets_against_a_model(tmp_path_factory, steps):
    """Whatever is written and polled in whatever order, the bot sees each update until it confirms it, in order."""

    async def play():
        store = Store(tmp_path_factory.mktemp("offsets") / "state.sqlite3")
        await store.open()
        await store.run(people.ensure_first_learner)
        waiting: list[int] = []
        for step in steps:
            if step == "write":
                waiting.append((await store.run(actions.write, 1001, None, "x", None))["update_id"])
                continue
            offset = step if step <= 0 or not waiting else waiting[0] + step
            await store.run(begin, offset, None, 0.0)
            if offset > 0:
                waiting = [one for one in waiting if one >= offset]
            elif offset < 0:
                waiting = waiting[offset:]
            assert [one["update_id"] for one in await store.run(pending, offset, 100)] == waiting
        assert len(await store.run(messages.history, 1001)) == steps.count("write")
        await store.close()

    asyncio.run(play())
