"""The painter stands in: when, for how long, and who is said to have painted."""

from __future__ import annotations

import threading

import pytest
from hypothesis import settings, strategies
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from generation.contracts.errors import (
    EngineUnavailable,
    NoSuitableDevice,
    OutOfMemory,
    PaintingFailed,
    WeightsMissing,
)
from generation.contracts.events import Done, Failed, OrderRendered, Step
from generation.contracts.request import KINDS
from generation.painter import Painter
from generation.pipeline import Pipeline
from generation.standin import BackOff, StandIn
from tests.generation.scripted import House, OneWord, ScriptedEngine, request, ticket, working

PIPELINE = OneWord()
PAINTER = ("painter", Painter.version)
PRIMARY = ("primary", "1.0")


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Primary(ScriptedEngine):
    """Paints as scripted; `missing` keeps it from working, `broken` shows only when it tries."""

    name, version = PRIMARY

    def __init__(self) -> None:
        super().__init__(limit=4, needs=KINDS)
        self.missing = self.broken = None
        self.raises = False
        self.tries = self.warmed = self.unloaded = 0

    def trouble(self):
        return self.missing

    def warm(self):
        self.warmed += 1
        if self.broken:
            raise self.broken

    def unload(self):
        self.unloaded += 1

    def paint(self, jobs):
        self.tries += 1
        if self.broken and self.raises:
            raise self.broken
        if self.broken:
            yield from (Failed(index, self.broken) for index in range(len(jobs)))
            return
        yield from super().paint(jobs)


class Quick(ScriptedEngine):
    """Has the painter's name and is done at once."""

    name, version = PAINTER


class Pair:
    def __init__(self, painter=None) -> None:
        self.clock, self.primary = Clock(), Primary()
        self.engine = StandIn(
            self.primary, painter or Quick(), clock=self.clock, back_off=BackOff(first_s=10, longest_s=35)
        )

    @property
    def says(self):
        return self.engine.name, self.engine.version

    def job(self, seed: int = 1):
        return PIPELINE.prepare(request(seed), self.engine, threading.Event())[0]

    def paint(self, *jobs):
        events = list(self.engine.paint(jobs or [self.job()]))
        assert not [event for event in events if isinstance(event, Failed)]
        return {event.job: (event.engine, event.version) for event in events if isinstance(event, Done)}

    def later(self, seconds: float) -> None:
        self.clock.now += seconds


@pytest.fixture
def pair() -> Pair:
    return Pair()


def test_an_engine_that_works_is_what_one_sees(pair):
    assert pair.says == PRIMARY
    assert pair.engine.needs == KINDS
    assert pair.engine.batch_limit(512, 512) == 4
    assert pair.engine.batch_key(request()) == "ink"
    assert pair.paint() == {0: PRIMARY}
    assert pair.engine.diagnostics()["standing_in"] is None


def test_missing_weights_are_not_even_tried(pair):
    pair.primary.missing = WeightsMissing(models="canny, vae")
    assert pair.says == PAINTER
    assert pair.engine.needs == ()
    assert pair.engine.batch_limit(512, 512) == 1
    assert pair.paint() == {0: PAINTER}
    assert pair.primary.tries == 0
    report = pair.engine.diagnostics()
    assert (report["engine"], report["version"]) == PAINTER
    assert (report["standing_in"], report["retry_in_s"]) == ("WeightsMissing", None)
    assert report["standing_in_details"] == {"models": "canny, vae"}
    assert "models fetch" in report["standing_in_reason"]


def test_weights_that_arrive_switch_it_over(pair):
    pair.primary.missing = WeightsMissing(models="vae")
    assert pair.paint() == {0: PAINTER}
    pair.primary.missing = None
    assert pair.says == PAINTER, "one look is believed for a second"
    pair.later(1)
    assert pair.says == PRIMARY
    assert pair.paint() == {0: PRIMARY}


@pytest.mark.parametrize("raises", [False, True])
def test_what_shows_only_while_loading_stands_in_for_these_very_jobs(pair, raises):
    jobs = [pair.job(seed) for seed in range(3)]
    pair.primary.broken, pair.primary.raises = NoSuitableDevice(device="cuda", reason="gone"), raises
    assert pair.paint(*jobs) == dict.fromkeys(range(3), PAINTER)
    assert pair.says == PAINTER
    assert pair.engine.diagnostics()["standing_in"] == "NoSuitableDevice"
    assert pair.engine.diagnostics()["retry_in_s"] == 10


def test_it_is_asked_again_after_pauses_that_double_up_to_a_limit(pair):
    pair.primary.broken = EngineUnavailable(engine="primary", reason="no")
    for tries, pause_s in enumerate([10, 20, 35, 35], start=1):
        assert pair.says == PRIMARY
        assert pair.paint() == {0: PAINTER}
        assert pair.primary.tries == tries
        pair.later(pause_s - 0.5)
        assert pair.says == PAINTER
        assert pair.paint() == {0: PAINTER}
        assert pair.primary.tries == tries, "it was left alone meanwhile"
        pair.later(0.5)


