"""Which files were hashed already, and what came out. Knows stat and hashes, neither models nor the hub.

Hashing 17 GB takes a minute; a file whose size and modification time are those of its last hashing is not read again.
The file is this machine's own and may be deleted at any time: then everything is hashed once more.
"""

from __future__ import annotations

import os
from pathlib import Path

from generation.contracts.errors import WordbrushError
from generation.diffusion.weights.checks import sha256_of
from generation.diffusion.weights.durable import read_json, write_json

Receipt = tuple[int, int, str]
"""Size in bytes, modification time in ns, SHA-256."""


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
            stat = file.stat()
        except OSError:
            return None
        size, mtime_ns, sha256 = self._known.get(os.path.realpath(file), (-1, -1, ""))
        return sha256 if (size, mtime_ns) == (stat.st_size, stat.st_mtime_ns) else None

    def sha256(self, file: Path, *, again: bool = False) -> str:
        """The hash of a file, read only when it is not known or `again` is asked for.

        Raises:
            OSError: it cannot be read.
        """
        known = None if again else self.known(file)
        if known is None:
            known = sha256_of(file)
            self.keep(file, known)
        return known

    def keep(self, file: Path, sha256: str) -> None:
        """Remember a hash that was computed while the bytes passed by."""
        stat = file.stat()
        self._known[os.path.realpath(file)] = (stat.st_size, stat.st_mtime_ns, sha256)
        try:
            write_json(self.path, {"hashed": _read(self.path) | self._known})
        except WordbrushError:
            return  # a convenience: without it the next process hashes once more


def _read(path: Path) -> dict[str, Receipt]:
    try:
        hashed = read_json(path)["hashed"]
        return {name: (int(size), int(mtime), str(sha256)) for name, (size, mtime, sha256) in hashed.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}
