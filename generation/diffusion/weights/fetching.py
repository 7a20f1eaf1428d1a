"""A whole fetch: what is missing, whether it fits the disk, and then file after file. Knows roles, lock and hub."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

from generation.contracts.errors import (
    DownloadBroken,
    DownloadStalled,
    EngineUnavailable,
    HubBusy,
    HubUnreachable,
    NoRoomForWeights,
    PaintingCancelled,
    WeightsDamaged,
)
from generation.contracts.ports import CancelledFlag
from generation.diffusion.config import Source
from generation.diffusion.weights.answers import SLOWEST
from generation.diffusion.weights.checks import check_class, check_safetensors, check_text
from generation.diffusion.weights.download import Downloader, Wish
from generation.diffusion.weights.durable import MIB, free
from generation.diffusion.weights.hub import Announced, Hub, Listing
from generation.diffusion.weights.layout import chosen, config_of, is_weights
from generation.diffusion.weights.lock import Lock, LockedFile, LockedModel

PAUSES_S = (1.0, 2.0, 5.0, 10.0)
"""How long to wait before trying again what may pass; a try that brought bytes begins the row anew."""
PASSING = (DownloadBroken, DownloadStalled, HubBusy, HubUnreachable)
"""While bytes arrive. A hub that cannot even be asked what it has is given up at once, unless it says it is busy."""
LOOK_S = 0.1
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Plan:
    """What one role lacks.

    Attributes:
        role: for whom.
        pinned: what the lock says of it now.
        wishes: every file it needs, texts first: a wrong configuration is found before gigabytes arrive.
    """

    role: str
    pinned: LockedModel
    wishes: tuple[Wish, ...]


def planned(role: str, source: Source, hub: Hub, lock: Lock, *, update: bool) -> Plan:
    """List what a role needs, at the commit it is pinned to or, the first time and on an update, at its revision's.

    Raises:
        EngineUnavailable: the hub's errors; the lock pins another revision; the hub changed a pinned file.
    """
    pinned = lock.models().get(role)
    if pinned is not None and pinned.model == source.model and not update:
        refuse_moved(pinned, source, role)
        listing = hub.listing(source.model, pinned.commit)
    else:
        pinned, listing = None, hub.listing(source.model, source.revision)
    announced = tuple(_announcements(role, source, hub, listing))
    known = pinned.files if pinned else {}
    files = {file.name: LockedFile(file.size, _pin(known.get(file.name), file, source.model)) for file in announced}
    revision = pinned.revision if pinned else source.revision
    model = LockedModel(source.model, revision, listing.commit, files)
    wishes = [Wish(role, source.model, listing.commit, file, files[file.name].sha256) for file in announced]
    return Plan(role, model, tuple(sorted(wishes, key=lambda wish: (is_weights(wish.file.name), wish.file.name))))


def refuse_moved(pinned: LockedModel, source: Source, role: str) -> None:
    """Stop where settings and lock name two revisions of one model.

    Raises:
        EngineUnavailable: saying how to follow the settings.
    """
    if pinned.has_moved(source):
        reason = (
            f"models.lock pins {source.model} to {pinned.commit[:12]} ({pinned.revision}), the settings ask for "
            f"{source.revision}: run `python -m bot models fetch --update {role}`"
        )
        raise EngineUnavailable(engine="diffusion", reason=reason)


def _announcements(role: str, source: Source, hub: Hub, listing: Listing) -> Iterator[Announced]:
    for name in sorted(set(chosen(role, source, listing.files).values())):
        yield listing.files[name] or hub.announced(source.model, listing.commit, name)


def _pin(known: LockedFile | None, file: Announced, model: str) -> str | None:
    """The hash to demand: the lock's, which the hub must not contradict, else the announced one."""
    if known is None or known.sha256 is None:
        return file.sha256
    if known.size != file.size or file.sha256 not in {None, known.sha256}:
        raise WeightsDamaged(model=model, file=file.name)
    return known.sha256


def check_room(plans: Sequence[Plan], downloader: Downloader) -> None:
    """Look before the first byte whether everything fits.

    Raises:
        NoRoomForWeights: it does not.
    """
    wishes = {wish.file.etag: wish for plan in plans for wish in plan.wishes}.values()
    needed = sum(wish.file.size - downloader.here(wish) for wish in wishes)
    room = free(downloader.cache.root)
    if needed > room:
        path = str(downloader.cache.root)
        raise NoRoomForWeights(path=path, needed_mib=-(-needed // MIB), free_mib=room // MIB)


def carry_out(plan: Plan, downloader: Downloader, lock: Lock, patience: Patience) -> None:
    """Bring a role's files, pinning each in the lock as it arrives.

    Raises:
        EngineUnavailable: the hub's errors, once the pauses are used up.
        PaintingCancelled: the flag was set.
    """
    pinned = plan.pinned
    lock.put(plan.role, pinned)
    for wish in plan.wishes:
        downloader.tally.begin(wish.role, wish.model, wish.file.name)
        sha256 = patience(partial(downloader.bring, wish), PASSING, partial(downloader.here, wish))
        _look_into(wish, downloader)
        if pinned.files[wish.file.name].sha256 != sha256:
            files = dict(pinned.files) | {wish.file.name: LockedFile(wish.file.size, sha256)}
            pinned = replace(pinned, files=files)
            lock.put(plan.role, pinned)
        downloader.tally.finished(wish.file.size)


def _look_into(wish: Wish, downloader: Downloader) -> None:
    """What is refused here leaves the commit's folder, so that nobody takes the model for complete.

    The bytes stay: they are the hub's, and fetching them again would not mend them.
    """
    path = downloader.cache.pointer(wish.model, wish.commit, wish.file.name)
    try:
        check_text(path, model=wish.model, name=wish.file.name)
        if wish.file.name == config_of(wish.role):
            check_class(path, wish.role, model=wish.model)
        if is_weights(wish.file.name):
            check_safetensors(path, model=wish.model, name=wish.file.name)
    except EngineUnavailable:
        path.unlink()
        raise


@dataclass(frozen=True, slots=True)
class Patience:
    """Trying again what may pass.

    Attributes:
        pauses_s: seconds before the second, third, ... try; a try that gained something begins the row anew, unless
            it was slower than `SLOWEST`.
        cancelled: looked at while resting.
    """

    pauses_s: Sequence[float]
    cancelled: CancelledFlag

    def __call__(
        self, act: Callable[[], T], passing: tuple[type[EngineUnavailable], ...], gain: Callable[[], int]
    ) -> T:
        """Do it until it succeeds, the pauses are used up without gain, or the fault is not one that passes.

        Raises:
            EngineUnavailable: what it raised last.
            PaintingCancelled: the flag was set while resting.
        """
        pauses, before = iter(self.pauses_s), gain()
        while True:
            began_s = time.monotonic()
            try:
                return act()
            except passing:
                if (now := gain()) - before > SLOWEST * (time.monotonic() - began_s):
                    pauses, before = iter(self.pauses_s), now
                pause = next(pauses, None)
                if pause is None:
                    raise
                rest(pause, self.cancelled)


def rest(seconds: float, cancelled: CancelledFlag) -> None:
    """Wait, but not longer than anybody wants it.

    Raises:
        PaintingCancelled: the flag was set.
    """
    end_s = time.monotonic() + seconds
    while (left := end_s - time.monotonic()) > 0:
        if cancelled.is_set():
            raise PaintingCancelled
        time.sleep(min(LOOK_S, left))
