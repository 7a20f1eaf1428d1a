"""Which file id Telegram gave a picture, per bot, as a photo and as a document. Knows nothing else of Telegram.

A file id works for the bot that got it only, and a photo's id cannot be sent as a document.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import delete, literal, select
from sqlalchemy.dialects.sqlite import insert

from storage.database import Database
from storage.model import FileKind
from storage.tables import pictures, telegram_files

_COLUMNS = ("picture", "bot", "kind", "file_id")


class TelegramFiles:
    """File ids by picture, bot and kind. They go when the picture goes. Methods raise `StorageError` or a subclass.

    Args:
        database: where the rows are.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, picture: int, bot: int, kind: FileKind) -> str | None:
        """The file id, or None."""
        statement = select(telegram_files.c.file_id).where(*_at(picture, bot, kind))
        async with self._database.read() as connection:
            found: str | None = (await connection.execute(statement)).scalar()
        return found

    async def keep(self, picture: int, bot: int, kind: FileKind, file_id: str) -> bool:
        """Note a file id, replacing an older one. False: the picture is gone meanwhile."""
        values = select(literal(picture), literal(bot), literal(kind), literal(file_id))
        fresh = insert(telegram_files).from_select(_COLUMNS, values.where(_exists(picture)))
        again = fresh.on_conflict_do_update(index_elements=_COLUMNS[:3], set_={"file_id": file_id})
        async with self._database.write() as connection:
            return (await connection.execute(again.returning(telegram_files.c.picture))).first() is not None

    async def forget(self, picture: int, bot: int, kind: FileKind) -> bool:
        """Drop a file id that Telegram no longer accepts. False: there was none."""
        statement = delete(telegram_files).where(*_at(picture, bot, kind)).returning(telegram_files.c.picture)
        async with self._database.write() as connection:
            return (await connection.execute(statement)).first() is not None


def _at(picture: int, bot: int, kind: FileKind) -> tuple[Any, ...]:
    files = telegram_files.c
    return files.picture == picture, files.bot == bot, files.kind == kind


def _exists(picture: int) -> Any:
    return select(pictures.c.id).where(pictures.c.id == picture).exists()
