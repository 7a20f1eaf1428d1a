"""What becomes of a message: text, photo, caption, keyboard, gone; replies, quotes, albums and the files behind them."""

import io
import json
import struct
import time
import zlib

import pytest
from PIL import Image

KEYS = {"inline_keyboard": [[{"text": "again", "callback_data": "again"}]]}
OTHER = {"inline_keyboard": [[{"text": "cancel", "callback_data": "cancel"}]]}
NOT_MODIFIED = "Bad Request: message is not modified"


def photo_of(desk, chat, data, **more):
    answer = desk.upload("sendPhoto", {"photo": ("a.png", data)}, chat_id=str(chat), **more)
    assert answer.status_code == 200, answer.text
    return answer.json()["result"]


def test_the_life_of_a_status_message(desk, anna, picture):
    """What the bot does with every word: a text, a picture in its place, a new caption, another keyboard, gone."""
    sent = desk.result("sendMessage", chat_id=anna, text="painting", reply_markup=OTHER)
    where = {"chat_id": anna, "message_id": sent["message_id"]}
    media = {"type": "photo", "media": "attach://p", "caption": "<b>学习</b>", "parse_mode": "HTML"}
    answer = desk.http.post(
        f"{desk.bot_url}/editMessageMedia",
        data={**{k: str(v) for k, v in where.items()}, "media": json.dumps(media)},
        files={"p": ("p.png", picture(300, 200))},
    )
    painted = answer.json()["result"]
    assert "text" not in painted
    assert (painted["caption"], painted["caption_entities"][0]["length"]) == ("学习", 2)
    assert "reply_markup" not in painted
    assert painted["date"] == sent["date"] <= painted["edit_date"]
    titled = desk.result("editMessageCaption", **where, caption="study", reply_markup=KEYS)
    assert titled["photo"] == painted["photo"]
    assert "caption_entities" not in titled
    bare = desk.result("editMessageReplyMarkup", **where)
    assert (bare["caption"], "reply_markup" in bare) == ("study", False)
    known = {"type": "photo", "media": painted["photo"][-1]["file_id"], "caption": "study"}
    assert desk.refused("editMessageMedia", **where, media=known).startswith(NOT_MODIFIED)
    assert desk.messages(anna) == [bare]
    assert desk.result("deleteMessage", **where) is True
    assert desk.messages(anna) == []
    for method, more in (
        ("editMessageText", {"text": "x"}),
        ("editMessageCaption", {"caption": "x"}),
        ("editMessageReplyMarkup", {}),
        ("editMessageMedia", {"media": known}),
    ):
        assert desk.refused(method, **where, **more) == "Bad Request: message to edit not found"


@pytest.mark.parametrize(
    ("method", "same"),
    [
        ("editMessageText", {"text": " <b>x</b> ", "parse_mode": "HTML", "reply_markup": KEYS}),
        (
            "editMessageText",
            {"text": "x", "entities": [{"type": "bold", "offset": 0, "length": 1}], "reply_markup": KEYS},
        ),
        ("editMessageReplyMarkup", {"reply_markup": KEYS}),
        ("editMessageReplyMarkup", {"reply_markup": {"inline_keyboard": [[], *KEYS["inline_keyboard"]]}}),
    ],
)
def test_nothing_changed_is_refused_and_leaves_no_edit(desk, anna, method, same):
    sent = desk.result("sendMessage", chat_id=anna, text="<b>x</b>", parse_mode="HTML", reply_markup=KEYS)
    seq = desk.read("session")["seq"]
    assert desk.refused(method, chat_id=anna, message_id=sent["message_id"], **same).startswith(NOT_MODIFIED)
    assert desk.messages(anna) == [sent]
    assert desk.read("session")["seq"] == seq + 1, "only the call itself is told"


@pytest.mark.parametrize(
    ("change", "ok"),
    [
        ({"text": "y"}, True),
        ({"text": "x", "parse_mode": "HTML"}, False),
        ({"text": "<i>x</i>", "parse_mode": "HTML"}, True),
    ],
)
def test_a_text_differs_by_its_letters_or_its_marks(desk, anna, change, ok):
    sent = desk.result("sendMessage", chat_id=anna, text="x")
    answer = desk.call("editMessageText", chat_id=anna, message_id=sent["message_id"], **change)
    assert (answer.status_code == 200) is ok


def test_an_edit_without_a_keyboard_takes_it_away(desk, anna):
    sent = desk.result("sendMessage", chat_id=anna, text="x", reply_markup=KEYS)
    edited = desk.result("editMessageText", chat_id=anna, message_id=sent["message_id"], text="y")
    assert "reply_markup" not in edited
    tap = {"learner": anna, "chat": anna, "message": sent["message_id"], "data": "again", "wait": 0}
    assert desk.sim_code("tap", **tap) == 200, "a tap that crossed the edit still counts"
    assert desk.sim_code("tap", **{**tap, "data": "cancel"}) == 404


