"""Every method against the documented shapes: what it wants, what it refuses, what it answers, read by aiogram too."""

import json

import aiogram.methods
import pytest
from pydantic import TypeAdapter

from bot.playground.bot_api import METHODS
from bot.playground.schema.check import bot_api

NEW = {"type": "photo", "media": "PHOTO", "caption": "学习"}
BUTTON = {"inline_keyboard": [[{"text": "x", "callback_data": "1"}]]}
# one working call of each method; words in capitals stand for what the fixture has made
CALLS = {
    "answerCallbackQuery": {"callback_query_id": "QUERY", "text": "ok"},
    "copyMessage": {"chat_id": "CHAT", "from_chat_id": "CHAT", "message_id": "TEXT"},
    "deleteMessage": {"chat_id": "CHAT", "message_id": "SPARE"},
    "deleteMessages": {"chat_id": "CHAT", "message_ids": ["SPARE"]},
    "deleteMyCommands": {},
    "editMessageCaption": {"chat_id": "CHAT", "message_id": "PICTURE", "caption": "<b>x</b>", "parse_mode": "HTML"},
    "editMessageMedia": {"chat_id": "CHAT", "message_id": "PICTURE", "media": NEW},
    "editMessageReplyMarkup": {"chat_id": "CHAT", "message_id": "TEXT", "reply_markup": BUTTON},
    "editMessageText": {"chat_id": "CHAT", "message_id": "TEXT", "text": "two"},
    "forwardMessage": {"chat_id": "CHAT", "from_chat_id": "CHAT", "message_id": "PICTURE"},
    "getChat": {"chat_id": "CHAT"},
    "getChatMember": {"chat_id": "GROUP", "user_id": "CHAT"},
    "getChatMemberCount": {"chat_id": "GROUP"},
    "getFile": {"file_id": "PHOTO"},
    "getMe": {},
    "getMyCommands": {},
    "getMyDescription": {},
    "getMyName": {},
    "getMyShortDescription": {},
    "getUpdates": {"limit": 1},
    "getWebhookInfo": {},
    "sendChatAction": {"chat_id": "CHAT", "action": "typing"},
    "sendDocument": {"chat_id": "CHAT", "document": "DOCUMENT"},
    "sendMediaGroup": {"chat_id": "CHAT", "media": [NEW, NEW]},
    "sendMessage": {"chat_id": "CHAT", "text": "/write <b>学习</b> https://example.org", "parse_mode": "HTML"},
    "sendPhoto": {"chat_id": "CHAT", "photo": "PHOTO", "reply_markup": BUTTON},
    "setMessageReaction": {"chat_id": "CHAT", "message_id": "TEXT", "reaction": [{"type": "emoji", "emoji": "👀"}]},
    "setMyCommands": {"commands": [{"command": "write", "description": "draw"}]},
    "setMyDescription": {"description": "long", "language_code": "ru"},
    "setMyName": {"name": "Pinsel", "language_code": "de"},
    "setMyShortDescription": {"short_description": "short", "language_code": "ru"},
    "setWebhook": {"url": ""},
    "deleteWebhook": {},
    "leaveChat": {"chat_id": "GROUP"},  # last: the bot is gone then
}
FIELDS = {name: shape["fields"] for name, shape in bot_api()._methods.values()}
REQUIRED = [(method, name) for method in CALLS for name, field in FIELDS[method].items() if field.get("required")]
TEXTS = {
    "chat_id": "chat_id is empty",
    "text": "message text is empty",
    "photo": "there is no photo in the request",
    "document": "there is no document in the request",
    "message_id": "message identifier is not specified",
    "file_id": "file_id not specified",
}
# a type, a value nobody could read as it, and how the refusal goes on
WRONG = {
    "Integer": ("four", "must be Integer"),
    "Array of Integer": ({"a": 1}, "must be an Array"),
    "Array of String": ("x", "JSON object"),
    "InputMedia": ([1], "must be an object"),
    "ReplyParameters": (7, "must be an object"),
    "InlineKeyboardMarkup": ({"inline_keyboard": [{"text": "x"}]}, "must be an Array"),
    "Array of BotCommand": ([{"command": "x"}], "description is required"),
}
MISTYPED = [(m, name) for m in CALLS for name, field in FIELDS[m].items() if field["type"] in WRONG]


@pytest.fixture(scope="module")
def made(desk, picture):
    """A chat with a text, a photo, a document, a spare message, a tap that waits, and a group."""
    chat = desk.learner(username="method_tester")
    group = desk.group(chat)
    text = desk.result(
        "sendMessage",
        chat_id=chat,
        text="one",
        reply_markup={"inline_keyboard": [[{"text": "y", "callback_data": "y"}]]},
    )
    photo = desk.upload("sendPhoto", {"photo": ("a.png", picture())}, chat_id=str(chat)).json()["result"]
    document = desk.upload("sendDocument", {"document": ("a.txt", b"notes")}, chat_id=str(chat)).json()["result"]
    query = desk.sim("tap", learner=chat, chat=chat, message=text["message_id"], data="y", wait=0)["id"]
    return {
        "CHAT": chat,
        "GROUP": group,
        "TEXT": text["message_id"],
        "PICTURE": photo["message_id"],
        "PHOTO": photo["photo"][-1]["file_id"],
        "DOCUMENT": document["document"]["file_id"],
        "QUERY": query,
    }


