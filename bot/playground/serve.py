"""Starting and stopping the playground, inside a running event loop or as a process of its own.

Knows sockets, uvicorn and how the parts fit together. Signals belong to whoever starts it: nothing is installed here
but by ``run_forever``, which is a process of its own.
"""

import asyncio
import contextlib
import errno
import logging
import os
import secrets
import signal
import socket
import sqlite3
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Scope
from uvicorn.protocols.http.h11_impl import H11Protocol

from bot.playground import people
from bot.playground.actions import NotPossible
from bot.playground.bot_api import BotApi, Rules, World
from bot.playground.control import Control
from bot.playground.guard import Guard, is_loopback
from bot.playground.live import Live
from bot.playground.people import NoSuch
from bot.playground.polling import Polls
from bot.playground.state import BOT_ID, Store
from bot.playground.webhook import Webhook

TOKEN = f"{BOT_ID}:playground-bot-of-this-machine-only"
FILE_NAME = "playground.sqlite3"
_VERBS = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
_GRACE_S = 2
_log = logging.getLogger(__name__)


class CannotStart(Exception):
    """The playground cannot start; the text is one line for a person."""


class AddressInUse(CannotStart):
    """Something else listens on the port already."""


class NotLoopback(CannotStart):
    """Refused to listen on an address other machines reach, without being told to expose it."""


class StateUnreadable(CannotStart):
    """The playground's file is not a database it can read, or another process holds it."""


class _Server(uvicorn.Server):
    """A uvicorn server without signal handlers, which says when it listens.

    Args:
        config: How to serve.
    """

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Starts to listen."""
        await super().startup(sockets)
        self.ready.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leaves signals to the composition root."""
        yield


class _Connections:
    """Open connections by the address of their other end, so that one can be closed without an answer."""

    def __init__(self) -> None:
        self._open: dict[tuple[str, int], asyncio.Transport] = {}

    def protocol(self) -> type[asyncio.Protocol]:
        """The HTTP protocol of uvicorn, which also notes its connection here."""
        opened = self._open

        class Protocol(H11Protocol):
            def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn does
                super().connection_made(transport)
                if self.client is not None:
                    opened[self.client] = transport

            def connection_lost(self, exc: Exception | None) -> None:
                if self.client is not None:
                    opened.pop(self.client, None)
                super().connection_lost(exc)

        return Protocol

    def drop(self, scope: Scope) -> None:
        """Closes the connection a request came on, at once."""
        client = scope.get("client")
        transport = self._open.get(tuple(client)) if client else None
        if transport is not None:
            transport.abort()


class Playground:
    """The playground of one folder.

    Args:
        folder: Where its SQLite file lies.
        host: Address to listen on; only loopback unless ``expose``.
        port: 0 lets the system choose.
        token: The bot's token.
        fresh: Forget chats and files first; ids go on counting.
        expose: Allow an address other machines reach.
        flood: Flood control on.
        strict: Refuse parameters the Bot API does not document.
        font: A font file the page may use for characters the browser's system has no shapes for.
        key: What control calls must carry; PLAYGROUND_KEY or a random one by default.
        query_ttl_s: Seconds a tap can be answered.
    """

    def __init__(  # noqa: PLR0913 - the options of a server, all by name
        self,
        folder: Path,
        *,
        host: str = "127.0.0.1",
        port: int = 8600,
        token: str = TOKEN,
        fresh: bool = False,
        expose: bool = False,
        flood: bool = True,
        strict: bool = True,
        font: Path | None = None,
        key: str | None = None,
        query_ttl_s: float = 900.0,
    ) -> None:
        self.token = token
        self.key = key or os.environ.get("PLAYGROUND_KEY") or secrets.token_urlsafe(24)
        self.url = ""
        self._host, self._port, self._expose = host, port, expose
        self._font = font
        self._store = Store(folder / FILE_NAME, fresh=fresh)
        self._rules = Rules(flood=flood, strict=strict, query_ttl_s=query_ttl_s)
        self._connections = _Connections()
        self._world: World | None = None
        self._server: _Server | None = None
        self._serving: asyncio.Task[None] | None = None

    async def start(self) -> str:
        """Opens the file, listens and serves in the background; returns the address, such as ``http://127.0.0.1:8600/``.

        Raises:
            NotLoopback, AddressInUse, StateUnreadable: Each a CannotStart with a line for a person.
        """
        listening = self._listen()
        try:
            await self._store.open()
        except sqlite3.Error as wrong:
            listening.close()
            raise StateUnreadable(f"cannot read {self._store.path}: {wrong}") from wrong
        world = await self._make_world()
        app = Guard(_application(world, self.key), exposed=self._expose, own_host=self._host)
        config = uvicorn.Config(
            app,
            http=self._connections.protocol(),
            ws="websockets-sansio",
            lifespan="off",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            timeout_graceful_shutdown=_GRACE_S,
            timeout_keep_alive=75,
            ws_max_size=2**16,
        )
        self._server = _Server(config)
        self._serving = asyncio.get_running_loop().create_task(self._server.serve([listening]))
        await _either(self._server.ready.wait(), self._serving)
        self.url = _address(listening)
        return self.url

    async def _make_world(self) -> World:
        await self._store.run(people.ensure_first_learner)
        live = Live(self._store.first_event)
        self._store.watch(live.publish)
        polls = Polls(self._store)
        webhook = Webhook(self._store, polls)
        self._world = World(
            self._store, self.token, self._rules, self._connections.drop, live, polls, webhook, font=self._font
        )
        await webhook.start()
        return self._world

    def _listen(self) -> socket.socket:
        if not self._expose and not is_loopback(self._host):
            raise NotLoopback(f"{self._host} can be reached from other machines; --expose allows that")
        family = socket.AF_INET6 if ":" in self._host else socket.AF_INET
        listening = socket.socket(family, socket.SOCK_STREAM)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((self._host, self._port))
            listening.listen(128)
        except OSError as wrong:
            listening.close()
            if wrong.errno == errno.EADDRINUSE:
                raise AddressInUse(f"{self._host}:{self._port} is in use already") from wrong
            raise CannotStart(f"cannot listen on {self._host}:{self._port}: {wrong.strerror}") from wrong
        return listening

    async def stop(self) -> None:
        """Ends long polls, WebSockets and the server, and closes the file; calling it twice is fine."""
        if self._world is None or self._server is None or self._serving is None:
            return
        self._world.stopping.set()
        self._world.polls.stop()
        self._world.live.stop()
        await self._world.webhook.stop()
        self._server.should_exit = True
        await self._serving
        await self._store.close()
        self._world = None


