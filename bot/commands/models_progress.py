"""How a running download looks: a bar on a terminal, a plain line now and then anywhere else. Knows no hub."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

from generation.diffusion.weights import FetchProgress

Report = Callable[[FetchProgress], None]
EVERY_S = 10.0
"""How often a log hears of it, beside every finished file."""
MEGA = 1_000_000


@contextmanager
def progress(stream: TextIO) -> Iterator[Report]:
    """Something to call with each report; a bar is taken away at the end."""
    if stream.isatty():
        with _bar(stream) as report:
            yield report
    else:
        yield PlainLines(stream)


class Pace:
    """Speed and time left, over what really came through the network: bytes kept from an earlier run are no speed.

    Args:
        clock: seconds that never go back.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._began_s = clock()

    def told(self, report: FetchProgress) -> str:
        """Such as `45.1 MB/s, 3:20 left`; the time is left out where there is nothing to tell it from."""
        seconds = self._clock() - self._began_s
        speed = report.received / seconds if seconds > 0 else 0.0
        coming = report.total - report.done
        left = f", {_clock(int(coming / speed))} left" if speed and coming else ""
        return f"{speed / MEGA:.1f} MB/s{left}"


class PlainLines:
    """Progress for logs and pipes.

    Args:
        stream: where the lines go.
        every_s: at least so far apart, but for finished files.
        clock: seconds that never go back.
    """

    def __init__(
        self, stream: TextIO, *, every_s: float = EVERY_S, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._stream, self._every_s, self._clock = stream, every_s, clock
        self._pace, self._told_s = Pace(clock), clock()
        self._files_done = 0

    def __call__(self, report: FetchProgress) -> None:
        """Write a line if a file was finished or enough time has passed."""
        now_s = self._clock()
        if report.files_done == self._files_done and now_s - self._told_s < self._every_s:
            return
        self._files_done, self._told_s = report.files_done, now_s
        files = f"file {report.files_done} of {report.files_total}"
        amount = f"{report.done / MEGA:.1f} of {report.total / MEGA:.1f} MB"
        line = f"{amount}, {files}, {self._pace.told(report)}: {report.model} {report.file}"
        print(line, file=self._stream, flush=True)


@contextmanager
def _bar(stream: TextIO) -> Iterator[Report]:
    from rich import progress as bars
    from rich.console import Console

    # Some seventy columns: on a narrower terminal the figures would wrap.
    columns = (
        bars.TextColumn("{task.description}"),
        bars.BarColumn(bar_width=16),
        bars.DownloadColumn(),
        bars.TextColumn("{task.fields[pace]}"),
    )
    pace = Pace()
    with bars.Progress(*columns, console=Console(file=stream), transient=True) as bar:
        task = bar.add_task("looking", total=None, pace="")

        def report(at: FetchProgress) -> None:
            what = f"{at.role} {at.files_done}/{at.files_total}"
            bar.update(task, description=what, completed=at.done, total=at.total, pace=pace.told(at))

        yield report


def _clock(seconds: int) -> str:
    minutes, rest = divmod(max(0, seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
