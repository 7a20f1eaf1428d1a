"""`doctor` on the diffusion engine: torch, device, profile, weights, room for them, xformers.

Knows settings, the model store and `generation.gpu`. Imports torch only where it is installed, and only to ask for the
device; nothing is loaded, fetched or written.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Mapping
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from bot.commands import doctor_advice
from bot.commands.findings import BROKEN, FINE, NOTE, Finding, State
from generation.contracts.errors import WordbrushError

if TYPE_CHECKING:
    from bot.settings import Settings
    from generation.diffusion.config import DiffusionConfig
    from generation.diffusion.weights.store import ModelStatus
    from generation.gpu import Accelerator, Profile

INSTALL = "run `make run EXTRAS=diffusion`, or `pip install '.[diffusion]'` in the checkout"
FETCH = "run `python -m bot models fetch`"
ROUGH_MB: Mapping[str, int] = MappingProxyType(
    {
        "base": 7_000,
        "vae": 340,
        "canny": 2_600,
        "depth": 2_600,
        "segmentation": 5_100,
        "scribble": 2_600,
        "union": 2_600,
        "taesd": 10,
        "turbo": 800,
    }
)
"""What the default models take on disk, for a first estimate; the hub's listing replaces it at the first fetch."""
GIB = 2**30
_MB = 10**6


def examine(settings: Settings) -> Iterator[Finding]:
    """Every finding about the diffusion engine; what it lacks is broken only where it was asked for by name."""
    if settings.generation.engine == "painter":
        yield Finding("diffusion", FINE, "not used: GENERATION__ENGINE=painter")
        yield from doctor_advice.examine(settings, None)
        return
    severity = _severity(settings)
    yield _torch(severity)
    if severity == FINE:
        yield Finding("diffusion", FINE, "no NVIDIA card of 12 GB or more here: the painter works on the CPU")
        yield from doctor_advice.examine(settings, None)
        return
    asked = _found(settings) if find_spec("torch") is not None else None
    if asked is not None:
        yield _device(asked, severity)
    accelerator = None if isinstance(asked, WordbrushError) else asked
    yield from _parts(settings, accelerator, severity)
    yield from doctor_advice.examine(settings, asked)


def _parts(settings: Settings, accelerator: Accelerator | None, severity: State) -> Iterator[Finding]:
    """What the engine would work with on that device."""
    yield _plan(settings)
    profile = _profile(settings, accelerator)
    if isinstance(profile, Finding):
        yield profile
        return
    if accelerator or settings.generation.engine == "auto":
        yield _shown(profile, accelerator)
    yield from _weights(settings, profile, severity)
    yield _xformers(settings)


def _severity(settings: Settings) -> State:
    """How bad it is when a part is missing: nothing where the painter is all that can work here anyway."""
    from generation.gpu import look

    if settings.generation.engine == "diffusion":
        return BROKEN
    return NOTE if any(card.large_enough for card in look().devices) else FINE


def _torch(severity: State) -> Finding:
    """Which build is installed, read from its files: importing it would take seconds."""
    spec = find_spec("torch")
    if spec is None or not spec.submodule_search_locations:
        if severity == FINE:
            return Finding("torch", FINE, "not installed; the painter needs none")
        return Finding("torch", severity, "not installed", INSTALL)
    written = Path(spec.submodule_search_locations[0], "version.py")
    text = written.read_text(encoding="utf-8") if written.is_file() else ""
    builds = [f"{name} {found[1]}" for name in ("cuda", "hip") if (found := _assigned(name, text))]
    return Finding("torch", FINE, f"{_version('torch')}, built for {' and '.join(builds) or 'the CPU'}")


def _assigned(name: str, text: str) -> re.Match[str] | None:
    return re.search(rf"^{name}\b[^=]*=\s*['\"]([^'\"]+)['\"]", text, re.MULTILINE)


def _found(settings: Settings) -> Accelerator | WordbrushError:
    """The device torch offers, or why it offers none."""
    from generation.gpu import find

    try:
        return find(settings.diffusion.device)
    except WordbrushError as error:
        return error


def _device(found: Accelerator | WordbrushError, severity: State) -> Finding:
    if isinstance(found, WordbrushError):
        reason, _, mend = str(found.details.get("reason", found)).partition(": ")
        return Finding("device", severity, reason, mend)
    parts = [f"{found.name} ({found.torch_name})", f"{found.memory_bytes / GIB:.1f} GiB", found.runtime]
    if found.capability:
        parts.append(f"compute capability {found.capability[0]}.{found.capability[1]}")
    parts.append(f"{found.multiprocessors} multiprocessors" if found.multiprocessors else "")
    return Finding("device", FINE, ", ".join(filter(None, parts)))


