"""query as its own process, for tests to hold in their hands."""

import json
import os
import socket
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import httpx

from libs.bus import Bus
from libs.contracts.frames import Snapshot
from libs.contracts.slots import slot_at
from libs.contracts.subjects import snapshot
from libs.media import prepare_store
from tests import forked
from tests.forked import Forked
from tests.nats_server import NatsServer

ROOT = Path(__file__).parents[3]
JPEG = b"\xff\xd8\xff\xe0 not really a picture \xff\xd9"


def until(what: str, done: Callable[[], bool], seconds: float = 5.0) -> None:
    """Poll until something is so; the test fails with `what` otherwise."""
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end, f"not within {seconds:g} s: {what}"
        time.sleep(0.02)


@dataclass
class Query:
    """query as its own process."""

    folder: Path
    environment: dict[str, str]
    process: "Forked | subprocess.Popen[bytes]"
    url: str = ""
    health_url: str = ""

    @property
    def port(self) -> int:
        return int(self.url.rsplit(":", 1)[1])

    @property
    def log(self) -> list[dict[str, object]]:
        lines = (self.folder / "query.log").read_text(encoding="utf-8").splitlines()
        return [json.loads(line) for line in lines if line.startswith("{")]

    def serves(self) -> bool:
        assert self.process.poll() is None, self.log
        for line in self.log:
            if line["action"] == "serves":
                told = json.loads((self.folder / "run/query.json").read_text(encoding="utf-8"))
                assert told["pid"] == self.process.pid
                self.url, self.health_url = str(line["url"]), f"http://127.0.0.1:{told['health_port']}"
        return bool(self.url)

    def readiness(self) -> dict[str, object]:
        return dict(httpx.get(f"{self.health_url}/readyz").json())

    def is_ready(self) -> bool:
        return self.readiness()["state"] == "ready"

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()


def start_query(folder: Path, nats_url: str, cameras: str = "", settings: Mapping[str, str] | None = None) -> Query:
    """Start it and wait until it serves (which is before it is ready)."""
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "media").exists():
        prepare_store(folder / "media")
    (folder / "cameras.yaml").write_text(cameras, encoding="utf-8")
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "NATS_URL": nats_url,
        "NATS_PASSWORD": "query",
        "MEDIA_URL": str(folder / "media"),
        "DOLBOM_CAMERAS": str(folder / "cameras.yaml"),
        "DOLBOM_DATA": str(folder),
        "HTTP_PORT": "0",
        **(settings or {}),
    }
    (folder / "query.log").write_bytes(b"")
    query = Query(folder, environment, forked.start("services.query", environment, folder / "query.log"))
    until("query serves", query.serves, 20)
    return query


def still(camera: str, now_ms: int, *, epoch: int = 1, kind: str = "c") -> Snapshot:
    """A still as ingest publishes it."""
    assert kind in ("c", "h")
    return Snapshot(camera, slot_at(now_ms, 5), 5, "c" if kind == "c" else "h", epoch, 100, JPEG)


async def send_still(bus: Bus, image: Snapshot) -> None:
    await bus.js.publish(snapshot(image.camera), image.jpeg, headers=image.headers())


CAMERAS = ("cam1", "cam2", "wish-1", "wish-2", "wish-3", "race-1", "fresh-1", "stale-1", "none-1", "busy-1")


@dataclass
class Running:
    """A site with its bus, its media and its query."""

    server: NatsServer
    query: Query

    @property
    def url(self) -> str:
        return self.query.url

    @property
    def media(self) -> Path:
        return self.query.folder / "media"


@dataclass
class RawAnswer:
    """What a server sent, as it came."""

    status: int
    headers: dict[str, str]
    body: bytes


def raw(port: int, target: str | bytes, *headers: str, method: str = "GET", host: str = "127.0.0.1") -> RawAnswer:
    """A request whose target is not normalised, as HTTP clients do."""
    path = target.encode() if isinstance(target, str) else target
    lines = [f"Host: {host}", "Connection: close", *headers]
    request = method.encode() + b" " + path + b" HTTP/1.1\r\n" + "".join(f"{line}\r\n" for line in lines).encode()
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        connection.sendall(request + b"\r\n")
        answer = b"".join(iter(lambda: connection.recv(1 << 16), b""))
    head, _, body = answer.partition(b"\r\n\r\n")
    status, *fields = head.decode("latin-1").split("\r\n")
    named = {name.lower(): value.strip() for name, _, value in (field.partition(":") for field in fields)}
    return RawAnswer(int(status.split()[1]), named, body)
