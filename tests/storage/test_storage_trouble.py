"""Full disks, damaged files, cut logs: noticed, named in our words, and nothing half done."""

from __future__ import annotations

import errno
import os
import random
import shutil
import sqlite3
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import exc

from generation.contracts.errors import DatabaseBusy, DatabaseCorrupt, DiskFull, StorageError
from generation.contracts.request import PaintRequest
from storage import State, open_storage
from storage.failures import FOREIGN, mapped, translate
from storage.opening import DATABASE_NAME

PATH = Path("some.sqlite3")
REQUEST = PaintRequest(word="学习", style="ink", seed=7)


def sqlite_error(kind, code):
    error = kind("words that matter to nobody")
    error.sqlite_errorcode = code
    return error


# Every exception class of the libraries below us, and what it becomes.


def raised_by(module, base):
    return {
        value for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, base) and not issubclass(value, Warning)
    }  # fmt: skip


def test_every_exception_of_the_drivers_is_mapped():
    classes = raised_by(exc, exc.SQLAlchemyError) | raised_by(sqlite3, sqlite3.Error)
    assert len(classes) >= 45
    assert [cls for cls in classes if not issubclass(cls, FOREIGN)] == []
    unmapped = {cls for cls in raised_by(exc, Exception) - classes if not issubclass(cls, FOREIGN)}
    assert unmapped <= {exc.EmulatedDBAPIException}, "SQLAlchemy wraps this one in a DBAPIError, see below"


@pytest.mark.parametrize("cls", sorted(raised_by(exc, exc.DBAPIError), key=lambda cls: cls.__name__))
def test_what_sqlalchemy_wraps_is_looked_into(cls):
    full = sqlite_error(sqlite3.OperationalError, sqlite3.SQLITE_FULL)
    assert type(translate(cls("SELECT 1", {}, full), PATH)) is DiskFull
    adapted = RuntimeError("an adapter's own class")
    adapted.__cause__ = sqlite_error(sqlite3.OperationalError, sqlite3.SQLITE_BUSY)
    assert type(translate(cls("SELECT 1", {}, adapted), PATH)) is DatabaseBusy


CODES = {
    sqlite3.SQLITE_FULL: DiskFull,
    sqlite3.SQLITE_BUSY: DatabaseBusy,
    sqlite3.SQLITE_BUSY_SNAPSHOT: DatabaseBusy,
    sqlite3.SQLITE_LOCKED: DatabaseBusy,
    sqlite3.SQLITE_CORRUPT: DatabaseCorrupt,
    sqlite3.SQLITE_CORRUPT_INDEX: DatabaseCorrupt,
    sqlite3.SQLITE_NOTADB: DatabaseCorrupt,
    sqlite3.SQLITE_IOERR: StorageError,
    sqlite3.SQLITE_READONLY: StorageError,
    sqlite3.SQLITE_CANTOPEN: StorageError,
    sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY: StorageError,
}


@pytest.mark.parametrize(("code", "ours"), CODES.items())
def test_sqlites_codes(code, ours):
    assert type(translate(sqlite_error(sqlite3.DatabaseError, code), PATH)) is ours


OTHERS = [
    (OSError(errno.ENOSPC, "no space"), DiskFull),
    (OSError(errno.EDQUOT, "quota"), DiskFull),
    (OSError(errno.EFBIG, "file too large"), DiskFull),
    (OSError(errno.EIO, "bad block"), StorageError),
    (PermissionError(errno.EACCES, "no"), StorageError),
    (exc.TimeoutError("no connection in time"), DatabaseBusy),
    (exc.InvalidRequestError("odd"), StorageError),
    (sqlite3.ProgrammingError("closed"), StorageError),
]


@pytest.mark.parametrize(("foreign", "ours"), OTHERS, ids=lambda value: type(value).__name__)
def test_other_exceptions(foreign, ours):
    with pytest.raises(StorageError) as caught, mapped(PATH):
        raise foreign
    assert type(caught.value) is ours
    assert caught.value.__cause__ is foreign


def test_our_own_errors_and_bugs_pass_unchanged():
    for error in (DiskFull(), ValueError("a bug")):
        with pytest.raises(type(error)) as caught, mapped(PATH):
            raise error
        assert caught.value is error


def test_which_may_be_tried_again():
    assert DatabaseBusy.retryable
    assert DiskFull.retryable
    assert not DatabaseCorrupt.retryable


# Full disks.


async def _fill_up(storage):
    """Let the database not grow by a page, as a full disk would."""
    async with storage.database._writer.connect() as connection:
        driver = (await connection.get_raw_connection()).driver_connection
        pages = (await driver.execute_fetchall("PRAGMA page_count"))[0][0]
        await driver.execute_fetchall(f"PRAGMA max_page_count = {pages}")


