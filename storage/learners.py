"""Who writes to the bot, and in which language it answers them. Knows no names: only ids and locales."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.dialects.sqlite import insert

from storage.database import Database
from storage.model import Learner
from storage.rows import learner_of
from storage.tables import learners


class Learners:
    """The learners of one database. All methods raise `StorageError` or a subclass.

    Args:
        database: where the rows are.
        clock: UTC seconds since 1970.
    """

    def __init__(self, database: Database, clock: Callable[[], float]) -> None:
        self._database = database
        self._clock = clock

    async def meet(self, user: int, *, locale: str) -> Learner:
        """The learner with this Telegram user id, made on first sight; `locale` is what their Telegram speaks now.

        Whoever writes has not blocked the bot. Writes only when something is new.
        """
        known = await self.get(user)
        if known is not None and known.telegram_locale == locale and not known.blocked:
            return known
        return await self._upsert(user, locale)

    async def get(self, user: int) -> Learner | None:
        """The learner with this Telegram user id, or None."""
        async with self._database.read() as connection:
            row = (await connection.execute(select(learners).where(learners.c.user == user))).first()
        return None if row is None else learner_of(row)

    async def set_locale(self, user: int, locale: str | None) -> bool:
        """Choose the language the bot speaks with them; None follows Telegram again. False: unknown learner."""
        return await self._set(user, chosen_locale=locale)

    async def set_blocked(self, user: int, *, blocked: bool) -> bool:
        """Note that they blocked the bot, or let it back in. False: unknown learner."""
        return await self._set(user, blocked=blocked)

    async def _upsert(self, user: int, locale: str) -> Learner:
        fresh = insert(learners).values(user=user, telegram_locale=locale, created_at=self._clock())
        again = fresh.on_conflict_do_update(
            index_elements=[learners.c.user], set_={"telegram_locale": locale, "blocked": False}
        )
        async with self._database.write() as connection:
            return learner_of((await connection.execute(again.returning(learners))).one())

    async def _set(self, user: int, **values: Any) -> bool:
        statement = update(learners).where(learners.c.user == user).values(values).returning(learners.c.id)
        async with self._database.write() as connection:
            return (await connection.execute(statement)).first() is not None
