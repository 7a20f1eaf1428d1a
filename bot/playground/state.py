"""The playground's memory: one SQLite file, one thread that owns it, one transaction a piece of work.

Knows tables, counters and the updates waiting for the bot; knows neither HTTP nor what a method does. Everything runs
on the store's own thread inside one transaction, so a method is all or nothing and two never interleave. What happened
is told to the watchers on the event loop after the commit.
"""

import asyncio
import json
import secrets
import sqlite3
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

from bot.playground.schema.check import bot_api

T = TypeVar("T")
P = ParamSpec("P")
Json = dict[str, Any]

BOT_ID = 8_600_000_001
BOT_USERNAME = "wordbrush_playground_bot"
FIRST_LEARNER = 1001
_EVENTS_A_START = 1_000_000_000

_TABLES = """
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS learners (
    id INTEGER PRIMARY KEY, user TEXT NOT NULL, blocked INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE IF NOT EXISTS chats (
    id INTEGER PRIMARY KEY, type TEXT NOT NULL, title TEXT NOT NULL, bot_left INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE IF NOT EXISTS members (
    chat INTEGER NOT NULL, learner INTEGER NOT NULL, PRIMARY KEY (chat, learner)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS messages (
    chat INTEGER NOT NULL, id INTEGER NOT NULL, body TEXT NOT NULL, offered TEXT NOT NULL, PRIMARY KEY (chat, id)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS files (
    file_id TEXT PRIMARY KEY, unique_id TEXT NOT NULL, upload INTEGER NOT NULL, kind TEXT NOT NULL,
    name TEXT NOT NULL, mime TEXT NOT NULL, width INTEGER, height INTEGER, size INTEGER NOT NULL, data BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS files_of_an_upload ON files (upload);
CREATE TABLE IF NOT EXISTS updates (id INTEGER PRIMARY KEY, kind TEXT NOT NULL, body TEXT NOT NULL, at REAL NOT NULL);
CREATE TABLE IF NOT EXISTS callbacks (
    id TEXT PRIMARY KEY, learner INTEGER NOT NULL, chat INTEGER NOT NULL, message INTEGER NOT NULL, at REAL NOT NULL,
    answer TEXT
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS commands (
    scope TEXT NOT NULL, language TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (scope, language)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS texts (
    name TEXT NOT NULL, language TEXT NOT NULL, text TEXT NOT NULL, PRIMARY KEY (name, language)
) WITHOUT ROWID;
"""
_FORGOTTEN = ("learners", "chats", "members", "messages", "files", "updates", "callbacks", "commands", "texts")


class Tx:
    """One transaction: the connection, and what happened in it, for the watchers.

    Args:
        db: The store's connection, inside a transaction.
    """

    def __init__(self, db: sqlite3.Connection) -> None:
        self.db = db
        self.events: list[Json] = []

    def one(self, sql: str, *values: object) -> sqlite3.Row | None:
        """The first row, or None."""
        row: sqlite3.Row | None = self.db.execute(sql, values).fetchone()
        return row

    def all(self, sql: str, *values: object) -> list[sqlite3.Row]:
        """Every row."""
        return self.db.execute(sql, values).fetchall()

    def do(self, sql: str, *values: object) -> int:
        """Runs a statement; how many rows it touched."""
        return self.db.execute(sql, values).rowcount

    def count(self, name: str, start: int = 1) -> int:
        """The next number of a counter; numbers are never given twice, whatever is deleted."""
        sql = "INSERT INTO counters VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = value + 1 RETURNING value"
        row = self.one(sql, name, start)
        assert row is not None  # an upsert always returns its row
        return int(row[0])

    def remembered(self, name: str, default: Any = None) -> Any:
        """A remembered setting such as ``allowed_updates``, decoded from JSON."""
        row = self.one("SELECT value FROM meta WHERE name = ?", name)
        return default if row is None else json.loads(row[0])

    def remember(self, name: str, value: Any) -> None:
        """Keeps a setting."""
        self.do("INSERT OR REPLACE INTO meta VALUES (?, ?)", name, json.dumps(value, ensure_ascii=False))

    def tell(self, event: str, /, **fields: Any) -> None:
        """Records an event for the watchers, told after the commit."""
        self.events.append({"type": event, **fields})

    def update(self, kind: str, body: Json, at: float) -> int | None:
        """Puts an update in front of the bot.

        Args:
            kind: The field of ``Update``, such as ``message``.
            body: That field's object, checked against the schema.
            at: Unix seconds; updates are kept for a day.

        Returns:
            Its update_id; None where the bot did not ask for updates of this kind.
        """
        allowed = self.remembered("allowed_updates", [])
        if allowed and kind not in allowed:
            return None
        number = self.count("updates", 100_000_001)
        bot_api().check("Update", {"update_id": number, kind: body}, "update")
        self.do("INSERT INTO updates VALUES (?, ?, ?, ?)", number, kind, json.dumps(body, ensure_ascii=False), at)
        chat = body.get("chat") or body.get("message", {}).get("chat") or {}
        self.tell("update", chat=chat.get("id"), update_id=number, kind=kind)
        return number