async def _make_room(storage):
    async with storage.database._writer.connect() as connection:
        driver = (await connection.get_raw_connection()).driver_connection
        await driver.execute_fetchall("PRAGMA max_page_count = 1000000")


async def test_a_full_disk_refuses_intakes_and_recovers_alone(storage, orders):
    await _fill_up(storage)
    taken = []

    async def take_in_many():
        for _ in range(2_000):
            taken.append(await orders.intake(translation="x" * 400))

    with pytest.raises(DiskFull):
        await take_in_many()
    before = await storage.orders.counts()
    assert before[State.DRAFT] == len(taken)
    assert not [order for order in taken if await storage.orders.get(order.id) is None]
    await _make_room(storage)
    assert (await orders.intake()).state is State.DRAFT
    assert (await storage.learners.meet(9, locale="en")).user == 9


def _full(*_args):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("call", ["write", "fsync"])
async def test_a_full_disk_keeps_no_half_picture(storage, folder, orders, paint, monkeypatch, call):
    order = await orders.in_state(State.RUNNING)
    with monkeypatch.context() as patched:
        patched.setattr(f"storage.picture_files.os.{call}", _full)
        with pytest.raises(DiskFull):
            await storage.ledger.rendered(order, paint())
    assert [path for path in (folder / "pictures").rglob("*") if path.is_file()] == []
    assert (await storage.orders.get(order)).state is State.RUNNING
    assert storage.pictures.used_bytes == 0
    assert await storage.ledger.rendered(order, paint())
    assert await storage.pictures.read(await storage.pictures.get(1)) == paint().png


async def test_a_database_without_room_keeps_no_picture_file(storage, folder, orders, paint):
    order = await orders.in_state(State.RUNNING)
    await _fill_up(storage)

    async def keep_many():
        for seed in range(2_000):
            await storage.pictures.keep(replace(REQUEST, seed=seed), paint(seed, prompt="p" * 900))

    with pytest.raises(DiskFull):
        await keep_many()
    files = [path for path in (folder / "pictures").rglob("*") if path.is_file()]
    assert len(files) == await storage.pictures.count()
    await _make_room(storage)
    assert await storage.ledger.rendered(order, paint(-1))


LIMITED = """
import asyncio, resource, signal, sys
from pathlib import Path
from generation.contracts.errors import DiskFull
from generation.contracts.picture import Picture
from generation.contracts.request import PaintRequest
from storage import open_storage

async def main():
    async with open_storage(Path(sys.argv[1]), cache_budget_bytes=10**9) as storage:
        resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, resource.RLIM_INFINITY))
        request = PaintRequest(word="w", style="ink", seed=1)
        picture = Picture(png=b"x" * 900_000, width=512, height=512, engine="e", engine_version="1", box=(0, 0, 1, 1))
        try:
            await storage.pictures.keep(request, picture)
        except DiskFull:
            print("full", flush=True)
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        print(len((await storage.pictures.read(await storage.pictures.keep(request, picture)))), flush=True)

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
asyncio.run(main())
"""


def test_a_file_system_that_takes_only_part_of_a_file(folder):
    """The operating system itself refuses half-way through the write."""
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, folder], capture_output=True, text=True, check=False, env=environment
    )
    assert done.stdout.split() == ["full", "900000"], done.stderr
    assert len([path for path in (folder / "pictures").rglob("*") if path.is_file()]) == 1


# Damaged databases.


@pytest.fixture
async def filled(folder, orders_of, paint):
    """A closed data folder with some hundred rows."""
    async with open_storage(folder, cache_budget_bytes=10**8) as storage:
        orders = await orders_of(storage)
        for state in State:
            await orders.in_state(state)
        for seed in range(20):
            await storage.pictures.keep(replace(REQUEST, seed=seed), paint(seed, prompt="p" * 300))
    return folder


def _flip(path, page, count=64, page_size=4096):
    data = bytearray(path.read_bytes())
    for index in range(page * page_size, page * page_size + count):
        data[index] ^= 0x5A
    path.write_bytes(data)


async def test_damage_is_found_at_start_and_the_file_is_kept(filled, tmp_path):
    database = filled / DATABASE_NAME
    sound = database.read_bytes()
    pages = len(sound) // 4096
    assert pages > 20
    for page in range(pages):
        database.write_bytes(sound)
        _flip(database, page)
        damaged = database.read_bytes()
        with pytest.raises(DatabaseCorrupt) as caught:
            async with open_storage(filled, cache_budget_bytes=10**8):
                pass
        assert caught.value.details == {"path": str(database)}
        assert database.read_bytes() == damaged, page
    database.write_bytes(sound)
    async with open_storage(filled, cache_budget_bytes=10**8) as storage:
        assert await storage.pictures.count() > 20


