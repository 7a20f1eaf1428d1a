"""Which font draws which cluster: the vendored pack first, then the operator's folders, then the system.

Knows files and coverage; knows no layout. A font is chosen by its character map and believed only after shaping.
"""

from __future__ import annotations

import json
import logging
import os
import threading
import unicodedata
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path

from generation.contracts.errors import BrokenText, MissingGlyph, WordRefused
from generation.glyphs.typefaces import Typeface, open_typefaces
from generation.glyphs.words import code_of

log = logging.getLogger(__name__)
PACK = Path(__file__).parent / "fonts"
SYSTEM_FOLDERS = (
    Path("/usr/share/fonts"),
    Path("/usr/local/share/fonts"),
    Path("~/.local/share/fonts"),
    Path("~/.fonts"),
    Path("/System/Library/Fonts"),
    Path("/Library/Fonts"),
)
_ENDINGS = (".ttf", ".otf", ".ttc", ".otc")
_MOST_FILES = 4000
_MOST_REMEMBERED = 50_000
_NO_PLACE = "the font folders hold more than %d files; the rest of %s is not looked at"


class FontBook:
    """Opens fonts when they are first needed and remembers which one draws what. May be shared by threads.

    Args:
        extra_folders: the operator's fonts, asked after the pack and before the system's.
        system: whether the machine's own fonts are the last resort.
    """

    def __init__(self, extra_folders: Sequence[Path] = (), *, system: bool = True) -> None:
        self._folders = (*extra_folders, *(SYSTEM_FOLDERS if system else ()))
        self._lock = threading.RLock()
        self._by_script: dict[str, Typeface] = {}
        self._pack: list[Typeface] = []
        self._further: list[Typeface] = []
        self._unopened: Iterator[Typeface] = self._outside_pack()
        self._chosen: dict[tuple[str, str, str], Typeface] = {}

    def typeface_for(self, cluster: str, *, script: str, language: str) -> Typeface:
        """The font that draws a grapheme cluster.

        Args:
            cluster: one grapheme.
            script: ISO 15924 code it is shaped as.
            language: BCP 47 tag.

        Raises:
            MissingGlyph: no font has one of its characters; the error names it.
            BrokenText: a combining mark has no base to stand on.
        """
        key = cluster, script, language
        with self._lock:
            chosen = self._chosen.get(key)
            if chosen is None:
                chosen = self._choose(cluster, script, language)
                if len(self._chosen) >= _MOST_REMEMBERED:
                    self._chosen.clear()
                self._chosen[key] = chosen
        return chosen

    def pack(self) -> tuple[Typeface, ...]:
        """The vendored typefaces."""
        with self._lock:
            return tuple(self._opened_pack())

    def _choose(self, cluster: str, script: str, language: str) -> Typeface:
        orphan: str | None = None
        for typeface in self._candidates(script):
            if not typeface.covers(cluster) or not typeface.draws(cluster, language):
                continue
            if not typeface.orphans(cluster, language):
                return typeface
            orphan = cluster[0]
        if orphan:
            raise BrokenText(code=code_of(orphan))
        raise self._refusal(cluster)

    def _candidates(self, script: str) -> Iterator[Typeface]:
        pack = self._opened_pack()
        native = self._by_script.get(script)
        if native:
            yield native
        yield from (typeface for typeface in pack if typeface is not native)
        yield from self._opened_further()

    def _opened_pack(self) -> list[Typeface]:
        if not self._pack:
            for file, scripts in _manifest():
                (typeface,) = open_typefaces(PACK / file)
                self._pack.append(typeface)
                self._by_script.update(dict.fromkeys(scripts, typeface))
        return self._pack

    def _opened_further(self) -> Iterator[Typeface]:
        """Fonts outside the pack, opened one by one as the search goes on and kept."""
        for place in range(_MOST_FILES * 64):
            if place == len(self._further):
                following = next(self._unopened, None)
                if following is None:
                    return
                self._further.append(following)
            yield self._further[place]

    def _outside_pack(self) -> Iterator[Typeface]:
        for folder in self._folders:
            for path in _font_files(folder.expanduser()):
                yield from open_typefaces(path)

    def _refusal(self, cluster: str) -> WordRefused:
        """Name the character no font draws; where each is drawn alone, the mark that does not belong on its base."""
        opened = (*self._pack, *self._further)
        lacking = next((c for c in cluster if not any(t.covers(c) and t.draws(c, "und") for t in opened)), None)
        if lacking is None:
            return BrokenText(code=code_of(cluster[-1]))
        return MissingGlyph(character=lacking, code=code_of(lacking), name=name_of(lacking))


def name_of(character: str) -> str:
    """A character's Unicode name, or what can be said of one that this Python does not know yet."""
    return unicodedata.name(character, "UNNAMED CHARACTER")


@lru_cache(maxsize=1)
def default_fontbook() -> FontBook:
    """The process's font book for callers that bring none: the pack, then the system."""
    return FontBook()


def _manifest() -> list[tuple[str, list[str]]]:
    rows = json.loads((PACK / "pack.json").read_text(encoding="utf-8"))["fonts"]
    return [(row["file"], row["scripts"]) for row in rows]


def _font_files(folder: Path) -> list[Path]:
    """Font files below a folder, upright bold ones first because a picture needs weight, then by path.

    Links to folders are not followed, so a loop cannot hold the search.
    """
    found: list[Path] = []
    for place, folders, names in os.walk(folder, onerror=_log_unreadable):
        folders.sort()
        found += (Path(place, name) for name in sorted(names) if name.lower().endswith(_ENDINGS))
        if len(found) > _MOST_FILES:
            log.warning(_NO_PLACE, _MOST_FILES, folder)
            break
    return sorted(found[:_MOST_FILES], key=_rank)


def _log_unreadable(error: OSError) -> None:
    if not isinstance(error, FileNotFoundError):
        log.warning("font folder skipped: %s", error)


def _rank(path: Path) -> tuple[bool, bool, bool, str]:
    name = path.stem.lower()
    return "italic" in name or "oblique" in name, "mono" in name, "bold" not in name, str(path)
