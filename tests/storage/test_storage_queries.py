"""Every statement that runs while somebody waits uses an index, as SQLite itself says."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace

import pytest
from sqlalchemy import event

from generation.contracts.errors import PaintingFailed
from generation.contracts.request import PaintRequest
from storage import State
from storage.model import TERMINAL
from storage.opening import DATABASE_NAME

REQUEST = PaintRequest(word="学习", style="ink", seed=7)
LOOKED_AT_LEAST = 28


@pytest.fixture
def statements(storage):
    """Every distinct statement that the two engines are given from now on, with its parameters."""
    seen = {}

    def note(_connection, _cursor, statement, parameters, _context, many):
        if statement.split()[0] in {"SELECT", "UPDATE", "DELETE", "INSERT"}:
            seen.setdefault(statement, parameters[0] if many else parameters)

    for engine in (storage.database._writer, storage.database._readers):
        event.listen(engine.sync_engine, "before_cursor_execute", note)
    return seen


def plans(database, statements):
    with closing(sqlite3.connect(database)) as connection:
        for statement, parameters in statements.items():
            steps = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)]
            yield statement, steps


async def test_no_hot_statement_scans_a_table(storage, orders, paint, statements):
    await _everything(storage, orders, paint)
    looked_at = 0
    for statement, steps in plans(storage.path / DATABASE_NAME, statements):
        looked_at += 1
        scans = [step for step in steps if step.startswith("SCAN") and step != "SCAN CONSTANT ROW"]
        if "ORDER BY pictures.used_at" in statement:  # eviction walks the index from its oldest end
            scans = [step for step in scans if "USING INDEX ix_pictures_used_at" not in step]
        assert scans == [], (statement, steps)
    assert looked_at >= LOOKED_AT_LEAST


async def test_the_look_out_sees_a_scan(storage, statements):
    """The control: counting all orders by state does scan."""
    await storage.orders.counts()
    ((_, steps),) = plans(storage.path / DATABASE_NAME, statements)
    assert any(step.startswith("SCAN") for step in steps)


@pytest.mark.parametrize(
    ("index", "statement"),
    [
        ("ix_orders_picture", "UPDATE orders SET picture = NULL WHERE picture = 1"),
        ("ix_orders_parent", "UPDATE orders SET parent = NULL WHERE parent = 1"),
        ("ix_orders_learner", "DELETE FROM orders WHERE learner = 1"),
        ("sqlite_autoindex", "DELETE FROM telegram_files WHERE picture = 1"),
    ],
)
async def test_foreign_keys_have_an_index(storage, index, statement):
    """What SQLite does by itself when a row that others point to is deleted."""
    ((_, steps),) = plans(storage.path / DATABASE_NAME, {statement: ()})
    assert not any(step.startswith("SCAN") for step in steps)
    assert any(index in step or "PRIMARY KEY" in step for step in steps)


async def _everything(storage, orders, paint):
    """Use every call of the interface that a handler, the worker or the courier makes."""
    for state in State:
        order = await orders.in_state(state)
        await storage.orders.attach_status(order, 1)
        await storage.orders.move_status(order, 2)
        await storage.orders.requeue(order)
        await storage.orders.release(order)
        await storage.orders.told(order)
        await storage.orders.cancel(order)
    parent = await orders.in_state(min(TERMINAL), source_key="parent")
    child = await orders.intake(parent=parent, action="again")
    await storage.orders.intake(orders.new(parent=parent, action="again"))
    await storage.orders.open_child(parent, "again")
    await storage.orders.open_of(orders.learner)
    await storage.orders.seeds_seen(child)
    await storage.orders.undeliverable(child.id, PaintingFailed(reference="r"))
    await storage.orders.restore()
    await storage.orders.prune(finished_before=1, drafts_before=1)
    await _learners_and_pictures(storage, paint, child.id)


async def _learners_and_pictures(storage, paint, order):
    await storage.learners.meet(1001, locale="ru")
    await storage.learners.set_locale(1001, "en")
    await storage.learners.set_blocked(1001, blocked=True)
    storage.pictures.budget_bytes = 0
    for seed in range(3):
        kept = await storage.pictures.keep(replace(REQUEST, seed=seed), paint(seed))
    await storage.orders.finish_from_cache(order, kept.id)
    await storage.pictures.find(replace(REQUEST, seed=2), "painter", "1")
    await storage.pictures.get(kept.id)
    await storage.files.keep(kept.id, 1, "photo", "a")
    await storage.files.find(kept.id, 1, "photo")
    await storage.files.forget(kept.id, 1, "photo")
    kept.path.unlink()
    await storage.pictures.find(replace(REQUEST, seed=2), "painter", "1")
    await storage.pictures.flush()
