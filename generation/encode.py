"""Pictures as bytes: the PNG that is kept, with what made it written inside, and the small JPEG of a preview.

Knows Pillow and pixels; nothing of orders, engines or files.
"""

from __future__ import annotations

import io
from collections.abc import Mapping

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from generation.contracts.picture import Rgb

PNG_LEVEL = 1
"""zlib level; on painted pictures level 4 takes half as long again and level 6 three times, for 2 and 8 % less."""
PREVIEW_SIDE_PX = 512
PREVIEW_QUALITY = 80


def png(image: Rgb, texts: Mapping[str, str]) -> bytes:
    """A PNG with international text chunks (iTXt, UTF-8).

    Args:
        image: shape (height, width, 3).
        texts: keyword (Latin, at most 79 characters) to text in any script; empty texts are left out.
    """
    info = PngInfo()
    for keyword, text in texts.items():
        if text:
            info.add_itxt(keyword, text)
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "PNG", pnginfo=info, compress_level=PNG_LEVEL)
    return buffer.getvalue()


def preview_jpeg(image: Rgb, side: int = PREVIEW_SIDE_PX) -> bytes:
    """A JPEG whose longer side has `side` pixels: looks of one picture follow each other in one message, all of a size.

    Args:
        image: shape (height, width, 3), any size; a latent preview has an eighth of the picture's.
        side: pixels.
    """
    whole = Image.fromarray(image)
    scale = side / max(whole.size)
    size = (max(1, round(whole.width * scale)), max(1, round(whole.height * scale)))
    small = whole.resize(size, Image.Resampling.BICUBIC, reducing_gap=2.0)
    buffer = io.BytesIO()
    small.save(buffer, "JPEG", quality=PREVIEW_QUALITY)
    return buffer.getvalue()