class Store:
    """The SQLite file and the one thread that touches it.

    Args:
        path: The file; its folder is made if need be.
        fresh: Forget chats, files and settings; counters go on, so no id ever comes back.
    """

    def __init__(self, path: Path, *, fresh: bool = False) -> None:
        self.path = path
        self._fresh = fresh
        self._thread = ThreadPoolExecutor(1, "playground-state")
        self._db: sqlite3.Connection | None = None
        self._watchers: list[Callable[[list[Json]], None]] = []
        self.first_event = 0

    def watch(self, watcher: Callable[[list[Json]], None]) -> None:
        """Adds a function called on the event loop with the events of each committed transaction."""
        self._watchers.append(watcher)

    async def open(self) -> None:
        """Opens or makes the file. Raises sqlite3.DatabaseError when it is not ours."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._open)

    def _open(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        db = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False)
        db.row_factory = sqlite3.Row
        self._db = db
        db.execute("PRAGMA busy_timeout = 2000")
        db.execute("PRAGMA auto_vacuum = INCREMENTAL")
        db.execute("PRAGMA locking_mode = EXCLUSIVE")  # two playgrounds on one file would give ids twice
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")
        db.executescript(_TABLES)
        if self._fresh:
            self._run(forget)
        self.first_event = self._run(lambda tx: tx.count("starts")) * _EVENTS_A_START

    async def close(self) -> None:
        """Finishes what runs and closes the file."""
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._thread, self._close)
        self._thread.shutdown(wait=False)

    def _close(self) -> None:
        if self._db is not None:
            self._db.close()
            self._db = None

    async def run(self, work: Callable[Concatenate[Tx, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Runs ``work(tx, ...)`` in one transaction on the store's thread and tells the watchers what happened.

        An exception of ``work`` rolls everything back and comes out here.
        """
        events: list[Json] = []
        loop = asyncio.get_running_loop()
        result = await loop.run_in_executor(self._thread, lambda: self._run(work, *args, events=events, **kwargs))
        for watcher in self._watchers:
            watcher(events)
        return result

    def _run(self, work: Callable[..., T], *args: Any, events: list[Json] | None = None, **kwargs: Any) -> T:
        assert self._db is not None, "the store is not open"
        tx = Tx(self._db)
        self._db.execute("BEGIN IMMEDIATE")
        done = False
        try:
            result = work(tx, *args, **kwargs)
            self._db.execute("COMMIT")
            done = True
        finally:
            if not done:
                self._db.execute("ROLLBACK")
        if events is not None:
            events.extend(tx.events)
        return result


def forget(tx: Tx) -> None:
    """Empties the playground; counters, the webhook and what updates the bot wants stay."""
    for table in _FORGOTTEN:
        tx.do(f"DELETE FROM {table}")  # noqa: S608 - table names are the constants above
    tx.do("PRAGMA incremental_vacuum")
    tx.tell("reset")


def opaque(size: int = 24) -> str:
    """An identifier nobody can guess."""
    return secrets.token_urlsafe(size)


def decoded(rows: Iterable[sqlite3.Row]) -> list[Json]:
    """The JSON bodies of rows that have one."""
    return [json.loads(row["body"]) for row in rows]
