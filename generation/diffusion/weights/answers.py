"""Reading what a server sends, within limits of size and time. Knows an HTTP client's responses, neither hub nor files.

A client's own timeout ends silence only: one byte now and then, or a body without end, would hold it for ever.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

HOPS = 10
"""Redirects that are followed."""
SLOWEST = 1024
"""Bytes a second below which a download is as good as standing still: SDXL would take half a year."""


class TooSlowError(Exception):
    """It still comes, but not in this life."""


class TooLongError(ValueError):
    """More than any honest answer has."""


@contextmanager
def opened(session: Any, url: str, *, headers: Mapping[str, str], timeout: Any) -> Iterator[Any]:
    """The response to a GET after its redirects, none of whose bodies is read; the last one's not yet.

    The client follows redirects itself, too, but reads their bodies to the end. It leaves the token out of a request
    to another host.

    Raises:
        TooLongError: more redirects than `HOPS`.
    """
    request = session.build_request("GET", url, headers=headers, timeout=timeout)
    for _hop in range(HOPS):
        response = session.send(request, stream=True, follow_redirects=False)
        try:
            if response.next_request is None:
                yield response
                return
            request = response.next_request
        finally:
            response.close()
    raise TooLongError


def paced(chunks: Iterable[bytes], *, stall_s: float) -> Iterator[bytes]:
    """The chunks, as long as each `stall_s` of waiting brings `SLOWEST` bytes a second. Only waiting for them counts.

    Raises:
        TooSlowError: it did not.
    """
    source, waited_s, count = iter(chunks), 0.0, 0
    while True:
        began_s = time.monotonic()
        chunk = next(source, None)
        if chunk is None:
            return
        waited_s, count = waited_s + time.monotonic() - began_s, count + len(chunk)
        if waited_s > stall_s:
            if count < SLOWEST * waited_s:
                raise TooSlowError
            waited_s, count = 0.0, 0
        yield chunk


def whole(chunks: Iterable[bytes], *, limit: int, within_s: float) -> bytes:
    """All of a short answer.

    Args:
        chunks: of its body.
        limit: bytes it may have.
        within_s: seconds it may take.

    Raises:
        TooLongError: it has more.
        TooSlowError: it takes longer.
    """
    end_s, body = time.monotonic() + within_s, bytearray()
    for chunk in chunks:
        body += chunk
        if len(body) > limit:
            raise TooLongError
        if time.monotonic() > end_s:
            raise TooSlowError
    return bytes(body)
