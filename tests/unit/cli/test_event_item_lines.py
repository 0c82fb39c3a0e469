"""Events as a person reads them."""

from typing import Any

import pytest

from cli.event_item_lines import event_details, event_lines

FALL: dict[str, Any] = {
    "event_id": "0f0a2f64-7a0c-5d0e-9c5e-4f7f0c1f6a11",
    "camera_id": "sun",
    "kind": "safety",
    "severity": "danger",
    "code": "climb",
    "title": {"ko": "책장에 오르는 아이", "en": "A child climbs a shelf"},
    "description": {"ko": "아이가 책장에 서 있습니다", "en": "A child stands on the shelf"},
    "confidence": "high",
    "started_at": "2026-03-02T00:03:20.000Z",
    "last_at": "2026-03-02T00:03:50.000Z",
    "confirmed": False,
    "late": True,
    "reviewed": "false_positive",
    "cost_usd": 0.0007,
    "ended": True,
    "source": "look",
    "continues": None,
    "picture_url": "/api/v1/events/0f0a2f64-7a0c-5d0e-9c5e-4f7f0c1f6a11/picture",
    "archive": {"state": "kept", "segment_id": "s", "url": "/api/live-monitoring/hls/sun/a.mp4", "offset_s": 200.0},
    "reviews": [{"verdict": "false_positive", "by": "kim", "note": "인형", "at": "2026-03-02T01:00:00.000Z"}],
}
PLAY = {**FALL, "severity": "info", "code": "play", "reviewed": None, "ended": False, "title": {"ko": "", "en": "Play"}}
SUN = {"camera_id": "sun", "name": "햇살반", "time_zone": "Asia/Seoul"}
SITE = "http://127.0.0.1:8080"


def details(item: dict[str, Any], wanted: Any = "en") -> dict[str, str]:
    _, *rows = (row.split(maxsplit=1) for row in event_details(item, SUN, SITE, wanted))
    return {row[0]: row[1] for row in rows}


def test_a_line_is_in_the_persons_language_and_the_cameras_time() -> None:
    event_id = FALL["event_id"]
    assert event_lines([FALL, PLAY], {"sun": "Asia/Seoul"}, "ko") == [
        f"! 2026-03-02 09:03:20 KST  30 s           danger  sun  climb  false positive  {event_id}  책장에 오르는 아이",
        f"• 2026-03-02 09:03:20 KST  30 s, goes on  info    sun  play   -               {event_id}  Play",
    ]
    assert event_lines([FALL], {"sun": "UTC"}, "en")[0].startswith("! 2026-03-02 00:03:20 UTC")
    assert event_lines([FALL], {}, "en")[0].endswith("A child climbs a shelf")


def test_all_of_an_event() -> None:
    assert event_details(FALL, SUN, SITE, "ko")[0] == "! 책장에 오르는 아이"
    said = details(FALL, "en")
    assert said["seen"] == "A child stands on the shelf"
    assert said["when"] == "2026-03-02 09:03:20 KST, 30 s"
    assert said["sure"] == "high, unconfirmed, found later"
    assert said["found"] == "by  look, $0.0007"
    assert said["archive"] == f"{SITE}/api/live-monitoring/hls/sun/a.mp4, 200.0 s after its begin"
    assert said["picture"] == f"{SITE}{FALL['picture_url']}"
    assert said["review"] == "false positive by kim, 2026-03-02 10:00:00 KST: 인형"
    assert "continues" not in said
    assert details({**FALL, "continues": "abc"})["continues"] == "abc"


@pytest.mark.parametrize(("state", "words"), [("expired", "deleted"), ("missed", "no picture"), ("awaited", "yet")])
def test_where_there_is_no_recording(state: str, words: str) -> None:
    archive = {"state": state, "segment_id": None, "url": None, "offset_s": None}
    assert words in details({**FALL, "archive": archive})["archive"]


def test_what_is_not_there_is_said() -> None:
    said = details({**FALL, "picture_url": None, "reviews": [], "cost_usd": None})
    assert (said["picture"], said["found"]) == ("none was kept", "by  look")
    assert "review" not in said


@pytest.mark.parametrize("strange", [{}, {"started_at": 3, "last_at": "0001-01-01T00:00:00+14:00", "reviews": [5]}])
def test_a_strange_answer_is_a_line_too(strange: dict[str, object]) -> None:
    assert len(event_lines([strange], {"sun": 5}, "ko")) == 1
    assert event_details(strange, {}, SITE, "ko")


def test_what_others_wrote_cannot_touch_the_terminal() -> None:
    evil = {**FALL, "title": {"ko": "\x1b[2J\r\nboo", "en": ""}, "reviews": [{"note": "\r\n\x1b]0;x\x07"}]}
    said = [*event_lines([evil], {}, "en"), *event_details(evil, SUN, SITE, "ko")]
    assert all(text.isprintable() for text in said)
