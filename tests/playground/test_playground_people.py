"""Learners as the bot meets them: what they are asked, who hears what in a group, who has gone, what a reset leaves."""

import asyncio
import json

import pytest
import websockets.asyncio.client as ws

ME = "wordbrush_playground_bot"
ASKING = {"force_reply": True, "selective": True, "input_field_placeholder": "学习 - study"}


def told(desk, work):
    """The live events while ``work`` runs, up to the call it ends with."""

    async def listen():
        url = desk.playground.url.replace("http", "ws") + f"sim/live?key={desk.playground.key}"
        async with ws.connect(url, proxy=None) as page:
            await page.recv()
            await asyncio.to_thread(work)
            events = []
            while not events or events[-1]["type"] != "call":
                events.append(json.loads(await asyncio.wait_for(page.recv(), 10)))
            return events

    return asyncio.run(listen())


def message_event(desk, method="sendMessage", **parameters):
    [event] = [one for one in told(desk, lambda: desk.call(method, **parameters)) if one["type"] == "message"]
    return event


@pytest.mark.parametrize(
    ("markup", "asked"),
    [
        (ASKING, ASKING),
        ({"force_reply": True}, {"force_reply": True}),
        ({"force_reply": True, "selective": False}, {"force_reply": True}),
        ({"remove_keyboard": True}, None),
        ({"inline_keyboard": [[{"text": "x", "callback_data": "1"}]]}, None),
        ({"inline_keyboard": [[{"text": "x", "callback_data": "1"}]], "force_reply": True}, {"force_reply": True}),
        (None, None),
    ],
    ids=str,
)
def test_a_question_is_in_the_event_and_no_part_of_the_message(desk, anna, markup, asked):
    event = message_event(desk, chat_id=anna, text="which word?", reply_markup=markup)
    assert event.get("force_reply") == asked
    assert "force_reply" not in event["message"].get("reply_markup", {})
    assert desk.messages(anna) == [event["message"]]


def test_a_question_comes_with_copies_too_and_not_with_what_learners_write(desk, anna):
    number = desk.result("sendMessage", chat_id=anna, text="x")["message_id"]
    source = {"chat_id": anna, "from_chat_id": anna, "message_id": number}
    assert message_event(desk, "copyMessage", **source, reply_markup=ASKING)["force_reply"] == ASKING
    assert "force_reply" not in message_event(desk, "forwardMessage", **source)
    events = told(desk, lambda: (desk.write(anna, "学习"), desk.result("getMe")))
    assert [("force_reply" in one) for one in events if one["type"] == "message"] == [False]


@pytest.mark.parametrize(
    ("markup", "said"),
    [
        ({"force_reply": False}, "force_reply must be True"),
        ({"force_reply": True, "input_field_placeholder": "x" * 65}, "1-64 characters"),
        ({"force_reply": True, "input_field_placeholder": "😀" * 33}, "1-64 characters"),
        ({"force_reply": True, "moon": 1}, "moon is not a field"),
    ],
)
def test_questions_that_are_refused(desk, anna, markup, said):
    assert said in desk.refused("sendMessage", chat_id=anna, text="x", reply_markup=markup)
    assert desk.messages(anna) == []


def test_a_question_cannot_be_edited_in(desk, anna):
    number = desk.result("sendMessage", chat_id=anna, text="x")["message_id"]
    said = desk.refused("editMessageText", chat_id=anna, message_id=number, text="y", reply_markup=ASKING)
    assert "reply_markup" in said


@pytest.mark.parametrize(
    ("text", "heard"),
    [
        ("/write 学习", True),
        (f"/write@{ME} 学习", True),
        (f"/write@{ME.upper()}", True),
        ("/write@another_bot 学习", False),
        (f"/write@{ME}x", False),
        ("学习 /write", False),
        ("学习", False),
        (f"@{ME} 学习", False),
        ("//write", False),
        ("/ write", False),
        ("/学习", False),
        ("  /write 学习", True),
    ],
)
def test_what_the_bot_hears_in_a_group_and_in_private(desk, anna, text, heard):
    group = desk.group(anna)
    last = desk.last_update()
    in_group = desk.write(anna, text, chat=group)
    in_private = desk.write(anna, text)
    assert (in_group["update_id"] is not None) is heard
    got = [one["message"]["chat"]["id"] for one in desk.updates(last)]
    assert got == ([group] if heard else []) + [anna]
    assert in_private["message"]["text"] == text.strip()


