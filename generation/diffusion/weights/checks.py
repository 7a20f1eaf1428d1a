"""Whether a file is what it should be: hashes, safetensors headers, configurations. Reads files, knows no tensors."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import BinaryIO

from generation.contracts.errors import WeightsDamaged, WrongArchitecture
from generation.diffusion.weights.durable import parsed, read_json
from generation.diffusion.weights.layout import COMPONENTS, classes

CHUNK = 2**20
LARGEST_HEADER = 100_000_000
"""safetensors' own limit, in bytes."""
LENGTH_BYTES = 8

CONFIGURATIONS = frozenset({"config.json", "model_index.json", "scheduler_config.json", "tokenizer_config.json"})
"""What a library takes for an order; the other JSON files are tables."""
COUNTED = frozenset({"config.json", "scheduler_config.json"})
FOREIGN = frozenset(
    {
        "auto_map",
        "custom_pipelines",
        "experts_implementation",
        "_experts_implementation",
        "kernel_config",
        "quantization_config",
        "transformers_weights",
        "trust_remote_code",
        "use_kernels",
    }
)
"""Keys by which a configuration names code of its author's, a quantizer, or weights of another name."""
ATTENTION = frozenset({"attn_implementation", "_attn_implementation", "_attn_implementation_internal"})
PLAIN_ATTENTION = (None, "eager", "sdpa")
"""Any other may be the name of a kernel on the hub, which is code."""
LAYERS = ("layers", "layers_per_block", "blocks")
"""Ends of the keys that say how often something is built."""
LARGEST_NUMBER, LONGEST_LIST, DEEPEST, MOST_OF_ONE, MOST_LAYERS = 10**6, 1024, 32, 128, 4096
"""Far above every model there is: SDXL has at most 60 layers by the same count."""
LONGEST_TOLD = 60

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
            header = parsed(file.read(length))
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
        config = read_json(path)
        found = config.get("_class_name")
    except (OSError, ValueError, AttributeError):
        raise WeightsDamaged(model=model, file=path.name) from None
    expected = classes(role)
    if found is None and role != "base":
        return  # some authors leave it out; their tensors are counted when they are loaded
    if found not in expected:
        raise WrongArchitecture(model=model, expected=expected[0], found=_named(found))
    if role == "base":
        _check_parts(config, model)


def _check_parts(index: dict[str, object], model: str) -> None:
    for part in COMPONENTS:
        entry = index.get(part)
        found = entry[-1] if isinstance(entry, list) and entry else None
        if found != PARTS[part]:
            raise WrongArchitecture(model=model, expected=f"{PARTS[part]} as {part}", found=_named(found))


def _named(found: object) -> str:
    """A class name that a stranger wrote, fit for one line."""
    return ascii(found[:LONGEST_TOLD])[1:-1] if isinstance(found, str) else "no class name"


def check_text(path: Path, *, model: str, name: str) -> None:
    """Look at a JSON file before a library builds something by it; files of other kinds are left alone.

    transformers and diffusers let a configuration name code to run (a remote class, an attention kernel from the hub,
    a quantizer) and weights elsewhere, and they build as many layers as it says.

    Args:
        path: where it is.
        model: for the error.
        name: under which it is loaded, such as `text_encoder/config.json`.

    Raises:
        WeightsDamaged: it is not JSON, or too large or too deep to be meant.
        WrongArchitecture: it names code, or has numbers that no model has.
    """
    file = name.rpartition("/")[2]
    if not file.endswith(".json"):
        return
    try:
        nodes = list(_nodes(read_json(path)))
    except (OSError, ValueError):
        raise WeightsDamaged(model=model, file=name) from None
    strange = _foreign(nodes) if file in CONFIGURATIONS else iter(())
    absurd = _absurd(nodes) if file in COUNTED else iter(())
    wrong = next(chain(strange, absurd), None)
    if wrong is not None:
        raise WrongArchitecture(model=model, expected="a plain configuration", found=f"{name} with {wrong}")


def _nodes(config: object) -> Iterator[tuple[str, object]]:
    """Every value with the key it belongs to, those of a list with the list's; without recursion.

    Raises:
        ValueError: too deep to be meant.
    """
    rest = [("", config, 0)]
    while rest:
        key, value, depth = rest.pop()
        if depth > DEEPEST:
            message = "nested too deeply"
            raise ValueError(message)
        yield key, value
        if isinstance(value, Mapping):
            rest += [(name, inner, depth + 1) for name, inner in value.items()]
        elif isinstance(value, list):
            rest += [(key, inner, depth + 1) for inner in value]


def _foreign(nodes: list[tuple[str, object]]) -> Iterator[str]:
    """What would bring in somebody's code, or weights that nobody checked."""
    for key, value in nodes:
        if key in FOREIGN and value:
            yield f"{key}, which may run foreign code"
        if key in ATTENTION and value not in PLAIN_ATTENTION:
            yield f"{key} other than eager and sdpa, which may run foreign code"


def _absurd(nodes: list[tuple[str, object]]) -> Iterator[str]:
    """Numbers that would keep the machine building until somebody stops it."""
    layers, longest = dict[str, int](), 1
    for key, value in nodes:
        if isinstance(value, list):
            longest = max(longest, len(value))
        elif isinstance(value, int | float):
            many = key.endswith(LAYERS)
            if not abs(value) <= (MOST_OF_ONE if many else LARGEST_NUMBER):  # also what is no number at all
                yield f"{_named(key)} = {str(value)[:LONGEST_TOLD]}"
            elif many:
                layers[key] = max(layers.get(key, 1), int(value))
    if longest > LONGEST_LIST or math.prod((longest, *layers.values())) > MOST_LAYERS:
        yield "more layers than any model has"
