"""Entities over random trees of tags: the same text, the right characters, Telegram's rules of nesting, no crash, no wait."""

import html
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations, pairwise

import pytest
from aiogram.types import MessageEntity
from aiogram.utils.text_decorations import html_decoration
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot.playground.entities import formatted, parse_html
from bot.playground.nesting import QUOTES, STYLES, settled, span
from bot.playground.refusals import Refusal
from bot.playground.schema.check import utf16_length

TAGS = {
    "b": ("bold", ""),
    "strong": ("bold", ""),
    "i": ("italic", ""),
    "u": ("underline", ""),
    "del": ("strikethrough", ""),
    "tg-spoiler": ("spoiler", ""),
    "code": ("code", ""),
    "pre": ("pre", ""),
    "blockquote": ("blockquote", ""),
    "a": ("text_link", ' href="https://example.org/?a=1&amp;b=2"'),
    "tg-emoji": ("custom_emoji", ' emoji-id="5368324170671202286"'),
}
LITERAL = {"code", "pre"}
LINKING = LITERAL | {"text_link", "custom_emoji"}
# letters, astral signs, right-to-left text, joiners and what HTML must escape; nothing that is a command or a link
WORDS = st.text(st.sampled_from("ab学习😀👩‍🎨шא ب<>&\"'\u0301\u2067\u2069\n"), min_size=1, max_size=6)


@dataclass(frozen=True)
class Node:
    tag: str
    children: tuple["Node | str", ...]


TREES = st.recursive(
    WORDS,
    lambda inner: st.builds(Node, st.sampled_from(sorted(TAGS)), st.lists(inner, max_size=4).map(tuple)),
    max_leaves=14,
)
FORESTS = st.lists(TREES, max_size=4).map(lambda trees: Node("", tuple(trees)))


def rendered(node: Node | str) -> str:
    if isinstance(node, str):
        return html.escape(node)
    inside = "".join(map(rendered, node.children))
    return f"<{node.tag}{TAGS[node.tag][1]}>{inside}</{node.tag}>" if node.tag else inside


def painted(node: Node | str, over: frozenset[str] = frozenset()) -> Iterator[tuple[str, frozenset[str]]]:
    """Each character with the kinds of the tags around it."""
    if isinstance(node, str):
        yield from ((ch, over) for ch in node)
        return
    kinds = over | ({TAGS[node.tag][0]} if node.tag else set())
    for child in node.children:
        yield from painted(child, kinds)


def covered(text: str, entities: list[dict]) -> list[frozenset[str]]:
    """Per character, the kinds of the entities over it."""
    out, at = [], 0
    for ch in text:
        out.append(frozenset(e["type"] for e in entities if span(e)[0] <= at < span(e)[1]))
        at += utf16_length(ch)
    return out


def read(source: str) -> tuple[str, list[dict]]:
    """Parsed and settled, without what Telegram finds by itself or trims."""
    text, entities = parse_html(source)
    return text, settled(entities)


@given(FORESTS)
@example(Node("", (Node("b", ("😀", Node("i", ("学",)), "x")),)))
def test_a_tree_of_tags_comes_back_as_its_text_with_each_character_marked(tree):
    text, entities = parse_html(rendered(tree))
    expected = list(painted(tree))
    assert text == "".join(ch for ch, _ in expected)
    assert covered(text, entities) == [kinds for _, kinds in expected]


@given(FORESTS)
def test_offsets_are_utf16_units_inside_the_text(tree):
    text, entities = read(rendered(tree))
    units = text.encode("utf-16-le")
    for entity in entities:
        begin, end = span(entity)
        assert 0 <= begin < end <= len(units) // 2
        units[2 * begin : 2 * end].decode("utf-16-le")  # no half of a pair at either end


@given(FORESTS)
def test_styles_reach_every_character_outside_of_code(tree):
    text, entities = read(rendered(tree))
    for (_, wanted), got in zip(painted(tree), covered(text, entities), strict=True):
        assert got & set(STYLES) == (set() if got & LITERAL else wanted & set(STYLES))
        assert got <= wanted


@given(FORESTS)
def test_what_may_not_be_nested_is_not(tree):
    entities = read(rendered(tree))[1]
    for one, other in combinations(entities, 2):
        begin, end = span(other)
        assert span(one)[1] <= begin or end <= span(one)[1], "two entities cross"
    for group in (*({kind} for kind in STYLES), QUOTES, LINKING):
        assert all(span(a)[1] <= b["offset"] for a, b in pairwise(e for e in entities if e["type"] in group))
    quotes = [span(e) for e in entities if e["type"] in QUOTES]
    for begin, end in (span(e) for e in entities if e["type"] in LINKING):
        assert all(end <= first or last <= begin or (first <= begin and end <= last) for first, last in quotes)
    assert settled(entities) == entities


@given(FORESTS)
def test_aiograms_formatter_writes_the_same_entities_back(tree):
    text, entities = read(rendered(tree))
    back = html_decoration.unparse(text, [MessageEntity(**entity) for entity in entities])
    again, marked = read(back)
    assert again == text
    assert covered(again, marked) == covered(text, entities)


@given(FORESTS, st.sampled_from(["", " ", "\n ", "   "]), st.sampled_from(["", " ", " \n"]))
def test_white_space_goes_and_every_mark_stays_on_its_character(tree, before, after):
    text, entities = formatted(before + rendered(tree) + after, "HTML", None)
    assert text == text.strip()
    loose, marked = read(rendered(tree))
    lead = len(loose) - len(loose.lstrip())
    assert text == loose.strip()
    assert covered(text, entities) == covered(loose, marked)[lead : lead + len(text)]


