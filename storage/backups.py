"""Copies of the database file. Blocking; run it on a thread. Knows nothing of what is in it."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from pathlib import Path

from generation.contracts.errors import DatabaseCorrupt
from storage.database import connect
from storage.picture_files import sync_folder

KEPT = 3
_PATTERN = "wordbrush-*.sqlite3"


def back_up(database: Path, folder: Path, *, label: str) -> Path:
    """Copy the database, also while it is written to, check the copy, and keep the newest few.

    Args:
        database: the file to copy; its write-ahead log is part of the copy.
        folder: where copies are; made when missing.
        label: part of the file's name, such as the revision.

    Raises:
        DatabaseCorrupt: the copy does not pass SQLite's check.
        OSError, sqlite3.Error: the disk is full, for example; no half copy is left.
    """
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / _name(time.time_ns(), label)
    temporary = target.with_suffix(".part")
    try:
        _copy(database, temporary)
        temporary.replace(target)
        sync_folder(folder)
    finally:
        temporary.unlink(missing_ok=True)
    _forget_old(folder, newest=target)
    return target


def is_sound(connection: sqlite3.Connection) -> bool:
    """Whether SQLite's quick check finds nothing. A file too damaged to be checked raises `sqlite3.DatabaseError`."""
    return bool(connection.execute("PRAGMA quick_check(1)").fetchone() == ("ok",))


def _copy(database: Path, to: Path) -> None:
    to.unlink(missing_ok=True)
    with closing(connect(database)) as source, closing(connect(to)) as copy:
        source.backup(copy)
        copy.execute("PRAGMA journal_mode = DELETE")
        if not is_sound(copy):
            raise DatabaseCorrupt(path=str(database))


def _name(now_ns: int, label: str) -> str:
    """Names sort by time. Both parts come from one reading of the clock: from two, a second may end in between."""
    seconds, nanoseconds = divmod(now_ns, 10**9)
    return f"wordbrush-{time.strftime('%Y%m%dT%H%M%S', time.gmtime(seconds))}-{nanoseconds:09}-{label}.sqlite3"


def _forget_old(folder: Path, *, newest: Path) -> None:
    """The one just made stays whatever its name: the clock may have been set back."""
    others = sorted(path for path in folder.glob(_PATTERN) if path != newest)
    for old in others[: -(KEPT - 1)]:
        old.unlink(missing_ok=True)
