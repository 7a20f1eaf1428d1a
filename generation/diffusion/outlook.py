"""What can be said of the engine before a model is loaded: its profile, its version, what would keep it from working.

Knows the configuration, the weights on disk and NVML. Knows no torch: it is asked on the event loop.
"""

from __future__ import annotations

import hashlib
import json
import re
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cache
from importlib.util import find_spec
from typing import Protocol

from generation.contracts.errors import EngineUnavailable, WeightsMissing, WordbrushError
from generation.diffusion.config import OPTIONAL, DiffusionConfig
from generation.diffusion.plans import plan_named, sampler_for
from generation.gpu.history import WeightsState
from generation.gpu.nvml import MIB, look
from generation.gpu.profiles import PROFILES, Profile, profile_for, profile_named, with_overrides

NAME = "diffusion"
ISSUE = 1
"""Goes up when the loop itself paints other pixels from the same models and settings."""
BELIEVED_S = 1.0
"""How long one look at the weights is believed."""
PACKAGES = ("torch", "diffusers", "transformers", "accelerate", "safetensors", "huggingface_hub")
_CUDA = re.compile(r"cuda(?::(\d+))?")

ON_THE_CPU = Profile(
    name="cpu",
    from_gib=0,
    placement="resident",
    layout="multi",
    batch_limit=1,
    vae_slicing=True,
    vae_tiling=False,
    compile="eager",
    channels_last=False,
    fused=False,
)
"""For the CPU, which paints only when it is asked for by name: nothing that pays off on a GPU alone."""


GUESSED = profile_named("medium_memory")
"""Until torch has looked where NVML tells nothing: an AMD or Apple GPU, or weights fetched for another machine."""


class State(Protocol):
    """What the outlook reads of a model's status on disk."""

    @property
    def role(self) -> str:
        """Which model."""
        ...

    @property
    def state(self) -> str:
        """`complete`, `local`, `missing`, `partial` or `damaged`."""
        ...

    @property
    def commit(self) -> str | None:
        """What `models.lock` holds it to."""
        ...

    @property
    def note(self) -> str:
        """What is wrong, in one line."""
        ...


class Weights(Protocol):
    """What the engine needs of the model store; see `generation.diffusion.weights`."""

    def status(self, roles: Sequence[str]) -> Sequence[State]:
        """How each model stands on disk. Cheap, no network."""
        ...


@dataclass(frozen=True, slots=True)
class View:
    """One look at the disk.

    Attributes:
        version: of the engine, with the models as they are now.
        missing: roles whose models are not complete.
        note: what is wrong with the first of them, where it is not only absent.
        damaged: whether one is there and is not what it should be.
    """

    version: str
    missing: tuple[str, ...]
    note: str = ""
    damaged: bool = False


