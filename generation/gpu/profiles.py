"""What a device's memory allows: one profile a class of cards, as data. Knows no torch and reads no device.

The classes are nominal: a "24 GB" card reports 22 to 24 GiB, so the lines lie below the round numbers, at 11, 22, 37
and 74 GiB of what torch calls `total_memory`. Below the first line the painter works; SDXL with nets does not fit.

Weights in 16 bit: UNet 2.567 billion parameters, text encoders 0.818, autoencoder 0.084, one ControlNet 1.251, the
union 1.257. Together 15.8 GiB with four nets and 8.8 GiB with the union; 7.1 GiB of the latter are needed at once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Literal

from generation.contracts.errors import BadSettings

GIB = 2**30
Placement = Literal["resident", "offload"]
Layout = Literal["multi", "union"]
Compile = Literal["eager", "regional", "full"]
PLACEMENTS = ("resident", "offload")
LAYOUTS = ("multi", "union")
RUNGS = ("eager", "regional", "full")
SMALLEST_GIB = 11.0
"""The 12 GB class. What reports less (10 GB and 11 GB cards, 8 GB cards) is left to the painter."""
LARGEST_BATCH = 8
"""More pictures at once gain nothing on the largest card and keep the first learner waiting."""
SMALL_TILE_PX, WHOLE_TILE_PX = 512, 1024
_SIDE_PX = 1024
_LARGEST_OVERRIDE = 64
_SMALLEST_TILE_PX, _LARGEST_TILE_PX, _TILE_STEP_PX = 256, 2048, 64
_PARAMETERS: Mapping[str, float] = MappingProxyType(
    {"unet": 2.567e9, "text": 0.818e9, "vae": 0.084e9, "net": 1.251e9, "union": 1.257e9}
)
_ROOM_BYTES = 5 * GIB // 4
"""The least beside the weights: the driver's context, workspaces and the activations of one picture."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """How models are held and how many pictures are painted at once.

    Attributes:
        name: of the class; a profile made more frugal keeps it.
        from_gib: least memory of the class.
        placement: `resident` keeps every model on the device; `offload` only those the stage at hand needs.
        layout: `multi` (four ControlNets) or `union` (one for all).
        batch_limit: pictures of 1024x1024 painted at once.
        vae_slicing: decode one picture after the other.
        vae_tiling: decode in tiles what is larger than a tile.
        vae_tile_px: side of a tile; 1024 leaves ordinary pictures whole.
        compile: rung of the compile ladder: `eager`, `regional` or `full`.
        channels_last: memory format of the convolutions.
        fused: query, key and value by one matrix product.
        eased: how often it was made more frugal.
    """

    name: str
    from_gib: float
    placement: Placement
    layout: Layout
    batch_limit: int
    vae_slicing: bool
    vae_tiling: bool
    vae_tile_px: int = WHOLE_TILE_PX
    compile: Compile
    channels_last: bool = True
    fused: bool = True
    eased: int = 0


PROFILES: tuple[Profile, ...] = (
    Profile(
        name="ultra_high_memory",
        from_gib=74,
        placement="resident",
        layout="multi",
        batch_limit=8,
        vae_slicing=False,
        vae_tiling=False,
        compile="full",
    ),
    Profile(
        name="high_memory",
        from_gib=37,
        placement="resident",
        layout="multi",
        batch_limit=4,
        vae_slicing=False,
        vae_tiling=True,
        compile="full",
    ),
    Profile(
        name="medium_memory",
        from_gib=22,
        placement="resident",
        layout="multi",
        batch_limit=2,
        vae_slicing=True,
        vae_tiling=True,
        compile="regional",
    ),
    Profile(
        name="low_memory",
        from_gib=SMALLEST_GIB,
        placement="offload",
        layout="union",
        batch_limit=1,
        vae_slicing=True,
        vae_tiling=True,
        compile="eager",
    ),
)
"""Largest first. 80 GB and more, 40 to 80, 24 to 40, 12 to 24."""


def profile_for(memory_bytes: int) -> Profile | None:
    """The profile of a device with that much memory, or None where the painter has to do."""
    return next((profile for profile in PROFILES if memory_bytes >= profile.from_gib * GIB), None)


def profile_named(name: str) -> Profile:
    """The profile of that name.

    Raises:
        BadSettings: there is none.
    """
    wanted = name.strip().lower().replace("-", "_")
    for profile in PROFILES:
        if profile.name == wanted:
            return profile
    known = ", ".join(profile.name for profile in PROFILES)
    raise BadSettings(detail=f"no device profile {name}: choose one of {known}")


def with_overrides(profile: Profile, overrides: Mapping[str, object]) -> Profile:
    """The profile with single fields set otherwise. Values may be text, as the environment brings them.

    CUDA graphs remember addresses, which offloaded models do not keep: `full` becomes `regional` there.

    Raises:
        BadSettings: a field that does not exist, or a value it cannot have; the message names the field.
    """
    for field, value in overrides.items():
        read = _READERS.get(field)
        if read is None:
            detail = f"device profile: no field {field}: choose among {', '.join(_READERS)}"
            raise BadSettings(detail=detail)
        changed: dict[str, Any] = {field: read(field, value)}
        profile = replace(profile, **changed)
    return _without_graphs(profile) if profile.placement == "offload" else profile


def on_kind(profile: Profile, kind: str) -> Profile:
    """As a device of that kind (torch's name) can run it: for Metal nothing is compiled."""
    return replace(profile, compile="eager") if kind == "mps" else profile


def recommended_batch(profile: Profile, width: int, height: int) -> int:
    """How many pictures of `width` x `height` pixels to paint at once: activations grow with the pixels. At least 1."""
    fitting = profile.batch_limit * _SIDE_PX**2 // (width * height)
    return max(1, min(fitting, max(LARGEST_BATCH, profile.batch_limit)))


def at_once_bytes(profile: Profile, *, bytes_each: int = 2) -> int:
    """What of the weights is on the device in the fullest stage."""
    parts = _weights(profile, bytes_each)
    return sum(parts.values()) if profile.placement == "resident" else max(parts.values())


def beyond(profile: Profile, memory_bytes: int, *, bytes_each: int = 2) -> bool:
    """Whether somebody set the profile to more than a device with that much memory can be expected to hold."""
    natural = profile_for(memory_bytes)
    crowded = at_once_bytes(profile, bytes_each=bytes_each) + _ROOM_BYTES > memory_bytes
    return natural is None or crowded or profile.batch_limit > natural.batch_limit


def more_frugal(profile: Profile) -> Profile | None:
    """The next profile that needs less memory, or None when there is none.

    In this order: half the batch until one picture is left; no CUDA graphs (they hold memory of their own); decoding
    picture by picture in small tiles; models brought in by stage; the union instead of four nets. The last one needs
    other weights than the ones at hand.
    """
    for saving in (_half, _without_graphs, _in_tiles, _offloaded, _united):
        saved = saving(profile)
        if saved != profile:
            return replace(saved, eased=profile.eased + 1)
    return None


def _half(profile: Profile) -> Profile:
    return replace(profile, batch_limit=max(1, profile.batch_limit // 2))


def _without_graphs(profile: Profile) -> Profile:
    return replace(profile, compile="regional") if profile.compile == "full" else profile


def _in_tiles(profile: Profile) -> Profile:
    tile = min(profile.vae_tile_px, SMALL_TILE_PX)
    return replace(profile, vae_slicing=True, vae_tiling=True, vae_tile_px=tile)


def _offloaded(profile: Profile) -> Profile:
    """Moving models between two pictures invalidates what was compiled for them, so it runs eagerly."""
    return replace(profile, placement="offload", compile="eager") if profile.placement == "resident" else profile


def _united(profile: Profile) -> Profile:
    return replace(profile, layout="union")


def _weights(profile: Profile, bytes_each: int) -> dict[str, int]:
    """Bytes by stage."""
    nets = _PARAMETERS["union"] if profile.layout == "union" else 4 * _PARAMETERS["net"]
    stages = {"text": _PARAMETERS["text"], "denoise": _PARAMETERS["unet"] + nets, "decode": _PARAMETERS["vae"]}
    return {stage: int(parameters * bytes_each) for stage, parameters in stages.items()}


def _switch(field: str, value: object) -> bool:
    said = str(value).strip().lower()
    if said in {"true", "1", "yes", "on"}:
        return True
    if said in {"false", "0", "no", "off"}:
        return False
    raise BadSettings(detail=f"device profile: {field} is true or false, not {value}")


def _between(smallest: int, largest: int, step: int = 1) -> Callable[[str, object], int]:
    def read(field: str, value: object) -> int:
        said = str(value).strip()
        number = int(said) if said.isascii() and said.isdigit() else -1
        if isinstance(value, bool) or not smallest <= number <= largest or number % step:
            steps = f" in steps of {step}" if step > 1 else ""
            raise BadSettings(detail=f"device profile: {field} is {smallest} to {largest}{steps}, not {value}")
        return number

    return read


def _one_of(*choices: str) -> Callable[[str, object], str]:
    def read(field: str, value: object) -> str:
        said = str(value).strip().lower()
        if said not in choices:
            raise BadSettings(detail=f"device profile: {field} is one of {', '.join(choices)}, not {value}")
        return said

    return read


_READERS: Mapping[str, Callable[[str, object], str | int | bool]] = MappingProxyType(
    {
        "placement": _one_of(*PLACEMENTS),
        "layout": _one_of(*LAYOUTS),
        "batch_limit": _between(1, _LARGEST_OVERRIDE),
        "vae_slicing": _switch,
        "vae_tiling": _switch,
        "vae_tile_px": _between(_SMALLEST_TILE_PX, _LARGEST_TILE_PX, _TILE_STEP_PX),
        "compile": _one_of(*RUNGS),
        "channels_last": _switch,
        "fused": _switch,
    }
)
