"""Sending, editing and deleting, with aiogram as the client and with Telegram's words for what it refuses."""

import pytest
from aiogram.exceptions import TelegramBadRequest, TelegramForbiddenError
from aiogram.types import (
    BufferedInputFile,
    CopyTextButton,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    InputMediaDocument,
    InputMediaPhoto,
    ReplyParameters,
)

NOT_MODIFIED = (
    "Bad Request: message is not modified: specified new message content and reply markup are exactly the same as a "
    "current content and reply markup of the message"
)


def keyboard(**kind):
    return InlineKeyboardMarkup(inline_keyboard=[[InlineKeyboardButton(text="x", **kind)]])


async def test_message_ids_grow_and_html_becomes_entities(bot):
    first = await bot.send_message(1001, "<b>学习</b> 😀 <i>x</i>", parse_mode="HTML")
    second = await bot.send_message(1001, "two")
    assert second.message_id > first.message_id
    assert first.text == "学习 😀 x"
    assert [(e.type, e.offset, e.length) for e in first.entities] == [("bold", 0, 2), ("italic", 6, 1)]
    assert first.html_text == "<b>学习</b> 😀 <i>x</i>"


async def test_lengths_count_utf16_units_after_parsing(bot, refused):
    assert len((await bot.send_message(1001, "<b>" + "a" * 4096 + "</b>", parse_mode="HTML")).text) == 4096
    assert await refused("sendMessage", chat_id=1001, text="a" * 4097) == "Bad Request: message is too long"
    assert await refused("sendMessage", chat_id=1001, text="😀" * 2049) == "Bad Request: message is too long"
    assert await refused("sendMessage", chat_id=1001, text="  \n ") == "Bad Request: message text is empty"
    assert (
        await refused("sendMessage", chat_id=1001, text="<b></b>", parse_mode="HTML")
        == "Bad Request: message text is empty"
    )
    assert await refused("sendMessage", chat_id=1001, text="a" * 40_000) == "Bad Request: text is too long"


async def test_captions_are_shorter(bot, picture, refused):
    photo = (await bot.send_photo(1001, BufferedInputFile(picture(), "a.png"), caption="c" * 1024)).photo[-1].file_id
    said = await refused("sendPhoto", chat_id=1001, photo=photo, caption="😀" * 513)
    assert said == "Bad Request: message caption is too long"


async def test_markdown_is_refused_honestly(refused):
    assert "not Markdown" in await refused("sendMessage", chat_id=1001, text="*x*", parse_mode="MarkdownV2")


async def test_replies(bot, refused):
    first = await bot.send_message(1001, "one")
    second = await bot.send_message(1001, "two", reply_parameters=ReplyParameters(message_id=first.message_id))
    assert second.reply_to_message.text == "one"
    gone = {"message_id": 10**6}
    said = await refused("sendMessage", chat_id=1001, text="x", reply_parameters=gone)
    assert said == "Bad Request: message to be replied not found"
    lenient = ReplyParameters(message_id=10**6, allow_sending_without_reply=True)
    assert (await bot.send_message(1001, "x", reply_parameters=lenient)).reply_to_message is None


async def test_buttons_that_are_fine(bot):
    for kind in (
        {"callback_data": "学" * 21},
        {"url": "https://example.org/a?b"},
        {"copy_text": CopyTextButton(text="学习")},
    ):
        sent = await bot.send_message(1001, "x", reply_markup=keyboard(**kind))
        assert sent.reply_markup.model_dump(exclude_none=True) == keyboard(**kind).model_dump(exclude_none=True)


