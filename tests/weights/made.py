"""Weights on disk as a finished fetch leaves them, written by hand: nothing here needs a hub or its library."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

from generation.diffusion.weights import ModelStore

COMMIT = "c0ffee" * 6 + "c0ff"
WEIGHTS = "diffusion_pytorch_model.safetensors"


def tensors(size: int = 100, fill: int = 7) -> bytes:
    """A valid safetensors file with one tensor of bytes."""
    header = json.dumps({"w": {"dtype": "U8", "shape": [size], "data_offsets": [0, size]}}).encode()
    return len(header).to_bytes(8, "little") + header + bytes([fill]) * size


def net(kind: str = "ControlNetModel") -> dict[str, bytes]:
    return {"config.json": json.dumps({"_class_name": kind}).encode(), WEIGHTS: tensors()}


def put(folder: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


def fetched(root: Path, files: dict[str, bytes], *, role: str = "canny", model: str = "maker/net") -> Path:
    """Files in `root/cache` and their lock in `root/data`, as after a fetch; gives the snapshot folder."""
    folder = put(root / "cache" / f"models--{model.replace('/', '--')}" / "snapshots" / COMMIT, files)
    locked = {n: {"size": len(c), "sha256": hashlib.sha256(c).hexdigest()} for n, c in files.items()}
    entry = {"model": model, "revision": "main", "commit": COMMIT, "files": locked}
    lock = root / "data" / "models.lock"
    lock.parent.mkdir(parents=True, exist_ok=True)
    models = json.loads(lock.read_text())["models"] if lock.exists() else {}
    lock.write_text(json.dumps({"version": 1, "models": models | {role: entry}}))
    return folder


def complete(store: ModelStore, roles: Sequence[str]) -> bool:
    """Whether everything that these roles need is there."""
    return all(status.state in {"complete", "local"} for status in store.status(roles))
