"""Model weights on disk: which files a model needs, where they come from, and that they are the ones they were.

Knows the hub's protocol and cache layout; knows no torch, and imports `huggingface_hub` only to download something.
"""

from generation.diffusion.weights.progress import FetchProgress
from generation.diffusion.weights.store import ModelStatus, ModelStore, Verified

__all__ = ["FetchProgress", "ModelStatus", "ModelStore", "Verified"]
