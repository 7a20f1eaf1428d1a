"""Which models ran, how often and over how many rows: counted by hooks while a picture is really painted. Knows torch.

Each model is watched at a module that everything passing through it goes through exactly once (its door), so it does
not matter whether a loop calls the model whole, as diffusers does, or in parts, as ours does.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from generation.contracts.request import KINDS

Door = tuple[str, str]
NETS = (*KINDS, "union")
IMAGE_DIMENSIONS = 4
DOORS: Mapping[str, Door] = {
    "unet": ("unet", "conv_in"),
    **{role: (role, "conv_in") for role in NETS},
    **{f"condition {role}": (role, "controlnet_cond_embedding.conv_in") for role in NETS},
    **{f"sizes {role}": (role, "add_embedding") for role in NETS},
    "text_encoder": ("text_encoder", ""),
    "text_encoder_2": ("text_encoder_2", ""),
    "decode": ("vae", "decoder"),
}
"""By what is counted: the role of the model and the module inside it that is watched; empty for the model itself.

`condition` is the embedding of a control image, `sizes` that of pooled text and picture size.
"""


@dataclass(slots=True)
class Forwards:
    """What passed the doors, in order.

    Attributes:
        passed: what was counted and how many rows went through together. Guidance doubles the rows of a picture.
    """

    passed: list[tuple[str, int]] = field(default_factory=list)

    def rows(self) -> Counter[str]:
        """Rows by what was counted: a picture under guidance passes the UNet with two of them each step."""
        total: Counter[str] = Counter()
        for name, rows in self.passed:
            total[name] += rows
        return total

    def calls(self) -> Counter[str]:
        """Calls by what was counted, whatever their rows."""
        return Counter(name for name, _ in self.passed)

    def steps(self) -> list[dict[str, int]]:
        """Step by step, the rows of each net and of the UNet; a step ends with the UNet."""
        found: list[dict[str, int]] = [{}]
        for name, rows in self.passed:
            if name == "unet" or name in NETS:
                found[-1][name] = found[-1].get(name, 0) + rows
            if name == "unet":
                found.append({})
        return found[:-1]


@contextmanager
def watched(parts: Mapping[str, Any]) -> Iterator[Forwards]:
    """Count while the block runs.

    Args:
        parts: modules by role; roles that are missing are not watched.
    """
    forwards = Forwards()
    hooks = [
        parts[role].get_submodule(path).register_forward_pre_hook(_noting(forwards, name), with_kwargs=True)
        for name, (role, path) in DOORS.items()
        if role in parts
    ]
    try:
        yield forwards
    finally:
        for hook in hooks:
            hook.remove()


def _noting(forwards: Forwards, name: str) -> Any:
    def note(_module: Any, positional: tuple[Any, ...], named: Mapping[str, Any]) -> None:
        first = positional[0] if positional else next(iter(named.values()))
        ahead = first.shape[: -3 if first.ndim == IMAGE_DIMENSIONS else -1]
        forwards.passed.append((name, math.prod(ahead)))

    return note