@pytest.fixture
def ask(desk, made):
    """The parameters of a working call, with the stand-ins filled in."""

    def filled(value):
        if value == "SPARE":
            return desk.result("sendMessage", chat_id=made["CHAT"], text="spare")["message_id"]
        if isinstance(value, dict):
            return {name: filled(one) for name, one in value.items()}
        if isinstance(value, list):
            return [filled(one) for one in value]
        return made.get(value, value) if isinstance(value, str) else value

    return lambda method: filled(CALLS[method])


def test_every_supported_method_is_tried_here():
    assert set(CALLS) == set(FIELDS) >= set(METHODS)


@pytest.mark.parametrize(("method", "name"), REQUIRED)
def test_a_required_parameter_that_is_missing(desk, ask, method, name):
    parameters = ask(method)
    if method == "setWebhook":
        parameters["url"] = "http://127.0.0.1:9/"
    del parameters[name]
    said = desk.refused(method, **parameters)
    if name in TEXTS:
        assert said == f"Bad Request: {TEXTS[name]}"
    else:
        assert name in said or name == "callback_query_id"


@pytest.mark.parametrize("method", CALLS)
def test_a_parameter_nobody_knows(desk, ask, method):
    said = desk.refused(method, **ask(method), moon=1)
    assert said == f'Bad Request: [strict] method {method} has no parameter "moon"'


@pytest.mark.parametrize(("method", "name"), MISTYPED)
def test_a_value_of_the_wrong_type(desk, ask, method, name):
    value, said = WRONG[FIELDS[method][name]["type"]]
    description = desk.refused(method, **{**ask(method), name: value})
    assert name in description
    assert said in description


@pytest.mark.parametrize("method", CALLS)
def test_a_working_call_answers_what_is_documented(desk, ask, method):
    result = desk.result(method, **ask(method))
    bot_api().check_result(method, result)
    returned = getattr(aiogram.methods, method[0].upper() + method[1:]).__returning__
    parsed = TypeAdapter(returned).validate_python(result)
    if isinstance(result, dict) and hasattr(parsed, "model_dump"):
        back = json.loads(parsed.model_dump_json(exclude_unset=True, by_alias=True))
        assert set(back) >= set(result) - {"from"}


def test_lenient_bots_may_say_more_than_is_documented_and_get_an_answer(desk, made):
    """Without strict mode the unknown is left out; what is known must still be of its type."""
    button = {"text": "x", "callback_data": "1", "wobble": [1]}
    desk.sim("settings", "PATCH", strict=False)
    try:
        sent = desk.result(
            "sendMessage", chat_id=made["CHAT"], text="x", moon=1, reply_markup={"inline_keyboard": [[button]]}
        )
        assert sent["reply_markup"] == BUTTON
        for name, value in (("reply_markup", 5), ("reply_parameters", 5), ("link_preview_options", [])):
            assert name in desk.refused("sendMessage", chat_id=made["CHAT"], text="x", **{name: value})
        said = desk.refused("sendMediaGroup", chat_id=made["CHAT"], media=7)
        assert "[strict]" not in said
    finally:
        desk.sim("settings", "PATCH", strict=True)


@pytest.mark.parametrize(
    ("method", "parameters"),
    [
        ("deleteMessages", {"message_ids": [10**30]}),
        ("sendMessage", {"text": "x", "reply_parameters": {"message_id": 10**30}}),
        ("sendMessage", {"text": "x", "reply_parameters": "[" * 50_000}),
        (
            "sendMessage",
            {"text": "x", "reply_markup": {"inline_keyboard": [[{"text": "\ud800", "callback_data": "1"}]]}},
        ),
        (
            "sendMessage",
            {"text": "x", "reply_markup": '{"inline_keyboard": [[{"text": "x", "callback_data": "\\ud800"}]]}'},
        ),
        ("sendMessage", {"text": "\ud83d"}),
        ("editMessageText", {"text": "x", "message_id": 10**18}),
        ("setMyCommands", {"commands": [{"command": "a", "description": "\udc00"}]}),
    ],
    ids=["ids", "reply", "depth", "label", "data", "text", "edit", "commands"],
)
def test_hostile_values_are_refused_and_never_break_us(desk, made, method, parameters):
    chat = {} if method == "setMyCommands" else {"chat_id": made["CHAT"]}
    body = json.dumps(chat | parameters).encode()  # httpx would refuse half a surrogate pair itself
    headers = {"Content-Type": "application/json"}
    answer = desk.http.post(f"{desk.bot_url}/{method}", content=body, headers=headers)
    assert answer.status_code == 400, answer.text
    assert desk.read("calls", method=method)["calls"][-1]["code"] == 400


@pytest.mark.parametrize(
    ("method", "name", "limit", "said"),
    [
        ("sendMessage", "text", 4096, "message is too long"),
        ("setMyDescription", "description", 512, "0-512 characters"),
        ("setMyShortDescription", "short_description", 120, "0-120 characters"),
        ("setMyName", "name", 64, "0-64 characters"),
    ],
)
def test_limits_count_utf16_units(desk, made, method, name, limit, said):
    more = {"chat_id": made["CHAT"]} if method == "sendMessage" else {"language_code": "fr"}
    assert desk.result(method, **more, **{name: "😀" * (limit // 2)})
    assert said in desk.refused(method, **more, **{name: "😀" * (limit // 2) + "a"})


def test_commands_are_kept_without_their_slash(desk):
    desk.result("setMyCommands", commands=[{"command": "/write", "description": "draw"}], language_code="fr")
    assert desk.result("getMyCommands", language_code="fr") == [{"command": "write", "description": "draw"}]
    for name in ("Write", "рисуй", "a b", "/"):
        said = desk.refused("setMyCommands", commands=[{"command": name, "description": "x"}])
        assert said == "Bad Request: BOT_COMMAND_INVALID"
