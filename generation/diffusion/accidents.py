"""What went wrong while loading or painting, in our words. Knows torch's and safetensors' errors; knows no engine.

Nothing here keeps a traceback: its frames hold tensors, and memory that is short has to come back first.
"""

from __future__ import annotations

import logging

from safetensors import SafetensorError

from generation.contracts.errors import EngineUnavailable, OutOfMemory, PaintingFailed, WordbrushError
from generation.diffusion.memory_ladder import LOAD, Accident, Shortage
from generation.gpu.devices import is_out_of_memory
from generation.tracing import new_reference, traced

FOREIGN = (
    RuntimeError,  # torch's own, those of CUDA and of kernels among them
    SafetensorError,
    OSError,
    ImportError,
    MemoryError,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
)
"""What torch, diffusers, transformers and safetensors raise."""
_log = logging.getLogger(__name__)


def accident(error: BaseException, stage: str) -> Accident:
    """What an error means for the engine; one that is not ours goes into the log under its reference.

    Args:
        error: one of `FOREIGN`, or ours.
        stage: where it happened.

    Returns:
        A `Shortage`; or an error of ours without its traceback: `EngineUnavailable` where loading failed,
        `PaintingFailed` elsewhere.
    """
    if isinstance(error, OutOfMemory | MemoryError) or is_out_of_memory(error):
        return Shortage(stage)
    reference = new_reference()
    if isinstance(error, WordbrushError):
        return _explained(error, reference)
    _log.error("the diffusion engine failed (%s), %s", stage, traced(error, reference))
    if stage == LOAD:
        return EngineUnavailable(engine="diffusion", reason=f"its models do not load (log reference {reference})")
    return PaintingFailed(reference=reference)


def _explained(error: WordbrushError, reference: str) -> WordbrushError:
    """Ours as it is; what caused it is told in the log and let go."""
    if error.__cause__ is not None:
        _log.warning("%s: %s", type(error).__name__, traced(error, reference))
    error.__cause__ = error.__context__ = None
    return error.with_traceback(None)
