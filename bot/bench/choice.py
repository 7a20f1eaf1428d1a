"""Which rows of a suite are wanted: names with `*`, separated by commas."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from fnmatch import fnmatchcase

from generation.contracts.errors import BadSettings


def chosen(patterns: str | None, names: Iterable[str]) -> Callable[[str], bool]:
    """What tells whether a row is wanted.

    Args:
        patterns: such as `stock/*,multi/quality/*/1`; None wants every row.
        names: every row there can be.

    Raises:
        BadSettings: a pattern fits no row; the error lists the names.
    """
    if patterns is None:
        return lambda _name: True
    wanted = [pattern.strip() for pattern in patterns.split(",") if pattern.strip()]
    known = list(names)
    for pattern in wanted:
        if not any(fnmatchcase(name, pattern) for name in known):
            raise BadSettings(detail=f"no row is called {pattern!r}: there are {', '.join(known)}")
    return lambda name: any(fnmatchcase(name, pattern) for pattern in wanted)
