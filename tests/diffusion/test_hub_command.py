"""`python -m bot models fetch` as an operator runs it: real processes against a hub on this machine."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.diffusion.loopback_hub import LoopbackHub, net

pytestmark = [pytest.mark.diffusion, pytest.mark.timeout(120)]
ROOT = Path(__file__).resolve().parents[2]
STORED = r"^/maker/net/\w{40}/"


@pytest.fixture
def hub() -> Iterator[LoopbackHub]:
    with LoopbackHub() as hub:
        hub.publish("maker/net", net(2_000_000))
        yield hub


def start(hub: LoopbackHub, folder: Path, *arguments: str) -> subprocess.Popen[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("HF_", "DIFFUSION__"))}
    environment |= {"HF_ENDPOINT": hub.url, "PYTHONPATH": str(ROOT), "HF_HOME": str(folder / "home")}
    environment |= {"DIFFUSION__CANNY": "maker/net"}
    return subprocess.Popen(
        [sys.executable, "-m", "bot", "models", *arguments],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        stdin=subprocess.DEVNULL,
    )


def test_fetch_list_and_verify_in_a_row(hub: LoopbackHub, tmp_path: Path) -> None:
    out, err = (child := start(hub, tmp_path, "fetch", "canny")).communicate()
    assert child.returncode == 0, err
    assert out.startswith("complete canny")
    assert "file 2 of 2" in err.splitlines()[-1]
    assert (tmp_path / "data/models.lock").is_file()
    assert (tmp_path / "home/hub/models--maker--net").is_dir()
    out, err = (child := start(hub, tmp_path, "verify", "canny")).communicate()
    assert (child.returncode, err) == (0, "")
    assert "2 of 2 fine" in out


def test_an_interrupt_is_one_line_and_130_and_the_next_run_goes_on(hub: LoopbackHub, tmp_path: Path) -> None:
    hub.fail(STORED, pace_s=0.5)  # far from its end when the interrupt comes, however busy the machine is
    child = start(hub, tmp_path, "fetch", "canny")
    end_s = time.monotonic() + 60
    while not (hub.stored and hub.stored[0].sent > 200_000):
        assert time.monotonic() < end_s
        time.sleep(0.01)
    child.send_signal(signal.SIGINT)
    _out, err = child.communicate()
    assert child.returncode == 130
    assert "Traceback" not in err
    assert "kept" in err.splitlines()[-1]
    hub.mend()
    hub.forget()
    out, err = (child := start(hub, tmp_path, "fetch", "canny")).communicate()
    assert child.returncode == 0, err
    assert hub.stored[0].headers["Range"].startswith("bytes=")
    assert sum(seen.sent for seen in hub.stored) < 2_000_000
    assert out.startswith("complete canny")


def test_a_fault_is_one_line_and_3(hub: LoopbackHub, tmp_path: Path) -> None:
    hub.fail("/api/", status=403)
    _out, err = (child := start(hub, tmp_path, "fetch", "canny")).communicate()
    assert child.returncode == 3
    assert err.startswith("error: the hub refused maker/net (403)")
    assert err.count("\n") == 1
