"""Which bytes of a file a request asks for: Range, If-Range and If-None-Match of RFC 9110, as a pure function."""

import re
from dataclasses import dataclass
from typing import Literal

# More digits than any file has bytes: malformed, so ignored. (int() of thousands of digits is refused by Python.)
_ONE_RANGE = re.compile(r"bytes=[ \t]*(\d{1,19})?-(\d{1,19})?[ \t]*", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Due:
    """What to answer: status, and the bytes `[first, first + length)`."""

    status: Literal[200, 206, 304, 416]
    first: int = 0
    length: int = 0


@dataclass(frozen=True, slots=True)
class Asked:
    """The headers of a request that decide; None where absent."""

    range: str | None = None
    if_range: str | None = None
    if_none_match: str | None = None


def due(asked: Asked, etag: str, size: int) -> Due:
    """Several ranges, other units and malformed ranges are ignored, as section 14.2 allows: the whole, once."""
    if asked.if_none_match is not None and names(asked.if_none_match, etag):
        return Due(304)
    whole = Due(200, 0, size)
    match = _ONE_RANGE.fullmatch(asked.range or "")
    if match is None or (asked.if_range is not None and asked.if_range.strip() != etag):
        return whole
    first, last = match.groups()
    if first is None:
        return whole if last is None else _suffix(int(last), size)
    if last is not None and int(last) < int(first):
        return whole
    if int(first) >= size:
        return Due(416)
    end = size if last is None else min(int(last) + 1, size)
    return Due(206, int(first), end - int(first))


def _suffix(wanted: int, size: int) -> Due:
    """The last `wanted` bytes."""
    length = min(wanted, size)
    return Due(206, size - length, length) if length else Due(416)


def names(if_none_match: str, etag: str) -> bool:
    """Does If-None-Match name this ETag (weak comparison)?"""
    tags = [tag.strip().removeprefix("W/") for tag in if_none_match.split(",")]
    return "*" in tags or etag in tags
