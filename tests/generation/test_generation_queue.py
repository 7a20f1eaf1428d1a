"""The fair queue: turns, limits, sharing, places. Properties by hypothesis against the worker's way of taking."""

from __future__ import annotations

import random
from collections import defaultdict
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from generation.contracts.errors import QueueFull, TooManyOrders
from generation.contracts.ports import Ticket
from generation.estimates import Estimate, Estimates
from generation.queue import FairQueue, QueueLimits
from tests.generation.scripted import WIDE, ScriptedEngine, request, ticket


class HandClock:
    """Seconds that move when told."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def orders_of(paintings) -> list[int]:
    return [order for painting in paintings for order in painting.tickets]


def drain(queue: FairQueue, under_way: tuple = ()) -> list[int]:
    """Take everything as the worker does: one batch painted, one prepared; the oldest ends when nothing may be taken."""
    taken, running = [], list(under_way)
    while queue.waiting or running:
        batch = queue.take() if len(running) < 2 else []
        if batch:
            taken += orders_of(batch)
            running.append(batch)
        else:
            for painting in running.pop(0):
                queue.painted(painting, 1.0)
                queue.done(painting)
    return taken


def foretold(queue: FairQueue) -> list[int]:
    return [place.order for place in queue.positions()]


def test_round_robin_between_learners():
    queue = FairQueue(WIDE)
    for order, learner in enumerate([1, 1, 1, 2, 2, 3]):
        queue.put(ticket(order, learner))
    assert foretold(queue) == [0, 3, 5, 1, 4, 2]
    assert drain(queue) == [0, 3, 5, 1, 4, 2]


def test_a_newcomer_overtakes_the_learner_whose_painting_runs():
    queue = FairQueue(WIDE)
    queue.put(ticket(1, 1))
    queue.put(ticket(2, 1))
    queue.take()
    queue.put(ticket(3, 2))
    assert foretold(queue) == [3, 2]
    assert orders_of(queue.take()) == [3]
    assert queue.take() == [], "learner 1 has one running already"


@pytest.mark.parametrize("share", [1, 3, 5])
def test_the_limit_of_a_learner_is_exact(share):
    queue = FairQueue(QueueLimits(waiting_per_learner=share))
    for order in range(share):
        queue.room_for(1)
        queue.put(ticket(order, 1))
    with pytest.raises(TooManyOrders) as refused:
        queue.room_for(1)
    assert refused.value.details == {"limit": share}
    with pytest.raises(TooManyOrders):
        queue.put(ticket(share, 1))
    assert queue.waiting == share
    queue.room_for(2)
    queue.take()
    queue.put(ticket(share, 1))


@pytest.mark.parametrize("limit", [1, 50])
def test_the_limit_of_the_house_is_exact(limit):
    queue = FairQueue(QueueLimits(waiting=limit))
    for order in range(limit):
        queue.put(ticket(order))
    with pytest.raises(QueueFull) as refused:
        queue.put(ticket(limit))
    assert refused.value.details == {"limit": limit}
    queue.cancel(0)
    queue.put(ticket(limit))
    with pytest.raises(QueueFull):
        queue.room_for(limit + 1)


def test_ten_thousand_requests_against_a_hundred_places():
    queue = FairQueue(QueueLimits(waiting=100))
    refused = 0
    for order in range(10_000):
        try:
            queue.put(ticket(order))
        except QueueFull:
            refused += 1
    assert (queue.waiting, refused) == (100, 9_900)


def test_restored_tickets_are_never_refused_and_take_nobodys_place():
    queue = FairQueue(QueueLimits(waiting=2, waiting_per_learner=3))
    for order in range(60):
        queue.put(ticket(order, learner=order % 6, restored=True))
    assert queue.waiting == 60
    queue.put(ticket(100))
    queue.put(ticket(101))
    with pytest.raises(QueueFull):
        queue.put(ticket(102))
    with pytest.raises(TooManyOrders):
        queue.room_for(0)


def test_a_ticket_put_twice_stands_once():
    queue = FairQueue(WIDE)
    queue.put(ticket(1))
    queue.put(ticket(1))
    assert drain(queue) == [1]
    assert not queue.cancel(1)


def test_equal_requests_share_a_painting_on_the_first_turn_that_comes():
    queue = FairQueue(WIDE)
    for one in (ticket(1, 1), ticket(2, 2), ticket(3, 2, seed=77), ticket(4, 3, seed=77)):
        queue.put(one)
    assert [(place.order, place.place) for place in queue.positions()] == [(1, 1), (2, 2), (3, 3), (4, 3)]
    assert drain(queue) == [1, 2, 3, 4]


def test_a_rider_does_not_use_its_learners_turn():
    queue = FairQueue(WIDE)
    queue.put(ticket(1, 1, seed=5))
    queue.put(ticket(2, 2, seed=5))
    queue.put(ticket(3, 2))
    assert orders_of(queue.take()) == [1, 2]
    assert orders_of(queue.take()) == [3]


def test_riders_are_bounded_too():
    queue = FairQueue(QueueLimits())
    queue.put(ticket(0, 9, seed=5))
    queue.take()
    for order in range(1, 5):
        queue.put(ticket(order, 1, seed=5))
    with pytest.raises(TooManyOrders):
        queue.put(ticket(5, 1, seed=5))


def test_a_painting_is_stopped_when_the_last_ticket_leaves():
    queue = FairQueue(WIDE)
    queue.put(ticket(1, seed=5))
    queue.put(ticket(2, seed=5))
    (painting,) = queue.take()
    queue.put(ticket(3, seed=5))
    for order in (1, 2):
        assert queue.cancel(order)
        assert not painting.cancelled.is_set()
    assert queue.cancel(3)
    assert painting.cancelled.is_set()
    queue.put(ticket(4, seed=5))
    assert not painting.tickets, "nobody joins a painting that stops"


def test_joining_until_done():
    queue = FairQueue(WIDE)
    queue.put(ticket(1, seed=5))
    (painting,) = queue.take()
    queue.painted(painting, 2.0)
    queue.put(ticket(2, seed=5))
    assert list(painting.tickets) == [1, 2]
    queue.done(painting)
    queue.put(ticket(3, seed=5))
    assert not painting.tickets
    assert foretold(queue) == [3]


def test_batches_take_equal_keys_of_different_learners():
    queue = FairQueue(WIDE)
    queue.serve(ScriptedEngine(limit=3))
    for order, style in enumerate(["ink", "comic", "ink", "ink", "ink"]):
        queue.put(ticket(order, style=style))
    queue.put(ticket(9, learner=0))
    assert foretold(queue) == [0, 2, 3, 1, 4, 9]
    assert orders_of(queue.take()) == [0, 2, 3]
    assert orders_of(queue.take()) == [1]


def test_serving_an_engine_later_suits_those_who_wait():
    queue = FairQueue(WIDE)
    queue.put(ticket(1))
    queue.put(ticket(2))
    queue.serve(ScriptedEngine(limit=2))
    assert orders_of(queue.take()) == [1, 2]


def test_restored_tickets_are_taken_alone():
    queue = FairQueue(WIDE)
    queue.serve(ScriptedEngine(limit=4))
    for one in (ticket(1, restored=True), ticket(2, restored=True), ticket(3), ticket(4)):
        queue.put(one)
    assert foretold(queue) == [1, 2, 3, 4]
    (first,) = queue.take()
    assert queue.take() == []
    queue.painted(first, 1.0)
    assert queue.take() == [], "not before its end is written"
    queue.done(first)
    (second,) = queue.take()
    queue.done(second)
    assert orders_of(queue.take()) == [3, 4]


def test_eta_is_unknown_until_measured_then_counts_everything_ahead():
    clock = HandClock()
    queue = FairQueue(WIDE, clock)
    queue.put(ticket(0))
    (first,) = queue.take()
    queue.put(ticket(1))
    assert queue.positions()[0].eta_s is None
    queue.painted(first, 10.0)
    queue.done(first)
    queue.put(ticket(2))
    queue.put(ticket(3))
    assert [place.eta_s for place in queue.positions()] == [10, 20, 30]
    running = queue.take()
    assert [place.eta_s for place in queue.positions()] == [20, 30]
    queue.begun(running)
    clock.now += 4
    assert [place.eta_s for place in queue.positions()] == [16, 26]
    clock.now += 600
    assert [place.eta_s for place in queue.positions()] == [10, 20]


def test_a_size_that_was_never_measured_hides_the_eta_of_those_behind_it():
    queue = FairQueue(WIDE)
    queue.put(ticket(0))
    for painting in queue.take():
        queue.painted(painting, 3.0)
        queue.done(painting)
    queue.put(ticket(1))
    other = request(2)
    queue.put(Ticket(2, 2, type(other)(word="学", style="ink", seed=1)))
    queue.put(ticket(3))
    assert [place.eta_s for place in queue.positions()] == [3, None, None]
    assert queue.expected_s(request(9)) == 3


def test_the_estimate_is_a_rolling_median():
    estimate = Estimate(window=3)
    assert estimate.seconds is None
    for seconds, expected in [(5, 5), (7, 6), (100, 7), (8, 8), (9, 9)]:
        estimate.note(seconds)
        assert estimate.seconds == expected
    estimates = Estimates()
    assert estimates.of("a") is estimates.of("a") is not estimates.of("b")


def test_listeners_hear_of_every_change():
    queue, heard = FairQueue(WIDE), []
    queue.subscribe(lambda: heard.append(queue.waiting))
    queue.put(ticket(1))
    queue.put(ticket(2))
    queue.take()
    queue.cancel(2)
    assert heard == [1, 2, 1, 0]


tickets = st.lists(
    st.tuples(st.integers(0, 6), st.integers(0, 40), st.sampled_from(["ink", "comic"]), st.booleans()), max_size=60
)


@settings(deadline=None)
@given(tickets, st.integers(1, 4), st.booleans(), st.integers(0, 2))
def test_positions_are_the_real_taking_order(rows, limit, restored, before):
    queue = FairQueue(WIDE)
    queue.serve(ScriptedEngine(limit=limit))
    for order, (learner, seed, style, again) in enumerate(rows):
        queue.put(ticket(order, learner, seed=seed, style=style, restored=restored and again))
    running = tuple(batch for batch in [queue.take() for _ in range(before)] if batch)
    assert foretold(queue) == drain(queue, running)
    assert not queue.positions()


@settings(deadline=None)
@given(st.lists(st.integers(0, 9), min_size=1, max_size=80))
def test_fifo_within_a_learner_and_nobody_waits_longer_than_a_round(learners):
    queue = FairQueue(WIDE)
    for order, learner in enumerate(learners):
        queue.put(ticket(order, learner))
    taken = drain(queue)
    assert sorted(taken) == list(range(len(learners)))
    own = defaultdict(list)
    for turn, order in enumerate(taken):
        own[learners[order]].append((turn, order))
    for turns in own.values():
        assert [order for _, order in turns] == sorted(order for _, order in turns)
        ends = [-1, *(turn for turn, _ in turns)]
        assert all(later - sooner <= len(own) + 1 for sooner, later in pairwise(ends))


def test_a_spammer_does_not_starve_twenty_light_users():
    """R10: 100 orders of one learner stand there; each light user asks once, at a random moment."""
    chance = random.Random(3)
    queue = FairQueue(WIDE)
    for order in range(100):
        queue.put(ticket(order, 1))
    arrivals = sorted((chance.randrange(60), 100 + user) for user in range(20))
    asked, waited, running = {}, [], []
    for now in range(150):
        while arrivals and arrivals[0][0] <= now:
            order = arrivals.pop(0)[1]
            queue.put(ticket(order))
            asked[order] = now
        batch = queue.take()
        for painting in running:
            queue.done(painting)
        running = batch or queue.take()
        waited += [now - asked[order] for order in orders_of(running) if order in asked]
    assert len(waited) == 20
    assert sorted(waited)[10] <= 2
    assert max(waited) <= 21


class QueueMachine(RuleBasedStateMachine):
    """R21: whatever happens, every order is taken once or cancelled, and the limits hold."""

    def __init__(self) -> None:
        super().__init__()
        self.limits = QueueLimits(waiting_per_learner=3, waiting=8)
        self.queue = FairQueue(self.limits)
        self.queue.serve(ScriptedEngine(limit=2))
        self.next = 0
        self.waiting: dict[int, int] = {}
        self.ended: dict[int, str] = {}
        self.batches: list[list] = []

    @rule(learner=st.integers(0, 3), seed=st.integers(0, 12), restored=st.booleans())
    def put(self, learner, seed, restored):
        self.next += 1
        try:
            self.queue.put(ticket(self.next, learner, seed=seed, restored=restored))
        except (QueueFull, TooManyOrders):
            assert not restored
        else:
            self.waiting[self.next] = learner

    @precondition(lambda self: self.waiting)
    @rule(data=st.data())
    def cancel(self, data):
        order = data.draw(st.sampled_from(sorted(self.waiting)))
        assert self.queue.cancel(order)
        assert not self.queue.cancel(order)
        del self.waiting[order]
        self.ended[order] = "cancelled"

    @precondition(lambda self: len(self.batches) < 2)
    @rule()
    def take(self):
        if batch := self.queue.take():
            self.batches.append(batch)
            turns = [painting.learner for painting in self.queue.running]
            assert len(turns) == len(set(turns)), "one running a learner"

    @precondition(lambda self: self.batches)
    @rule(painted=st.booleans())
    def finish(self, painted):
        for painting in self.batches.pop(0):
            if painted:
                self.queue.painted(painting, 1.0)
            for order in list(painting.tickets):
                assert order not in self.ended
                self.ended[order] = "done"
                del self.waiting[order]
            self.queue.done(painting)

    @invariant()
    def everybody_is_somewhere(self):
        taken = {order for batch in self.batches for painting in batch for order in painting.tickets}
        assert sorted(foretold(self.queue) + sorted(taken)) == sorted(self.waiting)
        assert self.queue.waiting == len(self.waiting) - len(taken)

    def teardown(self):
        while self.batches:
            self.finish(painted=True)
        left = drain(self.queue)
        assert sorted(left) == sorted(self.waiting)
        assert not self.queue._paintings
        assert not self.queue._shared
        assert not self.queue._open
        assert self.queue._counted == 0


TestQueueMachine = QueueMachine.TestCase
TestQueueMachine.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
