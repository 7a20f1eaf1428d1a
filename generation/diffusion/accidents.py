"""What went wrong while loading or painting, in our words. Knows torch's and safetensors' errors; knows no engine.

Nothing here keeps a traceback: its frames hold tensors, and memory that is short has to come back first.
"""

from __future__ import annotations

import logging

import torch
from safetensors import SafetensorError

from generation.contracts.errors import EngineUnavailable, OutOfMemory, PaintingFailed, WordbrushError
from generation.diffusion.memory_ladder import LOAD, Accident, Shortage
from generation.gpu.devices import is_out_of_memory
from generation.tracing import new_reference, traced

FOREIGN = (
    RuntimeError,  # torch's own: kernels, the driver, memory of devices, operators a device lacks
    SafetensorError,  # a file that changed under our eyes
    OSError,  # a disk that fails or is full, a library of a kernel that does not load
    ImportError,  # parts of diffusers and transformers are imported when they are first used
    MemoryError,  # the host's
    ValueError,  # diffusers and transformers refuse a configuration with it, torch a number
)
"""What torch, diffusers, transformers and safetensors raise when a device, a disk or a model is not as it should be.

Not TypeError, AttributeError and their like: those are mistakes in a program, and whoever paints has to hear of them.
Where a library raises them over a model's configuration, whoever loads it explains them there.
"""
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
    if isinstance(error, OutOfMemory) or is_out_of_memory(error):
        return Shortage(stage)
    reference = new_reference()
    if isinstance(error, WordbrushError):
        return _explained(error, reference)
    _log.error("the diffusion engine failed (%s), %s", stage, traced(error, reference))
    if is_broken_device(error):
        reason = f"its device failed and needs a restart of the bot (log reference {reference})"
        return EngineUnavailable(engine="diffusion", reason=reason)
    if stage == LOAD:
        return EngineUnavailable(engine="diffusion", reason=f"its models do not load (log reference {reference})")
    return PaintingFailed(reference=reference)


def is_broken_device(error: BaseException) -> bool:
    """Whether the device reported a fault: after an illegal access, every further call in this process fails, too."""
    return isinstance(error, torch.AcceleratorError) or str(error).startswith(("CUDA error", "HIP error"))


def _explained(error: WordbrushError, reference: str) -> WordbrushError:
    """Ours as it is; what caused it is told in the log and let go."""
    if error.__cause__ is not None:
        _log.warning("%s: %s", type(error).__name__, traced(error, reference))
    error.__cause__ = error.__context__ = None
    return error.with_traceback(None)
