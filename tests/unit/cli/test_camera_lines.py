"""Cameras as a person reads them."""

from typing import Any

import pytest

from cli.camera_lines import added, camera_details, camera_lines, changed, wished

SUN: dict[str, Any] = {
    "camera_id": "sun",
    "name": "햇살반",
    "room": "2층",
    "time_zone": "Asia/Seoul",
    "source": "demo",
    "profile": {"width": 640, "height": 480, "fps": 5},
    "desired": "running",
    "observed": {"state": "online", "cause": "", "since": "2026-03-02T05:00:00.000Z"},
    "picture": {"at": "2026-03-02T05:10:00.000Z", "slot": 1, "age_ms": 850, "kind": "c", "live": True},
    "hls": {"segments": 12, "seconds": 24.0, "ended": False, "until": "2026-03-02T05:10:00.000Z"},
    "hls_url": "/api/live-monitoring/hls/sun/sun.m3u8",
    "now_url": "/api/v1/cameras/sun/now.jpg",
    "revision": 3,
}
MOON = {
    **SUN,
    "camera_id": "full-moon",
    "name": "Moon",
    "time_zone": "America/New_York",
    "observed": {"state": "offline", "cause": "파일 없음", "since": "2026-03-02T05:00:00.000Z"},
    "picture": {"at": "2026-03-02T04:00:00.000Z", "slot": 1, "age_ms": 4_200_000, "kind": "c", "live": False},
}


def test_a_line_says_how_a_camera_is_in_its_own_time() -> None:
    assert camera_lines([SUN, MOON]) == [
        "✔ sun        online               since 03-02 14:00:00 KST  wished running  picture 0.8 s old   햇살반",
        "! full-moon  offline (파일 없음)  since 03-02 00:00:00 EST  wished running  picture 70 min old  Moon",
    ]
    assert camera_lines([]) == []


def test_a_camera_that_was_never_seen() -> None:
    (text,) = camera_lines([{**SUN, "observed": None, "picture": None, "time_zone": "Mars/North"}])
    assert text.startswith("! sun  not seen yet")
    assert "no picture" in text


def test_the_site_says_whether_a_picture_is_young_enough() -> None:
    fast = {**SUN, "picture": {**SUN["picture"], "age_ms": 60_000}}
    assert camera_lines([fast])[0].startswith("✔")
    assert camera_lines([{**fast, "picture": {**fast["picture"], "live": False}}])[0].startswith("!")


def test_all_of_a_camera() -> None:
    said = camera_details(SUN, "http://127.0.0.1:8080").splitlines()
    assert said[0] == "✔ sun (햇살반, 2층)"
    assert said[1].split(maxsplit=1) == ["state", "online, since 2026-03-02 14:00:00 KST, wished running"]
    assert said[2].split(maxsplit=1) == ["picture", "0.8 s old, of 2026-03-02 14:10:00 KST"]
    assert "http://127.0.0.1:8080/api/live-monitoring/hls/sun/sun.m3u8  (24 s in it)" in said[5]
    assert said[-1].split() == ["revision", "3"]


def test_what_was_done() -> None:
    assert added(SUN) == "✔ added     sun (햇살반, 2층): demo, 640x480 at 5 fps, wished running"
    assert added({**SUN, "source": "files"}).endswith("add them on the page")
    assert changed(SUN, {**SUN, "revision": 2}).endswith("revision 3")
    assert "unchanged" in changed(SUN, SUN)
    assert wished({**SUN, "desired": "stopped"}) == "✔ wished    sun stopped; it is online for now"
    assert wished(SUN) == "✔ wished    sun running"


@pytest.mark.parametrize("strange", [{}, {"camera_id": None, "observed": 3, "picture": [], "profile": None, "hls": 7}])
def test_a_strange_answer_is_a_line_too(strange: dict[str, object]) -> None:
    assert len(camera_lines([strange])) == 1
    assert camera_details(strange, "http://x")


def test_what_others_wrote_cannot_touch_the_terminal() -> None:
    evil = {**SUN, "name": "\x1b[2J\r\nboo", "room": "\x9b1m"}
    said = [*camera_lines([evil]), *camera_details(evil, "http://x").splitlines(), added(evil)]
    assert len(said) == 1 + 8 + 1
    assert all(text.isprintable() for text in said)
