"""Brings a database file to the newest revision with Alembic, before anything else opens it. Blocking.

Knows revisions and backups; the revisions themselves are in `migrations/versions`. Alembic takes a third of a second to
import, so a file that is up to date never meets it.
"""

from __future__ import annotations

import logging
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from generation.contracts.errors import DatabaseCorrupt, WrongDatabase
from storage.backups import back_up, is_sound
from storage.database import SHARED_PRAGMAS, connect
from storage.picture_files import sync_folder

_log = logging.getLogger(__name__)

HEAD = "0001"
"""The newest revision in `migrations/versions`; a test keeps both equal."""
SCRIPTS = Path(__file__).parent / "migrations"


def prepare(database: Path, backups: Path, *, head: str = HEAD, scripts: Path = SCRIPTS) -> None:
    """Make the database when there is none; else check it and bring it to revision `head`.

    Raises:
        DatabaseCorrupt: it is damaged; it was left as it is.
        WrongDatabase: it has a revision that is not in `scripts`, or is no database of ours.
        sqlalchemy.exc.SQLAlchemyError, sqlite3.Error, OSError: nothing was changed then.
    """
    if not database.exists():
        _create(database, head, scripts)
        return
    revision = check(database)
    if revision != head:
        _upgrade(database, backups, revision=revision, head=head, scripts=scripts)


def check(database: Path) -> str:
    """The database's revision, after SQLite's quick check.

    Raises:
        DatabaseCorrupt: the check failed, or the file is empty (we never leave an empty one behind).
        WrongDatabase: it has no revision.
    """
    if database.stat().st_size == 0:
        raise DatabaseCorrupt(path=str(database))
    with closing(connect(database, *SHARED_PRAGMAS)) as connection:
        if not is_sound(connection):
            raise DatabaseCorrupt(path=str(database))
        return _revision(connection, database)


def _revision(connection: sqlite3.Connection, database: Path) -> str:
    table = connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 'alembic_version'").fetchone()
    row = table and connection.execute("SELECT version_num FROM alembic_version").fetchone()
    if not row:
        raise WrongDatabase(path=str(database), revision="none")
    return str(row[0])


def _create(database: Path, head: str, scripts: Path) -> None:
    """Make the file under another name first: killed half-way, the next start begins anew."""
    log = database.with_name(f"{database.name}-wal")
    if log.exists() and log.stat().st_size:
        raise DatabaseCorrupt(path=str(database))  # its file was taken away; a new one would replay a foreign log
    fresh = database.with_name(f"{database.name}.new")
    for leftover in (fresh, fresh.with_name(f"{fresh.name}-journal")):
        leftover.unlink(missing_ok=True)
    _run(fresh, head, scripts)
    fresh.replace(database)
    sync_folder(database.parent)


def _upgrade(database: Path, backups: Path, *, revision: str, head: str, scripts: Path) -> None:
    if revision not in _revisions(scripts):
        raise WrongDatabase(path=str(database), revision=revision)
    copy = back_up(database, backups, label=revision)
    _log.info("bringing the database from revision %s to %s; backup: %s", revision, head, copy.name)
    _run(database, head, scripts)


def _revisions(scripts: Path) -> frozenset[str]:
    from alembic.script import ScriptDirectory

    return frozenset(script.revision for script in ScriptDirectory(str(scripts)).walk_revisions())


def _run(database: Path, head: str, scripts: Path) -> None:
    """All missing revisions in one transaction, foreign keys off; checked before the commit."""
    from alembic import command
    from alembic.config import Config
    from sqlalchemy import NullPool, create_engine, event
    from sqlalchemy.engine import URL

    engine = create_engine(
        URL.create("sqlite", database=str(database)), poolclass=NullPool, connect_args={"isolation_level": None}
    )
    event.listen(engine, "connect", _without_foreign_keys)
    event.listen(engine, "begin", _begin)
    config = Config(attributes={})
    config.set_main_option("script_location", str(scripts).replace("%", "%%"))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, head)
        broken = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
        if broken:
            raise sqlite3.IntegrityError(f"{len(broken)} rows would point to nothing after the upgrade")


def _without_foreign_keys(connection: Any, _record: Any) -> None:
    """SQLite ignores this inside a transaction, and rebuilding a table with it on deletes what points to its rows."""
    connection.execute("PRAGMA foreign_keys = OFF")


def _begin(connection: Any) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")
