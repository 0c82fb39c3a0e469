"""Hostile requests to every route of the document: they end soon, cost little memory, and tell nothing."""

import json
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from tests.integration.query.furnished import Furnished, furnish, kept_document
from tests.integration.query.test_matrix import CALLS, Call
from tests.nats_server import NatsServer

PROBLEM = "application/problem+json"
MIB = 1 << 20
KIND = ("Content-Type: application/json",)
PIECE = b"8000\r\n" + b" " * 0x8000 + b"\r\n"
SQL = (
    "' OR '1'='1",
    "x'; DROP TABLE event_log; --",
    "1 UNION SELECT secret FROM tokens",
    '"',
    "\\",
    "%",
    "_",
    "\x00",
    "a\nb",
)
WORDS = ("sqlite", "select", "sqlalchemy", "asyncmy", "traceback", "/tmp/", "event_log", "syntax error")
EACH = pytest.mark.parametrize("call", CALLS, ids=[f"{call.method} {call.address()}" for call in CALLS])
CHANGES = [call for call in CALLS if call.method != "GET"]
CHANGING = pytest.mark.parametrize("call", CHANGES, ids=[f"{call.method} {call.address()}" for call in CHANGES])
JSON = [call for call in CHANGES if "application/json" in call.operation.get("requestBody", {}).get("content", {})]
TAKING_JSON = pytest.mark.parametrize("call", JSON, ids=[f"{call.method} {call.address()}" for call in JSON])


@pytest.fixture(scope="module")
def site(make_server: Callable[[], NatsServer], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Furnished]:
    site = furnish(make_server(), tmp_path_factory.mktemp("attacks"), accounts=False, seed=7)
    yield site
    site.client.close()
    site.query.stop()


def told(answer: httpx.Response) -> str:
    """A problem that tells nothing of what is inside."""
    assert answer.headers["Content-Type"] == PROBLEM, answer.text
    said = json.dumps({**answer.json(), "instance": ""}).lower()
    assert not [word for word in WORDS if word in said], said
    return str(answer.json()["detail"])


def parameters(call: Call, place: str) -> list[dict[str, Any]]:
    return [one for one in call.operation.get("parameters", ()) if one["in"] == place]


def memory(site: Furnished) -> int:
    """Resident bytes of the query process that are its own: pages of code come as they are first needed."""
    status = Path(f"/proc/{site.query.process.pid}/status").read_text(encoding="ascii")
    return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("RssAnon"))


def begun(site: Furnished, head: str) -> socket.socket:
    """A connection on which the beginning of a request was sent."""
    connection = socket.create_connection(("127.0.0.1", site.query.port), timeout=30)
    connection.sendall(head.encode())
    return connection


def head_of(call: Call, *headers: str) -> str:
    return "\r\n".join([f"{call.method} {call.address()} HTTP/1.1", "Host: localhost", *headers, "", ""])


def status_of(connection: socket.socket) -> int:
    """The status that is answered; a refusal of a body is a problem. 0 when the connection ends without an answer."""
    try:
        said = connection.recv(1 << 16)
    except ConnectionResetError:
        return 0
    status = int(said.split(b" ", 2)[1]) if said else 0
    assert status != 413 or b"content-type: application/problem+json" in said.lower(), said
    return status


@EACH
def test_words_of_sql_are_words(site: Furnished, call: Call) -> None:
    for value in SQL:
        for one in parameters(call, "path"):
            values = {name: held for name, held in call.values.items() if name != one["name"]}
            path = call.path.format(
                **{one["name"]: quote(value, safe=""), **{k: quote(v, safe="") for k, v in values.items()}}
            )
            answer = site.ask(call.method, path, json={}) if call.method != "GET" else site.ask("GET", path)
            assert answer.status_code in (404, 405, 413, 415, 422, 428), (path, answer.text)
            told(answer)
        for one in parameters(call, "query"):
            if call.method == "GET" and call.name != "stream":
                answer = site.ask("GET", call.path.format(**call.values), params={one["name"]: value})
                if answer.status_code == 200:
                    assert answer.json()["items"] == [], (one["name"], value)
                else:
                    assert answer.status_code in (404, 422), (one["name"], value, answer.text)
                    told(answer)
    assert len(site.ask("GET", "/api/v1/events").json()["items"]) > 5


@EACH
def test_huge_questions_are_refused_or_small(site: Furnished, call: Call) -> None:
    names = {one["name"] for one in parameters(call, "query")}
    if call.name == "stream" or call.method != "GET":
        return
    path = call.path.format(**call.values)
    for value in ("1000000000", "-1", "0", "1e9", "9" * 500, "NaN", "١", "0x10"):
        if "limit" in names:
            assert site.ask("GET", path, params={"limit": value}).status_code == 422, value
    asked = [
        {"from": "1900-01-01T00:00:00Z"},
        {"to": "9999-12-31T23:59:59Z"},
        {"day": "0001-01-01"},
        {"day": "9999-12-31"},
    ]
    asked += [
        {"from": "1971-01-01T00:00:00Z", "to": "2071-01-01T00:00:00Z", "limit": "200"},
        {"from": "1971-01-01", "to": "2071-01-01"},
    ]
    for query in asked:
        if query.keys() <= names:
            began = time.monotonic()
            answer = site.ask("GET", path, params=query)
            assert answer.status_code in (200, 422), answer.text
            assert time.monotonic() - began < 2
            assert len(answer.content) < MIB


