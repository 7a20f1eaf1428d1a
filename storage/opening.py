"""Opens a data folder: lock, check, upgrade, sweep, connect. Closes it in the reverse order.

Knows the folder's layout: `wordbrush.sqlite3`, `pictures/`, `backups/`, `.lock`.
"""

from __future__ import annotations

import asyncio
import logging
import shutil
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout
from sqlalchemy import func, select

from generation.contracts.errors import BadSettings, DataFolderBusy
from storage.database import Database, connect, report_version
from storage.failures import mapped
from storage.learners import Learners
from storage.ledger import OrderLedger
from storage.model import Inventory
from storage.orders import Orders
from storage.picture_files import ODD, PictureFiles
from storage.pictures import Pictures
from storage.tables import learners
from storage.telegram_files import TelegramFiles
from storage.upgrade import prepare

_log = logging.getLogger(__name__)

DATABASE_NAME = "wordbrush.sqlite3"
_DAY_S = 86_400.0
_LOCK_WAIT_S = 0.5
_LONGEST_REST_DAYS = 400.0
"""A clock further ahead of the newest order than this is more likely wrong than the bot was off for so long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Storage:
    """An open data folder.

    Attributes:
        path: the folder.
        orders: the order service.
        pictures: the picture cache.
        learners: who writes to the bot.
        files: Telegram's file ids of pictures.
        ledger: the worker's port.
        database: the connections below all of these.
    """

    path: Path
    orders: Orders
    pictures: Pictures
    learners: Learners
    files: TelegramFiles
    ledger: OrderLedger
    database: Database

    async def counts(self) -> Inventory:
        """How much there is. Reads whole indexes: for people who ask, not for every message."""
        async with self.database.read() as connection:
            people = (await connection.execute(select(func.count()).select_from(learners))).scalar_one()
        return Inventory(
            orders=await self.orders.counts(),
            learners=people,
            pictures=await self.pictures.count(),
            picture_bytes=self.pictures.used_bytes,
            budget_bytes=self.pictures.budget_bytes,
            database_bytes=await asyncio.to_thread(_size, self.database.path),
        )

    async def close(self) -> None:
        """Write what is still in memory and close the connections. `open_storage` does this."""
        await self.pictures.flush()
        await self.database.close()


@asynccontextmanager
async def open_storage(
    folder: Path,
    *,
    cache_budget_bytes: int,
    keep_orders_days: float = 365.0,
    keep_drafts_days: float = 30.0,
    clock: Callable[[], float] = time.time,
) -> AsyncIterator[Storage]:
    """Open a data folder for this process alone; made when missing.

    Args:
        folder: on a local disk; SQLite's locks do not hold over a network.
        cache_budget_bytes: what the picture files may take.
        keep_orders_days: finished orders older than this are forgotten at start.
        keep_drafts_days: drafts older than this are cancelled at start.
        clock: UTC seconds since 1970.

    Raises:
        DataFolderBusy: another process has it open.
        BadSettings: the folder cannot be made or written to.
        DatabaseCorrupt: the database is damaged; it was left untouched.
        WrongDatabase: it was made by a newer version.
        StorageError: or another subclass.
    """
    with _locked(folder):
        report_version()
        path = folder / DATABASE_NAME
        with mapped(path):
            files = await asyncio.to_thread(_prepare, folder, path)
        storage = _assemble(folder, files, budget_bytes=cache_budget_bytes, clock=clock)
        try:
            await _prune(storage.orders, clock(), keep_orders_days=keep_orders_days, keep_drafts_days=keep_drafts_days)
            yield storage
        finally:
            await storage.close()


async def _prune(orders: Orders, now: float, *, keep_orders_days: float, keep_drafts_days: float) -> None:
    newest = await orders.newest()
    if newest is not None and now - newest > _LONGEST_REST_DAYS * _DAY_S:
        days = (now - newest) / _DAY_S
        _log.warning("the clock is %.0f days ahead of the newest order: nothing is forgotten at this start", days)
        return
    await orders.prune(finished_before=now - keep_orders_days * _DAY_S, drafts_before=now - keep_drafts_days * _DAY_S)


def clear_storage(folder: Path) -> None:
    """Forget everything in a data folder: rows, pictures and backups. The folder is made when missing.

    Raises:
        DataFolderBusy: a process has it open.
        BadSettings: the folder cannot be made or written to.
        StorageError: a file cannot be deleted.
    """
    with _locked(folder), mapped(folder / DATABASE_NAME):
        for leftover in folder.glob(f"{DATABASE_NAME}*"):
            leftover.unlink()
        for part in ("pictures", "backups", ODD):
            shutil.rmtree(folder / part, ignore_errors=True)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold the folder. The lock goes with the process, however that ends."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = FileLock(folder / ".lock", thread_local=False)
        lock.acquire(timeout=_LOCK_WAIT_S)
    except Timeout:
        raise DataFolderBusy(path=str(folder)) from None
    except OSError as error:
        raise BadSettings(detail=f"the data folder {folder} cannot be used: {error.strerror}") from error
    try:
        yield
    finally:
        lock.release()


def _prepare(folder: Path, path: Path) -> PictureFiles:
    """Everything that blocks, before the connections open: check, upgrade, sweep."""
    prepare(path, folder / "backups")
    files = PictureFiles(folder / "pictures")
    with closing(connect(path)) as connection:
        deleted = files.sweep(_Needed(connection))
    if deleted:
        _log.info("deleted %d files that no row needs", deleted)
    return files


class _Needed:
    """Hashes that a row has, as a container; asked one by one, since there may be a million rows and few files."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def __contains__(self, sha256: object) -> bool:
        found = self._connection.execute("SELECT 1 FROM pictures WHERE sha256 = ? LIMIT 1", (sha256,))
        return found.fetchone() is not None


def _assemble(folder: Path, files: PictureFiles, *, budget_bytes: int, clock: Callable[[], float]) -> Storage:
    database = Database(folder / DATABASE_NAME)
    orders = Orders(database, clock)
    pictures = Pictures(database, files, budget_bytes=budget_bytes, clock=clock)
    return Storage(
        path=folder,
        orders=orders,
        pictures=pictures,
        learners=Learners(database, clock),
        files=TelegramFiles(database),
        ledger=OrderLedger(orders, pictures),
        database=database,
    )


def _size(database: Path) -> int:
    log = database.with_name(f"{database.name}-wal")
    return sum(file.stat().st_size for file in (database, log) if file.exists())
