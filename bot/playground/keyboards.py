"""Inline keyboards: what Telegram takes, and which data their buttons carry; knows nothing of messages or chats."""

import re
from collections.abc import Callable
from typing import Any

from bot.playground.refusals import bad
from bot.playground.state import Json

MAX_BUTTONS = 100
_URL = re.compile(r"(https?://[^\s/]+\S*|tg://\S+|[^\s/:]+\.[a-z]{2,}(/\S*)?)", re.IGNORECASE)
_STYLES = {"danger", "success", "primary", "link"}
_OURS = ("url", "callback_data", "copy_text", "disabled")
_REFUSED = ("web_app", "login_url", "switch_inline_query", "switch_inline_query_current_chat", "callback_game", "pay")


def inline_keyboard(markup: Any) -> Json | None:
    """The keyboard as the message keeps it: empty rows dropped, None when nothing is left.

    Raises:
        Refusal: BUTTON_DATA_INVALID, an invalid address, a button without a kind, kinds the playground does not know.
    """
    if not markup:
        return None
    if "inline_keyboard" not in markup:
        if "keyboard" in markup:
            raise bad("reply keyboards are not supported by the playground")
        return None
    rows = [[_button(button) for button in row] for row in markup["inline_keyboard"] if row]
    if sum(map(len, rows)) > MAX_BUTTONS:
        raise bad("reply markup is too long")
    return {"inline_keyboard": rows} if rows else None


def question(markup: Any) -> Json | None:
    """What a ForceReply asks of the one who sees the message: ``selective`` and ``input_field_placeholder``, or None.

    Raises:
        Refusal: a placeholder that is too long.
    """
    if not isinstance(markup, dict) or not markup.get("force_reply"):
        return None
    asked = {k: markup[k] for k in ("selective", "input_field_placeholder") if markup.get(k)}
    if not 0 <= len(asked.get("input_field_placeholder", "")) <= 64:  # noqa: PLR2004 - characters, Bot API
        raise bad("input field placeholder is too long")
    return asked | {"force_reply": True}


def _button(button: Json) -> Json:
    if not str(button.get("text", "")).strip():
        raise bad("inline keyboard button text must be non-empty")
    kinds = [kind for kind in _OURS if kind in button]
    if any(kind in button for kind in _REFUSED):
        raise bad("BUTTON_TYPE_INVALID")
    if len(kinds) != 1:
        raise bad("can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard")
    if button.get("style", "primary") not in _STYLES:
        raise bad("can't parse inline keyboard button: Invalid button style specified")
    _CHECKS[kinds[0]](button[kinds[0]])
    return button


def _check_url(url: str) -> None:
    if not _URL.fullmatch(url):
        raise bad(f"inline keyboard button URL '{url}' is invalid: Wrong HTTP URL")


def _check_data(data: str) -> None:
    if not 1 <= len(data.encode("utf-8", "surrogatepass")) <= 64:  # noqa: PLR2004 - bytes, Bot API
        raise bad("BUTTON_DATA_INVALID")


def _check_copy(copy: Json) -> None:
    if not 1 <= len(copy.get("text", "")) <= 256:  # noqa: PLR2004 - characters, Bot API
        raise bad("BUTTON_COPY_TEXT_INVALID")


_CHECKS: dict[str, Callable[[Any], None]] = {
    "url": _check_url,
    "callback_data": _check_data,
    "copy_text": _check_copy,
    "disabled": lambda _: None,
}


def buttons(message: Json) -> list[Json]:
    """Every button of a message, row by row."""
    return [button for row in message.get("reply_markup", {}).get("inline_keyboard", ()) for button in row]


def callback_data(message: Json) -> list[str]:
    """The data of a message's callback buttons."""
    return [button["callback_data"] for button in buttons(message) if "callback_data" in button]
