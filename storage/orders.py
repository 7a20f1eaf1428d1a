"""The order service: every change of an order's state, each one a single SQL statement.

Knows which state may follow which. Knows no Telegram, no queue and no engine; who calls what is decided elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from sqlalchemy import Row, Update, case, delete, func, select, update
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql.dml import ReturningUpdate

from generation.contracts.errors import DeadOrder, TooManyDrafts, WordbrushError
from generation.contracts.ports import MOST_ATTEMPTS
from storage.database import Database
from storage.model import CANCELLABLE, UNDELIVERED, NewOrder, Order, Restored, State
from storage.rows import new_order_values, order_of
from storage.tables import orders, pictures

_id = orders.c.id
_state = orders.c.state
_unfinished = orders.c.finished_at.is_(None)
_untold = orders.c.told_at.is_(None)

FRESH_S = 600.0
"""A draft younger than this does not give way, so that a flood of words ends in a refusal and not in a churn."""


class Orders:
    """The orders of one database.

    All methods raise `StorageError` (a subclass) when the database is in trouble; nothing is half done then, and
    `DatabaseBusy` and `DiskFull` may be tried again.

    Args:
        database: where the rows are.
        clock: UTC seconds since 1970.
    """

    def __init__(self, database: Database, clock: Callable[[], float]) -> None:
        self._database = database
        self._clock = clock

    # Taking in and looking up

    async def intake(self, new: NewOrder, *, most_drafts: int | None = None) -> tuple[Order, bool]:
        """Take an order in, once.

        Args:
            new: the order.
            most_drafts: how many open drafts younger than `FRESH_S` the learner may have, this one included.

        Returns:
            The order, and whether it was made now. When not, it is the one with the same source key, or the open
            child of the same parent and action: it is already on its way.

        Raises:
            TooManyDrafts: there are more; nothing was made.
        """
        fresh = insert(orders).values(new_order_values(new, self._clock())).on_conflict_do_nothing().returning(orders)
        async with self._database.write() as connection:
            row = (await connection.execute(fresh)).first()
            if row is None:
                return order_of(await _existing(connection, new)), False
            if most_drafts is not None and row.state == State.DRAFT:
                await self._refuse_crowd(connection, new.learner, most_drafts)
            return order_of(row), True

    async def _refuse_crowd(self, connection: AsyncConnection, learner: int, most: int) -> None:
        """Raise within the transaction, which takes the new draft back, when there are too many fresh ones."""
        fresh = (orders.c.learner == learner, _state == State.DRAFT, orders.c.created_at > self._clock() - FRESH_S)
        found = await connection.execute(select(func.count()).where(*fresh, _unfinished))
        if found.scalar_one() > most:
            raise TooManyDrafts(limit=most)

    async def retire_drafts(self, learner: int, *, keep: int) -> list[int]:
        """Cancel the learner's open drafts beyond the newest `keep`: old questions nobody answered give way.

        Returns:
            The ids of those that were cancelled.
        """
        drafts = (orders.c.learner == learner, _state == State.DRAFT, _unfinished)
        newest = select(_id).where(*drafts).order_by(_id.desc()).limit(keep)
        retired = {"state": State.CANCELLED, "finished_at": self._clock()}
        statement = update(orders).where(*drafts, _id.not_in(newest)).values(retired).returning(_id)
        async with self._database.write() as connection:
            return list((await connection.execute(statement)).scalars())

    async def get(self, order: int) -> Order | None:
        """The order, or None when there is none (any more)."""
        return await self._one(_id == order)

    async def open_of(self, learner: int) -> list[Order]:
        """The learner's orders that are not finished, oldest first."""
        return await self._all(orders.c.learner == learner, _unfinished)

    async def open_child(self, parent: int, action: str) -> Order | None:
        """The unfinished order made by that button of `parent`, or None."""
        return await self._one(orders.c.parent == parent, orders.c.action == action, _unfinished)

    async def seeds_seen(self, order: Order) -> frozenset[int]:
        """Seeds with which the order's learner has, or will have, the same word in the same language and style."""
        same = (getattr(orders.c, name) == getattr(order, name) for name in ("learner", "word", "language", "style"))
        came_to_nothing = orders.c.state.in_(_CAME_TO_NOTHING)
        async with self._database.read() as connection:
            found = await connection.execute(select(orders.c.seed).where(*same, ~came_to_nothing))
            return frozenset(found.scalars())

    async def counts(self) -> dict[State, int]:
        """Number of orders by state, every state present."""
        async with self._database.read() as connection:
            found = (await connection.execute(select(_state, func.count()).group_by(_state))).all()
        return dict.fromkeys(State, 0) | {State(state): number for state, number in found}

    # The message that shows an order

    async def attach_status(self, order: int, message: int) -> bool:
        """Note the message that shows the order. False: it has one already (the first one stays)."""
        return await self._set(order, orders.c.status_message.is_(None), status_message=message)

    async def move_status(self, order: int, message: int) -> bool:
        """Note another message, because the old one vanished."""
        return await self._set(order, status_message=message)

    async def told(self, order: int) -> bool:
        """Note that the learner was told of the failure. True the first time only."""
        return await self._set(order, orders.c.error_key.is_not(None), _untold, told_at=self._clock())

    # From state to state

    async def choose_style(self, order: int, style: str) -> bool:
        """Draft -> queued, with this style."""
        return await self._move(order, (State.DRAFT,), State.QUEUED, style=style, queued_at=self._clock())

    async def finish_from_cache(self, order: int, picture: int) -> bool:
        """Draft or queued -> rendered with a kept picture, taking over its style and seed.

        Returns:
            False when the order is elsewhere by now, or the picture is gone.
        """
        kept = select(pictures.c.id).where(pictures.c.id == picture)
        taken = {name: select(pictures.c[name]).where(pictures.c.id == picture).scalar_subquery() for name in _TAKEN}
        statement = (
            _moving(order, (State.DRAFT, State.QUEUED))
            .where(kept.exists())
            .values(state=State.RENDERED, picture=picture, rendered_at=self._clock(), **taken)
            .returning(_id)
        )
        return await self._happened(statement)

    async def claim(self, order: int) -> bool:
        """Queued -> running, counting the attempt; to dead instead when the attempts are used up.

        Returns:
            False when the order is not queued (any more).

        Raises:
            DeadOrder: it is dead now.
        """
        row = await self._first(_claiming(order, self._clock()))
        if row is not None and row.state == State.DEAD:
            raise DeadOrder(attempts=MOST_ATTEMPTS)
        return row is not None

    async def release(self, order: int) -> bool:
        """Running -> queued without counting the attempt: the process is stopping in order."""
        return await self._move(order, (State.RUNNING,), State.QUEUED, attempts=orders.c.attempts - 1)

    async def rendered(self, order: int, picture: int) -> bool:
        """Running -> rendered. False: it was cancelled meanwhile."""
        return await self._happened(rendering(order, picture, self._clock()))

    async def fail(self, order: int, error: WordbrushError) -> bool:
        """Queued or running -> failed, with the reason for the learner. False: it was cancelled meanwhile."""
        return await self._move(order, (State.QUEUED, State.RUNNING), State.FAILED, **self._reason(error))

    async def begin_delivery(self, order: int) -> bool:
        """Rendered or delivering -> delivering: from here on the picture may have arrived."""
        return await self._move(order, UNDELIVERED, State.DELIVERING)

    async def delivered(self, order: int, message: int) -> bool:
        """Delivering -> delivered in that message."""
        now = self._clock()
        return await self._move(order, (State.DELIVERING,), State.DELIVERED, status_message=message, finished_at=now)

    async def undeliverable(self, order: int, error: WordbrushError) -> bool:
        """Rendered or delivering -> failed: the chat is gone or the learner blocked the bot, so nobody can be told."""
        return await self._move(order, UNDELIVERED, State.FAILED, told_at=self._clock(), **self._reason(error))

    async def requeue(self, order: int) -> bool:
        """Rendered or delivering -> queued, because the picture's file is gone or damaged."""
        values: dict[str, Any] = {"picture": None, "rendered_at": None, "queued_at": self._clock()}
        return await self._move(order, UNDELIVERED, State.QUEUED, **values)

    async def cancel(self, order: int) -> bool:
        """draft, queued, running or rendered -> cancelled. False: too late."""
        return await self._move(order, CANCELLABLE, State.CANCELLED, finished_at=self._clock())

    # Start and upkeep

    async def restore(self) -> Restored:
        """Put the orders of an earlier process in order, in one transaction, and list what is to be done.

        running -> queued, or dead when that was the last attempt; an undelivered order whose picture was dropped
        -> queued.
        """
        async with self._database.write() as connection:
            died = (await connection.execute(_burying(self._clock()))).scalars().all()
            await connection.execute(_returning())
            untold = await _list(connection, orders.c.error_key.is_not(None), _untold)
            return Restored(
                drafts=await _list(connection, _state == State.DRAFT, orders.c.status_message.is_(None), _unfinished),
                queued=await _list(connection, _state == State.QUEUED, _unfinished),
                deliverable=await _list(connection, _state.in_(UNDELIVERED), _unfinished),
                dead=tuple(order for order in untold if order.id in died),
                untold=untold,
            )

    async def newest(self) -> float | None:
        """When the newest order was taken in; None when there is none."""
        async with self._database.read() as connection:
            found = await connection.execute(select(orders.c.created_at).order_by(_id.desc()).limit(1))
            newest: float | None = found.scalar()
        return newest

    async def prune(self, *, finished_before: float, drafts_before: float) -> int:
        """Forget orders that ended before a time (unless their failure is untold) and cancel older drafts.

        Returns:
            How many rows were deleted.
        """
        old = orders.c.finished_at < finished_before
        told = orders.c.error_key.is_(None) | orders.c.told_at.is_not(None)
        drafts = update(orders).where(_state == State.DRAFT, _unfinished, orders.c.created_at < drafts_before)
        async with self._database.write() as connection:
            gone = await connection.execute(delete(orders).where(old, told))
            await connection.execute(drafts.values(state=State.CANCELLED, finished_at=self._clock()))
        return gone.rowcount

    # Statements

    def _reason(self, error: WordbrushError) -> dict[str, Any]:
        return {"error_key": error.message_key, "error_details": error.details, "finished_at": self._clock()}

    async def _move(self, order: int, origin: Iterable[State], to: State, **values: Any) -> bool:
        return await self._happened(_moving(order, origin).values(state=to, **values).returning(_id))

    async def _set(self, order: int, *conditions: Any, **values: Any) -> bool:
        return await self._happened(update(orders).where(_id == order, *conditions).values(values).returning(_id))

    async def _happened(self, statement: ReturningUpdate[Any]) -> bool:
        return await self._first(statement) is not None

    async def _first(self, statement: ReturningUpdate[Any]) -> Row[Any] | None:
        async with self._database.write() as connection:
            row: Row[Any] | None = (await connection.execute(statement)).first()
        return row

    async def _one(self, *conditions: Any) -> Order | None:
        async with self._database.read() as connection:
            row = (await connection.execute(select(orders).where(*conditions))).first()
        return None if row is None else order_of(row)

    async def _all(self, *conditions: Any) -> list[Order]:
        async with self._database.read() as connection:
            return list(await _list(connection, *conditions))


