"""Recommendations in words: from codes to sentences. Knows the codes of `generation.gpu.advice` and texts."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Protocol

from generation.gpu.advice import Advice

KEYS: Mapping[str, str] = MappingProxyType(
    {
        "stands-in": "gpu-advice-stands-in",
        "again": "gpu-advice-again",
        "weights-missing": "gpu-advice-weights-missing",
        "weights-damaged": "gpu-advice-weights-damaged",
        "download": "gpu-advice-download",
        "no-gpu": "gpu-advice-no-gpu",
        "idle": "gpu-advice-idle",
        "small": "gpu-advice-small",
        "hot": "gpu-advice-hot",
        "throttled-heat": "gpu-advice-throttled-heat",
        "throttled-power": "gpu-advice-throttled-power",
        "memory-full": "gpu-advice-memory",
        "memory-others": "gpu-advice-others",
        "out-of-memory": "gpu-advice-out-of-memory",
        "eased": "gpu-advice-eased",
        "beyond": "gpu-advice-beyond",
        "larger-batch": "gpu-advice-larger-batch",
        "attention": "gpu-advice-attention",
        "compile": "gpu-advice-compile",
        "leak": "gpu-advice-leak",
        "crowded": "gpu-advice-crowded",
    }
)
"""The message of each code of `generation.gpu.advice.CODES`."""
_REASONS: Mapping[str, str] = MappingProxyType(
    {
        "no-torch": "gpu-reason-extra",
        "broken-torch": "gpu-reason-extra",
        "no-cuda-build": "gpu-reason-cuda-build",
        "no-driver": "gpu-reason-driver",
        "driver-error": "gpu-reason-driver",
        "old-driver": "gpu-reason-old-driver",
        "no-device": "gpu-reason-device",
        "no-such-index": "gpu-reason-device",
        "unknown-device": "gpu-reason-device",
        "no-mps": "gpu-reason-device",
        "NoSuitableDevice": "gpu-reason-device",
        "too-small": "gpu-reason-small",
        "HubUnreachable": "gpu-reason-hub",
        "HubBusy": "gpu-reason-hub",
        "DownloadBroken": "gpu-reason-hub",
        "DownloadStalled": "gpu-reason-hub",
        "HubRefused": "gpu-reason-licence",
        "ModelNotFound": "gpu-reason-model",
        "FolderIncomplete": "gpu-reason-model",
        "UnsafeWeights": "gpu-reason-model",
        "WrongArchitecture": "gpu-reason-model",
        "NoRoomForWeights": "gpu-reason-room",
        "WeightsDamaged": "gpu-reason-damaged",
        "OutOfMemory": "gpu-reason-memory",
    }
)
_LONGEST = 100


class Voice(Protocol):
    """Texts in one language."""

    def __call__(self, key: str, **arguments: str | float) -> str:
        """The message as HTML."""
        ...


def sentence(say: Voice, advice: Advice) -> str:
    """One recommendation as a line of HTML."""
    arguments = {
        name: value[:_LONGEST] if isinstance(value, str) else value for name, value in advice.arguments.items()
    }
    if advice.code == "stands-in":
        arguments["reason"] = say(_REASONS.get(str(arguments["reason"]), "gpu-reason-other"))
    return say(KEYS[advice.code], **arguments)
