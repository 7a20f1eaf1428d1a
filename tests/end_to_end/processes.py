"""Real processes for the end-to-end tests: the bot, and the playground as a server of its own.

Both run as a user starts them (`python -m bot ...`), in a folder of the test's own, and are talked to over HTTP only.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

ROOT = Path(__file__).resolve().parents[2]
URL = re.compile(r"http://127\.0\.0\.1:\d+")
PATIENCE_S = 45.0
TOKEN = "8600000001:playground-token-for-tests-only-000000"
KEY = "key-of-the-end-to-end-tests"


def wait_until(look: Callable[[], T | None], what: str, patience_s: float = PATIENCE_S) -> T:
    """Look until there is something to see, and return it."""
    deadline_s = time.monotonic() + patience_s
    while time.monotonic() < deadline_s:
        seen = look()
        if seen:
            return seen
        time.sleep(0.03)
    message = f"waited {patience_s:.0f} s in vain for {what}"
    raise AssertionError(message)


class Process:
    """One `python -m bot ...`, its output in a file."""

    def __init__(self, arguments: list[str], folder: Path, environment: Mapping[str, str], name: str) -> None:
        self.log = folder / f"{name}-{time.monotonic_ns()}.log"
        clean = {
            key: value for key, value in os.environ.items() if not key.startswith(("BOT_", "PLAYGROUND", "ADMINS"))
        }
        with self.log.open("wb") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "bot", *arguments],
                cwd=folder,
                env={**clean, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1", "PLAYGROUND_KEY": KEY, **environment},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    def output(self) -> str:
        return self.log.read_text(errors="replace")

    def url(self) -> str:
        """The address it printed."""

        def look() -> str | None:
            found = URL.search(self.output())
            if found is None and self._process.poll() is not None:
                raise AssertionError(f"ended with {self._process.returncode}:\n{self.output()}")
            return found.group() if found else None

        return wait_until(look, f"an address in {self.log.name}")

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def interrupt(self, number: int = signal.SIGTERM) -> None:
        self._process.send_signal(number)

    def terminate(self, patience_s: float = 30.0) -> int:
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait(patience_s)

    def wait(self, patience_s: float = 30.0) -> int:
        return self._process.wait(patience_s)

    def close(self) -> None:
        if self._process.poll() is None:
            self.kill()
