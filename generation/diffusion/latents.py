"""Latents to pictures, in a precision the autoencoder survives. Knows torch; not how the latents came about."""

from __future__ import annotations

import logging
from contextlib import AbstractContextManager
from typing import Any, Protocol

import torch
from torch import Tensor

from generation.contracts.errors import PaintingFailed
from generation.contracts.picture import Rgb
from generation.gpu.devices import BF16_FROM

_log = logging.getLogger(__name__)


class Decoding(Protocol):
    """What of the loaded models decoding needs: diffusers' `AutoencoderKL`, and the stage it runs in."""

    vae: Any
    device: Any

    def stage(self, name: str, /) -> AbstractContextManager[None]:
        """Bring what a stage needs onto the device."""
        ...


def plan_vae_dtype(dtype: Any, *, force_upcast: bool, bf16: bool) -> Any:
    """The precision the autoencoder runs in, so that it neither overflows nor is cast for each picture.

    SDXL's own autoencoder overflows in fp16 and says so (`force_upcast`); bf16 has the range of fp32 at half its size.
    The autoencoder made for fp16 (`sdxl-vae-fp16-fix`) does not ask for it and stays where it is.

    Args:
        dtype: of the other models.
        force_upcast: the autoencoder's own setting.
        bf16: whether the device computes in bf16.
    """
    if dtype == torch.float16 and force_upcast:
        return torch.bfloat16 if bf16 else torch.float32
    return dtype


def computes_bf16(device: Any) -> bool:
    """Whether a device has bf16 of its own: CUDA from compute capability 8.0, ROCm, Apple's GPUs and the CPU."""
    target = torch.device(device)
    return target.type != "cuda" or bool(torch.cuda.get_device_capability(target) >= BF16_FROM)


def settle_vae(vae: Any, device: Any) -> Any:
    """Move the autoencoder to the precision planned for it, once; further calls find it there. Returns the dtype."""
    forced = bool(getattr(vae.config, "force_upcast", False))
    planned = plan_vae_dtype(vae.dtype, force_upcast=forced, bf16=computes_bf16(device))
    if planned != vae.dtype:
        _log.info("the autoencoder overflows in fp16 and runs in %s", _short(planned))
        _cast(vae, planned)
    return planned


def decode(models: Decoding, latents: Tensor) -> list[Rgb]:
    """Pictures of finished latents.

    Slicing and tiling are set on the autoencoder by whoever loaded it. A decode in fp16 that is not finite is repeated
    in a wider precision, and the autoencoder stays in that.

    Args:
        models: loaded models; only the autoencoder is used.
        latents: shape (pictures, 4, height / 8, width / 8), as the sampler left them.

    Returns:
        One uint8 array of shape (height, width, 3) a picture.

    Raises:
        PaintingFailed: the latents are not finite, or no precision gives finite pixels.
    """
    with models.stage("decode"), torch.no_grad():
        settle_vae(models.vae, models.device)
        samples = _decoded(models.vae, latents)
        if not _finite(samples):
            samples = _decoded_wider(models, latents)
        return list(to_bytes(samples).cpu().numpy())


def to_bytes(samples: Tensor) -> Tensor:
    """Samples of shape (pictures, 3, height, width), -1 to 1, as uint8 of shape (pictures, height, width, 3).

    Rounded as diffusers' image processor does, on the samples' device: a quarter of the bytes of fp32 come down.
    """
    unit = (samples.to(torch.float32) / 2 + 0.5).clamp(0, 1)
    return (unit * 255).round().to(torch.uint8).permute(0, 2, 3, 1).contiguous()


def unscaled(config: Any, latents: Tensor) -> Tensor:
    """The sampler's latents in the autoencoder's own scale, by its `scaling_factor`, mean and deviation."""
    mean, std = getattr(config, "latents_mean", None), getattr(config, "latents_std", None)
    if mean is None or std is None:
        return latents / config.scaling_factor
    shape = (1, len(mean), 1, 1)
    wide, middle = (torch.tensor(values, device=latents.device).view(shape) for values in (std, mean))
    return latents * wide / config.scaling_factor + middle


def _decoded(vae: Any, latents: Tensor) -> Tensor:
    samples: Tensor = vae.decode(unscaled(vae.config, latents.to(torch.float32)).to(vae.dtype), return_dict=False)[0]
    return samples


def _decoded_wider(models: Decoding, latents: Tensor) -> Tensor:
    if models.vae.dtype != torch.float16 or not _finite(latents):
        raise PaintingFailed(reference="latents or pixels are not finite")
    wider = torch.bfloat16 if computes_bf16(models.device) else torch.float32
    _log.warning("the autoencoder overflowed in fp16 and stays in %s from now on", _short(wider))
    _cast(models.vae, wider)
    samples = _decoded(models.vae, latents)
    if not _finite(samples):
        raise PaintingFailed(reference=f"pixels are not finite in {_short(wider)}")
    return samples


def _cast(vae: Any, dtype: Any) -> None:
    """By torch's own `to`: diffusers' warns of modules to be kept in fp32 even where there are none."""
    torch.nn.Module.to(vae, dtype=dtype)


def _finite(values: Tensor) -> bool:
    """Waits for the device, which the copy down would do a moment later anyway."""
    return bool(torch.isfinite(values).all())


def _short(dtype: Any) -> str:
    return str(dtype).removeprefix("torch.")
