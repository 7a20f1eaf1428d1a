"""The way of one word through the real process: aiogram over HTTP, real rows, real queue, real painter."""

from __future__ import annotations

import io
import struct

import pytest
from PIL import Image

from tests.end_to_end.chat import Chat, Sim
from tests.end_to_end.processes import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]


def labels(message: dict) -> list[str]:
    return [button["text"] for row in message["reply_markup"]["inline_keyboard"] for button in row]


def test_a_word_becomes_a_picture_in_the_same_message(learner: Chat) -> None:
    learner.write("/write 学习 study")
    status = learner.expect_styles()
    assert len(labels(status)) >= 5

    learner.tap(status, "Watercolor")

    photo = learner.expect_photo()
    assert photo["message_id"] == status["message_id"]
    assert "学习" in photo["caption"]
    assert "study" in photo["caption"]
    largest = max(photo["photo"], key=lambda size: size["width"])
    with Image.open(io.BytesIO(learner.sim.file(largest["file_id"]))) as image:
        assert image.size == (512, 512)
    assert len(learner.photos()) == 1


def test_plain_text_with_a_separator_is_a_word(learner: Chat) -> None:
    learner.ask("любовь - love", "Comic")
    assert "любовь" in learner.expect_photo()["caption"]


def test_write_alone_asks_and_the_next_text_is_the_word(learner: Chat) -> None:
    sent = learner.write("/write")
    learner.expect("a question", lambda message: message["message_id"] > sent["message_id"])
    learner.write("बिल्ली cat")
    status = learner.expect_styles()
    learner.tap(status, "Ink")
    assert "बिल्ली" in learner.expect_photo()["caption"]


def test_again_paints_a_new_seed_in_a_new_message(learner: Chat) -> None:
    learner.ask("山 mountain", "Ink")
    first = learner.expect_photo()
    learner.tap(first, "Again")
    second = learner.expect_photo(count=2)
    assert second["message_id"] != first["message_id"]
    assert second["caption"] != first["caption"]
    assert first["photo"][0]["file_unique_id"] != second["photo"][0]["file_unique_id"]


def test_another_style_keeps_the_seed(learner: Chat) -> None:
    learner.ask("seed:7 水 water", "Ink")
    first = learner.expect_photo()
    learner.tap(first, "style")
    offered = learner.expect(
        "the styles under the picture",
        lambda message: message["message_id"] == first["message_id"] and len(labels(message)) >= 6,
    )
    learner.tap(offered, "Comic")
    second = learner.expect_photo(count=2)
    assert "seed 7" in first["caption"]
    assert "seed 7" in second["caption"]
    assert "Comic" in second["caption"]


def test_the_original_comes_as_a_png_document(learner: Chat) -> None:
    learner.ask("月 moon", "Traditional")
    photo = learner.expect_photo()
    learner.tap(photo, "PNG")
    document = learner.expect("a document", lambda message: "document" in message)
    png = learner.sim.file(document["document"]["file_id"])
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    assert struct.unpack(">II", png[16:24]) == (512, 512)


def test_the_same_word_for_another_learner_comes_from_the_cache_by_file_id(one_process: Sim) -> None:
    first, second = one_process.new_learner("Ana"), one_process.new_learner("Ben")
    first.ask("花 flower", "Realistic")
    painted = first.expect_photo()
    uploads = len([call for call in one_process.calls("editMessageMedia") if call["files"]])

    second.ask("花 flower", "Realistic")

    cached = second.expect_photo()
    assert cached["photo"][-1]["file_unique_id"] == painted["photo"][-1]["file_unique_id"]
    assert len([call for call in one_process.calls("editMessageMedia") if call["files"]]) == uploads


def test_a_second_tap_does_nothing_twice(learner: Chat) -> None:
    learner.write("/write 火 fire")
    status = learner.expect_styles()
    learner.tap(status, "Comic")
    learner.tap_data(status, data=status["reply_markup"]["inline_keyboard"][0][0]["callback_data"])
    learner.expect_photo()
    learner.write("/help")
    learner.expect_text("/write")
    assert len(learner.photos()) == 1


def test_two_learners_at_once_each_get_their_own(one_process: Sim) -> None:
    pair = [one_process.new_learner("Eva"), one_process.new_learner("Udo")]
    for chat, word in zip(pair, ("狗 dog", "猫 cat"), strict=True):
        chat.ask(word, "Ink")
    assert "狗" in pair[0].expect_photo()["caption"]
    assert "猫" in pair[1].expect_photo()["caption"]


def test_cancel_before_a_style_leaves_no_picture(learner: Chat) -> None:
    learner.write("/write 风 wind")
    status = learner.expect_styles()
    learner.write("/cancel")
    learner.expect(
        "the cancelled status",
        lambda message: message["message_id"] == status["message_id"] and not message.get("reply_markup"),
    )
    answer = learner.tap_data(status, data=status["reply_markup"]["inline_keyboard"][0][0]["callback_data"])
    assert answer is not None
    assert not learner.photos()


def test_in_a_group_only_the_one_who_asked_may_press(one_process: Sim) -> None:
    asker, other = one_process.new_learner("Mia"), one_process.new_learner("Tom")
    group = one_process.new_group("Class", [asker.learner, other.learner])
    here, there = Chat(one_process, asker.learner, group), Chat(one_process, other.learner, group)
    sent = here.write("/write 雪 snow")
    status = here.expect_styles(after=sent["message_id"])

    refused = there.tap(status, "Ink")

    assert refused
    assert refused["alert"]
    here.tap(status, "Ink")
    assert here.expect_photo()["message_id"] == status["message_id"]


