"""The Bot API's wire over raw HTTP: verbs, bodies, paths, codes."""

import json

import httpx
import pytest

from bot.playground.serve import Playground


@pytest.mark.parametrize("verb", ["GET", "POST", "PUT", "DELETE"])
async def test_any_verb_calls_a_method(playground, http, verb):
    answer = await http.request(verb, f"/bot{playground.token}/getMe")
    assert answer.status_code == 200
    assert answer.json()["result"]["is_bot"] is True


@pytest.mark.parametrize("method", ["getme", "GETME", "GetMe"])
async def test_method_names_ignore_case(playground, http, method):
    assert (await http.get(f"/bot{playground.token}/{method}")).json()["ok"] is True


async def test_percent_encoded_colon(playground, http):
    token = playground.token.replace(":", "%3A")
    assert (await http.get(f"/bot{token}/getMe")).json()["ok"] is True


@pytest.mark.parametrize(
    "how",
    [
        {"params": {"chat_id": 1001, "text": "学习 & 😀"}},
        {"data": {"chat_id": 1001, "text": "学习 & 😀"}},
        {"json": {"chat_id": 1001, "text": "学习 & 😀"}},
        {"files": {"chat_id": (None, "1001"), "text": (None, "学习 & 😀")}},
        {"params": {"chat_id": 1001}, "data": {"text": "学习 & 😀"}},
    ],
    ids=["query", "urlencoded", "json", "multipart", "query and body"],
)
async def test_every_way_to_pass_parameters(playground, http, how):
    answer = await http.post(f"/bot{playground.token}/sendMessage", **how)
    assert answer.json()["result"]["text"] == "学习 & 😀"


async def test_nested_objects_as_json_text_or_as_json(playground, http):
    keyboard = {"inline_keyboard": [[{"text": "x", "callback_data": "1"}]]}
    url = f"/bot{playground.token}/sendMessage"
    as_text = await http.post(url, data={"chat_id": 1001, "text": "a", "reply_markup": json.dumps(keyboard)})
    as_json = await http.post(url, json={"chat_id": 1001, "text": "a", "reply_markup": keyboard})
    assert as_text.json()["result"]["reply_markup"] == as_json.json()["result"]["reply_markup"] == keyboard


@pytest.mark.parametrize("attach", [True, False], ids=["attach", "named as the field"])
async def test_an_upload_by_either_name(playground, http, picture, attach):
    part = "any" if attach else "photo"
    data = {"chat_id": "1001", **({"photo": "attach://any"} if attach else {})}
    answer = await http.post(f"/bot{playground.token}/sendPhoto", data=data, files={part: ("a.png", picture())})
    assert answer.json()["result"]["photo"][-1]["width"] == 640


async def test_the_wrong_token(http):
    answer = await http.get("/bot8600000001:wrong/getMe")
    assert answer.status_code == 401
    assert answer.json() == {"ok": False, "error_code": 401, "description": "Unauthorized"}


async def test_an_unknown_method(playground, http):
    answer = await http.get(f"/bot{playground.token}/getMoon")
    assert answer.status_code == 404
    assert answer.json()["description"] == "Not Found: method not found"


async def test_a_method_that_exists_but_is_not_carried_out(api):
    answer = await api("sendPoll", chat_id=1001)
    assert answer.status_code == answer.json()["error_code"] == 501
    assert answer.json()["description"] == "Bad Request: method is not supported by the playground"


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"text": "x"}, "Bad Request: chat_id is empty"),
        ({"chat_id": 1001}, "Bad Request: message text is empty"),
        ({"chat_id": 5, "text": "x"}, "Bad Request: chat not found"),
        ({"chat_id": "@nobody", "text": "x"}, "Bad Request: chat not found"),
        (
            {"chat_id": 1001, "text": "x", "colour": "red"},
            'Bad Request: [strict] method sendMessage has no parameter "colour"',
        ),
        ({"chat_id": 1001, "text": "x", "reply_markup": "{"}, "Bad Request: can't parse reply_markup JSON object"),
        (
            {"chat_id": 1001, "text": "x", "message_thread_id": "abc"},
            "Bad Request: [strict] message_thread_id must be Integer",
        ),
    ],
)
async def test_wrong_parameters(refused, parameters, said):
    assert await refused("sendMessage", **parameters) == said


async def test_strict_mode_can_be_switched_off(sim, api):
    assert (await sim.patch("settings", json={"strict": False})).json() == {"flood": False, "strict": False}
    assert (await api("sendMessage", chat_id=1001, text="x", colour="red")).status_code == 200


@pytest.mark.parametrize("body", [b"{", b"[1]", b"\xff\xfe", b"[" * 20_000])
async def test_a_body_that_is_no_object(playground, http, body):
    headers = {"Content-Type": "application/json"}
    answer = await http.post(f"/bot{playground.token}/sendMessage", content=body, headers=headers)
    assert answer.status_code == 400
    assert answer.json()["ok"] is False


async def test_a_multipart_body_without_boundary(playground, http):
    headers = {"Content-Type": "multipart/form-data"}
    answer = await http.post(f"/bot{playground.token}/sendMessage", content=b"x", headers=headers)
    assert answer.status_code == 400


async def test_a_large_document_is_taken_and_a_larger_one_is_not(playground: Playground, http: httpx.AsyncClient):
    url = f"/bot{playground.token}/sendDocument"
    fine = await http.post(url, data={"chat_id": "1001"}, files={"document": ("a.bin", bytes(12 * 2**20))})
    assert fine.json()["result"]["document"]["file_size"] == 12 * 2**20
    over = await http.post(url, data={"chat_id": "1001"}, files={"document": ("a.bin", bytes(53 * 2**20))})
    assert over.status_code == 413
    assert over.json()["description"] == "Request Entity Too Large"


async def test_an_answer_is_checked_against_the_schema_too(playground, api, monkeypatch):
    monkeypatch.setitem(
        __import__("bot.playground.bot_api").playground.bot_api.METHODS, "getMe", lambda _tx, _ask: {"id": 1}
    )
    answer = await api("getMe")
    assert answer.status_code == 500
    assert "the playground's answer is wrong: result." in answer.json()["description"]
