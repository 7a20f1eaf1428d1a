"""Prompts to embeddings: SDXL's two text encoders, cutting to what they can read, and a memory. Knows torch; no UNet.

Equal to diffusers' `encode_prompt`: hidden states of both encoders' penultimate layers side by side, the pooled
output of the second. Tokenizers and encoders come loaded; this module neither loads nor moves them.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from generation.diffusion.cutting import cut


@dataclass(frozen=True, slots=True)
class Prompt:
    """What to encode.

    Attributes:
        text: the whole prompt.
        keep: parts of it that survive cutting first, the dearest first: the word, then its meaning.
    """

    text: str
    keep: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TextState:
    """Embedded prompts.

    Attributes:
        hidden: shape (prompts, 77, width of both encoders together).
        pooled: shape (prompts, projection width of the second encoder).
    """

    hidden: Tensor
    pooled: Tensor


class TextEncoders:
    """Both encoders with a memory of the texts seen last, so that a style's negative prompt is computed once.

    Embeddings stay on the device they were made on: 0.3 MB each in bf16, about 80 MB when the memory is full.

    Args:
        tokenizer: of the first encoder.
        tokenizer_2: of the second.
        text_encoder: transformers' `CLIPTextModel`.
        text_encoder_2: transformers' `CLIPTextModelWithProjection`.
        remembered: texts kept, at least 1; the one not used for longest goes first.

    Attributes:
        hits: texts that were remembered.
        misses: texts that had to be encoded.
    """

    def __init__(
        self, tokenizer: Any, tokenizer_2: Any, text_encoder: Any, text_encoder_2: Any, remembered: int = 256
    ) -> None:
        self.tokenizers = (tokenizer, tokenizer_2)
        self.encoders = (text_encoder, text_encoder_2)
        self.remembered = max(remembered, 1)
        self.hits = 0
        self.misses = 0
        self._memory: OrderedDict[str, TextState] = OrderedDict()

    def encode(self, prompts: Sequence[Prompt | None]) -> TextState:
        """Embed prompts; what is not remembered is encoded in one batch.

        Args:
            prompts: at least one. None is no prompt at all, which SDXL was trained to see as zeros
                (diffusers' `force_zeros_for_empty_prompt` for a negative prompt that is not given).
        """
        texts = [None if prompt is None else self.shortened(prompt) for prompt in prompts]
        found = self._found(list(dict.fromkeys(text for text in texts if text is not None)))
        zeros = next(iter(found.values())) if found else self._found([""])[""]
        nothing = TextState(torch.zeros_like(zeros.hidden), torch.zeros_like(zeros.pooled))
        return _stacked([nothing if text is None else found[text] for text in texts])

    def remembers(self, prompts: Sequence[Prompt | None]) -> bool:
        """Whether `encode` would run no encoder, so that nothing need be brought onto the device for it."""
        given = [prompt for prompt in prompts if prompt is not None]
        return bool(given) and all(self.shortened(prompt) in self._memory for prompt in given)

    def forget(self) -> None:
        """Give the remembered embeddings' memory back."""
        self._memory.clear()

    def shortened(self, prompt: Prompt) -> str:
        """The prompt's text as both tokenizers can hold it, cut at words, `keep` surviving first."""
        return cut(prompt.text, prompt.keep, fits=self._fits)

    def _fits(self, text: str) -> bool:
        return all(len(t(text, verbose=False).input_ids) <= t.model_max_length for t in self.tokenizers)

    def _found(self, texts: list[str]) -> dict[str, TextState]:
        missing = [text for text in texts if text not in self._memory]
        self.hits += len(texts) - len(missing)
        self.misses += len(missing)
        found = {text: self._memory[text] for text in texts if text in self._memory}
        found |= self._encoded(missing) if missing else {}
        for text in texts:
            self._memory[text] = found[text]
            self._memory.move_to_end(text)
        while len(self._memory) > self.remembered:
            self._memory.popitem(last=False)
        return found

    def _encoded(self, texts: list[str]) -> dict[str, TextState]:
        with torch.no_grad():
            pairs = zip(self.tokenizers, self.encoders, strict=True)
            outputs = [_read(tokenizer, encoder, texts) for tokenizer, encoder in pairs]
        dtype = self.encoders[1].dtype
        hidden = torch.cat([output.hidden_states[-2] for output in outputs], dim=-1).to(dtype)
        pooled = outputs[1].text_embeds
        # Rows are copied out: a view would keep the whole batch alive for as long as one of them is remembered.
        return {text: TextState(hidden[i].clone(), pooled[i].clone()) for i, text in enumerate(texts)}


def _read(tokenizer: Any, encoder: Any, texts: list[str]) -> Any:
    length = tokenizer.model_max_length
    ids = tokenizer(texts, padding="max_length", max_length=length, truncation=True, return_tensors="pt").input_ids
    device = next(encoder.parameters()).device
    return encoder(ids.to(device), output_hidden_states=True)


def _stacked(states: list[TextState]) -> TextState:
    device = states[0].hidden.device  # encoders may have moved since another was remembered
    hidden = torch.stack([state.hidden.to(device) for state in states])
    return TextState(hidden, torch.stack([state.pooled.to(device) for state in states]))


def time_ids(width: int, height: int, rows: int, *, device: Any = None, dtype: Any = torch.float32) -> Tensor:
    """SDXL's size conditioning: original size, crop corner (0, 0) and target size, height before width.

    Args:
        width: of the picture in pixels.
        height: likewise.
        rows: how many pictures, guidance halves counted.
        device: of the result.
        dtype: of the result; sides that are multiples of 8 up to 2048 are exact in bf16 too.

    Returns:
        Shape (rows, 6).
    """
    ids = (height, width, 0, 0, height, width)
    return torch.tensor(ids, dtype=dtype, device=device).expand(rows, -1).contiguous()