_TAKEN = ("style", "seed")
_CAME_TO_NOTHING = (State.FAILED, State.CANCELLED, State.DEAD)


def rendering(order: int, picture: int, now: float) -> ReturningUpdate[Any]:
    """The statement running -> rendered, for whoever keeps the picture in the same transaction."""
    values: Mapping[str, Any] = {"state": State.RENDERED, "picture": picture, "rendered_at": now}
    return _moving(order, (State.RUNNING,)).values(values).returning(_id)


def _moving(order: int, origin: Iterable[State]) -> Update:
    return update(orders).where(_id == order, _state.in_(sorted(origin)))


def _claiming(order: int, now: float) -> ReturningUpdate[Any]:
    used_up = orders.c.attempts >= MOST_ATTEMPTS
    return (
        update(orders)
        .where(_id == order, _state == State.QUEUED)
        .values(
            state=case((used_up, State.DEAD), else_=State.RUNNING),
            attempts=case((used_up, orders.c.attempts), else_=orders.c.attempts + 1),
            started_at=case((used_up, orders.c.started_at), else_=now),
            finished_at=case((used_up, now), else_=None),
            **_death(used_up),
        )
        .returning(_state)
    )


def _death(dies: Any) -> dict[str, Any]:
    details = func.json_object("attempts", MOST_ATTEMPTS)
    return {
        "error_key": case((dies, DeadOrder.message_key), else_=None),
        "error_details": case((dies, details), else_=None),
    }