@pytest.mark.parametrize(
    ("button", "said"),
    [
        ({"text": "x", "callback_data": "a" * 65}, "BUTTON_DATA_INVALID"),
        ({"text": "x", "callback_data": "学" * 22}, "BUTTON_DATA_INVALID"),
        ({"text": "x", "callback_data": ""}, "BUTTON_DATA_INVALID"),
        ({"text": "x", "copy_text": {"text": "a" * 257}}, "BUTTON_COPY_TEXT_INVALID"),
        ({"text": "x", "web_app": {"url": "https://example.org"}}, "BUTTON_TYPE_INVALID"),
        (
            {"text": "x", "url": "javascript:alert(1)"},
            "inline keyboard button URL 'javascript:alert(1)' is invalid: Wrong HTTP URL",
        ),
        ({"text": "x"}, "can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard"),
        ({"text": " ", "callback_data": "a"}, "inline keyboard button text must be non-empty"),
        (
            {"text": "x", "callback_data": "a", "style": "loud"},
            "can't parse inline keyboard button: Invalid button style specified",
        ),
        (
            {"text": "x", "callback_data": "a", "wobble": 1},
            "[strict] reply_markup.inline_keyboard[0][0].wobble is not a field of InlineKeyboardButton",
        ),
    ],
)
async def test_buttons_that_are_refused(refused, button, said):
    markup = {"inline_keyboard": [[button]]}
    assert await refused("sendMessage", chat_id=1001, text="x", reply_markup=markup) == f"Bad Request: {said}"


async def test_too_many_buttons(refused):
    rows = [[{"text": "x", "callback_data": "a"}] * 8] * 13
    said = await refused("sendMessage", chat_id=1001, text="x", reply_markup={"inline_keyboard": rows})
    assert said == "Bad Request: reply markup is too long"


async def test_editing_a_text(bot):
    sent = await bot.send_message(1001, "one", reply_markup=keyboard(callback_data="1"))
    edited = await bot.edit_message_text("two", chat_id=1001, message_id=sent.message_id)
    assert (edited.message_id, edited.text, edited.reply_markup) == (sent.message_id, "two", None)
    assert edited.edit_date is not None
    assert edited.date == sent.date


@pytest.mark.parametrize("again", ["text", "markup"])
async def test_an_edit_that_changes_nothing(bot, again):
    sent = await bot.send_message(1001, "one", reply_markup=keyboard(callback_data="1"))
    where = {"chat_id": 1001, "message_id": sent.message_id, "reply_markup": keyboard(callback_data="1")}
    with pytest.raises(TelegramBadRequest) as refusal:
        await (
            bot.edit_message_text("<b></b>one", parse_mode="HTML", **where)
            if again == "text"
            else bot.edit_message_reply_markup(**where)
        )
    assert refusal.value.message == NOT_MODIFIED


async def test_editing_what_is_not_there_or_not_ours(bot, sim, refused):
    said = await refused("editMessageText", chat_id=1001, message_id=999, text="x")
    assert said == "Bad Request: message to edit not found"
    theirs = (await sim.post("message", json={"learner": 1001, "text": "mine"})).json()["message"]["message_id"]
    said = await refused("editMessageText", chat_id=1001, message_id=theirs, text="x")
    assert said == "Bad Request: message can't be edited"
    assert await refused("editMessageText", text="x", message_id=1) == "Bad Request: chat_id is empty"


async def test_a_text_becomes_a_photo_and_keeps_its_place(bot, picture):
    sent = await bot.send_message(1001, "painting", reply_markup=keyboard(callback_data="cancel"))
    media = InputMediaPhoto(media=BufferedInputFile(picture(), "a.png"), caption="<i>学习</i>", parse_mode="HTML")
    where = {"chat_id": 1001, "message_id": sent.message_id}
    edited = await bot.edit_message_media(media, reply_markup=keyboard(callback_data="again"), **where)
    assert edited.text is None
    assert edited.caption == "学习"
    assert edited.photo[-1].width == 640
    again = InputMediaPhoto(media=edited.photo[-1].file_id, caption="<i>学习</i>", parse_mode="HTML")
    with pytest.raises(TelegramBadRequest, match="message is not modified"):
        await bot.edit_message_media(again, reply_markup=keyboard(callback_data="again"), **where)


async def test_a_photo_has_a_caption_and_no_text(bot, picture, refused):
    sent = await bot.send_photo(1001, BufferedInputFile(picture(), "a.png"))
    where = {"chat_id": 1001, "message_id": sent.message_id}
    assert await refused("editMessageText", text="x", **where) == "Bad Request: there is no text in the message to edit"
    edited = await bot.edit_message_caption(caption="new", **where)
    assert (edited.caption, edited.photo) == ("new", sent.photo)
    text = await bot.send_message(1001, "x")
    said = await refused("editMessageCaption", chat_id=1001, message_id=text.message_id, caption="y")
    assert said == "Bad Request: there is no caption in the message to edit"


