"""A set of random models and everything that is measured over it: ours, the stock pipelines. Knows torch.

Stock and ours are assembled over the very same modules, so that a comparison compares loops and nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from generation.diffusion.measuring import stock
from generation.diffusion.measuring.shapes import Shapes, module, tokenizer
from generation.diffusion.models import Models, assemble


@dataclass(slots=True, kw_only=True)
class Rig:
    """Modules of one size on one device, built when first needed.

    Attributes:
        shapes: configurations, tiny or full size.
        dtype: of weights and activations.
        device: `meta` computes shapes only.
        seed: of the random weights.
        known: what a block costs over inputs of given shapes, and its output; filled while operations are counted.
    """

    shapes: Shapes
    dtype: Any
    device: Any
    seed: int = 0
    known: dict[tuple[object, ...], tuple[int, Any]] = field(default_factory=dict, repr=False)
    _parts: dict[str, Any] = field(default_factory=dict, repr=False)

    def part(self, role: str) -> Any:
        """The module of a role; the same one at every call."""
        if role not in self._parts:
            self._parts[role] = module(self.shapes, role, dtype=self.dtype, device=self.device, seed=self.seed)
        return self._parts[role]

    def models(self, layout: str) -> Models:
        """Ours over these modules, without the tiny autoencoder: it is for previews only."""
        return assemble(layout, self.part, tokenizers=_tokenizers(), taesd=False)

    def pipeline(self, layout: str, sampler: str) -> Any:
        """Diffusers' over these modules."""
        return stock.pipeline(layout, self.part, tokenizers=_tokenizers(), sampler=sampler)


def _tokenizers() -> tuple[Any, Any]:
    return tokenizer(), tokenizer("!")
