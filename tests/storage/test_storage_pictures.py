"""The picture cache: one truth a request, damage noticed, the budget held, undelivered pictures spared."""

from __future__ import annotations

import asyncio
import errno
import hashlib
import os
from dataclasses import replace
from pathlib import Path

import pytest

from generation.contracts.errors import FileDamaged, StorageError
from generation.contracts.request import PaintRequest
from storage import State, open_storage

ENGINE = ("painter", "1")
REQUEST = PaintRequest(word="学习", translation="study", language="zh-Hans", style="ink", seed=7)


def files_below(folder):
    return {path for path in (folder / "pictures").rglob("*") if path.is_file()}


async def test_kept_and_found(storage, folder, paint):
    picture = paint()
    stored = await storage.pictures.keep(REQUEST, picture)
    assert await storage.pictures.find(REQUEST, *ENGINE) == stored == await storage.pictures.get(stored.id)
    assert stored.sha256 == hashlib.sha256(picture.png).hexdigest()
    assert stored.path == folder / "pictures" / stored.sha256[:2] / stored.sha256[2:4] / f"{stored.sha256}.png"
    assert stored.path.read_bytes() == picture.png == await storage.pictures.read(stored)
    assert files_below(folder) == {stored.path}
    assert (stored.word, stored.style, stored.seed, stored.size) == ("学习", "ink", 7, len(picture.png))


OTHER_REQUESTS = [
    {"word": "学"},
    {"translation": "to study"},
    {"language": "ja"},
    {"style": "comic"},
    {"seed": 8},
    {"width": 768},
    {"height": 768},
    {"steps": 10},
    {"guidance": 3.0},
    {"weights": (("canny", 0.1),)},
    {"methods": (("canny", "soft"),)},
    {"prompt": "another"},
]


@pytest.mark.parametrize("change", OTHER_REQUESTS, ids=lambda change: next(iter(change)))
async def test_every_part_of_the_key_matters(storage, paint, change):
    await storage.pictures.keep(REQUEST, paint())
    assert await storage.pictures.find(replace(REQUEST, **change), *ENGINE) is None


async def test_engine_and_version_are_in_the_key(storage, paint):
    await storage.pictures.keep(REQUEST, paint())
    assert await storage.pictures.find(REQUEST, "diffusion", "1") is None
    assert await storage.pictures.find(REQUEST, "painter", "2") is None


async def test_kept_twice_is_one_row_and_one_file(storage, folder, paint):
    first = await storage.pictures.keep(REQUEST, paint())
    again = await storage.pictures.keep(REQUEST, paint())
    assert again == first
    assert await storage.pictures.count() == len(files_below(folder)) == 1
    assert storage.pictures.used_bytes == len(paint().png)


async def test_twenty_at_once_are_one_row_with_the_same_bytes(storage, folder, paint):
    kept = await asyncio.gather(*(storage.pictures.keep(REQUEST, paint(number)) for number in range(20)))
    assert len({stored.id for stored in kept}) == len({stored.sha256 for stored in kept}) == 1
    read = await asyncio.gather(*(storage.pictures.read(stored) for stored in kept))
    assert len(set(read)) == 1
    assert files_below(folder) == {kept[0].path}


async def test_the_first_picture_stays_the_truth(storage, folder, paint):
    first = await storage.pictures.keep(REQUEST, paint(1))
    assert await storage.pictures.keep(REQUEST, paint(2)) == first
    assert files_below(folder) == {first.path}


async def test_equal_bytes_of_two_requests_share_a_file(storage, folder, paint):
    first = await storage.pictures.keep(REQUEST, paint())
    second = await storage.pictures.keep(replace(REQUEST, seed=8), paint())
    assert first.id != second.id
    assert files_below(folder) == {first.path} == {second.path}
    assert storage.pictures.used_bytes == len(paint().png)