def test_an_edit_keeps_the_reply(desk, anna):
    theirs = desk.write(anna, "学习")["message"]
    sent = desk.result("sendMessage", chat_id=anna, text="x", reply_parameters={"message_id": theirs["message_id"]})
    edited = desk.result("editMessageText", chat_id=anna, message_id=sent["message_id"], text="y")
    assert edited["reply_to_message"] == sent["reply_to_message"] == theirs


def test_another_ones_message_cannot_be_edited_but_goes_in_a_private_chat(desk, anna):
    private = desk.write(anna, "mine")["message"]["message_id"]
    group = desk.group(anna)
    public = desk.write(anna, "/mine", chat=group)["message"]["message_id"]
    for chat, number in ((anna, private), (group, public)):
        assert desk.refused("editMessageText", chat_id=chat, message_id=number, text="x").endswith("can't be edited")
    assert desk.result("deleteMessage", chat_id=anna, message_id=private) is True
    said = desk.refused("deleteMessage", chat_id=group, message_id=public)
    assert said == "Bad Request: message can't be deleted for everyone"


def test_a_message_belongs_to_its_chat(desk, anna):
    bella = desk.learner()
    sent = desk.result("sendMessage", chat_id=anna, text="x")["message_id"]
    assert desk.refused("editMessageText", chat_id=bella, message_id=sent, text="y").endswith(
        "message to edit not found"
    )
    assert desk.refused("deleteMessage", chat_id=bella, message_id=sent).endswith("message to delete not found")
    assert desk.result("deleteMessages", chat_id=bella, message_ids=[sent]) is True
    assert len(desk.messages(anna)) == 1


def test_ids_count_in_one_row_for_private_chats_and_by_themselves_in_groups(desk, anna):
    bella = desk.learner()
    ids = [desk.result("sendMessage", chat_id=chat, text="x")["message_id"] for chat in (anna, bella, anna)]
    assert ids == sorted(set(ids))
    one, other = desk.group(anna), desk.group(bella)
    assert [desk.result("sendMessage", chat_id=chat, text="x")["message_id"] for chat in (one, other, one)] == [2, 2, 3]
    desk.result("deleteMessage", chat_id=one, message_id=3)
    assert desk.result("sendMessage", chat_id=one, text="x")["message_id"] == 4, "a number is never given twice"


def test_a_reply_holds_the_message_without_its_own_reply_and_keyboard(desk, anna):
    first = desk.result("sendMessage", chat_id=anna, text="one", reply_markup=KEYS)
    second = desk.result("sendMessage", chat_id=anna, text="two", reply_parameters={"message_id": first["message_id"]})
    third = desk.write(anna, "three", reply_to=second["message_id"])["message"]
    assert second["reply_to_message"] == {k: v for k, v in first.items() if k != "reply_markup"}
    assert third["reply_to_message"]["text"] == "two"
    assert "reply_to_message" not in third["reply_to_message"]
    assert desk.sim_code("message", learner=anna, text="x", reply_to=10**6) == 404


def test_a_reply_may_quote_a_part(desk, anna):
    first = desk.result("sendMessage", chat_id=anna, text="😀 学习 study")["message_id"]
    quote = {"message_id": first, "quote": "<b>学习</b>", "quote_parse_mode": "HTML"}
    sent = desk.result("sendMessage", chat_id=anna, text="x", reply_parameters=quote)
    bold = [{"type": "bold", "offset": 0, "length": 2}]
    assert sent["quote"] == {"text": "学习", "position": 3, "is_manual": True, "entities": bold}
    said = desk.refused("sendMessage", chat_id=anna, text="x", reply_parameters={"message_id": first, "quote": "moon"})
    assert said == "Bad Request: QUOTE_TEXT_INVALID"


def test_a_copy_has_no_origin_and_a_forward_has(desk, anna, picture):
    bella = desk.learner()
    photo = photo_of(desk, anna, picture(), caption="one")
    source = {"chat_id": bella, "from_chat_id": anna, "message_id": photo["message_id"]}
    copied = desk.result("copyMessage", **source)
    kept, forwarded = desk.messages(bella)[0], desk.result("forwardMessage", **source)
    assert kept["message_id"] == copied["message_id"]
    assert (kept["photo"], kept["caption"]) == (photo["photo"], "one")
    assert "forward_origin" not in kept
    assert forwarded["forward_origin"]["sender_user"] == photo["from"]
    group = desk.group(anna)
    service = {"chat_id": bella, "from_chat_id": group, "message_id": 1}
    assert desk.refused("copyMessage", **service) == "Bad Request: message can't be copied"
    assert desk.refused("forwardMessage", **service) == "Bad Request: message can't be forwarded"
    assert desk.refused("copyMessage", **{**source, "message_id": 10**6}) == "Bad Request: message to copy not found"


