"""Revisions: made once, found up to date without Alembic, upgraded over a backup, never half."""

from __future__ import annotations

import asyncio
import itertools
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from generation.contracts.errors import DatabaseCorrupt, WrongDatabase
from storage import State, open_storage
from storage.backups import KEPT, back_up
from storage.opening import DATABASE_NAME
from storage.tables import METADATA
from storage.upgrade import HEAD, SCRIPTS, check, prepare

NEXT = "9001"
REVISION = f'''
import sqlalchemy as sa
from alembic import op

revision = "{NEXT}"
down_revision = "{HEAD}"


def upgrade():
    """Rebuilds both tables that others point to, as a batch change does."""
    with op.batch_alter_table("pictures") as batch:
        batch.add_column(sa.Column("note", sa.String(), server_default="none", nullable=False))
        batch.alter_column("word", existing_type=sa.String(), type_=sa.Text(), nullable=False)
    with op.batch_alter_table("orders") as batch:
        batch.alter_column("word", existing_type=sa.String(), type_=sa.Text(), nullable=False)
    {{more}}
'''


def scripts_with(tmp_path, more="pass"):
    """The real revisions and one after them."""
    scripts = tmp_path / "scripts"
    shutil.copytree(SCRIPTS, scripts, ignore=shutil.ignore_patterns("__pycache__"))
    (scripts / "versions" / "9001_next.py").write_text(REVISION.format(more=more))
    return scripts


def dump(database):
    with closing(sqlite3.connect(database)) as connection:
        names = [name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
        return {
            name: connection.execute(f"SELECT * FROM {name} ORDER BY 1, 2").fetchall()
            for name in names
            if name not in {"alembic_version", "sqlite_sequence", "sqlite_stat1", "sqlite_stat4"}
        }


@pytest.fixture
async def populated(folder, orders_of, paint):
    """Orders in every state, children, pictures with file ids: everything that points to something."""
    async with open_storage(folder, cache_budget_bytes=10**8) as storage:
        orders = await orders_of(storage)
        for state in State:
            order = await orders.in_state(state)
            await orders.intake(parent=order, action="again")
            picture = (await storage.orders.get(order)).picture
            if picture:
                await storage.files.keep(picture, 1, "photo", f"id {picture}")
    return folder / DATABASE_NAME


def test_the_head_constant_is_the_newest_revision():
    assert ScriptDirectory(str(SCRIPTS)).get_heads() == [HEAD]


def test_the_revisions_make_the_tables_as_declared(tmp_path):
    database = tmp_path / "made.sqlite3"
    prepare(database, tmp_path / "backups")
    assert check(database) == HEAD
    engine = sa.create_engine(f"sqlite:///{database}", poolclass=sa.NullPool)
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), METADATA) == []
        made = _schema(connection)
    declared = sa.create_engine("sqlite://", poolclass=sa.StaticPool)
    with declared.begin() as connection:
        METADATA.create_all(connection)
        assert _schema(connection) == made
    declared.dispose()
    assert len(made) >= 12


def _schema(connection):
    """Every table and index, its definition's parts in any order."""
    rows = connection.exec_driver_sql("SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL")
    return {
        name: sorted(" ".join(part.split()).rstrip(",") for part in sql.replace('"user"', "user").split("\n"))
        for name, sql in rows
        if not name.startswith(("alembic", "sqlite"))
    }


def test_an_up_to_date_database_needs_no_alembic(folder):
    code = (
        "import asyncio, sys\n"
        "from pathlib import Path\n"
        "from storage import open_storage\n"
        "async def main():\n"
        "    async with open_storage(Path(sys.argv[1]), cache_budget_bytes=1) as storage:\n"
        "        assert (await storage.learners.meet(9, locale='en')).user == 9\n"
        "asyncio.run(main())\n"
        "print('alembic' in sys.modules)\n"
    )
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(
        [sys.executable, "-c", code, folder], capture_output=True, text=True, env=environment, check=True
    )
    assert done.stdout.strip() == "False"


def test_an_upgrade_loses_nothing_and_leaves_a_backup(populated, tmp_path):
    before = dump(populated)
    prepare(populated, tmp_path / "backups", head=NEXT, scripts=scripts_with(tmp_path))
    assert check(populated) == NEXT
    after = dump(populated)
    assert {name: len(rows) for name, rows in after.items()} == {name: len(rows) for name, rows in before.items()}
    assert after["telegram_files"] == before["telegram_files"]
    assert after["orders"] == before["orders"]
    assert [row[:-1] for row in after["pictures"]] == before["pictures"]
    assert len(before["orders"]) == 2 * len(State)
    with closing(sqlite3.connect(populated)) as connection:
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    (backup,) = (tmp_path / "backups").iterdir()
    assert dump(backup) == before
    assert check(backup) == HEAD


FAILING = {
    "raises": 'raise RuntimeError("half-way")',
    "bad statement": 'op.execute("UPDATE nothing SET a = 1")',
    "breaks references": 'op.execute("DELETE FROM learners")',
}


