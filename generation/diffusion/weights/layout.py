"""Which files of a repository a role needs, and under which names they are loaded. Names only: no disk, no network.

diffusers and transformers find weights by fixed names (`diffusion_pytorch_model.safetensors`). A variant, shards or a
repository's own file name differ from them, so every choice here is a mapping from the name a file is loaded under to
the name it has in the repository.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import PurePosixPath

from generation.contracts.errors import EngineUnavailable, FolderIncomplete, ModelNotFound, UnsafeWeights
from generation.diffusion.config import Source

PICKLES = (".bin", ".ckpt", ".pt", ".pth", ".pkl")
"""Formats whose loading runs what their author wrote."""
TOKENIZER_TEXTS = (".json", ".txt")
LONGEST_PART, LONGEST_NAME, LONGEST_TOLD = 255, 1024, 120
"""Bytes of one part of a path; characters of a whole one, and of what is shown of a bad one."""
DIFFUSERS, TRANSFORMERS = "diffusion_pytorch_model", "model"

COMPONENTS = {"unet": DIFFUSERS, "text_encoder": TRANSFORMERS, "text_encoder_2": TRANSFORMERS}
"""Folders of a pipeline repository that hold weights we use, with the stem of their file names. Not its VAE."""
TOKENIZERS = ("tokenizer", "tokenizer_2")
SCHEDULER = "scheduler/scheduler_config.json"

CLASSES = {
    "vae": ("AutoencoderKL",),
    "taesd": ("AutoencoderTiny",),
    # The union's authors and converters wrote three names for one network; its tensors tell it from a plain one.
    "union": ("ControlNetUnionModel", "ControlNetModel_Union", "ControlNetModel"),
    "base": ("StableDiffusionXLPipeline",),
}
"""`_class_name` in `config.json` (`model_index.json` for the base) by role; every other role is a ControlNet."""


def classes(role: str) -> tuple[str, ...]:
    """The class names a configuration of this role may carry."""
    return CLASSES.get(role, ("ControlNetModel",))


def config_of(role: str) -> str | None:
    """The file that names the class; a LoRA (`turbo`) has none."""
    return {"base": "model_index.json", "turbo": None}.get(role, "config.json")


def chosen(role: str, source: Source, names: Collection[str]) -> dict[str, str]:
    """What `role` needs of a repository that has `names`.

    Returns:
        Name it is loaded under -> name in the repository, both relative with forward slashes.

    Raises:
        ModelNotFound: a file that is needed is not there.
        UnsafeWeights: weights are there, but only as pickles.
    """
    return _Choice(source, frozenset(names)).of(role)


def check_names(model: str, names: Collection[str]) -> None:
    """Refuse a repository that names files outside its own folder.

    Raises:
        EngineUnavailable: naming the file.
    """
    for name in names:
        if not is_inside(name):
            told = ascii(name[:LONGEST_TOLD])
            reason = f"the hub lists {told} for {model}, outside the model's folder or no name at all: do not trust it"
            raise EngineUnavailable(engine="diffusion", reason=reason)


def is_inside(name: str) -> bool:
    """Whether a repository's file name stays below the folder it is put into."""
    if not name.isprintable() or "\\" in name or ":" in name:  # lone surrogates and control characters do not print
        return False
    parts = name.split("/")
    return len(name) <= LONGEST_NAME and all(p not in {"", ".", ".."} and _fits(p) for p in parts)


def _fits(part: str) -> bool:
    """Whether every file system can hold it."""
    return len(part.encode()) <= LONGEST_PART


def is_weights(name: str) -> bool:
    """Whether it is a file of tensors rather than text."""
    return name.endswith(".safetensors")