def test_an_album_is_a_row_of_messages_with_one_number(desk, anna, picture):
    known = photo_of(desk, anna, picture())["photo"][0]["file_id"]
    album = [{"type": "photo", "media": "attach://a"}, {"type": "photo", "media": known, "caption": "two"}]
    answer = desk.upload(
        "sendMediaGroup", {"a": ("a.png", picture(90, 400))}, chat_id=str(anna), media=json.dumps(album)
    )
    sent = answer.json()["result"]
    assert [one.get("caption") for one in sent] == [None, "two"]
    assert sent[0]["media_group_id"] == sent[1]["media_group_id"]
    assert desk.messages(anna)[1:] == sent
    where = {"chat_id": anna, "message_id": sent[0]["message_id"]}
    assert desk.result("editMessageCaption", **where, caption="one")["media_group_id"] == sent[0]["media_group_id"]
    document = desk.upload("sendDocument", {"document": ("a.txt", b"x")}, chat_id=str(anna)).json()["result"]
    wrong = {"type": "document", "media": document["document"]["file_id"]}
    assert "in the album" in desk.refused("editMessageMedia", **where, media=wrong)
    for count in (0, 1, 11):
        media = [{"type": "photo", "media": known}] * count
        assert "2-10" in desk.refused("sendMediaGroup", chat_id=anna, media=media)
    assert desk.result("sendMediaGroup", chat_id=anna, media=[{"type": "document", "media": wrong["media"]}] * 10)


def test_the_same_picture_as_photo_and_as_document(desk, anna, picture):
    data = picture(700, 500)
    photo = photo_of(desk, anna, data)["photo"]
    document = desk.upload("sendDocument", {"document": ("a.png", data)}, chat_id=str(anna)).json()["result"][
        "document"
    ]
    thumbnail = document["thumbnail"]
    ids = [one["file_id"] for one in (*photo, document, thumbnail)]
    assert len(set(ids)) == len(ids)
    assert (thumbnail["width"], thumbnail["height"]) == (320, 229)
    for number, size in zip(ids, (*photo, document, thumbnail), strict=True):
        told = desk.result("getFile", file_id=number)
        got = desk.http.get(f"/file{desk.bot_url}/{told['file_path']}")
        assert len(got.content) == told["file_size"] == size["file_size"]
        assert told["file_unique_id"] == size["file_unique_id"]
        if size is not document:
            assert Image.open(io.BytesIO(got.content)).size == (size["width"], size["height"])
    assert (
        desk.http.get(f"/file{desk.bot_url}/{told['file_path']}").headers["content-type"] == "application/octet-stream"
    )
    for kind, number, of in (
        ("photo", ids[-2], "Document"),
        ("document", ids[0], "Photo"),
        ("photo", ids[-1], "Thumbnail"),
    ):
        said = desk.refused(f"send{kind}", chat_id=anna, **{kind: number})
        assert said == f"Bad Request: can't use file of type {of} as {kind.capitalize()}"


def claim(width, height):
    """A picture whose header claims a size and whose pixels, compressed to nothing, would fill the memory."""

    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    pixels = zlib.compress(bytes(2**20))
    header = struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (claim(4_999, 5_000), "IMAGE_PROCESS_FAILED"),
        (claim(60_000, 60_000), "PHOTO_INVALID_DIMENSIONS"),
        (claim(0, 10), "PHOTO_INVALID_DIMENSIONS"),
        (claim(21, 1), "PHOTO_INVALID_DIMENSIONS"),
        (claim(700, 500), "IMAGE_PROCESS_FAILED"),
        (b"GIF89a\xff\xff\xff\xff\x00\x00\x00", "IMAGE_PROCESS_FAILED"),
        (b"BM" + bytes(60), "IMAGE_PROCESS_FAILED"),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "IMAGE_PROCESS_FAILED"),
    ],
    ids=["bomb", "huge", "flat", "thin", "short of pixels", "gif", "bmp", "webp"],
)
def test_a_hostile_picture_is_refused_as_a_photo_at_once_and_taken_as_a_document(desk, anna, data, said):
    begun = time.process_time()
    answer = desk.upload("sendPhoto", {"photo": ("a.png", data)}, chat_id=str(anna))
    assert (answer.status_code, answer.json()["description"]) == (400, f"Bad Request: {said}")
    taken = desk.upload("sendDocument", {"document": ("a.png", data)}, chat_id=str(anna)).json()["result"]
    assert time.process_time() - begun < 1
    assert taken["document"]["file_size"] == len(data)
    assert "thumbnail" not in taken["document"]
    assert [one["message_id"] for one in desk.messages(anna)] == [taken["message_id"]]
