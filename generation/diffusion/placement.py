"""Where models are: all on the device, or only those the stage at hand needs. Knows torch; not what a stage computes.

Both give what `Models.stage` takes. An offloaded model's weights never leave host memory: the device gets a copy for
the time it is needed and drops it afterwards, so nothing is ever copied back and the way down costs nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from itertools import chain
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor

from generation.diffusion.models import Models
from generation.gpu.profiles import Profile

Stage = Callable[[str], AbstractContextManager[None]]


def place(models: Models, profile: Profile) -> None:
    """Put models where the profile wants them, and have the autoencoder decode as it says.

    Raises:
        torch.OutOfMemoryError: they do not fit.
    """
    tile(models.vae, profile)
    models.stage = resident(models) if profile.placement == "resident" else offload(models)


def resident(models: Models) -> Stage:
    """Everything onto the device, for good; stages move nothing.

    Raises:
        torch.OutOfMemoryError: it does not fit.
    """
    for module in chain(*_stages(models).values(), _always(models)):
        module.to(models.device)
    return lambda _stage: nullcontext()


def offload(models: Models) -> Stage:
    """Only what a stage needs onto the device when it is entered; the rest waits in host memory, pinned on CUDA.

    What a stage brought in stays until another stage needs the room. When bringing in or the stage itself fails,
    everything leaves the device before the error goes on, so that whoever handles it finds the memory free.
    Weights may change their dtype in between, but not their values in place: fuse adapters and projections before.
    """
    device = torch.device(models.device)
    shelves = {name: tuple(map(_Shelf, modules)) for name, modules in _stages(models).items()}
    for shelf in chain(*shelves.values()):
        shelf.put_back(device)
    for module in _always(models):
        module.to(device)

    @contextmanager
    def stage(name: str) -> Iterator[None]:
        with ExitStack() as on_failure:
            for shelf in chain(*shelves.values()):
                on_failure.callback(shelf.put_back, device)
            for other in chain(*(shelves[key] for key in shelves if key != name)):
                other.put_back(device)
            for shelf in shelves[name]:
                shelf.bring(device)
            yield
            on_failure.pop_all()

    return stage


def tile(vae: Any, profile: Profile) -> None:
    """Have the autoencoder decode picture by picture and in tiles, as the profile says.

    Diffusers takes the tile from the model's `sample_size`, 512 for some autoencoders of SDXL: ordinary pictures would
    be tiled and get seams. Here the profile says what fits in one piece.
    """
    vae.use_slicing, vae.use_tiling = profile.vae_slicing, profile.vae_tiling
    shrink = 2 ** (len(vae.config.block_out_channels) - 1)
    vae.tile_sample_min_size, vae.tile_latent_min_size = profile.vae_tile_px, profile.vae_tile_px // shrink


def _stages(models: Models) -> Mapping[str, tuple[Any, ...]]:
    """Modules by the stage that needs them."""
    denoise = (models.unet, *models.nets.modules.values())
    return MappingProxyType({"text": models.text.encoders, "denoise": denoise, "decode": (models.vae,)})


def _always(models: Models) -> Sequence[Any]:
    """The tiny autoencoder: ten megabytes that previews need in the middle of a stage."""
    return () if models.taesd is None else (models.taesd,)


class _Shelf:
    """A module's weights in host memory, and on the device while it is needed.

    Args:
        module: any `torch.nn.Module`.
    """

    def __init__(self, module: Any) -> None:
        self._holders: tuple[Tensor, ...] = tuple(chain(module.parameters(), module.buffers()))
        self._hosted: list[Tensor | None] = [None] * len(self._holders)
        self._out = True

    def bring(self, device: Any) -> None:
        """Copy onto the device, unless it is there already."""
        if self._out:
            return
        self._out = True  # from the first tensor on there is something to put back
        for holder in self._holders:
            holder.data = _copied(holder.data, device)

    def put_back(self, device: Any) -> None:
        """Let go of the device's copies."""
        if not self._out:
            return
        for n, holder in enumerate(self._holders):
            hosted = self._hosted[n]
            if hosted is None or hosted.dtype != holder.dtype:
                hosted = self._hosted[n] = _hosted(holder.data, device)
            holder.data = hosted
        self._out = False


def _copied(tensor: Tensor, device: Any) -> Tensor:
    """From pinned memory the copy runs beside the CPU, in order with whatever the device is given next."""
    return tensor.to(device, non_blocking=tensor.is_pinned())


def _hosted(tensor: Tensor, device: Any) -> Tensor:
    hosted = tensor.to("cpu")
    return hosted.pin_memory() if device.type == "cuda" and not hosted.is_pinned() else hosted
