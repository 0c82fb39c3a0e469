"""Videos by REST: a running query, real films, a real bus; what a person who uploads would notice."""

import contextlib
import os
import signal
import socket
import subprocess
import threading
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from libs.video.ffmpeg import ffmpeg_program
from tests.integration.query.harness import Query, start_query, until
from tests.nats_server import NatsServer

CAMERAS = "".join(
    f"- {{id: {name}, name: '{name}', source: {{kind: demo}}}}\n" for name in ("demo-1", "demo-2", "demo-3")
)
OWN = "- {id: own-1, name: own, source: {kind: files, files: [mine.mp4, 낮잠.mp4]}}\n"
LIMIT = 40_000_000


@dataclass
class Films:
    """Made films: `seconds` long at ten pictures a second."""

    folder: Path

    def make(self, name: str, seconds: float = 2.0, picture: str = "testsrc2=s=320x240:r=10") -> bytes:
        path = self.folder / name
        command = [ffmpeg_program(), "-v", "error", "-y", "-f", "lavfi", "-t", str(seconds), "-i", picture]
        subprocess.run([*command, "-c:v", "libx264", "-preset", "ultrafast", str(path)], check=True, timeout=60)
        return path.read_bytes()


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Films:
    return Films(tmp_path_factory.mktemp("films"))


@dataclass
class Held:
    """A query with its cameras; `own`: a person's own folder of videos."""

    server: NatsServer
    query: Query
    own: Path

    def address(self, camera: str, name: str = "") -> str:
        return f"{self.query.url}/api/v1/cameras/{camera}/videos" + (f"/{name}" if name else "")

    def listed(self, camera: str) -> list[str]:
        return [item["name"] for item in httpx.get(self.address(camera)).json()["items"]]

    def stored(self, camera: str) -> list[str]:
        """Films in the media store, and whatever was left behind."""
        folder = self.query.folder / "media" / camera / "videos"
        return sorted(path.name for path in folder.glob("*") if path.suffix != ".json") if folder.exists() else []

    def upload(self, camera: str, name: str, body: bytes, **headers: str) -> httpx.Response:
        named = {key.replace("_", "-"): value for key, value in headers.items()}
        return httpx.post(self.address(camera), params={"name": name}, content=body, headers=named, timeout=60)


@pytest.fixture(scope="module")
def held(
    make_server: Callable[[], NatsServer], tmp_path_factory: pytest.TempPathFactory, films: Films
) -> Iterator[Held]:
    server, own = make_server(), tmp_path_factory.mktemp("own")
    (own / "mine.mp4").write_bytes(films.make("mine.mp4"))
    settings = {"UPLOAD_MAX_BYTES": str(LIMIT), "UPLOAD_RESERVE_BYTES": "0", "DOLBOM_VIDEOS": str(own)}
    query = start_query(tmp_path_factory.mktemp("query"), server.url, CAMERAS + OWN, settings)
    try:
        until("query is ready", query.is_ready, 10)
        yield Held(server, query, own)
    finally:
        query.stop()


def problem(answer: httpx.Response) -> tuple[int, str]:
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    assert answer.json()["status"] == answer.status_code
    return answer.status_code, str(answer.json()["type"]).removeprefix("urn:dolbom:problem:")


def test_a_demo_camera_plays_what_is_uploaded(held: Held, films: Films) -> None:
    spelled = unicodedata.normalize("NFD", "소풍 1.mp4")
    answer = held.upload("demo-1", spelled, films.make("a.mp4", 3.0), content_type="video/mp4")
    assert answer.status_code == 201, answer.text
    item = answer.json()
    assert (item["name"], item["frames"], item["seconds"]) == ("소풍 1.mp4", 15, 3.0)
    assert (item["width"], item["height"], item["codec"], item["trouble"]) == (320, 240, "h264", "")
    assert (item["instead_of"], item["uploaded"]) == ("demo", True)
    second = held.upload("demo-1", "낮잠.mp4", films.make("b.mp4", 1.0))
    assert (second.status_code, second.json()["instead_of"]) == (201, None)
    assert held.listed("demo-1") == ["소풍 1.mp4", "낮잠.mp4"]
    camera = httpx.get(f"{held.query.url}/api/v1/cameras/demo-1").json()
    assert (camera["source"], camera["desired"]) == ("files", "running")
    assert held.stored("demo-1") == ["낮잠.mp4", "소풍 1.mp4"]


