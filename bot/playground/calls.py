"""The call log: what the bot asked and what it was told, for tests and for the page; kept in memory since the start."""

from collections import deque
from dataclasses import dataclass
from typing import Any

from bot.playground.refusals import Refusal
from bot.playground.wire import Call

KEPT = 2000
_LONG = 4096


@dataclass(frozen=True)
class Outcome:
    """How a call ended: ``code`` 0 means the connection was closed without an answer."""

    code: int
    description: str = ""
    fault: bool = False

    @classmethod
    def of(cls, refusal: Refusal | None, *, fault: bool, dropped: bool = False) -> "Outcome":
        """The outcome of a call that was refused, or was not."""
        code = 0 if dropped else refusal.code if refusal else 200
        return cls(code, refusal.description if refusal else "", fault)


class Calls:
    """The last calls, numbered."""

    def __init__(self) -> None:
        self._kept: deque[dict[str, Any]] = deque(maxlen=KEPT)
        self._number = 0

    def add(self, call: Call, outcome: Outcome, at: float, seconds: float) -> dict[str, Any]:
        """Keeps a call; ``at`` in unix seconds, ``seconds`` it took."""
        self._number += 1
        row: dict[str, Any] = {
            "n": self._number,
            "at": at,
            "method": call.method,
            "parameters": {name: value[:_LONG] for name, value in call.raw.items()},
            "files": {name: len(part.data) for name, part in call.parts.items()},
            "code": outcome.code,
            "ok": outcome.code == 200,  # noqa: PLR2004 - HTTP's own number
            "seconds": round(seconds, 6),
        }
        if outcome.description:
            row["description"] = outcome.description
        if outcome.fault:
            row["fault"] = True
        self._kept.append(row)
        return row

    def listed(self, method: str | None, since: int) -> list[dict[str, Any]]:
        """The calls after number ``since``, of one method or all, oldest first."""
        wanted = method.lower() if method else None
        return [row for row in self._kept if row["n"] > since and wanted in {None, row["method"].lower()}]

    def clear(self) -> None:
        """Forgets them; numbers go on."""
        self._kept.clear()
