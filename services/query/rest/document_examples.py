"""Examples of the bodies that the API takes and gives, by the names of their models; one day of one camera."""

from collections.abc import Mapping

from services.query.rest.event_items import EXAMPLE

Object = dict[str, object]
_EVENT: Object = dict(EXAMPLE)
_AT, _LATER = "2026-03-02T00:00:00.000Z", "2026-03-02T00:10:00.000Z"
_SEGMENT, _LOOK = "b0a4d6f2-6a1e-5f0c-8d53-0d7a6f1c2e90", "7d1c9b1a-2f6e-5c1b-9a1d-3f0e8b6c5d21"
_SHA, _PROMPT = "ab" * 32, {"id": "triage-1", "sha256": "cd" * 32}
_SUMMARY = {"ko": "아이들이 블록을 쌓으며 놀았습니다", "en": "The children played with blocks"}
_OBSERVED = {"state": "online", "cause": "", "since": _AT}
_VIDEO: Object = {
    "name": "소풍.mp4", "bytes": 1048576, "frames": 300, "seconds": 60.0, "uploaded": True, "playing": True,
}  # fmt: skip
_TOKEN: Object = {
    "token_id": "5f0c9e6d1b7a4c32", "name": "player in the hall", "created_at": _AT, "expires_at": None,
}  # fmt: skip
_USER: Object = {"user": "kim", "role": "guardian", "cameras": ["sun"], "created_at": _AT}
_CAMERA: Object = {
    "camera_id": "sun", "name": "햇살반", "room": "1층", "time_zone": "Asia/Seoul", "source": "demo",
    "profile": {"width": 640, "height": 480, "fps": 5}, "desired": "running", "observed": _OBSERVED,
    "picture": {"at": _AT, "slot": 8862048000, "age_ms": 900, "kind": "c", "live": True},
    "hls": {"segments": 30, "seconds": 300.0, "ended": False, "until": _AT},
    "hls_url": "/api/live-monitoring/hls/sun/sun.m3u8", "now_url": "/api/v1/cameras/sun/now.jpg", "revision": 3,
}  # fmt: skip
_CLOSED: Object = {
    "segment_id": _SEGMENT, "first_slot": 8862048000, "frames": 3000, "fps": 5, "captured_frames": 2990,
    "held_frames": 0, "gaps": [{"first_slot": 8862048100, "last_slot": 8862048109, "cause": "ingest"}],
    "complete": True, "started_at": _AT, "ended_at": _LATER, "width": 640, "height": 480,
    "media_key": "sun/archive/archive_20260302_000000Z.mp4", "bytes": 20000000, "sha256": _SHA,
    "previous_sha256": None,
}  # fmt: skip
_ANALYSIS: Object = {
    "segment_id": _SEGMENT, "camera_id": "sun", "status": "analyzed", "started_at": _AT, "ended_at": _LATER,
    "media_key": "sun/archive/archive_20260302_000000Z.mp4", "version": 1, "analyzed_at": "2026-03-02T00:10:40.000Z",
    "safety_score": 85, "score_reason": None, "incident_count": 0,
    "analysis_result": {
        "summary": _SUMMARY, "incidents": [], "seen": [{"from": _AT, "to": _LATER}],
        "development": [{
            "area": "gross_motor", "at": _AT, "note": {"ko": "혼자 일어섰습니다", "en": "Stood up alone"},
        }],
        "assessor": {"provider": "gemini", "model": "flash-lite", "model_version": ""},
    },
    "failed_reason": None, "attempt": None, "attempt_outcome": None, "attempt_reason": None, "next_attempt_at": None,
    "prompt": _PROMPT, "cost_usd": 0.003, "latency_ms": 8100,
    "usage": {"input_tokens": 1180, "output_tokens": 64, "thought_tokens": 0, "cached_tokens": 0},
}  # fmt: skip
_LOOK_ITEM: Object = {
    "look_id": _LOOK, "camera_id": "sun", "started_at": _AT, "ended_at": "2026-03-02T00:00:02.000Z",
    "trigger": "schedule", "outcome": "assessed", "reason": "", "view": "clear",
    "findings": [{
        "code": "climb", "severity": "danger", "confidence": "high",
        "first_slot": 8862048000, "last_slot": 8862048050,
    }],
    "first_slot": 8862047776, "last_slot": 8862048000, "fps": 5,
    "assessor": {"provider": "gemini", "model": "flash-lite", "model_version": "", "prompt": _PROMPT},
    "input": {"sha256": _SHA, "bytes": 180000, "frames": 16, "media_type": "video/mp4"},
    "usage": {"input_tokens": 1180, "output_tokens": 64, "thought_tokens": 0, "cached_tokens": 0},
    "estimate_usd": 0.0008, "cost_usd": 0.0007, "price_table": "2026-01", "latency_ms": 1900, "attempts": 1,
    "next_look_in_s": 45,
}  # fmt: skip
_REVIEW: Object = {"verdict": "confirmed", "by": "park", "note": "바로 내려 주었어요", "at": "2026-03-02T00:05:00.000Z"}
_STATS: Object = {
    "camera_id": "sun", "day": "2026-03-02", "since": "2026-03-01T15:00:00.000Z", "until": "2026-03-02T15:00:00.000Z",
    "events": {
        "total": 3, "danger": 1, "warning": 1, "info": 1, "safety": 2, "development": 1, "unreviewed": 2,
    },
    "scores": {"scored": 2, "lowest": 70, "average": 77.5, "latest": 85},
    "analyses": {"analyzed": 2, "failed": 0, "pending": 1},
    "looks": {"assessed": 80, "unavailable": 2},
    "minutes": {"passed": 90, "recorded": 89, "looked": 60, "analyzed": 20, "blind": 30, "dark": 1},
    "cost_usd": 0.0612, "budget_usd": 1.0,
}  # fmt: skip


