"""Captions and keyboards: hostile text through every one of them in every language changes no tag and breaks no limit."""

from __future__ import annotations

import random
from html.parser import HTMLParser
from pathlib import Path

import pytest
from aiogram.types import InlineKeyboardMarkup
from hypothesis import given
from hypothesis import strategies as st

from bot import captions, keyboards
from bot.callbacks import LARGEST_DATA_BYTES, OrderPress, Press, RestylePress, StylePress
from bot.texts import Texts
from generation.contracts.request import LARGEST_SEED
from generation.styles import STYLES
from storage import Destination, Order, State, StoredPicture

TEXTS = Texts.load()
LARGEST_ID = 2**63 - 1


def order_with(word="学习", translation="study", *, locale="en", **more) -> Order:
    values = {"style": "ink", "seed": LARGEST_SEED, "state": State.QUEUED} | more
    return Order(
        id=LARGEST_ID,
        source_key="tg:1:2:3",
        learner=1,
        locale=locale,
        destination=Destination(chat=1),
        word=word,
        translation=translation,
        language="und",
        width=1024,
        height=1024,
        created_at=0.0,
        **values,
    )


def picture_of(order: Order) -> StoredPicture:
    return StoredPicture(
        id=1,
        sha256="",
        size=1,
        path=Path("x"),
        width=1,
        height=1,
        engine="painter",
        engine_version="1",
        word=order.word,
        translation=order.translation,
        language="und",
        style=order.style,
        seed=order.seed,
    )


def every_caption(order: Order) -> dict[str, str]:
    return {
        "ask": captions.ask_style(TEXTS, order),
        "queued": captions.queued(TEXTS, order),
        "waiting": captions.waiting(TEXTS, order, 2, 33.0),
        "next": captions.waiting(TEXTS, order, 1, None),
        "painting": captions.painting(TEXTS, order, 0.4, 130.0),
        "delivering": captions.delivering(TEXTS, order),
        "finished": captions.finished(TEXTS, order, picture_of(order)),
        "failed": captions.failed(TEXTS, order),
        "cancelled": captions.cancelled(TEXTS, order),
        "resting": captions.resting(TEXTS, order),
        "ready": captions.ready(TEXTS, order),
    }


