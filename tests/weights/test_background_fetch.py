"""Weights fetched in the background: what is told, how failures are met, how quickly it stops."""

from __future__ import annotations

import threading
import time

import pytest

from generation.contracts.errors import HubUnreachable, PaintingCancelled
from generation.diffusion.background import BackgroundFetch
from generation.diffusion.weights.progress import FetchProgress

MIB = 2**20


class Store:
    """Fetches as the test says: each entry of `plan` is an error to raise, `None` to succeed, or `wait`."""

    def __init__(self, *plan) -> None:
        self.plan = list(plan)
        self.calls, self.roles = 0, ()
        self.waiting = threading.Event()

    def fetch(self, roles, *, on_progress, cancelled):
        self.calls += 1
        self.roles = roles
        step = self.plan.pop(0) if self.plan else None
        on_progress(FetchProgress("vae", "m/v", "f", 3 * MIB, 10 * MIB, 3 * MIB, 0, 2))
        if step == "wait":
            self.waiting.set()
            while not cancelled.is_set():
                time.sleep(0.002)
            raise PaintingCancelled
        if step is not None:
            raise step


def until(condition) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline, "it never came about"
        time.sleep(0.002)


def fetch_from(store, **more) -> BackgroundFetch:
    return BackgroundFetch(store, ("base", "vae"), **({"first_pause_s": 0.01, "longest_pause_s": 0.04} | more))


def test_it_says_nothing_before_it_starts_and_after_it_is_through():
    store = Store(None)
    fetch = fetch_from(store)
    assert fetch.report() == {}
    fetch.start()
    until(lambda: not fetch._thread.is_alive())
    assert (store.calls, store.roles, fetch.report()) == (1, ("base", "vae"), {})


def test_progress_is_told_while_it_runs_and_it_stops_at_once():
    store = Store("wait")
    fetch = fetch_from(store)
    fetch.start()
    assert store.waiting.wait(10)
    weights = fetch.report()["weights"]
    assert (weights["state"], weights["done_mib"], weights["total_mib"]) == ("downloading", 3, 10)
    began = time.monotonic()
    fetch.stop()
    assert time.monotonic() - began < 1
    assert not fetch._thread.is_alive()


@pytest.mark.parametrize("error", [HubUnreachable(url="http://x"), OSError("odd"), ValueError("odd")])
def test_it_goes_on_after_a_failure_until_it_succeeds(error):
    store = Store(error, error, error, None)
    fetch = fetch_from(store)
    fetch.start()
    until(lambda: not fetch._thread.is_alive())
    assert store.calls == 4
    assert fetch.report() == {}


def test_a_failure_is_told_by_its_class_while_it_pauses():
    fetch = fetch_from(Store(HubUnreachable(url="http://x")), first_pause_s=60)
    fetch.start()
    until(lambda: fetch.report().get("weights", {}).get("state") == "failed")
    assert fetch.report()["weights"]["error"] == "HubUnreachable"
    began = time.monotonic()
    fetch.stop()
    assert time.monotonic() - began < 1, "a pause is no reason to wait"


def test_pauses_double_up_to_a_limit(monkeypatch):
    fetch = fetch_from(Store(*[HubUnreachable(url="x")] * 5), first_pause_s=10, longest_pause_s=35)
    pauses = []
    monkeypatch.setattr(fetch._stopped, "wait", lambda seconds: pauses.append(seconds))
    fetch.start()
    until(lambda: not fetch._thread.is_alive())
    assert pauses == [10, 20, 35, 35, 35]


def test_stopping_what_never_began():
    fetch_from(Store()).stop()
