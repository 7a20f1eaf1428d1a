"""The desk: from a queued row to a ticket or a cached picture, whatever happens in between; and insisting on a write."""

from __future__ import annotations

import pytest

from bot.desk import Desk, Outcome
from bot.patience import Patience
from generation.contracts.errors import DatabaseBusy, DatabaseCorrupt, TooManyOrders
from generation.contracts.picture import Picture
from generation.painter import Painter
from generation.queue import FairQueue, QueueLimits
from storage import Destination, NewOrder, State


class Bell:
    """A courier that only counts."""

    def __init__(self):
        self.delivered, self.refreshed = [], []

    def deliver(self, order_id):
        self.delivered.append(order_id)

    def refresh(self, order_id):
        self.refreshed.append(order_id)


@pytest.fixture
def bell():
    return Bell()


@pytest.fixture
def queue():
    return FairQueue(QueueLimits(running_per_learner=1, waiting_per_learner=1, waiting=50))


@pytest.fixture
def desk(storage, queue, bell):
    return Desk(storage, queue, bell, Painter(), patience=Patience(pauses_s=(0.0,)))


@pytest.fixture
async def take(storage):
    learner = await storage.learners.meet(1001, locale="en")

    async def take(word="学习", style="ink", **more):
        key = f"tg:42:1001:{word}:{style}:{len(more)}"
        place = Destination(chat=1001)
        new = NewOrder(
            source_key=key, learner=learner.id, locale="en", destination=place, word=word, style=style, seed=7, **more
        )
        order, _ = await storage.orders.intake(new)
        return order

    return take


async def kept(storage, request):
    png = repr(request).encode()
    picture = Picture(
        png=png, width=1024, height=1024, engine="painter", engine_version="1", box=(0, 0, 1, 1), prompt="p"
    )
    return await storage.pictures.keep(request, picture)


async def test_accept_gives_one_ticket_however_often_it_is_asked(desk, queue, take):
    order = await take()
    assert [await desk.accept(order.id) for _ in range(3)] == [Outcome.QUEUED] * 3
    assert [place.order for place in queue.positions()] == [order.id]


async def test_a_kept_picture_goes_to_the_courier_once(desk, queue, bell, storage, take):
    order = await take()
    await kept(storage, order.request())
    assert await desk.accept(order.id) is Outcome.CACHED
    assert await desk.accept(order.id) is Outcome.TOO_LATE
    assert bell.delivered == [order.id]
    assert not queue.positions()
    assert (await storage.orders.get(order.id)).state is State.RENDERED


@pytest.mark.parametrize("difference", ["style", "engine version"])
async def test_another_picture_is_no_answer(storage, queue, bell, take, difference):
    order = await take()
    await kept(storage, order.request(style="comic") if difference == "style" else order.request())
    engine = Painter()
    engine.version = "2" if difference == "engine version" else "1"
    assert await Desk(storage, queue, bell, engine).accept(order.id) is Outcome.QUEUED


async def test_the_cache_is_asked_for_whoever_paints_at_that_moment(storage, queue, bell, take):
    engine = Painter()
    desk = Desk(storage, queue, bell, engine)
    order, other = await take(), await take()
    await kept(storage, order.request())
    engine.name = "diffusion"  # the engine it stood in for is back
    assert await desk.accept(order.id) is Outcome.QUEUED
    engine.name = "painter"
    assert await desk.accept(other.id) is Outcome.CACHED


async def test_a_damaged_file_is_painted_again(desk, storage, queue, bell, take):
    order = await take()
    (await kept(storage, order.request())).path.write_bytes(b"")
    assert await desk.accept(order.id) is Outcome.QUEUED
    assert not bell.delivered
    assert queue.positions()


async def test_an_order_that_is_not_queued_is_left_alone(desk, queue, take):
    draft = await take(style=None)
    assert await desk.accept(draft.id) is Outcome.TOO_LATE
    assert await desk.accept(999) is Outcome.TOO_LATE
    assert not queue.positions()


async def test_room_is_asked_before_and_a_kept_picture_needs_none(desk, storage, take):
    first, second = await take("one"), await take("two")
    await desk.accept(first.id)
    with pytest.raises(TooManyOrders):
        await desk.expect_room(second.learner, second.request())
    await kept(storage, second.request())
    await desk.expect_room(second.learner, second.request())


async def test_a_place_lost_in_between_cancels_the_order_and_says_so(desk, storage, bell, take):
    first, second = await take("one"), await take("two")
    await desk.accept(first.id)
    with pytest.raises(TooManyOrders):
        await desk.accept(second.id)
    assert (await storage.orders.get(second.id)).state is State.CANCELLED
    assert bell.refreshed == [second.id]


async def test_a_restored_order_is_never_refused(desk, queue, take):
    for word in ("one", "two", "three"):
        await desk.restore_ticket(await take(word))
    assert len(queue.positions()) == 3


async def test_choosing_a_style_wins_once(desk, storage, queue, take):
    draft = await take(style=None)
    assert await desk.choose(draft, "comic") is Outcome.QUEUED
    queue.cancel(draft.id)
    assert await desk.choose(draft, "ink") is Outcome.TOO_LATE
    assert (await storage.orders.get(draft.id)).style == "comic"


async def test_a_queued_row_never_stays_without_a_ticket(desk, storage, queue, take):
    """As after a commit that happened although its answer was lost."""
    draft = await take(style=None)
    assert await storage.orders.choose_style(draft.id, "ink")
    await desk.choose(draft, "ink")
    assert [place.order for place in queue.positions()] == [draft.id]


async def test_cancel_takes_the_ticket_and_comes_too_late_once(desk, storage, queue, bell, take):
    order = await take()
    await desk.accept(order.id)
    assert await desk.cancel(order)
    assert not queue.positions()
    assert not await desk.cancel(order)
    assert bell.refreshed == [order.id]


async def test_patience_repeats_what_may_pass_and_nothing_else():
    calls = []

    async def busy():
        calls.append(1)
        if len(calls) < 3:
            raise DatabaseBusy
        return "done"

    async def corrupt():
        calls.append(1)
        raise DatabaseCorrupt(path="x")

    assert await Patience(pauses_s=(0.0, 0.0)).insist(busy) == "done"
    calls.clear()
    with pytest.raises(DatabaseBusy):
        await Patience(pauses_s=(0.0,)).insist(busy)
    calls.clear()
    with pytest.raises(DatabaseCorrupt):
        await Patience().insist(corrupt)
    assert len(calls) == 1
