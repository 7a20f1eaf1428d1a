"""Which Wordbrush this is."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version


def version_of_wordbrush() -> str:
    """The installed version; `from a checkout` where nothing is installed."""
    try:
        return version("wordbrush")
    except PackageNotFoundError:
        return "from a checkout"
