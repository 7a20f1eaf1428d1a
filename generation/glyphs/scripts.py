"""Which script a character, and a word, is written in. The data are HarfBuzz's own Unicode tables; knows no fonts."""

from __future__ import annotations

from collections import Counter
from functools import lru_cache

import uharfbuzz as hb

NO_SCRIPT = "Zyyy"
EAST_ASIAN = frozenset({"Hani", "Hira", "Kana", "Hang", "Bopo"})
"""Scripts set in a grid of squares: they break anywhere and may run down a column."""
_EAST_ASIAN_SIGNS = ((0x3000, 0x3040), (0x30FB, 0x30FD), (0xFF01, 0xFF66), (0x2E80, 0x3000))


@lru_cache(maxsize=4096)
def script_of_character(character: str) -> str | None:
    """ISO 15924 code of one character's script; None when it is common to many or inherits its base's."""
    buffer = hb.Buffer()
    buffer.add_str(character)
    buffer.guess_segment_properties()
    script: str | None = buffer.script
    return script


def script_of(word: str) -> str:
    """ISO 15924 code of most of the word's characters (`Hani`, `Arab`, `Latn`), `Zyyy` when none has one.

    The earlier script wins a tie, so 勉強する is `Hani`.
    """
    scripts = Counter(script for character in word if (script := script_of_character(character)))
    return scripts.most_common(1)[0][0] if scripts else NO_SCRIPT


def is_east_asian(grapheme: str) -> bool:
    """Whether a grapheme stands in the East Asian grid: ideographs, kana, hangul, bopomofo and their punctuation."""
    first = grapheme[0]
    if script_of_character(first) in EAST_ASIAN:
        return True
    return any(low <= ord(first) < high for low, high in _EAST_ASIAN_SIGNS)


def scripts_of(clusters: list[str]) -> list[str]:
    """The script each cluster is shaped as: its own, else that of the cluster before it, else of the one after."""
    own = [next(filter(None, map(script_of_character, cluster)), None) for cluster in clusters]
    first = next(filter(None, own), NO_SCRIPT)
    scripts: list[str] = []
    for script in own:
        scripts.append(script or (scripts[-1] if scripts else first))
    return scripts
