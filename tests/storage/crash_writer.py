"""Run as a process of its own: does orders until it is killed, and says on its standard output what is committed.

Usage: crash_writer.py FOLDER. Each line is `ORDER STATE`, written only after the call returned.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from generation.contracts.picture import Picture
from storage import Destination, NewOrder, open_storage


def say(order, state):
    sys.stdout.write(f"{order} {state}\n")
    sys.stdout.flush()


def painted(order):
    png = f"picture of order {order}".encode() * 50
    return Picture(png=png, width=512, height=512, engine="painter", engine_version="1", box=(0, 0, 1, 1))


async def one(storage, learner, number, start):
    new = NewOrder(
        source_key=f"{start}:{number}",
        learner=learner,
        locale="en",
        destination=Destination(1),
        word=f"word {start} {number}",
        seed=number,
        style="ink",
    )
    order, _ = await storage.orders.intake(new)
    say(order.id, "queued")
    await storage.ledger.claim(order.id)
    say(order.id, "running")
    await storage.ledger.rendered(order.id, painted(order.id))
    say(order.id, "rendered")
    await storage.orders.begin_delivery(order.id)
    say(order.id, "delivering")
    await storage.orders.delivered(order.id, 1)
    say(order.id, "delivered")


async def main(folder):
    async with open_storage(folder, cache_budget_bytes=10**8) as storage:
        learner = (await storage.learners.meet(1, locale="en")).id
        start = (await storage.orders.intake(_marker(learner)))[0].id
        say(0, "open")
        number = 0
        while True:
            await asyncio.gather(*(one(storage, learner, number + ahead, start) for ahead in range(4)))
            number += 4


def _marker(learner):
    import uuid

    return NewOrder(
        source_key=uuid.uuid4().hex, learner=learner, locale="en", destination=Destination(1), word="start", seed=0
    )


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
