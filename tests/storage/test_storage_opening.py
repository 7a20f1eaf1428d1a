"""Opening a data folder: alone, quickly, with everything in its place."""

from __future__ import annotations

import asyncio
import logging
import os
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from generation.contracts.errors import BadSettings, DataFolderBusy
from generation.contracts.request import PaintRequest
from storage import Destination, NewOrder, State, clear_storage, open_storage
from storage.database import report_version
from storage.opening import DATABASE_NAME

HOLDER = """
import asyncio, sys
from pathlib import Path
from storage import open_storage

async def main():
    async with open_storage(Path(sys.argv[1]), cache_budget_bytes=1):
        print("open", flush=True)
        sys.stdin.readline()

asyncio.run(main())
"""


async def test_a_new_folder_gets_everything(tmp_path):
    folder = tmp_path / "not" / "there" / "yet"
    async with open_storage(folder, cache_budget_bytes=1) as storage:
        assert storage.path == folder
        assert (await storage.learners.meet(9, locale="en")).user == 9
        assert folder.stat().st_mode & 0o077 == 0
    assert {path.name for path in folder.iterdir()} == {".lock", DATABASE_NAME, "pictures"}


async def test_a_folder_with_odd_characters(tmp_path):
    folder = tmp_path / "100% données ?mode=ro&x#ключ"
    for _ in range(2):
        async with open_storage(folder, cache_budget_bytes=1) as storage:
            assert (await storage.learners.meet(9, locale="en")).user == 9
    assert (folder / DATABASE_NAME).stat().st_size > 0


async def test_everything_is_there_after_reopening(folder, orders_of, paint):
    async with open_storage(folder, cache_budget_bytes=10**6) as storage:
        orders = await orders_of(storage)
        kept = {state: await orders.in_state(state) for state in State}
    async with open_storage(folder, cache_budget_bytes=10**6) as storage:
        for state, order in kept.items():
            assert (await storage.orders.get(order)).state in {state, State.QUEUED if state == "running" else state}


async def test_opening_an_existing_folder_is_quick(folder):
    seconds = []
    for _ in range(5):
        started = time.perf_counter()
        async with open_storage(folder, cache_budget_bytes=1):
            seconds.append(time.perf_counter() - started)
    assert min(seconds) < 0.15


async def test_one_process_a_folder(folder):
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    arguments = [sys.executable, "-c", HOLDER, folder]
    with subprocess.Popen(
        arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    ) as holder:
        assert holder.stdout.readline() == "open\n"
        started = time.perf_counter()
        with pytest.raises(DataFolderBusy) as caught:
            async with open_storage(folder, cache_budget_bytes=1):
                pass
        assert time.perf_counter() - started < 1
        assert caught.value.details == {"path": str(folder)}
        with pytest.raises(DataFolderBusy):
            clear_storage(folder)
        holder.communicate("done\n")
    assert holder.returncode == 0
    async with open_storage(folder, cache_budget_bytes=1) as storage:
        assert (await storage.learners.meet(9, locale="en")).user == 9


async def test_the_lock_is_given_back_when_opening_fails(folder):
    database = folder / DATABASE_NAME
    sound = database.read_bytes()
    database.write_bytes(b"")
    with pytest.raises(Exception, match="damaged"):
        async with open_storage(folder, cache_budget_bytes=1):
            pass
    database.write_bytes(sound)
    async with open_storage(folder, cache_budget_bytes=1) as storage:
        assert (await storage.learners.meet(9, locale="en")).user == 9


async def test_an_error_inside_closes_everything(folder):

    async def meet_and_fail():
        async with open_storage(folder, cache_budget_bytes=1) as storage:
            await storage.learners.meet(1, locale="en")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await meet_and_fail()
    assert not (folder / f"{DATABASE_NAME}-wal").exists()
    async with open_storage(folder, cache_budget_bytes=1) as storage:
        assert await storage.learners.get(1) is not None