async def _either(ready: Coroutine[Any, Any, Any], serving: "asyncio.Task[None]") -> None:
    """Waits until the server listens; raises what it died of if it does not get that far."""
    listening = asyncio.ensure_future(ready)
    waiting: set[asyncio.Future[Any]] = {listening, serving}
    await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    listening.cancel()
    if serving.done():
        serving.result()


def _address(listening: socket.socket) -> str:
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"


def _application(world: World, key: str) -> FastAPI:
    """The routes of one playground."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False)
    api = BotApi(world)
    app.router.routes.append(Route("/bot{token}/{method}", api.method, methods=_VERBS))
    app.router.routes.append(Route("/file/bot{token}/{path:path}", api.file, methods=["GET"]))
    app.include_router(Control(world, key).router())
    app.add_exception_handler(NoSuch, _refuse(404))
    app.add_exception_handler(NotPossible, _refuse(422))
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(Exception, _broken)
    return app


def _refuse(code: int) -> Callable[[Request, Exception], Response]:
    def answer(_request: Request, wrong: Exception) -> Response:
        return JSONResponse({"error": str(wrong)}, code)

    return answer


def _http_error(request: Request, wrong: Exception) -> Response:
    assert isinstance(wrong, HTTPException)  # registered for this class
    if request.url.path.startswith(("/bot", "/file/bot")):
        body = {"ok": False, "error_code": wrong.status_code, "description": wrong.detail}
        return JSONResponse(body, wrong.status_code)
    return JSONResponse({"error": wrong.detail}, wrong.status_code)


def _invalid(_request: Request, wrong: Exception) -> Response:
    """A body of the wrong shape: where and what, without echoing what was sent."""
    assert isinstance(wrong, RequestValidationError)  # registered for this class
    said = [f"{'.'.join(str(step) for step in one['loc'][1:]) or 'body'}: {one['msg']}" for one in wrong.errors()]
    return JSONResponse({"error": "; ".join(said)}, 422)


def _broken(request: Request, _wrong: Exception) -> Response:
    """Our own fault: no trace in the body; the server's log has it."""
    if request.url.path.startswith("/bot"):
        return JSONResponse({"ok": False, "error_code": 500, "description": "Internal Server Error"}, 500)
    return JSONResponse({"error": "Internal Server Error"}, 500)


async def _serve_until_signal(playground: Playground, started: Callable[[str], None]) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    started(await playground.start())
    try:
        await stop.wait()
    finally:
        await playground.stop()


def run_forever(playground: Playground, started: Callable[[str], None]) -> None:
    """Serves as a process of its own until SIGINT or SIGTERM.

    Args:
        playground: What to serve.
        started: Called with the address once it listens.

    Raises:
        CannotStart: See Playground.start.
    """
    asyncio.run(_serve_until_signal(playground, started))
