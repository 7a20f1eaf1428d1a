"""`bench cache`: how long the picture cache takes to answer, on a database with a million pictures.

Knows storage and nothing of Telegram. Everything happens in a temporary folder with the real storage code; rows are
made in bulk, files only for the pictures that are read. In each row `ratio` is baseline / value: above 1, the
measured way is that many times faster than the baseline measured in the same run.
"""

from __future__ import annotations

import asyncio
import sqlite3
import statistics
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from bot.bench.rows import Row, row
from generation.contracts.picture import Picture
from generation.contracts.request import PaintRequest
from generation.styles import STYLES
from storage import Storage, open_storage
from storage.opening import DATABASE_NAME

TARGET_P99_MS = 2.0
_ENGINE, _VERSION = "painter", "1"
_STYLES = tuple(STYLES)
_BUDGET_BYTES = 2**40
_SCANS = 3
_ROUNDS = 5
_WARM_UP = 100
_PNG_BYTES = 1_500_000
_MS = 1e3

_FILL = """
WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < :rows)
INSERT INTO pictures (word, translation, language, style, seed, engine, engine_version, width, height, parameters,
                      sha256, size, meta, created_at, used_at)
SELECT printf('词%07d', i / 5), printf('meaning %d', i / 5), 'zh-Hans', json_extract(:styles, '$[' || (i % 5) || ']'),
       i % 4294967296, :engine, :version, 1024, 1024, :parameters, printf('%064x', i), 1500000, '{}', i, i
FROM n
"""
_BY_KEY = """
SELECT * FROM pictures {hint} WHERE word = ? AND translation = ? AND language = ? AND style = ? AND seed = ?
AND engine = ? AND engine_version = ? AND width = ? AND height = ? AND parameters = ?
"""


@dataclass(frozen=True, slots=True)
class _Times:
    """Measured durations in milliseconds. Percentiles are medians over five rounds: a neighbour's burst hits one."""

    each: Sequence[float]

    @property
    def median(self) -> float:
        return self._percentile(50)

    @property
    def p99(self) -> float:
        return self._percentile(99)

    def _percentile(self, percent: float) -> float:
        rounds = np.array_split(np.asarray(self.each), min(_ROUNDS, len(self.each)))
        return float(statistics.median(np.percentile(part, percent) for part in rounds))


def run(rows: int = 1_000_000, *, lookups: int = 2_000, files: int = 24) -> list[Row]:
    """Measure the cache.

    Args:
        rows: pictures in the database, at least 5.
        lookups: row lookups to time, half of them for pictures that are there.
        files: pictures with a real file of 1.5 MB.
    """
    with TemporaryDirectory(prefix="wordbrush-bench-") as folder:
        return asyncio.run(_measure(Path(folder), rows, lookups, files))


async def _measure(folder: Path, rows: int, lookups: int, files: int) -> list[Row]:
    async with open_storage(folder, cache_budget_bytes=_BUDGET_BYTES):
        pass
    database = folder / DATABASE_NAME
    filling_s = await asyncio.to_thread(_fill, database, rows)
    started = time.perf_counter()
    async with open_storage(folder, cache_budget_bytes=_BUDGET_BYTES) as storage:
        opening_s = time.perf_counter() - started
        await _look_up(storage, rows, min(lookups, _WARM_UP))
        found = await _look_up(storage, rows, lookups)
        first, again = await _find_with_files(storage, files)
    raw, scanned = _raw(database, rows, lookups), _scanned(database, rows)
    return [
        row("rows", rows, "rows"),
        row("fill", filling_s, "s"),
        row("open with quick_check and sweep", opening_s, "s"),
        row("row lookup p50 (baseline: no index)", found.median, "ms", baseline=scanned.median),
        row("row lookup p99 (baseline: no index)", found.p99, "ms", target=TARGET_P99_MS, baseline=scanned.median),
        row("row lookup p50 (baseline: bare sqlite3)", found.median, "ms", baseline=raw.median),
        row("find, file known p50 (baseline: hashing it)", again.median, "ms", baseline=first.median),
        row("find, file known p99 (baseline: hashing it)", again.p99, "ms", baseline=first.p99),
        row("find, file hashed p50", first.median, "ms"),
    ]


def _fill(database: Path, rows: int) -> float:
    started = time.perf_counter()
    values = {
        "rows": rows,
        "styles": '["' + '", "'.join(_STYLES) + '"]',
        "engine": _ENGINE,
        "version": _VERSION,
        "parameters": _request(0).parameters_hash(),
    }
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute(_FILL, values)
    return time.perf_counter() - started


def _request(index: int) -> PaintRequest:
    """The request that row `index` of the filled table answers."""
    word = index // len(_STYLES)
    return PaintRequest(
        word=f"词{word:07}",
        translation=f"meaning {word}",
        language="zh-Hans",
        style=_STYLES[index % len(_STYLES)],
        seed=index,
    )


def _asked(rows: int, count: int) -> Iterator[tuple[PaintRequest, bool]]:
    """Requests in random order, every other one for a picture that is not there."""
    for turn, index in enumerate(np.random.default_rng(7).integers(0, rows, count).tolist()):
        yield _request(index + rows * (turn % 2)), turn % 2 == 0


async def _look_up(storage: Storage, rows: int, count: int) -> _Times:
    times = []
    for request, there in _asked(rows, count):
        started = time.perf_counter()
        found = await storage.pictures.look_up(request, _ENGINE, _VERSION)
        times.append((time.perf_counter() - started) * _MS)
        assert (found is not None) == there
    return _Times(times)


async def _find_with_files(storage: Storage, files: int) -> tuple[_Times, _Times]:
    """Times of `find` on kept files that storage has not looked at since it was opened, and then once more."""
    noise = np.random.default_rng(7)
    requests = [PaintRequest(word=f"file {number}", style="ink", seed=number) for number in range(files)]
    for request in requests:
        stored = await storage.pictures.keep(request, _picture(noise.bytes(_PNG_BYTES)))
        stored.path.touch()  # another time stamp: the next look hashes the file again
    return await _find(storage, requests), await _find(storage, requests)


def _picture(png: bytes) -> Picture:
    return Picture(png=png, width=1024, height=1024, engine=_ENGINE, engine_version=_VERSION, box=(0, 0, 1, 1))


async def _find(storage: Storage, requests: Sequence[PaintRequest]) -> _Times:
    return _Times([await _timed(storage.pictures.find, request) for request in requests])


async def _timed(find: Callable[[PaintRequest, str, str], Awaitable[object]], request: PaintRequest) -> float:
    started = time.perf_counter()
    found = await find(request, _ENGINE, _VERSION)
    assert found is not None
    return (time.perf_counter() - started) * _MS


def _raw(database: Path, rows: int, count: int) -> _Times:
    return _statement(database, _BY_KEY.format(hint=""), [request for request, _ in _asked(rows, count)])


def _scanned(database: Path, rows: int) -> _Times:
    return _statement(database, _BY_KEY.format(hint="NOT INDEXED"), [request for request, _ in _asked(rows, _SCANS)])


def _statement(database: Path, statement: str, requests: Sequence[PaintRequest]) -> _Times:
    times = []
    with closing(sqlite3.connect(database)) as connection:
        for request in requests:
            started = time.perf_counter()
            connection.execute(statement, _key(request)).fetchall()
            times.append((time.perf_counter() - started) * _MS)
    return _Times(times)


def _key(request: PaintRequest) -> tuple[Any, ...]:
    wanted = (request.word, request.translation, request.language, request.style, request.seed)
    return *wanted, _ENGINE, _VERSION, request.width, request.height, request.parameters_hash()
