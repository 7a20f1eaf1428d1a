"""The full-size set: SDXL's real shapes with random weights, for speed, memory and counted operations. Knows torch.

On `meta` it takes no memory and counts; on a device it is drawn there in its dtype, with no copy on the host: 17 GB for
four nets in bf16, 9.5 GB for the union. Configurations are those of `stabilityai/stable-diffusion-xl-base-1.0`,
`xinsir/controlnet-canny-sdxl-1.0`, the ProMax union and `madebyollin/sdxl-vae-fp16-fix`.
"""

from __future__ import annotations

from typing import Any

import torch

from generation.diffusion.measuring.shapes import Shapes, module, tokenizer
from generation.diffusion.models import Models, assemble

_BLOCKS = {
    "in_channels": 4,
    "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
    "block_out_channels": (320, 640, 1280),
    "layers_per_block": 2,
    "transformer_layers_per_block": (1, 2, 10),
    "attention_head_dim": (5, 10, 20),
    "cross_attention_dim": 2048,
    "use_linear_projection": True,
    "addition_embed_type": "text_time",
    "addition_time_embed_dim": 256,
    "projection_class_embeddings_input_dim": 2816,
}

SHAPES = Shapes(
    unet={
        **_BLOCKS,
        "sample_size": 128,
        "out_channels": 4,
        "up_block_types": ("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
    },
    controlnet={**_BLOCKS, "conditioning_embedding_out_channels": (16, 32, 96, 256)},
    union={
        **_BLOCKS,
        "conditioning_embedding_out_channels": (48, 96, 192, 384),
        "num_control_type": 8,
        "num_trans_channel": 320,
        "num_trans_head": 8,
        "num_trans_layer": 1,
        "num_proj_channel": 320,
    },
    vae={
        "down_block_types": ("DownEncoderBlock2D",) * 4,
        "up_block_types": ("UpDecoderBlock2D",) * 4,
        "block_out_channels": (128, 256, 512, 512),
        "layers_per_block": 2,
        "latent_channels": 4,
        "sample_size": 512,
        "scaling_factor": 0.13025,
        "force_upcast": False,
    },
    taesd={"scaling_factor": 1.0},
    text_encoder={
        "vocab_size": 49408,
        "hidden_size": 768,
        "intermediate_size": 3072,
        "num_hidden_layers": 12,
        "num_attention_heads": 12,
        "hidden_act": "quick_gelu",
        "projection_dim": 768,
    },
    text_encoder_2={
        "vocab_size": 49408,
        "hidden_size": 1280,
        "intermediate_size": 5120,
        "num_hidden_layers": 32,
        "num_attention_heads": 20,
        "hidden_act": "gelu",
        "projection_dim": 1280,
    },
)


def models(
    layout: str, *, dtype: Any = torch.bfloat16, device: Any = "meta", seed: int = 0, taesd: bool = True
) -> Models:
    """A whole set in memory, `layout` one of `LAYOUTS`; its tokenizers know single bytes only.

    Text is remembered on `meta` too: whoever counts the encoders' operations calls `models.text.forget` before.
    """

    def drawn(role: str) -> Any:
        return module(SHAPES, role, dtype=dtype, device=device, seed=seed)

    return assemble(layout, drawn, tokenizers=(tokenizer(), tokenizer("!")), taesd=taesd)
