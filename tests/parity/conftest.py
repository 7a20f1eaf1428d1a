"""Everything in this folder needs torch: without it nothing here is collected, and CI's full environment runs it all."""

from __future__ import annotations

import importlib.util

import pytest

collect_ignore_glob = [] if importlib.util.find_spec("torch") else ["test_*.py"]


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
