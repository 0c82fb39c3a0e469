"""With accounts: what a request shows, and what another site's page may not do."""

import pytest
from starlette.datastructures import Headers

from services.query.people.directory import Shown
from services.query.people.signing import digest
from services.query.rest.admission import address_of, by_https, door, ill_formed, not_the_page, shown


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("GET", "/", "page"), ("GET", "/assets/app.js", "page"), ("GET", "/favicon.ico", "page"),
        ("POST", "/api/v1/session", "sign-in"), ("GET", "/api/v1/session", "api"), ("DELETE", "/api/v1/session", "api"),
        ("POST", "/api/v1/session/", "api"), ("POST", "/api/v1/session/tokens", "api"), ("GET", "", "api"),
        ("GET", "//", "api"), ("GET", "/assets", "api"), ("GET", "/assetsx", "api"), ("GET", "/docs", "api"),
        ("GET", "/openapi.json", "api"), ("GET", "/API/v1/cameras", "api"), ("GET", "/nothing", "api"),
    ],
)  # fmt: skip
def test_only_the_page_and_the_door_are_open(method: str, path: str, expected: str) -> None:
    assert door(method, path) == expected


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, None),
        ({"cookie": "other=x"}, None),
        ({"cookie": "dolbom="}, None),
        ({"cookie": "other=x; dolbom=secret"}, Shown("session", digest("secret"))),
        ({"authorization": "Bearer dolbom_a-b_c"}, Shown("token", digest("dolbom_a-b_c"))),
        ({"authorization": "bearer  abc"}, Shown("token", digest("abc"))),
        ({"authorization": "Basic a2ltOng=", "cookie": "dolbom=secret"}, Shown("token", digest(""))),
        ({"authorization": "", "cookie": "dolbom=secret"}, Shown("token", digest(""))),
        ({"authorization": "Bearer " + "x" * 1000}, Shown("token", digest(""))),
        ({"x-authorization": "Bearer abc", "x-forwarded-user": "admin"}, None),
    ],
)
def test_what_is_shown(headers: dict[str, str], expected: Shown | None) -> None:
    assert shown(Headers(headers)) == expected


def status(method: str, by: str, path: str = "/api/v1/users", **headers: str) -> int:
    named = {name.replace("_", "-"): value for name, value in {"host": "dolbom.example", **headers}.items()}
    refused = not_the_page(method, Headers(named), path, by)  # type: ignore[arg-type]
    return refused.status if refused else 200


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, 200),
        ({"origin": "http://dolbom.example"}, 200),
        ({"origin": "https://dolbom.example"}, 200),  # a proxy ended the encryption
        ({"host": "dolbom.example:443", "origin": "https://dolbom.example"}, 200),
        ({"host": "dolbom.example:8080", "origin": "http://dolbom.example:8080"}, 200),
        ({"origin": "https://dolbom.example:8443"}, 403),
        ({"origin": "https://evil.example"}, 403),
        ({"origin": "https://dolbom.example.evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"origin": ""}, 403),
        ({"sec_fetch_site": "cross-site"}, 403),
        ({"sec_fetch_site": "same-site"}, 403),
    ],
)
def test_another_sites_page_changes_nothing(headers: dict[str, str], expected: int) -> None:
    for method in ("POST", "PUT", "PATCH", "DELETE", "TRACE", "WHATEVER"):
        assert status(method, "session", **headers) == status(method, "nobody", **headers) == expected
    assert status("POST", "token", **headers) == 200  # no browser sends it by itself
    assert status("GET", "session", **headers) == 200


@pytest.mark.parametrize("by", ["session", "token", "nobody"])
def test_bodies_are_json_but_for_a_video(by: str) -> None:
    body = {"content_length": "2"}
    assert status("POST", by) == status("POST", by, content_length="0") == 200
    assert status("POST", by, content_type="application/json; charset=utf-8", **body) == 200
    for kind in ("text/plain", "", "application/x-www-form-urlencoded", "video/mp4", "application/jsonx"):
        assert status("POST", by, content_type=kind, **body) == 415
    assert status("POST", by, transfer_encoding="chunked") == 415
    videos = "/api/v1/cameras/camera-1/videos"
    assert status("POST", by, videos, content_type="video/mp4", **body) == 200
    assert status("PUT", by, videos, content_type="video/mp4", **body) == 415


@pytest.mark.parametrize("host", ["", "a b", "a/b", "a@b", "a:b", "[::1", "é.example", "a\n"])
def test_hosts_that_are_none(host: str) -> None:
    refused = ill_formed("GET", Headers({"host": host}), "/")
    assert refused is not None
    assert refused.status == 400


@pytest.mark.parametrize(
    ("client", "expected"),
    [
        (("10.0.0.1", 1), "10.0.0.1"),
        (("::ffff:10.0.0.1", 1), "10.0.0.1"),
        (("2001:db8:1:2:3:4:5:6", 1), "2001:db8:1:2::/64"),
        (("2001:db8:1:2:ffff::1", 1), "2001:db8:1:2::/64"),
        (("a socket", 0), "unknown"),
        (None, "unknown"),
    ],
)
def test_addresses(client: object, expected: str) -> None:
    assert address_of({"type": "http", "client": client, "headers": [(b"x-forwarded-for", b"1.2.3.4")]}) == expected


def test_https_is_seen_behind_a_proxy_by_what_the_browser_says() -> None:
    assert by_https({"type": "http", "scheme": "https"}, Headers({}))
    assert by_https({"type": "http", "scheme": "http"}, Headers({"origin": "https://dolbom.example"}))
    assert not by_https({"type": "http", "scheme": "http"}, Headers({"x-forwarded-proto": "https"}))
