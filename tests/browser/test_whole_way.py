"""The whole way in a browser: the real bot, its own playground, the chat page. Writes 学习, taps a style, sees the picture."""

from __future__ import annotations

from contextlib import closing

import pytest
from playwright.sync_api import expect

from tests.end_to_end.conftest import SMALL
from tests.end_to_end.processes import Process

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]
LONG_MS = 60_000


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """The address of a bot started as `make run` starts it."""
    with closing(Process([], tmp_path_factory.mktemp("browser"), SMALL, "bot")) as process:
        yield process.url() + "/"


@pytest.fixture
def open_page(address, new_page):
    """Opens the chat page and waits until it is live."""

    def visit(**options):
        page = new_page(**options)
        page.goto(address)
        expect(page.locator("#app")).to_have_attribute("data-phase", "ready", timeout=LONG_MS)
        expect(page.locator("#app")).to_have_attribute("data-line", "up", timeout=LONG_MS)
        return page

    return visit


def write(page, text):
    page.locator("#composer-text").fill(text)
    page.keyboard.press("Enter")


def test_a_word_is_written_a_style_tapped_and_the_picture_seen(open_page):
    page = open_page()
    write(page, "/write 学习 study")
    buttons = page.locator(".keyboard").last.get_by_role("button")
    expect(buttons.filter(has_text="Watercolor")).to_be_visible(timeout=LONG_MS)
    assert buttons.count() >= 5

    buttons.filter(has_text="Watercolor").click()

    photo = page.locator(".row.theirs img").last
    expect(photo).to_be_visible(timeout=LONG_MS)
    page.wait_for_function(
        "image => image.complete && image.naturalWidth >= 320", arg=photo.element_handle(), timeout=LONG_MS
    )
    bubble = page.locator(".row.theirs .bubble").last
    expect(bubble).to_contain_text("学习")
    expect(bubble).to_contain_text("study")
    expect(page.locator(".keyboard").last.get_by_role("button").filter(has_text="Again")).to_be_visible()


def test_the_buttons_of_a_picture_work_in_the_page(open_page):
    page = open_page(viewport={"width": 390, "height": 844})
    write(page, "любовь - love")
    page.locator(".keyboard").last.get_by_role("button").filter(has_text="Ink").click(timeout=LONG_MS)
    again = page.locator(".keyboard").last.get_by_role("button").filter(has_text="Again")
    expect(again).to_be_visible(timeout=LONG_MS)
    before = page.locator(".row.theirs img").count()
    again.click()
    expect(page.locator(".row.theirs img")).to_have_count(before + 1, timeout=LONG_MS)


def test_a_refusal_is_read_in_the_page(open_page):
    page = open_page()
    write(page, "/write 😀😀")
    expect(page.locator(".row.theirs .bubble").last).to_contain_text("Emoji", timeout=LONG_MS)


def test_chinese_is_never_drawn_as_empty_boxes(open_page):
    """Machines without a Chinese font get the bot's own: two different characters must look different."""
    page = open_page()
    page.wait_for_function(
        """() => {
          const drawn = (character) => {
            const canvas = document.createElement("canvas");
            canvas.width = canvas.height = 32;
            const pen = canvas.getContext("2d");
            pen.font = `24px ${getComputedStyle(document.documentElement).fontFamily}`;
            pen.fillText(character, 2, 26);
            return canvas.toDataURL();
          };
          return drawn("学") !== drawn("习");
        }""",
        timeout=LONG_MS,
    )
