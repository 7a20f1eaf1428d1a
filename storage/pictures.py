"""The picture cache: rows that say which picture answers which request, and files with the bytes.

Knows the LRU budget and that files can vanish or rot behind their rows. Knows no Telegram and no engine.

A file is written before its row and deleted after it, so a row without a file means damage, and a file without a row is
an orphan of a crash; the first is noticed here when it is looked at, the second is swept at the next start.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ParamSpec, TypeVar

from sqlalchemy import Row, bindparam, delete, func, select, update
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from generation.contracts.errors import FileDamaged, StorageError
from generation.contracts.picture import Picture
from generation.contracts.request import PaintRequest
from storage.database import Database
from storage.failures import mapped
from storage.model import StoredPicture
from storage.orders import rendering
from storage.picture_files import PictureFiles
from storage.rows import picture_key, picture_meta, picture_of
from storage.tables import PICTURE_KEY, orders, pictures, telegram_files

_P = ParamSpec("_P")
_R = TypeVar("_R")

_log = logging.getLogger(__name__)

_id = pictures.c.id
# Built once: the lookup that every order makes costs half when only its values change.
_BY_KEY = select(pictures).where(*(pictures.c[name] == bindparam(name) for name in PICTURE_KEY))
_MOST_UNWRITTEN_TOUCHES = 64
_EVICTED_AT_ONCE = 32
_REPLACED = ("sha256", "size", "meta", "created_at", "used_at")


class Pictures:
    """The kept pictures of one data folder.

    Args:
        database: where the rows are.
        files: where the bytes are.
        budget_bytes: size the files may have together; the least recently used go first, undelivered ones never.
        clock: UTC seconds since 1970.
    """

    def __init__(
        self, database: Database, files: PictureFiles, *, budget_bytes: int, clock: Callable[[], float]
    ) -> None:
        self._database = database
        self._files = files
        self._clock = clock
        self._touched: dict[int, float] = {}
        self._changing = asyncio.Lock()  # files and rows change together or not at all
        self.budget_bytes = budget_bytes

    @property
    def used_bytes(self) -> int:
        """Size of the files now."""
        return self._files.used_bytes

    async def find(self, request: PaintRequest, engine: str, engine_version: str) -> StoredPicture | None:
        """The picture that answers a request, its file looked at; a damaged one is dropped, so that it is repainted.

        Raises:
            StorageError: or a subclass.
        """
        found = await self.look_up(request, engine, engine_version)
        if found is None or not await self._is_sound(found):
            if found is not None:
                await self._drop(found)
            return None
        await self._touch(found.id)
        return found

    async def look_up(self, request: PaintRequest, engine: str, engine_version: str) -> StoredPicture | None:
        """What the rows say about a request, without a look at the file and without counting as use."""
        return await self._one(_BY_KEY, picture_key(request, engine, engine_version))

    async def get(self, picture: int) -> StoredPicture | None:
        """The picture with this row id, or None when it was evicted."""
        return await self._one(select(pictures).where(_id == picture))

    async def read(self, stored: StoredPicture) -> bytes:
        """The file's bytes, checked against their hash.

        Raises:
            FileDamaged: missing or changed; the row is dropped then, so paint it again.
        """
        try:
            data = await self._on_thread(self._files.read, stored.sha256)
        except FileDamaged:
            await self._drop(stored)
            raise
        await self._touch(stored.id)
        return data

    async def keep(self, request: PaintRequest, picture: Picture) -> StoredPicture:
        """Keep a picture. When a sound one for the same request is there already, that one stays the truth.

        Raises:
            StorageError: or a subclass; nothing was kept.
        """
        stored, _ = await self._keep(request, picture, order=None)
        return stored

    async def keep_for(self, order: int, request: PaintRequest, picture: Picture) -> bool:
        """Keep a picture and move its running order to `rendered`, in one transaction.

        Returns:
            False when the order was cancelled meanwhile; the picture is kept all the same.
        """
        _, moved = await self._keep(request, picture, order=order)
        return moved

    async def count(self) -> int:
        """Number of kept pictures."""
        async with self._database.read() as connection:
            return (await connection.execute(select(func.count()).select_from(pictures))).scalar_one()

    async def flush(self) -> None:
        """Write down which pictures were used since the last time. Reads do not write, they are collected."""
        touched, self._touched = self._touched, {}
        if not touched:
            return
        statement = update(pictures).where(_id == bindparam("picture")).values(used_at=bindparam("at"))
        try:
            async with self._database.write() as connection:
                await connection.execute(statement, [{"picture": key, "at": at} for key, at in touched.items()])
        except StorageError as error:
            self._touched = touched | self._touched
            _log.warning("use of %d pictures is not written down: %s", len(touched), error)

    # Keeping

    async def _keep(self, request: PaintRequest, picture: Picture, *, order: int | None) -> tuple[StoredPicture, bool]:
        async with self._changing:
            known = await self.look_up(request, picture.engine, picture.engine_version)
            if known is not None and await self._is_sound(known):
                return known, order is None or await self._render(order, known.id)
            stored, moved = await self._add(request, picture, order=order)
            if known is not None:
                await self._delete_unneeded([known.sha256])
            await self._evict(spare=stored.id)
            return stored, moved

    async def _add(self, request: PaintRequest, picture: Picture, *, order: int | None) -> tuple[StoredPicture, bool]:
        sha256 = await self._on_thread(self._files.keep, picture.png)
        try:
            async with self._database.write() as connection:
                row = await self._insert(connection, self._values(request, picture, sha256))
                moved = order is None or await self._rendered(connection, order, row.id)
        except StorageError:
            await self._delete_unneeded([sha256])
            raise
        return self._stored(row), moved

    def _values(self, request: PaintRequest, picture: Picture, sha256: str) -> dict[str, Any]:
        now = self._clock()
        key = picture_key(request, picture.engine, picture.engine_version)
        meta = picture_meta(picture)
        return {
            **key, "sha256": sha256, "size": len(picture.png), "meta": meta, "created_at": now, "used_at": now
        }  # fmt: skip

    async def _insert(self, connection: AsyncConnection, values: dict[str, Any]) -> Row[Any]:
        """A new row, or the damaged one's row with the new bytes; what Telegram has of the old bytes is forgotten."""
        replaced = {name: values[name] for name in _REPLACED}
        fresh = insert(pictures).values(values)
        again = fresh.on_conflict_do_update(index_elements=list(PICTURE_KEY), set_=replaced).returning(pictures)
        row: Row[Any] = (await connection.execute(again)).one()
        await connection.execute(delete(telegram_files).where(telegram_files.c.picture == row.id))
        return row

    async def _render(self, order: int, picture: int) -> bool:
        async with self._database.write() as connection:
            return await self._rendered(connection, order, picture)

    async def _rendered(self, connection: AsyncConnection, order: int, picture: int) -> bool:
        return (await connection.execute(rendering(order, picture, self._clock()))).first() is not None

    # Letting go

    async def _evict(self, *, spare: int) -> None:
        """Delete the least recently used pictures until the budget holds; stop when only needed ones are left."""
        if self.used_bytes > self.budget_bytes:
            await self.flush()
        while self.used_bytes > self.budget_bytes:
            gone = await self._evict_some(self.used_bytes - self.budget_bytes, spare)
            if not gone:
                return
            await self._delete_unneeded(gone)

    async def _evict_some(self, excess: int, spare: int) -> Sequence[str]:
        async with self._database.write() as connection:
            oldest = (await connection.execute(least_recently_used(spare))).all()
            chosen = list(_until(oldest, excess))
            if chosen:
                await connection.execute(delete(pictures).where(_id.in_([row.id for row in chosen])))
        return [row.sha256 for row in chosen]

    async def _drop(self, stored: StoredPicture) -> None:
        """Delete every row of a damaged file, and the file; unless it was mended meanwhile."""
        async with self._changing:
            if await self._is_sound(stored):
                return
            _log.warning("picture file %s is missing or damaged; it will be painted again", stored.sha256)
            async with self._database.write() as connection:
                await connection.execute(delete(pictures).where(pictures.c.sha256 == stored.sha256))
            await self._delete_unneeded([stored.sha256])

    async def _delete_unneeded(self, hashes: Iterable[str]) -> None:
        for sha256 in dict.fromkeys(hashes):
            if await self._one(_with_hash(sha256)) is None:
                await self._on_thread(self._files.delete, sha256)

    # Looking

    async def _touch(self, picture: int) -> None:
        self._touched[picture] = self._clock()
        if len(self._touched) >= _MOST_UNWRITTEN_TOUCHES:
            await self.flush()

    async def _is_sound(self, stored: StoredPicture) -> bool:
        return await self._on_thread(self._files.is_sound, stored.sha256, stored.size)

    async def _one(self, statement: Any, values: Mapping[str, Any] | None = None) -> StoredPicture | None:
        async with self._database.read() as connection:
            row = (await connection.execute(statement, values)).first()
        return None if row is None else self._stored(row)

    def _stored(self, row: Row[Any]) -> StoredPicture:
        return picture_of(row, self._files.path(row.sha256))

    async def _on_thread(self, work: Callable[_P, _R], *args: _P.args, **kwargs: _P.kwargs) -> _R:
        with mapped(self._database.path):
            return await asyncio.to_thread(work, *args, **kwargs)


def least_recently_used(spare: int) -> Any:
    """The statement that finds pictures to evict: oldest use first, none an unfinished order still needs."""
    needed = select(orders.c.id).where(orders.c.picture == _id, orders.c.finished_at.is_(None)).exists()
    columns = select(_id, pictures.c.sha256, pictures.c.size)
    return columns.where(~needed, _id != spare).order_by(pictures.c.used_at).limit(_EVICTED_AT_ONCE)


def _with_hash(sha256: str) -> Any:
    return select(pictures).where(pictures.c.sha256 == sha256).limit(1)


def _until(rows: Iterable[Row[Any]], excess: int) -> Iterable[Row[Any]]:
    for row in rows:
        if excess <= 0:
            return
        excess -= row.size
        yield row
