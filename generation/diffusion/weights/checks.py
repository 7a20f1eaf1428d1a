"""Whether a file is what it should be: hashes, safetensors headers, configurations. Reads files, knows no tensors."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import BinaryIO

from generation.contracts.errors import WeightsDamaged, WrongArchitecture
from generation.diffusion.weights.layout import COMPONENTS, classes

CHUNK = 2**20
LARGEST_HEADER = 100_000_000
"""safetensors' own limit, in bytes."""
LENGTH_BYTES = 8

PARTS = {
    "unet": "UNet2DConditionModel",
    "text_encoder": "CLIPTextModel",
    "text_encoder_2": "CLIPTextModelWithProjection",
}
"""What a base's `model_index.json` must name."""


def sha256_of(path: Path) -> str:
    """The file's SHA-256 in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def git_sha1_of(path: Path) -> str:
    """What git calls a file with these bytes, which is the hub's ETag of a small file."""
    digest = hashlib.sha1(b"blob %d\0" % path.stat().st_size, usedforsecurity=False)
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def check_safetensors(path: Path, *, model: str, name: str) -> None:
    """Compare a safetensors header with the file it heads.

    The format: 8 bytes of header length (little endian), a JSON object `name -> {dtype, shape, data_offsets}`, and the
    tensors back to back. https://github.com/huggingface/safetensors#format

    Raises:
        WeightsDamaged: the header cannot be read or speaks of other sizes.
    """
    try:
        with path.open("rb") as file:
            length = _header_length(file, path.stat().st_size)
            header = json.loads(file.read(length))
        spans = sorted(tuple(tensor["data_offsets"]) for key, tensor in header.items() if key != "__metadata__")
        sound = _back_to_back(spans, path.stat().st_size - LENGTH_BYTES - length)
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        sound = False
    if not sound:
        raise WeightsDamaged(model=model, file=name)


def _header_length(file: BinaryIO, size: int) -> int:
    length = int.from_bytes(file.read(LENGTH_BYTES), "little")
    if not 0 < length <= min(LARGEST_HEADER, size - LENGTH_BYTES):
        message = "the header is longer than the file"
        raise ValueError(message)
    return length


def _back_to_back(spans: list[tuple[int, ...]], size: int) -> bool:
    """Whether the tensors fill the rest of the file without gap or overlap."""
    at = 0
    for begin, end in spans:
        if begin != at or end < begin:
            return False
        at = end
    return at == size


def check_class(path: Path, role: str, *, model: str) -> None:
    """Look at the class that a configuration names, before gigabytes are fetched or loaded for it.

    Raises:
        WrongArchitecture: it is another one.
        WeightsDamaged: it is not a configuration.
    """
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
        found = config.get("_class_name")
    except (OSError, ValueError, AttributeError):
        raise WeightsDamaged(model=model, file=path.name) from None
    expected = classes(role)
    if found is None and role != "base":
        return  # some authors leave it out; their tensors are counted when they are loaded
    if found not in expected:
        raise WrongArchitecture(model=model, expected=expected[0], found=str(found))
    if role == "base":
        _check_parts(config, model)


def _check_parts(index: dict[str, object], model: str) -> None:
    for part in COMPONENTS:
        entry = index.get(part)
        found = entry[-1] if isinstance(entry, list) and entry else None
        if found != PARTS[part]:
            raise WrongArchitecture(model=model, expected=f"{PARTS[part]} as {part}", found=str(found))
