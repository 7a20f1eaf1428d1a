"""Models from disk into memory through diffusers' and transformers' own `from_pretrained`. Knows torch.

Each model is loaded from a temporary folder of links to exactly the files the store has checked, under the names the
libraries look for. So a repository's own file name, a variant and shards load alike, and nothing else that lies in the
cache (a pickle, another variant) can be picked up.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import diffusers
import torch
import transformers
from huggingface_hub.errors import StrictDataclassError
from safetensors import SafetensorError
from safetensors.torch import load_file

from generation.contracts.errors import EngineUnavailable, OutOfMemory, WeightsDamaged, WrongArchitecture
from generation.diffusion.config import DiffusionConfig, Source
from generation.diffusion.weights.checks import PARTS, check_class, check_text
from generation.diffusion.weights.layout import SCHEDULER, TOKENIZERS, config_of, is_weights
from generation.diffusion.weights.store import ModelStore
from generation.gpu.devices import is_out_of_memory

CLASSES = {"vae": "AutoencoderKL", "taesd": "AutoencoderTiny", "union": "ControlNetUnionModel"}
"""diffusers' class by role; every other single model is a `ControlNetModel`."""
DTYPES = {"bf16": torch.bfloat16, "fp16": torch.float16, "fp32": torch.float32}
HARMLESS = re.compile(r"(^|\.)position_ids$")
"""Buffers that older transformers saved and newer ones compute: SDXL's text encoders still carry them."""
NAMED = 2


MISFITS = (
    ArithmeticError,  # divided by a size that is 0
    AssertionError,
    AttributeError,
    EOFError,
    LookupError,
    MemoryError,
    RuntimeError,
    StrictDataclassError,  # how transformers refuses a configuration; derived from Exception alone
    TypeError,
    ValueError,
)
"""What building a model from somebody else's configuration was seen to raise: anything a wrong number can cause."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """One role in memory.

    Attributes:
        modules: by name; the base gives `unet`, `text_encoder`, `text_encoder_2`, `tokenizer` and `tokenizer_2`, a LoRA
            its tensors as a dictionary, every other role one module under its own name. In eval mode, no gradients.
        seconds: it took, the checks of changed files included.
        bytes: of parameters and buffers.
        scheduler: the base's `scheduler_config.json`, empty for other roles.
    """

    modules: Mapping[str, Any]
    seconds: float
    bytes: int
    scheduler: Mapping[str, object]


def load(store: ModelStore | Path, role: str, *, dtype: Any, device: Any = "cpu") -> Loaded:
    """Load what a role needs, from safetensors on this disk only.

    Host memory holds the model in `dtype` and, while it is read, the pages of its files, which the system may drop.

    Args:
        store: checked files; or a folder in diffusers layout that belongs to the caller.
        role: one of `ROLES`.
        dtype: a `torch.dtype`, or one of `DTYPES`; whole numbers stay what they are.
        device: where the modules go, one after the other.

    Raises:
        EngineUnavailable: `WeightsMissing`, `WeightsDamaged`, `ModelNotFound`, `UnsafeWeights`, and
            `WrongArchitecture` when the tensors are not those of the class the role needs.
        OutOfMemory: host memory does not suffice.
        torch.OutOfMemoryError: the device's does not.
    """
    began_s = time.perf_counter()
    if isinstance(store, Path):
        store = ModelStore(DiffusionConfig(sources={role: Source(model=str(store.absolute()))}))
    files, model = store.files(role), store.config.source(role).model
    with TemporaryDirectory(prefix="wordbrush-") as folder, _quietly():
        _link(files, Path(folder))
        modules, scheduler = _Reader(model, Path(folder), DTYPES.get(dtype, dtype), device).read(role)
    size = sum(_bytes(module) for module in modules.values())
    return Loaded(modules, time.perf_counter() - began_s, size, scheduler)


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads one model's folder of links; `model` is its name in errors."""

    model: str
    folder: Path
    dtype: Any
    device: Any

    def read(self, role: str) -> tuple[dict[str, Any], dict[str, object]]:
        config = config_of(role)
        if config is None:
            return {role: self._tensors("lora.safetensors")}, {}
        check_class(self.folder / config, role, model=self.model)
        for path in sorted(self.folder.rglob("*.json")):
            check_text(path, model=self.model, name=path.relative_to(self.folder).as_posix())
        if role != "base":
            return {role: self._module(getattr(diffusers, CLASSES.get(role, "ControlNetModel")), self.folder)}, {}
        return self._base(), json.loads((self.folder / SCHEDULER).read_text(encoding="utf-8"))

    def _base(self) -> dict[str, Any]:
        modules = {}
        for part, name in PARTS.items():
            library = diffusers if part == "unet" else transformers
            modules[part] = self._module(getattr(library, name), self.folder / part)
        for part in TOKENIZERS:
            with self._explained("CLIPTokenizer"):
                modules[part] = transformers.CLIPTokenizer.from_pretrained(self.folder / part, local_files_only=True)
        return modules

    def _module(self, kind: Any, folder: Path) -> Any:
        """One model through its own `from_pretrained`, its tensors counted against its class."""
        with self._explained(kind.__name__):
            module, report = kind.from_pretrained(
                folder,
                torch_dtype=self.dtype,
                use_safetensors=True,
                local_files_only=True,
                low_cpu_mem_usage=True,
                output_loading_info=True,
                **({"attn_implementation": "sdpa"} if kind.__module__.startswith("transformers.") else {}),
            )
        self._refuse_misfit(kind.__name__, report)
        return module.eval().requires_grad_(requires_grad=False).to(self.device)

    def _refuse_misfit(self, expected: str, report: Mapping[str, Any]) -> None:
        unexpected = [key for key in report["unexpected_keys"] if HARMLESS.search(key) is None]
        found = {
            "missing": sorted(report["missing_keys"]),
            "of another shape": sorted(str(entry[0]) for entry in report["mismatched_keys"]),
            "that do not belong": sorted(unexpected),
        }
        parts = [_counted(keys, what) for what, keys in found.items() if keys]
        if parts:
            raise WrongArchitecture(model=self.model, expected=expected, found=f"weights with {', '.join(parts)}")

    def _tensors(self, name: str) -> Any:
        with self._explained("a LoRA"):
            return load_file(self.folder / name, device=str(self.device))

    @contextmanager
    def _explained(self, expected: str) -> Iterator[None]:
        """Turn the libraries' exceptions into ours. Their texts go to the log as the cause, not to the operator."""
        try:
            yield
        except torch.OutOfMemoryError:
            raise
        except (SafetensorError, OSError) as error:
            raise self._unreadable(error) from error
        except MISFITS as error:
            if is_out_of_memory(error):
                raise OutOfMemory from error
            found = "a configuration or weights that do not fit it"
            raise WrongArchitecture(model=self.model, expected=expected, found=found) from error

    def _unreadable(self, error: Exception) -> EngineUnavailable:
        """Name the file that cannot be read; the libraries' own message says less."""
        for path in sorted(self.folder.rglob("*")):
            if is_weights(path.name) and not _opens(path):
                return WeightsDamaged(model=self.model, file=path.resolve().name)
        return WeightsDamaged(model=self.model, file=_named_in(str(error), self.folder))


