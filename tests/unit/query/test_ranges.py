"""RFC 9110: which bytes are due."""

import pytest

from services.query.rest.ranges import Asked, Due, due

ETAG = '"abc"'
WHOLE = Due(200, 0, 100)
MANY = "bytes=" + ",".join(["0-"] * 1000)


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (None, WHOLE),
        ("bytes=0-0", Due(206, 0, 1)),
        ("bytes=0-99", Due(206, 0, 100)),
        ("bytes=10-19", Due(206, 10, 10)),
        ("bytes=90-", Due(206, 90, 10)),
        ("bytes=90-1000", Due(206, 90, 10)),
        ("bytes= 90-95 ", Due(206, 90, 6)),
        ("BYTES=90-95", Due(206, 90, 6)),
        ("bytes=-1", Due(206, 99, 1)),
        ("bytes=-1000", Due(206, 0, 100)),
        # there is no such byte
        ("bytes=100-", Due(416)),
        ("bytes=100-200", Due(416)),
        ("bytes=9999999999999999999-", Due(416)),
        ("bytes=-0", Due(416)),
        # ignored: other units, more than one range, no range at all
        (MANY, WHOLE),
        ("bytes=0-1,5-6", WHOLE),
        ("bytes=5-4", WHOLE),
        ("bytes=-", WHOLE),
        ("bytes=", WHOLE),
        ("bytes=a-b", WHOLE),
        ("bytes=+1-2", WHOLE),
        ("bytes=--1", WHOLE),
        ("bytes=1-2-3", WHOLE),
        ("bytes=٣-٤", WHOLE),
        ("bytes=" + "9" * 5000 + "-", WHOLE),
        ("lines=1-2", WHOLE),
        ("1-2", WHOLE),
        ("", WHOLE),
    ],
)
def test_range(asked: str | None, expected: Due) -> None:
    assert due(Asked(asked), ETAG, 100) == expected


@pytest.mark.parametrize("asked", ["bytes=0-", "bytes=0-0", "bytes=-1"])
def test_an_empty_file_has_no_bytes(asked: str) -> None:
    assert due(Asked(asked), ETAG, 0) == Due(416)
    assert due(Asked(), ETAG, 0) == Due(200, 0, 0)


@pytest.mark.parametrize(
    ("if_none_match", "status"),
    [
        ('"abc"', 304),
        ('W/"abc"', 304),
        ('"x", "abc"', 304),
        ("*", 304),
        ('"x"', 206),
        ("abc", 206),
        ("", 206),
    ],
)
def test_if_none_match_comes_first(if_none_match: str, status: int) -> None:
    assert due(Asked("bytes=0-9", None, if_none_match), ETAG, 100).status == status


@pytest.mark.parametrize(
    ("if_range", "expected"),
    [
        ('"abc"', Due(206, 0, 10)),
        ('W/"abc"', WHOLE),  # strong comparison
        ('"x"', WHOLE),
        ("Tue, 24 Nov 2026 22:32:51 GMT", WHOLE),
    ],
)
def test_if_range(if_range: str, expected: Due) -> None:
    assert due(Asked("bytes=0-9", if_range), ETAG, 100) == expected