def _plan(settings: Settings) -> Finding:
    """Which sampling plan; an approximate one says so in its summary."""
    from generation.diffusion.plans import plan_named

    try:
        plan = plan_named(settings.diffusion.plan)
    except WordbrushError as error:
        return Finding("plan", BROKEN, str(error), "correct DIFFUSION__PLAN")
    return Finding("plan", FINE, f"{plan.name}: {plan.summary}")


def _profile(settings: Settings, accelerator: Accelerator | None) -> Profile | Finding:
    """As torch's device says; without one, as NVML lets expect."""
    from bot.engines import diffusion_config
    from generation.diffusion.outlook import expected_profile

    try:
        config = diffusion_config(settings)
        return doctor_advice.device_profile(config, accelerator) if accelerator else expected_profile(config)
    except WordbrushError as error:
        return Finding("profile", BROKEN, str(error), "correct DIFFUSION__PROFILE or DIFFUSION__OVERRIDES")


def _shown(profile: Profile, accelerator: Accelerator | None) -> Finding:
    from generation.gpu import PROFILES
    from generation.gpu.profiles import beyond

    detail = (
        f"{profile.name}: {profile.layout}, {profile.placement}, {profile.batch_limit} at once, {profile.compile}; "
        f"there are {', '.join(known.name for known in PROFILES)}"
    )
    if accelerator and accelerator.kind == "cuda" and beyond(profile, accelerator.memory_bytes):
        mend = "empty DIFFUSION__PROFILE, DIFFUSION__LAYOUT and DIFFUSION__OVERRIDES"
        return Finding("profile", NOTE, f"{detail}; more than this card is expected to hold", mend)
    return Finding("profile", FINE, detail)


def _weights(settings: Settings, profile: Profile, severity: State) -> Iterator[Finding]:
    from bot.engines import diffusion_config
    from generation.diffusion.config import OPTIONAL
    from generation.diffusion.weights.store import ModelStore

    config = diffusion_config(settings)
    try:
        store = ModelStore(config)
        statuses = store.status(config.roles(profile.layout))
    except WordbrushError as error:
        yield Finding("weights", severity, str(error), "run `python -m bot models verify`")
        return
    detail = ", ".join(f"{status.role} {status.state}" for status in statuses)
    absent = [status for status in statuses if status.state not in {"complete", "local"}]
    if not absent:
        yield Finding("weights", FINE, detail)
        return
    damaged = any(status.state == "damaged" for status in absent)
    mend = "run `python -m bot models verify`, then `python -m bot models fetch`" if damaged else FETCH
    if all(status.role in OPTIONAL for status in absent):
        severity = NOTE
    yield Finding("weights", severity, detail, mend)
    yield _room(config, absent, severity)


def _room(config: DiffusionConfig, absent: list[ModelStatus], severity: State) -> Finding:
    """Whether what is missing fits the disk of the model cache."""
    from generation.diffusion.weights.places import cache_root

    folder = Path(cache_root(config.cache_folder))
    existing = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    free_mb, missing_mb = shutil.disk_usage(existing).free // _MB, sum(map(_missing_mb, absent))
    detail = f"{free_mb} MB free in {folder}, about {missing_mb} MB to be fetched"
    if free_mb >= missing_mb:
        return Finding("weights disk", FINE, detail)
    return Finding("weights disk", severity, detail, "free some space, or set DIFFUSION__CACHE_FOLDER")


def _missing_mb(status: ModelStatus) -> int:
    whole = ROUGH_MB[status.role] if status.total is None else status.total // _MB
    return max(0, whole - status.bytes // _MB)


def _xformers(settings: Settings) -> Finding:
    installed = find_spec("xformers") is not None
    if settings.diffusion.attention != "xformers":
        return Finding("xformers", FINE, f"{'installed' if installed else 'not installed'}; not asked for")
    if installed:
        return Finding("xformers", FINE, f"{_version('xformers')}; it is tried when models are loaded")
    return Finding("xformers", NOTE, "not installed: torch's own attention is used", "set DIFFUSION__ATTENTION=sdpa")


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "of unknown version"
