"""The control API under ``/sim`` and the page: what a person or a test does, as documented in docs/playground.md.

Knows HTTP bodies and the key; what an act means to the chats is in ``actions``.
"""

import asyncio
import secrets
from importlib import resources
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Depends, HTTPException, Request, Response, WebSocket
from pydantic import BaseModel, ConfigDict, Field
from starlette.websockets import WebSocketDisconnect

from bot.playground import actions, files, people
from bot.playground.bot_api import World
from bot.playground.faults import Fault
from bot.playground.live import Live
from bot.playground.state import FIRST_LEARNER, Json, Tx, forget

PAGE = Path(str(resources.files("bot.playground"))) / "static"
_SHOWN = {
    ".html": "text/html",
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
    ".png": "image/png",
}
FALLBACK_FONT = "fallback.otf"
"""What the page asks for when the browser's system has no shapes for a character."""
_FRAME_WAIT_S = 20.0
Text = Annotated[str, Field(min_length=1, max_length=128)]
Id = Annotated[int, Field(gt=-(2**53), lt=2**53)]  # what JavaScript and the database both hold


class Body(BaseModel):
    """A control call's body; unknown members are refused."""

    model_config = ConfigDict(extra="forbid")


class NewMessage(Body):
    """POST /sim/message."""

    learner: Id
    chat: Id | None = None
    text: str
    reply_to: Id | None = None


class Tap(Body):
    """POST /sim/tap."""

    learner: Id
    chat: Id
    message: Id
    data: str | None = None
    label: str | None = None
    wait: float = Field(default=10.0, ge=0, le=120)
    forge: bool = False


