"""Where the hub's cache is and how it is laid out. Paths only; writes nothing.

The layout is the hub library's own (`models--owner--name/blobs`, `snapshots/<commit>`), so that models fetched by other
tools are found and ours are found by them.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

TRUE = frozenset({"1", "ON", "YES", "TRUE"})
DEFAULT_ENDPOINT = "https://huggingface.co"


class Cache:
    """Paths in one hub cache.

    Args:
        root: the folder with the `models--…` folders.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def snapshot(self, model: str, commit: str) -> Path:
        """The folder with a commit's files under their own names."""
        return self._model(model) / "snapshots" / commit

    def pointer(self, model: str, commit: str, name: str) -> Path:
        """One file of a commit; a link to its blob where links are possible."""
        return self.snapshot(model, commit).joinpath(*name.split("/"))

    def blob(self, model: str, etag: str) -> Path:
        """The bytes, named by what the hub calls them."""
        return self._model(model) / "blobs" / etag

    def partial(self, model: str, etag: str) -> Path:
        """The bytes so far. Not the hub library's own name: its leftovers may have holes."""
        return self._model(model) / "blobs" / f"{etag}.wordbrush.incomplete"

    def lock(self, model: str, etag: str) -> Path:
        """The hub library's own lock file, so that two programs do not fetch the same bytes at once."""
        return self.root / ".locks" / self._model(model).name / f"{etag}.lock"

    def _model(self, model: str) -> Path:
        return self.root / f"models--{model.replace('/', '--')}"


def cache_root(configured: Path | None, environment: Mapping[str, str] = os.environ) -> Path:
    """The hub cache: as configured, else where the hub library would put it."""
    if configured is not None:
        return configured.expanduser()
    for name in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"):
        if environment.get(name):
            return Path(environment[name]).expanduser()
    caches = environment.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(environment.get("HF_HOME") or f"{caches}/huggingface").expanduser() / "hub"


def endpoint(environment: Mapping[str, str] = os.environ) -> str:
    """The hub's address, without a slash at its end."""
    return (environment.get("HF_ENDPOINT") or DEFAULT_ENDPOINT).rstrip("/")


def offline(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether the hub library's own switches forbid the network."""
    return any(environment.get(name, "").upper() in TRUE for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"))


def without_login(url: str) -> str:
    """The address as it may be shown: `user:password@` is left out."""
    scheme, mark, rest = url.partition("://") if "://" in url else ("", "", url)
    host, slash, path = rest.partition("/")
    return f"{scheme}{mark}{host.rpartition('@')[2]}{slash}{path}"