@dataclass(frozen=True, slots=True)
class _Choice:
    source: Source
    names: frozenset[str]

    def of(self, role: str) -> dict[str, str]:
        if role == "base":
            return self._pipeline()
        if role == "turbo":
            return self._lora()
        return self._text("config.json") | self._weights("", DIFFUSERS, self.source.variant)

    def _pipeline(self) -> dict[str, str]:
        needed = self._text("model_index.json") | self._text(SCHEDULER)
        for folder, stem in COMPONENTS.items():
            needed |= self._text(f"{folder}/config.json") | self._component(f"{folder}/", stem)
        for folder in TOKENIZERS:
            needed |= self._tokenizer(folder)
        return needed

    def _component(self, folder: str, stem: str) -> dict[str, str]:
        """As diffusers does: a part without the variant is taken plain, but the UNet must have it."""
        if self.source.variant and stem == TRANSFORMERS:
            return self._found(folder, stem, self.source.variant) or self._weights(folder, stem, None)
        return self._weights(folder, stem, self.source.variant)

    def _tokenizer(self, folder: str) -> dict[str, str]:
        texts = {n: n for n in self.names if _parent(n) == folder and n.endswith(TOKENIZER_TEXTS)}
        if f"{folder}/tokenizer.json" not in texts:
            self._text(f"{folder}/vocab.json")
            self._text(f"{folder}/merges.txt")
        return texts

    def _lora(self) -> dict[str, str]:
        name = self.source.weights or next((n for n in sorted(self.names) if is_weights(n) and "/" not in n), "")
        if not name:
            self._refuse("", "*.safetensors")
        return {"lora.safetensors": self._own(name)}

    def _text(self, name: str) -> dict[str, str]:
        if name not in self.names:
            raise self._missing(name)
        return {name: name}

    def _weights(self, folder: str, stem: str, variant: str | None) -> dict[str, str]:
        if self.source.weights and not folder:
            return {f"{stem}.safetensors": self._own(self.source.weights)}
        found = self._found(folder, stem, variant)
        if not found:
            self._refuse(folder, f"{folder}{stem}{_dotted(variant)}.safetensors")
        return found

    def _own(self, name: str) -> str:
        """A file name that the settings give."""
        if not is_weights(name):
            raise UnsafeWeights(model=self.source.model, file=name)
        if name not in self.names or not is_inside(name):
            raise self._missing(name)
        return name

    def _found(self, folder: str, stem: str, variant: str | None) -> dict[str, str]:
        """One file, or an index and its shards; nothing when neither is there."""
        single = f"{folder}{stem}{_dotted(variant)}.safetensors"
        if single in self.names:
            return {f"{folder}{stem}.safetensors": single}
        index = f"{folder}{stem}.safetensors.index{_dotted(variant)}.json"
        shards = [name for name in sorted(self.names) if _is_shard(name, folder, stem, variant)]
        if index not in self.names or not shards:
            return {}
        return {f"{folder}{stem}.safetensors.index.json": index} | {name: name for name in shards}

    def _refuse(self, folder: str, name: str) -> None:
        """Say which of the two it is: nothing there, or nothing there that is safe."""
        pickles = [n for n in sorted(self.names) if _parent(n) == folder.rstrip("/") and n.endswith(PICKLES)]
        safe = [n for n in self.names if _parent(n) == folder.rstrip("/") and is_weights(n)]
        if pickles and not safe:
            raise UnsafeWeights(model=self.source.model, file=pickles[0])
        raise self._missing(name)

    def _missing(self, name: str) -> ModelNotFound:
        if self.source.local:
            return FolderIncomplete(model=self.source.model, lack=f"has no file {name}")
        return ModelNotFound(model=self.source.model, revision=f"{self.source.revision} with a file {name}")


def _is_shard(name: str, folder: str, stem: str, variant: str | None) -> bool:
    """Both orders exist: `stem.fp16-00001-of-00002` (as diffusers writes) and `stem-00001-of-00002.fp16`."""
    tail, count = re.escape(_dotted(variant)), r"-\d{5}-of-\d{5}"
    pattern = rf"{re.escape(folder + stem)}(?:{tail}{count}|{count}{tail})\.safetensors"
    return re.fullmatch(pattern, name) is not None


def _dotted(variant: str | None) -> str:
    return f".{variant}" if variant else ""


def _parent(name: str) -> str:
    parent = str(PurePosixPath(name).parent)
    return "" if parent == "." else parent