async def test_a_folder_that_cannot_be(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(BadSettings) as caught:
        async with open_storage(tmp_path / "file" / "data", cache_budget_bytes=1):
            pass
    assert str(tmp_path / "file" / "data") in str(caught.value)


async def test_old_orders_and_drafts_go_at_start(folder, clock, orders_of):
    async with open_storage(folder, cache_budget_bytes=1, clock=clock) as storage:
        orders = await orders_of(storage)
        delivered = await orders.in_state(State.DELIVERED)
        draft = await orders.in_state(State.DRAFT)
    clock.now += 31 * 86_400
    async with open_storage(folder, cache_budget_bytes=1, clock=clock) as storage:
        assert (await storage.orders.get(draft)).state is State.CANCELLED
        assert await storage.orders.get(delivered) is not None
    clock.now += 340 * 86_400
    async with open_storage(folder, cache_budget_bytes=1, clock=clock) as storage:
        assert await storage.orders.get(delivered) is None


async def test_counts(storage, orders, paint):
    await orders.in_state(State.RENDERED)
    await storage.pictures.keep(PaintRequest(word="水", style="ink", seed=1), paint(9))
    counts = await storage.counts()
    assert (counts.orders[State.RENDERED], counts.orders[State.DEAD]) == (1, 0)
    assert (counts.learners, counts.pictures, counts.picture_bytes) == (1, 2, 4_000)
    assert counts.budget_bytes == 10_000_000
    assert counts.database_bytes >= (storage.path / DATABASE_NAME).stat().st_size > 0


async def test_clearing_forgets_rows_pictures_and_backups(folder, orders_of):
    async with open_storage(folder, cache_budget_bytes=10**6) as storage:
        orders = await orders_of(storage)
        await orders.in_state(State.RENDERED)
        (storage.path / "backups").mkdir()
        (storage.path / "backups" / "wordbrush-old.sqlite3").touch()
    clear_storage(folder)
    assert {path.name for path in folder.iterdir()} == {".lock"}
    async with open_storage(folder, cache_budget_bytes=10**6) as storage:
        assert sum((await storage.orders.counts()).values()) == await storage.pictures.count() == 0


@pytest.mark.parametrize(
    ("version", "affected"),
    [
        ((3, 40, 1), True),
        ((3, 44, 6), False),
        ((3, 50, 6), True),
        ((3, 50, 7), False),
        ((3, 51, 2), True),
        ((3, 51, 3), False),
    ],
)
def test_the_log_names_the_sqlite_version_and_its_flaw(caplog, monkeypatch, version, affected):
    monkeypatch.setattr("storage.database.sqlite3.sqlite_version_info", version)
    with caplog.at_level(logging.INFO, logger="storage.database"):
        report_version()
    assert sqlite3.sqlite_version in caplog.text
    assert ("WAL-reset" in caplog.text) == affected


async def test_threads_and_files_are_given_back(folder):
    """Opening and closing again and again leaves no descriptor and no thread behind."""

    async def once():
        async with open_storage(folder, cache_budget_bytes=1) as storage:
            await asyncio.gather(*(storage.orders.get(1) for _ in range(8)))

    await once()
    before = _descriptors()
    for _ in range(8):
        await once()
    workers = [thread for thread in threading.enumerate() if "_connection_worker" in thread.name]
    for worker in workers:
        worker.join(timeout=5)
    assert not any(worker.is_alive() for worker in workers)
    assert _descriptors() <= before


def _descriptors():
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


async def test_a_clock_far_ahead_forgets_nothing(folder, caplog):
    day, now = 86_400.0, 1_800_000_000.0

    async def orders_left(days: float) -> dict[State, int]:
        later = now + days * day
        async with open_storage(folder, cache_budget_bytes=1, clock=lambda: later) as storage:
            return await storage.orders.counts()

    async with open_storage(folder, cache_budget_bytes=1, clock=lambda: now) as storage:
        learner = await storage.learners.meet(1, locale="en")
        for key in ("draft", "done"):
            place = Destination(chat=1)
            new = NewOrder(source_key=key, learner=learner.id, locale="en", destination=place, word="水", seed=1)
            await storage.orders.intake(new)
        assert await storage.orders.cancel(2)
    assert await orders_left(20_000) == dict.fromkeys(State, 0) | {State.DRAFT: 1, State.CANCELLED: 1}
    assert "ahead of the newest order" in caplog.text
    assert sum((await orders_left(390)).values()) == 1
