"""Text and its entities: HTML as Telegram reads it, and the links and commands it finds by itself.

Knows the rules of TDLib's ``parse_html`` and ``find_entities`` (td/telegram/MessageEntity.cpp), offsets in UTF-16 units
and error positions in UTF-8 bytes; knows nothing of messages.
"""

import re
import sys
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from bot.playground.nesting import settled, sort_entities, span
from bot.playground.refusals import Refusal, bad
from bot.playground.schema.check import utf16_length

Entity = dict[str, Any]

_KINDS = {
    "b": "bold",
    "strong": "bold",
    "i": "italic",
    "em": "italic",
    "u": "underline",
    "ins": "underline",
    "s": "strikethrough",
    "strike": "strikethrough",
    "del": "strikethrough",
    "tg-spoiler": "spoiler",
    "span": "spoiler",
    "code": "code",
    "pre": "pre",
    "blockquote": "blockquote",
    "a": "text_link",
    "tg-emoji": "custom_emoji",
}
_NAMED = {"lt": "<", "gt": ">", "amp": "&", "quot": '"'}
_REFERENCE = re.compile(r"&(?:#x([0-9a-fA-F]{1,6})|#([0-9]{1,7})|([a-zA-Z]+));?")
_NAME = re.compile(r"[^\s>]*")
_ATTRIBUTE = re.compile(r"\s*([^\s=>/\"']+)(?:\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([A-Za-z0-9.\-]+)(?=[\s>])))?")
_FOUND = re.compile(
    r"(?P<url>https?://[^\s<>\"]+[^\s<>\".,!?;:)])"
    r"|(?<![\w/<>])(?P<bot_command>/[A-Za-z0-9_]{1,64}(?:@[A-Za-z0-9_]{3,32})?)(?![\w/<>])"
    r"|(?<![\w@])(?P<mention>@[A-Za-z]\w{3,31})(?!\w)"
    r"|(?<!\w)(?P<hashtag>#[^\W_]\w*)"
)
_LITERAL = {"code", "pre", "text_link", "text_mention", "custom_emoji"}
_GIVEN = {*_KINDS.values(), "expandable_blockquote", "text_mention"}  # the others Telegram finds by itself
_MAX_SOURCE = 2**15  # bytes before parsing, as the Bot API server limits it
_USER_LINK = re.compile(r"tg://user\?id=(\d+)")


@dataclass
class _Open:
    tag: str
    argument: str
    offset: int
    start: int


@dataclass
class _Reading:
    """Where the reader is: the source, the text so far and its length, open tags, entities closed."""

    source: str
    at: int = 0
    text: list[str] = field(default_factory=list)
    length: int = 0
    stack: list[_Open] = field(default_factory=list)
    entities: list[Entity] = field(default_factory=list)

    def put(self, piece: str) -> None:
        self.text.append(piece)
        self.length += utf16_length(piece)

    def wrong(self, what: str, begin: int, after: str = "") -> Refusal:
        offset = len(self.source[:begin].encode("utf-8", "surrogatepass"))
        return bad(f"can't parse entities: {what} at byte offset {offset}{after}")


def parse_html(source: str) -> tuple[str, list[Entity]]:
    """Telegram's HTML to plain text and entities.

    Args:
        source: Text with tags of Telegram's small set.

    Returns:
        The text, and its entities sorted by offset (UTF-16 units).

    Raises:
        Refusal: ``can't parse entities: ...`` in Telegram's words.
    """
    reading = _Reading(source)
    while reading.at < len(source):
        stop = next((i for i in range(reading.at, len(source)) if source[i] in "<&"), len(source))
        reading.put(source[reading.at : stop])
        reading.at = stop
        if stop < len(source):
            _read_reference(reading) if source[stop] == "&" else _read_tag(reading)
    if reading.stack:
        tag = reading.stack[-1].tag
        raise bad(f"can't parse entities: Can't find end tag corresponding to start tag \"{tag}\"")
    return "".join(reading.text), sort_entities(map(_cleaned, reading.entities))