def test_replies_to_the_bot_are_heard_and_replies_to_others_are_not(desk, anna):
    bella = desk.learner(first_name="Bella")
    group = desk.group(anna, bella)
    ours = desk.result("sendMessage", chat_id=group, text="which word?")["message_id"]
    theirs = desk.write(bella, "hm", chat=group)["message"]["message_id"]
    assert desk.write(anna, "学习", chat=group, reply_to=theirs)["update_id"] is None
    assert desk.write(anna, "学习", chat=group, reply_to=ours)["update_id"] is not None
    desk.result("deleteMessage", chat_id=group, message_id=ours)
    assert desk.sim_code("message", learner=anna, chat=group, text="x", reply_to=ours) == 404


def test_a_group_is_told_of_and_left(desk, anna):
    last = desk.last_update()
    group = desk.group(anna)
    joined, service = desk.updates(last)
    assert joined["my_chat_member"]["old_chat_member"]["status"] == "left"
    assert joined["my_chat_member"]["from"]["id"] == service["message"]["from"]["id"] == anna
    assert [one["username"] for one in service["message"]["new_chat_members"]] == [ME]
    assert desk.result("leaveChat", chat_id=group) is True
    assert desk.write(anna, "/write", chat=group)["update_id"] is None
    assert desk.refused("sendMessage", 403, chat_id=group, text="x").startswith("Forbidden: bot is not a member")
    assert desk.refused("leaveChat", 403, chat_id=group).startswith("Forbidden: bot is not a member")
    assert "private" in desk.refused("leaveChat", chat_id=anna)
    assert desk.result("getChatMemberCount", chat_id=group) == 1


@pytest.mark.parametrize(
    ("method", "more"),
    [
        ("sendMessage", {"text": "x"}),
        ("sendChatAction", {"action": "typing"}),
        ("editMessageText", {"text": "y", "message_id": "NUMBER"}),
        ("editMessageReplyMarkup", {"message_id": "NUMBER"}),
        ("copyMessage", {"from_chat_id": "CHAT", "message_id": "NUMBER"}),
        ("setMessageReaction", {"message_id": "NUMBER"}),
    ],
)
def test_who_has_blocked_the_bot_hears_nothing_of_it(desk, anna, method, more):
    number = desk.result("sendMessage", chat_id=anna, text="before")["message_id"]
    last = desk.last_update()
    for _ in range(2):  # the second time changes nothing and is not told
        assert desk.sim("learner", "PATCH", id=anna, blocked=True)["learner"]["blocked"] is True
    [gone] = desk.updates(last)
    change = gone["my_chat_member"]
    assert (change["old_chat_member"]["status"], change["new_chat_member"]["status"]) == ("member", "kicked")
    assert (change["chat"]["id"], change["from"]["id"]) == (anna, anna)
    filled = {k: {"NUMBER": number, "CHAT": anna}.get(v, v) for k, v in more.items()}
    assert desk.refused(method, 403, chat_id=anna, **filled) == "Forbidden: bot was blocked by the user"
    assert [one["text"] for one in desk.messages(anna)] == ["before"]
    assert desk.sim_code("message", learner=anna, text="x") == 422
    desk.sim("learner", "PATCH", id=anna, blocked=False)
    [back] = desk.updates(gone["update_id"])
    assert back["my_chat_member"]["new_chat_member"]["status"] == "member"
    assert desk.write(anna, "again")["update_id"] > back["update_id"]


def test_a_blocked_bot_still_hears_its_learner_in_groups(desk, anna):
    group = desk.group(anna)
    desk.sim("learner", "PATCH", id=anna, blocked=True)
    assert desk.write(anna, "/write", chat=group)["update_id"] is not None
    assert desk.result("sendMessage", chat_id=group, text="x")


