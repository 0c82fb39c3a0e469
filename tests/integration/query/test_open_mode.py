"""The gate, the headers and the errors of a running query."""

import json
from collections.abc import Iterator

import httpx
import pytest

from tests.integration.query.harness import Running, raw

STOP = "/api/live-monitoring/stop-hls-stream/none-1"


@pytest.mark.parametrize(
    ("host", "header", "status"),
    [
        ("localhost", "Accept: */*", 404),
        ("evil.example", "Accept: */*", 421),
        ("evil.example:80", "Accept: */*", 421),
        ("localhost", "X-Forwarded-For: 127.0.0.1", 403),
        ("localhost", "Forwarded: for=127.0.0.1", 403),
    ],
)
def test_hosts_and_proxies(running: Running, host: str, header: str, status: int) -> None:
    answer = raw(running.query.port, "/nothing", header, host=host)
    assert (answer.status, json.loads(answer.body)["status"]) == (status, status)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        (["Origin: http://evil.example", "Content-Type: text/plain"], 403),
        (["Origin: null"], 403),
        (["Sec-Fetch-Site: cross-site"], 403),
        (["Origin: http://127.0.0.1", "Sec-Fetch-Site: same-origin"], 202),
        ([], 202),
    ],
)
def test_only_the_page_and_programs_change_something(running: Running, headers: list[str], status: int) -> None:
    assert raw(running.query.port, STOP, "Content-Length: 0", *headers, method="POST").status == status


def test_every_answer_is_guarded(running: Running) -> None:
    answers = [httpx.get(running.url + path) for path in ("/", "/assets/app.js", "/api/v1/cameras", "/nothing")]
    answers.append(httpx.get(running.url, headers={"Host": "evil.example"}))
    for answer in answers:
        assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'; script-src 'self';")
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert "Access-Control-Allow-Origin" not in answer.headers
        assert "Server" not in answer.headers


@pytest.mark.parametrize(
    ("method", "path", "content", "status", "detail"),
    [
        ("GET", "/api/v1/nothing", None, 404, "nothing at this address"),
        ("GET", "/openapi.json", None, 404, "nothing at this address"),
        ("DELETE", "/api/v1/cameras", None, 405, "does not take this method"),
        ("GET", "/api/v1/cameras?limit=1", None, 422, "query key 'limit' is not known here"),
        ("GET", "/api/v1/cameras/none-1/now.jpg?t=1", None, 422, "query key 't'"),
        ("POST", STOP, b'{"reason": 1}', 422, "body.reason: "),
        ("POST", STOP, b'{"why": "x"}', 422, "body.why: "),
        ("POST", STOP, b'{"reason": "%s"}' % (b"x" * 201), 422, "body.reason: "),
        ("POST", STOP, b"{", 422, "body.1: JSON decode error"),
        ("POST", STOP, b"[" * 10_000, 400, "parsing the body"),
        ("POST", STOP, b" " * 20_000, 413, "too large"),
    ],
)
def test_errors_are_problems(
    running: Running, method: str, path: str, content: bytes | None, status: int, detail: str
) -> None:
    headers = {"Accept": "text/html", "Content-Type": "application/json"}
    answer = httpx.request(method, running.url + path, content=content, headers=headers)
    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "application/problem+json"
    problem = answer.json()
    assert set(problem) == {"type", "title", "status", "detail", "instance"}
    assert detail in problem["detail"]
    assert problem["instance"] == path.partition("?")[0]


@pytest.mark.parametrize(
    ("path", "methods"),
    [
        ("/api/v1/cameras", "GET, HEAD, POST"),
        ("/api/v1/cameras/none-1", "DELETE, GET, HEAD, PATCH"),
        ("/api/v1/session", "DELETE, GET, HEAD, POST"),
    ],
)
def test_a_wrong_method_is_told_all_right_ones(running: Running, path: str, methods: str) -> None:
    answer = httpx.request("PUT", running.url + path)
    assert (answer.status_code, answer.headers["Allow"]) == (405, methods)


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"running": 1}, "running"), ({"retention_days": "30"}, "retention_days"),
        ({"profile": {"width": "640"}}, "width"), ({"source": {"loop": "yes"}}, "loop"),
    ],
)  # fmt: skip
def test_a_value_of_another_kind_is_not_taken_for_one(running: Running, more: dict[str, object], field: str) -> None:
    answer = httpx.post(f"{running.url}/api/v1/cameras", json={"id": "other-1", "name": "x", **more})
    assert answer.status_code == 422 and field in answer.json()["detail"]


def test_a_body_without_a_length_is_counted(running: Running) -> None:
    def endless() -> Iterator[bytes]:
        for _ in range(100):
            yield b" " * 1000

    answer = httpx.post(running.url + STOP, content=endless(), headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.headers["Content-Type"]) == (413, "application/problem+json")


def test_the_page_and_its_files(running: Running) -> None:
    page = httpx.get(running.url)
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    assert page.headers["Cache-Control"] == "no-cache"
    for name, media_type in (("app.js", "text/javascript"), ("style.css", "text/css"), ("texts.js", "text/javascript")):
        assert f"/assets/{name}" in page.text or name == "texts.js"
        file = httpx.get(f"{running.url}/assets/{name}")
        assert file.headers["Content-Type"] == f"{media_type}; charset=utf-8"
        assert httpx.get(file.url, headers={"If-None-Match": file.headers["ETag"]}).status_code == 304
    assert httpx.get(f"{running.url}/favicon.ico").status_code == 204


def test_openapi_names_every_operation_once(running: Running) -> None:
    paths = httpx.get(f"{running.url}/api/v1/openapi.json").json()["paths"]
    names = [operation["operationId"] for methods in paths.values() for operation in methods.values()]
    assert len(names) == len(set(names))
    assert set(names) >= {
        "get_camera", "get_hls_file", "get_now_picture", "list_cameras", "list_segments", "list_videos",
        "order_videos", "remove_video", "start_hls_stream", "stop_hls_stream", "upload_video",
        "create_session", "get_session", "delete_session", "create_own_token", "list_users", "create_user",
        "change_user", "remove_user", "list_tokens", "create_token", "delete_token", "list_accesses",
    }  # fmt: skip