def _counted(keys: list[str], what: str) -> str:
    named = ", ".join(keys[:NAMED])
    more = ", …" if len(keys) > NAMED else ""
    return f"{len(keys)} tensors {what} ({named}{more})"


def _opens(path: Path) -> bool:
    try:
        from safetensors import safe_open

        with safe_open(path, "pt"):
            return True
    except (SafetensorError, OSError):
        return False


def _named_in(text: str, folder: Path) -> str:
    """Which of the folder's files a message speaks of."""
    names = [path.name for path in folder.rglob("*") if path.is_symlink()]
    return next((name for name in names if name in text), "a configuration file")


def _link(files: Mapping[str, Path], folder: Path) -> None:
    for alias, path in files.items():
        link = folder / alias
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(path.resolve())


def _bytes(module: Any) -> int:
    """Of a module, or of a dictionary of tensors; a tokenizer has none."""
    tensors = _tensors_of(module)
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors)


def _tensors_of(module: Any) -> list[Any]:
    if isinstance(module, torch.nn.Module):
        return [*module.parameters(), *module.buffers()]
    return list(module.values()) if isinstance(module, dict) else []


@contextmanager
def _quietly() -> Iterator[None]:
    """No progress bars and no warnings of the libraries: what matters in them is raised as one of our errors."""
    logs = [diffusers.utils.logging, transformers.utils.logging]
    before = [(log, log.get_verbosity(), log.is_progress_bar_enabled()) for log in logs]
    for log in logs:
        log.set_verbosity_error()
        log.disable_progress_bar()
    try:
        yield
    finally:
        for log, level, bars in before:
            log.set_verbosity(level)
            if bars:
                log.enable_progress_bar()
