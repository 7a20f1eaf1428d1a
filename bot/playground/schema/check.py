"""Checks values against the Bot API's documented shapes; knows the schema file, neither HTTP nor state."""

import json
import re
from collections.abc import Iterator
from functools import cache
from importlib import resources
from typing import Any

from bot.playground.refusals import Refusal, bad, missing
from bot.playground.schema import alternatives

_INTEGER = re.compile(r"-?\d{1,18}")
_TRUE = {"true", "1", "yes"}
_HALF_PAIR = re.compile("[\ud800-\udfff]")
_LARGEST = 2**63
_MAY_BE_EMPTY = {"url"}  # of setWebhook: an empty one takes the webhook away


class Mismatch(ValueError):
    """A value is not of the documented shape; the text names the path and what was expected."""


def utf16_length(text: str) -> int:
    """Length in UTF-16 code units, the unit of every limit and offset of Telegram."""
    return len(text) + sum(ch > "\uffff" for ch in text)


def half_pair(value: Any) -> bool:
    """Whether a text, or one inside a decoded JSON value, holds half a surrogate pair, which UTF-8 cannot carry."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return _HALF_PAIR.search(text) is not None


class Schema:
    """The subset in ``bot_api.json``.

    Args:
        data: The decoded file.
    """

    def __init__(self, data: dict[str, Any]) -> None:
        self.api: str = data["api"]
        self._types: dict[str, dict[str, Any]] = data["types"]
        self._methods: dict[str, tuple[str, dict[str, Any]]] = {
            name.lower(): (name, shape) for name, shape in data["methods"].items()
        }
        self._known = {name.lower(): name for name in data["known"]}

    def method(self, name: str) -> str:
        """The method's documented spelling.

        Raises:
            Refusal: 404 for a method nobody knows, 501 for one the playground does not carry out.
        """
        if found := self._methods.get(name.lower()):
            return found[0]
        if name.lower() in self._known:
            raise Refusal(501, "Bad Request: method is not supported by the playground")
        raise Refusal(404, "Not Found: method not found")

    def decode(self, method: str, raw: dict[str, str], parts: set[str], *, strict: bool) -> dict[str, Any]:
        """Turns the text of a request into typed parameters, as the documentation declares them.

        Args:
            method: Documented spelling.
            raw: Parameters as text; objects and arrays as JSON text.
            parts: Names of the files that came along: a file may stand for the parameter of its name.
            strict: Refuse parameters and fields the documentation does not name; else they are left out.

        Raises:
            Refusal: In Telegram's words where it has words for it.
        """
        fields = self._methods[method.lower()][1]["fields"]
        if strict and (strange := sorted(set(raw) - set(fields))):
            raise bad(f'[strict] method {method} has no parameter "{strange[0]}"')
        out: dict[str, Any] = {}
        for name, field in fields.items():
            if raw.get(name, "") != "":
                out[name] = self._parameter(name, field, raw[name], strict=strict)
            elif field.get("required") and name not in parts and not (name in raw and name in _MAY_BE_EMPTY):
                raise missing(name)
        return out

    def _parameter(self, name: str, field: dict[str, Any], text: str, *, strict: bool) -> Any:
        value = self._from_text(field["type"], name, text)
        if not strict:
            value = self.known_only(field["type"], value)
        try:
            self._check_field(field, value, name)
        except Mismatch as wrong:
            raise _refused(str(wrong), strict=strict) from wrong
        return value

    def known_only(self, kind: str, value: Any) -> Any:
        """``value`` without the fields the documentation does not name; as it is where no documented type fits."""
        if kind.startswith("Array of ") and isinstance(value, list):
            return [self.known_only(kind.removeprefix("Array of "), item) for item in value]
        for fields in self._shapes(kind) if isinstance(value, dict) else ():
            kept = {name: self.known_only(fields[name]["type"], value[name]) for name in value if name in fields}
            if self._fits(kind, kept):
                return kept
        return value

    def _shapes(self, kind: str) -> Iterator[dict[str, Any]]:
        """The fields of every object type a union may stand for."""
        for one in alternatives(kind):
            shape = self._types.get(one, {})
            if "fields" in shape:
                yield shape["fields"]
            elif "one_of" in shape:
                yield from self._shapes(" or ".join(shape["one_of"]))

    def _fits(self, kind: str, value: Any) -> bool:
        try:
            self.check(kind, value, "value")
        except Mismatch:
            return False
        return True

    def _from_text(self, kind: str, name: str, text: str) -> Any:
        kinds = alternatives(kind)
        if kind.startswith("Array of ") or any(one in self._types for one in kinds):
            return _decoded(name, text)
        if "Boolean" in kinds or "True" in kinds:
            return text.lower() in _TRUE
        if "Integer" in kinds and _INTEGER.fullmatch(text):
            return int(text)
        if "Float" in kinds and re.fullmatch(r"-?\d+(\.\d+)?", text):
            return float(text)
        return text

    def check_result(self, method: str, value: Any) -> None:
        """Raises Mismatch when an answer of ours is not what the documentation promises."""
        self.check(self._methods[method.lower()][1]["returns"], value, "result")

    def check(self, kind: str, value: Any, path: str) -> None:
        """Raises Mismatch unless ``value`` is of the documented ``kind``, such as ``Array of Update``."""
        if kind.startswith("Array of "):
            if not isinstance(value, list):
                raise Mismatch(f"{path} must be an Array")
            for index, item in enumerate(value):
                self.check(kind.removeprefix("Array of "), item, f"{path}[{index}]")
            return
        wrongs: list[tuple[int, int, Mismatch]] = []
        for one in alternatives(kind):
            try:
                self._check_one(one, value, path)
            except Mismatch as wrong:
                wrongs.append((self._resemblance(one, value), str(wrong).count("."), wrong))
            else:
                return
        raise max(wrongs, key=lambda wrong: wrong[:2])[2]

    def _resemblance(self, kind: str, value: Any) -> int:
        """How many fields of a type are there, less those it lacks: a refusal speaks of the type that was meant."""
        fields = self._types.get(kind, {}).get("fields", {})
        if not isinstance(value, dict):
            return 0
        lacking = [name for name, field in fields.items() if field.get("required") and name not in value]
        return len(set(value) & set(fields)) - len(lacking)

    def _check_one(self, kind: str, value: Any, path: str) -> None:
        if kind in _SCALARS:
            if not _SCALARS[kind](value):
                raise Mismatch(f"{path} must be {kind}")
            return
        shape = self._types[kind]
        if "one_of" in shape:
            self.check(" or ".join(shape["one_of"]), value, path)
        elif not isinstance(value, dict):
            raise Mismatch(f"{path} must be an object of type {kind}")
        else:
            self._check_object(kind, shape["fields"], value, path)

    def _check_object(self, kind: str, fields: dict[str, Any], value: dict[str, Any], path: str) -> None:
        for name, field in fields.items():
            if "const" in field and value.get(name) != field["const"]:
                raise Mismatch(f"{path}.{name} must be {field['const']}")
        for name, field in fields.items():
            if name in value:
                self._check_field(field, value[name], f"{path}.{name}")
            elif field.get("required"):
                raise Mismatch(f"{path}.{name} is required in {kind}")
        if strange := sorted(set(value) - set(fields)):
            raise Mismatch(f"{path}.{strange[0]} is not a field of {kind}")

    def _check_field(self, field: dict[str, Any], value: Any, path: str) -> None:
        self.check(field["type"], value, path)
        if "limit" in field:
            low, high, unit = field["limit"]
            size = len(value.encode()) if unit == "bytes" else utf16_length(value)
            if not low <= size <= high:
                raise Mismatch(f"{path} must be {low}-{high} {unit} long, not {size}")


def _decoded(name: str, text: str) -> Any:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        raise bad(f"can't parse {name} JSON object") from None
    if half_pair(value):
        raise bad("strings must be encoded in UTF-8")
    return value


def _refused(wrong: str, *, strict: bool) -> Refusal:
    """The refusal for a value of the wrong shape: Telegram's own word where it has one."""
    path = wrong.partition(" ")[0]
    if path.endswith("callback_data"):
        return bad("BUTTON_DATA_INVALID")
    if path.endswith("copy_text.text"):
        return bad("BUTTON_COPY_TEXT_INVALID")
    return bad(f"[strict] {wrong}" if strict else wrong)


_SCALARS = {
    "Integer": lambda value: isinstance(value, int) and not isinstance(value, bool) and -_LARGEST <= value < _LARGEST,
    "Float": lambda value: isinstance(value, (int, float)) and not isinstance(value, bool),
    "Boolean": lambda value: isinstance(value, bool),
    "True": lambda value: value is True,
    "String": lambda value: isinstance(value, str),
    "InputFile": lambda value: isinstance(value, str),
}


@cache
def bot_api() -> Schema:
    """The schema shipped with the playground, read once."""
    text = resources.files("bot.playground.schema").joinpath("bot_api.json").read_text("utf-8")
    return Schema(json.loads(text))
