"""The five styles as data: templates, steps, guidance, ControlNet weights. Painter and diffusion read the same rows.

Steps, guidance and weights are recommendations for SDXL with one ControlNet a kind; an engine that samples nothing
ignores them. Names for people live in `locales/`, not here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from generation.contracts.errors import UnknownStyle


@dataclass(frozen=True, slots=True)
class Style:
    """How a style is asked for.

    Attributes:
        name: key used in buttons, rows and on the command line.
        emoji: shown before the style's localized name on its button.
        template: positive prompt; `{meaning}`, `{word}` and `{script}` (such as `Chinese characters`) are its slots.
        negative: negative prompt.
        steps: recommended sampler steps.
        guidance: recommended classifier-free guidance scale.
        weights: conditioning scale by kind, 0 to 1.
    """

    name: str
    emoji: str
    template: str
    negative: str
    steps: int
    guidance: float
    weights: Mapping[str, float]


_COMMON_NEGATIVE = "blurry, low quality, deformed, watermark, signature, extra text, cropped"


def _weights(*, canny: float, depth: float, segmentation: float, scribble: float) -> Mapping[str, float]:
    return MappingProxyType({"canny": canny, "depth": depth, "segmentation": segmentation, "scribble": scribble})


_ALL = (
    Style(
        name="comic",
        emoji="💥",
        template="A vibrant comic book panel of {meaning}, composed along the strokes of the {script} {word}, "
        "bold outlines, halftone shading, dynamic composition",
        negative=f"photo, muted colors, {_COMMON_NEGATIVE}",
        steps=25,
        guidance=8.0,
        weights=_weights(canny=0.9, depth=0.5, segmentation=0.7, scribble=0.3),
    ),
    Style(
        name="watercolor",
        emoji="🎨",
        template="A soft watercolor painting of {meaning}, its washes flowing along the {script} {word}, "
        "delicate pigment edges, white paper, artistic spontaneity",
        negative=f"hard outlines, oil paint, 3d render, {_COMMON_NEGATIVE}",
        steps=35,
        guidance=6.5,
        weights=_weights(canny=0.4, depth=0.3, segmentation=0.3, scribble=0.8),
    ),
    Style(
        name="ink",
        emoji="🖌️",
        template="A monochrome ink wash painting of {meaning}, carrying the spirit of the {script} {word}, "
        "flowing brushstrokes, dry brush, misty empty space",
        negative=f"bright colors, photo, 3d render, {_COMMON_NEGATIVE}",
        steps=32,
        guidance=6.0,
        weights=_weights(canny=0.6, depth=0.3, segmentation=0.2, scribble=0.9),
    ),
    Style(
        name="realistic",
        emoji="📷",
        template="A realistic photograph of {meaning}, the {script} {word} standing in the scene as a solid thing, "
        "natural light, fine material detail, depth of field",
        negative=f"cartoon, painting, flat, {_COMMON_NEGATIVE}",
        steps=30,
        guidance=7.5,
        weights=_weights(canny=0.8, depth=0.9, segmentation=0.6, scribble=0.2),
    ),
    Style(
        name="traditional",
        emoji="🏯",
        template="A traditional woodblock print of {meaning}, built around the {script} {word}, "
        "mineral pigments on handmade paper, flat layered color, a red seal",
        negative=f"photo, neon colors, 3d render, {_COMMON_NEGATIVE}",
        steps=32,
        guidance=7.0,
        weights=_weights(canny=0.7, depth=0.4, segmentation=0.5, scribble=0.6),
    ),
)

STYLES: Mapping[str, Style] = MappingProxyType({style.name: style for style in _ALL})
"""Every style by name, in the order the buttons show them."""


def style_named(name: str) -> Style:
    """The style called `name`.

    Raises:
        UnknownStyle: there is none; the error lists those there are.
    """
    try:
        return STYLES[name]
    except KeyError:
        raise UnknownStyle(style=name, known=", ".join(STYLES)) from None
