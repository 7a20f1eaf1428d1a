"""Picture files named by the hash of their bytes. Blocking; run it on a thread.

Knows files and hashes. Knows no rows: which files are needed is told to it.

A file appears under its name only when all its bytes are on disk: written under a temporary name, fsynced, renamed,
and then the folder is fsynced, since without that the name itself may be lost with the power.
"""

from __future__ import annotations

import errno
import hashlib
import logging
import os
import stat
from collections.abc import Container, Iterator
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

from generation.contracts.errors import FileDamaged

_SUFFIX = ".png"
_INCOMING = "incoming"
ODD = "odd"
"""Beside the pictures' folder: what stood where a picture belongs and is no file. Kept for the operator to look at."""
_PASSING = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EINTR, errno.EAGAIN})
"""Errors that say nothing about the file."""

_log = logging.getLogger(__name__)


class PictureFiles:
    """Content-addressed files below a folder: `ab/cd/abcd....png`.

    Args:
        folder: made when missing.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._incoming = folder / _INCOMING
        self._seen: dict[str, tuple[int, int, int]] = {}
        self._sizes: dict[str, int] = {}
        self._incoming.mkdir(parents=True, exist_ok=True)

    @property
    def used_bytes(self) -> int:
        """Size of all files together."""
        return sum(self._sizes.values())

    def path(self, sha256: str) -> Path:
        """Where the bytes with this hash are, or would be."""
        return self._folder / sha256[:2] / sha256[2:4] / f"{sha256}{_SUFFIX}"

    def keep(self, data: bytes) -> str:
        """Make sure the bytes are on disk, undamaged.

        Returns:
            Their hash.

        Raises:
            OSError: the disk is full, for example; no half file is left under the final name.
        """
        sha256 = hashlib.sha256(data).hexdigest()
        if not self.is_sound(sha256, len(data)):
            target = self.path(sha256)
            self._make_way(target)
            _make_folders(target.parent, self._folder)
            self._write(data, target)
            self._remember(sha256)
        self._sizes[sha256] = len(data)
        return sha256

    def read(self, sha256: str) -> bytes:
        """The bytes, checked.

        Raises:
            FileDamaged: the file is missing, cannot be read, is none, or has other bytes.
            OSError: the process is out of memory or descriptors; the file may be sound.
        """
        if self._stamp(sha256) is None:
            raise FileDamaged(sha256=sha256)
        try:
            data = self.path(sha256).read_bytes()
        except OSError as error:
            if error.errno in _PASSING:
                raise
            raise FileDamaged(sha256=sha256) from error
        if hashlib.sha256(data).hexdigest() != sha256:
            raise FileDamaged(sha256=sha256)
        return data

    def is_sound(self, sha256: str, size: int) -> bool:
        """Whether the file is there with the right bytes; hashed once, then again only when its times changed."""
        found = self._stamp(sha256)
        if found is None or found[0] != size:
            return False
        if self._seen.get(sha256) == found:
            return True
        with suppress(FileDamaged):
            self.read(sha256)
            self._seen[sha256] = found
            return True
        return False

    def delete(self, sha256: str) -> None:
        """Delete the file, if there is one; what is no file is moved aside."""
        self._seen.pop(sha256, None)
        self._sizes.pop(sha256, None)
        self._make_way(self.path(sha256))
        self.path(sha256).unlink(missing_ok=True)

    def sweep(self, needed: Container[str]) -> int:
        """Delete temporary files and files nobody needs; only before anything else uses the folder.

        Returns:
            How many were deleted.
        """
        deleted = 0
        for path in list(self._files()):
            if path == self.path(path.stem) and path.stem in needed:
                self._sizes[path.stem] = path.stat().st_size
            else:
                path.unlink(missing_ok=True)
                deleted += 1
        return deleted

    def _make_way(self, target: Path) -> None:
        """Move aside what stands in the way of a picture: a folder under its name, a file where a folder belongs."""
        folders = [folder for folder in target.parents if self._folder in folder.parents]
        odd = [folder for folder in folders if _stands(folder) and not folder.is_dir()]
        if not odd and _stands(target) and not target.is_file():
            odd = [target]
        for path in odd:
            aside = self._folder.parent / ODD / f"{path.name}-{uuid4().hex}"
            aside.parent.mkdir(exist_ok=True)
            path.rename(aside)
            _log.warning("%s stood where a picture belongs; it is %s now", path, aside)

    def _files(self) -> Iterator[Path]:
        for folder, _, names in os.walk(self._folder):
            yield from (Path(folder, name) for name in names)

    def _write(self, data: bytes, target: Path) -> None:
        temporary = self._incoming / uuid4().hex
        try:
            write_through(temporary, data)
            temporary.replace(target)
            sync_folder(target.parent)
        finally:
            temporary.unlink(missing_ok=True)

    def _remember(self, sha256: str) -> None:
        found = self._stamp(sha256)
        if found is not None:
            self._seen[sha256] = found

    def _stamp(self, sha256: str) -> tuple[int, int, int] | None:
        """Size, modification time and change time; None when there is no file to read."""
        try:
            found = self.path(sha256).stat()
        except OSError as error:
            if error.errno in _PASSING:
                raise
            return None
        if not stat.S_ISREG(found.st_mode):
            return None
        return found.st_size, found.st_mtime_ns, found.st_ctime_ns


def _stands(path: Path) -> bool:
    """Whether anything has this name, a link to nowhere included."""
    return path.exists() or path.is_symlink()


def write_through(path: Path, data: bytes) -> None:
    """Write a new file and wait until the device has it."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(descriptor, rest) :]
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_folder(folder: Path) -> None:
    """Wait until the device has the folder's names. Does nothing where folders cannot be opened (Windows)."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _make_folders(folder: Path, root: Path) -> None:
    """Make `folder` below `root`, each new name fsynced into its parent."""
    missing = []
    while folder != root and not folder.exists():
        missing.append(folder)
        folder = folder.parent
    for new in reversed(missing):
        new.mkdir(exist_ok=True)
        sync_folder(new.parent)
