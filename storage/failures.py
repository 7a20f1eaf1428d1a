"""Foreign exceptions become ours here, and nowhere else in this room.

Knows what SQLite, SQLAlchemy and the operating system raise. The original stays as `__cause__`, for the log.
"""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import exc

from generation.contracts.errors import DatabaseBusy, DatabaseCorrupt, DiskFull, StorageError

FOREIGN = (exc.SQLAlchemyError, sqlite3.Error, OSError)
"""Everything the drivers and the file system raise at us."""

_FULL_ERRNOS = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_PRIMARY_CODE = 0xFF
_BUSY_CODES = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
_CORRUPT_CODES = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})


@contextmanager
def mapped(database: Path) -> Iterator[None]:
    """Let only `StorageError` out of the block; `database` is the file that a corruption is about."""
    try:
        yield
    except FOREIGN as error:
        raise translate(error, database) from error


def translate(error: Exception, database: Path) -> StorageError:
    """Our name for a foreign exception."""
    origin = error.orig if isinstance(error, exc.DBAPIError) else error
    if isinstance(origin, OSError) and origin.errno in _FULL_ERRNOS:
        return DiskFull()
    if isinstance(origin, exc.TimeoutError):
        return DatabaseBusy()
    return _by_code(_sqlite_code(origin), database)


def _by_code(code: int, database: Path) -> StorageError:
    if code == sqlite3.SQLITE_FULL:
        return DiskFull()
    if code in _BUSY_CODES:
        return DatabaseBusy()
    if code in _CORRUPT_CODES:
        return DatabaseCorrupt(path=str(database))
    return StorageError()


def _sqlite_code(error: BaseException | None) -> int:
    """SQLite's primary result code, 0 when the error has none. Adapters hide the original one level down."""
    while error is not None:
        code = getattr(error, "sqlite_errorcode", None)
        if isinstance(code, int):
            return code & _PRIMARY_CODE
        error = error.__cause__
    return 0