@pytest.mark.parametrize("more", FAILING.values(), ids=FAILING)
def test_an_upgrade_that_fails_changes_nothing(populated, tmp_path, more):
    before = dump(populated)
    scripts = scripts_with(tmp_path, more)
    for _ in range(2):
        with pytest.raises((RuntimeError, sa.exc.OperationalError, sqlite3.IntegrityError)):
            prepare(populated, tmp_path / "backups", head=NEXT, scripts=scripts)
        assert dump(populated) == before
        assert check(populated) == HEAD
    (scripts / "versions" / "9001_next.py").write_text(REVISION.format(more="pass"))
    prepare(populated, tmp_path / "backups", head=NEXT, scripts=scripts)
    assert check(populated) == NEXT


@pytest.mark.slow
@pytest.mark.parametrize("kill", range(5))
def test_an_upgrade_killed_half_way_is_repeated(populated, tmp_path, kill):
    before = dump(populated)
    scripts = scripts_with(tmp_path, 'print("half-way", flush=True); import time; time.sleep(60)')
    code = (
        "import sys; from pathlib import Path; from storage.upgrade import prepare\n"
        f"prepare(Path(sys.argv[1]), Path(sys.argv[2]), head={NEXT!r}, scripts=Path(sys.argv[3]))"
    )
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    arguments = [sys.executable, "-c", code, populated, tmp_path / "backups", scripts]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout.readline() == "half-way\n"
        process.send_signal(signal.SIGKILL)
    assert check(populated) == HEAD
    assert dump(populated) == before
    (scripts / "versions" / "9001_next.py").write_text(REVISION.format(more="pass"))
    prepare(populated, tmp_path / "backups", head=NEXT, scripts=scripts)
    assert check(populated) == NEXT


@pytest.mark.parametrize("revision", ["9999", "", "none of ours"])
async def test_a_newer_database_is_refused_and_left_alone(folder, revision):
    database = folder / DATABASE_NAME
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = ?", (revision,))
    content = database.read_bytes()
    with pytest.raises(WrongDatabase) as caught:
        async with open_storage(folder, cache_budget_bytes=1):
            pass
    assert caught.value.details == {"path": str(database), "revision": revision}
    assert database.read_bytes() == content
    assert not (folder / "backups").exists()


@pytest.mark.parametrize("statement", ["CREATE TABLE other (a)", "CREATE TABLE alembic_version (version_num)"])
def test_somebody_elses_database_is_refused(tmp_path, statement):
    database = tmp_path / "other.sqlite3"
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute(statement)
    with pytest.raises(WrongDatabase, match="none"):
        prepare(database, tmp_path / "backups")


def test_a_database_whose_making_was_interrupted_is_made_anew(tmp_path):
    database = tmp_path / "new.sqlite3"
    database.with_name("new.sqlite3.new").write_bytes(b"half a database")
    prepare(database, tmp_path / "backups")
    assert check(database) == HEAD
    assert [path.name for path in tmp_path.iterdir()] == ["new.sqlite3"]


def test_only_the_newest_backups_are_kept(populated, tmp_path):
    made = [back_up(populated, tmp_path / "backups", label="t") for _ in range(KEPT + 2)]
    assert sorted((tmp_path / "backups").iterdir()) == made[-KEPT:]


def test_backups_made_around_the_end_of_a_second_stay_in_order(populated, tmp_path, monkeypatch):
    """Names from two readings of the clock put the newest first, and it was forgotten at once."""
    ticks = itertools.count(1_800_000_000_999_999_997)
    monkeypatch.setattr(time, "time_ns", lambda: next(ticks))
    made = [back_up(populated, tmp_path / "backups", label="t") for _ in range(KEPT + 3)]
    assert made == sorted(made)
    assert sorted((tmp_path / "backups").iterdir()) == made[-KEPT:]


def test_the_backup_just_made_stays_when_the_clock_was_set_back(populated, tmp_path, monkeypatch):
    for _ in range(KEPT):
        back_up(populated, tmp_path / "backups", label="t")
    monkeypatch.setattr(time, "time_ns", lambda: 10**9)
    made = back_up(populated, tmp_path / "backups", label="t")
    assert made.exists()
    assert len(list((tmp_path / "backups").iterdir())) == KEPT


def test_a_damaged_database_makes_no_backup(populated, tmp_path):
    data = bytearray(populated.read_bytes())
    data[4096 * 2 : 4096 * 2 + 64] = bytes(64)
    populated.write_bytes(data)
    with pytest.raises((DatabaseCorrupt, sqlite3.DatabaseError)):
        back_up(populated, tmp_path / "backups", label="t")
    assert list((tmp_path / "backups").iterdir()) == []


async def test_a_backup_under_load_is_a_sound_prefix(storage, orders, tmp_path):
    async def write():
        for _ in range(60):
            await orders.intake(style="ink")

    writing = asyncio.ensure_future(write())

    def copied():
        return back_up(storage.path / DATABASE_NAME, storage.path / "backups", label=HEAD)

    copies = [await asyncio.to_thread(copied) for _ in range(4)]
    await writing
    for copy in copies:
        if copy.exists():
            ids = [row[0] for row in dump(copy)["orders"]]
            assert ids == list(range(1, len(ids) + 1))
            assert check(copy) == HEAD
    assert sum(copy.exists() for copy in copies) == KEPT
    assert len(dump(copied())["orders"]) == 60
