"""Everything in this folder needs torch: without it nothing here is collected, and CI's full environment runs it all.

Where `WORDBRUSH_FULL` says that torch is meant to be here, its absence fails the run instead of emptying it.
"""

from __future__ import annotations

import importlib.util
import os

import pytest

HERE = importlib.util.find_spec("torch") is not None
if os.environ.get("WORDBRUSH_FULL") and not HERE:
    raise ModuleNotFoundError("WORDBRUSH_FULL is set, and torch is not installed", name="torch")
collect_ignore_glob = [] if HERE else ["test_*.py"]


@pytest.fixture(scope="session")
def multi():
    """The tiny set with four nets."""
    from generation.diffusion.measuring import tiny

    return tiny.models("multi")


@pytest.fixture(scope="session")
def union():
    """The tiny set with a union."""
    from generation.diffusion.measuring import tiny

    return tiny.models("union")