@pytest.mark.parametrize(
    ("name", "content", "headers", "expected"),
    [
        ("a.txt", b"x", {}, (415, "no-video")),
        ("mp4", b"x", {}, (415, "no-video")),
        ("a.mp4", b"x", {"content_type": "text/html"}, (415, "no-video")),
        ("a.mp4", b"x", {"content_type": "application/x-www-form-urlencoded"}, (415, "no-video")),
        ("a.mp4", b"x", {"content_encoding": "gzip"}, (415, "no-video")),
        ("../a.mp4", b"x", {}, (422, "bad-name")),
        ("a/b.mp4", b"x", {}, (422, "bad-name")),
        (".a.mp4", b"x", {}, (422, "bad-name")),
        ("a\n.mp4", b"x", {}, (422, "bad-name")),
        ("놀" * 90 + ".mp4", b"x", {}, (422, "bad-name")),
        ("empty.mp4", b"", {}, (422, "not-playable")),
        ("text.mp4", b"this is a text file\n" * 300, {}, (422, "not-playable")),
        ("list.mp4", b"#EXTM3U\n#EXTINF:10,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n", {}, (422, "not-playable")),
        ("a.mp4", b"x", {"if_match": '"77"'}, (412, "other-revision")),
        ("a.mp4", b"x", {"origin": "http://evil.example"}, (403, "cross-site")),
    ],
)
def test_what_is_refused_leaves_nothing(
    held: Held, name: str, content: bytes, headers: dict[str, str], expected: tuple[int, str]
) -> None:
    answer = held.upload("demo-2", name, content, **headers)
    assert problem(answer) == expected, answer.text
    assert str(held.query.folder) not in answer.text
    assert held.listed("demo-2") == []
    assert held.stored("demo-2") == []
    assert httpx.get(held.address("demo-2")).json()["source"] == "demo"


