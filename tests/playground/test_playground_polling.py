"""Long polling and webhooks: offsets, conflicts, what is kept and what is confirmed."""

import asyncio
import http.server
import threading
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest

from bot.playground.serve import Playground

CONFLICT = "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running"


class Client:
    """A raw poller with the control key in its pocket."""

    def __init__(self, playground: Playground) -> None:
        self.playground = playground
        self.http = httpx.AsyncClient(base_url=playground.url, trust_env=False, verify=False, timeout=60)

    async def call(self, method: str, **parameters: Any) -> httpx.Response:
        return await self.http.post(f"/bot{self.playground.token}/{method}", json=parameters)

    async def poll(self, **parameters: Any) -> list[Any]:
        return (await self.call("getUpdates", **parameters)).json()["result"]

    async def write(self, text: str) -> int:
        headers = {"X-Playground-Key": self.playground.key}
        answer = await self.http.post("/sim/message", json={"learner": 1001, "text": text}, headers=headers)
        return answer.json()["update_id"]


@pytest.fixture
async def client(own: Playground) -> AsyncIterator[Client]:
    client = Client(own)
    yield client
    await client.http.aclose()


async def test_offsets_confirm(client):
    first, second, third = [await client.write(text) for text in "abc"]
    assert [u["update_id"] for u in await client.poll()] == [first, second, third]
    assert [u["message"]["text"] for u in await client.poll(offset=second)] == ["b", "c"]
    assert [u["update_id"] for u in await client.poll(offset=third, limit=1)] == [third]
    assert await client.poll(offset=third + 1) == []


async def test_a_negative_offset_keeps_the_newest(client):
    numbers = [await client.write(text) for text in "abcd"]
    assert [u["update_id"] for u in await client.poll(offset=-2)] == numbers[-2:]
    assert [u["update_id"] for u in await client.poll()] == numbers[-2:]


async def test_a_long_poll_ends_when_something_comes(client):
    polling = asyncio.create_task(client.poll(timeout=50))
    await until_polling(client)
    begun = time.monotonic()
    number = await client.write("now")
    assert [u["update_id"] for u in await polling] == [number]
    assert time.monotonic() - begun < 10


async def until_polling(client: Client) -> None:
    while client.playground._world.polls._current is None:
        await asyncio.sleep(0)


async def test_a_poll_without_news_ends_with_its_timeout(client):
    begun = time.monotonic()
    assert await client.poll(timeout=1) == []
    assert time.monotonic() - begun >= 1


async def test_a_bot_that_asks_the_same_again_has_to_wait(client):
    await client.poll(offset=7)
    begun = time.monotonic()
    await client.poll(offset=7)
    assert time.monotonic() - begun >= 2.9


async def test_the_second_poller_ends_the_first(client):
    first = asyncio.create_task(client.call("getUpdates", timeout=50))
    await until_polling(client)
    second = asyncio.create_task(client.call("getUpdates", timeout=50, offset=1))
    lost = await first
    assert (lost.status_code, lost.json()["description"]) == (409, CONFLICT)
    await client.write("x")
    assert len((await second).json()["result"]) == 1


async def test_allowed_updates_are_remembered(client):
    await client.poll(allowed_updates=["callback_query"])
    assert await client.write("unseen") is None
    await client.poll(offset=1, allowed_updates=[])
    number = await client.write("seen")
    assert [u["update_id"] for u in await client.poll(offset=2)] == [number]


async def test_stop_ends_a_long_poll_at_once(client):
    polling = asyncio.create_task(client.call("getUpdates", timeout=50))
    await until_polling(client)
    begun = time.monotonic()
    await client.playground.stop()
    assert time.monotonic() - begun < 3
    assert (await polling).json() == {"ok": True, "result": []}


class _Hook(http.server.BaseHTTPRequestHandler):
    got: list[tuple[bytes, str | None]]
    failures: list[int]
    seen: threading.Event

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        status = self.failures.pop() if self.failures else 200
        self.got.append((body, self.headers["X-Telegram-Bot-Api-Secret-Token"]))
        self.send_response(status)
        self.end_headers()
        if status == 200:
            self.seen.set()

    def log_message(self, *_):
        pass


@pytest.fixture
def hook() -> Iterator[tuple[str, type[_Hook]]]:
    handler = type("Hook", (_Hook,), {"got": [], "failures": [], "seen": threading.Event()})
    with http.server.HTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/hook", handler
        server.shutdown()
        thread.join(10)


async def test_a_webhook_gets_updates_with_its_secret_and_is_asked_again_after_a_failure(client, hook):
    url, handler = hook
    handler.failures.append(503)
    assert (await client.call("setWebhook", url=url, secret_token="s3cret")).json()["result"] is True
    number = await client.write("学习")
    assert await asyncio.to_thread(handler.seen.wait, 10)
    assert [secret for _, secret in handler.got] == ["s3cret", "s3cret"]
    assert all(str(number).encode() in body for body, _ in handler.got)
    info = (await client.call("getWebhookInfo")).json()["result"]
    assert info["url"] == url
    assert "503" in info["last_error_message"]


async def test_a_webhook_and_polling_exclude_each_other(client, hook):
    polling = asyncio.create_task(client.call("getUpdates", timeout=50))
    await until_polling(client)
    await client.call("setWebhook", url=hook[0])
    assert (await polling).json()["description"] == "Conflict: terminated by setWebhook request"
    refused = await client.call("getUpdates")
    assert refused.status_code == 409
    assert "use deleteWebhook to delete the webhook first" in refused.json()["description"]
    await client.call("deleteWebhook", drop_pending_updates=True)
    assert await client.poll(offset=3) == []


@pytest.mark.parametrize(
    "url", ["https://example.org/x", "http://169.254.1.1/", "ftp://127.0.0.1/", "http://[::1", "file:///etc/passwd"]
)
async def test_a_webhook_elsewhere_is_refused(client, url):
    answer = await client.call("setWebhook", url=url)
    assert answer.status_code == 400
    assert "bad webhook" in answer.json()["description"]
