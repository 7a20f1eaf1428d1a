"""The schema: that it is aiogram's Bot API version, how it is derived, what it refuses."""

import io
import json
import sys
import tarfile

import aiogram
import pytest

from bot.playground.bot_api import METHODS
from bot.playground.refusals import Refusal
from bot.playground.schema import build
from bot.playground.schema.check import Mismatch, bot_api

WIRE_ONLY = {"getUpdates", "setWebhook", "deleteWebhook", "getWebhookInfo"}


def test_the_schema_is_the_one_aiogram_speaks():
    assert bot_api().api == aiogram.__api_version__


def test_every_promised_method_is_carried_out():
    assert set(METHODS) | WIRE_ONLY == set(build.RETURNS)


SMALL = {
    "api": {"version": "1.0"},
    "items": [
        {
            "children": [
                {
                    "name": "getMe",
                    "category": "methods",
                    "description": "",
                    "annotations": [
                        {"name": "who", "type": "Pet", "required": True, "description": "Which, 1-8 characters."}
                    ],
                },
                {"name": "other", "category": "methods", "description": "", "annotations": []},
                {"name": "Pet", "category": "types", "annotations": [], "description": "One of\n - Cat\n - Dog"},
                {
                    "name": "Cat",
                    "category": "types",
                    "description": "",
                    "annotations": [
                        {"name": "type", "type": "String", "required": True, "description": "Type, must be cat"},
                        {"name": "name", "type": "String", "required": False, "description": "Name, 1-8 characters"},
                        {
                            "name": "about",
                            "type": "String",
                            "required": False,
                            "description": "0-9 characters after entities parsing",
                        },
                    ],
                },
                {"name": "Dog", "category": "types", "description": "", "annotations": []},
                {"name": "Unreached", "category": "types", "description": "", "annotations": []},
            ]
        }
    ],
}


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(build, "RETURNS", {"getMe": "True"})
    return SMALL


def test_deriving(small):
    derived = build.derive(small)
    assert derived["known"] == ["getMe", "other"]
    assert set(derived["types"]) == {"Pet", "Cat", "Dog"}
    assert derived["types"]["Pet"] == {"one_of": ["Cat", "Dog"]}
    assert derived["types"]["Cat"]["fields"]["type"] == {"type": "String", "required": True, "const": "cat"}
    assert derived["types"]["Cat"]["fields"]["name"]["limit"] == [1, 8, "characters"]
    assert "limit" not in derived["types"]["Cat"]["fields"]["about"]


def test_the_generator_reads_a_source_distribution(small, tmp_path, monkeypatch):
    sdist, out = tmp_path / "aiogram-1.tar.gz", tmp_path / "out.json"
    data = json.dumps(small).encode()
    with tarfile.open(sdist, "w:gz") as archive:
        info = tarfile.TarInfo("aiogram-1/.butcher/schema/schema.json")
        info.size = len(data)
        archive.addfile(info, io.BytesIO(data))
    monkeypatch.setattr(sys, "argv", ["build", str(sdist), "--out", str(out)])
    build.main()
    assert json.loads(out.read_text("utf-8")) == build.derive(small)
    with tarfile.open(sdist, "w:gz"):
        pass
    with pytest.raises(SystemExit, match=r"holds no \.butcher"):
        build.main()


@pytest.mark.parametrize(
    ("kind", "value", "said"),
    [
        ("User", {"id": 1, "is_bot": False}, "first_name is required"),
        ("User", {"id": "1", "is_bot": False, "first_name": "x"}, "id must be Integer"),
        ("User", {"id": True, "is_bot": False, "first_name": "x"}, "id must be Integer"),
        ("User", {"id": 1, "is_bot": 0, "first_name": "x"}, "is_bot must be Boolean"),
        ("User", {"id": 1, "is_bot": False, "first_name": "x", "moon": 1}, "moon is not a field of User"),
        ("Array of User", {}, "must be an Array"),
        ("Array of User", [1], r"\[0\] must be an object"),
        ("ChatMember", {"status": "moon", "user": {}}, "must be"),
        ("Integer or String", 1.5, "must be"),
    ],
)
def test_mismatches_name_the_place(kind, value, said):
    with pytest.raises(Mismatch, match=said):
        bot_api().check(kind, value, "v")


def test_unions_take_any_of_their_members():
    user = {"id": 1, "is_bot": False, "first_name": "x"}
    for value in ({"status": "left", "user": user}, {"status": "kicked", "user": user, "until_date": 0}):
        bot_api().check("ChatMember", value, "v")
    bot_api().check("Integer or String", "@x", "v")
    bot_api().check("Array of Array of InlineKeyboardButton", [[{"text": "x"}]], "v")


@pytest.mark.parametrize(("raw", "value"), [("true", True), ("True", True), ("1", True), ("0", False), ("no", False)])
def test_booleans_as_text(raw, value):
    decoded = bot_api().decode("sendMessage", {"chat_id": "1", "text": "x", "protect_content": raw}, set(), strict=True)
    assert decoded["protect_content"] is value


def test_chat_ids_are_numbers_or_names():
    decode = bot_api().decode
    assert decode("getChat", {"chat_id": "-1001"}, set(), strict=True) == {"chat_id": -1001}
    assert decode("getChat", {"chat_id": "@anna"}, set(), strict=True) == {"chat_id": "@anna"}
    with pytest.raises(Refusal, match="chat_id is empty"):
        decode("getChat", {"chat_id": ""}, set(), strict=True)
