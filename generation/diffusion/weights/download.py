"""One file from the hub into the cache: resumed, hashed on the way, put in place only when it is what was announced.

Knows the cache's layout and the hub; knows no roles. Whatever happens, what lies under its final name is complete.
"""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from filelock import AcquireReturnProxy, FileLock, Timeout

from generation.contracts.errors import DownloadBroken, PaintingCancelled, WeightsDamaged
from generation.contracts.ports import CancelledFlag
from generation.diffusion.weights.checks import CHUNK, git_sha1_of
from generation.diffusion.weights.durable import sync_folder, unwritable
from generation.diffusion.weights.hub import Announced, Body, Hub
from generation.diffusion.weights.places import Cache
from generation.diffusion.weights.progress import Tally
from generation.diffusion.weights.receipts import Receipts

if TYPE_CHECKING:
    from hashlib import _Hash

LOOK_S = 0.2
"""How often somebody who waits for another process's download looks whether he was cancelled."""


@dataclass(frozen=True, slots=True)
class Wish:
    """One file that is wanted.

    Attributes:
        role: for whom.
        model: hub id.
        commit: at which it is pinned.
        file: as the hub announced it.
        pinned: the SHA-256 that `models.lock` demands, where it has one.
    """

    role: str
    model: str
    commit: str
    file: Announced
    pinned: str | None


@dataclass(frozen=True, slots=True)
class Downloader:
    """Brings wishes into a cache.

    Attributes:
        hub: where the bytes come from.
        cache: where they go.
        receipts: remembers the hashes.
        tally: is told of every byte.
        cancelled: looked at between chunks and while waiting.
    """

    hub: Hub
    cache: Cache
    receipts: Receipts
    tally: Tally
    cancelled: CancelledFlag

    def here(self, wish: Wish) -> int:
        """Bytes of the wish that are on disk already."""
        for path in (self.cache.blob(wish.model, wish.file.etag), self.cache.partial(wish.model, wish.file.etag)):
            if path.is_file():
                return min(path.stat().st_size, wish.file.size)
        return 0

    def bring(self, wish: Wish) -> str:
        """Have the file in the cache, under its commit; give its SHA-256.

        Raises:
            EngineUnavailable: the hub's errors, `WeightsDamaged` (the bytes are removed), `NoRoomForWeights`.
            CannotWrite: the cache folder does not allow it.
            PaintingCancelled: the flag was set; what has arrived is kept.
        """
        blob = self.cache.blob(wish.model, wish.file.etag)
        try:
            _make_folder(blob.parent)
            with self._alone(wish):
                if not self._is_here(wish, blob):
                    self._download(wish, blob)
                self._point(wish, blob)
        except OSError as error:
            raise unwritable(blob, error, wish.file.size - self.here(wish)) from error
        return self.receipts.sha256(blob)

    def _alone(self, wish: Wish) -> AcquireReturnProxy[FileLock]:
        """Wait until no other process fetches the same bytes."""
        path = self.cache.lock(wish.model, wish.file.etag)
        _make_folder(path.parent)
        lock = FileLock(path)
        while True:
            self._stop_if_cancelled()
            with suppress(Timeout):
                return lock.acquire(timeout=LOOK_S)

    def _is_here(self, wish: Wish, blob: Path) -> bool:
        """Another run, tool or role may have brought the bytes; damaged ones are thrown away."""
        if not blob.is_file():
            return False
        if blob.stat().st_size == wish.file.size and _is_as_wished(wish, blob, self.receipts.sha256(blob)):
            return True
        blob.unlink()
        return False

    def _download(self, wish: Wish, blob: Path) -> None:
        partial = self.cache.partial(wish.model, wish.file.etag)
        with partial.open("ab+") as file:
            digest = self._receive(wish, file)
            file.flush()
            os.fsync(file.fileno())
        if partial.stat().st_size < wish.file.size:
            raise DownloadBroken(model=wish.model, file=wish.file.name)
        if not _is_as_wished(wish, partial, digest):
            partial.unlink()
            raise WeightsDamaged(model=wish.model, file=wish.file.name)
        partial.replace(blob)
        sync_folder(blob.parent)
        self.receipts.keep(blob, digest)

    def _receive(self, wish: Wish, file: BinaryIO) -> str:
        """Append what is missing; give the SHA-256 of the whole."""
        digest, size = _digest_so_far(file, wish.file.size)
        self.tally.here_already(size)
        if size == wish.file.size:
            return digest.hexdigest()
        with self.hub.open(wish.model, wish.commit, wish.file, start=size) as body:
            if body.start != size:
                digest, size = _from_nothing(file)
                self.tally.here_already(size)
            self._append(wish, body, file, digest)
        return digest.hexdigest()

    def _append(self, wish: Wish, body: Body, file: BinaryIO, digest: _Hash) -> None:
        left = wish.file.size - body.start
        for chunk in body.chunks:
            self._stop_if_cancelled()
            if len(chunk) > left:
                _from_nothing(file)
                raise WeightsDamaged(model=wish.model, file=wish.file.name)
            file.write(chunk)
            digest.update(chunk)
            left -= len(chunk)
            self.tally.arrived(len(chunk))

    def _point(self, wish: Wish, blob: Path) -> None:
        """Put the blob under its name in the commit's folder, as the hub library does."""
        pointer = self.cache.pointer(wish.model, wish.commit, wish.file.name)
        _make_folder(pointer.parent)
        if pointer.exists() and pointer.samefile(blob):
            return
        pointer.unlink(missing_ok=True)
        pointer.symlink_to(os.path.relpath(blob, pointer.parent))

    def _stop_if_cancelled(self) -> None:
        if self.cancelled.is_set():
            raise PaintingCancelled


def _make_folder(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)


def _is_as_wished(wish: Wish, path: Path, sha256: str) -> bool:
    """Whether bytes with this hash are the ones announced, and the ones pinned."""
    if wish.pinned is not None and sha256 != wish.pinned:
        return False
    if wish.file.sha256 is not None and sha256 != wish.file.sha256:
        return False
    return wish.file.git_sha1 is None or git_sha1_of(path) == wish.file.git_sha1


def _digest_so_far(file: BinaryIO, size: int) -> tuple[_Hash, int]:
    """Hash what an earlier run left; more than there can be is worth nothing."""
    file.seek(0, os.SEEK_END)
    if file.tell() > size:
        return _from_nothing(file)
    digest, length = hashlib.sha256(), file.tell()
    file.seek(0)
    for at in range(0, length, CHUNK):
        digest.update(file.read(min(CHUNK, length - at)))
    return digest, length


def _from_nothing(file: BinaryIO) -> tuple[_Hash, int]:
    file.truncate(0)
    file.seek(0)
    return hashlib.sha256(), 0