@pytest.mark.parametrize("language", ["ru", "zh-hans", "pt-BR", "en"])
def test_a_language_switch_is_in_messages_and_taps(desk, anna, language):
    sent = desk.result(
        "sendMessage", chat_id=anna, text="x", reply_markup={"inline_keyboard": [[{"text": "x", "callback_data": "1"}]]}
    )
    last = desk.last_update()
    assert desk.sim("learner", "PATCH", id=anna, language_code=language)["learner"]["language_code"] == language
    desk.write(anna, "x")
    desk.sim("tap", learner=anna, chat=anna, message=sent["message_id"], label="x", wait=0)
    message, tap = desk.updates(last)
    assert message["message"]["from"]["language_code"] == tap["callback_query"]["from"]["language_code"] == language


def test_a_name_changes_everywhere_and_old_messages_keep_it(desk, anna):
    old = desk.write(anna, "x")["message"]
    desk.sim("learner", "PATCH", id=anna, first_name="Bella")
    assert desk.result("getChat", chat_id=anna)["first_name"] == "Bella"
    assert desk.messages(anna) == [old]
    assert desk.write(anna, "y")["message"]["from"]["first_name"] == "Bella"


def test_names_lead_to_chats(desk):
    clara = desk.learner(username="clara_2")
    assert desk.result("sendMessage", chat_id="@CLARA_2", text="x")["chat"]["id"] == clara
    for unknown in ("@clara", "clara_2", "@", "0", str(-clara)):
        assert desk.refused("sendMessage", chat_id=unknown, text="x") == "Bad Request: chat not found"


@pytest.mark.parametrize("members", [[], [7], [10**30], ["x"]])
def test_groups_that_cannot_be(desk, members):
    assert desk.sim_code("group", title="Class", members=members) in {404, 422}


def test_the_call_log_counts_on_and_shortens_what_is_long(desk, anna):
    first = desk.read("calls")["calls"][-1]["n"]
    desk.result("sendMessage", chat_id=anna, text="x" * 4096)
    desk.refused("sendMessage", chat_id=anna, text="y" * 30_000)
    desk.call("getMoon")
    desk.http.get("/bot1:x/getMe")
    calls = desk.read("calls", since=first)["calls"]
    assert [(one["n"] - first, one["method"], one["code"]) for one in calls] == [
        (1, "sendMessage", 200),
        (2, "sendMessage", 400),
        (3, "getMoon", 404),
    ]
    assert [len(one["parameters"].get("text", "")) for one in calls] == [4096, 4096, 0]
    assert all(one["seconds"] >= 0 and "fault" not in one for one in calls)
    assert desk.read("calls", since=first, method="SENDMESSAGE")["calls"] == calls[:2]
    assert desk.read("calls", since=calls[-1]["n"])["calls"] == []


def test_a_reset_leaves_one_learner_and_every_number_used(desk, anna):
    group = desk.group(anna)
    update = desk.write(anna, "x")["update_id"]
    number = desk.result("sendMessage", chat_id=anna, text="x")["message_id"]
    call, seq = desk.read("calls")["calls"][-1]["n"], desk.read("session")["seq"]
    desk.result("setMyName", name="Pinsel")
    desk.sim("faults", method="sendMessage", code=500)
    session = desk.sim("reset")["session"]
    assert [one["id"] for one in session["learners"]] == [one["id"] for one in session["chats"]] == [1001]
    assert session["bot"]["first_name"] == "Wordbrush"
    assert session["seq"] > seq
    assert desk.read("faults") == {"faults": []}
    assert desk.read("calls") == {"calls": []}
    assert desk.refused("sendMessage", chat_id=anna, text="x") == "Bad Request: chat not found"
    assert desk.updates(0) == []
    bella = desk.learner()
    assert bella > anna
    assert desk.group(bella) < group
    assert desk.write(bella, "x")["update_id"] > update
    assert desk.result("sendMessage", chat_id=bella, text="x")["message_id"] > number
    assert desk.read("calls")["calls"][0]["n"] > call
