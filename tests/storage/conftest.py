"""Real SQLite files in temporary folders, a clock that stands still, and orders brought into any state."""

from __future__ import annotations

import itertools
import shutil
from dataclasses import dataclass, field, replace

import pytest

from generation.contracts.errors import PaintingFailed
from generation.contracts.picture import Picture
from storage import Destination, NewOrder, State, open_storage
from storage.opening import DATABASE_NAME
from storage.upgrade import prepare

BUDGET_BYTES = 10_000_000


@dataclass
class Clock:
    now: float = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Orders:
    """Takes orders in and brings them, by the real service, into the state a test needs."""

    storage: object
    learner: int
    numbers: itertools.count = field(default_factory=itertools.count)

    def new(self, **changes) -> NewOrder:
        plain = NewOrder(
            source_key=f"tg:1:{self.learner}:{next(self.numbers)}",
            learner=self.learner,
            locale="en",
            destination=Destination(chat=1001),
            word="学习",
            translation="study",
            language="zh-Hans",
            seed=7,
        )
        return replace(plain, **changes)

    async def intake(self, **changes):
        order, created = await self.storage.orders.intake(self.new(**changes))
        assert created
        return order

    async def in_state(self, state: State, **changes) -> int:
        order = (await self.intake(**changes)).id
        await getattr(self, f"_to_{state.value}")(order)
        assert (await self.storage.orders.get(order)).state is state
        return order

    async def _to_draft(self, order):
        pass

    async def _to_queued(self, order):
        assert await self.storage.orders.choose_style(order, "ink")

    async def _to_running(self, order):
        await self._to_queued(order)
        assert await self.storage.orders.claim(order)

    async def _to_rendered(self, order):
        await self._to_running(order)
        assert await self.storage.ledger.rendered(order, painted(order))

    async def _to_delivering(self, order):
        await self._to_rendered(order)
        assert await self.storage.orders.begin_delivery(order)

    async def _to_delivered(self, order):
        await self._to_delivering(order)
        assert await self.storage.orders.delivered(order, 55)

    async def _to_failed(self, order):
        await self._to_running(order)
        assert await self.storage.ledger.failed(order, PaintingFailed(reference="r1"))

    async def _to_cancelled(self, order):
        assert await self.storage.orders.cancel(order)

    async def _to_dead(self, order):
        await self._to_queued(order)
        for _ in range(3):
            assert await self.storage.orders.claim(order)
            await self.storage.orders.restore()


def painted(number: int = 0, size: int = 2_000, **changes) -> Picture:
    """A picture whose bytes depend on `number`; storage never looks inside them."""
    png = (f"picture {number} ".encode() * size)[:size]
    return Picture(png=png, width=1024, height=1024, engine="painter", engine_version="1", box=(1, 2, 3, 4), **changes)


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory):
    """An up-to-date database made once; copying it is faster than making it."""
    path = tmp_path_factory.mktemp("empty") / DATABASE_NAME
    prepare(path, path.parent / "backups")
    return path


@pytest.fixture
def folder(tmp_path, empty_database):
    data = tmp_path / "data"
    data.mkdir()
    shutil.copy(empty_database, data / DATABASE_NAME)
    return data


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
async def storage(folder, clock):
    async with open_storage(folder, cache_budget_bytes=BUDGET_BYTES, clock=clock) as opened:
        yield opened


@pytest.fixture
async def orders(storage):
    learner = await storage.learners.meet(1001, locale="en")
    return Orders(storage, learner.id)


@pytest.fixture
def orders_of():
    """Orders over any open storage, for tests that open it themselves."""

    async def of(storage, user: int = 1001):
        return Orders(storage, (await storage.learners.meet(user, locale="en")).id)

    return of


@pytest.fixture
def paint():
    return painted
