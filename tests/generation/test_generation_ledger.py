"""The ledger in memory keeps the same promises as the durable one."""

from __future__ import annotations

import pytest

from generation.contracts.errors import DeadOrder, OutOfMemory
from generation.contracts.picture import Picture
from generation.contracts.ports import MOST_ATTEMPTS
from generation.ledger import MemoryLedger

PICTURE = Picture(png=b"png", width=512, height=512, engine="painter", engine_version="1", box=(0, 0, 1, 1))


async def test_an_order_is_claimed_once_and_ends_once():
    ledger = MemoryLedger()
    assert await ledger.claim(1)
    assert not await ledger.claim(1)
    assert await ledger.rendered(1, PICTURE)
    assert not await ledger.rendered(1, PICTURE)
    assert not await ledger.failed(1, OutOfMemory())
    assert not ledger.cancel(1)
    assert ledger.entries[1].picture is PICTURE


async def test_a_cancelled_order_takes_neither_picture_nor_failure():
    ledger = MemoryLedger()
    await ledger.claim(1)
    assert ledger.cancel(1)
    assert not await ledger.rendered(1, PICTURE)
    assert not await ledger.failed(1, OutOfMemory())
    assert not await ledger.claim(1)


async def test_attempts_count_crashes_but_not_releases():
    ledger = MemoryLedger()
    for _ in range(5):
        await ledger.claim(1)
        await ledger.released(1)
    assert ledger.entries[1].attempts == 0
    for attempt in range(1, MOST_ATTEMPTS + 1):
        assert await ledger.claim(1)
        assert ledger.entries[1].attempts == attempt
        assert ledger.restore() == [1]
    with pytest.raises(DeadOrder) as dead:
        await ledger.claim(1)
    assert dead.value.details == {"attempts": MOST_ATTEMPTS}
    assert not await ledger.claim(1)
    assert ledger.restore() == []
