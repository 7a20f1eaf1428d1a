"""The models of one configuration on disk: what is there, what is missing, fetching it, and that it is unchanged.

Torch-free. Reading and checking touch no network and need no hub library; `fetch` needs both.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

from generation.contracts.errors import (
    EngineUnavailable,
    FolderIncomplete,
    HubBusy,
    ModelNotFound,
    UnsafeWeights,
    WeightsDamaged,
    WeightsMissing,
    WordbrushError,
)
from generation.contracts.ports import CancelledFlag
from generation.diffusion.config import ROLES, DiffusionConfig, Source
from generation.diffusion.weights.checks import check_class, check_safetensors, check_text
from generation.diffusion.weights.download import Downloader
from generation.diffusion.weights.fetching import PAUSES_S, Patience, Plan, carry_out, check_room, planned, refuse_moved
from generation.diffusion.weights.hub import Hub
from generation.diffusion.weights.layout import chosen, config_of, is_weights
from generation.diffusion.weights.lock import Lock, LockedFile, LockedModel
from generation.diffusion.weights.places import Cache, cache_root, offline
from generation.diffusion.weights.progress import FetchProgress, Tally
from generation.diffusion.weights.receipts import Receipts

State = Literal["complete", "missing", "partial", "damaged", "local"]


@dataclass(frozen=True, slots=True)
class ModelStatus:
    """One role's weights.

    Attributes:
        role: which model.
        model: hub id or folder.
        state: `local` is a complete folder of the operator's own; `damaged` has a file of another size or content.
        bytes: on disk, of the files that are needed.
        total: bytes of all files that are needed; None before the first listing.
        commit: what it is pinned to, None before the first fetch and for folders.
        note: what is wrong, in one line; empty where nothing is.
    """

    role: str
    model: str
    state: State
    bytes: int
    total: int | None = None
    commit: str | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Verified:
    """One file after its bytes were read again; `state` is `fine`, `damaged` or `missing`."""

    role: str
    model: str
    file: str
    state: Literal["fine", "damaged", "missing"]
    bytes: int


class _Never:
    def is_set(self) -> bool:
        return False


class ModelStore:
    """Weights by role.

    Args:
        config: sources, folders, and whether the network may be used.
        pauses_s: waits before trying again what may pass; empty tries once.
    """

    def __init__(self, config: DiffusionConfig, *, pauses_s: Sequence[float] = PAUSES_S) -> None:
        self.config = config
        self.lock = Lock(config.data_folder / "models.lock")
        self.cache = Cache(cache_root(config.cache_folder))
        self._receipts = Receipts(config.data_folder / "models.verified.json")
        self._pauses_s = pauses_s
        self._fetching = threading.Lock()

    def status(self, roles: Sequence[str] = ROLES) -> list[ModelStatus]:
        """What is on disk. A few `stat` calls a role; no network, nothing is hashed."""
        return [self._status(role) for role in roles]

    def files(self, role: str) -> dict[str, Path]:
        """The files of a role by the names they are loaded under, every one of them checked against the lock.

        A file that changed since it was last hashed is hashed now, which takes a few seconds for each gigabyte.

        Raises:
            WeightsMissing: not all of them are here.
            WeightsDamaged: one is not what the lock says.
            ModelNotFound, UnsafeWeights, WrongArchitecture: an own folder that cannot be used.
            EngineUnavailable: the lock pins another revision than the settings name.
        """
        source = self.config.source(role)
        if source.local:
            return self._own(role, source)
        pinned = self._pinned(role, source)
        return {alias: self._checked(name, pinned) for alias, name in self._choice(role, source, pinned).items()}

    def fetch(
        self,
        roles: Sequence[str],
        *,
        on_progress: Callable[[FetchProgress], None] = lambda _progress: None,
        cancelled: CancelledFlag | None = None,
        update: bool = False,
    ) -> None:
        """Bring what is missing; blocks. Interrupted at any point, the next call goes on where this one stopped.

        Args:
            roles: which models; own folders are only looked at.
            on_progress: hears of arriving bytes, on this thread.
            cancelled: looked at between chunks.
            update: follow the settings' revisions to where they point today, and pin that.

        Raises:
            EngineUnavailable: one of its family, one clear line each; what has arrived is kept unless it is damaged.
            CannotWrite: the cache or data folder does not allow it.
            PaintingCancelled: the flag was set.
        """
        with self._fetching:
            self._fetch(roles, Tally(on_progress), cancelled or _Never(), update=update)

    def verify(self, roles: Sequence[str]) -> list[Verified]:
        """Read every byte again and compare it with the lock. No network; about a minute for all of SDXL.

        A role that was never fetched is one missing file called `*`; files of own folders are looked into.

        Raises:
            EngineUnavailable: an own folder that cannot be used, or a lock that pins another revision.
        """
        return [result for role in roles for result in self._verify(role)]

    def _fetch(self, roles: Sequence[str], tally: Tally, cancelled: CancelledFlag, *, update: bool) -> None:
        for role in roles:
            self._refuse_unusable(role, update=update)
        wanted = [r for r in roles if not self.config.source(r).local and (update or not self._is_whole(r))]
        if not wanted:
            return
        self._refuse_offline(wanted)
        hub = Hub(stall_s=self.config.stall_s)
        downloader = Downloader(hub, self.cache, self._receipts, tally, cancelled)
        patience = Patience(self._pauses_s, cancelled)
        plans = [self._plan(role, hub, patience, update=update) for role in wanted]
        check_room(plans, downloader)
        wishes = [wish for plan in plans for wish in plan.wishes]
        tally.expect(sum(wish.file.size for wish in wishes), len(wishes))
        for plan in plans:
            carry_out(plan, downloader, self.lock, patience)

    def _plan(self, role: str, hub: Hub, patience: Patience, *, update: bool) -> Plan:
        plan = partial(planned, role, self.config.source(role), hub, self.lock, update=update)
        return patience(plan, (HubBusy,), lambda: 0)

    def _refuse_unusable(self, role: str, *, update: bool) -> None:
        source, pinned = self.config.source(role), self.lock.models().get(role)
        if source.local:
            self._own(role, source)
        elif pinned is not None and not update:
            refuse_moved(pinned, source, role)

    def _refuse_offline(self, roles: Sequence[str]) -> None:
        if self.config.local_files_only or offline():
            reason = f"downloads are switched off, and these are not complete on disk: {', '.join(roles)}"
            raise EngineUnavailable(engine="diffusion", reason=reason)

    def _is_whole(self, role: str) -> bool:
        """Complete by size and, where a file changed since it was hashed, by its bytes."""
        try:
            self.files(role)
        except (WeightsMissing, WeightsDamaged):
            return False
        return True

    def _pinned(self, role: str, source: Source) -> LockedModel:
        pinned = self.lock.models().get(role)
        if pinned is None or pinned.model != source.model:
            raise WeightsMissing(models=f"{role}: {source.model}")
        refuse_moved(pinned, source, role)
        return pinned

    def _choice(self, role: str, source: Source, pinned: LockedModel) -> dict[str, str]:
        """The pinned files by the names they are loaded under; another variant than the pinned one is missing."""
        try:
            return chosen(role, source, pinned.files)
        except (ModelNotFound, UnsafeWeights):
            raise WeightsMissing(models=f"{role}: {source.model}") from None

    def _checked(self, name: str, pinned: LockedModel) -> Path:
        path, locked = self.cache.pointer(pinned.model, pinned.commit, name), pinned.files[name]
        if locked.sha256 is None or not path.is_file():
            raise WeightsMissing(models=f"{pinned.model}: {name}")
        if path.stat().st_size != locked.size or self._receipts.sha256(path) != locked.sha256:
            raise WeightsDamaged(model=pinned.model, file=name)
        return path

    def _own(self, role: str, source: Source, *, look_inside: bool = True) -> dict[str, Path]:
        """The files of a folder of the operator's. There is no lock for it: it is theirs to change."""
        folder = source.folder
        if not folder.is_dir():
            raise FolderIncomplete(model=source.model, lack="is not there")
        found = {alias: folder / name for alias, name in chosen(role, source, _names(folder)).items()}
        if look_inside:
            _look_inside(found, role, source.model)
        return found

    def _status(self, role: str) -> ModelStatus:
        source = self.config.source(role)
        if source.local:
            return self._own_status(role, source)
        try:
            pinned = self._pinned(role, source)
            needed = {name: pinned.files[name] for name in self._choice(role, source, pinned).values()}
        except WeightsMissing:
            return ModelStatus(role, source.model, "missing", 0)
        except WordbrushError as error:
            return ModelStatus(role, source.model, "missing", 0, note=str(error))
        return self._hub_status(role, pinned, needed)

    def _hub_status(self, role: str, pinned: LockedModel, needed: dict[str, LockedFile]) -> ModelStatus:
        found = {name: self._look(name, pinned) for name in needed}
        total, here = sum(file.size for file in needed.values()), sum(size for size, _state in found.values())
        note, states = "", {state for _size, state in found.values()}
        state: State = "complete" if states == {"complete"} else "partial" if here else "missing"
        if "damaged" in states:
            state = "damaged"
            note = f"{next(name for name in found if found[name][1] == 'damaged')} is not what models.lock says"
        return ModelStatus(role, pinned.model, state, here, total, pinned.commit, note)

    def _look(self, name: str, pinned: LockedModel) -> tuple[int, State]:
        """Size on disk and state of one file, by `stat` and by what was hashed before."""
        path, locked = self.cache.pointer(pinned.model, pinned.commit, name), pinned.files[name]
        try:
            size = path.stat().st_size
        except OSError:
            return self._so_far(pinned.model, locked), "missing"
        known = self._receipts.known(path)
        if size != locked.size or (known is not None and locked.sha256 not in {None, known}):
            return size, "damaged"
        return size, "partial" if locked.sha256 is None else "complete"

    def _so_far(self, model: str, locked: LockedFile) -> int:
        """Bytes of a file that is still on its way; small ones are not worth a look."""
        if locked.sha256 is None:
            return 0
        partial = self.cache.partial(model, locked.sha256)
        return partial.stat().st_size if partial.is_file() else 0

    def _own_status(self, role: str, source: Source) -> ModelStatus:
        try:
            sizes = [path.stat().st_size for path in self._own(role, source, look_inside=False).values()]
        except WordbrushError as error:
            return ModelStatus(role, source.model, "missing", 0, note=str(error))
        except (OSError, RuntimeError) as error:  # not readable; a home folder of nobody
            return ModelStatus(role, source.model, "missing", 0, note=f"cannot be read: {error}")
        return ModelStatus(role, source.model, "local", sum(sizes), sum(sizes))

    def _verify(self, role: str) -> list[Verified]:
        source = self.config.source(role)
        if source.local:
            return [
                Verified(role, source.model, n, "fine", p.stat().st_size) for n, p in self._own(role, source).items()
            ]
        try:
            pinned = self._pinned(role, source)
            names = sorted(set(self._choice(role, source, pinned).values()))
        except WeightsMissing:
            return [Verified(role, source.model, "*", "missing", 0)]
        return [self._verify_file(role, name, pinned) for name in names]

    def _verify_file(self, role: str, name: str, pinned: LockedModel) -> Verified:
        path, locked = self.cache.pointer(pinned.model, pinned.commit, name), pinned.files[name]
        try:
            sha256 = self._receipts.sha256(path, again=True)
        except OSError:
            return Verified(role, pinned.model, name, "missing", 0)
        same = sha256 == locked.sha256
        return Verified(role, pinned.model, name, "fine" if same else "damaged", path.stat().st_size)


def _look_inside(files: dict[str, Path], role: str, model: str) -> None:
    config = config_of(role)
    if config:
        check_class(files[config], role, model=model)
    for alias, path in files.items():
        check_text(path, model=model, name=alias)
        if is_weights(path.name):
            check_safetensors(path, model=model, name=path.name)


def _names(folder: Path) -> set[str]:
    """The files of a folder two levels deep, which is all a diffusers layout has."""
    found = [*folder.glob("*"), *folder.glob("*/*")]
    return {path.relative_to(folder).as_posix() for path in found if path.is_file()}
