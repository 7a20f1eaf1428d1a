"""`doctor`'s recommendations: what `/gpu` recommends, in one English line each with the command that follows from it.

Knows settings, `generation.gpu.advice` and how to ask the engine without loading a model. What only a running bot has
lived through (its queue, a leak, memory that ran out) is for `/gpu` to tell.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, cast

from bot.commands.findings import FINE, NOTE, Finding, State
from generation.contracts.errors import WordbrushError
from generation.gpu.advice import Advice, Situation, advise
from generation.gpu.history import Diagnostics

if TYPE_CHECKING:
    from bot.settings import Settings
    from generation.diffusion.config import DiffusionConfig
    from generation.gpu import Accelerator, Profile

NAME = "advice"
_FETCH = "run `python -m bot models fetch`, or set GENERATION__DOWNLOAD=true"
_VERIFY = "run `python -m bot models verify`, then `python -m bot models fetch`"
_BATCH = "set DIFFUSION__OVERRIDES='{{\"batch_limit\": {limit}}}'"
_FRUGAL = "set DIFFUSION__LAYOUT=union, or a smaller batch_limit in DIFFUSION__OVERRIDES"
_SMI = "run `nvidia-smi`"
_INSTALL = "run `make run EXTRAS=diffusion`"
WORDS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "stands-in": ("the diffusion engine cannot paint: {reason}", "run `python -m bot models verify`"),
        "again": ("the diffusion engine is tried again in {seconds} s", "see the log for the reason"),
        "weights-missing": ("weights are missing ({roles})", _FETCH),
        "weights-damaged": ("weights are damaged ({roles})", _VERIFY),
        "download": (
            "weights are being downloaded: {done} of {total} GiB, {percent}%",
            "run `python -m bot models list`",
        ),
        "no-gpu": ("an NVIDIA card of 12 GB or more lets the diffusion engine paint", f"with one, {_INSTALL}"),
        "idle": ("the card is not used", f"set GENERATION__ENGINE=auto and {_INSTALL}; then {_FETCH}"),
        "small": ("{name} has {size} GiB, too little for the diffusion engine", "use a card of 12 GB or more"),
        "hot": ("the card is hot ({celsius} °C)", f"check its fans and the room; {_SMI} to watch it"),
        "throttled-heat": ("the card slows itself down for heat", f"check its fans and the room; {_SMI} to watch it"),
        "throttled-power": (
            "the card slows itself down for lack of power",
            "check its supply with `nvidia-smi -q -d POWER`",
        ),
        "memory-full": ("the card's memory is nearly full: {used} of {total} GiB", _FRUGAL),
        "memory-others": ("other programs hold {size} GiB of the card's memory", f"{_SMI}: it names them"),
        "out-of-memory": ("memory ran out {count} times", _FRUGAL),
        "eased": ("the profile {profile} was made more frugal after memory ran out", _FRUGAL),
        "beyond": (
            "the settings ask more of the profile {profile} than this card is expected to hold",
            "empty DIFFUSION__PROFILE, DIFFUSION__LAYOUT and DIFFUSION__OVERRIDES",
        ),
        "larger-batch": ("there is room: at most {peak} GiB were needed", _BATCH),
        "attention": ("attention {wanted} does not work here, {used} is used", "set DIFFUSION__ATTENTION={used}"),
        "compile": ("compiling ({wanted}) failed, the engine runs {used}", "set DIFFUSION__COMPILE={used}"),
        "leak": ("memory grew by {size} MiB over {count} batches", "restart the bot, and please report it"),
        "crowded": ("{waiting} pictures are waiting", "set a smaller GENERATION__WIDTH and GENERATION__HEIGHT"),
    }
)
"""Sentence and remedy of each code of `generation.gpu.advice.CODES`."""


def examine(settings: Settings, accelerator: Accelerator | WordbrushError | None) -> Iterator[Finding]:
    """Every recommendation, the most urgent first, or one line that there is none.

    Args:
        settings: valid ones.
        accelerator: what torch found, or why it found nothing; None where it was not asked.
    """
    from generation.gpu import look

    try:
        engine = _engine(settings, accelerator)
    except WordbrushError:
        return  # settings that do not fit the machine: the finding on the profile says so
    found = [finding(advice, engine) for advice in advise(Situation(engine, look()))]
    yield from found or [Finding(NAME, FINE, "nothing to change")]


def finding(advice: Advice, engine: Diagnostics) -> Finding:
    """One recommendation in words."""
    detail, mend = WORDS[advice.code]
    arguments = dict(advice.arguments)
    if advice.code == "stands-in":
        arguments["reason"], own = _told(engine, str(arguments["reason"]))
        return Finding(NAME, NOTE, detail.format(**arguments), own or mend)
    state: State = FINE if advice.code == "no-gpu" else NOTE
    return Finding(NAME, state, detail.format(**arguments), mend.format(**arguments))


def _told(engine: Diagnostics, otherwise: str) -> tuple[str, str]:
    """Why the engine does not paint, and what its error says mends that."""
    told = engine.get("standing_in_reason", otherwise)
    if engine.get("standing_in") == "NoSuitableDevice":
        reason, _, mend = told.partition(": ")
        return reason, mend
    reason, found, mend = told.partition(": run ")
    return reason, f"run {mend}" if found else ""


def _engine(settings: Settings, accelerator: Accelerator | WordbrushError | None) -> Diagnostics:
    """What the engine of these settings says before its first picture; the painter where no other is meant to work."""
    from bot.engines import diffusion_config
    from generation.diffusion.engine import DiffusionEngine
    from generation.diffusion.outlook import absent_packages, card_is_there

    wanted = settings.generation.engine
    if wanted == "painter" or (wanted == "auto" and (not card_is_there() or absent_packages())):
        return Diagnostics(engine="painter")
    engine = DiffusionEngine(diffusion_config(settings))
    report = cast("Diagnostics", engine.diagnostics())
    trouble = accelerator if isinstance(accelerator, WordbrushError) else engine.trouble()
    if trouble is not None:
        reason = str(trouble.details.get("reason", trouble))
        details = cast("Mapping[str, str | int]", trouble.details)
        report |= {
            "engine": "painter",
            "standing_in": type(trouble).__name__,
            "standing_in_details": details,
            "standing_in_reason": reason,
        }
    if accelerator is not None and not isinstance(accelerator, WordbrushError):
        report |= _of_device(settings, accelerator)
    return report


def _of_device(settings: Settings, accelerator: Accelerator) -> Diagnostics:
    from bot.engines import diffusion_config
    from generation.gpu.profiles import beyond

    profile = device_profile(diffusion_config(settings), accelerator)
    crowded = accelerator.kind == "cuda" and beyond(profile, accelerator.memory_bytes)
    return Diagnostics(device_uuid=accelerator.uuid, profile=profile.name, beyond=crowded)


def device_profile(config: DiffusionConfig, accelerator: Accelerator) -> Profile:
    """The profile the engine takes on a device that torch has found.

    Raises:
        BadSettings: an unknown profile or override.
    """
    from generation.diffusion.outlook import settled_profile
    from generation.gpu.profiles import on_kind

    return on_kind(settled_profile(config, accelerator.memory_bytes), accelerator.kind)