def _decode(match: re.Match[str]) -> str | None:
    """The character a reference stands for; None where Telegram leaves it as it is."""
    hexadecimal, decimal, name = match.groups()
    if name:
        return _NAMED.get(name)
    code = int(hexadecimal, 16) if hexadecimal else int(decimal)
    return None if code == 0 or code >= sys.maxunicode or _is_surrogate(chr(code)) else chr(code)


def _is_surrogate(ch: str) -> bool:
    return "\ud800" <= ch <= "\udfff"


def _unescape(value: str) -> str:
    return _REFERENCE.sub(lambda match: _decode(match) or match[0], value)


def _read_reference(reading: _Reading) -> None:
    match = _REFERENCE.match(reading.source, reading.at)
    decoded = _decode(match) if match else None
    if match is None or decoded is None:
        reading.put("&")
        reading.at += 1
        return
    reading.put(decoded)
    reading.at = match.end()


def _read_tag(reading: _Reading) -> None:
    if reading.source.startswith("</", reading.at):
        _close_tag(reading)
    else:
        _open_tag(reading)


def _open_tag(reading: _Reading) -> None:
    begin, source = reading.at, reading.source
    name = _NAME.match(source, begin + 1)
    assert name is not None  # the pattern matches the empty text too
    if name.end() == len(source):
        raise reading.wrong("Unclosed start tag", begin)
    tag = name[0].lower()
    if tag not in _KINDS:
        raise reading.wrong(f'Unsupported start tag "{tag}"', begin)
    attributes, reading.at = _attributes(reading, tag, begin, name.end())
    if tag == "span" and attributes.get("class") != "tg-spoiler":
        raise reading.wrong('Tag "span" must have class "tg-spoiler"', begin)
    reading.stack.append(_Open(tag, _argument(tag, attributes), reading.length, len(reading.text)))


def _attributes(reading: _Reading, tag: str, begin: int, at: int) -> tuple[dict[str, str], int]:
    """The tag's attributes and the place behind its ``>``."""
    found: dict[str, str] = {}
    source = reading.source
    while True:
        rest = source[at:].lstrip()
        if not rest:
            raise reading.wrong(f'Unclosed start tag "{tag}"', begin)
        if rest[0] == ">":
            return found, len(source) - len(rest) + 1
        match = _ATTRIBUTE.match(source, at)
        if match is None:
            raise reading.wrong(f'Empty attribute name in the tag "{tag}"', begin)
        if match.end() >= len(source):
            valued = "=" in match[0]
            raise reading.wrong("Unclosed start tag" if valued else f'Unclosed start tag "{tag}"', begin)
        found[match[1]] = _unescape(match[2] or match[3] or (match[4] or "").lower())
        at = match.end()


def _argument(tag: str, attributes: dict[str, str]) -> str:
    if tag == "a":
        return attributes.get("href", "")
    if tag == "code":
        language = attributes.get("class", "")
        return language.removeprefix("language-") if language.startswith("language-") else ""
    if tag == "blockquote":
        return "1" if "expandable" in attributes else ""
    return attributes.get("emoji-id", "") if tag == "tg-emoji" else ""


def _close_tag(reading: _Reading) -> None:
    begin, source = reading.at, reading.source
    if not reading.stack:
        raise reading.wrong("Unexpected end tag", begin)
    name = _NAME.match(source, begin + 2)
    assert name is not None  # the pattern matches the empty text too
    rest = source[name.end() :].lstrip()
    if not rest.startswith(">"):
        raise reading.wrong("Unclosed end tag", begin)
    opened = reading.stack.pop()
    tag = name[0].lower()
    if tag and tag != opened.tag:
        raise reading.wrong("Unmatched end tag", begin, f', expected "</{opened.tag}>", found "</{tag}>"')
    reading.at = len(source) - len(rest) + 1
    if reading.length > opened.offset:
        _add(reading, opened)


def _add(reading: _Reading, opened: _Open) -> None:
    """Turns a closed tag into its entity; ``<pre><code class="language-x">`` becomes one."""
    entity: Entity = {
        "type": _KINDS[opened.tag],
        "offset": opened.offset,
        "length": reading.length - opened.offset,
    }
    last = reading.entities[-1] if reading.entities else {}
    same = (last.get("offset"), last.get("length")) == (entity["offset"], entity["length"])
    if opened.tag == "pre" and same and last.get("type") == "code" and last.get("language"):
        last["type"] = "pre"
        return
    if opened.tag == "code" and same and last.get("type") == "pre" and opened.argument:
        last["language"] = opened.argument
        return
    reading.entities.extend(_with_argument(entity, opened, "".join(reading.text[opened.start :])))


