"""What a machine may lack: a browser, an OCR program, torch. Skipped on your machine, failed where `CI` is set."""

from __future__ import annotations

import os
import shutil
from importlib.util import find_spec

import pytest

NEEDS = {
    "browser": (lambda: shutil.which("chromium"), "chromium is not installed (see apt.txt)"),
    "ocr": (lambda: shutil.which("tesseract"), "tesseract is not installed (see apt.txt)"),
    "diffusion": (lambda: find_spec("diffusers"), "the diffusion extra is not installed"),
}


def pytest_runtest_setup(item: pytest.Item) -> None:
    for marker, (there, reason) in NEEDS.items():
        if item.get_closest_marker(marker) and not there():
            if os.environ.get("CI"):
                pytest.fail(f"{reason}; in CI that is a failure")
            pytest.skip(reason)
