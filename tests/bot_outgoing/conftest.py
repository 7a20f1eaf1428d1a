"""A courier over real storage, real texts and a scripted wire."""

from __future__ import annotations

import io
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest
from aiogram import Bot
from PIL import Image

from bot.clock import Clock, SystemClock
from bot.courier import Courier
from bot.flood import Flood, Pace
from bot.nursery import Nursery
from bot.playground.serve import Playground
from bot.status import StatusBoard
from bot.texts import Texts
from generation.contracts.picture import Picture
from storage import Destination, NewOrder, Order, State, Storage, open_storage
from storage.opening import DATABASE_NAME
from storage.upgrade import prepare
from tests.bot_outgoing.hands import HandClock
from tests.bot_outgoing.wire import TOKEN, Wire

if TYPE_CHECKING:
    from tests.bot_outgoing.loopback import Sim

QUICK = Pace(
    private_rate=2000.0,
    private_burst=2000,
    group_rate=2000.0,
    group_burst=2000,
    overall_rate=2000.0,
    overall_burst=2000,
    progress_rate=2000.0,
    progress_burst=2000,
    private_floor_s=0.004,
    group_floor_s=0.008,
    private_preview_floor_s=0.006,
    group_preview_floor_s=0.012,
    preview_rest_s=0.03,
    preview_doubt_s=0.1,
    backoff_first_s=0.005,
    backoff_last_s=0.02,
    original_again_s=0.0,
)
"""The same rules with small figures, for tests that are not about the figures."""


def png_of(shade: int = 200, side: int = 512) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (side, side), (shade, 90, 40)).save(out, "PNG")
    return out.getvalue()


@dataclass
class Office:
    """A courier and everything around it."""

    storage: Storage
    bot: Bot
    courier: Courier
    board: StatusBoard
    nursery: Nursery
    texts: Texts
    wire: Wire | None = None
    _count: int = field(default=0)

    async def order(
        self, *, style: str | None = "ink", chat: int = 1001, private: bool = True, word: str = "学习"
    ) -> Order:
        """A new order: queued with a style, a draft without."""
        self._count += 1
        learner = await self.storage.learners.meet(abs(chat), locale="en")
        where = Destination(chat=chat, private=private)
        new = NewOrder(
            source_key=f"tg:1:{chat}:{self._count}", learner=learner.id, locale="en", destination=where,
            word=word, translation="study", language="zh-Hans", style=style, seed=self._count, width=512, height=512,
        )  # fmt: skip
        return (await self.storage.orders.intake(new))[0]

    async def now(self, order: Order) -> Order:
        found = await self.storage.orders.get(order.id)
        assert found is not None
        return found

    async def painted_running(self, order_id: int) -> None:
        """The worker's part for an order it has claimed."""
        made = Picture(
            png=png_of(order_id % 256), width=512, height=512, engine="painter", engine_version="1", box=(0, 0, 1, 1)
        )
        assert await self.storage.ledger.rendered(order_id, made)

    async def painted(self, order: Order, png: bytes | None = None) -> Order:
        """The worker's part: claim and render."""
        ledger = self.storage.ledger
        assert await ledger.claim(order.id)
        made = Picture(
            png=png or png_of(), width=512, height=512, engine="painter", engine_version="1", box=(0, 0, 1, 1)
        )
        assert await ledger.rendered(order.id, made)
        return await self.now(order)

    async def rendered(self, **options: object) -> Order:
        """A rendered order whose status message stands in the chat."""
        order = await self.order(**options)  # type: ignore[arg-type]  # passed through to `order`
        self.courier.open_status(order.id)
        assert await self.courier.drain(5)
        self.courier._line.resting = False
        return await self.painted(await self.now(order))

    async def delivered(self, order: Order) -> Order:
        self.courier.deliver(order.id)
        assert await self.courier.drain(10), "the delivery did not end"
        return await self.now(order)


def employ(storage: Storage, bot: Bot, texts: Texts, *, pace: Pace, clock: Clock | None = None) -> Office:
    nursery = Nursery()
    flood = Flood(clock or SystemClock(), pace)
    courier = Courier(bot, storage, texts=texts, flood=flood, nursery=nursery)
    return Office(storage, bot, courier, StatusBoard(courier, texts), nursery, texts)


@pytest.fixture(scope="session")
def texts() -> Texts:
    return Texts.load()


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An up-to-date database made once; every test copies it, which is quicker than making it."""
    path = tmp_path_factory.mktemp("empty") / DATABASE_NAME
    prepare(path, path.parent / "backups")
    return path


@pytest.fixture
async def storage(tmp_path: Path, empty_database: Path) -> AsyncIterator[Storage]:
    folder = tmp_path / "data"
    folder.mkdir()
    shutil.copy(empty_database, folder / DATABASE_NAME)
    async with open_storage(folder, cache_budget_bytes=10**9) as opened:
        yield opened


@pytest.fixture
async def wire() -> Wire:
    return Wire()


@pytest.fixture
async def office(storage: Storage, texts: Texts, wire: Wire) -> AsyncIterator[Office]:
    """Quick figures, the machine's clock."""
    made = employ(storage, Bot(TOKEN, session=wire), texts, pace=QUICK)
    made.wire = wire
    yield made
    await made.courier.close()
    assert await made.nursery.close(1) == 0, "a task outlived the courier"


@pytest.fixture
def hands() -> HandClock:
    return HandClock()


@pytest.fixture
async def slow_office(storage: Storage, texts: Texts, wire: Wire, hands: HandClock) -> AsyncIterator[Office]:
    """The real figures, a clock turned by hand."""
    wire.now = hands.monotonic
    made = employ(storage, Bot(TOKEN, session=wire), texts, pace=Pace(), clock=hands)
    made.wire = wire
    yield made
    await made.courier.close()
    await made.nursery.close(1)


@pytest.fixture
async def sim(tmp_path: Path) -> AsyncIterator[Sim]:
    from tests.bot_outgoing.loopback import FIRST, Sim

    playground = Playground(tmp_path, port=0, flood=False)
    url = await playground.start()
    async with httpx.AsyncClient(base_url=url, headers={"X-Playground-Key": playground.key}) as client:
        # A bot may not write first: the learner opens the chat.
        await client.post("/sim/message", json={"learner": FIRST, "text": "/start"})
        yield Sim(client, url)
    await playground.stop()


@pytest.fixture
async def http_office(sim: Sim, storage: Storage, texts: Texts) -> AsyncIterator[Office]:
    from tests.bot_outgoing.loopback import HTTP, bot_at

    made = employ(storage, bot_at(sim.url), texts, pace=HTTP)
    yield made
    await made.courier.close()
    await made.nursery.close(1)
    await made.bot.session.close()


DRAFT, QUEUED, RUNNING = State.DRAFT, State.QUEUED, State.RUNNING
