"""The worker's port: what must last is in the file when the call returns."""

from __future__ import annotations

from generation.contracts.errors import PaintingFailed
from generation.contracts.ports import Ledger
from storage import State


async def test_the_way_of_one_order(storage, orders, paint):
    ledger: Ledger = storage.ledger
    order = await orders.in_state(State.QUEUED)
    assert await ledger.claim(order)
    assert not await ledger.claim(order)
    assert await ledger.rendered(order, paint(1, prompt="a hill", weights={"canny": 0.5}))
    done = await storage.orders.get(order)
    kept = await storage.pictures.get(done.picture)
    assert done.state is State.RENDERED
    assert kept.meta["prompt"] == "a hill"
    assert kept.meta["weights"] == {"canny": 0.5}
    assert kept.meta["box"] == [1, 2, 3, 4]
    assert await storage.pictures.read(kept) == paint(1).png


async def test_an_order_cancelled_while_it_was_painted(storage, orders, paint):
    order = await orders.in_state(State.RUNNING)
    assert await storage.orders.cancel(order)
    assert not await storage.ledger.rendered(order, paint())
    assert not await storage.ledger.failed(order, PaintingFailed(reference="r"))
    await storage.ledger.released(order)
    assert (await storage.orders.get(order)).state is State.CANCELLED


async def test_an_order_cancelled_while_its_picture_was_kept(storage, orders, paint):
    """The picture is good and stays; the order's state is decided in the picture's own transaction."""
    order = await orders.in_state(State.RUNNING)
    row = await storage.orders.get(order)
    assert await storage.orders.cancel(order)
    assert not await storage.pictures.keep_for(order, row.request(), paint())
    assert await storage.pictures.find(row.request(), "painter", "1") is not None
    assert (await storage.orders.get(order)).picture is None


async def test_orders_that_share_a_painting_share_the_picture(storage, orders, paint):
    several = [await orders.in_state(State.RUNNING) for _ in range(5)]
    assert [await storage.ledger.rendered(order, paint()) for order in several] == [True] * 5
    assert len({(await storage.orders.get(order)).picture for order in several}) == 1
    assert await storage.pictures.count() == 1
