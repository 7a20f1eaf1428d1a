"""Text to embeddings: equal to stock, remembered, and never longer than both encoders can read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
import torch
from diffusers import StableDiffusionXLPipeline
from hypothesis import given, settings
from hypothesis import strategies as st

from generation.diffusion.measuring import tiny
from generation.diffusion.text import Prompt, TextEncoders, time_ids

pytestmark = pytest.mark.diffusion

WORDY = "a long winter evening by the window, " * 8


@pytest.fixture(scope="module")
def parts() -> Any:
    return tiny.models("multi")


@pytest.fixture
def encoders(parts: Any) -> TextEncoders:
    return fresh(parts)


def fresh(parts: Any, **options: Any) -> TextEncoders:
    return TextEncoders(*parts.text.tokenizers, *parts.text.encoders, **options)


@pytest.fixture(scope="module")
def stock(parts: Any) -> StableDiffusionXLPipeline:
    (tokenizer, tokenizer_2), (encoder, encoder_2) = parts.text.tokenizers, parts.text.encoders
    return StableDiffusionXLPipeline(
        vae=parts.vae,
        text_encoder=encoder,
        text_encoder_2=encoder_2,
        tokenizer=tokenizer,
        tokenizer_2=tokenizer_2,
        unet=parts.unet,
        scheduler=None,
        add_watermarker=False,
    )


class Counting:
    """How many texts each run of the second encoder had, while it is open."""

    def __init__(self, encoders: TextEncoders) -> None:
        self.batches: list[int] = []
        self._encoder = encoders.encoders[1]

    def __enter__(self) -> list[int]:
        self._hook = self._encoder.register_forward_hook(
            lambda _module, args, _output: self.batches.append(args[0].shape[0])
        )
        return self.batches

    def __exit__(self, *_: object) -> None:
        self._hook.remove()


def encode(encoders: TextEncoders, *texts: str | None) -> Any:
    return encoders.encode([None if text is None else Prompt(text) for text in texts])


@pytest.mark.parametrize("negative", ["photo, blurry", "", None])
def test_it_is_stocks_encode_prompt(encoders: TextEncoders, stock: StableDiffusionXLPipeline, negative: str | None):
    texts = ["a quiet mountain", "学习, study"]
    theirs = stock.encode_prompt(texts, device="cpu", negative_prompt=None if negative is None else [negative] * 2)
    positive, negatives = encode(encoders, *texts), encode(encoders, negative, negative, *texts)
    # Stock encodes the two apart, and a batch's size moves the last bits of a matrix product.
    close = {"rtol": 0, "atol": 1e-6}
    torch.testing.assert_close(positive.hidden, theirs[0], **close)
    torch.testing.assert_close(positive.pooled, theirs[2], **close)
    torch.testing.assert_close(negatives.hidden[:2], theirs[1], **close)
    torch.testing.assert_close(negatives.pooled[:2], theirs[3], **close)


def test_one_text_alone_equals_stock_to_the_last_bit(encoders: TextEncoders, stock: StableDiffusionXLPipeline):
    theirs = stock.encode_prompt("a red boat", device="cpu", do_classifier_free_guidance=False)
    ours = encode(encoders, "a red boat")
    assert torch.equal(ours.hidden, theirs[0])
    assert torch.equal(ours.pooled, theirs[2])


def test_shapes(encoders: TextEncoders):
    state = encode(encoders, "one", "two", "three")
    assert state.hidden.shape == (3, 77, 64)
    assert state.pooled.shape == (3, 32)


def test_no_prompt_is_zeros_and_an_empty_one_is_not(encoders: TextEncoders):
    nothing, empty = encode(encoders, None), encode(encoders, "")
    assert not nothing.hidden.any()
    assert not nothing.pooled.any()
    assert empty.hidden.any()


def test_prompts_that_differ_embed_differently(encoders: TextEncoders):
    state = encode(encoders, "a cat", "a bat")
    assert float((state.hidden[0] - state.hidden[1]).abs().max()) > 1e-3
    assert float((state.pooled[0] - state.pooled[1]).abs().max()) > 1e-3


def test_a_text_is_encoded_once_and_the_rest_in_one_batch(encoders: TextEncoders):
    with Counting(encoders) as batches:
        first = encode(encoders, "bad", "bad", "a", "b", "a")
        again = encode(encoders, "bad", "c", "a", "d")
    assert batches == [3, 2]
    assert (encoders.hits, encoders.misses) == (2, 5)
    assert torch.equal(again.hidden[0], first.hidden[1])
    assert torch.equal(again.pooled[2], first.pooled[4])


def test_everything_remembered_runs_no_encoder(encoders: TextEncoders):
    prompts = [Prompt("one"), None, Prompt("two")]
    assert not encoders.remembers(prompts)
    encoders.encode(prompts)
    with Counting(encoders) as batches:
        assert encoders.remembers(prompts)
        encoders.encode(prompts)
    assert batches == []
    encoders.forget()
    assert not encoders.remembers(prompts)


def test_the_one_not_used_for_longest_is_forgotten_first(parts: Any):
    encoders = fresh(parts, remembered=2)
    encode(encoders, "one", "two")
    encode(encoders, "one")
    encode(encoders, "three")
    assert encoders.remembers([Prompt("one"), Prompt("three")])
    assert not encoders.remembers([Prompt("two")])


def test_a_batch_larger_than_the_memory_still_comes_out(parts: Any):
    encoders = fresh(parts, remembered=1)
    texts = ["one", "two", "three"]
    together = encode(encoders, *texts)
    for row, text in enumerate(texts):
        torch.testing.assert_close(together.hidden[row], encode(encoders, text).hidden[0], rtol=0, atol=1e-6)


def test_a_remembered_text_does_not_keep_its_batch_alive(encoders: TextEncoders):
    encode(encoders, *(f"text {number}" for number in range(6)))
    (state, *_others) = encoders._memory.values()
    assert state.hidden.untyped_storage().nbytes() == 77 * 64 * 4
    assert not state.hidden.requires_grad


def test_changing_the_answer_does_not_change_the_memory(encoders: TextEncoders):
    encode(encoders, "calm").hidden.zero_()
    assert encode(encoders, "calm").hidden.any()


def test_nobody_in_the_batch_notices_the_others(encoders: TextEncoders, parts: Any):
    together = encode(encoders, "alone", WORDY, "other")
    torch.testing.assert_close(together.hidden[0], encode(fresh(parts), "alone").hidden[0], rtol=0, atol=1e-6)


def tokens(encoders: TextEncoders, text: str) -> Sequence[int]:
    return [len(tokenizer(text, verbose=False).input_ids) for tokenizer in encoders.tokenizers]


@settings(max_examples=60, deadline=None)
@given(text=st.text(max_size=400), keep=st.lists(st.text(max_size=60), max_size=2))
def test_any_text_fits_both_tokenizers(parts: Any, text: str, keep: list[str]):
    short = parts.text.shortened(Prompt(text, tuple(keep)))
    assert max(tokens(parts.text, short)) <= 77


@settings(max_examples=40, deadline=None)
@given(
    word=st.sampled_from(["学习", "мир", "ありがとう", "مرحبا", "Brücke"]),
    meaning=st.lists(st.sampled_from(["to", "study", "hard", "river", "peace"]), min_size=1, max_size=3),
    clauses=st.lists(st.sampled_from(["bold ink", "pale wash", "soft light", "wide sky"]), min_size=6, max_size=20),
)
def test_word_and_meaning_survive_in_the_tokens(parts: Any, word: str, meaning: list[str], clauses: list[str]):
    told = " ".join(meaning)
    text = f"A picture of {told}, along {word}, {', '.join(clauses)}"
    short = parts.text.shortened(Prompt(text, (word, told)))
    assert max(tokens(parts.text, short)) <= 77
    assert word in short
    assert told in short


def test_a_short_prompt_is_not_touched(encoders: TextEncoders):
    text = "A  picture,   of the sea ,"
    assert encoders.shortened(Prompt(text)) == text


def test_the_narrower_tokenizer_decides(parts: Any):
    narrow = tiny.models("multi").text.tokenizers[1]
    narrow.model_max_length = 20
    encoders = TextEncoders(parts.text.tokenizers[0], narrow, *parts.text.encoders)
    short = encoders.shortened(Prompt("one two three four five six"))
    assert max(tokens(encoders, short)) <= 20
    assert short == "one two three four"


def test_a_long_prompt_is_encoded_as_its_cut_self(encoders: TextEncoders):
    prompt = Prompt(f"{WORDY} 学习", ("学习",))
    assert torch.equal(encoders.encode([prompt]).hidden, encode(encoders, encoders.shortened(prompt)).hidden)
    assert encoders.misses == 1


def test_the_result_has_the_encoders_precision():
    encoders = tiny.models("multi", dtype=torch.bfloat16).text
    state = encode(encoders, "half", None)
    assert state.hidden.dtype == state.pooled.dtype == torch.bfloat16


def test_meta_gives_shapes():
    state = encode(tiny.models("multi", device="meta").text, "nowhere", None)
    assert state.hidden.is_meta
    assert state.hidden.shape == (2, 77, 64)


def test_sizes_are_stocks(stock: StableDiffusionXLPipeline):
    size = (768, 1344)
    # `_get_add_time_ids` is where stock lays the six numbers out.
    theirs = stock._get_add_time_ids(size, (0, 0), size, torch.float32, text_encoder_projection_dim=32)
    ours = time_ids(width=1344, height=768, rows=3)
    assert torch.equal(ours, theirs.repeat(3, 1))


def test_sizes_are_exact_in_bf16():
    for side in range(512, 1537, 64):
        ids = time_ids(side, side, 1, dtype=torch.bfloat16)
        assert ids[0, 0].item() == side
