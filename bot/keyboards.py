"""The buttons under every message: pure functions from an order to an inline keyboard.

Knows what may be pressed in which situation. Knows no chat and no storage, and sends nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from aiogram.filters.callback_data import CallbackData
from aiogram.types import CopyTextButton, InlineKeyboardButton, InlineKeyboardMarkup

from bot.callbacks import (
    ALL_ORDERS,
    AUTOMATIC,
    CancelPress,
    LanguagePress,
    OrderPress,
    Press,
    RestylePress,
    StylePress,
)
from bot.captions import shorten
from bot.texts import Texts
from generation.styles import STYLES

if TYPE_CHECKING:
    from storage.model import Order

_LABEL_UNITS = 40
MOST_LISTED = 20
"""Orders with a button of their own in `/cancel`'s list; Telegram takes a hundred buttons, people fewer."""


def styles(texts: Texts, order: Order) -> InlineKeyboardMarkup:
    """Under the style question: the five styles, and a way out."""
    rows = _style_rows(texts, order, StylePress)
    return InlineKeyboardMarkup(inline_keyboard=[*rows, [_press(texts, order, Press.CANCEL, "button-cancel")]])


def waiting(texts: Texts, order: Order) -> InlineKeyboardMarkup:
    """Under a waiting or painting order: cancel."""
    return InlineKeyboardMarkup(inline_keyboard=[[_press(texts, order, Press.CANCEL, "button-cancel")]])


def finished(texts: Texts, order: Order) -> InlineKeyboardMarkup:
    """Under the picture: again, other style, the original file, copy the seed."""
    again = _press(texts, order, Press.AGAIN, "button-again")
    others = _press(texts, order, Press.OTHERS, "button-other-style")
    original = _press(texts, order, Press.ORIGINAL, "button-original")
    label = texts.plain("button-copy-seed", order.locale)
    copy = InlineKeyboardButton(text=label, copy_text=CopyTextButton(text=str(order.seed)))
    return InlineKeyboardMarkup(inline_keyboard=[[again, others], [original, copy]])


def other_styles(texts: Texts, order: Order) -> InlineKeyboardMarkup:
    """Under the picture after "other style": the five styles with the same seed, and back."""
    rows = _style_rows(texts, order, RestylePress)
    return InlineKeyboardMarkup(inline_keyboard=[*rows, [_press(texts, order, Press.BACK, "button-back")]])


def retry(texts: Texts, order: Order) -> InlineKeyboardMarkup:
    """Under a failed (or cancelled) order: the same once more."""
    return InlineKeyboardMarkup(inline_keyboard=[[_press(texts, order, Press.RETRY, "button-retry")]])


def cancel_list(texts: Texts, orders: Sequence[Order], *, asker: int, locale: str) -> InlineKeyboardMarkup | None:
    """Under `/cancel`'s question: a line for each of the newest open orders, then all of them; None without any.

    Args:
        texts: the words on the buttons.
        orders: oldest first.
        asker: Telegram user the list is shown to.
        locale: in which language.
    """
    if not orders:
        return None
    rows = [
        [_button(f"✖️ {shorten(order.word, _LABEL_UNITS)}", CancelPress(order=order.id, asker=asker))]
        for order in orders[-MOST_LISTED:]
    ]
    everything = _button(texts.plain("button-cancel-all", locale), CancelPress(order=ALL_ORDERS, asker=asker))
    return InlineKeyboardMarkup(inline_keyboard=[*rows, [everything]] if len(orders) > 1 else rows)


def languages(texts: Texts, *, asker: int, locale: str, chosen: str | None) -> InlineKeyboardMarkup:
    """The interface languages, each by its own name, and "as in Telegram"; the chosen one is ticked."""
    labels = {code: texts.plain("language-name", code) for code in texts.locales}
    labels[AUTOMATIC] = texts.plain("button-language-auto", locale)
    current = chosen or AUTOMATIC
    return InlineKeyboardMarkup(
        inline_keyboard=[
            [_button(f"✓ {label}" if code == current else label, LanguagePress(locale=code, asker=asker))]
            for code, label in labels.items()
        ]
    )


def _style_rows(texts: Texts, order: Order, kind: type[StylePress | RestylePress]) -> list[list[InlineKeyboardButton]]:
    buttons = [
        _button(
            texts.plain(
                "button-style", order.locale, emoji=style.emoji, style=texts.plain(f"style-{name}", order.locale)
            ),
            kind(order=order.id, style=name),
        )
        for name, style in STYLES.items()
    ]
    return [buttons[start : start + 2] for start in range(0, len(buttons), 2)]


def _press(texts: Texts, order: Order, press: Press, key: str) -> InlineKeyboardButton:
    return _button(texts.plain(key, order.locale), OrderPress(order=order.id, press=press))


def _button(text: str, data: CallbackData) -> InlineKeyboardButton:
    return InlineKeyboardButton(text=text, callback_data=data.pack())
