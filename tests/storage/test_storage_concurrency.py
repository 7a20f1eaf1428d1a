"""Claims are exclusive through the real connections, and the naive way, run beside it, is not."""

from __future__ import annotations

import asyncio
import sqlite3
from collections import Counter

import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import create_async_engine

from generation.contracts.errors import StorageError
from storage import State
from storage.opening import DATABASE_NAME
from storage.tables import orders as table

WORKERS = 8


@pytest.fixture(params=[40, pytest.param(480, marks=[pytest.mark.slow, pytest.mark.timeout(600)])])
async def queued(request, storage, orders):
    """Rows made in bulk; only the claims are measured."""
    template = await orders.in_state(State.QUEUED)
    with sqlite3.connect(storage.path / DATABASE_NAME) as connection:
        columns = [
            row[1] for row in connection.execute("PRAGMA table_info(orders)") if row[1] not in {"id", "source_key"}
        ]
        names = ", ".join(columns)
        connection.execute(
            f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {request.param - 1}) "
            f"INSERT INTO orders (source_key, {names}) SELECT 'job:' || i, {names} FROM orders, n WHERE id = ?",
            (template,),
        )
    connection.close()
    return [order.id for order in await storage.orders.open_of(orders.learner)]


async def test_no_order_is_claimed_twice(storage, queued):
    assert len(queued) >= 40
    claimed = Counter()

    async def worker():
        for order in queued:
            if await storage.orders.claim(order):
                claimed[order] += 1

    await asyncio.gather(*(worker() for _ in range(WORKERS)))
    assert claimed == Counter(queued)
    assert await storage.orders.counts() == dict.fromkeys(State, 0) | {State.RUNNING: len(queued)}


async def test_the_naive_way_claims_twice(storage, queued):
    """The control: default transactions, SELECT then UPDATE. Were it to pass, the test above would prove nothing."""
    engine = create_async_engine(f"sqlite+aiosqlite:///{storage.path / DATABASE_NAME}", pool_size=WORKERS)
    claimed = Counter()

    async def worker():
        while True:
            try:
                async with engine.begin() as connection:
                    order = (await connection.execute(select(table.c.id).where(table.c.state == "queued"))).scalar()
                    if order is None:
                        return
                    await connection.execute(update(table).where(table.c.id == order).values(state="running"))
                claimed[order] += 1
            except OperationalError:
                claimed["failed"] += 1

    await asyncio.gather(*(worker() for _ in range(WORKERS)))
    await engine.dispose()
    assert claimed.pop("failed", 0) + sum(number - 1 for number in claimed.values()) > 0


async def test_writers_and_readers_at_once_are_never_locked_out(storage, orders):
    """Intakes, reads, counts and cancels mixed; any "database is locked" would surface as an error."""

    async def one(number):
        order, _ = await storage.orders.intake(orders.new(source_key=f"mixed:{number}", style="ink"))
        seen = await storage.orders.get(order.id)
        await storage.orders.counts()
        return seen.state, await storage.orders.cancel(order.id)

    results = await asyncio.gather(*(one(number) for number in range(50)))
    assert set(results) == {(State.QUEUED, True)}


async def test_readers_cannot_write(storage, orders):
    order = await orders.in_state(State.QUEUED)
    with pytest.raises(StorageError):
        async with storage.database.read() as connection:
            await connection.execute(update(table).values(state="running"))
    assert (await storage.orders.get(order)).state is State.QUEUED


async def test_a_cancelled_writer_leaves_nothing_half_done(storage, orders):
    """Cancel tasks at every point of their transaction; the writer goes on and rows are whole."""
    ids = [await orders.in_state(State.QUEUED) for _ in range(30)]

    async def claim_then_stop(order, turns):
        task = asyncio.ensure_future(storage.orders.claim(order))
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    for turns, order in enumerate(ids):
        await claim_then_stop(order, turns)
        row = await storage.orders.get(order)
        assert (row.state, row.attempts) in {(State.QUEUED, 0), (State.RUNNING, 1)}
        assert (row.started_at is None) == (row.state is State.QUEUED)
    assert (await storage.learners.meet(9, locale="en")).user == 9


async def test_a_commit_that_fails_changes_nothing(storage, orders):
    """A constraint checked at commit makes COMMIT itself fail, after all statements succeeded."""
    order = await orders.in_state(State.QUEUED)

    async def write():
        async with storage.database.write() as connection:
            await connection.exec_driver_sql("PRAGMA defer_foreign_keys = ON")
            await connection.execute(update(table).where(table.c.id == order).values(state="running", learner=999))

    with pytest.raises(StorageError):
        await write()
    assert (await storage.orders.get(order)).state is State.QUEUED
    assert await storage.orders.claim(order)
