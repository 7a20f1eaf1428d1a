"""`models.lock`: which commit and which bytes every model must have. Knows the file, neither the hub nor the cache.

The file is JSON, sorted, meant to be read and kept under version control by operators who want to:

    {"version": 1, "models": {"canny": {"model": "owner/name", "revision": "main", "commit": "<40 hex digits>",
     "files": {"config.json": {"size": 1234, "sha256": "<64 hex digits>"}}}}}

A file whose `sha256` is null has been announced but not arrived.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from filelock import AcquireReturnProxy, FileLock

from generation.contracts.errors import BadSettings
from generation.diffusion.config import Source
from generation.diffusion.weights.durable import read_json, unwritable, write_json
from generation.diffusion.weights.layout import is_inside

VERSION = 1
COMMIT = re.compile(r"[0-9a-f]{40}")
SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class LockedFile:
    """One file: its size in bytes, and its SHA-256 once known."""

    size: int
    sha256: str | None


@dataclass(frozen=True, slots=True)
class LockedModel:
    """What a role is pinned to.

    Attributes:
        model: hub id.
        revision: what was asked for when it was resolved.
        commit: what that was.
        files: by name in the repository.
    """

    model: str
    revision: str
    commit: str
    files: Mapping[str, LockedFile] = field(default_factory=dict)

    def fits(self, source: Source) -> bool:
        """Whether it pins what `source` names: the same model, at the same revision or at its commit."""
        return self.model == source.model and source.revision in {self.revision, self.commit}

    def has_moved(self, source: Source) -> bool:
        """Whether `source` names this model at another revision, which only an explicit update may follow."""
        return self.model == source.model and not self.fits(source)


class Lock:
    """The lock file. Reading is cheap: it is parsed again only when the file changed.

    Args:
        path: where it is or will be.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._seen: tuple[int, int, int] | None = None
        self._models: dict[str, LockedModel] = {}

    def models(self) -> Mapping[str, LockedModel]:
        """Everything pinned, by role.

        Raises:
            BadSettings: the file is there and cannot be read, or is not a lock file of this version.
        """
        try:
            stat = self.path.stat()
            seen = (stat.st_mtime_ns, stat.st_size, stat.st_ino)
            if seen != self._seen:
                self._models, self._seen = _parsed(self.path), seen
        except (FileNotFoundError, NotADirectoryError):  # also between the look and the reading
            return {}
        except OSError as error:
            raise BadSettings(detail=f"{self.path} cannot be read: {error.strerror or type(error).__name__}") from None
        return self._models

    def put(self, role: str, model: LockedModel) -> None:
        """Pin a role, keeping what other processes pinned meanwhile.

        Raises:
            CannotWrite: the folder does not allow it.
            NoRoomForWeights: the disk is full.
        """
        with self._alone():
            models = dict(self.models()) | {role: model}
            write_json(self.path, {"version": VERSION, "models": {r: _written(m) for r, m in models.items()}})
        self._seen = None

    def _alone(self) -> AcquireReturnProxy[FileLock]:
        """Held while one process reads, adds and writes."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            return FileLock(self.path.with_name(f".{self.path.name}.writing")).acquire()
        except OSError as error:
            raise unwritable(self.path, error) from error


def _written(model: LockedModel) -> dict[str, object]:
    files = {name: {"size": file.size, "sha256": file.sha256} for name, file in model.files.items()}
    return {"model": model.model, "revision": model.revision, "commit": model.commit, "files": files}


def _parsed(path: Path) -> dict[str, LockedModel]:
    try:
        data = read_json(path)
        version, models = data["version"], data["models"]
        found = {role: _model(entry) for role, entry in models.items()} if version == VERSION else None
    except (ValueError, KeyError, TypeError, AttributeError):
        detail = f"{path} is not a readable lock file: restore it, or delete it and run `python -m bot models fetch`"
        raise BadSettings(detail=detail) from None
    if found is None:
        told = version if isinstance(version, int) else "that is no number"
        raise BadSettings(detail=f"{path} has a version {told}, made by a newer Wordbrush")
    return found


def _model(entry: Mapping[str, object]) -> LockedModel:
    model, revision, commit, files = (entry[key] for key in ("model", "revision", "commit", "files"))
    if not (isinstance(model, str) and isinstance(revision, str) and isinstance(commit, str)):
        raise TypeError
    if COMMIT.fullmatch(commit) is None or not isinstance(files, dict):
        raise ValueError
    return LockedModel(model, revision, commit, {name: _file(name, file) for name, file in files.items()})


def _file(name: str, file: Mapping[str, object]) -> LockedFile:
    size, sha256 = file["size"], file["sha256"]
    if not isinstance(size, int) or isinstance(size, bool) or size < 0 or not is_inside(name):
        raise TypeError
    if sha256 is not None and (not isinstance(sha256, str) or SHA256.fullmatch(sha256) is None):
        raise ValueError
    return LockedFile(size, sha256)
