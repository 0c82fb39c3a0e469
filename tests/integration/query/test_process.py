"""query as a process: before its bus, without it, and at its end."""

import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx

from libs.media import MediaStore
from tests.integration.query.harness import ROOT, start_query, until
from tests.nats_server import NatsServer

WISH = "/api/live-monitoring/stop-hls-stream/camera-1"


def test_it_starts_before_its_bus_and_outlives_it(server: NatsServer, tmp_path: Path) -> None:
    server.kill()
    query = start_query(tmp_path, server.url, "- {id: camera-1, name: a}\n")
    try:
        assert httpx.get(query.url).status_code == 200
        early = httpx.get(f"{query.url}/api/v1/cameras")
        assert (early.status_code, early.json()["type"]) == (503, "urn:dolbom:problem:starting")
        assert early.headers["Retry-After"] == "1"
        assert query.readiness()["state"] == "starting"
        server.start()
        until("the bus is found", query.is_ready, 10)
        server.kill()
        until("the bus is missed", lambda: query.readiness()["state"] == "degraded")
        assert query.readiness()["ready"] is True
        away = httpx.post(query.url + WISH)
        assert (away.status_code, away.json()["type"]) == (503, "urn:dolbom:problem:bus-away")
        assert away.headers["Retry-After"] == "2"
        assert [camera["desired"] for camera in httpx.get(f"{query.url}/api/v1/cameras").json()["items"]] == ["running"]
        server.start()
        until("the bus is back", query.is_ready, 10)
        assert httpx.post(query.url + WISH).json()["desired"] == "stopped"
    finally:
        query.stop()


def test_sigterm_ends_it_whatever_is_open(server: NatsServer, tmp_path: Path) -> None:
    query = start_query(tmp_path, server.url, "- {id: camera-1, name: a}\n")
    try:
        until("query is ready", query.is_ready, 10)
        MediaStore.open(str(tmp_path / "media")).write_once("camera-1/hls", "camera-1_1.ts", bytes(8 << 20), "t")
        reader, idle, half = (socket.create_connection(("127.0.0.1", query.port)) for _ in range(3))
        reader.sendall(b"GET /api/live-monitoring/hls/camera-1/camera-1_1.ts HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert reader.recv(10)
        half.sendall(b"GET / HTTP/1.1\r\n")
        query.process.send_signal(signal.SIGINT)  # Ctrl-C is the supervisor's
        time.sleep(0.1)
        assert query.process.poll() is None
        began = time.monotonic()
        query.process.terminate()
        assert query.process.wait(5) == 0
        assert time.monotonic() - began < 2
        assert not [line for line in query.log if line["level"] == "error"]
        for connection in (reader, idle, half):
            connection.close()
    finally:
        query.stop()


def test_a_taken_port_is_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        environment = {"HTTP_PORT": str(taken.getsockname()[1])}
        command = [sys.executable, "-m", "services.query"]
        run = subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=20, check=False
        )
    assert run.returncode == 2
    assert "Address already in use" in run.stderr
    assert run.stderr.count("\n") == 1
