"""Which seed "again" takes, so that it shows something new. Reads rows, changes nothing."""

from __future__ import annotations

from generation.contracts.request import LARGEST_SEED
from storage import Order, Storage


async def next_seed(storage: Storage, order: Order) -> int:
    """The first seed after the order's own that its learner has not seen of the word in this style, modulo 2**32."""
    seen = await storage.orders.seeds_seen(order)
    seed = order.seed
    while True:
        seed = (seed + 1) % (LARGEST_SEED + 1)
        if seed not in seen:
            return seed
