"""How the process logs: one line a record, to stderr, with every secret taken out. Knows nothing of what is logged.

Redaction happens in the formatter, after the message, its arguments and the traceback have become one text. A filter
sees the parts before that and lets two of three leaks through: arguments that are objects, and tracebacks.
"""

from __future__ import annotations

import logging
import os
import re
import sys
from collections.abc import Mapping
from types import TracebackType
from urllib.parse import quote

TOKEN_SHAPE = re.compile(r"(?<!\d)\d{5,16}(?::|%3[Aa])[A-Za-z0-9_-]{20,}")
HUB_TOKEN_SHAPE = re.compile(r"(?<![0-9A-Za-z_])hf_[A-Za-z0-9]{20,}")
LOGIN_SHAPE = re.compile(r"(?<=://)[^/\s?#'\"]{1,512}@")
"""`user:password@` of an address: a mirror's, a proxy's."""
REDACTED = "<token>"
SECRET_NAMES = ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN")
SHORTEST_SECRET = 8
"""Characters; anything shorter would take half of every line with it."""

_QUIET = {
    "aiogram.event": logging.WARNING,
    "alembic": logging.WARNING,
    # These tell whole addresses, some with a login in them, and headers.
    **dict.fromkeys(("httpx", "httpx2", "httpcore", "httpcore2", "huggingface_hub", "filelock"), logging.WARNING),
    "asyncio": logging.INFO,
    "uvicorn": logging.WARNING,
    "uvicorn.error": logging.WARNING,
    # These two print statements with their parameters at DEBUG, and those carry learners' words.
    "aiosqlite": logging.INFO,
    "sqlalchemy.engine": logging.WARNING,
}


def redact(text: str, known: tuple[str, ...] = ()) -> str:
    """Replace each secret in `known`, and everything that looks like a token or like a login in an address.

    Args:
        text: any.
        known: secrets; taken out percent-encoded, too.
    """
    for secret in known:
        for form in (secret, quote(secret, safe="")):
            text = text.replace(form, REDACTED)
    for shape in (TOKEN_SHAPE, HUB_TOKEN_SHAPE):
        text = shape.sub(REDACTED, text)
    return LOGIN_SHAPE.sub(f"{REDACTED}@", text)


class RedactingFormatter(logging.Formatter):
    """Formats a record, then takes the secrets out of the whole of it.

    Args:
        known: secrets to remove beside those recognised by their shape.
    """

    def __init__(self, known: tuple[str, ...] = ()) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(name)s: %(message)s", "%Y-%m-%d %H:%M:%S")
        self._known = tuple(secret for secret in known if secret)

    def format(self, record: logging.LogRecord) -> str:
        """The finished text of a record, without secrets."""
        return redact(super().format(record), self._known)


def set_up(level: str, known: tuple[str, ...] = ()) -> None:
    """Send every logger of the process through one redacting handler on stderr, uncaught exceptions included.

    Args:
        level: the lowest that is told.
        known: secrets to take out, beside the hub's token where the environment has one.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(RedactingFormatter((*known, *_secrets(os.environ))))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    logging.captureWarnings(capture=True)
    for name, quiet_level in _QUIET.items():
        logging.getLogger(name).setLevel(max(quiet_level, logging.getLevelName(level)))
    sys.excepthook = _log_uncaught


def _secrets(environment: Mapping[str, str]) -> tuple[str, ...]:
    found = (environment.get(name, "").strip() for name in SECRET_NAMES)
    return tuple(secret for secret in found if len(secret) >= SHORTEST_SECRET)


def _log_uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        return
    logging.getLogger("wordbrush").critical("uncaught", exc_info=(kind, error, trace))
