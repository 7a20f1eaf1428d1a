"""What an order's message says at each moment of its life: pure functions, Telegram HTML out.

Knows the texts and an order's row. Knows no chat; sends nothing. Everything a learner wrote goes through the messages'
own QUOTE. Lengths are Telegram's: UTF-16 code units of the text after its markup is read, 1,024 under a picture.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from bot.texts import Texts
from generation.styles import STYLES
from storage.model import State

if TYPE_CHECKING:
    from storage.model import Order, StoredPicture

CAPTION_UNITS: Final = 1024
ALERT_UNITS: Final = 200
_WORD_UNITS: Final = 200
_MEANING_UNITS: Final = 500
_BAR_CELLS: Final = 10
_SECONDS_STEP: Final = 5
_MINUTE_S: Final = 60
_DETAIL_UNITS: Final = 60
_CAME_TO_NOTHING: Final = frozenset({State.FAILED, State.DEAD, State.CANCELLED})


def ask_style(texts: Texts, order: Order) -> str:
    """The word, and which style it shall have."""
    return _page(texts, order, texts.get("order-ask-style", order.locale))


def queued(texts: Texts, order: Order) -> str:
    """Waiting, before a place is known."""
    return _page(texts, order, _say(texts, order, "order-queued"))


def waiting(texts: Texts, order: Order, place: int, eta_s: float | None) -> str:
    """Waiting at `place` (1 is next), with about `eta_s` seconds to go when that is known."""
    key = "order-next" if place <= 1 else "order-waiting"
    return _page(texts, order, _say(texts, order, key, place=place), _eta(texts, order, eta_s))


def painting(texts: Texts, order: Order, fraction: float, eta_s: float | None) -> str:
    """Being painted: `fraction` (0 to 1) as a bar, and the rest of the time when it is known."""
    share = min(max(fraction, 0.0), 1.0)
    bar = progress_bar(share)
    progress = texts.get("order-progress", order.locale, bar=bar, percent=round(share * 100))
    return _page(texts, order, _say(texts, order, "order-painting"), progress, _eta(texts, order, eta_s))


def delivering(texts: Texts, order: Order) -> str:
    """Painted; the file is on its way."""
    return _page(texts, order, _say(texts, order, "order-delivering"))


def finished(texts: Texts, order: Order, picture: StoredPicture, *, substitute: bool = False) -> str:
    """The picture's caption: word, meaning, style, seed; at most 1,024 UTF-16 units.

    Args:
        texts: what is said.
        order: whose picture it is.
        picture: its row.
        substitute: it was painted by another engine than the one in charge, which the learner is told.
    """
    label = style_label(texts, picture.style, order.locale)
    line = texts.get("order-finished", order.locale, style=label, seed=str(picture.seed))
    return _page(texts, order, line, texts.get("order-substitute", order.locale) if substitute else "")


def failed(texts: Texts, order: Order) -> str:
    """Why there will be no picture, in the learner's words."""
    return _page(texts, order, texts.get("order-failed", order.locale, reason=_reason(texts, order)))


def cancelled(texts: Texts, order: Order) -> str:
    """The learner stopped it."""
    return _page(texts, order, texts.get("order-cancelled", order.locale))


def beneath_preview(texts: Texts, order: Order, page: str) -> str:
    """`page` as the caption of a preview: where there will be no picture, the preview must not pass for it."""
    if order.state not in _CAME_TO_NOTHING:
        return page
    return page + "\n" + texts.get("order-unfinished", order.locale)


def resting(texts: Texts, order: Order) -> str:
    """The process restarts; nothing is lost."""
    return _page(texts, order, _say(texts, order, "order-resting"))


def ready(texts: Texts, order: Order) -> str:
    """A short message that rings, sent after a long wait because an edit does not."""
    return texts.get("order-ready", order.locale, word=shorten(order.word, _WORD_UNITS))


def style_label(texts: Texts, style: str | None, locale: str) -> str:
    """A style's emoji and localized name as HTML; a name this version does not know is shown as it is."""
    if style is None or style not in STYLES:
        return texts.get("order-meaning", locale, translation=style or "…")
    return f"{STYLES[style].emoji} {texts.get(f'style-{style}', locale)}"


def progress_bar(fraction: float) -> str:
    """`fraction` (0 to 1) as ten cells; the last one fills only when all is done."""
    full = int(min(max(fraction, 0.0), 1.0) * _BAR_CELLS)
    return "▰" * full + "▱" * (_BAR_CELLS - full)


def units(text: str) -> int:
    """Length as Telegram counts it: UTF-16 code units."""
    return len(text.encode("utf-16-le", "replace")) // 2


def shorten(text: str, limit: int) -> str:
    """`text` cut to at most `limit` UTF-16 units, never inside a surrogate pair, with an ellipsis where cut."""
    if units(text) <= limit:
        return text
    kept = text.encode("utf-16-le", "replace")[: (limit - 1) * 2]
    return kept.decode("utf-16-le", "ignore").rstrip() + "…"


def _page(texts: Texts, order: Order, *lines: str) -> str:
    head = texts.get("order-word", order.locale, word=shorten(order.word, _WORD_UNITS))
    if order.translation:
        meaning = shorten(order.translation, _MEANING_UNITS)
        head = f"{head}\n{texts.get('order-meaning', order.locale, translation=meaning)}"
    return f"{head}\n\n" + "\n".join(line for line in lines if line)


def _say(texts: Texts, order: Order, key: str, **args: str | int) -> str:
    return texts.get(key, order.locale, style=style_label(texts, order.style, order.locale), **args)


def _eta(texts: Texts, order: Order, eta_s: float | None) -> str:
    if eta_s is None or not math.isfinite(eta_s):
        return ""
    if eta_s > _MINUTE_S - _SECONDS_STEP:
        return texts.get("order-eta-minutes", order.locale, minutes=max(1, round(eta_s / _MINUTE_S)))
    seconds = max(1, math.ceil(eta_s / _SECONDS_STEP)) * _SECONDS_STEP
    return texts.get("order-eta-seconds", order.locale, seconds=seconds)


def _reason(texts: Texts, order: Order) -> str:
    key = order.error_key if order.error_key and texts.has(order.error_key) else "error-internal"
    details = order.error_details.items()
    short = {name: shorten(value, _DETAIL_UNITS) if isinstance(value, str) else value for name, value in details}
    return texts.get(key, order.locale, **short)
