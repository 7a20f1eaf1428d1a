"""HTML to entities, against aiogram's own formatter and over arbitrary text."""

import contextlib
import html

import pytest
from aiogram.types import MessageEntity
from aiogram.utils.text_decorations import html_decoration
from hypothesis import given
from hypothesis import strategies as st

from bot.playground.entities import find_entities, formatted, parse_html
from bot.playground.refusals import Refusal
from bot.playground.schema.check import utf16_length

plain = st.text(st.characters(exclude_categories=["Cs"]), max_size=200)


@pytest.mark.parametrize(
    ("source", "text", "entities"),
    [
        ("<b>学习</b>", "学习", [("bold", 0, 2)]),
        ("😀<i>x</i>", "😀x", [("italic", 2, 1)]),
        ("<B>x</b>", "x", [("bold", 0, 1)]),
        ("<strong><em>x</em>y</strong>", "xy", [("bold", 0, 2), ("italic", 0, 1)]),
        (
            "<u>a</u><s>b</s><del>c</del><ins>d</ins>",
            "abcd",
            [("underline", 0, 1), ("strikethrough", 1, 1), ("strikethrough", 2, 1), ("underline", 3, 1)],
        ),
        ("<tg-spoiler>x</tg-spoiler>", "x", [("spoiler", 0, 1)]),
        ('<span class="tg-spoiler">x</span>', "x", [("spoiler", 0, 1)]),
        ("<code>x</code>", "x", [("code", 0, 1)]),
        ("<pre>x</pre>", "x", [("pre", 0, 1)]),
        ("<blockquote>x</blockquote>", "x", [("blockquote", 0, 1)]),
        ("<blockquote expandable>x</blockquote>", "x", [("expandable_blockquote", 0, 1)]),
        ("a<b></b>", "a", []),
        ("&lt;&gt;&amp;&quot;&#39;&#x5B66;", "<>&\"'学", []),
        ("&nbsp; &unknown; & &#0;", "&nbsp; &unknown; & &#0;", []),
        ("<b>x</>", "x", [("bold", 0, 1)]),
    ],
)
def test_tags(source, text, entities):
    got, found = parse_html(source)
    assert (got, [(e["type"], e["offset"], e["length"]) for e in found]) == (text, entities)


def test_arguments():
    assert parse_html('<a href="https://x.y/?a=1&amp;b">l</a>')[1][0]["url"] == "https://x.y/?a=1&b"
    assert parse_html("<a href='x.org'>l</a>")[1][0]["url"] == "http://x.org"
    assert parse_html('<a href="javascript:x">l</a>')[1] == []
    assert parse_html('<a href="tg://user?id=7">l</a>')[1][0]["user"]["id"] == 7
    assert parse_html('<pre><code class="language-python">x</code></pre>')[1] == [
        {"type": "pre", "offset": 0, "length": 1, "language": "python"}
    ]
    assert parse_html('<tg-emoji emoji-id="5">x</tg-emoji>')[1][0]["custom_emoji_id"] == "5"


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("<b>x", 'Can\'t find end tag corresponding to start tag "b"'),
        ("x</b>", "Unexpected end tag at byte offset 1"),
        ("学<b>x</i>", 'Unmatched end tag at byte offset 7, expected "</b>", found "</i>"'),
        ("学习<foo>", 'Unsupported start tag "foo" at byte offset 6'),
        ("3 < 4", 'Unsupported start tag "" at byte offset 2'),
        ("<b", "Unclosed start tag at byte offset 0"),
        ("<a href", 'Unclosed start tag "a" at byte offset 0'),
        ("<b>x</b", "Unclosed end tag at byte offset 4"),
        ("<span>x</span>", 'Tag "span" must have class "tg-spoiler" at byte offset 0'),
        ('<tg-emoji emoji-id="x">x</tg-emoji>', "Invalid custom emoji identifier specified"),
    ],
)
def test_refusals_in_telegrams_words(source, said):
    with pytest.raises(Refusal) as refusal:
        parse_html(source)
    assert refusal.value.description == f"Bad Request: can't parse entities: {said}"


@given(plain)
def test_escaped_text_comes_back_as_it_was(text):
    assert parse_html(html.escape(text, quote=False)) == (text, [])


@given(
    st.lists(st.tuples(st.sampled_from(["b", "i", "u", "s", "code"]), plain.filter(str.strip)), min_size=1, max_size=5)
)
def test_entities_agree_with_aiograms_formatter(pieces):
    source = "".join(f"<{tag}>{html.escape(text, quote=False)}</{tag}>" for tag, text in pieces)
    text, entities = parse_html(source)
    back = html_decoration.unparse(text, [MessageEntity(**entity) for entity in entities])
    assert parse_html(back) == (text, entities)
    assert all(e["offset"] + e["length"] <= utf16_length(text) for e in entities)


@given(st.text("<>/=\"'& abip学\n", max_size=60))
def test_any_markup_is_parsed_or_refused(source):
    with contextlib.suppress(Refusal):
        text, entities = formatted(source, "HTML", None)
        assert all(0 <= e["offset"] < e["offset"] + e["length"] <= utf16_length(text) for e in entities)


def test_white_space_around_goes_and_entities_move_along():
    assert formatted("  <b> x </b> ", "HTML", None) == ("x", [{"type": "bold", "offset": 0, "length": 1}])


def test_what_telegram_finds_by_itself():
    text = "/write@some_bot #学习 @anna_b https://example.org/a?b, /x"
    found = [(e["type"], text[e["offset"] : e["offset"] + e["length"]]) for e in find_entities(text)]
    assert found == [
        ("bot_command", "/write@some_bot"),
        ("hashtag", "#学习"),
        ("mention", "@anna_b"),
        ("url", "https://example.org/a?b"),
        ("bot_command", "/x"),
    ]
    assert find_entities("a/b and x@y") == []
    assert formatted("<code>/x</code>", "HTML", None)[1] == [{"type": "code", "offset": 0, "length": 2}]


def test_broken_unicode_and_other_modes():
    with pytest.raises(Refusal, match="UTF-8"):
        formatted("\ud800", "", None)
    with pytest.raises(Refusal, match="unsupported parse_mode"):
        formatted("x", "BBCode", None)
    given_entities = [{"type": "bold", "offset": 1, "length": 50}]
    assert formatted("xyz", "", given_entities) == ("xyz", [{"type": "bold", "offset": 1, "length": 2}])
