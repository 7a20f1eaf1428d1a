"""How far a download is. Knows bytes and files, neither the hub nor how it is shown."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

QUIET_S = 0.1
"""Two reports are at least this far apart, but for the first and the last of a file."""


@dataclass(frozen=True, slots=True)
class FetchProgress:
    """One report of a running download.

    Attributes:
        role: which model is being fetched.
        model: its hub id.
        file: the file that is arriving.
        done: bytes of the whole fetch that are here, those of an earlier run included once their file is reached.
        total: bytes of the whole fetch, over all roles asked for; files that were complete before do not count.
        received: bytes that really came over the network in this run; `done` minus what was here already.
        files_done: files that are complete and verified.
        files_total: files of the whole fetch.
    """

    role: str
    model: str
    file: str
    done: int
    total: int
    received: int
    files_done: int
    files_total: int


class Tally:
    """Counts what arrives and reports it, not more often than anybody can look.

    Args:
        report: called with each `FetchProgress`, on the downloading thread.
    """

    def __init__(self, report: Callable[[FetchProgress], None]) -> None:
        self._report = report
        self._total = self._files_total = 0
        self._before = self._of_this_file = self._received = self._files_done = 0
        self._told_s = 0.0
        self._at = ("", "", "")

    def expect(self, total: int, files: int) -> None:
        """What the whole fetch amounts to."""
        self._total, self._files_total = total, files

    def begin(self, role: str, model: str, file: str) -> None:
        """A file begins."""
        self._at, self._of_this_file = (role, model, file), 0
        self._tell()

    def here_already(self, count: int) -> None:
        """Bytes of the file that an earlier try left; 0 when they turned out to be worthless."""
        self._of_this_file = count

    def arrived(self, count: int) -> None:
        """Bytes came in."""
        self._of_this_file += count
        self._received += count
        if time.monotonic() - self._told_s >= QUIET_S:
            self._tell()

    def finished(self, size: int) -> None:
        """The file is complete and verified."""
        self._before, self._of_this_file = self._before + size, 0
        self._files_done += 1
        self._tell()

    def _tell(self) -> None:
        self._told_s = time.monotonic()
        done = self._before + self._of_this_file
        counts = (done, self._total, self._received, self._files_done, self._files_total)
        self._report(FetchProgress(*self._at, *counts))
