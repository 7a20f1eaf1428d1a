"""A playground on a port the system picks, a control client with its key, and an aiogram bot; all over real HTTP.

One playground serves all tests of a run from a thread of its own and is reset before each; tests that stop, restart or
reconfigure one start their own.
"""

import asyncio
import io
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiogram import Bot
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from PIL import Image

from bot.playground.serve import Playground

KEY = "key-of-these-tests"


def png(width: int = 640, height: int = 480, *, colour: str = "teal", kind: str = "PNG") -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (width, height), colour).save(out, kind)
    return out.getvalue()


@pytest.fixture(scope="session")
def picture() -> Callable[..., bytes]:
    return png


def client(playground: Playground, path: str = "", **headers: str) -> httpx.AsyncClient:
    base = playground.url + path
    return httpx.AsyncClient(base_url=base, headers=headers, trust_env=False, verify=False, timeout=20)


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Playground]:
    """The playground of this run, on a loop in a thread of its own."""
    playground = Playground(tmp_path_factory.mktemp("playground"), port=0, key=KEY, flood=False)
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    asyncio.run_coroutine_threadsafe(playground.start(), loop).result(10)
    yield playground
    asyncio.run_coroutine_threadsafe(playground.stop(), loop).result(10)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(10)
    loop.close()


class Desk:
    """A bot and a learner's keyboard in one: both APIs of the shared playground, without a loop.

    Nothing is reset between its tests: each takes a learner of its own, who is a chat of their own.
    """

    def __init__(self, playground: Playground) -> None:
        self.playground = playground
        self.bot_url = f"/bot{playground.token}"
        key = {"X-Playground-Key": playground.key}
        self.http = httpx.Client(base_url=playground.url, trust_env=False, verify=False, timeout=20)
        self.control = httpx.Client(
            base_url=playground.url + "sim/", headers=key, trust_env=False, verify=False, timeout=20
        )

    def call(self, method: str, **parameters: Any) -> httpx.Response:
        return self.http.post(f"{self.bot_url}/{method}", json=parameters)

    def upload(self, method: str, files: dict[str, Any], **parameters: str) -> httpx.Response:
        return self.http.post(f"{self.bot_url}/{method}", data=parameters, files=files)

    def result(self, method: str, **parameters: Any) -> Any:
        answer = self.call(method, **parameters)
        assert answer.status_code == 200, answer.text
        return answer.json()["result"]

    def refused(self, method: str, code: int = 400, **parameters: Any) -> str:
        answer = self.call(method, **parameters)
        assert (answer.status_code, answer.json()["ok"], answer.json()["error_code"]) == (code, False, code)
        return str(answer.json()["description"])

    def sim(self, path: str, verb: str = "POST", **body: Any) -> Any:
        answer = self.control.request(verb, path, json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def sim_code(self, path: str, verb: str = "POST", **body: Any) -> int:
        return self.control.request(verb, path, json=body).status_code

    def read(self, path: str, **query: Any) -> Any:
        return self.control.get(path, params=query).json()

    def learner(self, **about: str) -> int:
        return int(self.sim("learner", **{"first_name": "Anna", **about})["learner"]["id"])

    def group(self, *members: int) -> int:
        return int(self.sim("group", title="Class", members=list(members))["chat"]["id"])

    def write(self, learner: int, text: str, **more: Any) -> Any:
        return self.sim("message", learner=learner, text=text, **more)

    def messages(self, chat: int) -> list[Any]:
        return list(self.read("transcript", chat=chat)["chats"][0]["messages"])

    def updates(self, after: int) -> list[Any]:
        """What waits for the bot behind an update, which is confirmed by this."""
        return list(self.result("getUpdates", offset=after + 1, limit=100))

    def last_update(self) -> int:
        """The newest update there is so far; everything up to it is confirmed."""
        number = int(self.write(self.learner(), "mark")["update_id"])
        self.updates(number - 1)
        return number


@pytest.fixture(scope="module")
def desk(shared: Playground) -> Iterator[Desk]:
    desk = Desk(shared)
    desk.sim("settings", "PATCH", flood=False, strict=True)
    desk.sim("faults", "DELETE")
    desk.result("deleteWebhook")
    desk.result("getUpdates", offset=-1, allowed_updates=[])
    yield desk
    desk.http.close()
    desk.control.close()


@pytest.fixture
def anna(desk: Desk) -> int:
    """A learner nobody else has written to; her private chat has the same number."""
    return desk.learner()


@pytest.fixture
async def playground(shared: Playground) -> Playground:
    async with client(shared, "sim/", **{"X-Playground-Key": KEY}) as sim:
        await sim.post("reset")
        await sim.patch("settings", json={"flood": False, "strict": True})
    return shared


@pytest.fixture
async def own(tmp_path: Path) -> AsyncIterator[Playground]:
    """A playground of the test's own, in the test's loop."""
    playground = Playground(tmp_path / "own", port=0, key=KEY, flood=False)
    await playground.start()
    yield playground
    await playground.stop()


@pytest.fixture
async def http(playground: Playground) -> AsyncIterator[httpx.AsyncClient]:
    async with client(playground) as http:
        yield http


@pytest.fixture
async def sim(playground: Playground) -> AsyncIterator[httpx.AsyncClient]:
    """The control API with its key; ``await sim.post("message", json=...)``."""
    async with client(playground, "sim/", **{"X-Playground-Key": KEY}) as sim:
        yield sim


@pytest.fixture
async def bot(playground: Playground) -> AsyncIterator[Bot]:
    server = TelegramAPIServer.from_base(playground.url.rstrip("/"))
    async with Bot(playground.token, session=AiohttpSession(api=server)) as bot:
        yield bot


Api = Callable[..., Awaitable[httpx.Response]]


@pytest.fixture
def api(playground: Playground, http: httpx.AsyncClient) -> Api:
    """A raw Bot API call: ``await api("sendMessage", chat_id=1001, text="x")``, parameters as JSON."""

    async def call(method: str, **parameters: Any) -> httpx.Response:
        return await http.post(f"/bot{playground.token}/{method}", json=parameters)

    return call


@pytest.fixture
def refused(api: Api) -> Callable[..., Awaitable[str]]:
    """The description of a call that must be refused with 400."""

    async def call(method: str, **parameters: Any) -> str:
        answer = await api(method, **parameters)
        assert answer.status_code == 400, answer.text
        body = answer.json()
        assert body["ok"] is False
        assert body["error_code"] == 400
        return str(body["description"])

    return call
