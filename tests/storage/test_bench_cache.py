"""The cache bench on a small database: the rows it prints and what it compares with."""

from __future__ import annotations

import pytest

from bot.bench.cache import TARGET_P99_MS, run


def test_the_bench_measures_with_real_storage():
    rows = {row["name"]: row for row in run(2_000, lookups=60, files=3)}
    assert all(set(row) == {"name", "value", "unit", "target", "baseline", "ratio"} for row in rows.values())
    assert all(row["value"] > 0 for row in rows.values())
    assert rows["rows"]["value"] == 2_000
    held = [row for row in rows.values() if row["target"] is not None]
    assert [row["target"] for row in held] == [TARGET_P99_MS]
    assert "p99" in held[0]["name"]
    compared = [row for row in rows.values() if row["baseline"] is not None]
    assert len(compared) >= 4
    assert all(row["ratio"] == pytest.approx(row["baseline"] / row["value"], rel=1e-3) for row in compared)
