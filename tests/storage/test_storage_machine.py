"""Any order of calls, with crashes between them: each order ends once, and no state follows a wrong one."""

from __future__ import annotations

import asyncio
import hashlib
import shutil
import sqlite3
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from generation.contracts.errors import DeadOrder, PaintingFailed
from generation.contracts.picture import Picture
from generation.contracts.ports import MOST_ATTEMPTS
from storage import Destination, NewOrder, State, open_storage
from storage.model import TERMINAL
from storage.opening import DATABASE_NAME

S = State
FOLLOWS = {
    S.DRAFT: {S.QUEUED, S.RENDERED, S.CANCELLED},
    S.QUEUED: {S.RUNNING, S.RENDERED, S.FAILED, S.CANCELLED, S.DEAD},
    S.RUNNING: {S.RENDERED, S.FAILED, S.CANCELLED, S.QUEUED, S.DEAD},
    S.RENDERED: {S.DELIVERING, S.QUEUED, S.CANCELLED, S.FAILED},
    S.DELIVERING: {S.DELIVERED, S.QUEUED, S.FAILED},
} | {state: set() for state in TERMINAL}


class OrderMachine(RuleBasedStateMachine):
    """Drives a real database; what it believes about each order is compared after every step."""

    template: Path
    orders = Bundle("orders")

    def __init__(self):
        super().__init__()
        self.runner = asyncio.Runner()
        self.folder = Path(tempfile.mkdtemp(prefix="wordbrush-machine-"))
        shutil.copy(self.template, self.folder / DATABASE_NAME)
        self.believed: dict[int, State] = {}
        self.told: set[int] = set()
        self.open()

    def run(self, awaitable):
        return self.runner.run(awaitable)

    def open(self):
        self.context = open_storage(self.folder, cache_budget_bytes=6_000)
        self.storage = self.run(self.context.__aenter__())
        self.learner = self.run(self.storage.learners.meet(1, locale="en")).id
        self.reader = sqlite3.connect(f"file:{self.folder / DATABASE_NAME}?mode=ro", uri=True, isolation_level=None)

    def close(self):
        self.reader.close()
        self.run(self.context.__aexit__(None, None, None))

    def move(self, order, to, happened):
        """Note a call's outcome: it may only have happened from a state that `to` follows."""
        if happened:
            assert to in FOLLOWS[self.believed[order]] | ({S.DELIVERING} if to is S.DELIVERING else set())
            self.believed[order] = to

    @rule(target=orders, number=st.integers(0, 12), style=st.sampled_from([None, "ink"]))
    def intake(self, number, style):
        new = NewOrder(
            source_key=f"key {number}",
            learner=self.learner,
            locale="en",
            destination=Destination(1),
            word=f"word {number % 3}",
            seed=number % 2,
            style=style,
        )
        order, created = self.run(self.storage.orders.intake(new))
        assert created == (order.id not in self.believed)
        if created:
            self.believed[order.id] = S.QUEUED if style else S.DRAFT
        return order.id

    @rule(order=orders, style=st.sampled_from(["ink", "comic"]))
    def choose(self, order, style):
        self.move(order, S.QUEUED, self.run(self.storage.orders.choose_style(order, style)))

    @rule(order=orders)
    def claim(self, order):
        attempts = self.run(self.storage.orders.get(order)).attempts
        try:
            claimed = self.run(self.storage.ledger.claim(order))
        except DeadOrder:
            assert attempts == MOST_ATTEMPTS
            self.move(order, S.DEAD, happened=True)
        else:
            assert claimed == (self.believed[order] is S.QUEUED)
            self.move(order, S.RUNNING, claimed)

    @rule(order=orders)
    def render(self, order):
        png = f"picture {self.run(self.storage.orders.get(order)).word}".encode().ljust(2_000)
        picture = Picture(png=png, width=1, height=1, engine="e", engine_version="1", box=(0, 0, 1, 1))
        self.move(order, S.RENDERED, self.run(self.storage.ledger.rendered(order, picture)))

    @rule(order=orders)
    def fail(self, order):
        self.move(order, S.FAILED, self.run(self.storage.ledger.failed(order, PaintingFailed(reference="r"))))

    @rule(order=orders)
    def release(self, order):
        self.move(order, S.QUEUED, self.run(self.storage.orders.release(order)))

    @rule(order=orders)
    def hit(self, order):
        request = self.run(self.storage.orders.get(order)).request(style="ink")
        found = self.run(self.storage.pictures.find(request, "e", "1"))
        if found is not None:
            self.move(order, S.RENDERED, self.run(self.storage.orders.finish_from_cache(order, found.id)))

    @rule(order=orders)
    def begin_delivery(self, order):
        self.move(order, S.DELIVERING, self.run(self.storage.orders.begin_delivery(order)))

    @rule(order=orders)
    def deliver(self, order):
        self.move(order, S.DELIVERED, self.run(self.storage.orders.delivered(order, 5)))

    @rule(order=orders)
    def cannot_deliver(self, order):
        happened = self.run(self.storage.orders.undeliverable(order, PaintingFailed(reference="r")))
        self.move(order, S.FAILED, happened)
        self.told |= {order} if happened else set()

    @rule(order=orders)
    def requeue(self, order):
        self.move(order, S.QUEUED, self.run(self.storage.orders.requeue(order)))

    @rule(order=orders)
    def cancel(self, order):
        self.move(order, S.CANCELLED, self.run(self.storage.orders.cancel(order)))

    @rule(order=orders)
    def tell(self, order):
        told = self.run(self.storage.orders.told(order))
        assert told == (self.believed[order] in {S.FAILED, S.DEAD} and order not in self.told)
        self.told |= {order} if told else set()

    @rule()
    def crash_and_restore(self):
        running = [order for order, state in self.believed.items() if state is S.RUNNING]
        attempts = {order: self.run(self.storage.orders.get(order)).attempts for order in running}
        self.close()
        self.open()
        restored = self.run(self.storage.orders.restore())
        for order in running:
            self.move(order, S.DEAD if attempts[order] >= MOST_ATTEMPTS else S.QUEUED, happened=True)
        listed = {
            S.DRAFT: restored.drafts,
            S.QUEUED: restored.queued,
            S.RENDERED: [order for order in restored.deliverable if order.state is S.RENDERED],
            S.DELIVERING: [order for order in restored.deliverable if order.state is S.DELIVERING],
        }
        for state, found in listed.items():
            assert [order.id for order in found] == sorted(
                o for o, believed in self.believed.items() if believed is state
            )
        ended_badly = {order for order, state in self.believed.items() if state in {S.FAILED, S.DEAD}}
        assert {order.id for order in restored.untold} == ended_badly - self.told

    @invariant()
    def the_rows_are_as_believed(self):
        """Read past the service: straight from the file, and the picture files beside it."""
        rows = self.reader.execute(
            "SELECT orders.id, state, finished_at, attempts, sha256 FROM orders LEFT JOIN pictures ON picture = pictures.id"
        ).fetchall()
        assert {row[0]: row[1] for row in rows} == self.believed
        for _, state, finished_at, attempts, sha256 in rows:
            assert (finished_at is not None) == (state in TERMINAL)
            assert attempts <= MOST_ATTEMPTS
            if state in {S.RENDERED, S.DELIVERING}:
                path = self.folder / "pictures" / sha256[:2] / sha256[2:4] / f"{sha256}.png"
                assert hashlib.sha256(path.read_bytes()).hexdigest() == sha256

    def teardown(self):
        self.finish_everything()
        self.close()
        self.runner.close()
        shutil.rmtree(self.folder)

    def finish_everything(self):
        """Cancel or deliver what is open; afterwards every order is in one terminal state and stays there."""
        for order in self.believed:
            self.cancel(order)
            self.begin_delivery(order)
            self.deliver(order)
        assert set(self.believed.values()) <= TERMINAL
        assert self.run(self.storage.orders.open_of(self.learner)) == []


@pytest.mark.parametrize(
    ("examples", "steps"),
    [(6, 20), pytest.param(25, 30, marks=[pytest.mark.slow, pytest.mark.timeout(600)])],
)
def test_every_order_ends_once(empty_database, examples, steps):
    OrderMachine.template = empty_database
    run_state_machine_as_test(
        OrderMachine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            database=None,
        ),
    )
