"""The Bot API as data: which methods and types exist, with what fields; knows shapes, not behaviour."""

import re


def alternatives(kind: str) -> list[str]:
    """The members of a documented union such as ``Integer or String``."""
    return re.split(r", | and | or ", kind)