async def test_deleting(bot, refused, sim):
    sent = [(await bot.send_message(1001, str(n))).message_id for n in range(3)]
    assert await bot.delete_message(1001, sent[0]) is True
    assert (
        await refused("deleteMessage", chat_id=1001, message_id=sent[0]) == "Bad Request: message to delete not found"
    )
    assert await bot.delete_messages(1001, sent) is True
    assert (await sim.get("transcript")).json()["chats"][0]["messages"] == []
    assert (await bot.send_message(1001, "next")).message_id > sent[-1]


async def test_albums(bot, picture, refused):
    upload = InputMediaPhoto(media=BufferedInputFile(picture(), "a.png"), caption="first")
    sent = await bot.send_media_group(
        1001, [upload, InputMediaPhoto(media=BufferedInputFile(picture(200, 900), "b.png"))]
    )
    assert len({one.media_group_id for one in sent}) == 1
    assert [one.photo[-1].height for one in sent] == [480, 900]
    known = {"type": "photo", "media": sent[0].photo[0].file_id}
    assert "an album holds 2-10" in await refused("sendMediaGroup", chat_id=1001, media=[known])
    mixed = [known, {"type": "document", "media": "x"}]
    assert "can't be mixed" in await refused("sendMediaGroup", chat_id=1001, media=mixed)


async def test_an_album_is_all_or_nothing(bot, refused, sim, picture):
    photo = (await bot.send_photo(1001, BufferedInputFile(picture(), "a.png"))).photo[-1].file_id
    media = [{"type": "photo", "media": photo}, {"type": "photo", "media": "nonsense"}]
    assert (
        await refused("sendMediaGroup", chat_id=1001, media=media)
        == "Bad Request: wrong file identifier/HTTP URL specified"
    )
    assert len((await sim.get("transcript")).json()["chats"][0]["messages"]) == 1


async def test_documents_in_place_of_a_text(bot):
    sent = await bot.send_message(1001, "x")
    media = InputMediaDocument(media=BufferedInputFile(b"notes", "notes.txt"))
    edited = await bot.edit_message_media(media, chat_id=1001, message_id=sent.message_id)
    assert (edited.document.file_name, edited.document.mime_type, edited.document.file_size) == (
        "notes.txt",
        "text/plain",
        5,
    )


async def test_copy_and_forward(bot, picture):
    sent = await bot.send_photo(1001, BufferedInputFile(picture(), "a.png"), caption="one")
    copied = await bot.copy_message(1001, 1001, sent.message_id, caption="two")
    forwarded = await bot.forward_message(1001, 1001, sent.message_id)
    assert copied.message_id > sent.message_id
    assert forwarded.photo == sent.photo
    assert forwarded.forward_origin.sender_user.id == bot.id


async def test_a_learner_who_blocked_the_bot(bot, sim):
    sent = await bot.send_message(1001, "x")
    await sim.patch("learner", json={"id": 1001, "blocked": True})
    with pytest.raises(TelegramForbiddenError) as refusal:
        await bot.send_message(1001, "y")
    assert refusal.value.message == "Forbidden: bot was blocked by the user"
    with pytest.raises(TelegramForbiddenError):
        await bot.edit_message_text("y", chat_id=1001, message_id=sent.message_id)
    await sim.patch("learner", json={"id": 1001, "blocked": False})
    assert await bot.send_message(1001, "y")


async def test_chat_actions_and_reactions(bot, refused):
    sent = await bot.send_message(1001, "x")
    assert await bot.send_chat_action(1001, "upload_photo") is True
    assert (
        await refused("sendChatAction", chat_id=1001, action="sing") == "Bad Request: wrong parameter action in request"
    )
    assert await bot.set_message_reaction(1001, sent.message_id, [{"type": "emoji", "emoji": "👀"}]) is True
    two = [{"type": "emoji", "emoji": "👀"}, {"type": "emoji", "emoji": "👍"}]
    assert (
        await refused("setMessageReaction", chat_id=1001, message_id=sent.message_id, reaction=two)
        == "Bad Request: REACTIONS_TOO_MANY"
    )
