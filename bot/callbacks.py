"""What a button carries back: an order's id and a wish, at most 64 bytes, versioned by its prefix.

A press is a claim, never a proof: anybody may forge these bytes. Who owns the order, and what state it is in, is asked
of the row. A changed field layout gets a new prefix, so old buttons fall through to a polite answer.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Final

from aiogram.filters.callback_data import CallbackData
from pydantic import Field

LARGEST_DATA_BYTES: Final = 64
RowId = Annotated[int, Field(ge=0, le=2**63 - 1)]
"""What SQLite can hold; a forged larger number is no button of ours."""
ALL_ORDERS: Final = 0
AUTOMATIC: Final = "auto"


class Press(StrEnum):
    """What an order's button asks for."""

    CANCEL = "cancel"  # stop waiting for this picture
    AGAIN = "again"  # another picture of the word: next seed, same style
    OTHERS = "others"  # show the five styles under the picture
    BACK = "back"  # show the picture's own buttons again
    ORIGINAL = "original"  # the PNG as a document
    RETRY = "retry"  # the same picture once more after a failure


class OrderPress(CallbackData, prefix="o1"):
    """A button of one order."""

    order: RowId
    press: Press


class StylePress(CallbackData, prefix="s1"):
    """One of the five style buttons of a word that waits for its style."""

    order: RowId
    style: str


class RestylePress(CallbackData, prefix="r1"):
    """One of the five style buttons under a finished picture: a new order, same seed."""

    order: RowId
    style: str


class CancelPress(CallbackData, prefix="x1"):
    """A line of `/cancel`'s list.

    `order` is `ALL_ORDERS` on the last line; `asker` is the Telegram user the list was shown to.
    """

    order: RowId
    asker: int


class LanguagePress(CallbackData, prefix="l1"):
    """An interface language, or `AUTOMATIC`. `asker` is the Telegram user the question was put to."""

    locale: str
    asker: int
