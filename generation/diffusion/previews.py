"""A first look at unfinished latents: a linear guess, or the tiny autoencoder. Knows torch; no loop, no chat."""

from __future__ import annotations

from typing import Any, Protocol

import torch
from torch import Tensor

from generation.contracts.picture import Rgb
from generation.diffusion.latents import to_bytes, unscaled

_FACTORS = ((60.0, 60.0, 60.0), (-60.0, -5.0, 10.0), (25.0, 15.0, -5.0), (-70.0, -50.0, -35.0))
_BIAS = (150.0, 140.0, 130.0)
"""Red, green and blue (0 to 255) of each of SDXL's four latent channels, and of none of them.

From "Explaining the SDXL latent space" by Timothy Alexis Vass, as diffusers' page on pipeline callbacks gives them.
"""


class Previewing(Protocol):
    """What of the loaded models previews need: diffusers' `AutoencoderTiny`, or None."""

    taesd: Any


def preview(models: Previewing, latents: Tensor) -> list[Rgb]:
    """The best look there is: the tiny autoencoder's where it is loaded, else the linear guess."""
    return approximate(latents) if models.taesd is None else tiny_decode(models, latents)


def approximate(latents: Tensor) -> list[Rgb]:
    """Colours guessed from latents by one small matrix, an eighth of the picture's size.

    Args:
        latents: the sampler's estimate of the finished latents, shape (pictures, 4, height / 8, width / 8).

    Returns:
        One uint8 array of shape (height / 8, width / 8, 3) a picture.
    """
    with torch.no_grad():
        factors = torch.tensor(_FACTORS, device=latents.device)
        bias = torch.tensor(_BIAS, device=latents.device)
        colours = latents.to(torch.float32).movedim(1, -1) @ factors + bias
        return list(_bytes(colours).cpu().numpy())


def tiny_decode(models: Previewing, latents: Tensor) -> list[Rgb]:
    """Pictures of full size by the tiny autoencoder, about a twentieth of the real one's work.

    Args:
        models: with a `taesd`.
        latents: as for `approximate`.

    Returns:
        One uint8 array of shape (height, width, 3) a picture.
    """
    taesd = models.taesd
    with torch.no_grad():
        scaled = unscaled(taesd.config, latents.to(torch.float32)).to(taesd.device, taesd.dtype)
        samples = taesd.decode(scaled, return_dict=False)[0]
        return list(to_bytes(torch.nan_to_num(samples)).cpu().numpy())


def _bytes(colours: Tensor) -> Tensor:
    return torch.nan_to_num(colours).clamp(0, 255).round().to(torch.uint8)
