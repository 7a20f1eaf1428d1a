"""Which model each role of the diffusion engine takes, as settings: four names a role. Knows defaults; loads nothing.

A role is set by its model (`DIFFUSION__CANNY`: a hub id or a folder) and, where needed, by its revision, variant and
weights file. What is left empty is the default model's own while that model is used, and nothing for any other.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, create_model

from generation.diffusion.config import DEFAULT_SOURCES, ROLES, Source

NONE = "none"
"""Written out where a default model's variant or file name shall not be used."""


class Branch(BaseModel):
    """One branch of the settings: frozen, and no name in it is unknown."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


def _fields() -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for role in ROLES:
        source = DEFAULT_SOURCES[role]
        told = {
            role: (str, source.model, f"Model of the role {role}: a hub id, or a folder (beginning with / . or ~)."),
            f"{role}_revision": (str | None, None, "Its branch, tag or commit; main when empty."),
            f"{role}_variant": (str | None, None, f"Its variant, such as fp16; {source.variant or 'none'} when empty."),
            f"{role}_weights": (str | None, None, f"Its weights file; {source.weights or 'the usual one'} when empty."),
        }
        for name, (kind, default, description) in told.items():
            fields[name] = (kind, Field(default, min_length=1, description=description))
    return fields


ModelSettings: Any = create_model("ModelSettings", __base__=Branch, **_fields())
"""A branch with `<role>`, `<role>_revision`, `<role>_variant` and `<role>_weights` for each role."""


def source_of(models: Any, role: str) -> Source:
    """Where a role's model comes from, by a `ModelSettings`."""
    default = DEFAULT_SOURCES[role]
    model: str = getattr(models, role)
    source = default if model == default.model else Source(model=model)
    return replace(
        source,
        revision=getattr(models, f"{role}_revision") or source.revision,
        variant=_chosen(getattr(models, f"{role}_variant"), source.variant),
        weights=_chosen(getattr(models, f"{role}_weights"), source.weights),
    )


def _chosen(value: str | None, otherwise: str | None) -> str | None:
    if value is None:
        return otherwise
    return None if value.lower() == NONE else value
