"""What is asked for: one word, its meaning, and how to paint it. Knows nothing of how that is done."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field

SMALLEST_SIDE_PX, LARGEST_SIDE_PX, SIDE_STEP_PX = 512, 1536, 64
DEFAULT_SIDE_PX = 1024
LARGEST_SEED = 2**32 - 1
KINDS = ("canny", "depth", "segmentation", "scribble")
WRITINGS = ("sans",)

Pairs = tuple[tuple[str, str], ...]
Weights = tuple[tuple[str, float], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PaintRequest:
    """One picture to paint. Hashable and picklable; two equal requests are the same picture.

    Attributes:
        word: what is written, normalised to NFC by `generation.glyphs.words.admit`.
        translation: its meaning in the learner's words; may be empty.
        language: BCP 47 tag of the word (`zh-Hans`, `ja`, `vi`); `und` when unknown.
        style: a name from `generation.styles.STYLES`.
        seed: 0 to 2**32 - 1; everything random derives from it.
        width: pixels, 512 to 1536 in steps of 64.
        height: pixels, likewise.
        steps: sampler steps, or None for the style's.
        guidance: classifier-free guidance, or None for the style's.
        weights: conditioning scale by kind where it differs from the style's, sorted by kind.
        methods: conditioning method by kind where one is named, sorted by kind.
        writing: how the glyphs are drawn, one of `WRITINGS`.
        prompt: a prompt template replacing the style's, or None.
    """

    word: str
    style: str
    seed: int
    translation: str = ""
    language: str = "und"
    width: int = DEFAULT_SIDE_PX
    height: int = DEFAULT_SIDE_PX
    steps: int | None = None
    guidance: float | None = None
    weights: Weights = ()
    methods: Pairs = ()
    writing: str = "sans"
    prompt: str | None = field(default=None)

    def parameters_hash(self) -> str:
        """SHA-256 (first 16 hex digits) over the parameters that have no column of their own in the cache key."""
        rest = [self.steps, self.guidance, self.weights, self.methods, self.writing, self.prompt]
        return hashlib.sha256(json.dumps(rest).encode()).hexdigest()[:16]


def first_seed(word: str, language: str) -> int:
    """The seed of a word's first picture: the first 32 bits of SHA-256 over the NFC word and its language.

    Everybody who asks for the same word shares that picture, so the cache works.
    """
    digest = hashlib.sha256(f"{word}\n{language}".encode()).digest()
    return int.from_bytes(digest[:4], "big")
