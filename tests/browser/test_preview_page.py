"""A picture seen growing in the chat page: one bubble, photos that follow each other without a gap, a steady size."""

from __future__ import annotations

import time

import pytest
from playwright.sync_api import expect

ME = 1001
CANCEL = {"inline_keyboard": [[{"text": "Cancel", "callback_data": "cancel"}]]}
FINISHED = {"inline_keyboard": [[{"text": "Again", "callback_data": "again"}]]}
SAMPLER = """
() => {
  window.lowest = 1;
  window.sizes = new Set();
  const look = () => {
    const frame = document.querySelector(".photo");
    const seen = [...(frame?.querySelectorAll("img") ?? [])].filter((image) => image.complete && image.naturalWidth);
    window.lowest = Math.min(window.lowest, Math.max(0, ...seen.map((image) => Number(getComputedStyle(image).opacity))));
    window.sizes.add(Math.round(frame.getBoundingClientRect().width));
    window.sampling = requestAnimationFrame(look);
  };
  look();
}
"""
SIDES = {"full": {"width": 1280, "height": 800}, "small": {"width": 390, "height": 844}}


@pytest.fixture(params=SIDES)
def chat(request, new_page, playground):
    """The page, ready, on a large and on a small screen."""
    page = new_page(viewport=SIDES[request.param])
    page.goto(playground.url)
    expect(page.locator("#app")).to_have_attribute("data-line", "up")
    return page


class Status:
    """A status message that becomes a preview, the next preview, and the picture."""

    def __init__(self, bot, paint):
        self.bot, self.paint = bot, paint
        self.id = bot.say(ME, "学习 · 0%", reply_markup=CANCEL)["message_id"]

    def show(self, caption, *, side=128, colour="#333333", keyboard=CANCEL):
        media = {"type": "photo", "media": "attach://picture", "caption": caption}
        self.bot.call(
            "editMessageMedia",
            {"picture": self.paint(side, side, colour)},
            chat_id=ME,
            message_id=self.id,
            media=media,
            reply_markup=keyboard,
        )

    def say(self, caption):
        self.bot.call("editMessageCaption", chat_id=ME, message_id=self.id, caption=caption, reply_markup=CANCEL)


def loaded(page, width):
    page.wait_for_function(
        "(width) => [...document.querySelectorAll('.photo img')].some((one) => one.complete && one.naturalWidth === width)",
        arg=width,
    )


def test_previews_follow_each_other_without_a_gap(chat, bot, paint):
    def slowly(route):
        time.sleep(0.25)  # a photo takes its time; the one before must stay in sight
        route.continue_()

    chat.route("**/sim/file/*", slowly)
    status = Status(bot, paint)
    row = chat.locator(f".row[data-id='{status.id}']")
    expect(row.locator(".text")).to_contain_text("0%")
    row.evaluate("(element) => { element.marked = true; }")
    status.show("10%", side=300)
    loaded(chat, 300)
    expect(row.locator(".photo")).not_to_have_class("photo coming")
    chat.wait_for_function("() => getComputedStyle(document.querySelector('.photo img')).opacity === '1'")
    chat.evaluate(SAMPLER)
    for step, side in enumerate((128, 130, 132), start=2):
        status.show(f"{step}0%", side=side, colour=f"#{step * 2}05020")
        expect(row.locator(".text")).to_contain_text(f"{step}0%")
        loaded(chat, side)
    assert chat.evaluate("() => window.lowest") == 1, "for a moment there was no picture"
    assert len(chat.evaluate("() => [...window.sizes]")) == 1, "the picture jumped"
    assert row.evaluate("(element) => element.marked"), "the row was replaced instead of edited"
    expect(row.locator(".photo img")).to_have_count(1)


def test_progress_changes_the_caption_alone(chat, bot, paint):
    status = Status(bot, paint)
    status.show("▰▱▱ 10%")
    loaded(chat, 128)
    image = chat.locator(".photo img")
    image.evaluate("(element) => { element.marked = true; }")
    status.say("▰▰▱ 60%")
    expect(chat.locator(".row .text")).to_contain_text("60%")
    assert image.evaluate("(element) => element.marked"), "the photo was drawn anew for its caption"
    expect(chat.locator(".keyboard").get_by_role("button", name="Cancel")).to_be_visible()


def test_the_picture_takes_the_previews_place_and_its_buttons(chat, bot, paint):
    status = Status(bot, paint)
    status.show("50%")
    loaded(chat, 128)
    status.show("学习", side=1024, colour="#c23b2c", keyboard=FINISHED)
    loaded(chat, 1024)
    expect(chat.locator(".photo img")).to_have_count(1)
    expect(chat.locator(".row .bubble")).to_have_count(1)
    expect(chat.locator(".keyboard").get_by_role("button")).to_have_text(["Again"])
    chat.locator(".photo").click()
    expect(chat.get_by_role("dialog").locator("img")).to_be_visible()