def test_idle_talk_in_a_group_is_left_alone(one_process: Sim) -> None:
    asker = one_process.new_learner("Kai")
    group = one_process.new_group("Talk", [asker.learner])
    here = Chat(one_process, asker.learner, group)
    here.expect_text("Hello everyone")
    talk = here.write("hello everybody")
    asked = here.write("/help")
    here.expect("help", lambda message: message["message_id"] > asked["message_id"])
    assert len([reply for reply in here.replies() if reply["message_id"] > talk["message_id"]]) == 1


@pytest.mark.parametrize(
    ("word", "part"),
    [("😀😀", "Emoji"), ("𓀀", "U+13000"), ("a" * 3000, "24"), ("/write a\u0001b", "U+0001"), ("\u202eabc", "U+202E")],
)
def test_bad_words_are_refused_with_a_reason(learner: Chat, word: str, part: str) -> None:
    learner.write(word if word.startswith("/") else f"/write {word}")
    assert part in learner.expect("a refusal", lambda message: message.get("text"))["text"]
    assert not [message for message in learner.replies() if message.get("reply_markup", {}).get("inline_keyboard")]


def test_the_interface_follows_the_learners_language(one_process: Sim) -> None:
    olga = one_process.new_learner("Ольга", "ru")
    olga.write("/write дом")
    status = olga.expect_styles()
    assert any("Тушь" in label or "Акварель" in label for label in labels(status)), labels(status)


def test_language_can_be_switched(learner: Chat) -> None:
    learner.write("/language")
    menu = learner.expect("language buttons", lambda message: message.get("reply_markup", {}).get("inline_keyboard"))
    learner.tap(menu, "Русский")
    sent = learner.write("/help")
    reply = learner.expect("help", lambda message: message["message_id"] > sent["message_id"])
    assert any("а" <= letter <= "я" for letter in reply["text"])


def test_gpu_is_for_the_first_learner_and_nobody_else(one_process: Sim, learner: Chat) -> None:
    owner = Chat(one_process)
    owner.write("/gpu")
    assert owner.expect_text("painter")
    learner.write("/gpu")
    assert "painter" not in learner.expect("an answer", lambda message: message.get("text"))["text"]


def test_a_hostile_name_changes_nothing(one_process: Sim) -> None:
    mallory = one_process.new_learner("<b>&amp;<script>alert(1)</script>")
    mallory.ask("/write <b>x</b> <i>&y", "Ink")
    photo = mallory.expect_photo()
    assert "<b>x</b>" in photo["caption"]


def test_buttons_of_another_version_are_answered(learner: Chat) -> None:
    learner.write("/write 石 stone")
    status = learner.expect_styles()
    answer = learner.tap_data(status, data="z9:what:1", forge=True)
    assert answer
    assert answer["text"]


def test_a_429_is_waited_out(one_process: Sim) -> None:
    chat = one_process.new_learner("Zoe")
    one_process.fault(
        "editMessageMedia",
        code=429,
        description="Too Many Requests: retry after 2",
        retry_after=2,
        times=1,
        contains=str(chat.chat),
    )
    chat.ask("竹 bamboo", "Ink")
    chat.expect_photo()
    calls = [
        call
        for call in one_process.calls("editMessageMedia")
        if str(call["parameters"].get("chat_id")) == str(chat.chat)
    ]
    assert [call["code"] for call in calls] == [429, 200]
    assert calls[1]["at"] - calls[0]["at"] >= 2


def test_a_lost_answer_does_not_double_the_picture(one_process: Sim) -> None:
    chat = one_process.new_learner("Ida")
    one_process.fault("editMessageMedia", drop_response=True, times=1, contains=str(chat.chat))
    chat.ask("梅 plum", "Ink")
    chat.expect_photo()
    wait_until(
        lambda: (
            len(
                [
                    c
                    for c in one_process.calls("editMessageMedia")
                    if str(c["parameters"].get("chat_id")) == str(chat.chat)
                ]
            )
            >= 2
        ),
        "the repeated edit",
    )
    assert len(chat.photos()) == 1


def test_a_blocked_learner_gets_nothing_more_and_is_welcome_back(one_process: Sim) -> None:
    chat = one_process.new_learner("Leo")
    chat.write("/write 云 cloud")
    status = chat.expect_styles()
    one_process.fault("editMessageMedia", delay=2, times=1, contains=str(chat.chat))
    chat.tap(status, "Ink")
    one_process.call("PATCH", "/sim/learner", id=chat.learner, blocked=True)
    wait_until(
        lambda: [
            call for call in one_process.calls("*") if call["code"] == 403 and str(chat.chat) in str(call["parameters"])
        ],
        "a call refused because the learner blocked the bot",
    )
    refused = len([call for call in one_process.calls("*") if call["code"] == 403])

    one_process.call("PATCH", "/sim/learner", id=chat.learner, blocked=False)
    sent = chat.write("/write 雨 rain")
    chat.tap(chat.expect_styles(after=sent["message_id"]), "Ink")

    assert "雨" in chat.expect_photo()["caption"]
    assert len(chat.photos()) == 1, "the order from before the block was taken back"
    assert len([call for call in one_process.calls("*") if call["code"] == 403]) <= refused + 1
