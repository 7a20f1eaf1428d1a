"""What an answer that is not a success means for us. Maps every aiogram error to one verdict; decides nothing itself.

The texts come from the Bot API server's own source (tdlib/telegram-bot-api, `Client.cpp`), matched in lower case.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from aiogram.exceptions import (
    AiogramError,
    ClientDecodeError,
    TelegramAPIError,
    TelegramBadRequest,
    TelegramEntityTooLarge,
    TelegramForbiddenError,
    TelegramMigrateToChat,
    TelegramNetworkError,
    TelegramRetryAfter,
    TelegramServerError,
)
from aiohttp import ClientConnectorError, ConnectionTimeoutError

Failure = AiogramError | OSError | UnicodeDecodeError
"""What a call may raise: aiogram's tree, and what aiohttp lets through (a broken pipe, a page in the wrong charset)."""
FAILURES = (AiogramError, OSError, UnicodeDecodeError)


class Verdict(Enum):
    """What became of a call that did not answer with a result."""

    DONE = "done"
    """It is as we wanted it: the message already looks so, or the answer could not be read but says ok."""
    NOT_DONE = "not done"
    """Certainly nothing happened: no connection, or the server said so (5xx in JSON). Anything may be repeated."""
    UNSURE = "unsure"
    """It may have happened: lost answer, timeout, a proxy's page. Repeat only what may happen twice."""
    WAIT = "wait"
    """429: nothing happened, and nothing may be sent for `retry_after_s`."""
    GONE = "gone"
    """The message to edit does not exist any more (or cannot be edited)."""
    NO_TEXT = "no text"
    """The message to edit is a photo: its words are a caption."""
    NO_CAPTION = "no caption"
    """The message to edit is a text: it has no caption."""
    LATE = "late"
    """The callback query is too old to answer."""
    BLOCKED = "blocked"
    """The learner blocked the bot, left Telegram, or the group threw the bot out."""
    MOVED = "moved"
    """The group became a supergroup with id `chat`."""
    WRONG_FILE = "wrong file"
    """The file id is not (or no longer) good for this bot and kind."""
    TOO_LARGE = "too large"
    """The file is too large, or not acceptable as a photo."""
    MOOT = "moot"
    """It was not sent (again) because nobody wants it any more."""
    REFUSED = "refused"
    """Anything else: repeating it will not help."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A verdict and what it needs: seconds to wait for `WAIT`, the new chat for `MOVED`."""

    verdict: Verdict
    retry_after_s: float = 0.0
    chat: int = 0
    kind: str = ""


class Refused(Exception):
    """A call ended without a result and is not repeated."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.verdict.value)
        self.refusal = refusal
        self.verdict = refusal.verdict


_PHRASES: tuple[tuple[str, Verdict], ...] = (
    ("message is not modified", Verdict.DONE),
    ("message to edit not found", Verdict.GONE),
    ("message_id_invalid", Verdict.GONE),
    ("message can't be edited", Verdict.GONE),
    ("there is no text in the message", Verdict.NO_TEXT),
    ("there is no caption in the message", Verdict.NO_CAPTION),
    ("message to be replied not found", Verdict.GONE),
    ("query is too old", Verdict.LATE),
    ("query id is invalid", Verdict.LATE),
    ("wrong file identifier", Verdict.WRONG_FILE),
    ("wrong remote file identifier", Verdict.WRONG_FILE),
    ("can't use file of type", Verdict.WRONG_FILE),
    ("file reference", Verdict.WRONG_FILE),
    ("file is too big", Verdict.TOO_LARGE),
    ("photo_invalid_dimensions", Verdict.TOO_LARGE),
    ("image_process_failed", Verdict.TOO_LARGE),
    ("request entity too large", Verdict.TOO_LARGE),
    ("user is deactivated", Verdict.BLOCKED),
    ("chat not found", Verdict.BLOCKED),
)


def judge(error: Failure) -> Refusal:
    """What `error` means.

    Args:
        error: one of `FAILURES`.
    """
    return Refusal(_verdict(error), _retry_after(error), _new_chat(error), type(error).__name__)


_BY_TYPE: tuple[tuple[type[Exception], Verdict], ...] = (
    (TelegramRetryAfter, Verdict.WAIT),
    (TelegramMigrateToChat, Verdict.MOVED),
    (TelegramForbiddenError, Verdict.BLOCKED),
    (TelegramEntityTooLarge, Verdict.TOO_LARGE),
    (TelegramServerError, Verdict.NOT_DONE),
    (OSError, Verdict.UNSURE),
    (UnicodeDecodeError, Verdict.UNSURE),
)


def _verdict(error: Failure) -> Verdict:
    for kind, verdict in _BY_TYPE:
        if isinstance(error, kind):
            return verdict
    match error:
        case TelegramBadRequest():
            return _bad_request(error.message.lower())
        case TelegramNetworkError():
            return Verdict.NOT_DONE if _never_left(error) else Verdict.UNSURE
        case TelegramAPIError():
            # 401, 404, 409: about the token, the address or another instance, not about this message. Whoever polls
            # ends the process for it; until then no order may be given up.
            return Verdict.NOT_DONE
        case ClientDecodeError():
            return _undecoded(error)
    return Verdict.REFUSED


def _bad_request(text: str) -> Verdict:
    return next((verdict for phrase, verdict in _PHRASES if phrase in text), Verdict.REFUSED)


def _never_left(error: TelegramNetworkError) -> bool:
    """Without a connection nothing can have been sent; aiogram keeps aiohttp's error as the cause."""
    return isinstance(error.__cause__, (ClientConnectorError, ConnectionTimeoutError))


def _undecoded(error: ClientDecodeError) -> Verdict:
    """JSON that says ok was done, even when aiogram does not know its result's shape; repeating would double it."""
    if isinstance(error.data, dict) and error.data.get("ok") is True:
        return Verdict.DONE
    return Verdict.UNSURE


def _retry_after(error: Failure) -> float:
    return float(error.retry_after) if isinstance(error, TelegramRetryAfter) else 0.0


def _new_chat(error: Failure) -> int:
    return error.migrate_to_chat_id if isinstance(error, TelegramMigrateToChat) else 0
