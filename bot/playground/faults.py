"""Faults on demand: what goes wrong with which call, how often.

Knows how to match a call and what to answer; ``bot_api`` carries it out.
"""

import json
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from bot.playground.refusals import BLOCKED, OTHER_POLLER, Refusal, too_many

MAX_DELAY_S = 600
_TEXTS = {
    400: "Bad Request",
    401: "Unauthorized",
    403: BLOCKED,
    404: "Not Found",
    409: OTHER_POLLER,
    413: "Request Entity Too Large",
    500: "Internal Server Error",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Gateway Timeout",
}


class Fault(BaseModel):
    """One fault; the fields are described in docs/playground.md."""

    model_config = ConfigDict(extra="forbid")

    method: str = Field(max_length=64)
    code: int | None = Field(default=None, ge=400, le=599)
    description: str | None = Field(default=None, max_length=1000)
    retry_after: int | None = Field(default=None, ge=0, le=100_000)
    times: int = Field(default=1, ge=1)
    contains: str | None = None
    delay: float = Field(default=0.0, ge=0, le=MAX_DELAY_S)
    drop_response: bool = False
    drop_request: bool = False
    html: bool = False

    def matches(self, method: str, parameters: dict[str, Any]) -> bool:
        """Whether this fault is meant for the call."""
        if self.method not in {"*", "any"} and self.method.lower() != method.lower():
            return False
        return self.contains is None or self.contains in json.dumps(parameters, ensure_ascii=False)

    def refusal(self) -> Refusal | None:
        """The answer in place of the real one; None where the call is to be carried out."""
        if self.retry_after is not None and self.code in {None, 429}:
            refusal = too_many(self.retry_after)
            return Refusal(429, self.description, retry_after=self.retry_after) if self.description else refusal
        if self.code is None:
            return Refusal(502, self.description or _TEXTS[502]) if self.html else None
        if self.code == 429:  # noqa: PLR2004 - HTTP's own number
            return too_many(1)
        return Refusal(self.code, self.description or _TEXTS.get(self.code, f"Error {self.code}"))


class Faults:
    """The faults waiting to happen, first come first served."""

    def __init__(self) -> None:
        self._waiting: list[Fault] = []

    def add(self, fault: Fault) -> None:
        """Adds one behind the others."""
        self._waiting.append(fault)

    def clear(self) -> None:
        """Everything works again."""
        self._waiting.clear()

    def listed(self) -> list[dict[str, Any]]:
        """What still waits, with the times left."""
        return [fault.model_dump(exclude_none=True) for fault in self._waiting]

    def take(self, method: str, parameters: dict[str, Any]) -> Fault | None:
        """The fault this call meets, if any; one of its times is used up."""
        for fault in self._waiting:
            if fault.matches(method, parameters):
                fault.times -= 1
                if fault.times == 0:
                    self._waiting.remove(fault)
                return fault
        return None
