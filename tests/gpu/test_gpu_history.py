"""What the engine has lived through, summed up; and leaks told from noise."""

from __future__ import annotations

import json
import logging
import random
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generation.gpu.history import KEPT, LEAK_LEAST, LEAK_MIB, LEAK_WINDOW, MIB, History, leak_in

SEEDS = st.integers(0, 2**32 - 1)


def paint(
    history: History,
    *,
    seconds: float = 2.0,
    batch: int = 1,
    peak: int | None = 5000,
    level: int | None = None,
    size=(1024, 1024),
):
    peak_bytes = None if peak is None else peak * MIB
    history.painted(seconds=seconds, size=size, batch=batch, peak_bytes=peak_bytes, allocated_bytes=level)


def noisy(seed: int, slope_mib: float, noise_mib: float, count: int = LEAK_WINDOW) -> list[int]:
    dice = random.Random(seed)
    return [int((8000 + slope_mib * n + dice.gauss(0, noise_mib)) * MIB) for n in range(count)]


def test_a_fresh_history_is_empty_and_json():
    report = History().report()
    assert json.loads(json.dumps(report)) == report
    assert (report["models"], report["pictures"], report["median_seconds"], report["leak"]) == ([], 0, None, None)


def test_everything_noted_is_reported():
    history = History()
    history.loaded("base", "stabilityai/sdxl", seconds=12.345, size_bytes=5000 * MIB)
    history.loaded("vae", "fix", seconds=0.5, size_bytes=160 * MIB)
    paint(history, seconds=8.0, batch=4, peak=9000)
    paint(history, seconds=3.0, peak=None)
    paint(history, seconds=5.0, peak=7000)
    history.warmed("测", seconds=1.234, peak_bytes=6000 * MIB)
    history.warmed("学", seconds=1.1, peak_bytes=None)
    history.out_of_memory("decode", batch=4, remedy="half the batch")
    history.fell_back("compile", wanted="full", used="eager", reason="no compiler" * 100)
    report = history.report()
    assert json.loads(json.dumps(report)) == report
    assert report["models"][0] == {"role": "base", "model": "stabilityai/sdxl", "seconds": 12.35, "mib": 5000}
    assert (report["pictures"], report["median_seconds"], report["peak_mib"]) == (6, 3.0, 9000)
    assert report["last_seconds"] == [5.0, 3.0, 2.0]
    assert report["sizes"] == [
        {"size": "1024x1024", "batch": 1, "pictures": 2, "median_seconds": 4.0, "peak_mib": 7000},
        {"size": "1024x1024", "batch": 4, "pictures": 4, "median_seconds": 2.0, "peak_mib": 9000},
    ]
    assert [(word["word"], word["mib"]) for word in report["warm_up"]] == [("测", 6000), ("学", None)]
    assert report["accidents"] == [{"stage": "decode", "batch": 4, "remedy": "half the batch"}]
    assert report["out_of_memory"] == 1
    assert len(report["fallbacks"][0]["reason"]) == 200


def test_a_model_loaded_again_is_there_once_and_unloaded_all_are_gone():
    history = History()
    for seconds in (1.0, 2.0):
        history.loaded("vae", "fix", seconds=seconds, size_bytes=MIB)
    history.loaded("union", "union", seconds=3.0, size_bytes=MIB)
    assert [model["seconds"] for model in history.report()["models"]] == [2.0, 3.0]
    history.unloaded()
    assert history.report()["models"] == []


def test_what_fell_back_is_forgotten_with_the_models_for_it_is_tried_again():
    history = History()
    history.fell_back("attention", wanted="xformers", used="sdpa", reason="not installed")
    history.loaded("vae", "fix", seconds=1.0, size_bytes=MIB)
    assert len(history.report()["fallbacks"]) == 1
    history.unloaded()
    assert history.report()["fallbacks"] == []


def test_it_remembers_only_so_much_and_counts_on():
    history = History()
    for n in range(3 * KEPT):
        paint(history, seconds=float(n))
        history.out_of_memory("denoise", batch=1, remedy="-")
    report = history.report()
    assert (report["pictures"], report["out_of_memory"]) == (3 * KEPT, 3 * KEPT)
    assert report["sizes"][0]["pictures"] == len(report["accidents"]) == KEPT
    assert report["last_seconds"][0] == 3 * KEPT - 1


def test_threads_may_note_and_read_together():
    history = History()

    def work() -> None:
        for n in range(100):
            paint(history, level=n)
            history.loaded(f"role {n % 3}", "m", seconds=1, size_bytes=1)
            history.report()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert history.report()["pictures"] == 400


@given(SEEDS, st.floats(0, 3000))
def test_noise_alone_is_no_leak(seed, noise_mib):
    assert leak_in(noisy(seed, 0, noise_mib)) is None


@given(SEEDS, st.floats(12, 500), st.floats(0, 2))
def test_a_steady_leak_is_found_through_noise(seed, slope_mib, noise_in_slopes):
    """12 MiB a picture add up to 384 MiB over the window."""
    leak = leak_in(noisy(seed, slope_mib, noise_in_slopes * slope_mib))
    assert leak is not None
    assert leak.bytes_per_picture / MIB == pytest.approx(slope_mib, rel=0.35)


@given(SEEDS, st.floats(0, 0.9), st.floats(0, 1))
def test_a_growth_too_small_to_matter_is_no_leak(seed, share, noise_mib):
    assert leak_in(noisy(seed, share * LEAK_MIB / LEAK_WINDOW, noise_mib)) is None


@given(st.integers(1, LEAK_WINDOW - 1), st.integers(300, 20_000))
def test_one_step_up_however_high_is_no_leak(at, height):
    levels = [(8000 + height * (n >= at)) * MIB for n in range(LEAK_WINDOW)]
    assert leak_in(levels) is None


@given(SEEDS, st.integers(0, LEAK_WINDOW - 1))
def test_a_single_outlier_hides_no_leak(seed, where):
    levels = noisy(seed, 30, 5)
    levels[where] += 20_000 * MIB
    assert leak_in(levels) is not None


@given(st.lists(st.integers(0, 2**40), max_size=LEAK_LEAST - 1))
def test_a_few_pictures_prove_nothing(levels):
    assert leak_in(levels) is None


def test_falling_memory_is_no_leak():
    assert leak_in(noisy(1, -50, 1)) is None


def test_a_leak_is_told_once_and_forgotten_with_the_models(caplog):
    history = History()
    with caplog.at_level(logging.WARNING):
        for level in noisy(7, 40, 3, count=50):
            paint(history, level=level)
    assert len(caplog.records) == 1
    leak = history.report()["leak"]
    assert leak is not None
    assert leak["mib_per_picture"] == pytest.approx(40, rel=0.1)
    history.unloaded()
    assert history.report()["leak"] is None


def test_loading_another_model_in_between_is_no_leak():
    history = History()
    for n in range(LEAK_WINDOW):
        if n % 8 == 0:
            history.loaded(f"net {n}", "m", seconds=1, size_bytes=MIB)
        paint(history, level=(1000 + 2500 * (n // 8)) * MIB)
    assert history.report()["leak"] is None


def test_a_device_that_does_not_tell_leaves_no_trace():
    history = History()
    for _ in range(LEAK_WINDOW):
        paint(history, peak=None, level=None)
    assert history.report()["peak_mib"] is None
    assert history.report()["leak"] is None
