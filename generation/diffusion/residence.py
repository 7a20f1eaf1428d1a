"""Models moving in: device, profile, every model loaded and placed, attention and compile rung chosen. Knows torch.

Knows who loads, places and compiles; does none of it. What raises here raises as it is, `load` being the stage.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from generation.contracts.errors import EngineUnavailable, PaintingCancelled
from generation.diffusion import attention, compiling, fusing, placement
from generation.diffusion.config import OPTIONAL, DiffusionConfig
from generation.diffusion.models import Models, assemble
from generation.diffusion.outlook import settled_profile
from generation.diffusion.sitting import Stopwatch
from generation.diffusion.turbo import fuse
from generation.diffusion.weights.loading import load
from generation.diffusion.weights.store import ModelStore
from generation.gpu import devices
from generation.gpu.devices import Accelerator
from generation.gpu.history import History
from generation.gpu.profiles import Profile, on_kind

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Residence:
    """Loaded models and everything that was decided for them.

    Attributes:
        models: ready to paint.
        dtype: one of `DTYPES`.
        attention: in use, after any falling back.
        watch: which stage runs, and what each takes.
    """

    models: Models
    dtype: str
    attention: str
    watch: Stopwatch = field(default_factory=Stopwatch)

    def __post_init__(self) -> None:
        self.models.stage = self.watch.timed(self.models.stage)

    @property
    def compiled(self) -> str:
        """The rung of the compile ladder in use, after any falling back."""
        return compiling.in_use(self.models)

    def close(self) -> None:
        """Let go of what is compiled, and of the memory its graphs hold."""
        compiling.undo(self.models)


def device_profile(config: DiffusionConfig, accelerator: Accelerator) -> Profile:
    """The profile for a device that torch has found.

    Raises:
        BadSettings: an unknown profile or override.
    """
    return on_kind(settled_profile(config, accelerator.memory_bytes), accelerator.kind)


def move_in(
    config: DiffusionConfig,
    store: ModelStore,
    *,
    accelerator: Accelerator,
    profile: Profile,
    history: History,
    abandoned: Callable[[], bool] = lambda: False,
) -> Residence:
    """Load everything, one model after the other, each where it belongs before the next is read.

    Args:
        config: what the engine is told.
        store: the weights.
        accelerator: where to.
        profile: how.
        history: where figures go.
        abandoned: whether nobody waits for it any more; asked before each model, so a stop takes no longer than one.

    Raises:
        PaintingCancelled: it was abandoned; what was loaded is let go.
        EngineUnavailable: weights are missing, damaged or of the wrong kind.
        torch.OutOfMemoryError: the device is too small, or somebody else fills it.
    """
    began_s = time.perf_counter()
    devices.make_current(accelerator)
    dtype = devices.dtype_for(accelerator, config.dtype)
    place = accelerator.torch_name if profile.placement == "resident" else "cpu"
    loader = _Loader(config, store, history, place, abandoned)
    modules = loader.modules(profile.layout, dtype)
    models = assemble(
        profile.layout,
        modules.__getitem__,
        tokenizers=(modules["tokenizer"], modules["tokenizer_2"]),
        gain=config.union_gain,
        taesd="taesd" in modules,
        text_cache=config.text_cache,
    )
    models.device = torch.device(accelerator.torch_name)
    models.scheduler = loader.scheduler or models.scheduler
    attended = _settled(config, models, profile=profile, history=history)
    seconds = time.perf_counter() - began_s
    _log.info("%s, %s: loaded in %.1f s on %s", profile.name, profile.layout, seconds, accelerator.name)
    return Residence(models, dtype, attended)


def _settled(config: DiffusionConfig, models: Models, *, profile: Profile, history: History) -> str:
    """Place models and speed them up, in the order the parts ask for; returns the attention kernel in use."""
    if profile.fused:
        fusing.fuse(models)
    attended = attention.choose(models, config.attention, history=history)
    if profile.channels_last:
        fusing.channels_last(models)
    placement.place(models, profile)
    cache = config.compile_cache or config.data_folder / "compiled"
    compiling.apply(models, profile.compile, profile.batch_limit, cache, history=history)
    return attended


@dataclass(slots=True)
class _Loader:
    """Reads models from disk and brings each where it belongs."""

    config: DiffusionConfig
    store: ModelStore
    history: History
    device: str
    abandoned: Callable[[], bool]
    scheduler: Mapping[str, object] = field(default_factory=dict)

    def modules(self, layout: str, dtype: str) -> dict[str, Any]:
        """Every module by name; the base model's parts under their own names."""
        modules: dict[str, Any] = {}
        for role in self.config.roles(layout):
            self._go_on()
            if role == "turbo":
                fuse(modules["unet"], self._lora(), model=self.config.source(role).model)
            elif role in OPTIONAL:
                modules |= self._if_usable(role, dtype)
            else:
                modules |= self._loaded(role, dtype)
        self._go_on()
        return modules

    def _go_on(self) -> None:
        if self.abandoned():
            _log.info("nobody waits for the models any more: they are not loaded")
            raise PaintingCancelled

    def _if_usable(self, role: str, dtype: str) -> Mapping[str, Any]:
        try:
            return self._loaded(role, dtype)
        except EngineUnavailable as error:
            _log.warning("previews come from the linear guess: %s", error)
            self.history.fell_back("previews", wanted=role, used="linear", reason=str(error))
            return {}

    def _loaded(self, role: str, dtype: str) -> Mapping[str, Any]:
        loaded = load(self.store, role, dtype=dtype, device=self.device)
        model = self.config.source(role).model
        self.history.loaded(role, model, seconds=loaded.seconds, size_bytes=loaded.bytes)
        _log.info("%s (%s): %.1f s, %d MiB", role, model, loaded.seconds, loaded.bytes // 2**20)
        self.scheduler = loaded.scheduler or self.scheduler
        return loaded.modules

    def _lora(self) -> Path:
        return next(path for name, path in self.store.files("turbo").items() if name.endswith(".safetensors"))