def test_a_picture_forgets_the_failures(pair):
    pair.primary.broken = EngineUnavailable(engine="primary", reason="no")
    pair.paint()
    pair.later(10)
    pair.paint()
    pair.later(20)
    pair.primary.broken = None
    assert pair.paint() == {0: PRIMARY}
    pair.primary.broken = EngineUnavailable(engine="primary", reason="no")
    assert pair.paint() == {0: PAINTER}
    assert pair.engine.diagnostics()["retry_in_s"] == 10


def test_weights_that_arrive_end_the_pause_of_an_earlier_failure(pair):
    jobs = [pair.job()]
    pair.primary.broken = pair.primary.missing = WeightsMissing(models="vae")
    assert pair.paint(*jobs) == {0: PAINTER}
    assert pair.engine.diagnostics()["retry_in_s"] is None
    pair.primary.broken = pair.primary.missing = None
    pair.later(1)
    assert pair.says == PRIMARY


def test_a_job_made_for_the_painter_has_nothing_to_steer_the_primary_with(pair):
    pair.primary.missing = WeightsMissing(models="vae")
    plain = pair.job()
    pair.primary.missing = None
    pair.later(1)
    steered = pair.job()
    assert not plain.control
    assert pair.paint(plain, steered) == {0: PAINTER, 1: PRIMARY}
    assert pair.primary.batches == [[1]]


def test_a_failure_of_one_picture_is_told_and_stands_for_nothing(pair):
    pair.primary.script = {1: "oom"}
    events = list(pair.engine.paint([pair.job(1), pair.job(2)]))
    (failed,) = [event for event in events if isinstance(event, Failed)]
    assert (failed.job, type(failed.error)) == (0, OutOfMemory)
    assert [event.job for event in events if isinstance(event, Done)] == [1]
    assert pair.says == PRIMARY


def failed_by(pair, error, *, times: int) -> list[str]:
    """Who painted, picture by picture, when each of them fails with the primary."""
    pair.primary.broken, names = error, []
    for _ in range(times):
        (end,) = [event for event in pair.engine.paint([pair.steered]) if isinstance(event, Done | Failed)]
        names.append(end.engine if isinstance(end, Done) else "nobody")
    return names


def test_an_engine_that_fails_picture_after_picture_is_doubted(pair):
    pair.steered = pair.job()
    told = failed_by(pair, PaintingFailed(reference="abc"), times=4)
    assert told == ["nobody", "nobody", "painter", "painter"]
    assert pair.primary.tries == 3, "it was left alone after that"
    report = pair.engine.diagnostics()
    assert (report["standing_in"], report["retry_in_s"]) == ("EngineUnavailable", 10)
    assert "3 pictures in a row failed" in report["standing_in_reason"]
    pair.later(10)
    assert failed_by(pair, PaintingFailed(reference="abc"), times=1) == ["painter"], "one more is enough"
    assert pair.engine.diagnostics()["retry_in_s"] == 20


def test_a_batch_that_fails_altogether_is_finished_by_the_painter(pair):
    jobs = [pair.job(seed) for seed in range(8)]
    pair.primary.broken = PaintingFailed(reference="abc")
    events = list(pair.engine.paint(jobs))
    assert [event.job for event in events if isinstance(event, Failed)] == [0, 1]
    assert sorted(event.job for event in events if isinstance(event, Done)) == list(range(2, 8))


def test_a_painted_picture_starts_the_count_anew(pair):
    pair.steered = pair.job()
    for _ in range(3):
        assert failed_by(pair, PaintingFailed(reference="abc"), times=2) == ["nobody"] * 2
        assert failed_by(pair, None, times=1) == ["primary"]
    assert pair.says == PRIMARY


def test_pictures_too_large_for_the_memory_are_no_reason_for_doubt(pair):
    pair.steered = pair.job()
    assert failed_by(pair, OutOfMemory(), times=5) == ["nobody"] * 5
    assert pair.says == PRIMARY


def test_an_error_nobody_foresaw_is_passed_on_and_doubted(pair):
    job = pair.job()
    pair.primary.broken, pair.primary.raises = KeyError("gone"), True
    with pytest.raises(KeyError):
        list(pair.engine.paint([job]))
    assert pair.says == PAINTER
    assert "see the log" in pair.engine.diagnostics()["standing_in_reason"]
    assert pair.paint(job) == {0: PAINTER}


def test_events_nobody_reads_to_the_end_are_no_failure(pair):
    events = pair.engine.paint([pair.job()])
    next(events)
    events.close()
    assert pair.says == PRIMARY


