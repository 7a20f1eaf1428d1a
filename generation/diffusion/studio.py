"""Where pictures are painted: models move in when the first one is wanted and out again; batches are tried here.

Knows the device, the profile in use, the residence and the history. Imports torch only on the engine's thread, inside
its methods; what may be asked from other threads reads plain values.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Generator, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from generation.contracts.errors import EngineUnavailable, WordbrushError
from generation.contracts.events import Done, EngineEvent
from generation.contracts.ports import Job
from generation.diffusion.config import DiffusionConfig
from generation.diffusion.memory_ladder import LOAD, Accident, out_of_memory
from generation.diffusion.outlook import NAME, Outlook, absent_packages, expected_profile, not_installed
from generation.diffusion.weights.store import ModelStore
from generation.gpu import devices
from generation.gpu.history import MIB, History
from generation.gpu.profiles import Profile, beyond, more_frugal, recommended_batch
from generation.tracing import new_reference, traced

if TYPE_CHECKING:
    from generation.diffusion.residence import Residence
    from generation.diffusion.sitting import Manner

_log = logging.getLogger(__name__)


class Studio:
    """Paints batches on models that come and go. Implements `memory_ladder.Sitter`.

    Args:
        config: what the engine is told.
        store: the weights.
        outlook: what is known before anything is loaded.
        history: where figures go.

    Attributes:
        residence: the loaded models; None while there are none.

    Raises:
        BadSettings: an unknown profile or override.
    """

    def __init__(self, config: DiffusionConfig, store: ModelStore, *, outlook: Outlook, history: History) -> None:
        self.residence: Residence | None = None
        self._config, self._store = config, store
        self._outlook, self._history = outlook, history
        self._profile = expected_profile(config)
        self._eased: Profile | None = None
        self._accelerator: devices.Accelerator | None = None
        self._loaded_version = ""
        self._limits: dict[tuple[int, int], int] = {}
        self._began_s = self._unpaid_load_s = 0.0

    # -- asked from anywhere -----------------------------------------------------------------------------------------

    @property
    def profile(self) -> Profile:
        """In use, or expected."""
        return self._eased or self._profile

    @property
    def version(self) -> str:
        """Of the models that are loaded, or would be."""
        return self._loaded_version or self._outlook.view(self.profile.layout).version

    @property
    def compiles(self) -> bool:
        """Whether the loaded models are compiled, so that each batch size costs its first batch some time."""
        return self.residence is not None and self.residence.compiled != "eager"

    def batch_limit(self, width: int, height: int) -> int:
        """Pictures of that size at once, at least 1."""
        limit = recommended_batch(self.profile, width, height)
        return min(limit, self._limits.get((width, height), limit))

    def report(self) -> dict[str, object]:
        """Device, profile and what is in use, for diagnostics."""
        profile, residence, accelerator = self.profile, self.residence, self._accelerator
        why = "eased" if self._eased else "setting" if self._config.profile else "device"
        report: dict[str, object] = {
            "profile": profile.name,
            "profile_why": why,
            "overrides": sorted(self._config.overrides),
            "layout": profile.layout,
            "placement": profile.placement,
            "loaded": residence is not None,
        }
        if accelerator is not None:
            report |= _of_device(accelerator, profile)
        if residence is not None:
            report |= {"dtype": residence.dtype, "attention": residence.attention, "compile": residence.compiled}
        return report

    # -- painting ----------------------------------------------------------------------------------------------------

    def attempt(self, jobs: Sequence[Job], indices: Sequence[int]) -> Generator[EngineEvent, None, Accident | None]:
        """Paint these jobs once, as one batch; loads what is not loaded."""
        self._began_s = time.perf_counter()
        try:
            self._open()
        except EngineUnavailable as error:
            return error.with_traceback(None)
        from generation.diffusion.accidents import FOREIGN, accident

        outcome: Accident | None = None
        try:
            yield from self._sitting(jobs, indices)
        except (WordbrushError, *FOREIGN) as error:
            outcome = accident(error, self._stage)
        if outcome is not None and self.residence is None:
            self.make_room()  # some of the models had been read
        return outcome

    def make_room(self) -> None:
        """Give back what nobody uses any more."""
        if self._accelerator is not None:
            devices.free(self._accelerator)

    def halve(self, job: Job, size: int, stage: str) -> int:
        """Half as many, remembered for pictures of this size until the models leave."""
        half = max(1, size // 2)
        self._limits[(job.request.width, job.request.height)] = half
        self._note(stage, size, "halved")
        return half

    def ease(self, job: Job, size: int, stage: str) -> int | None:
        """Move out, to move in again with the next profile that needs less than what failed."""
        frugal = self._more_frugal(job, size, stage)
        if frugal is None:
            return None
        self.leave()
        self._eased = frugal
        self._note(stage, size, "eased")
        allowed = self.batch_limit(job.request.width, job.request.height)
        return min(allowed, size if stage == LOAD else max(1, size // 2))

    def refuse(self, size: int, stage: str) -> WordbrushError:
        """Nothing helped."""
        self._note(stage, size, "refused")
        return out_of_memory(stage, self._accelerator.name if self._accelerator else self._config.device)

    def leave(self) -> None:
        """Move everything out; the next picture is painted with the device's own profile again."""
        if self.residence is not None:
            self.residence.close()
            _log.info("the models are unloaded")
        self.residence, self._loaded_version, self._unpaid_load_s = None, "", 0.0
        self._eased = None
        self._limits.clear()
        self._history.unloaded()
        self.make_room()

    def peak_bytes(self) -> int | None:
        """The most that was allocated since this was asked last; None where the device does not tell."""
        if self._accelerator is None or self._accelerator.kind != "cuda":
            return None
        peak = devices.memory(self._accelerator).peak
        devices.reset_peak(self._accelerator)
        return peak

    # -- inside ------------------------------------------------------------------------------------------------------

    @property
    def _stage(self) -> str:
        return LOAD if self.residence is None else self.residence.watch.stage

    def _open(self) -> None:
        """Find the device and import what knows torch, before anything can go wrong that needs explaining by torch.

        Raises:
            EngineUnavailable: the extra is not installed, does not import, or there is no device.
        """
        if absent := absent_packages():
            raise not_installed(absent)
        if self._accelerator is None:
            self._accelerator = devices.find(self._config.device)
        try:
            from generation.diffusion import residence
        except (ImportError, OSError, RuntimeError) as error:
            reference = new_reference()
            _log.error("the diffusion extra does not import, %s", traced(error, reference))
            reason = f"the diffusion extra does not import (log reference {reference}): reinstall it"
            raise EngineUnavailable(engine=NAME, reason=reason) from None
        self._profile = residence.device_profile(self._config, self._accelerator)

    def _sitting(self, jobs: Sequence[Job], indices: Sequence[int]) -> Iterator[EngineEvent]:
        from generation.diffusion.sitting import sit

        residence = self._moved_in([jobs[index] for index in indices])
        residence.watch.start()
        self.peak_bytes()
        began_s, done = time.perf_counter(), 0
        for event in sit(residence.models, [jobs[index] for index in indices], self._manner):
            index = indices[event.job]
            done += isinstance(event, Done)
            yield self._timed(event, residence, index) if isinstance(event, Done) else replace(event, job=index)
        if done:
            self._note_batch(jobs[indices[0]], done, time.perf_counter() - began_s)

    @property
    def _manner(self) -> Manner:
        from generation.diffusion.sitting import Manner

        return Manner(plan=self._outlook.plan, sampler=self._outlook.sampler, preview_every=self._config.preview_every)

    def _moved_in(self, jobs: Sequence[Job]) -> Residence:
        """The loaded models; loads them unless every one of the jobs is cancelled meanwhile."""
        if self.residence is None:
            from generation.diffusion.residence import move_in

            assert self._accelerator is not None
            version = self._outlook.view(self.profile.layout).version
            residence = move_in(
                self._config,
                self._store,
                accelerator=self._accelerator,
                profile=self.profile,
                history=self._history,
                abandoned=lambda: all(job.cancelled.is_set() for job in jobs),
            )
            self.residence, self._loaded_version = residence, version
            self._unpaid_load_s = time.perf_counter() - self._began_s  # the first time, importing torch is part of it
        return self.residence

    def _timed(self, done: Done, residence: Residence, index: int) -> Done:
        """With the batch's seconds by stage; loading counts for the first batch after it."""
        load = {LOAD: self._unpaid_load_s} if self._unpaid_load_s else {}
        return replace(done, job=index, seconds={**load, **residence.watch.seconds})

    def _note_batch(self, job: Job, batch: int, seconds: float) -> None:
        self._unpaid_load_s = 0.0
        tells = self._accelerator is not None and self._accelerator.kind != "cpu"
        memory = devices.memory(self._accelerator) if tells and self._accelerator else None
        self._history.painted(
            seconds=seconds,
            size=(job.request.width, job.request.height),
            batch=batch,
            peak_bytes=memory.peak if memory else None,
            allocated_bytes=memory.allocated if memory else None,
        )

    def _note(self, stage: str, batch: int, remedy: str) -> None:
        _log.warning("out of memory in %s with %d at once: %s", stage, batch, remedy)
        self._history.out_of_memory(stage, batch=batch, remedy=remedy)

    def _more_frugal(self, job: Job, size: int, stage: str) -> Profile | None:
        request, now = job.request, self.profile
        frugal = more_frugal(now)
        while frugal is not None and not self._helps(frugal, stage, batch=size, area=(request.width, request.height)):
            frugal = more_frugal(frugal)
        return frugal if frugal is not None and self._may_have(frugal.layout) else None

    def _helps(self, frugal: Profile, stage: str, *, batch: int, area: tuple[int, int]) -> bool:
        """Whether a profile needs less where memory ran out."""
        now = self.profile
        if stage == LOAD:
            return (frugal.placement, frugal.layout) != (now.placement, now.layout)
        smaller = recommended_batch(frugal, *area) < batch
        return smaller or replace(frugal, batch_limit=now.batch_limit, eased=now.eased) != now

    def _may_have(self, layout: str) -> bool:
        """Whether the engine may change to a layout by itself: nobody chose another, and its models are here."""
        chosen = self._config.layout is not None or "layout" in self._config.overrides
        return layout == self.profile.layout or (not chosen and not self._outlook.view(layout).missing)


def _of_device(accelerator: devices.Accelerator, profile: Profile) -> dict[str, object]:
    memory = devices.memory(accelerator)
    known: dict[str, object] = {
        "device": accelerator.name,
        "device_name": accelerator.torch_name,
        "device_uuid": accelerator.uuid,
        "memory_mib": accelerator.memory_bytes // MIB,
        "beyond": accelerator.kind != "cpu" and beyond(profile, accelerator.memory_bytes),
        "allocated_mib": memory.allocated // MIB,
        "reserved_mib": memory.reserved // MIB,
    }
    if accelerator.capability is not None:
        known["capability"] = ".".join(map(str, accelerator.capability))
    return known
