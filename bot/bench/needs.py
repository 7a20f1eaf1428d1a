"""Whether the models' libraries are here, asked without importing them, and what to do where they are not."""

from __future__ import annotations

from importlib.util import find_spec

from generation.contracts.errors import EngineUnavailable

LIBRARIES = ("torch", "diffusers", "transformers")
MEND = "run `make run EXTRAS=diffusion`, or `pip install '.[diffusion]'` in the checkout"


def need_diffusion() -> None:
    """Make sure that what builds the models can be imported.

    Raises:
        EngineUnavailable: a library is missing; the error names the extra that brings it.
    """
    missing = [name for name in LIBRARIES if find_spec(name) is None]
    if missing:
        reason = f"{', '.join(missing)} not installed here: {MEND}"
        raise EngineUnavailable(engine="diffusion", reason=reason)