DAMAGE = {
    "missing": lambda path: path.unlink(),
    "empty": lambda path: path.write_bytes(b""),
    "shorter": lambda path: path.write_bytes(path.read_bytes()[:-1]),
    "a folder": lambda path: (path.unlink(), path.mkdir(), (path / "inside").write_bytes(b"x")),
    "a loop": lambda path: (path.unlink(), path.symlink_to(path)),
    "a pipe": lambda path: (path.unlink(), os.mkfifo(path)),
    "no way there": lambda path: (path.unlink(), path.parent.rmdir(), path.parent.write_bytes(b"x")),
    "flipped": lambda path: path.write_bytes(bytes([path.read_bytes()[0] ^ 1]) + path.read_bytes()[1:]),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
async def test_a_damaged_file_is_found_out_and_repainted(storage, folder, paint, damage):
    stored = await storage.pictures.keep(REQUEST, paint())
    assert await storage.pictures.find(REQUEST, *ENGINE) == stored
    damage(stored.path)
    assert await storage.pictures.find(REQUEST, *ENGINE) is None
    assert await storage.pictures.get(stored.id) is None
    assert files_below(folder) == set()
    mended = await storage.pictures.keep(REQUEST, paint())
    assert await storage.pictures.read(mended) == paint().png
    assert storage.pictures.used_bytes == len(paint().png)


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
async def test_reading_a_damaged_file_never_gives_broken_bytes(storage, paint, damage):
    stored = await storage.pictures.keep(REQUEST, paint())
    damage(stored.path)
    with pytest.raises(FileDamaged) as caught:
        await storage.pictures.read(stored)
    assert caught.value.details == {"sha256": stored.sha256}
    assert await storage.pictures.get(stored.id) is None


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
async def test_keeping_over_a_damaged_file_mends_the_row(storage, folder, paint, damage):
    """The row keeps its id, so an order that waits for delivery gets the new bytes; old file ids are forgotten."""
    stored = await storage.pictures.keep(REQUEST, paint(1))
    await storage.files.keep(stored.id, 1, "photo", "of the old bytes")
    damage(stored.path)
    mended = await storage.pictures.keep(REQUEST, paint(2))
    assert mended.id == stored.id
    assert await storage.pictures.read(mended) == paint(2).png
    assert await storage.files.find(stored.id, 1, "photo") is None
    assert files_below(folder) == {mended.path}


@pytest.mark.parametrize("code", [errno.EIO, errno.EACCES])
async def test_a_file_that_cannot_be_read_is_damaged(storage, paint, monkeypatch, code):
    stored = await storage.pictures.keep(REQUEST, paint())
    with monkeypatch.context() as sick:
        sick.setattr(Path, "read_bytes", _failing(code))
        with pytest.raises(FileDamaged):
            await storage.pictures.read(stored)
    assert await storage.pictures.find(REQUEST, *ENGINE) is None or stored.path.exists()
    mended = await storage.pictures.keep(REQUEST, paint())
    assert await storage.pictures.read(mended) == paint().png


async def test_want_of_descriptors_is_not_the_files_fault(storage, paint, monkeypatch):
    stored = await storage.pictures.keep(REQUEST, paint())
    with monkeypatch.context() as sick:
        sick.setattr(Path, "read_bytes", _failing(errno.EMFILE))
        with pytest.raises(StorageError) as caught:
            await storage.pictures.read(stored)
    assert not isinstance(caught.value, FileDamaged)
    assert await storage.pictures.read(stored) == paint().png


async def test_what_stood_in_the_way_is_kept_aside(storage, folder, paint):
    stored = await storage.pictures.keep(REQUEST, paint())
    stored.path.unlink()
    stored.path.mkdir()
    (stored.path / "note").write_text("mine")
    await storage.pictures.keep(REQUEST, paint())
    assert [path.read_text() for path in (folder / "odd").rglob("note")] == ["mine"]


def _failing(code):
    def read_bytes(_path):
        raise OSError(code, os.strerror(code))

    return read_bytes


async def test_damage_while_the_process_was_away(folder, paint):
    async with open_storage(folder, cache_budget_bytes=10**6) as storage:
        stored = await storage.pictures.keep(REQUEST, paint())
    data = bytearray(stored.path.read_bytes())
    data[100] ^= 0xFF
    stored.path.write_bytes(data)
    async with open_storage(folder, cache_budget_bytes=10**6) as storage:
        assert await storage.pictures.find(REQUEST, *ENGINE) is None


async def test_the_least_recently_used_go_first(folder, clock, paint):
    size = len(paint().png)
    async with open_storage(folder, cache_budget_bytes=3 * size, clock=clock) as storage:
        for seed in range(3):
            clock.now += 1
            await storage.pictures.keep(replace(REQUEST, seed=seed), paint(seed))
        clock.now += 1
        assert await storage.pictures.find(replace(REQUEST, seed=0), *ENGINE)
        clock.now += 1
        await storage.pictures.keep(replace(REQUEST, seed=3), paint(3))
        left = [seed for seed in range(4) if await storage.pictures.find(replace(REQUEST, seed=seed), *ENGINE)]
        assert left == [0, 2, 3]
        assert storage.pictures.used_bytes == 3 * size
        assert len(files_below(folder)) == 3


async def test_use_is_remembered_over_a_restart(folder, clock, paint):
    size = len(paint().png)
    async with open_storage(folder, cache_budget_bytes=3 * size, clock=clock) as storage:
        for seed in range(3):
            clock.now += 1
            await storage.pictures.keep(replace(REQUEST, seed=seed), paint(seed))
        clock.now += 1
        await storage.pictures.read(await storage.pictures.look_up(replace(REQUEST, seed=0), *ENGINE))
    async with open_storage(folder, cache_budget_bytes=3 * size, clock=clock) as storage:
        assert storage.pictures.used_bytes == 3 * size
        await storage.pictures.keep(replace(REQUEST, seed=3), paint(3))
        assert await storage.pictures.look_up(replace(REQUEST, seed=0), *ENGINE) is not None
        assert await storage.pictures.look_up(replace(REQUEST, seed=1), *ENGINE) is None


async def test_reads_do_not_write_each_time(storage, paint):
    kept = [await storage.pictures.keep(replace(REQUEST, seed=seed), paint(seed)) for seed in range(70)]
    written = []
    storage.pictures._database.write, original = _counting(storage, written), storage.pictures._database.write
    for _ in range(10):
        await storage.pictures.find(REQUEST, *ENGINE)
    for stored in kept[:60]:
        await storage.pictures.read(stored)
    assert written == []
    for stored in kept:
        await storage.pictures.read(stored)
    assert len(written) == 1
    storage.pictures._database.write = original


def _counting(storage, written):
    original = storage.pictures._database.write

    def write():
        written.append(1)
        return original()

    return write


@pytest.mark.parametrize("state", [State.RENDERED, State.DELIVERING])
async def test_undelivered_pictures_are_never_evicted(folder, orders_of, paint, state):
    size = len(paint().png)
    async with open_storage(folder, cache_budget_bytes=2 * size) as storage:
        orders = await orders_of(storage)
        waiting = [await orders.in_state(state, seed=seed) for seed in range(6)]
        for order in waiting:
            picture = await storage.pictures.get((await storage.orders.get(order)).picture)
            assert await storage.pictures.read(picture)
        assert storage.pictures.used_bytes == 6 * size
        for order in waiting:
            await storage.orders.begin_delivery(order)
            await storage.orders.delivered(order, 1)
        last = await storage.pictures.keep(replace(REQUEST, seed=99), paint(99))
        assert storage.pictures.used_bytes == 2 * size
        assert await storage.pictures.read(last)
        assert sum([(await storage.orders.get(order)).picture is not None for order in waiting]) == 1


async def test_a_shared_file_stays_while_one_row_needs_it(folder, orders_of, paint):
    async with open_storage(folder, cache_budget_bytes=1) as storage:
        orders = await orders_of(storage)
        order = await orders.in_state(State.RENDERED)
        bytes_again = paint(order)
        await storage.pictures.keep(replace(REQUEST, seed=50), bytes_again)
        await storage.pictures.keep(replace(REQUEST, seed=51), paint(51))
        picture = await storage.pictures.get((await storage.orders.get(order)).picture)
        assert await storage.pictures.read(picture) == bytes_again.png
        assert await storage.pictures.look_up(replace(REQUEST, seed=50), *ENGINE) is None


async def test_a_picture_larger_than_the_budget_lives_until_the_next(folder, paint):
    async with open_storage(folder, cache_budget_bytes=0) as storage:
        first = await storage.pictures.keep(REQUEST, paint(1))
        assert await storage.pictures.read(first)
        await storage.pictures.keep(replace(REQUEST, seed=8), paint(2))
        assert await storage.pictures.get(first.id) is None
        assert not first.path.exists()


async def test_a_large_excess_is_evicted_at_once(folder, paint):
    async with open_storage(folder, cache_budget_bytes=10**9) as storage:
        for seed in range(40):
            await storage.pictures.keep(replace(REQUEST, seed=seed), paint(seed))
    async with open_storage(folder, cache_budget_bytes=2 * len(paint().png)) as storage:
        await storage.pictures.keep(replace(REQUEST, seed=40), paint(40))
        assert await storage.pictures.count() == len(files_below(folder)) == 2


async def test_orphans_and_temporary_files_are_swept_at_start(folder, paint):
    async with open_storage(folder, cache_budget_bytes=10**6) as storage:
        stored = await storage.pictures.keep(REQUEST, paint())
    pictures = folder / "pictures"
    orphan = pictures / "ab" / "cd" / f"{'abcd' + '0' * 60}.png"
    orphan.parent.mkdir(parents=True)
    orphan.write_bytes(b"nobody's")
    (pictures / "incoming" / "half").write_bytes(b"half a picture")
    (pictures / "incoming" / f"{stored.sha256}.png").write_bytes(b"half a picture")
    async with open_storage(folder, cache_budget_bytes=10**6) as storage:
        assert files_below(folder) == {stored.path}
        assert storage.pictures.used_bytes == len(paint().png)


async def test_finding_while_others_evict_never_breaks(folder, paint):
    """A picture may vanish between finding and reading; then the reader hears so and nobody gets wrong bytes."""

    async def look(storage, seed):
        found = await storage.pictures.find(replace(REQUEST, seed=seed), *ENGINE)
        if found is None:
            return None
        try:
            return await storage.pictures.read(found) == paint(seed).png
        except FileDamaged:
            return None

    async with open_storage(folder, cache_budget_bytes=3 * len(paint().png)) as storage:
        seen = []
        for turn in range(12):
            await storage.pictures.keep(replace(REQUEST, seed=turn % 8), paint(turn % 8))
            other = storage.pictures.keep(replace(REQUEST, seed=(turn + 3) % 8), paint((turn + 3) % 8))
            looks = [look(storage, (turn + ahead) % 8) for ahead in range(4)]
            seen += (await asyncio.gather(other, *looks))[1:]
        assert False not in seen
        assert True in seen
        assert storage.pictures.used_bytes == sum(path.stat().st_size for path in files_below(folder))
        assert storage.pictures.used_bytes <= 3 * len(paint().png)
