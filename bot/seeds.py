"""Which seeds a learner already has of a word, so that "again" shows something new. Reads rows, changes nothing."""

from __future__ import annotations

from sqlalchemy import select

from generation.contracts.request import LARGEST_SEED
from storage import Order, State, Storage
from storage.tables import orders

_NEVER_SEEN = (State.FAILED, State.DEAD, State.CANCELLED)


async def next_seed(storage: Storage, order: Order) -> int:
    """The first seed after the order's own that its learner has not asked for in this style, modulo 2**32.

    Orders that came to nothing do not count. Served by the index on the learner.
    """
    columns = orders.c
    same = (columns.learner == order.learner, columns.word == order.word, columns.language == order.language)
    statement = select(columns.seed).where(*same, columns.style == order.style, columns.state.not_in(_NEVER_SEEN))
    async with storage.database.read() as connection:
        used = frozenset((await connection.execute(statement)).scalars())
    seed = order.seed
    while True:
        seed = (seed + 1) % (LARGEST_SEED + 1)
        if seed not in used:
            return seed
