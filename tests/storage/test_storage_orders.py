"""The order service: what is taken in, what each call does in each state, and what a start finds."""

from __future__ import annotations

import asyncio

import pytest

from generation.contracts.errors import DeadOrder, MissingGlyph, PaintingFailed, StorageError
from generation.contracts.request import PaintRequest
from storage import Destination, Parameters, State
from storage.model import CANCELLABLE, OPEN, TERMINAL, UNDELIVERED

ERROR = PaintingFailed(reference="r9")


# What each call does: the states it starts from, and where it leads. Everything else must be left alone.
CALLS = {
    "choose_style": (lambda s, o, p: s.orders.choose_style(o, "comic"), {State.DRAFT: State.QUEUED}),
    "finish_from_cache": (
        lambda s, o, p: s.orders.finish_from_cache(o, p),
        {State.DRAFT: State.RENDERED, State.QUEUED: State.RENDERED},
    ),
    "claim": (lambda s, o, p: s.orders.claim(o), {State.QUEUED: State.RUNNING}),
    "release": (lambda s, o, p: s.orders.release(o), {State.RUNNING: State.QUEUED}),
    "rendered": (lambda s, o, p: s.orders.rendered(o, p), {State.RUNNING: State.RENDERED}),
    "fail": (lambda s, o, p: s.orders.fail(o, ERROR), {State.QUEUED: State.FAILED, State.RUNNING: State.FAILED}),
    "begin_delivery": (
        lambda s, o, p: s.orders.begin_delivery(o),
        {State.RENDERED: State.DELIVERING, State.DELIVERING: State.DELIVERING},
    ),
    "delivered": (lambda s, o, p: s.orders.delivered(o, 9), {State.DELIVERING: State.DELIVERED}),
    "undeliverable": (
        lambda s, o, p: s.orders.undeliverable(o, ERROR),
        {State.RENDERED: State.FAILED, State.DELIVERING: State.FAILED},
    ),
    "requeue": (
        lambda s, o, p: s.orders.requeue(o),
        {State.RENDERED: State.QUEUED, State.DELIVERING: State.QUEUED},
    ),
    "cancel": (
        lambda s, o, p: s.orders.cancel(o),
        dict.fromkeys((State.DRAFT, State.QUEUED, State.RUNNING, State.RENDERED), State.CANCELLED),
    ),
}


def test_states_fall_into_open_and_terminal():
    assert frozenset(State) == OPEN | TERMINAL
    assert not OPEN & TERMINAL
    assert UNDELIVERED < OPEN
    assert CANCELLABLE < OPEN


@pytest.mark.parametrize("state", State)
async def test_every_call_in_every_state(storage, orders, paint, state):
    kept = await storage.pictures.keep((await orders.intake()).request(style="ink"), paint(99))
    for name, (call, leads) in CALLS.items():
        order = await orders.in_state(state)
        before = await storage.orders.get(order)
        assert await call(storage, order, kept.id) == (state in leads), name
        after = await storage.orders.get(order)
        if state in leads:
            assert after.state is leads[state], name
            assert (after.finished_at is None) == (after.state in OPEN)
        else:
            assert after == before, name


async def test_calls_on_an_order_that_is_not_there(storage, orders):
    for name, (call, _) in CALLS.items():
        assert await call(storage, 4711, 1) is False, name
    assert await storage.orders.get(4711) is None
    assert not await storage.orders.attach_status(4711, 1)
    assert not await storage.orders.move_status(4711, 1)
    assert not await storage.orders.told(4711)


async def test_intake_keeps_everything(storage, orders, clock):
    parameters = Parameters(
        steps=30, guidance=7.5, weights=(("canny", 0.5),), methods=(("depth", "ridge"),), prompt="a {meaning}"
    )
    new = orders.new(
        style="ink",
        destination=Destination(chat=-100, thread=5, reply_to=6, private=False),
        width=768,
        height=1024,
        parameters=parameters,
        status_message=12,
        locale="ru",
        seed=2**32 - 1,
    )
    order, created = await storage.orders.intake(new)
    assert created
    assert order == await storage.orders.get(order.id)
    assert order.state is State.QUEUED
    assert order.queued_at == order.created_at == clock.now
    assert (order.destination, order.parameters, order.status_message) == (new.destination, parameters, 12)
    assert order.request() == PaintRequest(
        word="学习",
        translation="study",
        language="zh-Hans",
        style="ink",
        seed=2**32 - 1,
        width=768,
        height=1024,
        steps=30,
        guidance=7.5,
        weights=(("canny", 0.5),),
        methods=(("depth", "ridge"),),
        prompt="a {meaning}",
    )


async def test_a_draft_needs_a_style_to_be_asked_for(orders):
    draft = await orders.intake()
    assert draft.state is State.DRAFT
    assert draft.queued_at is None
    with pytest.raises(ValueError, match="draft"):
        draft.request()
    assert draft.request(style="comic", seed=3).seed == 3
    assert draft.request(style="comic").style == "comic"


async def test_the_same_source_makes_one_order(storage, orders):
    first, created = await storage.orders.intake(orders.new(source_key="tg:1:2:3"))
    again, created_again = await storage.orders.intake(orders.new(source_key="tg:1:2:3", word="other"))
    assert (created, created_again) == (True, False)
    assert again == first