class Reader(HTMLParser):
    """Reads Telegram's HTML: tags in order, balanced, without attributes; and the text a person sees."""

    def __init__(self, source: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []
        self.open: list[str] = []
        self.seen = ""
        self.feed(source)
        self.close()
        assert not self.open, f"unclosed {self.open} in {source!r}"

    def handle_starttag(self, tag, attrs):
        assert not attrs
        assert tag in {"b", "i", "code"}
        self.tags.append(tag)
        self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.seen += data

    def handle_comment(self, data):
        raise AssertionError("a comment")

    def handle_decl(self, decl):
        raise AssertionError("a declaration")

    def handle_pi(self, data):
        raise AssertionError("an instruction")


PIECES = [
    "<b>",
    "</b>",
    "<a href='x'>",
    "&lt;",
    "&amp;",
    "&#x41;",
    "<",
    ">",
    '"',
    "'",
    "<!--",
    "<?x",
    "</",
    "{$word}",
    "{",
    "}",
    "学",
    "é",
    "😀",
    "\u0301",
    "\u200d",
    "שלום",
    "<code>",
    "a",
    " ",
    "&",
    ";",
    "\\",
    "%s",
    "$",
    "`",
    "*_[x](y)",
]


def hostile(dice: random.Random, longest: int) -> str:
    text = ""
    while len(text) < dice.randint(1, longest):
        text += dice.choice(PIECES)
    return text[:longest]


@pytest.mark.parametrize("locale", TEXTS.locales)
def test_hostile_text_through_every_caption(locale):
    """700 orders a language, 2,100 in all, eleven captions each."""
    dice = random.Random(locale)
    expected = {name: Reader(text).tags for name, text in every_caption(order_with(locale=locale)).items()}
    for _ in range(700):
        word, meaning = hostile(dice, 64), hostile(dice, 200)
        order = order_with(
            word,
            meaning,
            locale=locale,
            error_key="error-style-unknown",
            error_details={"style": hostile(dice, 32), "known": "x"},
        )
        for name, text in every_caption(order).items():
            read = Reader(text)
            assert read.tags == expected[name]
            assert word in read.seen
            assert name == "ready" or meaning in read.seen
            assert captions.units(read.seen) <= captions.CAPTION_UNITS


@given(word=st.text(min_size=1, max_size=64), meaning=st.text(max_size=200), seed=st.integers(0, LARGEST_SEED))
def test_any_text_survives_every_caption(word, meaning, seed):
    for text in every_caption(order_with(word, meaning, seed=seed)).values():
        read = Reader(text.replace("\r", " ").replace("\x00", " "))
        assert captions.units(read.seen) <= captions.CAPTION_UNITS
        text.encode()


@pytest.mark.parametrize("locale", TEXTS.locales)
def test_the_finished_caption_says_word_meaning_style_and_seed(locale):
    read = Reader(captions.finished(TEXTS, order_with(locale=locale), picture_of(order_with())))
    for part in ("学习", "study", TEXTS.get("style-ink", locale), str(LARGEST_SEED)):
        assert part in read.seen


def test_a_word_without_meaning_leaves_no_empty_line():
    assert captions.ask_style(TEXTS, order_with(translation="")).startswith("<b>学习</b>\n\nWhich")


def test_a_row_of_another_version_still_reads():
    text = captions.failed(TEXTS, order_with(error_key="error-from-the-future", error_details={"x": 1}))
    assert TEXTS.get("error-internal", "en") in text
    assert "&lt;neon&gt;" in captions.queued(TEXTS, order_with(style="<neon>"))
    assert captions.queued(TEXTS, order_with(style=None, locale="xx"))


@pytest.mark.parametrize(
    ("eta", "words"),
    [
        (None, ""),
        (float("inf"), ""),
        (float("nan"), ""),
        (-3, "about 5 seconds left"),
        (0.2, "about 5 seconds left"),
        (21, "about 25 seconds left"),
        (55, "about 55 seconds left"),
        (56, "about a minute left"),
        (89, "about a minute left"),
        (100, "about 2 minutes left"),
        (3600, "about 60 minutes left"),
    ],
)
def test_the_rest_of_the_time_in_round_figures(eta, words):
    text = captions.waiting(TEXTS, order_with(), 3, eta)
    assert text.endswith(words or "number 3 in the queue")


@pytest.mark.parametrize(("fraction", "full"), [(-1, 0), (0, 0), (0.05, 0), (0.5, 5), (0.999, 9), (1, 10), (7, 10)])
def test_the_bar_fills_only_when_all_is_done(fraction, full):
    assert captions.progress_bar(fraction) == "▰" * full + "▱" * (10 - full)


@given(st.text(max_size=80), st.integers(1, 60))
def test_shortened_text_keeps_its_limit_and_its_characters(text, limit):
    short = captions.shorten(text, limit)
    assert captions.units(short) <= max(limit, 1)
    assert short == text or (short.endswith("…") and text.startswith(short[:-1]))


def every_keyboard(order: Order) -> list[InlineKeyboardMarkup]:
    asker = 2**52
    listed = keyboards.cancel_list(TEXTS, [order, order], asker=asker, locale=order.locale)
    assert listed is not None
    return [
        keyboards.styles(TEXTS, order),
        keyboards.waiting(TEXTS, order),
        keyboards.finished(TEXTS, order),
        keyboards.other_styles(TEXTS, order),
        keyboards.retry(TEXTS, order),
        listed,
        keyboards.languages(TEXTS, asker=asker, locale=order.locale, chosen="ru"),
    ]


@pytest.mark.parametrize("locale", TEXTS.locales)
def test_no_button_outgrows_telegram(locale):
    order = order_with("W" * 64, "<b>" * 60, locale=locale)
    for keyboard in every_keyboard(order):
        for button in (button for row in keyboard.inline_keyboard for button in row):
            assert 1 <= len(button.text) <= 64
            assert len((button.callback_data or "").encode()) <= LARGEST_DATA_BYTES
            assert bool(button.callback_data) != bool(button.copy_text)
            assert "<b>" not in button.text


def test_the_keyboards_hold_what_they_promise():
    order = order_with()
    styles = [button for row in keyboards.styles(TEXTS, order).inline_keyboard for button in row]
    assert [button.callback_data for button in styles][:5] == [
        StylePress(order=LARGEST_ID, style=name).pack() for name in STYLES
    ]
    finished = [button for row in keyboards.finished(TEXTS, order).inline_keyboard for button in row]
    assert finished[-1].copy_text.text == str(LARGEST_SEED)
    assert {OrderPress.unpack(button.callback_data).press for button in finished[:-1]} == {
        Press.AGAIN,
        Press.OTHERS,
        Press.ORIGINAL,
    }
    others = [button for row in keyboards.other_styles(TEXTS, order).inline_keyboard for button in row]
    assert len(others) == 6
    assert RestylePress.unpack(others[0].callback_data).style == next(iter(STYLES))
    assert keyboards.cancel_list(TEXTS, [], asker=1, locale="en") is None


@given(st.integers(0, LARGEST_ID), st.sampled_from(Press))
def test_callback_data_round_trips(order, press):
    packed = OrderPress(order=order, press=press).pack()
    assert OrderPress.unpack(packed) == OrderPress(order=order, press=press)
    assert len(packed.encode()) <= LARGEST_DATA_BYTES
