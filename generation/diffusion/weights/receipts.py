"""Which files were hashed already, and what came out. Knows stat and hashes, neither models nor the hub.

Hashing 17 GB takes a minute; a file whose `stat` is the one of its last hashing is not read again. The change time and
the inode belong to it: a modification time can be set back, they cannot.
The file is this machine's own and may be deleted at any time: then everything is hashed once more.
"""

from __future__ import annotations

import os
from pathlib import Path

from generation.contracts.errors import WordbrushError
from generation.diffusion.weights.checks import sha256_of
from generation.diffusion.weights.durable import read_json, write_json

Facts = tuple[int, int, int, int]
"""Size in bytes, modification time in ns, change time in ns, inode."""
Receipt = tuple[Facts, str]
"""What `stat` told, SHA-256."""


class Receipts:
    """The receipts of one machine, by the real path of the hashed file.

    Args:
        path: the JSON file that keeps them.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._known = _read(path)

    def known(self, file: Path) -> str | None:
        """The hash of a file that has not changed since it was hashed. One stat, no reading."""
        try:
            now = _facts(file)
        except OSError:
            return None
        before, sha256 = self._known.get(os.path.realpath(file), (None, ""))
        return sha256 if now == before else None

    def sha256(self, file: Path, *, again: bool = False) -> str:
        """The hash of a file, read only when it is not known or `again` is asked for.

        Raises:
            OSError: it cannot be read.
        """
        known = None if again else self.known(file)
        if known is None:
            before, known = _facts(file), sha256_of(file)
            self._keep(file, before, known)
        return known

    def keep(self, file: Path, sha256: str) -> None:
        """Remember a hash that was computed while the bytes passed by."""
        self._keep(file, _facts(file), sha256)

    def _keep(self, file: Path, facts: Facts, sha256: str) -> None:
        self._known[os.path.realpath(file)] = (facts, sha256)
        try:
            write_json(self.path, {"hashed": _read(self.path) | self._known})
        except WordbrushError:
            return  # a convenience: without it the next process hashes once more


def _facts(file: Path) -> Facts:
    stat = file.stat()
    return stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino


def _receipt(facts: list[int], sha256: str) -> Receipt:
    size, mtime_ns, ctime_ns, inode = map(int, facts)
    return (size, mtime_ns, ctime_ns, inode), str(sha256)


def _read(path: Path) -> dict[str, Receipt]:
    try:
        hashed = read_json(path)["hashed"]
        return {name: _receipt(*entry) for name, entry in hashed.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}