def _burying(now: float) -> ReturningUpdate[Any]:
    last = (_state == State.RUNNING, orders.c.attempts >= MOST_ATTEMPTS, _unfinished)
    details = func.json_object("attempts", MOST_ATTEMPTS)
    values = {"state": State.DEAD, "error_key": DeadOrder.message_key, "error_details": details, "finished_at": now}
    return update(orders).where(*last).values(values).returning(_id)


def _returning() -> Update:
    lost_picture = _state.in_(UNDELIVERED) & orders.c.picture.is_(None)
    return (
        update(orders)
        .where(_unfinished, (_state == State.RUNNING) | lost_picture)
        .values(state=State.QUEUED, rendered_at=None)
    )


async def _existing(connection: AsyncConnection, new: NewOrder) -> Row[Any]:
    same_source = select(orders).where(orders.c.source_key == new.source_key)
    sibling = select(orders).where(orders.c.parent == new.parent, orders.c.action == new.action, _unfinished)
    row = (await connection.execute(same_source)).first()
    return row if row is not None else (await connection.execute(sibling)).one()


async def _list(connection: AsyncConnection, *conditions: Any) -> tuple[Order, ...]:
    found = (await connection.execute(select(orders).where(*conditions).order_by(_id))).all()
    return tuple(order_of(row) for row in found)
