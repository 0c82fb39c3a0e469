"""What a site's processes say is read whatever they say."""

import json
import os
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from cli.site import Site
from cli.status import status
from libs.contracts.permissions import SERVICES

CAMERAS: dict[str, object] = {
    "items": [
        {"camera_id": "camera-1", "name": "놀이방", "desired": "running",
         "observed": {"state": "online", "cause": "", "since": "2026-03-02T05:00:00.000Z"},
         "picture": {"at": "2026-03-02T05:00:00.000Z", "slot": 1, "age_ms": 400, "kind": "c"}}
    ],
    "next": None,
}  # fmt: skip


class _Answers(BaseHTTPRequestHandler):
    bodies: dict[str, bytes] = {}  # noqa: RUF012 - a test's own table

    def do_GET(self) -> None:
        body = self.bodies.get(self.path, b"")
        self.send_response(200 if body else 404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""


@pytest.fixture
def server() -> Iterator[HTTPServer]:
    with HTTPServer(("127.0.0.1", 0), _Answers) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def site(tmp_path: Path, server: HTTPServer) -> Site:
    site = Site.at(str(tmp_path / "data"))
    site.prepare()
    site.write_env({"HTTP_HOST": "127.0.0.1", "HTTP_PORT": str(server.server_port)})
    for service in SERVICES:
        said = {"pid": os.getpid(), "health_port": server.server_port, "member": "m"}
        (site.run / f"{service}.json").write_text(json.dumps(said))
    return site


def test_a_service_that_says_another_name_is_not_that_service(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    ready = {"service": "query", "state": "ready", "ready": True, "since": "2026-03-02T05:00:00.000Z"}
    _Answers.bodies = {"/readyz": json.dumps(ready).encode(), "/api/v1/cameras": json.dumps(CAMERAS).encode()}
    assert status(str(site.data), as_json=False) == 1
    said = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in said] == ["!", "!", "!", "!", "✔", "✔"]
    assert "picture 0.4 s old" in said[-1]


@pytest.mark.parametrize("body", [b"", b"no json", b"[]", b'{"items": 3}'])
def test_strange_answers_are_not_well(site: Site, body: bytes, capsys: pytest.CaptureFixture[str]) -> None:
    _Answers.bodies = {"/readyz": body, "/api/v1/cameras": body}
    assert status(str(site.data), as_json=True) == 1
    shown = json.loads(capsys.readouterr().out)
    assert (shown["status"], shown["cameras"]) == ("not_well", None)


def test_an_announcement_of_the_dead_counts_for_nothing(site: Site) -> None:
    for service in SERVICES:
        (site.run / f"{service}.json").write_text('{"pid": 999999999, "health_port": 1}')
    assert status(str(site.data), as_json=True) == 2
