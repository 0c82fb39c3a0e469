"""One example of every fact, as `golden/` holds it: a fall that a look saw, and what people and services made of it."""

from datetime import UTC, datetime, timedelta

from libs.contracts.access import (
    AccessDenied,
    AccessExported,
    AccessGranted,
    AccessLogin,
    AccessRevoked,
    AccessViewed,
    ErasedSpan,
    FactErased,
)
from libs.contracts.analyses import (
    Development,
    Incident,
    ReportPublished,
    SegmentAnalysisAttempted,
    SegmentAnalysisFailed,
    SegmentAnalyzed,
)
from libs.contracts.assessments import Assessor, Prompt, Span, Text, Usage
from libs.contracts.envelope import Fact, Origin, new_fact
from libs.contracts.events import EventDetected, EventEnded, EventExtended, EventReviewed
from libs.contracts.facts import (
    CameraConfig,
    CameraDesired,
    CameraObserved,
    CameraRegistered,
    CameraRemoved,
    CameraUpdated,
    FactData,
    Gap,
    SegmentClosed,
    SegmentExpired,
    SegmentMissed,
    Source,
)
from libs.contracts.ids import fact_id
from libs.contracts.looks import (
    Finding,
    LookAssessor,
    LookBudgetChanged,
    LookCompleted,
    LookInput,
    LookStarted,
)

EPOCH = 1772427600000
AT = datetime(2026, 3, 2, 5, 0, tzinfo=UTC)
_CONFIG = CameraConfig(name="햇살반", room="2층").model_dump()
_FIRST, _SEEN = 8862138000, 8862138100
_SEGMENT = "7b0e6a5e-9a3f-5a52-8a54-3b8a0b1b1f00"
_LOOK = fact_id("look.started", "camera-1", EPOCH, _SEEN)
_EVENT = fact_id("event.detected", "camera-1", "fall", _SEEN - 20, 0)
_PROMPT = Prompt(id="triage-1", sha256="cd" * 32)
_USAGE = Usage(input_tokens=1180, output_tokens=64)
_FELL = Text(ko="한 아이가 매트 밖으로 넘어졌습니다.", en="A child fell off the mat.")


def _after(seconds: float) -> datetime:
    return AT + timedelta(seconds=seconds)