async def test_the_same_source_at_once_makes_one_order(storage, orders):
    taken = await asyncio.gather(*(storage.orders.intake(orders.new(source_key="same")) for _ in range(20)))
    assert sum(created for _, created in taken) == 1
    assert len({order.id for order, _ in taken}) == 1


async def test_a_finished_order_still_answers_for_its_source(storage, orders):
    order = await orders.in_state(State.DELIVERED, source_key="once")
    again, created = await storage.orders.intake(orders.new(source_key="once"))
    assert (again.id, again.state, created) == (order, State.DELIVERED, False)


@pytest.mark.parametrize("ending", sorted(TERMINAL))
async def test_one_open_child_a_button(storage, orders, ending):
    parent = await orders.in_state(State.DELIVERED)
    child = await orders.in_state(State.QUEUED, parent=parent, action="again")
    same, created = await storage.orders.intake(orders.new(parent=parent, action="again", style="ink"))
    assert (same.id, created) == (child, False)
    assert (await storage.orders.open_child(parent, "again")).id == child
    other = await orders.intake(parent=parent, action="style")
    assert await storage.orders.open_child(parent, "style") == other
    assert await storage.orders.cancel(child)
    await orders.in_state(ending, parent=parent, action="again")
    assert await storage.orders.open_child(parent, "again") is None
    _, created = await storage.orders.intake(orders.new(parent=parent, action="again", style="ink"))
    assert created


async def test_orders_without_a_button_do_not_hinder_each_other(orders):
    parent = await orders.in_state(State.DELIVERED)
    first = await orders.intake(parent=parent)
    second = await orders.intake(parent=parent)
    assert first.id != second.id


async def test_an_unknown_learner_is_an_error_and_leaves_nothing(storage, orders):
    with pytest.raises(StorageError):
        await storage.orders.intake(orders.new(learner=999, source_key="nobody"))
    assert sum((await storage.orders.counts()).values()) == 0


async def test_ids_are_never_used_twice(storage, orders, clock):
    order = await orders.in_state(State.DELIVERED)
    assert await storage.orders.prune(finished_before=clock.now + 1, drafts_before=0) == 1
    assert await storage.orders.get(order) is None
    assert (await orders.intake()).id > order


async def test_open_orders_of_a_learner(storage, orders, orders_of):
    mine = [await orders.in_state(state) for state in State if state in OPEN]
    for state in TERMINAL:
        await orders.in_state(state)
    await (await orders_of(storage, user=2002)).intake()
    assert [order.id for order in await storage.orders.open_of(orders.learner)] == mine


async def test_the_first_status_message_stays(storage, orders):
    order = (await orders.intake()).id
    assert await storage.orders.attach_status(order, 10)
    assert not await storage.orders.attach_status(order, 11)
    assert (await storage.orders.get(order)).status_message == 10
    assert await storage.orders.move_status(order, 12)
    assert (await storage.orders.get(order)).status_message == 12


async def test_choosing_queues_with_the_style_and_the_time(storage, orders, clock):
    order = (await orders.intake()).id
    clock.now += 5
    assert await storage.orders.choose_style(order, "comic")
    chosen = await storage.orders.get(order)
    assert (chosen.style, chosen.seed, chosen.queued_at) == ("comic", 7, clock.now)


async def test_a_cache_hit_gives_a_draft_its_style(storage, orders, paint):
    draft = await orders.intake()
    kept = await storage.pictures.keep(draft.request(style="watercolor", seed=8), paint())
    assert await storage.orders.finish_from_cache(draft.id, kept.id)
    hit = await storage.orders.get(draft.id)
    assert (hit.style, hit.seed, hit.picture, hit.state) == ("watercolor", 8, kept.id, State.RENDERED)
    assert hit.rendered_at == hit.created_at


async def test_a_cache_hit_whose_picture_is_gone(storage, orders):
    order = await orders.in_state(State.QUEUED)
    assert not await storage.orders.finish_from_cache(order, 12345)
    assert (await storage.orders.get(order)).state is State.QUEUED


async def test_claims_are_counted_until_the_order_is_dead(storage, orders, clock):
    order = await orders.in_state(State.RUNNING)
    assert (await storage.orders.get(order)).attempts == 1
    for attempts in (2, 3):
        restored = await storage.orders.restore()
        assert [o.id for o in restored.queued] == [order]
        assert restored.dead == ()
        assert await storage.orders.claim(order)
        assert (await storage.orders.get(order)).attempts == attempts
    clock.now += 1
    restored = await storage.orders.restore()
    assert [o.id for o in restored.dead] == [o.id for o in restored.untold] == [order]
    dead = restored.dead[0]
    assert (dead.error_key, dead.error_details, dead.finished_at) == ("error-dead", {"attempts": 3}, clock.now)
    assert not await storage.orders.claim(order)