class Outlook:
    """Answers from the configuration and the disk; each look is believed for a second. Thread-safe.

    Args:
        config: what the engine is told.
        weights: the model store.
        clock: seconds that never go back.

    Raises:
        BadSettings: an unknown plan, or a sampler that its LoRA was not trained for.
    """

    def __init__(self, config: DiffusionConfig, weights: Weights, clock: Callable[[], float] = time.monotonic) -> None:
        self._config, self._weights, self._clock = config, weights, clock
        self._lock = threading.Lock()
        self._seen: dict[str, tuple[float, View]] = {}
        self.plan = plan_named(config.plan)
        self.sampler = sampler_for(self.plan, config.sampler)

    def view(self, layout: str) -> View:
        """How the models of a layout stand on disk."""
        with self._lock:
            at, view = self._seen.get(layout, (float("-inf"), None))
            if view is None or self._clock() - at >= BELIEVED_S:
                view = self._look(layout)
                self._seen[layout] = (self._clock(), view)
            return view

    def trouble(self, layout: str) -> EngineUnavailable | None:
        """What keeps the engine from painting, as far as the disk tells."""
        if absent := absent_packages():
            return not_installed(absent)
        view = self.view(layout)
        if view.note:
            return EngineUnavailable(engine=NAME, reason=view.note)
        return WeightsMissing(models=", ".join(view.missing)) if view.missing else None

    def weights(self, layout: str) -> WeightsState:
        """How far the models of a layout are, for diagnostics."""
        view = self.view(layout)
        state = "damaged" if view.damaged else "missing" if view.missing else "complete"
        return WeightsState(state=state, missing=list(view.missing))

    def _look(self, layout: str) -> View:
        roles = [role for role in self._config.roles(layout) if role not in OPTIONAL]
        try:
            states = {state.role: state for state in self._weights.status(roles)}
        except WordbrushError as error:  # the lock or the cache cannot be read: nothing is known, and it says so
            return View(version=self._version(layout, {}), missing=tuple(roles), note=str(error))
        wrong = [states[role] for role in roles if states[role].state not in {"complete", "local"}]
        return View(
            version=self._version(layout, states),
            missing=tuple(state.role for state in wrong),
            note=next((f"{state.role}: {state.note}" for state in wrong if state.note), ""),
            damaged=any(state.state == "damaged" for state in wrong),
        )

    def _version(self, layout: str, states: dict[str, State]) -> str:
        """`1.` and eight hex digits over everything that changes pixels."""
        config = self._config
        roles = [role for role in config.roles(layout) if role not in OPTIONAL]
        commits = {role: state.commit for role, state in states.items()}
        models = {role: [asdict(config.source(role)), commits.get(role)] for role in roles}
        gain = config.union_gain if layout == "union" else None
        told = json.dumps([asdict(self.plan), self.sampler, layout, gain, models], sort_keys=True)
        return f"{ISSUE}.{hashlib.sha256(told.encode()).hexdigest()[:8]}"


def expected_profile(config: DiffusionConfig) -> Profile:
    """The profile the engine will have, as far as NVML can tell.

    Raises:
        BadSettings: an unknown profile or override.
    """
    return settled_profile(config, None if config.profile or config.device == "cpu" else _memory(config.device))


def settled_profile(config: DiffusionConfig, memory_bytes: int | None) -> Profile:
    """The profile for a device with that much memory (None: not known yet), with everything the operator set.

    A card below the smallest class that was asked for by name gets the most frugal profile. Compiling whole models
    takes minutes: where nobody asked for it, it is done only where the warm-up does it before the first learner comes.

    Raises:
        BadSettings: an unknown profile or override.
    """
    if config.profile:
        profile = ON_THE_CPU if config.profile == ON_THE_CPU.name else profile_named(config.profile)
    elif config.device == "cpu":
        profile = ON_THE_CPU
    else:
        profile = GUESSED if memory_bytes is None else profile_for(memory_bytes) or PROFILES[-1]
    if profile.compile == "full" and not config.preload:
        profile = replace(profile, compile="regional")
    own = {"layout": config.layout, "compile": config.compile}
    profile = with_overrides(profile, {field: value for field, value in own.items() if value})
    profile = with_overrides(profile, config.overrides)
    return replace(profile, compile="eager") if config.device in {"cpu", "mps"} and not config.compile else profile


def absent_packages() -> tuple[str, ...]:
    """Packages of the diffusion extra that are not installed."""
    return tuple(package for package in PACKAGES if not _installed(package))


def not_installed(absent: Sequence[str]) -> EngineUnavailable:
    """The error that names the extra."""
    what = f"{', '.join(absent)} {'is' if len(absent) == 1 else 'are'} not installed"
    mend = "run `make run EXTRAS=diffusion`, or `pip install '.[diffusion]'` in the checkout"
    return EngineUnavailable(engine=NAME, reason=f"{what}: {mend}")


def card_is_there() -> bool:
    """Whether a CUDA device of the 12 GB class is in this machine, as NVML sees it; torch is not asked."""
    return any(device.large_enough for device in look().devices)


def _memory(name: str) -> int | None:
    """Memory of the card NVML expects torch to take, in bytes."""
    sizes = _sizes()
    asked = _CUDA.fullmatch(name)
    if asked is not None and asked[1] is not None:
        return sizes[int(asked[1])] if int(asked[1]) < len(sizes) else None
    return max(sizes, default=None)


@cache
def _installed(package: str) -> bool:
    return find_spec(package) is not None


@cache
def _sizes() -> tuple[int, ...]:
    """Cards do not come and go while a process runs."""
    return tuple(device.memory_mib * MIB for device in look().devices)