@pytest.mark.parametrize("content", [b"", b"no database at all" * 500, b"SQLite format 3\0"])
async def test_a_file_that_is_no_database_is_not_replaced(folder, content):
    database = folder / DATABASE_NAME
    database.write_bytes(content)
    with pytest.raises(DatabaseCorrupt):
        async with open_storage(folder, cache_budget_bytes=1):
            pass
    assert database.read_bytes() == content


async def test_a_cut_database_is_noticed(filled):
    database = filled / DATABASE_NAME
    data = database.read_bytes()
    database.write_bytes(data[: len(data) // 2 // 4096 * 4096])
    with pytest.raises(DatabaseCorrupt):
        async with open_storage(filled, cache_budget_bytes=1):
            pass


async def test_a_log_without_its_database_is_not_replayed_into_a_new_one(folder):
    database = folder / DATABASE_NAME
    database.unlink()
    log = folder / f"{DATABASE_NAME}-wal"
    log.write_bytes(b"frames of a database that is gone")
    with pytest.raises(DatabaseCorrupt):
        async with open_storage(folder, cache_budget_bytes=1):
            pass
    assert not database.exists()
    assert log.exists()


async def test_damage_that_appears_while_running_is_named(storage, orders):
    for _ in range(40):
        await orders.intake(style="ink", translation="x" * 2_000)
    async with storage.database._writer.connect() as connection:
        driver = (await connection.get_raw_connection()).driver_connection
        await driver.execute_fetchall("PRAGMA wal_checkpoint(TRUNCATE)")
    database = storage.path / DATABASE_NAME
    for page in range(1, database.stat().st_size // 4096):
        _flip(database, page)

    async def read_all():
        for order in range(1, 41):
            await storage.orders.get(order)

    with pytest.raises(DatabaseCorrupt):
        await read_all()
    with pytest.raises(StorageError):
        await storage.learners.meet(9, locale="en")


# A cut write-ahead log: the power went while it was written.


async def test_a_cut_log_leaves_a_sound_prefix(folder, tmp_path, orders_of):
    """Cut the log of a running process at random lengths: always sound, and the rows are the first so many."""
    snapshot = tmp_path / "snapshot"
    async with open_storage(folder, cache_budget_bytes=1) as storage:
        orders = await orders_of(storage)
        ids = [(await orders.intake(style="ink")).id for _ in range(40)]
        snapshot.mkdir()
        for name in (DATABASE_NAME, f"{DATABASE_NAME}-wal"):
            shutil.copy(folder / name, snapshot / name)
    log = (snapshot / f"{DATABASE_NAME}-wal").read_bytes()
    counts = set()
    for length in sorted(random.Random(5).sample(range(len(log)), 50)):
        counts.add(_rows_after_cut(snapshot, tmp_path / "cut", log[:length], ids))
    assert min(counts) < max(counts)


def _rows_after_cut(snapshot, cut, log, ids):
    cut.mkdir(exist_ok=True)
    (cut / f"{DATABASE_NAME}-shm").unlink(missing_ok=True)
    shutil.copy(snapshot / DATABASE_NAME, cut / DATABASE_NAME)
    (cut / f"{DATABASE_NAME}-wal").write_bytes(log)
    connection = sqlite3.connect(cut / DATABASE_NAME)
    assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    rows = [row[0] for row in connection.execute("SELECT id FROM orders ORDER BY id")]
    connection.close()
    assert rows == ids[: len(rows)]
    return len(rows)


async def test_the_log_stays_small_and_is_gone_after_closing(folder, orders_of):
    async with open_storage(folder, cache_budget_bytes=1) as storage:
        orders = await orders_of(storage)
        for _ in range(100):
            await orders.intake(style="ink", translation="x" * 8_000)
        assert (folder / f"{DATABASE_NAME}-wal").stat().st_size < 64 * 2**20
        assert (await storage.counts()).database_bytes > 100 * 8_000
    assert not (folder / f"{DATABASE_NAME}-wal").exists()


async def test_the_pragmas_hold_on_every_connection(storage):
    wanted = {
        "journal_mode": "wal",
        "synchronous": 2,
        "foreign_keys": 1,
        "busy_timeout": 5000,
        "trusted_schema": 0,
        "journal_size_limit": 64 * 2**20,
        "query_only": 0,
    }
    async with storage.database.write() as connection:
        for pragma, value in wanted.items():
            assert (await connection.exec_driver_sql(f"PRAGMA {pragma}")).scalar() == value
    async with storage.database.read() as connection:
        for pragma, value in {"foreign_keys": 1, "query_only": 1, "busy_timeout": 5000, "trusted_schema": 0}.items():
            assert (await connection.exec_driver_sql(f"PRAGMA {pragma}")).scalar() == value


async def test_learners_words_are_in_no_error(storage, orders):
    """Statements may be logged with their error; what a learner wrote may not."""
    with pytest.raises(StorageError) as caught:
        await storage.orders.intake(orders.new(learner=999, word="a very secret word"))
    assert "secret" not in f"{caught.value} {caught.value.__cause__}"
