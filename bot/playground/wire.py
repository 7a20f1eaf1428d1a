"""The Bot API's wire: a request in any of its shapes becomes a Call; knows HTTP, not what a method does."""

import json
from dataclasses import dataclass, field
from typing import Any

from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request

from bot.playground.refusals import Refusal, bad
from bot.playground.schema.check import half_pair

MAX_BODY = 52 * 2**20
_MAX_TEXT = 2**20


@dataclass
class Part:
    """One file of a multipart body, and what a worker thread found out about it (see files.digest)."""

    name: str
    mime: str
    data: bytes
    photo: Any = None
    thumbnail: Any = None


@dataclass
class Call:
    """One Bot API request: ``raw`` parameters as text, ``parts`` the files by their part name."""

    method: str
    raw: dict[str, str] = field(default_factory=dict)
    parts: dict[str, Part] = field(default_factory=dict)


async def read_call(method: str, request: Request) -> Call:
    """Reads query, urlencoded, multipart and JSON parameters; later sources win over the query.

    Raises:
        Refusal: 400 for a body that cannot be read; 413 for one too large.
    """
    call = Call(method, dict(request.query_params))
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    try:
        if kind == "application/json":
            call.raw |= _from_json(await request.body())
        elif kind in {"multipart/form-data", "application/x-www-form-urlencoded"}:
            await _read_form(call, request)
    except HTTPException as wrong:
        raise Refusal(wrong.status_code, f"Bad Request: {wrong.detail}") from wrong
    except ClientDisconnect as gone:
        raise bad("the connection was closed before the whole request came") from gone
    return call


def _from_json(body: bytes) -> dict[str, str]:
    """The members of a JSON object as text; nested values become JSON text, as the Bot API server does itself."""
    try:
        value = json.loads(body or b"{}")
    except (ValueError, RecursionError):
        raise bad("can't parse JSON object") from None
    if not isinstance(value, dict):
        raise bad("object expected as JSON request")
    if half_pair(value):
        raise bad("strings must be encoded in UTF-8")
    return {name: _as_text(one) for name, one in value.items() if one is not None}


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


async def _read_form(call: Call, request: Request) -> None:
    async with request.form(max_files=50, max_fields=200, max_part_size=_MAX_TEXT) as form:
        for name, value in form.multi_items():
            if isinstance(value, UploadFile):
                mime = value.content_type or "application/octet-stream"
                call.parts[name] = Part(value.filename or "file", mime, await value.read())
            else:
                call.raw[name] = value
