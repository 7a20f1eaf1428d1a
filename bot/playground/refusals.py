"""Telegram's own words of refusal; knows texts and codes (tdlib/telegram-bot-api, Client.cpp), not when they apply."""

from typing import Any

NOT_MODIFIED = (
    "message is not modified: specified new message content and reply markup are exactly the same as a current content "
    "and reply markup of the message"
)
QUERY_TOO_OLD = "query is too old and response timeout expired or query ID is invalid"
OTHER_POLLER = "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running"
WEBHOOK_ACTIVE = (
    "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first"
)
WRONG_FILE = "wrong file identifier/HTTP URL specified"
BLOCKED = "Forbidden: bot was blocked by the user"

_MISSING = {
    "chat_id": "chat_id is empty",
    "text": "message text is empty",
    "message_id": "message identifier is not specified",
    "photo": "there is no photo in the request",
    "document": "there is no document in the request",
    "file_id": "file_id not specified",
    "callback_query_id": QUERY_TOO_OLD,
}


class Refusal(Exception):
    """The Bot API refuses a call.

    Args:
        code: HTTP status and ``error_code``.
        description: The whole ``description`` as the bot reads it.
        parameters: ``ResponseParameters``, such as ``retry_after``.
    """

    def __init__(self, code: int, description: str, **parameters: int) -> None:
        super().__init__(description)
        self.code = code
        self.description = description
        self.parameters = parameters

    def body(self) -> dict[str, Any]:
        """The JSON object sent to the bot."""
        out: dict[str, Any] = {"ok": False, "error_code": self.code, "description": self.description}
        return out | {"parameters": self.parameters} if self.parameters else out


def bad(text: str) -> Refusal:
    """A 400; the first letter is lowered unless the text is a constant such as BUTTON_DATA_INVALID, as Telegram."""
    lowered = text if text[:2].isupper() else text[:1].lower() + text[1:]
    return Refusal(400, f"Bad Request: {lowered}")


def missing(parameter: str) -> Refusal:
    """A required parameter is not there."""
    return bad(_MISSING.get(parameter, f'parameter "{parameter}" is required'))


def too_many(retry_after: int) -> Refusal:
    """The 429 of flood control; ``retry_after`` in seconds."""
    return Refusal(429, f"Too Many Requests: retry after {retry_after}", retry_after=retry_after)
