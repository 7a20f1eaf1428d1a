"""A real browser before a real playground, and a bot that the test itself plays over HTTP.

Playwright's synchronous interface runs an event loop of its own while it is open: its fixtures close with the module, so that
asynchronous tests elsewhere find no loop running. Do not mix asynchronous tests into a module that asks for a page.
"""

from __future__ import annotations

import asyncio
import io
import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, sync_playwright

from bot.playground.serve import Playground

CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PATIENCE_MS = 10_000
# A violation of the content security policy becomes an error of the console, and so fails the test.
REPORT_VIOLATIONS = """
document.addEventListener("securitypolicyviolation", (event) =>
  console.error(`CSP: ${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}:${event.lineNumber}`));
"""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything in this folder drives a browser."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.browser)


class Watch:
    """What went wrong inside the pages of one test: errors of the console, of scripts and of the security policy."""

    def __init__(self) -> None:
        self.errors: list[str] = []
        self._allowed: list[re.Pattern[str]] = []

    def allow(self, pattern: str) -> None:
        """Expect errors that match, such as a refused connection while the server is away."""
        self._allowed.append(re.compile(pattern))

    def follow(self, page: Page) -> None:
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.errors.append(f"script: {error}"))
        page.on("crash", lambda _: self.errors.append("the page crashed"))

    def unexpected(self) -> list[str]:
        return [error for error in self.errors if not any(pattern.search(error) for pattern in self._allowed)]

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.errors.append(f"console: {message.text}")


class PlaygroundThread:
    """A playground on a free port, in a thread with a loop of its own; it can go away and come back on the same port."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = 0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="playground", daemon=True)
        self._thread.start()
        self.start()

    def start(self) -> None:
        self.server = Playground(self.folder, port=self.port, flood=False)
        self.url = self._run(self.server.start())
        self.port = httpx.URL(self.url).port or 0

    def stop(self) -> None:
        self._run(self.server.stop())

    def close(self) -> None:
        self.stop()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def control(self, method: str, path: str, **body: Any) -> Any:
        """One call of the control API."""
        answer = httpx.request(
            method, self.url + path.lstrip("/"), json=body, headers={"X-Playground-Key": self.server.key}, timeout=20
        )
        answer.raise_for_status()
        return answer.json()

    def _run(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(20)


class StandIn:
    """A bot whose every step the test decides: it takes updates and calls methods when told to."""

    def __init__(self, playground: PlaygroundThread) -> None:
        self._base = f"{playground.url}bot{playground.server.token}/"
        self._http = httpx.Client(timeout=30)
        self._offset = 0
        self._waiting: list[dict[str, Any]] = []

    def call(self, method: str, files: dict[str, bytes] | None = None, **parameters: Any) -> Any:
        fields = {
            name: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            for name, value in parameters.items()
        }
        parts = {name: (f"{name}.png", data, "image/png") for name, data in (files or {}).items()}
        body = self._http.post(self._base + method, data=fields, files=parts or None).json()
        assert body["ok"], body
        return body["result"]

    def take(self, kind: str) -> dict[str, Any]:
        """Wait for the next update of a kind; others are taken off the line."""
        deadline_s = time.monotonic() + 10
        while time.monotonic() < deadline_s:
            while self._waiting:
                update = self._waiting.pop(0)
                self._offset = update["update_id"] + 1
                if kind in update:
                    return update[kind]
            self._waiting = self.call("getUpdates", offset=self._offset, timeout=5)
        raise AssertionError(f"no {kind} came")

    def say(self, chat: int, text: str, **more: Any) -> dict[str, Any]:
        return self.call("sendMessage", chat_id=chat, text=text, **more)

    def close(self) -> None:
        self._http.close()


def picture(width: int = 320, height: int = 240, colour: str = "#c23b2c") -> bytes:
    """A PNG of one colour."""
    bytes_ = io.BytesIO()
    Image.new("RGB", (width, height), colour).save(bytes_, "PNG")
    return bytes_.getvalue()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Headless Chromium, one a module."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, headless=True, args=ARGUMENTS)
        yield chromium
        chromium.close()


@pytest.fixture
def watch() -> Iterator[Watch]:
    """Collects what goes wrong in pages; the test fails on anything it did not allow."""
    made = Watch()
    yield made
    assert made.unexpected() == []


@pytest.fixture
def new_page(request: pytest.FixtureRequest, browser: Browser, watch: Watch) -> Iterator[Callable[..., Page]]:
    """Opens pages of visitors that share nothing; options are those of ``Browser.new_context``."""
    # Pages close before their server does, whatever the order a test asks in: else they would report its absence.
    for server in {"playground", "bot"} & set(request.fixturenames):
        request.getfixturevalue(server)
    contexts: list[BrowserContext] = []

    def make(**options: Any) -> Page:
        settings = {"viewport": {"width": 1280, "height": 800}, "locale": "en-GB", **options}
        context = browser.new_context(**settings)
        contexts.append(context)
        context.set_default_timeout(PATIENCE_MS)
        context.add_init_script(REPORT_VIOLATIONS)
        page = context.new_page()
        watch.follow(page)
        return page

    yield make
    for context in contexts:
        context.close()


@pytest.fixture
def page(new_page: Callable[..., Page]) -> Page:
    """A page of 1280 x 800 in light colours."""
    return new_page()


@pytest.fixture
def playground(tmp_path: Path) -> Iterator[PlaygroundThread]:
    """An empty playground with the first learner."""
    made = PlaygroundThread(tmp_path)
    yield made
    made.close()


@pytest.fixture
def bot(playground: PlaygroundThread) -> Iterator[StandIn]:
    """The bot of the playground, played by the test."""
    made = StandIn(playground)
    yield made
    made.close()


@pytest.fixture
def paint() -> Callable[..., bytes]:
    """Makes a PNG: ``paint(width, height, colour)``."""
    return picture
