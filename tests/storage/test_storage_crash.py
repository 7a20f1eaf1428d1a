"""SIGKILL at any moment: what a call confirmed is there, what it did not is whole or absent."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from storage import State, open_storage
from storage.opening import DATABASE_NAME

WRITER = Path(__file__).with_name("crash_writer.py")
ROOT = Path(__file__).parents[2]
RANK = {state: rank for rank, state in enumerate(("queued", "running", "rendered", "delivering", "delivered"))}


def write_until_killed(folder, lines: int) -> dict[int, str]:
    """Start the writer, kill it after that many confirmed steps, and return the last confirmed state of each order."""
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        [sys.executable, WRITER, folder], stdout=subprocess.PIPE, text=True, env=environment
    ) as writer:
        confirmed = [writer.stdout.readline() for _ in range(lines)]
        writer.send_signal(signal.SIGKILL)
        confirmed += writer.stdout.readlines()
    assert writer.returncode == -signal.SIGKILL
    assert confirmed[0] == "0 open\n"
    whole = [line.split() for line in confirmed[1:] if line.endswith("\n")]
    return {int(order): state for order, state in whole}


@pytest.mark.parametrize("kills", [3, pytest.param(12, marks=[pytest.mark.slow, pytest.mark.timeout(300)])])
async def test_nothing_confirmed_is_lost(folder, kills):
    """Each round opens the folder again, so the lock is also seen to die with its holder."""
    confirmed = {}
    for kill in range(kills):
        confirmed |= write_until_killed(folder, lines=2 + 37 * (kill % 7))
        with sqlite3.connect(f"file:{folder / DATABASE_NAME}?mode=ro", uri=True) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
            rows = dict(connection.execute("SELECT id, state FROM orders").fetchall())
        connection.close()
        assert [order for order, state in confirmed.items() if RANK[rows[order]] < RANK[state]] == []
    assert len(confirmed) > kills
    await _all_pictures_are_whole(folder, confirmed)


async def _all_pictures_are_whole(folder, confirmed):
    async with open_storage(folder, cache_budget_bytes=10**9) as storage:
        restored = await storage.orders.restore()
        assert all(order.state is State.QUEUED for order in restored.queued)
        for number, state in confirmed.items():
            order = await storage.orders.get(number)
            if RANK[state] >= RANK["rendered"]:
                data = await storage.pictures.read(await storage.pictures.get(order.picture))
                assert data == f"picture of order {number}".encode() * 50
        pictures = list((folder / "pictures").rglob("*.png"))
        assert len(pictures) == await storage.pictures.count()
