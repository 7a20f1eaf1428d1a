"""The process told to stop while a thread of the engine cannot come back: it leaves, with the ordinary exit code."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
GRACE_S = 2
SECRET = "hf_secretOfTheModelHub0123456789"
SCRIPT = """
import asyncio, logging, os, sys, threading, time
import bot.app
from bot.engines import Easel
from bot.settings import load_settings
from generation.painter import Painter

class Reading(Painter):
    loaded = False

    def warm(self):
        logging.getLogger("reading").info("models are read with %s", os.environ["HF_TOKEN"])
        threading.Event().wait(60)

bot.app.easel = lambda settings, pipeline: Easel(Reading())
sys.exit(asyncio.run(bot.app.run_bot(load_settings())))
"""


@pytest.fixture
def bot(tmp_path):
    """A bot with its own playground whose engine has begun to read its models, and its output up to there."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("BOT_", "PLAYGROUND", "ADMINS"))}
    more = {"PYTHONPATH": str(ROOT), "GRACE_S": str(GRACE_S), "HF_TOKEN": SECRET, "PLAYGROUND__PORT": "0"}
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT],
        cwd=tmp_path,
        env=kept | more,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    with process:
        watchdog = threading.Timer(60, process.kill)
        watchdog.start()
        yield process
        watchdog.cancel()
        process.kill()


def read_until(process, words: str) -> str:
    lines = []
    for line in process.stdout:
        lines.append(line)
        if words in line:
            break
    return "".join(lines)


def test_a_stop_while_models_are_read_is_an_ordinary_end_in_time(bot):
    said = read_until(bot, "models are read")
    began_s = time.monotonic()
    bot.send_signal(signal.SIGTERM)
    said += read_until(bot, "never said")
    assert bot.wait(30) == 0, said
    assert time.monotonic() - began_s < GRACE_S + 10, "the sixty seconds of the thread are not waited for"
    assert "stopped" in said
    assert "Traceback" not in said
    assert "models are read with <token>" in said
    assert SECRET not in said