EXAMPLES: dict[str, tuple[FactData, tuple[str | int, ...], int | None]] = {
    "camera.registered": (CameraRegistered(**_CONFIG, revision=1), ("request-1",), None),
    "camera.updated": (
        CameraUpdated(**{**_CONFIG, "source": Source(kind="files", files=("소풍 1.mp4",))}, revision=3),
        ("request-3",),
        None,
    ),
    "camera.removed": (CameraRemoved(revision=4), ("request-4",), None),
    "camera.desired": (CameraDesired(revision=2, state="running", by="site", reason="new"), ("request-2",), None),
    "camera.observed": (
        CameraObserved(ordinal=0, state="online", since=AT), ("camera-1", EPOCH, 0), EPOCH,
    ),
    "segment.closed": (
        SegmentClosed(
            segment_id=_SEGMENT, first_slot=_FIRST, frames=3000, fps=5,
            captured_frames=2990, held_frames=0,
            gaps=(Gap(first_slot=8862138100, last_slot=8862138109, cause="ingest"),),
            complete=True, started_at=AT, ended_at=datetime(2026, 3, 2, 5, 10, tzinfo=UTC), width=640, height=480,
            media_key="camera-1/archive/archive_20260302_050000Z.mp4", bytes=20_123_456, sha256="ab" * 32,
            previous_sha256=None,
        ),
        ("camera-1", _FIRST),
        EPOCH,
    ),
    "segment.missed": (
        SegmentMissed(first_slot=_FIRST, frames=3000, fps=5, reason="no picture"), ("camera-1", _FIRST), 1,
    ),
    "segment.expired": (
        SegmentExpired(first_slot=_FIRST, fps=5, media_key="camera-1/archive/a.mp4", reason="age"),
        ("camera-1", _FIRST),
        1,
    ),
    "look.started": (
        LookStarted(estimate_usd=0.0008, trigger="schedule", first_slot=_SEEN - 99, last_slot=_SEEN, fps=5),
        ("camera-1", EPOCH, _SEEN), EPOCH,
    ),
    "look.completed": (
        LookCompleted(
            look_id=_LOOK, first_slot=_SEEN - 99, last_slot=_SEEN, fps=5, ended_at=_after(23.5), trigger="schedule",
            outcome="assessed",
            assessor=LookAssessor(
                provider="gemini", model="gemini-flash-lite", model_version="gemini-flash-lite-001", prompt=_PROMPT
            ),
            input=LookInput(sha256="ef" * 32, bytes=182_000, frames=16, media_type="video/mp4"), usage=_USAGE,
            cost_usd=0.00072, price_table="2026-01", latency_ms=2180, attempts=1, view="ok",
            findings=(
                Finding(
                    code="fall", severity="warning", confidence="mid", first_slot=_SEEN - 20, last_slot=_SEEN - 5
                ),
            ),
            next_look_in_s=15,
        ),
        (_LOOK,), EPOCH,
    ),
    "look.budget_changed": (
        LookBudgetChanged(day="2026-03-02", ordinal=1, step="classic", spent_usd=0.81, budget_usd=1.0),
        ("camera-1", "2026-03-02", 1), EPOCH,
    ),
    "event.detected": (
        EventDetected(
            event_id=_EVENT, severity="warning", kind="safety", code="fall", title=Text(ko="넘어짐", en="Fall"),
            description=_FELL, confidence="mid", first_slot=_SEEN - 20, last_slot=_SEEN - 5, fps=5,
            started_at=_after(16), source="look", look_id=_LOOK,
            snapshot_key=f"camera-1/stills/{_EVENT}.jpg",
        ),
        ("camera-1", "fall", _SEEN - 20, 0), EPOCH,
    ),
    "event.extended": (
        EventExtended(event_id=_EVENT, severity="warning", last_slot=_SEEN + 75, last_at=_after(35)),
        (_EVENT, _SEEN + 75), EPOCH,
    ),
    "event.ended": (
        EventEnded(event_id=_EVENT, severity="warning", last_slot=_SEEN + 75, last_at=_after(35)),
        (_EVENT, _SEEN + 75), EPOCH,
    ),
    "event.reviewed": (
        EventReviewed(
            event_id=_EVENT, severity="warning", verdict="confirmed", by="teacher-1", note="괜찮음, 안아 주었음"
        ),
        ("request-5",), None,
    ),
    "segment.analysis_attempted": (
        SegmentAnalysisAttempted(
            segment_id=_SEGMENT, version=1, attempt=1, outcome="unavailable", reason="503",
            next_attempt_at=_after(690),
        ),
        (_SEGMENT, 1, 1), None,
    ),
    "segment.analyzed": (
        SegmentAnalyzed(
            segment_id=_SEGMENT, version=1, safety_score=85, score_reason="one warning", incident_count=1,
            incidents=(
                Incident(
                    event_id=_EVENT, code="fall", severity="warning", start=_after(16), end=_after(35),
                    confidence="mid", evidence=_FELL,
                ),
            ),
            development=(
                Development(
                    area="social", at=_after(240), note=Text(ko="둘이 함께 블록을 쌓음", en="Two build with blocks")
                ),
            ),
            summary=Text(ko="블록 놀이, 한 번 넘어짐.", en="Play with blocks, one fall."),
            seen=(Span.model_validate({"from": AT, "to": _after(600)}),),
            assessor=Assessor(provider="gemini", model="gemini-flash"), prompt=Prompt(id="report-1", sha256="01" * 32),
            usage=_USAGE, cost_usd=0.0031, price_table="2026-01", latency_ms=9400,
        ),
        (_SEGMENT, 1), None,
    ),
    "segment.analysis_failed": (
        SegmentAnalysisFailed(segment_id=_SEGMENT, version=1, reason="blocked", attempts=3), (_SEGMENT, 1), None,
    ),
    "report.published": (
        ReportPublished(
            day="2026-03-02", version=1, text=Text(ko="오늘은 평온했습니다.", en="A calm day."),
            figures={"warnings": 1, "safety_score": None}, links={"first_event": f"/api/v1/events/{_EVENT}"},
        ),
        ("camera-1", "2026-03-02", 1), None,
    ),
    "access.viewed": (AccessViewed(by="guardian-1", what="live"), ("guardian-1", "camera-1", 2954046), None),
    "access.exported": (
        AccessExported(by="director-1", what="archive_20260302_050000Z.mp4", why="보호자 요청"), ("request-6",), None,
    ),
    "access.denied": (AccessDenied(by="guardian-1", what="events", why="not their camera"), ("request-7",), None),
    "access.granted": (AccessGranted(by="admin-1", what="teacher-1: teacher"), ("request-8",), None),
    "access.revoked": (AccessRevoked(by="admin-1", what="teacher-1: teacher", why="left"), ("request-9",), None),
    "access.login": (AccessLogin(by="teacher-1", what="signed in"), ("request-10",), None),
    "fact.erased": (
        FactErased(
            facts=(_EVENT,), spans=(ErasedSpan.model_validate({"camera": "camera-1", "from": AT, "to": _after(600)}),),
            reason="guardian's request", by="admin-1",
        ),
        ("request-11",), None,
    ),
}  # fmt: skip
"""Name → data, the parts of its id, and the writer's epoch."""

SITE = ("access.granted", "access.revoked", "access.login", "fact.erased")
"""These are about the whole site."""


def example(name: str) -> Fact:
    """The fact that stands in `golden/{name}.v1.json`."""
    data, key, epoch = EXAMPLES[name]
    subject = "site" if name in SITE else "camera-1"
    return new_fact(data, subject, key, Origin("query", EPOCH, EPOCH + 123, epoch=epoch))
