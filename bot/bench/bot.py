"""Start-up and idle memory of the real process, beside its bare imports measured in the same run.

The bot is started as `make run` starts it, in a folder of its own, and asked for help through the playground: the
answer on the chat's page is the end of start-up. The baseline is a process that imports the very same third-party
modules, in the same order, and does nothing else; the difference is our own share.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any, TypeVar

import psutil

from bot.bench.rows import Row, row
from generation.contracts.errors import DidNotStart

T = TypeVar("T")

ROUNDS = 3
PATIENCE_S = 60.0
SETTLE_S = 3.0
"""Idle memory is read this long after the first answer, when start-up work has ended."""
ANSWER_TARGET_S, IDLE_TARGET_MIB = 6.0, 350
SHARE_TARGET_S, SHARE_TARGET_MIB = 1.5, 60
MIB = 2**20
ROOT = Path(__file__).resolve().parents[2]

_LOADED = """
import json, sys
import bot.app, bot.neighbour, bot.commands.run, generation.painter
from generation.painter import Painter; Painter().warm()
ours = ("bot", "generation", "storage", "locales", "__main__")
print(json.dumps([name for name in sys.modules if name.split(".")[0] not in ours]))
"""
_IMPORT = """
import importlib, json, os, sys
for name in json.load(sys.stdin):
    try:
        importlib.import_module(name)
    except ImportError:
        pass
import psutil
print(json.dumps({"mib": psutil.Process().memory_info().rss / 2**20}), flush=True)
"""


def run(rounds: int = ROUNDS) -> list[Row]:
    """Medians over `rounds` starts: seconds to the first answer, idle MiB, and our share of both."""
    modules = _third_party_modules()
    bare = [_bare_imports(modules) for _ in range(rounds)]
    bots = [_one_start() for _ in range(rounds)]
    bare_s, bare_mib = (median(figures) for figures in zip(*bare, strict=True))
    answer_s, idle_mib = (median(figures) for figures in zip(*bots, strict=True))
    same = f"(baseline: importing the same {len(modules)} modules)"
    return [
        row(f"first answer {same}", answer_s, "s", target=ANSWER_TARGET_S, baseline=bare_s),
        row(f"idle memory {same}", idle_mib, "MiB", target=IDLE_TARGET_MIB, baseline=bare_mib),
        row(f"our share of the first answer {same}", answer_s - bare_s, "s", target=SHARE_TARGET_S, baseline=bare_s),
        row(f"our share of idle memory {same}", idle_mib - bare_mib, "MiB", target=SHARE_TARGET_MIB, baseline=bare_mib),
    ]


def _environment(**more: str) -> dict[str, str]:
    """This process's environment without settings of Wordbrush, which would change what is measured."""
    ours = ("BOT_", "PLAYGROUND", "ADMINS", "STORAGE__", "GENERATION__", "QUEUE__", "GRACE_", "LOG_LEVEL")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    path = os.pathsep.join(filter(None, (str(ROOT), kept.get("PYTHONPATH", ""))))
    return {**kept, "PYTHONPATH": path, **more}


def _third_party_modules() -> list[str]:
    done = subprocess.run(  # noqa: S603 - our own interpreter and text
        [sys.executable, "-c", _LOADED], env=_environment(), capture_output=True, text=True, check=True
    )
    return list(json.loads(done.stdout))


def _bare_imports(modules: list[str]) -> tuple[float, float]:
    began_s = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(  # noqa: S603 - likewise
            [sys.executable, "-c", _IMPORT],
            input=json.dumps(modules),
            env=_environment(),
            cwd=folder,
            capture_output=True,
            text=True,
            check=True,
        )
    return time.monotonic() - began_s, float(json.loads(done.stdout)["mib"])


def _one_start() -> tuple[float, float]:
    """Start the bot, ask for help, wait for the answer and for quiet; seconds and MiB."""
    key = secrets.token_hex(8)
    with tempfile.TemporaryDirectory() as folder:
        began_s = time.monotonic()
        bot = subprocess.Popen(
            [sys.executable, "-m", "bot"],
            cwd=folder,
            env=_environment(PLAYGROUND__PORT="0", PLAYGROUND_KEY=key, PYTHONUNBUFFERED="1", LOG_LEVEL="ERROR"),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            url = _address(bot)
            _ask(url, key, "POST", "/sim/message", {"learner": 1001, "text": "/help"})
            _until(lambda: _answered(url, key))
            answer_s = time.monotonic() - began_s
            time.sleep(SETTLE_S)
            return answer_s, psutil.Process(bot.pid).memory_info().rss / MIB
        finally:
            bot.terminate()
            bot.communicate()


def _address(bot: subprocess.Popen[str]) -> str:
    """The address the bot prints.

    Raises:
        DidNotStart: it ended instead.
    """
    assert bot.stdout is not None
    found = re.search(r"http://\S+?(?=/?\s)", bot.stdout.readline() + "\n")
    if found is None:
        raise DidNotStart(reason="it ended by itself")
    return found.group()


def _answered(url: str, key: str) -> bool:
    chats = _ask(url, key, "GET", "/sim/transcript", None)["chats"]
    return any(message["from"]["is_bot"] for chat in chats for message in chat["messages"])


def _ask(url: str, key: str, verb: str, path: str, body: dict[str, object] | None) -> Any:
    request = urllib.request.Request(  # noqa: S310 - a loopback address this process has just been told
        url + path,
        data=None if body is None else json.dumps(body).encode(),
        headers={"X-Playground-Key": key, "Content-Type": "application/json"},
        method=verb,
    )
    with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:  # noqa: S310 - see above
        return json.load(answer)


def _until(look: Callable[[], T]) -> T:
    """Look until there is something to see.

    Raises:
        DidNotStart: nothing came.
    """
    deadline_s = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline_s:
        if seen := look():
            return seen
        time.sleep(0.02)
    raise DidNotStart(reason=f"no answer within {PATIENCE_S:.0f} s")
