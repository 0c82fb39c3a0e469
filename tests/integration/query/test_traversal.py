"""No name leads out of the media store, and none makes the server fail: against a real uvicorn, by raw sockets."""

import json
import os

import pytest

from libs.media import MediaStore
from tests.integration.query.harness import Running, raw

HLS = "/api/live-monitoring/hls/"
SECRET = b"this must not be read"

# As in the table of attacks, and further spellings; what stands after /hls/.
PAYLOADS = {
    "T01": "%2e%2e/outer.txt",
    "T02": "cam1/../secret.env",
    "T03": "cam1/%2e%2e/secret.env",
    "T04": "cam1/..%2fsecret.env",
    "T05": "cam1/%2e%2e%2fsecret.env",
    "T06": "cam1/../../outer.txt",
    "T07": "cam1//etc/passwd",
    "T08": "cam1/%2fetc%2fpasswd",
    "T09": "cam1/link.ts",
    "T09 with a good name": "cam1/cam1_9.ts",
    "T09 a folder": "cam2/cam2_1.ts",
    "T09 an archive": "cam1/archive_20261124_050000Z.mp4",
    "T10": "cam9/cam9_000.ts",
    "T10 through a good camera": "cam1/cam9_000.ts",
    "T11": "cam1/../cam9/cam9_000.ts",
    "T12": "cam1/%2e%2e%2fcam9%2fcam9_000.ts",
    "T13": "../secret.env",
    "T14": "..%2f/outer.txt",
    "T15": "cam1/..%252fsecret.env",
    "T16": "..%5c",
    "T16 in the name": "cam1/..%5csecret.env",
    "T17": "..\\",
    "T17 in the name": "cam1/..\\secret.env",
    "T18": "....//",
    "T19": "..;/",
    "T19 in the name": "cam1/..;/secret.env",
    "T20": "%c0%ae%c0%ae%c0%af",
    "T20 in the name": "cam1/%c0%ae%c0%ae%c0%afsecret.env",
    "T21": "cam1/cam1_000.ts%00.m3u8",
    "T21 at the end": "cam1/cam1_000.ts%00",
    "T22": "%00",
    "T22 in the name": "cam1/%00",
    "T23": "cam1/.",
    "T23 two": "cam1/..",
    "T23 encoded": "cam1/%2e",
    "T24": "cam1/",
    "T24 after the name": "cam1/cam1_000.ts/",
    "T25": "CAM1/cam1_000.ts",
    "T25 in the name": "cam1/CAM1_000.ts",
    "T26": "%20",
    "T26 in the name": "cam1/cam1_000.ts%20",
    "T27": "%0d%0aSet-Cookie:",
    "T27 in the name": "cam1/cam1_000.ts%0d%0aSet-Cookie:%20a=b",
    "T27 a line end": "cam1/cam1_000.ts%0a",
    "T28": "A" * 5000,
    "T28 in the name": "cam1/" + "A" * 5000,
    "T28 digits": f"cam1/cam1_{'1' * 5000}.ts",
    "T29": "%ff%fe.ts",
    "T29 in the name": "cam1/%ff%fe.ts",
    "T30": "file:%2f%2f%2fetc%2fpasswd",
    "T30 in the name": "cam1/file:%2f%2f%2fetc%2fpasswd",
    "T31": "con",
    "T31 in the name": "cam1/con",
    "T32": "-",
    "T32 in the name": "cam1/-",
    "T33": "%E2%80%A6",
    "T33 in the name": "cam1/%E2%80%A6",
    "half an escape": "cam1/%2",
    "no escape": "cam1/%zz",
    "a lone surrogate": "cam1/%ed%a0%80.ts",
    "other digits": "cam1/cam1_%d9%a3.ts",
    "the other folder": "cam1/secret.env",
    "half written": "cam1/cam1_3.ts.1.part",
    "the marker": "cam1/.dolbom-media",
    "a snapshot": "cam1/0000.jpg",
    "a fifo": "cam1/cam1_4.ts",
    "a directory": "cam1/cam1_5.ts",
    "only the camera": "cam1",
    "nothing": "",
}


@pytest.fixture(scope="module")
def port(running: Running) -> int:
    """A store with everything that must not be read, in reach of a careless server."""
    media = running.media
    store = MediaStore.open(str(media))
    store.write_once("cam1/hls", "cam1_000.ts", b"good", "t")
    store.write_once("cam9/hls", "cam9_000.ts", SECRET, "t")  # nobody registered this camera
    store.write_once("cam1/archive", "archive_20261124_051000Z.mp4", b"good", "t")
    for path in (
        media.parent / "outer.txt",
        media / "secret.env",
        media / "cam1/secret.env",
        media / "cam1/hls/secret.env",
    ):
        path.write_bytes(SECRET)
    (media / "cam1/hls/cam1_3.ts.1.part").write_bytes(SECRET)
    for link in ("cam1/hls/link.ts", "cam1/hls/cam1_9.ts", "cam1/archive/archive_20261124_050000Z.mp4"):
        (media / link).symlink_to(media.parent / "outer.txt")
    (media / "elsewhere").mkdir()
    (media / "elsewhere/cam2_1.ts").write_bytes(SECRET)
    (media / "cam2").mkdir()
    (media / "cam2/hls").symlink_to(media / "elsewhere")
    (media / "cam1/hls/cam1_5.ts").mkdir()
    os.mkfifo(media / "cam1/hls/cam1_4.ts")
    return running.query.port


@pytest.mark.parametrize("name", ["cam1/cam1_000.ts", "cam1/archive_20261124_051000Z.mp4"])
def test_good_names_are_served(port: int, name: str) -> None:
    assert raw(port, HLS + name).body == b"good"


@pytest.mark.parametrize("payload", PAYLOADS.values(), ids=PAYLOADS.keys())
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_bad_names_are_not_there(port: int, payload: str, method: str) -> None:
    answer = raw(port, HLS + payload, method=method)
    assert answer.status == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert SECRET not in answer.body
    assert "set-cookie" not in answer.headers


def test_every_404_says_the_same(port: int) -> None:
    answers = [
        json.loads(raw(port, HLS + payload).body) for payload in ("cam1/cam1_7.ts", "cam9/cam9_000.ts", "x/y", "")
    ]
    assert len({(body["type"], body["title"], body["detail"]) for body in answers}) == 1


@pytest.mark.parametrize(
    "target", [b"*", b"//", b"/..", b"/%2e%2e/", b"/\xff", b"/a b", b"http://evil.example/", b"/" + b"a" * 70_000]
)
def test_strange_targets_are_never_a_failure_of_ours(port: int, target: bytes) -> None:
    assert 400 <= raw(port, target).status < 500


@pytest.mark.parametrize(
    "name", ["../index.html", "..%2fpage.py", "node_modules", "package.json", "%2e%2e/page.py", "app.js/", "APP.JS"]
)
def test_assets_are_a_list_of_names(port: int, name: str) -> None:
    assert raw(port, f"/assets/{name}").status == 404