class NewLearner(Body):
    """POST /sim/learner."""

    first_name: Text
    last_name: Text | None = None
    username: str | None = Field(default=None, pattern=r"^[A-Za-z][A-Za-z0-9_]{3,31}$")
    language_code: str = Field(default="en", pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$")


class LearnerChange(Body):
    """PATCH /sim/learner."""

    id: Id
    first_name: Text | None = None
    language_code: str | None = Field(default=None, pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$")
    blocked: bool | None = None


class NewGroup(Body):
    """POST /sim/group."""

    title: Text
    members: list[Id]


class Settings(Body):
    """PATCH /sim/settings."""

    flood: bool | None = None
    strict: bool | None = None


class Control:
    """The control routes of one playground.

    Args:
        world: The playground.
        key: What ``X-Playground-Key`` must be.
    """

    def __init__(self, world: World, key: str) -> None:
        self._world = world
        self._key = key
        self._answers: dict[str, asyncio.Future[Json]] = {}
        world.store.watch(self._hear_answers)

    def _hear_answers(self, events: list[Json]) -> None:
        for event in events:
            future = self._answers.get(event.get("callback", ""))
            if event["type"] == "toast" and future is not None and not future.done():
                future.set_result({name: event[name] for name in ("text", "alert", "url")})

    def _has_key(self, given: str) -> bool:
        return secrets.compare_digest(given.encode("utf-8", "surrogatepass"), self._key.encode())

    def require_key(self, request: Request) -> None:
        """Refuses a call without the per-start key."""
        if not self._has_key(request.headers.get("x-playground-key", "")):
            raise HTTPException(403, "Forbidden: X-Playground-Key is missing or wrong")

    def router(self) -> APIRouter:
        """Every route, in two groups: with and without the key."""
        keyed = APIRouter(prefix="/sim", dependencies=[Depends(self.require_key)])
        keyed.add_api_route("/state", self.state, methods=["GET"])
        keyed.add_api_route("/transcript", self.transcript, methods=["GET"])
        keyed.add_api_route("/message", self.message, methods=["POST"])
        keyed.add_api_route("/tap", self.tap, methods=["POST"])
        keyed.add_api_route("/learner", self.add_learner, methods=["POST"])
        keyed.add_api_route("/learner", self.change_learner, methods=["PATCH"])
        keyed.add_api_route("/group", self.group, methods=["POST"])
        keyed.add_api_route("/faults", self.faults, methods=["GET"])
        keyed.add_api_route("/faults", self.add_fault, methods=["POST"])
        keyed.add_api_route("/faults", self.clear_faults, methods=["DELETE"])
        keyed.add_api_route("/calls", self.calls, methods=["GET"])
        keyed.add_api_route("/settings", self.settings, methods=["GET"])
        keyed.add_api_route("/settings", self.change_settings, methods=["PATCH"])
        keyed.add_api_route("/reset", self.reset, methods=["POST"])
        router = APIRouter()
        router.include_router(keyed)
        router.add_api_route("/sim/session", self.session, methods=["GET"])
        router.add_api_route("/sim/file/{file_id}", self.file, methods=["GET"])
        router.add_api_websocket_route("/sim/live", self.live)
        router.add_api_route("/", self.page, methods=["GET"])
        router.add_api_route("/static/{name}", self.static, methods=["GET"])
        return router

    async def session(self) -> Json:
        """GET /sim/session: the key and who is there."""
        world = self._world
        found = await world.store.run(actions.session)
        rules = {"flood": world.rules.flood, "strict": world.rules.strict, "polling": world.polls.active}
        rules["font"] = world.font is not None
        return {"key": self._key, "first": FIRST_LEARNER, "seq": world.live.seq} | found | rules

    async def state(self, learner: Id) -> Json:
        """GET /sim/state: what one learner sees."""

        def read(tx: Tx) -> Json:
            who = people.learner(tx, learner)
            return {"learner": who, "bot": people.bot_user(tx), "chats": actions.state(tx, learner)}

        seq = self._world.live.seq
        return {"seq": seq} | await self._world.store.run(read)

    async def transcript(self, chat: Id | None = None) -> Json:
        """GET /sim/transcript: every chat, or one."""
        seq = self._world.live.seq
        return {"seq": seq, "chats": await self._world.store.run(actions.state, None, chat)}

    async def message(self, body: NewMessage) -> Json:
        """POST /sim/message: a learner writes."""
        return await self._world.store.run(actions.write, body.learner, body.chat, body.text, body.reply_to)

    async def tap(self, body: Tap) -> Json:
        """POST /sim/tap: a learner taps a button and waits for the toast."""
        store = self._world.store
        button = body.model_dump(include={"data", "label", "forge"}, exclude_none=True)
        query = await store.run(actions.tap, body.learner, body.chat, body.message, button)
        return {"callback": await self._answer(query, body.wait), "id": query}

    async def _answer(self, query: str, seconds: float) -> Json | None:
        """What the bot answers within the time, else None."""
        future = self._answers[query] = asyncio.get_running_loop().create_future()
        stopping = asyncio.ensure_future(self._world.stopping.wait())
        try:
            if (found := await self._world.store.run(actions.callback_answer, query)) is not None:
                return found
            await asyncio.wait({future, stopping}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            return future.result() if future.done() else None
        finally:
            stopping.cancel()
            del self._answers[query]

    async def add_learner(self, body: NewLearner) -> Json:
        """POST /sim/learner."""
        return {"learner": await self._world.store.run(people.add_learner, body.model_dump(exclude_none=True))}

    async def change_learner(self, body: LearnerChange) -> Json:
        """PATCH /sim/learner."""
        changes = body.model_dump(exclude={"id"}, exclude_none=True)
        return {"learner": await self._world.store.run(actions.change, body.id, changes)}

    async def group(self, body: NewGroup) -> Json:
        """POST /sim/group."""
        return {"chat": await self._world.store.run(actions.group, body.title, body.members)}

    async def faults(self) -> Json:
        """GET /sim/faults."""
        return {"faults": self._world.faults.listed()}

    async def add_fault(self, body: Fault) -> Json:
        """POST /sim/faults."""
        self._world.faults.add(body)
        return await self.faults()

    async def clear_faults(self) -> Json:
        """DELETE /sim/faults."""
        self._world.faults.clear()
        return await self.faults()

    async def calls(self, method: str | None = None, since: int = 0) -> Json:
        """GET /sim/calls."""
        return {"calls": self._world.calls.listed(method, since)}

    async def settings(self) -> Json:
        """GET /sim/settings."""
        return {"flood": self._world.rules.flood, "strict": self._world.rules.strict}

    async def change_settings(self, body: Settings) -> Json:
        """PATCH /sim/settings."""
        for name, value in body.model_dump(exclude_none=True).items():
            setattr(self._world.rules, name, value)
        return await self.settings()

    async def reset(self) -> Json:
        """POST /sim/reset: everything new, ids go on."""
        self._world.faults.clear()
        self._world.calls.clear()
        await self._world.store.run(start_over)
        return {"session": await self.session()}

    async def file(self, file_id: str) -> Response:
        """GET /sim/file/<file_id>: pictures shown, documents as attachments."""
        stored = await self._world.store.run(files.read, file_id)
        if stored is None:
            raise HTTPException(404, "there is no such file")
        if stored.kind != "document":
            return Response(stored.data, media_type="image/jpeg")
        disposition = f"attachment; filename*=UTF-8''{quote(stored.name, safe='')}"
        return Response(
            stored.data, media_type="application/octet-stream", headers={"Content-Disposition": disposition}
        )

    async def live(self, socket: WebSocket, key: str = "", since: int | None = None) -> None:
        """The WebSocket /sim/live."""
        if not self._has_key(key):
            await socket.close(1008, "Forbidden: key is missing or wrong")
            return
        await socket.accept()
        await _stream(socket, self._world.live, since)

    async def page(self) -> Response:
        """GET /: the chat page."""
        return await self.static("index.html")

    async def static(self, name: str) -> Response:
        """GET /static/<name>: the page's own files, no folder, known kinds only."""
        if name == FALLBACK_FONT and self._world.font is not None:
            return Response(await asyncio.to_thread(self._world.font.read_bytes), media_type="font/otf")
        kind = _SHOWN.get(Path(name).suffix)
        path = PAGE / Path(name).name
        if kind is None or path.name != name or not await asyncio.to_thread(path.is_file):
            raise HTTPException(404, "there is no such file")
        return Response(await asyncio.to_thread(path.read_bytes), media_type=kind)


def start_over(tx: Tx) -> None:
    """Forgets everything but the counters; one learner is there again."""
    forget(tx)
    people.ensure_first_learner(tx)


async def _stream(socket: WebSocket, live: Live, since: int | None) -> None:
    """Sends events until the page goes or the playground stops."""
    listening = asyncio.ensure_future(_until_gone(socket))
    try:
        seq = await _greet(socket, live, since)
        while await _wait_for_news(live, seq, listening):
            missed = live.since(seq)
            if missed is None:
                await socket.send_json({"type": "resync", "seq": live.seq})
                seq = live.seq
            for event in missed or ():
                await socket.send_json(event)
                seq = event["seq"]
        if not listening.done():
            await socket.close(1001)
    except (WebSocketDisconnect, RuntimeError):  # the page went away while we were sending
        return
    finally:
        listening.cancel()


async def _greet(socket: WebSocket, live: Live, since: int | None) -> int:
    """Says hello, or resync where the page missed too much; the number to go on from."""
    if since is None or live.since(since) is not None:
        await socket.send_json(live.hello())
        return live.seq if since is None else since
    await socket.send_json({"type": "resync", "seq": live.seq})
    return live.seq


async def _until_gone(socket: WebSocket) -> None:
    while (await socket.receive())["type"] != "websocket.disconnect":
        pass


async def _wait_for_news(live: Live, seq: int, listening: "asyncio.Future[Any]") -> bool:
    """True when there are events after ``seq``; False when the page went or the playground stops."""
    news = asyncio.ensure_future(live.wait(seq))
    try:
        await asyncio.wait({news, listening}, return_when=asyncio.FIRST_COMPLETED)
        return not listening.done() and news.result()
    finally:
        news.cancel()
