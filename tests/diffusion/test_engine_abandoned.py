"""Nobody waits any more while the models are read: the engine comes back within one model, and works later."""

from __future__ import annotations

import threading

import pytest

from generation.contracts.events import Done
from generation.diffusion import residence
from tests.diffusion.engine_rig import engine_on, job_for, of, paint, pictures, request, sources

pytestmark = pytest.mark.diffusion
__all__ = ["sources"]


@pytest.fixture
def roles_read(monkeypatch):
    """The roles as they are read; a test may hang something on each."""
    plain, roles = residence.load, []

    def load(store, role, **more):
        roles.append(role)
        load.at(role)
        return plain(store, role, **more)

    load.at = lambda _role: None
    monkeypatch.setattr(residence, "load", load)
    return load, roles


def test_loading_ends_after_the_model_at_which_the_last_one_left(sources, tmp_path, roles_read):
    engine, (load, roles) = engine_on(sources, tmp_path), roles_read
    flags = [threading.Event(), threading.Event()]
    jobs = [job_for(engine, request(seed), flag) for seed, flag in enumerate(flags)]
    reached, go_on = threading.Event(), threading.Event()

    def at(role):
        if len(roles) == 2:
            reached.set()
            assert go_on.wait(30)

    load.at = at
    events: list[object] = []
    thread = threading.Thread(target=lambda: events.extend(engine.paint(jobs)))
    thread.start()
    assert reached.wait(30)
    for flag in flags:
        flag.set()
    go_on.set()
    thread.join(30)
    assert not thread.is_alive()
    assert (len(roles), events, engine.loaded) == (2, [], False)
    load.at = lambda _role: None
    assert sorted(pictures(paint(engine, request()))) == [0]


def test_loading_goes_on_while_one_of_them_waits(sources, tmp_path, roles_read):
    engine, (load, _) = engine_on(sources, tmp_path), roles_read
    flag = threading.Event()
    jobs = [job_for(engine, request(0), flag), job_for(engine, request(1))]
    load.at = lambda _role: flag.set()
    assert [done.job for done in of(list(engine.paint(jobs)), Done)] == [1]
