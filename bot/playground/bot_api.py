"""One Bot API call from the wire to the answer: faults, schema, flood control, the method, the log.

Knows the order of these steps and how to lose an answer on purpose; what a method does is in ``methods_*``.
"""

import asyncio
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.types import Receive, Scope, Send

from bot.playground import files, methods_bot, methods_edit, methods_send
from bot.playground.calls import Calls, Outcome
from bot.playground.faults import Fault, Faults
from bot.playground.flood import Flood
from bot.playground.live import Live
from bot.playground.messages import Ask
from bot.playground.polling import Polls
from bot.playground.refusals import Refusal
from bot.playground.schema.check import Mismatch, bot_api
from bot.playground.state import Store, Tx
from bot.playground.webhook import Webhook
from bot.playground.wire import Call, Part, read_call

METHODS: dict[str, Callable[[Tx, Ask], Any]] = {**methods_send.METHODS, **methods_edit.METHODS, **methods_bot.METHODS}
_WITH_FILES = {"sendPhoto", "sendDocument", "sendMediaGroup", "editMessageMedia"}
_WEB_PAGE = (
    "<html>\r\n<head><title>{code} {text}</title></head>\r\n"
    "<body>\r\n<center><h1>{code} {text}</h1></center>\r\n</body>\r\n</html>\r\n"
)


@dataclass
class Rules:
    """What can be switched while it runs."""

    flood: bool = True
    strict: bool = True
    query_ttl_s: float = 900.0


@dataclass
class World:
    """Everything one playground consists of; made by serve.Playground."""

    store: Store
    token: str
    rules: Rules
    drop: Callable[[Scope], None]
    live: Live
    polls: Polls
    webhook: Webhook
    flood: Flood = field(default_factory=lambda: Flood(time.monotonic))
    faults: Faults = field(default_factory=Faults)
    calls: Calls = field(default_factory=Calls)
    font: Path | None = None
    stopping: asyncio.Event = field(default_factory=asyncio.Event)


class Dropped(Response):
    """No answer at all: the connection is closed.

    Args:
        drop: Closes the connection a scope came on.
    """

    def __init__(self, drop: Callable[[Scope], None]) -> None:
        super().__init__()
        self._drop = drop

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI
        """Closes the connection and waits until the server has noticed."""
        self._drop(scope)
        while (await receive())["type"] != "http.disconnect":
            pass


class BotApi:
    """The endpoint of ``/bot<token>/<method>`` and ``/file/bot<token>/<path>``.

    Args:
        world: The playground it serves.
    """

    def __init__(self, world: World) -> None:
        self._world = world

    def _authorised(self, token: str) -> bool:
        given = unquote(token).encode("utf-8", "surrogatepass")
        return secrets.compare_digest(given, self._world.token.encode())

    async def method(self, request: Request) -> Response:
        """Carries out one method call, whatever the HTTP verb."""
        if not self._authorised(request.path_params["token"]):
            return _answer(Refusal(401, "Unauthorized"))
        begun, at = time.monotonic(), time.time()
        call = Call(request.path_params["method"])
        fault: Fault | None = None
        refusal: Refusal | None = None
        result: Any = None
        try:
            call = await read_call(bot_api().method(call.method), request)
            fault = self._world.faults.take(call.method, dict(call.raw))
            result = await self._carry_out(call, fault)
        except Refusal as refused:
            refusal = refused
        dropped = fault is not None and (fault.drop_response or fault.drop_request)
        outcome = Outcome.of(refusal, fault=fault is not None, dropped=dropped)
        self._log(call, outcome, at, time.monotonic() - begun)
        if dropped:
            return Dropped(self._world.drop)
        return _answer(refusal, result, html=fault is not None and fault.html)

    def _log(self, call: Call, outcome: Outcome, at: float, seconds: float) -> None:
        row = self._world.calls.add(call, outcome, at, seconds)
        if call.method != "getUpdates":
            self._world.live.publish([{"type": "call", "chat": None, "call": row}])

    async def _carry_out(self, call: Call, fault: Fault | None) -> Any:
        if fault is not None:
            await self._suffer(fault)
            if fault.drop_request:
                return None
        world = self._world
        parameters = bot_api().decode(call.method, call.raw, set(call.parts), strict=world.rules.strict)
        ask = Ask(parameters, call.parts, time.time(), world.rules.query_ttl_s)
        if world.rules.flood:
            world.flood.spend(
                call.method, ask.get("chat_id"), len(ask.get("media", [1])) if call.method == "sendMediaGroup" else 1
            )
        result = await self._dispatch(call, ask)
        _check_result(call.method, result)
        return result

    async def _suffer(self, fault: Fault) -> None:
        """Waits as the fault says (or until the playground stops) and raises its refusal."""
        if fault.delay:
            await _first(self._world.stopping.wait(), fault.delay)
        if (refusal := fault.refusal()) is not None:
            raise refusal

    async def _dispatch(self, call: Call, ask: Ask) -> Any:
        if call.method == "getUpdates":
            return await self._world.polls.get_updates(ask)
        if call.method in {"setWebhook", "deleteWebhook", "getWebhookInfo"}:
            return await self._world.webhook.call(call.method, ask)
        if call.method in _WITH_FILES and call.parts:
            await asyncio.to_thread(files.digest, call.parts, photos=call.method != "sendDocument")
        return await self._world.store.run(METHODS[call.method], ask)

    async def file(self, request: Request) -> Response:
        """Downloads a file by the path getFile told."""
        if not self._authorised(request.path_params["token"]):
            return _answer(Refusal(401, "Unauthorized"))
        stored = await self._world.store.run(files.read, request.path_params["path"].rpartition("/")[2])
        if stored is None:
            return _answer(Refusal(404, "Not Found"))
        return Response(stored.data, media_type="application/octet-stream")


async def _first(wait: Any, seconds: float) -> None:
    try:
        await asyncio.wait_for(wait, seconds)
    except TimeoutError:
        return


def _check_result(method: str, result: Any) -> None:
    """An answer of ours that the documentation does not promise is our own fault, said plainly."""
    try:
        bot_api().check_result(method, result)
    except Mismatch as wrong:
        raise Refusal(500, f"Internal Server Error: the playground's answer is wrong: {wrong}") from wrong


def _answer(refusal: Refusal | None, result: Any = None, *, html: bool = False) -> Response:
    if refusal is None:
        return JSONResponse({"ok": True, "result": result})
    if html:
        text = refusal.description.partition(":")[0]
        return HTMLResponse(_WEB_PAGE.format(code=refusal.code, text=text), refusal.code)
    headers = {"Retry-After": str(refusal.parameters["retry_after"])} if "retry_after" in refusal.parameters else None
    return JSONResponse(refusal.body(), refusal.code, headers)


__all__ = ["BotApi", "Part", "Rules", "World"]