def test_the_reason_is_told_in_words(held: Held, films: Films) -> None:
    cut = films.make("whole.mp4")
    answer = held.upload("demo-2", "잘림.mp4", cut[: len(cut) // 2])
    assert answer.json()["detail"] == "잘림.mp4 is cut off: the part that lists its pictures is missing."


def test_a_body_that_is_too_large_is_refused_before_it_is_sent(held: Held) -> None:
    assert "413" in refused_by_its_length(held, "demo-2", LIMIT + 1)


def test_a_body_without_a_length_is_counted(held: Held) -> None:
    pieces = (b"x" * 100_000 for _ in range(LIMIT // 100_000 + 1))
    answer = httpx.post(held.address("demo-2"), params={"name": "a.mp4"}, content=pieces, timeout=60)
    assert problem(answer) == (413, "too-large")
    assert held.stored("demo-2") == []


def test_misspelt_keys_and_cameras(held: Held) -> None:
    assert httpx.post(held.address("demo-2"), params={"nam": "a.mp4"}).status_code == 422
    assert httpx.post(held.address("demo-2"), params={"name": "a.mp4", "loop": "1"}).status_code == 422
    assert held.upload("nobody", "a.mp4", b"x").status_code == 404
    assert httpx.get(held.address("demo-2"), params={"limit": "1"}).status_code == 422
    assert httpx.delete(held.address("demo-2", "nothing.mp4")).status_code == 404


def test_the_same_request_again_is_the_same_upload(held: Held, films: Films) -> None:
    film = films.make("again.mp4", 1.0)
    first = held.upload("demo-3", "again.mp4", film, idempotency_key="k1")
    again = held.upload("demo-3", "again.mp4", film, idempotency_key="k1")
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json()["revision"] == first.json()["revision"]
    spelled = held.upload("demo-3", "again.mp4", film, idempotency_key="k2")
    assert problem(spelled) == (409, "name-taken")
    assert httpx.delete(held.address("demo-3", "again.mp4"), headers={"Idempotency-Key": "d"}).status_code == 204
    assert held.upload("demo-3", "again.mp4", film).status_code == 201
    assert httpx.delete(held.address("demo-3", "again.mp4"), headers={"Idempotency-Key": "d"}).status_code == 204
    assert held.listed("demo-3") == ["again.mp4"], "the deletion of before is no new one"
    assert held.stored("demo-3") == ["again.mp4"]
    assert httpx.delete(held.address("demo-3", "again.mp4")).status_code == 204
    assert (held.listed("demo-3"), held.stored("demo-3")) == ([], [])
    assert httpx.get(held.address("demo-3")).json()["source"] == "files", "an empty queue is no demo"


def test_order_and_a_persons_own_files(held: Held, films: Films) -> None:
    assert held.upload("own-1", "new.mp4", films.make("new.mp4", 1.0)).status_code == 201
    seen = httpx.get(held.address("own-1"))
    items = {item["name"]: item for item in seen.json()["items"]}
    mine = (held.own / "mine.mp4").stat().st_size
    assert [(item["bytes"], item["frames"], item["uploaded"]) for item in items.values()] == [
        (mine, None, False), (None, None, False), (items["new.mp4"]["bytes"], 5, True),
    ]  # fmt: skip
    wished = ["new.mp4", unicodedata.normalize("NFD", "낮잠.mp4"), "mine.mp4"]

    def order(files: list[str], loop: bool = True, **headers: str) -> httpx.Response:
        named = {key.replace("_", "-"): value for key, value in headers.items()}
        return httpx.put(held.address("own-1"), json={"files": files, "loop": loop}, headers=named)

    put = order(wished, loop=False, if_match=seen.headers["etag"])
    assert put.status_code == 200, put.text
    assert [item["name"] for item in put.json()["items"]] == ["new.mp4", "낮잠.mp4", "mine.mp4"]
    assert put.json()["loop"] is False
    assert problem(order(wished, if_match=seen.headers["etag"])) == (412, "other-revision")
    assert problem(order([*wished, "x.mp4"])) == (422, "no-such-file")
    assert problem(order(wished[:2])) == (409, "other-files")
    assert problem(order([*wished, wished[0]])) == (409, "other-files")
    again = order(wished, loop=False)
    assert again.json()["revision"] == put.json()["revision"], "nothing new is recorded when it stands so already"
    for name in ("mine.mp4", "new.mp4", "%EB%82%AE%EC%9E%A0.mp4"):
        assert httpx.delete(held.address("own-1", name)).status_code == 204
    assert held.listed("own-1") == []
    assert (held.own / "mine.mp4").exists(), "a person's own file is never deleted"
    assert held.stored("own-1") == []


def send_slowly(held: Held, camera: str, name: str, length: int) -> socket.socket:
    """An upload that has begun and does not go on."""
    head = (
        f"POST /api/v1/cameras/{camera}/videos?name={name} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {length}\r\n"
    )
    connection = socket.create_connection(("127.0.0.1", held.query.port), timeout=20)
    connection.sendall(head.encode() + b"Content-Type: video/mp4\r\n\r\n" + b"x" * 1000)
    return connection


def parts(held: Held, camera: str) -> list[str]:
    return [name for name in held.stored(camera) if name.endswith(".part")]


def test_uploads_are_bounded_in_number_and_an_interrupted_one_leaves_nothing(held: Held, films: Films) -> None:
    first, second = (send_slowly(held, "demo-2", f"{n}.mp4", 100_000) for n in "12")
    until("both are being received", lambda: len(parts(held, "demo-2")) == 2)
    busy = held.upload("demo-2", "third.mp4", b"x")
    assert problem(busy) == (503, "busy")
    assert int(busy.headers["retry-after"]) >= 1
    assert problem(held.upload("demo-2", "1.mp4", b"x")) == (409, "name-taken")
    first.close()
    second.close()
    until("nothing is left of them", lambda: held.stored("demo-2") == [])
    assert held.upload("demo-2", "1.mp4", films.make("1.mp4", 1.0)).status_code == 201
    assert httpx.delete(held.address("demo-2", "1.mp4")).status_code == 204


def test_a_large_upload_needs_no_memory(held: Held) -> None:
    before = resident(held.query.process.pid)
    answer = held.upload("demo-2", "a.mp4", bytes(LIMIT))
    assert problem(answer) == (422, "not-playable")
    assert resident(held.query.process.pid) - before < 20_000, "kB more at the worst moment"


def resident(pid: int) -> int:
    """The most that a process ever held, in kB."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM")))


def refused_by_its_length(held: Held, camera: str, length: int) -> str:
    """The status line for an upload that says how long it is, before a byte of it is sent."""
    with send_slowly(held, camera, "a.mp4", length) as connection:
        return connection.recv(200).decode("latin-1").splitlines()[0]


def test_a_death_in_the_middle_leaves_nothing_and_a_restart_overrules_nothing(
    make_server: Callable[[], NatsServer], tmp_path: Path, films: Films
) -> None:
    server = make_server()
    settings = {"UPLOAD_RESERVE_BYTES": "0", "UPLOAD_MAX_BYTES": str(1 << 60)}

    def started(cameras: str) -> Held:
        query = start_query(tmp_path, server.url, cameras, settings)
        until("query is ready", query.is_ready, 10)
        return Held(server, query, tmp_path)

    held = started(CAMERAS)
    assert held.upload("demo-1", "kept.mp4", films.make("kept.mp4", 1.0)).status_code == 201
    sending = send_slowly(held, "demo-1", "half.mp4", 100_000)
    until("it is being received", lambda: len(parts(held, "demo-1")) == 1)
    free = os.statvfs(tmp_path).f_bavail * os.statvfs(tmp_path).f_frsize
    assert "507" in refused_by_its_length(held, "demo-1", free + 50_000_000)
    held.query.stop()
    sending.close()
    assert len(held.stored("demo-1")) == 2
    held = started(CAMERAS)
    assert held.stored("demo-1") == ["kept.mp4"]
    assert held.listed("demo-1") == ["kept.mp4"], "an entry that did not change overrules nothing"
    assert httpx.get(held.address("demo-1")).json()["items"][0]["frames"] == 5
    held.query.stop()
    held = started(CAMERAS.replace("id: demo-1, name: 'demo-1'", "id: demo-1, name: 'another name'"))
    assert httpx.get(held.address("demo-1")).json()["source"] == "demo", "an entry that changed does"
    held.query.stop()


def test_the_end_of_query_ends_its_probe(make_server: Callable[[], NatsServer], tmp_path: Path, films: Films) -> None:
    """A decoder that hangs: query is told to stop while it waits for it."""
    decoder = tmp_path / "decoder"
    decoder.write_text("#!/bin/sh\nwhile :; do sleep 1; done\n", encoding="utf-8")
    decoder.chmod(0o755)
    query = start_query(tmp_path, make_server().url, CAMERAS, {"UPLOAD_RESERVE_BYTES": "0", "FFMPEG_BIN": str(decoder)})
    until("query is ready", query.is_ready, 10)
    held = Held(NatsServer(tmp_path), query, tmp_path)
    sending = threading.Thread(target=lambda: ignore(lambda: held.upload("demo-1", "a.mp4", b"x" * 1000)))
    sending.start()
    until("the decoder runs", lambda: running(decoder) != [], 10)
    query.process.send_signal(signal.SIGTERM)
    query.process.wait(timeout=10)
    sending.join(10)
    until("the decoder is gone", lambda: running(decoder) == [])
    assert held.stored("demo-1") == []


def running(program: Path) -> list[str]:
    """Processes that were started with the program."""
    found: list[str] = []
    for command in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            found += [command.parent.name] if str(program).encode() in command.read_bytes() else []
    return found


def ignore(work: Callable[[], object]) -> None:
    """The connection breaks, as it should."""
    with contextlib.suppress(httpx.HTTPError):
        work()
