"""Who may talk to the playground: Host, Origin, Sec-Fetch-Site, body size, and the headers every answer carries.

A page on another site can make a browser send requests to this machine. It can neither choose the Host header (DNS
rebinding shows there), nor forge Origin or Sec-Fetch-Site; so those three are checked before anything else happens.
"""

import ipaddress
import json
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bot.playground.wire import MAX_BODY

MAX_CONTROL_BODY = 2**20
_SWALLOWED = 256 * 2**20
_LOOPBACK_NAMES = {"localhost"}
_OWN_SITES = {"same-origin", "none"}
HEADERS = [
    (
        b"content-security-policy",
        b"default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; object-src 'none'",
    ),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cache-control", b"no-store"),
]


def is_loopback(host: str) -> bool:
    """Whether an address or name given to listen on reaches this machine alone."""
    if host in _LOOPBACK_NAMES:
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class Guard:
    """ASGI middleware around everything.

    Args:
        app: What is guarded.
        exposed: Addresses other than loopback are fine as Host (names other than localhost never are).
        own_host: The address or name the server was told to listen on, which is fine too.
    """

    def __init__(self, app: ASGIApp, *, exposed: bool, own_host: str) -> None:
        self._app = app
        self._exposed = exposed
        self._own_host = own_host

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuses, or hands on with a limited body and the headers set."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        if refused := self._refusal(headers):
            if scope["type"] == "http":
                await _swallow(receive)
            await _refuse(scope, _with_headers(send), 403, refused)
            return
        limit = MAX_BODY if scope["path"].startswith("/bot") else MAX_CONTROL_BODY
        if not _length_fits(headers.get("content-length", "0"), limit):
            await _swallow(receive)
            await _refuse(scope, _with_headers(send), 413, "Request Entity Too Large")
            return
        limited = _Limited(receive, limit)
        await self._app(scope, limited, limited.answering(scope, _with_headers(send)))

    def _refusal(self, headers: dict[str, str]) -> str | None:
        """Why this request is not ours; None when it may pass."""
        host = headers.get("host", "")
        if not self._known_host(host):
            return "Forbidden: unknown Host"
        origin = headers.get("origin")
        if origin is not None and origin != f"http://{host}":
            return "Forbidden: foreign Origin"
        if headers.get("sec-fetch-site", "none") not in _OWN_SITES:
            return "Forbidden: foreign Sec-Fetch-Site"
        return None

    def _known_host(self, host: str) -> bool:
        try:
            name = urlsplit(f"//{host}").hostname or ""
        except ValueError:
            return False
        if name == self._own_host or is_loopback(name):
            return True
        return self._exposed and _is_address(name)


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _length_fits(length: str, limit: int) -> bool:
    return length.isdecimal() and len(length) < 12 and int(length) <= limit  # noqa: PLR2004 - digits, before int()


async def _swallow(receive: Receive) -> None:
    """Reads a refused body and forgets it: closing on unread bytes would take the refusal from the client."""
    left = _SWALLOWED
    while left > 0:
        message = await receive()
        left -= len(message.get("body", b""))
        if not message.get("more_body", False):
            return


class _Limited:
    """Counts a chunked body while it is read and ends it when it grows too large."""

    def __init__(self, receive: Receive, limit: int) -> None:
        self._receive = receive
        self._left = limit
        self._full = False

    async def __call__(self) -> Message:
        message = await self._receive()
        if message["type"] == "http.request":
            self._left -= len(message.get("body", b""))
            if self._left < 0:
                self._full = True
                return {"type": "http.disconnect"}
        return message

    def answering(self, scope: Scope, send: Send) -> Send:
        """Sends what the application answers, or 413 in its place where the body grew too large."""

        async def sending(message: Message) -> None:
            if not self._full:
                await send(message)
            elif message["type"] == "http.response.start":
                await _swallow(self._receive)
                await _refuse(scope, send, 413, "Request Entity Too Large")

        return sending


def _with_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message.get("headers", []), *HEADERS]}
        await send(message)

    return sending


async def _refuse(scope: Scope, send: Send, code: int, why: str) -> None:
    """An answer in the words of whoever asked: a bot, a page, or a WebSocket handshake (which is refused)."""
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008, "reason": why})
        return
    if scope["path"].startswith("/bot"):
        body = json.dumps({"ok": False, "error_code": code, "description": why})
    else:
        body = json.dumps({"error": why})
    start = [(b"content-type", b"application/json"), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": code, "headers": start})
    await send({"type": "http.response.body", "body": body.encode()})