@pytest.mark.parametrize("error", [KeyError("gone"), PaintingFailed(reference="abc")])
def test_warming_that_breaks_is_passed_on_and_counted(pair, error):
    pair.primary.broken = error
    with pytest.raises(type(error)):
        pair.engine.warm()
    assert (pair.says == PAINTER) == isinstance(error, KeyError)


@pytest.mark.parametrize("orders", [1, 4])
async def test_orders_of_an_engine_that_breaks_are_painted_by_the_painter(orders, caplog):
    pair = Pair(Painter())
    pair.primary.broken, pair.primary.raises = ZeroDivisionError("broken engine"), True
    pair.primary.warm = lambda: None
    async with working(House(pair.engine, pipeline=OneWord())) as house:
        house.put(*map(ticket, range(1, orders + 1)))
        await house.watch.until(OrderRendered, *range(1, orders + 1))
    assert pair.primary.tries == 1, "its models are not read for each order anew"
    assert {entry.picture.engine for entry in house.ledger.entries.values()} == {"painter"}
    assert "ZeroDivisionError" in caplog.text


def test_events_keep_the_numbers_of_the_jobs_they_are_about(pair):
    pair.primary.missing = WeightsMissing(models="vae")
    plain = pair.job()
    pair.primary.missing = None
    pair.later(1)
    events = list(pair.engine.paint([plain, pair.job(), plain]))
    assert {event.job for event in events if isinstance(event, Step)} == {0, 1, 2}


def test_warming_that_fails_is_a_failure_like_another(pair):
    pair.primary.broken = NoSuitableDevice(device="cuda", reason="gone")
    pair.engine.warm()
    assert pair.says == PAINTER
    pair.engine.unload()
    assert (pair.primary.warmed, pair.primary.unloaded) == (1, 1)


def test_further_news_are_part_of_the_report():
    engine = StandIn(Primary(), Painter(), further=lambda: {"weights": {"state": "downloading", "done_mib": 7}})
    assert engine.diagnostics()["weights"] == {"state": "downloading", "done_mib": 7}


async def test_the_worker_records_who_really_painted_and_follows_the_switch():
    pair = Pair(Painter())
    async with working(House(pair.engine, pipeline=Pipeline())) as house:
        pair.primary.missing = WeightsMissing(models="vae")
        pair.later(1)
        house.put(ticket(1))
        await house.watch.until(OrderRendered, 1)
        pair.primary.missing = None
        pair.later(1)
        house.put(ticket(2))
        await house.watch.until(OrderRendered, 2)
        pair.primary.broken = NoSuitableDevice(device="cuda", reason="gone")
        house.put(ticket(3))
        await house.watch.until(OrderRendered, 3)
    painted = {order: entry.picture for order, entry in house.ledger.entries.items()}
    assert {order: (p.engine, p.engine_version) for order, p in painted.items()} == {1: PAINTER, 2: PRIMARY, 3: PAINTER}
    assert {order: len(p.methods) for order, p in painted.items()} == {1: 0, 2: 4, 3: 0}, "the painter heeds no control"


class Weather(RuleBasedStateMachine):
    """Whatever happens, every job is painted by somebody, and the primary is never tried while it is known not to work."""

    def __init__(self) -> None:
        super().__init__()
        self.pair = Pair()
        self.jobs = {True: self.pair.job(), False: None}
        self.pair.primary.missing = WeightsMissing(models="vae")
        self.pair.later(1)
        self.jobs[False] = self.pair.job()

    @rule(seconds=strategies.floats(0, 60))
    def time_passes(self, seconds):
        self.pair.later(seconds)

    @rule(there=strategies.booleans())
    def weights(self, there):
        self.pair.primary.missing = None if there else WeightsMissing(models="vae")

    @rule(works=strategies.booleans(), raises=strategies.booleans())
    def device(self, works, raises):
        self.pair.primary.broken = None if works else NoSuitableDevice(device="cuda", reason="gone")
        self.pair.primary.raises = raises

    @rule(steered=strategies.lists(strategies.booleans(), min_size=1, max_size=3))
    def paint(self, steered):
        said, tried = self.pair.says, self.pair.primary.tries
        painted = {
            event.job: (event.engine, event.version)
            for event in self.pair.engine.paint([self.jobs[control] for control in steered])
            if isinstance(event, Done)
        }
        assert set(painted) == set(range(len(steered)))
        if said == PAINTER:
            assert set(painted.values()) == {PAINTER}
            assert self.pair.primary.tries == tried
        assert all(who == PAINTER for job, who in painted.items() if not steered[job])
        if said == PRIMARY and self.pair.primary.broken is None:
            assert all(who == PRIMARY for job, who in painted.items() if steered[job])

    @invariant()
    def it_says_why(self):
        report = self.pair.engine.diagnostics()
        assert (report["standing_in"] is None) == (self.pair.engine.name == "primary")


TestWeather = Weather.TestCase
TestWeather.settings = settings(max_examples=15, stateful_step_count=12, deadline=None)