SCRAPS = [
    "<",
    ">",
    "</",
    "/>",
    "b",
    "a",
    "pre",
    "span",
    "tg-emoji",
    " href",
    "=",
    '"',
    "'",
    "&",
    "&#",
    "&#x1F600;",
    "&lt",
    ";",
]
SCRAPS += ["<b>", "</b>", "</>", "<a href='x.org'>", "</a>", "</code>"]
SCRAPS += ['<code class="language-py">', "学", "😀", "\n", "\x00", " "]
BROKEN = st.lists(st.sampled_from(SCRAPS), max_size=24).map("".join)
SAYS = "Bad Request: can't parse entities: "


def said_of(source: str) -> str:
    """What a text is refused with; empty where it is taken, its entities in place."""
    try:
        text, entities = formatted(source, "HTML", None)
    except Refusal as refusal:
        return refusal.description
    total = utf16_length(text)
    assert all(0 <= e["offset"] < span(e)[1] <= total for e in entities)
    return ""


@settings(max_examples=300)
@given(BROKEN)
def test_broken_markup_is_refused_in_telegrams_words_and_never_breaks_us(source):
    said = said_of(source)
    assert said == "" or said.startswith(SAYS)
    if "byte offset" in said:
        place = said.partition("byte offset ")[2].split(",")[0]
        assert source.encode()[int(place) :].startswith(b"<")


@pytest.mark.parametrize(
    ("source", "entities"),
    [
        ("<b>x</b><b>y</b>", [("bold", 0, 2)]),
        ("<b>x<b>y</b></b>", [("bold", 0, 2)]),
        ("<b>a<code>x</code>b</b>", [("bold", 0, 1), ("code", 1, 1), ("bold", 2, 1)]),
        ("<b>a<i>b</i>c</b>", [("bold", 0, 1), ("bold", 1, 2), ("italic", 1, 1)]),
        ("<b>a</b><s><b>b</b>c</s>", [("bold", 0, 1), ("bold", 1, 1), ("strikethrough", 1, 2)]),
        ('<b>a<a href="x.org">b</a>c</b>', [("bold", 0, 1), ("bold", 1, 1), ("text_link", 1, 1), ("bold", 2, 1)]),
        ("<code><b>x</b>y</code>", [("code", 0, 2)]),
        ("<pre><i>x</i></pre>", [("pre", 0, 1)]),
        ("<pre><code>x</code></pre>", [("pre", 0, 1)]),
        ('<a href="x.org">y<code>z</code></a>', [("text_link", 0, 2)]),
        ('<code>y<a href="x.org">z</a></code>', [("code", 0, 2)]),
        ("<blockquote>x<blockquote>y</blockquote></blockquote>", [("blockquote", 0, 2)]),
        ("<code>x<blockquote>y</blockquote></code>", [("blockquote", 1, 1)]),
        ("<blockquote><b>x</b><code>y</code></blockquote>", [("blockquote", 0, 2), ("bold", 0, 1), ("code", 1, 1)]),
        ("<b><i><u>x</u></i></b>", [("bold", 0, 1), ("italic", 0, 1), ("underline", 0, 1)]),
        ('<b><tg-emoji emoji-id="5">👍</tg-emoji></b>', [("bold", 0, 2), ("custom_emoji", 0, 2)]),
        ("<i> x </i>y", [("italic", 0, 2)]),
        ("<i>  </i>y", []),
        ("<b>/write</b> x", [("bold", 0, 6), ("bot_command", 0, 6)]),
        ('<a href="x.org">/write</a>', [("text_link", 0, 6)]),
        ("&lt;b&gt;x&lt;/b&gt;", []),
        ("/write &lt;word&gt;", [("bot_command", 0, 6)]),
        ("שלום <b>עולם</b>", [("bold", 5, 4)]),
    ],
)
def test_who_may_lie_in_whom(source, entities):
    found = formatted(source, "HTML", None)[1]
    assert sorted((e["offset"], e["type"], e["length"]) for e in found) == sorted((o, t, n) for t, o, n in entities)


def test_what_telegram_finds_itself_is_not_taken_from_the_bot_twice():
    """A bot that sends a message's text and entities on sends its commands and hashtags too."""
    text, found = formatted("/write #学习 x", "", None)
    assert formatted(text, "", found) == (text, found)
    invented = [{"type": "hashtag", "offset": 0, "length": 1}, {"type": "bold", "offset": 0, "length": 1}]
    assert [e["type"] for e in formatted("x", "", invented)[1]] == ["bold"]


@given(st.lists(st.tuples(st.sampled_from([*STYLES, "code"]), st.integers(-3, 12), st.integers(0, 12)), max_size=6))
def test_entities_a_bot_gives_are_brought_into_the_text(given_ones):
    marked = [{"type": kind, "offset": offset, "length": length} for kind, offset, length in given_ones]
    text, entities = formatted("学习 😀 x", "", marked)
    assert all(0 <= e["offset"] < span(e)[1] <= utf16_length(text) for e in entities)
    assert settled(entities) == entities


LONG = {
    "commands": "/a " * 10_900,
    "hashtags": "#a " * 10_900,
    "mentions": "@abcd " * 5_400,
    "deep": "<b>" * 4_000 + "x" + "</b>" * 4_000,
    "code": "<code>/x</code>/y " * 1_800,
    "styles": "<b>x</b><code>y</code>" * 1_400,
    "attributes": "<a " + "b " * 16_000 + ">x</a>",
    "ampersands": "&" * 32_000,
    "blanks": "<b" + " " * 32_000,
}


@pytest.mark.parametrize("kind", LONG)
def test_the_longest_texts_are_read_at_once(kind):
    """Every text is read on the one thread that owns the state, so a slow one would stop everybody."""
    begun = time.process_time()
    said = said_of(LONG[kind])
    assert said == "" or said.startswith(SAYS)
    assert time.process_time() - begun < 2
