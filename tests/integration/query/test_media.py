"""Playlists, segments and archives over HTTP: types, caching, ranges, and what happens to the open file."""

import os
import socket
from pathlib import Path

import httpx
import pytest

from libs.media import MediaStore
from tests.integration.query.harness import Running, until

BIG = bytes(range(256)) * (6 << 12)  # 6 MiB: more than sockets and buffers hold
PLAYLIST = b"#EXTM3U\n#EXT-X-PROGRAM-DATE-TIME:2026-11-24T05:03:20.000Z\n#EXTINF:10.000000,\nbusy-1_1.ts\n"


@pytest.fixture(scope="module")
def base(running: Running) -> str:
    store = MediaStore.open(str(running.media))
    store.write_once("busy-1/hls", "busy-1_1.ts", b"0123456789" * 10, "t")
    store.write_once("busy-1/hls", "busy-1_2.ts", b"", "t")
    store.write_once("busy-1/archive", "archive_20261124_050000Z.mp4", BIG, "t")
    store.replace("busy-1/hls", "busy-1.m3u8", PLAYLIST, "t")
    store.replace("busy-1/hls", "busy-1_dvr.m3u8", PLAYLIST, "t")
    return f"{running.url}/api/live-monitoring/hls/busy-1"


@pytest.mark.parametrize(
    ("name", "media_type", "cache"),
    [
        ("busy-1.m3u8", "application/vnd.apple.mpegurl", "no-cache"),
        ("busy-1_dvr.m3u8", "application/vnd.apple.mpegurl", "no-cache"),
        ("busy-1_1.ts", "video/mp2t", "private, max-age=31536000, immutable"),
        ("archive_20261124_050000Z.mp4", "video/mp4", "private, max-age=31536000, immutable"),
    ],
)
def test_types_and_caching(base: str, name: str, media_type: str, cache: str) -> None:
    answer = httpx.get(f"{base}/{name}")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == media_type
    assert answer.headers["Cache-Control"] == cache
    assert answer.headers["Content-Length"] == str(len(answer.content))
    head = httpx.head(f"{base}/{name}")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["Content-Length"] == answer.headers["Content-Length"]
    again = httpx.get(f"{base}/{name}", headers={"If-None-Match": answer.headers["ETag"]})
    assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", answer.headers["ETag"])


def test_a_replaced_playlist_has_another_etag(running: Running, base: str) -> None:
    before = httpx.get(f"{base}/busy-1.m3u8").headers["ETag"]
    MediaStore.open(str(running.media)).replace("busy-1/hls", "busy-1.m3u8", PLAYLIST + b"#EXT-X-ENDLIST\n", "t")
    after = httpx.get(f"{base}/busy-1.m3u8", headers={"If-None-Match": before})
    assert after.status_code == 200
    assert after.content.endswith(b"#EXT-X-ENDLIST\n")


@pytest.mark.parametrize(
    ("asked", "status", "content_range", "body"),
    [
        ("bytes=0-9", 206, "bytes 0-9/100", b"0123456789"),
        ("bytes=95-", 206, "bytes 95-99/100", b"56789"),
        ("bytes=-3", 206, "bytes 97-99/100", b"789"),
        ("bytes=90-500", 206, "bytes 90-99/100", b"0123456789"),
        ("bytes=100-", 416, "bytes */100", None),
        ("bytes=-0", 416, "bytes */100", None),
        ("bytes=" + ",".join(["0-"] * 1000), 200, None, b"0123456789" * 10),
        ("nonsense", 200, None, b"0123456789" * 10),
    ],
)
def test_ranges(base: str, asked: str, status: int, content_range: str | None, body: bytes | None) -> None:
    answer = httpx.get(f"{base}/busy-1_1.ts", headers={"Range": asked})
    assert answer.status_code == status
    assert answer.headers.get("Content-Range") == content_range
    if body is None:
        assert answer.headers["Content-Type"] == "application/problem+json"
    else:
        assert answer.content == body
        assert answer.headers["Accept-Ranges"] == "bytes"
    assert httpx.head(f"{base}/busy-1_1.ts", headers={"Range": asked}).status_code == status


def test_if_range(base: str) -> None:
    etag = httpx.head(f"{base}/busy-1_1.ts").headers["ETag"]
    asked = {"Range": "bytes=0-1"}
    assert httpx.get(f"{base}/busy-1_1.ts", headers={**asked, "If-Range": etag}).status_code == 206
    assert httpx.get(f"{base}/busy-1_1.ts", headers={**asked, "If-Range": '"other"'}).status_code == 200


def test_an_empty_file(base: str) -> None:
    assert httpx.get(f"{base}/busy-1_2.ts").content == b""
    assert httpx.get(f"{base}/busy-1_2.ts", headers={"Range": "bytes=0-"}).status_code == 416


def test_a_big_file_comes_whole_and_in_parts(base: str) -> None:
    url = f"{base}/archive_20261124_050000Z.mp4"
    assert httpx.get(url).content == BIG
    first, last = len(BIG) // 3, len(BIG) // 3 + (1 << 20)
    assert httpx.get(url, headers={"Range": f"bytes={first}-{last}"}).content == BIG[first : last + 1]


def open_media(running: Running) -> list[str]:
    links = Path(f"/proc/{running.query.process.pid}/fd").iterdir()
    return [target for target in map(_target, links) if target.endswith((".mp4", ".ts", ".m3u8"))]


def _target(link: Path) -> str:
    try:
        return os.readlink(link)
    except FileNotFoundError:
        return ""


def test_a_viewer_who_leaves_leaves_no_open_file(running: Running, base: str) -> None:
    request = b"GET /api/live-monitoring/hls/busy-1/archive_20261124_050000Z.mp4 HTTP/1.1\r\nHost: localhost\r\n\r\n"
    viewers = [socket.create_connection(("127.0.0.1", running.query.port)) for _ in range(5)]
    for viewer in viewers:
        viewer.sendall(request)
        assert viewer.recv(100).startswith(b"HTTP/1.1 200")
    assert len(open_media(running)) == 5
    for viewer in viewers:
        viewer.close()
    until("every file is closed", lambda: open_media(running) == [])


def test_every_answer_closes_its_file(running: Running, base: str) -> None:
    for name in ("busy-1.m3u8", "busy-1_1.ts", "busy-1_2.ts", "archive_20261124_050000Z.mp4"):
        etag = httpx.head(f"{base}/{name}").headers["ETag"]
        for headers in ({}, {"Range": "bytes=1-2"}, {"Range": "bytes=99999999-"}, {"If-None-Match": etag}):
            httpx.get(f"{base}/{name}", headers=headers)
    until("every file is closed", lambda: open_media(running) == [])