@CHANGING
def test_a_body_of_a_gigabyte_is_not_waited_for(site: Furnished, call: Call) -> None:
    before = memory(site)
    kind = "video/mp4" if call.name == "upload_video" else "application/json"
    with closing(begun(site, head_of(call, f"Content-Length: {1 << 30}", f"Content-Type: {kind}"))) as connection:
        assert status_of(connection) == 413
    assert memory(site) - before < 8 * MIB


@CHANGING
def test_a_body_of_no_told_length_is_counted(site: Furnished, call: Call) -> None:
    def send() -> int:
        """As much as is taken; the status."""
        kind, sent = "video/mp4" if call.name == "upload_video" else "application/json", 0
        with closing(begun(site, head_of(call, "Transfer-Encoding: chunked", f"Content-Type: {kind}"))) as connection:
            try:
                while sent < 64 * MIB:
                    connection.sendall(PIECE)
                    sent += len(PIECE)
            except OSError:
                pass
            return status_of(connection)

    send()  # the first time brings code and threads
    before, status = memory(site), send()
    assert status in (0, 413) if call in JSON or call.name == "upload_video" else status < 500
    assert memory(site) - before < 8 * MIB


@TAKING_JSON
def test_bodies_that_are_no_plain_json(site: Furnished, call: Call) -> None:
    deep, kind = b"[" * 100_000, {"Content-Type": "application/json"}
    example = json.dumps(call.operation["requestBody"]["content"]["application/json"]["example"])
    name = next(iter(json.loads(example)))
    twice = example[:-1] + f', "{name}": "other"' + "}"
    for body, statuses in (
        (deep, {400, 413, 422}), (b'{"a":' * 2000, {400, 422}), (twice.encode(), {422}), (b"\xff\xfe", {400, 422}),
        (b"{" + f'"{name}": NaN'.encode() + b"}", {422}), (b"{" + f'"{name}": -Infinity'.encode() + b"}", {422}),
        (b"{" + f'"{name}": {"9" * 5000}'.encode() + b"}", {400, 422}), (b'"' + b"x" * 15_000 + b'"', {422}),
        (b'{"\\ud800": 1}', {422}), (b"{" + f'"{name}": "\\ud800"'.encode() + b"}", {422}), (b"null,", {422}),
    ):  # fmt: skip
        answer = site.ask(call.method, call.address(), {**kind, "If-Match": "*"}, content=body)
        assert answer.status_code in statuses, (body[:40], answer.status_code, answer.text)
        told(answer)
    assert (
        "stands there twice"
        in site.ask(call.method, call.address(), {**kind, "If-Match": "*"}, content=twice).json()["detail"]
    )


def test_headers_without_end(site: Furnished) -> None:
    before = memory(site)
    with closing(begun(site, "GET / HTTP/1.1\r\nHost: localhost\r\n")) as connection:
        try:
            for number in range(100_000):
                connection.sendall(f"X-{number}: y\r\n".encode())
        except OSError:
            pass
        assert status_of(connection) in (0, 400, 431)
    assert memory(site) - before < 8 * MIB


def test_who_is_slow_or_has_no_end_is_left(site: Furnished) -> None:
    """200 who send one byte after the other of a head or a body, and one who sends a body without end, while others
    are answered: each is told or cut off after ten seconds.
    """
    before, began, statuses = memory(site), time.monotonic(), set()
    review = head_of(next(call for call in JSON if call.name == "review_event"), *KIND, "Content-Length: 99")
    slow = [begun(site, ("GET /api/v1/cam", review + "{")[number % 2]) for number in range(200)]
    endless = begun(site, head_of(JSON[0], *KIND, "Transfer-Encoding: chunked"))
    try:
        for _ in range(3):
            time.sleep(1)
            for connection in slow:
                connection.sendall(b"e")
            asked = time.monotonic()
            assert site.ask("GET", "/api/v1/cameras").status_code == 200
            assert time.monotonic() - asked < 1
        with pytest.raises(OSError):
            while time.monotonic() - began < 20:
                endless.sendall(PIECE)
                time.sleep(0.05)
        for connection in slow:
            connection.settimeout(10)
            statuses.add(status_of(connection))
    finally:
        for connection in (*slow, endless):
            connection.close()
    assert 5 < time.monotonic() - began < 14
    assert statuses <= {0, 400, 408} and 408 in statuses
    assert memory(site) - before < 24 * MIB


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH"])
@pytest.mark.parametrize("accept", ["text/html", "*/*", "application/json;q=0.1, text/html"])
def test_what_is_not_there_is_a_problem_for_everybody(site: Furnished, method: str, accept: str) -> None:
    paths = {
        "/api",
        "/api/",
        "/api/v1",
        "/api/v1/",
        "/api/v2/cameras",
        "/api/v1/nothing",
        "/api/v1/cameras/",
        "/nothing",
        "/index.html",
    }
    paths |= {f"{path.split('{')[0].rstrip('/')}/no/such/thing/at/all" for path in kept_document()["paths"]}
    for path in sorted(paths):
        answer = site.ask(method, path, {"Accept": accept})
        assert (answer.status_code, answer.headers["Content-Type"]) == (404, PROBLEM), path
        assert method == "HEAD" or answer.json()["status"] == 404


def test_nothing_of_all_that_was_a_failure_of_ours(site: Furnished) -> None:
    assert not [line for line in site.query.log if line.get("level") in ("error", "critical")]
