"""Which entities may lie in which, as Telegram settles it before a message is sent; knows entities, not markup.

The rules are the Bot API's: bold, italic and the like can contain and be part of anything but code; quotes hold no
quotes; links and code hold none of each other. The choices are those of TDLib's ``fix_entities`` (MessageEntity.cpp):
of two that may not lie in each other the earlier and longer one stays, and a style is cut where another entity begins
or a link, quote or code ends, so that no two cross.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Any

Entity = dict[str, Any]
Span = tuple[int, int]

STYLES = ("bold", "italic", "underline", "strikethrough", "spoiler")
QUOTES = frozenset({"blockquote", "expandable_blockquote"})
_LITERAL = frozenset({"code", "pre"})
_ORDER = {"blockquote": 0, "expandable_blockquote": 0, "pre": 1, "code": 2, "text_link": 3, "text_mention": 3}
_ORDER |= {kind: 5 + index for index, kind in enumerate((*STYLES, "custom_emoji"))}
_FOUND = 4  # commands, mentions, links and the like


def span(entity: Entity) -> Span:
    """Where an entity begins and ends, in UTF-16 units."""
    return entity["offset"], entity["offset"] + entity["length"]


def sort_entities(entities: Iterable[Entity]) -> list[Entity]:
    """By offset, the longer first, quotes before code before links before styles."""
    return sorted(entities, key=lambda e: (e["offset"], -e["length"], _ORDER.get(e["type"], _FOUND)))


def settled(entities: Iterable[Entity]) -> list[Entity]:
    """The entities with what may not be nested left out, and styles joined and cut so that they nest.

    Args:
        entities: With offsets inside the text, none empty.
    """
    ordered = sort_entities(entities)
    quotes = _apart(e for e in ordered if e["type"] in QUOTES)
    whole = _apart(e for e in ordered if e["type"] not in QUOTES and e["type"] not in STYLES)
    whole = [e for e in whole if not any(_crosses(span(e), span(quote)) for quote in quotes)]
    return sort_entities([*quotes, *whole, *_styles(ordered, [*quotes, *whole])])


def _apart(entities: Iterable[Entity]) -> list[Entity]:
    """Those that begin where the one before has ended; the others are dropped."""
    out: list[Entity] = []
    for entity in entities:
        if not out or entity["offset"] >= span(out[-1])[1]:
            out.append(entity)
    return out


def _crosses(inner: Span, outer: Span) -> bool:
    """Whether a stretch has a part inside another one and a part outside."""
    apart = inner[1] <= outer[0] or outer[1] <= inner[0]
    return not apart and not (outer[0] <= inner[0] and inner[1] <= outer[1])


def _styles(ordered: list[Entity], others: list[Entity]) -> Iterator[Entity]:
    """The styles: joined with their own kind, cut where something begins or another entity ends, none in code."""
    joined = {kind: _joined(span(e) for e in ordered if e["type"] == kind) for kind in STYLES}
    starts = {begin for stretches in joined.values() for begin, _ in stretches}
    cuts = sorted(starts.union(*map(span, others)))
    literal = sorted(span(e) for e in others if e["type"] in _LITERAL)
    ends = [end for _, end in literal]
    for kind, stretches in joined.items():
        for begin, end in stretches:
            inside = cuts[bisect_right(cuts, begin) : bisect_left(cuts, end)]
            for first, last in pairwise([begin, *inside, end]):
                behind = bisect_right(ends, first)
                if behind == len(literal) or literal[behind][0] >= last:
                    yield {"type": kind, "offset": first, "length": last - first}


def _joined(spans: Iterable[Span]) -> list[Span]:
    """Stretches in order, those that touch or overlap made one."""
    out: list[Span] = []
    for begin, end in spans:
        if out and begin <= out[-1][1]:
            out[-1] = (out[-1][0], max(end, out[-1][1]))
        else:
            out.append((begin, end))
    return out