async def test_a_queued_order_without_attempts_left_dies_when_claimed(storage, orders):
    order = await orders.in_state(State.RENDERED)
    for _ in range(2):
        assert await storage.orders.requeue(order)
        assert await storage.orders.claim(order)
        assert await storage.orders.rendered(order, (await storage.pictures.get(1)).id)
    assert await storage.orders.requeue(order)
    with pytest.raises(DeadOrder) as caught:
        await storage.ledger.claim(order)
    assert caught.value.details == {"attempts": 3}
    dead = await storage.orders.get(order)
    assert (dead.state, dead.attempts, dead.error_details) == (State.DEAD, 3, {"attempts": 3})


async def test_a_polite_stop_costs_no_attempt(storage, orders):
    order = await orders.in_state(State.RUNNING)
    await storage.ledger.released(order)
    released = await storage.orders.get(order)
    assert (released.state, released.attempts) == (State.QUEUED, 0)


async def test_a_failure_is_told_once(storage, orders):
    order = await orders.in_state(State.RUNNING)
    assert not await storage.orders.told(order)
    assert await storage.ledger.failed(order, MissingGlyph(character="x", code="U+0078", name="LETTER X"))
    failed = await storage.orders.get(order)
    assert failed.error_key == MissingGlyph.message_key
    assert failed.error_details == {"character": "x", "code": "U+0078", "name": "LETTER X"}
    assert not failed.told
    assert [o.id for o in (await storage.orders.restore()).untold] == [order]
    assert await storage.orders.told(order)
    assert not await storage.orders.told(order)
    assert (await storage.orders.get(order)).told
    assert (await storage.orders.restore()).untold == ()


async def test_an_undeliverable_picture_has_nobody_to_tell(storage, orders):
    order = await orders.in_state(State.DELIVERING)
    assert await storage.orders.undeliverable(order, ERROR)
    assert (await storage.orders.restore()).untold == ()


async def test_restore_sorts_what_an_earlier_process_left(storage, orders):
    ids = {state: await orders.in_state(state) for state in State}
    shown = await orders.in_state(State.DRAFT)
    assert await storage.orders.attach_status(shown, 5)
    restored = await storage.orders.restore()
    assert [o.id for o in restored.drafts] == [ids[State.DRAFT]]
    assert [o.id for o in restored.queued] == [ids[State.QUEUED], ids[State.RUNNING]]
    assert [o.id for o in restored.deliverable] == [ids[State.RENDERED], ids[State.DELIVERING]]
    assert {o.id for o in restored.untold} == {ids[State.FAILED], ids[State.DEAD]}
    assert all(o.state is State.QUEUED for o in restored.queued)
    assert (await storage.orders.get(ids[State.RUNNING])).attempts == 1
    assert await storage.orders.restore() == restored


async def test_restore_repaints_what_lost_its_picture(storage, orders):
    order = await orders.in_state(State.DELIVERING)
    stored = await storage.pictures.get((await storage.orders.get(order)).picture)
    stored.path.unlink()
    assert await storage.pictures.find((await storage.orders.get(order)).request(), "painter", "1") is None
    restored = await storage.orders.restore()
    assert [o.id for o in restored.queued] == [order]
    assert restored.deliverable == ()


async def test_counts_name_every_state(storage, orders):
    assert await storage.orders.counts() == dict.fromkeys(State, 0)
    for state in (State.DRAFT, State.DRAFT, State.DEAD):
        await orders.in_state(state)
    assert await storage.orders.counts() == dict.fromkeys(State, 0) | {State.DRAFT: 2, State.DEAD: 1}


async def test_old_orders_are_forgotten_but_untold_failures_are_not(storage, orders, clock):
    old = {state: await orders.in_state(state) for state in State}
    told = await orders.in_state(State.FAILED)
    assert await storage.orders.told(told)
    clock.now += 100
    fresh = await orders.in_state(State.DELIVERED)
    gone = await storage.orders.prune(finished_before=clock.now, drafts_before=clock.now)
    left = {state for state, order in old.items() if await storage.orders.get(order) is not None}
    assert left == OPEN | {State.FAILED, State.DEAD}
    assert gone == len(State) - len(left) + 1
    assert (await storage.orders.get(old[State.DRAFT])).state is State.CANCELLED
    assert await storage.orders.get(fresh) is not None


async def test_a_child_outlives_its_parent(storage, orders, clock):
    parent = await orders.in_state(State.DELIVERED)
    child = await orders.intake(parent=parent, action="again")
    clock.now += 1
    assert await storage.orders.prune(finished_before=clock.now, drafts_before=0) == 1
    assert (await storage.orders.get(child.id)).parent is None


async def test_seeds_a_learner_has_seen_of_a_word(storage, orders, orders_of):
    for seed, state in enumerate(State):
        await orders.in_state(state, seed=seed)
    await orders.in_state(State.QUEUED, seed=50, word="other")
    await orders.in_state(State.QUEUED, seed=51, language="ja")
    await (await orders_of(storage, user=2002)).in_state(State.QUEUED, seed=52)
    order = await storage.orders.get(await orders.in_state(State.QUEUED, seed=60))
    seen = {seed for seed, state in enumerate(State) if state not in {"draft", "failed", "cancelled", "dead"}}
    assert await storage.orders.seeds_seen(order) == seen | {60}