def _with_argument(entity: Entity, opened: _Open, covered: str) -> Iterable[Entity]:
    if opened.tag == "a":
        return _link(entity, opened.argument or covered)
    if opened.tag == "code" and opened.argument:
        return [entity | {"language": opened.argument}]
    if opened.tag == "blockquote" and opened.argument:
        return [entity | {"type": "expandable_blockquote"}]
    if opened.tag == "tg-emoji":
        if not opened.argument.isdigit():
            raise bad("can't parse entities: Invalid custom emoji identifier specified")
        return [entity | {"custom_emoji_id": opened.argument}]
    return [entity]


def _link(entity: Entity, url: str) -> Iterable[Entity]:
    if user := _USER_LINK.fullmatch(url):
        mentioned = {"id": int(user[1]), "is_bot": False, "first_name": ""}
        return [entity | {"type": "text_mention", "user": mentioned}]
    if re.match(r"(https?|tg|ton)://[^\s/]", url):
        return [entity | {"url": url}]
    if re.fullmatch(r"[^\s/:]+\.[^\s/:]{2,}(/\S*)?", url):
        return [entity | {"url": f"http://{url}"}]
    return []


def _cleaned(entity: Entity) -> Entity:
    """A language stays only on ``pre``."""
    return {k: v for k, v in entity.items() if k != "language" or entity["type"] == "pre"}


def find_entities(text: str, marked: list[Entity] = ()) -> list[Entity]:  # type: ignore[assignment]  # an empty default
    """Adds the commands, mentions, hashtags and links Telegram finds by itself, outside of code and links.

    Args:
        text: The plain text.
        marked: Entities it has already, as ``settled`` leaves them.
    """
    taken = [span(e) for e in marked if e["type"] in _LITERAL]
    ends = [end for _, end in taken]
    out = list(marked)
    at = offset = 0
    for match in _FOUND.finditer(text):
        assert match.lastgroup is not None
        offset += utf16_length(text[at : match.start()])  # counted on from the last one: a text may hold thousands
        at, length = match.start(), utf16_length(match[0])
        behind = bisect_right(ends, offset)
        if behind == len(taken) or taken[behind][0] >= offset + length:
            out.append({"type": match.lastgroup, "offset": offset, "length": length})
    return sort_entities(out)


def formatted(text: str, parse_mode: str, entities: list[Entity] | None) -> tuple[str, list[Entity]]:
    """The text of a call with its entities, from ``parse_mode`` or from the entities given.

    Raises:
        Refusal: Broken markup; a parse mode other than HTML (the playground says so honestly).
    """
    _refuse_surrogates(text)
    if len(text.encode()) > _MAX_SOURCE:
        raise bad("text is too long")
    mode = parse_mode.lower()
    if mode == "html":
        text, marked = parse_html(text)
    elif mode in {"markdown", "markdownv2"}:
        raise bad("can't parse entities: the playground reads HTML and entities only, not Markdown")
    elif mode:
        raise bad("unsupported parse_mode")
    else:
        marked = [entity for entity in entities or () if entity["type"] in _GIVEN]
    return _stripped(text, marked)


def _refuse_surrogates(text: str) -> None:
    if any(map(_is_surrogate, text)):
        raise bad("strings must be encoded in UTF-8")


def _stripped(text: str, marked: list[Entity]) -> tuple[str, list[Entity]]:
    """Telegram drops white space around a message; entities move along."""
    lead = utf16_length(text) - utf16_length(text.lstrip())
    text = text.strip()
    total = utf16_length(text)
    out = []
    for entity in marked:
        begin = max(entity["offset"] - lead, 0)
        end = min(entity["offset"] + entity["length"] - lead, total)
        if begin < end:
            out.append(entity | {"offset": begin, "length": end - begin})
    return text, settled(find_entities(text, settled(out)))
