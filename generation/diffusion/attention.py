"""Which attention kernel works: torch's own, or xformers where it is asked for and runs. Knows torch and xformers.

Diffusers' `set_attention_backend` passes SDXL's models by, and `enable_xformers_memory_efficient_attention` tries
xformers on another device and in another number format than the models have. So xformers is tried here as it would be
used, and gets a processor of its own, which reads fused projections, too.
"""

from __future__ import annotations

import logging
from typing import Any

import torch
from diffusers.models.attention_processor import AttnProcessor2_0, FusedAttnProcessor2_0
from torch import Tensor

from generation.contracts.errors import BadSettings
from generation.diffusion.fusing import attentions
from generation.diffusion.models import Models
from generation.gpu.history import History

KERNELS = ("sdpa", "xformers")
_log = logging.getLogger(__name__)


def choose(models: Models, name: str, *, history: History | None = None) -> str:
    """Have the UNet and the nets use a kernel; returns the one they really use.

    Args:
        models: loaded; their projections may be fused already.
        name: one of `KERNELS`. xformers that is missing or does not run falls back to `sdpa`, with one line in the log.
        history: where falling back is noted.

    Raises:
        BadSettings: not one of `KERNELS`.
    """
    if name not in KERNELS:
        raise BadSettings(detail=f"attention is one of {', '.join(KERNELS)}, not {name}")
    reason = _why_not_xformers(models.device, models.dtype) if name == "xformers" else None
    used = name if reason is None else "sdpa"
    for attention in attentions(models):
        attention.set_processor(_processor(used, fused=attention.fused_projections))
    if reason is not None:
        _log.warning("xformers does not work here (%s): attention is torch's own", reason)
        if history is not None:
            history.fell_back("attention", wanted=name, used=used, reason=reason)
    return used


def _processor(kernel: str, *, fused: bool) -> Any:
    if kernel == "xformers":
        return XformersProcessor()
    return FusedAttnProcessor2_0() if fused else AttnProcessor2_0()


class XformersProcessor:
    """Attention by xformers for diffusers' `Attention`, as far as SDXL needs it: no mask, three dimensions."""

    def __call__(
        self,
        attn: Any,
        hidden_states: Tensor,
        encoder_hidden_states: Tensor | None = None,
        attention_mask: Tensor | None = None,
    ) -> Tensor:
        """Attend.

        Args:
            attn: diffusers' module with the projections.
            hidden_states: shape (rows, tokens, width).
            encoder_hidden_states: text, shape (rows, text tokens, text width); None attends to itself.
            attention_mask: SDXL has none.

        Returns:
            Shape (rows, tokens, width).
        """
        assert attention_mask is None
        query, key, value = _projected(attn, hidden_states, encoder_hidden_states)
        heads = [part.unflatten(-1, (attn.heads, -1)) for part in (query, key, value)]
        attended = memory_efficient(*heads, scale=attn.scale).flatten(-2).to(query.dtype)
        projected: Tensor = attn.to_out[1](attn.to_out[0](attended))
        return projected / attn.rescale_output_factor


def memory_efficient(query: Tensor, key: Tensor, value: Tensor, *, scale: float) -> Tensor:
    """Attention by xformers over (rows, tokens, heads, width of a head)."""
    from xformers.ops import memory_efficient_attention

    attended: Tensor = memory_efficient_attention(query, key, value, scale=scale)
    return attended


def _projected(attn: Any, hidden: Tensor, text: Tensor | None) -> Any:
    """Query, key and value, fused or single; (rows, tokens, width) each."""
    if not attn.fused_projections:
        source = hidden if text is None else text
        return attn.to_q(hidden), attn.to_k(source), attn.to_v(source)
    if text is None:
        return attn.to_qkv(hidden).chunk(3, dim=-1)
    return (attn.to_q(hidden), *attn.to_kv(text).chunk(2, dim=-1))


def _why_not_xformers(device: Any, dtype: Any) -> str | None:
    """Try it with one small tensor in the form the models will use; None when it works."""
    shout = logging.getLogger("xformers")
    level = shout.level
    shout.setLevel(logging.CRITICAL)  # it prints a page of its own about a library that does not fit
    try:
        tiny = torch.zeros((1, 8, 2, 64), device=device, dtype=dtype)
        memory_efficient(tiny, tiny, tiny, scale=1.0)
    except ImportError as error:
        return "not installed" if error.name == "xformers" else f"it does not import: {type(error).__name__}"
    except (RuntimeError, NotImplementedError, OSError) as error:  # no kernel for this device, or a foreign build
        lines = str(error).strip().splitlines()
        return lines[0].rstrip(" :") if lines else type(error).__name__
    finally:
        shout.setLevel(level)
    return None