def _list(item: Mapping[str, object]) -> Object:
    return {"items": [item], "next": None}


EXAMPLES: dict[str, object] = {
    "SignIn": {"user": "kim", "password": "넷이서 소풍 가는 날"},
    "SessionItem": {"user": "kim", "role": "guardian", "cameras": ["sun"], "open": False},
    "NewUser": {"user": "park", "password": "넷이서 소풍 가는 날", "role": "teacher", "cameras": ["sun"]},
    "UserChange": {"role": "teacher", "cameras": ["sun"]},
    "UserItem": _USER,
    "UserList": _list(_USER),
    "NewToken": {"name": "player in the hall"},
    "TokenMade": {**_TOKEN, "token": "dolbom_…"},
    "TokenList": _list(_TOKEN),
    "CameraNew": {"id": "star", "name": "별빛반", "room": "2층", "source": {"kind": "demo"}},
    "CameraChange": {"name": "햇살반", "retention_days": 14},
    "CameraItem": _CAMERA,
    "CameraList": _list(_CAMERA),
    "WishReason": {"reason": "소풍 가는 날"},
    "WishItem": {"camera_id": "sun", "desired": "running", "observed": _OBSERVED, "revision": 4},
    "EventList": _list(_EVENT),
    "OneEvent": {
        **_EVENT,
        "picture_url": f"/api/v1/events/{_EVENT['event_id']}/picture",
        "archive": {
            "state": "kept",
            "segment_id": _SEGMENT,
            "url": "/api/live-monitoring/hls/sun/archive_20260302_000000Z.mp4",
            "offset_s": 200.0,
        },
        "reviews": [_REVIEW],
    },
    "Review": {"verdict": "confirmed", "note": "바로 내려 주었어요"},
    "AnalysisList": _list(_ANALYSIS),
    "Stats": _STATS,
    "MinuteList": _list(
        {"at": _AT, "recorded": "yes", "looked": "no", "analyzed": "pending", "why": {"looked": "no look was due"}}
    ),
    "SegmentList": _list(_CLOSED),
    "GapList": _list({
        "first_slot": 8862048100, "last_slot": 8862048109, "fps": 5, "cause": "ingest",
        "started_at": "2026-03-02T00:00:20.000Z", "segment_id": _SEGMENT,
    }),
    "LookList": _list(_LOOK_ITEM),
    "SpendList": _list({
        "day": "2026-03-02", "looks_usd": 0.0582, "analyses_usd": 0.003, "cost_usd": 0.0612, "step": "classic",
        "budget_usd": 1.0,
    }),
    "ReportItem": {
        "camera_id": "sun", "day": "2026-03-02", "version": 1, "published_at": "2026-03-02T15:05:00.000Z",
        "text": {"ko": "잘 놀고 잘 잤습니다", "en": "They played and slept well"}, "figures": {"warnings": 1.0},
        "links": {},
    },
    "ReportList": _list({
        "camera_id": "sun", "day": "2026-03-02", "version": 1, "published_at": "2026-03-02T15:05:00.000Z",
        "text": {"ko": "잘 놀고 잘 잤습니다", "en": "They played and slept well"}, "figures": {"warnings": 1.0},
        "links": {},
    }),
    "Order": {"files": ["소풍.mp4"], "loop": True},
    "VideoList": {"items": [_VIDEO], "loop": True, "source": "files", "revision": 3, "next": None},
    "UploadedItem": {
        **_VIDEO, "playing": False, "camera_id": "sun", "revision": 3, "width": 640, "height": 480, "codec": "h264",
        "trouble": "", "instead_of": "demo",
    },
    "AccessList": _list({
        "access_id": "5d0e9c5e-4f7f-5c1f-8a11-0f0a2f647a0c", "at": _AT, "kind": "viewed", "by": "kim",
        "camera_id": "sun", "what": "video", "why": "",
    }),
    "FactList": _list({
        "specversion": "1.0", "id": "c2a4d6f2-6a1e-5f0c-8d53-0d7a6f1c2e91", "source": "dolbom/query",
        "type": "dolbom.camera.desired.v1", "subject": "sun", "time": _AT, "recordedtime": _AT,
        "datacontenttype": "application/json",
        "data": {"revision": 4, "state": "running", "by": "park", "reason": "", "past": None},
    }),
}  # fmt: skip
"""Model name → example."""
