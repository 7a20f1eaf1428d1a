"""File ids belong to a picture, a bot and a kind, and go with the picture."""

from __future__ import annotations

import pytest

from generation.contracts.errors import FileDamaged
from generation.contracts.request import PaintRequest

REQUEST = PaintRequest(word="水", style="ink", seed=1)


@pytest.fixture
async def picture(storage, paint):
    return await storage.pictures.keep(REQUEST, paint())


async def test_bots_and_kinds_are_apart(storage, picture):
    ids = {(1, "photo"): "a", (1, "document"): "b", (2, "photo"): "c"}
    for (bot, kind), file_id in ids.items():
        assert await storage.files.keep(picture.id, bot, kind, file_id)
    for (bot, kind), file_id in ids.items():
        assert await storage.files.find(picture.id, bot, kind) == file_id
    assert await storage.files.find(picture.id, 2, "document") is None
    assert await storage.files.find(99, 1, "photo") is None


async def test_a_newer_file_id_replaces_the_older(storage, picture):
    assert await storage.files.keep(picture.id, 1, "photo", "old")
    assert await storage.files.keep(picture.id, 1, "photo", "new")
    assert await storage.files.find(picture.id, 1, "photo") == "new"


async def test_forgetting_one(storage, picture):
    await storage.files.keep(picture.id, 1, "photo", "a")
    assert await storage.files.forget(picture.id, 1, "photo")
    assert not await storage.files.forget(picture.id, 1, "photo")
    assert await storage.files.find(picture.id, 1, "photo") is None


async def test_a_picture_that_is_gone_keeps_no_file_ids(storage, picture):
    await storage.files.keep(picture.id, 1, "photo", "a")
    picture.path.write_bytes(b"rotten")
    with pytest.raises(FileDamaged):
        await storage.pictures.read(picture)
    assert await storage.files.find(picture.id, 1, "photo") is None
    assert not await storage.files.keep(picture.id, 1, "photo", "a")
