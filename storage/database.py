"""Connections to the one SQLite file: a single writer, a few readers, and the settings each of them gets.

Knows transactions and pragmas. Knows no table.

The defaults of SQLAlchemy with aiosqlite begin a transaction late and unlocked: two tasks that read and then write
both succeed, or fail at once whatever the busy timeout. Here every write begins with `BEGIN IMMEDIATE` on the only
connection that may write, and readers are `query_only` without a transaction of their own.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, event
from sqlalchemy.engine import URL
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from storage.failures import FOREIGN, mapped

_log = logging.getLogger(__name__)

BUSY_TIMEOUT_MS = 5_000
WAL_LIMIT_BYTES = 64 * 2**20
READERS = 4
_WAIT_FOR_CONNECTION_S = 30.0
_ANALYSIS_ROWS = 400

SHARED_PRAGMAS = (
    f"busy_timeout = {BUSY_TIMEOUT_MS}",
    "foreign_keys = ON",
    "trusted_schema = OFF",
)
WRITER_PRAGMAS = (
    *SHARED_PRAGMAS,
    "journal_mode = WAL",
    "synchronous = FULL",
    f"journal_size_limit = {WAL_LIMIT_BYTES}",
)
READER_PRAGMAS = (*SHARED_PRAGMAS, "query_only = ON")
_WITHOUT_TRANSACTIONS: dict[str, Any] = {
    "isolation_level": "AUTOCOMMIT",
    "skip_autocommit_rollback": True,  # saves a third of a lookup's thread switches
    "pool_reset_on_return": None,
}

_WAL_RESET_FIXED = ((3, 51, 3), (3, 50, 7), (3, 44, 6))


class Database:
    """The open database. Make it inside a running event loop; `close` it there.

    Args:
        path: an existing, checked, up-to-date file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._writer = _engine(path, WRITER_PRAGMAS, pool_size=1)
        self._readers = _engine(path, READER_PRAGMAS, pool_size=READERS, **_WITHOUT_TRANSACTIONS)
        event.listen(self._writer.sync_engine, "begin", _begin_immediate)

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """The writer within one transaction: committed at the end of the block, rolled back when it raises.

        Raises:
            StorageError: or a subclass; nothing was changed.
        """
        with mapped(self.path):
            async with self._writer.begin() as connection:
                yield connection

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """A reader; each statement sees the last commit. Raises `StorageError` or a subclass."""
        with mapped(self.path):
            async with self._readers.connect() as connection:
                yield connection

    async def close(self) -> None:
        """Close all connections, the writer last: it moves the write-ahead log into the file."""
        await self._readers.dispose()
        try:
            await self._optimize()
        except FOREIGN as error:
            _log.warning("closing without optimizing: %s", type(error).__name__)
        finally:
            await self._writer.dispose()

    async def _optimize(self) -> None:
        """Let SQLite refresh the statistics its planner uses, where it thinks they are stale."""
        async with self._writer.connect() as connection:
            driver = (await connection.get_raw_connection()).driver_connection
            assert driver is not None
            await driver.execute_fetchall(f"PRAGMA analysis_limit = {_ANALYSIS_ROWS}")
            await driver.execute_fetchall("PRAGMA optimize")


def connect(path: Path, *pragmas: str) -> sqlite3.Connection:
    """A plain connection for start-up work on another thread; transactions are the caller's."""
    connection = sqlite3.connect(path, isolation_level=None, timeout=BUSY_TIMEOUT_MS / 1000)
    for pragma in pragmas:
        connection.execute(f"PRAGMA {pragma}")
    return connection


def report_version() -> None:
    """Log the SQLite version; older ones may lose a commit when two connections write and checkpoint at once."""
    version = sqlite3.sqlite_version_info
    fixed = version >= _WAL_RESET_FIXED[0] or any(version[:2] == fix[:2] and version >= fix for fix in _WAL_RESET_FIXED)
    note = "" if fixed else " (has the WAL-reset bug; the single writer connection avoids it)"
    _log.info("SQLite %s%s", sqlite3.sqlite_version, note)


def _engine(path: Path, pragmas: tuple[str, ...], **options: Any) -> AsyncEngine:
    engine = create_async_engine(
        URL.create("sqlite+aiosqlite", database=str(path)),
        connect_args={"isolation_level": None, "timeout": BUSY_TIMEOUT_MS / 1000},
        max_overflow=0,
        pool_timeout=_WAIT_FOR_CONNECTION_S,
        hide_parameters=True,  # what learners write belongs in no log
        **options,
    )

    def prepare(connection: Any, _record: Any) -> None:
        cursor = connection.cursor()
        for pragma in pragmas:
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    event.listen(engine.sync_engine, "connect", prepare)
    return engine


def _begin_immediate(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")
