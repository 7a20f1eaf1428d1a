"""What the diffusion engine is told: which models, on which device, how it samples. Plain data; knows no torch.

The bot's settings fill it; tests and benches write it by hand. Nothing is checked against the hub or the disk here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from generation.contracts.request import KINDS

ROLES = ("base", "vae", *KINDS, "union", "taesd", "turbo")
"""Every model there can be. `base` is a pipeline repository: UNet, text encoders, tokenizers, its own VAE unused."""
LAYOUTS = ("multi", "union")
OPTIONAL = frozenset({"taesd"})
"""Roles without which pictures are painted just the same; they leave no trace in a finished one."""
DTYPES = ("bf16", "fp16", "fp32")
SAMPLERS = ("dpmpp_2m_karras", "euler")


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where one model comes from.

    Attributes:
        model: a hub id (`owner/name`) or a folder on this machine in diffusers layout.
        revision: branch, tag or commit; the first download resolves it to a commit and keeps that in `models.lock`.
        variant: such as `fp16`; None takes the plain files.
        weights: file name where it is not diffusers' own, such as `sdxl_segmentation_ade20k_controlnet.safetensors`.
    """

    model: str
    revision: str = "main"
    variant: str | None = None
    weights: str | None = None

    @property
    def local(self) -> bool:
        """Whether it is a folder: an absolute path, or one that begins with `.` or `~`."""
        return self.model.startswith(("/", ".", "~"))

    @property
    def folder(self) -> Path:
        """The folder of a local model."""
        return Path(self.model).expanduser()


DEFAULT_SOURCES: Mapping[str, Source] = MappingProxyType(
    {
        "base": Source(model="stabilityai/stable-diffusion-xl-base-1.0", variant="fp16"),
        "vae": Source(model="madebyollin/sdxl-vae-fp16-fix"),
        "canny": Source(model="xinsir/controlnet-canny-sdxl-1.0"),
        "depth": Source(model="xinsir/controlnet-depth-sdxl-1.0"),
        "segmentation": Source(
            model="abovzv/sdxl_segmentation_controlnet_ade20k",
            weights="sdxl_segmentation_ade20k_controlnet.safetensors",
        ),
        "scribble": Source(model="xinsir/controlnet-scribble-sdxl-1.0"),
        "union": Source(model="brad-twinkl/controlnet-union-sdxl-1.0-promax"),
        "taesd": Source(model="madebyollin/taesdxl"),
        "turbo": Source(model="ByteDance/Hyper-SD", weights="Hyper-SDXL-8steps-CFG-lora.safetensors"),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DiffusionConfig:
    """Everything the engine is told. None means: as the device's profile says.

    Attributes:
        sources: by role; roles that are missing here take the default.
        data_folder: where `models.lock` lives.
        cache_folder: the hub cache; None takes the hub library's own (`HF_HOME`).
        local_files_only: nothing touches the network.
        device: `auto`, `cuda`, `cuda:1`, `mps` or `cpu`; the CPU only when asked for by name.
        dtype: one of `DTYPES`; None as device and profile say.
        layout: `multi` or `union`.
        profile: name of a device profile; None by the device's memory.
        overrides: fields of the profile that are set otherwise, by name.
        plan: sampling plan.
        sampler: one of `SAMPLERS`; None takes the plan's.
        attention: `sdpa` or `xformers`.
        compile: `eager`, `regional` or `full`; None as the profile says, `full` only with `preload`.
        compile_cache: where compiled kernels are kept; None under the data folder.
        preview_every: steps between two previews; 0 for none.
        taesd: previews by the tiny autoencoder where its weights are present, else by the linear approximation.
        union_gain: factor on the union's residuals, 1 as trained; 0 switches it off, and it is not run.
        preload: load (and warm) at start instead of with the first picture.
        text_cache: prompts whose embeddings are remembered.
        stall_s: a download that brings nothing for so long is given up.
    """

    sources: Mapping[str, Source] = field(default_factory=dict)
    data_folder: Path = Path("data")
    cache_folder: Path | None = None
    local_files_only: bool = False
    device: str = "auto"
    dtype: str | None = None
    layout: str | None = None
    profile: str | None = None
    overrides: Mapping[str, object] = field(default_factory=dict)
    plan: str = "reference"
    sampler: str | None = None
    attention: str = "sdpa"
    compile: str | None = None
    compile_cache: Path | None = None
    preview_every: int = 5
    taesd: bool = False
    union_gain: float = 1.0
    preload: bool = False
    text_cache: int = 256
    stall_s: float = 60.0

    def source(self, role: str) -> Source:
        """Where `role` comes from."""
        return self.sources.get(role, DEFAULT_SOURCES[role])

    def roles(self, layout: str) -> tuple[str, ...]:
        """The roles this configuration takes with `layout`, in the order they are loaded; see `OPTIONAL`."""
        nets = KINDS if layout == "multi" else ("union",)
        extras = ("taesd",) * self.taesd + ("turbo",) * (self.plan == "turbo")
        return ("base", "vae", *nets, *extras)
