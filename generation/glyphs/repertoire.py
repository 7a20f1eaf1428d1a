"""The national character sets the font pack promises, read from Python's own codecs. Knows no fonts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache

_HAN_BLOCKS = ((0x4E00, 0x9FFF), (0x3400, 0x4DBF), (0xF900, 0xFAFF), (0x20000, 0x3FFFF))
_ROWS_94 = range(0xA1, 0xFF)


def _decoded(codec: str, leads: Iterable[int], trails: Iterable[int]) -> Iterator[str]:
    cells = list(trails)
    for lead in leads:
        for trail in cells:
            try:
                yield from bytes((lead, trail)).decode(codec)
            except UnicodeDecodeError:
                continue  # an empty cell of the code table


def is_han(character: str) -> bool:
    """Whether it is a unified or compatibility ideograph."""
    return any(first <= ord(character) <= last for first, last in _HAN_BLOCKS)


def _han(characters: Iterable[str]) -> frozenset[str]:
    return frozenset(filter(is_han, characters))


@lru_cache(maxsize=1)
def gb_2312() -> frozenset[str]:
    """The 6,763 ideographs of GB 2312, both levels."""
    return _han(_decoded("gb2312", _ROWS_94, _ROWS_94))


@lru_cache(maxsize=1)
def big5_level_1() -> frozenset[str]:
    """The 5,401 frequent ideographs of Big5: rows A4 to C6."""
    return _han(_decoded("big5", range(0xA4, 0xC7), (*range(0x40, 0x7F), *_ROWS_94)))


@lru_cache(maxsize=1)
def jis_x_0208() -> frozenset[str]:
    """The 6,355 kanji of JIS X 0208 levels 1 and 2, and the iteration mark."""
    return _han(_decoded("euc_jp", _ROWS_94, _ROWS_94)) | {"々"}


@lru_cache(maxsize=1)
def ks_x_1001_hangul() -> frozenset[str]:
    """The 2,350 hangul syllables of KS X 1001."""
    return frozenset(c for c in _decoded("euc_kr", _ROWS_94, _ROWS_94) if "가" <= c <= "힣")


@lru_cache(maxsize=1)
def ks_x_1001_hanja() -> frozenset[str]:
    """The hanja of KS X 1001, compatibility ideographs included."""
    return _han(_decoded("euc_kr", _ROWS_94, _ROWS_94))


@lru_cache(maxsize=1)
def kana() -> frozenset[str]:
    """Hiragana, katakana, their phonetic extensions and the prolonged sound mark."""
    blocks = (range(0x3041, 0x3097), range(0x309B, 0x3100), range(0x31F0, 0x3200), range(0xFF66, 0xFF9E))
    return frozenset(chr(code) for block in blocks for code in block)


@lru_cache(maxsize=1)
def east_asian_signs() -> frozenset[str]:
    """What stands beside ideographs: punctuation, bopomofo, jamo, full-width forms, basic Latin."""
    blocks = (
        range(0x20, 0x7F),
        range(0x3001, 0x3020),
        range(0x3030, 0x3040),
        range(0x3105, 0x3130),
        range(0x3131, 0x318F),
        range(0x31A0, 0x31C0),
        range(0xFF01, 0xFF66),
        (0x3000, 0xB7, 0x2014, 0x2018, 0x2019, 0x201C, 0x201D, 0x2026, 0x25CC),
    )
    return frozenset(chr(code) for block in blocks for code in block)


@lru_cache(maxsize=1)
def hangul() -> frozenset[str]:
    """All 11,172 modern hangul syllables, of which KS X 1001 names 2,350."""
    return frozenset(chr(code) for code in range(0xAC00, 0xD7A4))
