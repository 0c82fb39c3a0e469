"""Open mode: who is let in."""

import pytest
from starlette.datastructures import Headers

from services.query.rest.gate_rules import is_loopback, refusal

HERE = "localhost localhost:8080 LOCALHOST:1 127.0.0.1 127.0.0.1:8080 127.8.8.8:1 [::1] [::1]:8080"
ELSEWHERE = """dolbom.example localhost.example 127.0.0.1.example 127.0.0.1@example localhost: localhost:x localhost/
    10.0.0.1 0.0.0.0 0 127.1 2130706433 0x7f000001 [::] [::ffff:10.0.0.1] ::1 127。0。0。1 localhost:123456
    [127.0.0.1 127.0.0.256"""


@pytest.mark.parametrize("host", HERE.split())
def test_this_machine(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["", "127.0.0.1\n", "localhost example", *ELSEWHERE.split()])
def test_other_names_for_this_machine_or_another(host: str) -> None:
    assert not is_loopback(host)


def status(method: str, **headers: str) -> int:
    named = {name.replace("_", "-"): value for name, value in {"host": "localhost:8080", **headers}.items()}
    refused = refusal(method, "http", Headers(named))
    return refused.status if refused else 200


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    "header", ["forwarded", "x_forwarded_for", "x_forwarded_host", "x_forwarded_proto", "x_forwarded_anything"]
)
def test_forwarded_requests_are_refused(method: str, header: str) -> None:
    assert status(method, **{header: "127.0.0.1"}) == 403


def test_another_host_is_misdirected() -> None:
    assert status("GET", host="evil.example") == 421


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, 200),  # curl
        ({"origin": "http://localhost:8080"}, 200),
        ({"origin": "HTTP://LOCALHOST:8080"}, 200),
        ({"origin": "http://localhost:8080", "sec_fetch_site": "same-origin"}, 200),
        ({"host": "localhost", "origin": "http://localhost:80"}, 200),
        ({"host": "localhost:80", "origin": "http://localhost"}, 200),
        ({"sec_fetch_site": "none"}, 200),
        ({"origin": "http://localhost:8081"}, 403),
        ({"origin": "https://localhost:8080"}, 403),
        ({"origin": "http://127.0.0.1:8080"}, 403),
        ({"origin": "http://evil.example"}, 403),
        ({"origin": "http://localhost:8080.evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"origin": ""}, 403),
        ({"sec_fetch_site": "cross-site"}, 403),
        ({"sec_fetch_site": "same-site"}, 403),
        ({"origin": "http://localhost:8080", "sec_fetch_site": "cross-site"}, 403),
    ],
)
def test_changes_must_come_from_the_page_or_a_program(headers: dict[str, str], expected: int) -> None:
    assert status("POST", **headers) == expected
    assert status("DELETE", **headers) == expected


def test_reading_needs_no_origin() -> None:
    assert status("GET", origin="http://evil.example") == 200  # the browser does not hand over the answer
    assert status("HEAD", sec_fetch_site="cross-site") == 200


def test_two_origins_are_one_too_many() -> None:
    pairs = [(b"host", b"localhost:8080"), (b"origin", b"http://localhost:8080"), (b"origin", b"http://evil.example")]
    refused = refusal("POST", "http", Headers(raw=pairs))
    assert refused is not None
    assert refused.status == 403
