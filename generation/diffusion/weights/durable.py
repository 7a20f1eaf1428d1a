"""Small JSON files that are either the old or the new one after a crash. Knows no models."""

from __future__ import annotations

import errno
import json
import os
import tempfile
from pathlib import Path
from typing import Any

from generation.contracts.errors import CannotWrite, EngineError, NoRoomForWeights, StorageError

NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT})
MIB = 2**20
LARGEST_JSON = 64 * MIB
"""A tokenizer's, the largest there is, has a few MiB."""


def read_json(path: Path) -> Any:
    """The parsed file.

    Raises:
        OSError: it cannot be read.
        ValueError: it is not JSON, or too large or too deep to be meant.
    """
    if path.stat().st_size > LARGEST_JSON:
        message = "larger than any such file is"
        raise ValueError(message)
    return parsed(path.read_bytes())


def parsed(text: bytes) -> Any:
    """Parse JSON.

    Raises:
        ValueError: it is none, or nested so deeply that the parser gives up.
    """
    try:
        return json.loads(text)
    except RecursionError:
        message = "nested too deeply"
        raise ValueError(message) from None


def write_json(path: Path, data: object) -> None:
    """Write sorted, indented JSON to a neighbour, flush it to the disk, and rename it into place.

    Raises:
        NoRoomForWeights: the disk is full.
        CannotWrite: the folder does not allow it.
    """
    text = json.dumps(data, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _replace(path, text)
    except OSError as error:
        raise unwritable(path, error) from error


def _replace(path: Path, text: str) -> None:
    with tempfile.NamedTemporaryFile(
        "w", encoding="utf-8", dir=path.parent, prefix=f".{path.name}.", delete=False
    ) as new:
        try:
            new.write(text)
            new.flush()
            os.fsync(new.fileno())
            os.fchmod(new.fileno(), 0o644)
            Path(new.name).replace(path)
        except BaseException:  # text that cannot be encoded, Ctrl+C: nothing is left lying about
            Path(new.name).unlink(missing_ok=True)
            raise
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make renames in a folder last."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def unwritable(path: Path, error: OSError, needed: int = 1) -> EngineError | StorageError:
    """Which of our errors a failed write is.

    Args:
        path: what could not be written.
        error: as the system gave it.
        needed: bytes still to be written there.
    """
    if error.errno in NO_ROOM:
        return NoRoomForWeights(path=str(path.parent), needed_mib=-(-needed // MIB), free_mib=free(path) // MIB)
    return CannotWrite(path=str(path), reason=error.strerror or type(error).__name__)


def free(path: Path) -> int:
    """Bytes that may still be written at `path`, which need not exist yet."""
    existing = next(p for p in (path, *path.parents) if p.is_dir())
    facts = os.statvfs(existing)
    return facts.f_bavail * facts.f_frsize
