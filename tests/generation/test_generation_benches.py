"""The suites of figures about this room run and say what they promise."""

from __future__ import annotations

from bot.bench import conditioning, queue

KEYS = {"name", "value", "unit", "target", "baseline", "ratio"}


def test_the_queue_suite():
    rows = queue.run(waiting=400)
    assert all(set(row) == KEYS for row in rows)
    positions = rows[0]
    assert positions["target"] == 20
    assert positions["ratio"] > 5, "one pass beats a walk for every order"
    assert {row["unit"] for row in rows} == {"ms", "µs"}


def test_the_conditioning_suite():
    rows = conditioning.run(rounds=1, side_px=512)
    assert all(set(row) == KEYS for row in rows)
    assert {row["name"].partition("/")[0].partition(" (")[0] for row in rows} == {
        "canny",
        "depth",
        "segmentation",
        "scribble",
        "all four side by side",
    }
    assert all(row["value"] > 0 and row["baseline"] > 0 for row in rows)
