"""Days of a site as facts, made up from a seed: what its people and services would have said, in the order of time."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property

from libs.contracts.analyses import Incident, ReportPublished, SegmentAnalysisAttempted, SegmentAnalysisFailed
from libs.contracts.analyses import SegmentAnalyzed as Analyzed
from libs.contracts.assessments import Assessor, Confidence, Prompt, Severity, Span, Text, Usage
from libs.contracts.cameras import Wish
from libs.contracts.envelope import Fact, Origin, new_fact
from libs.contracts.events import EventDetected, EventEnded, EventExtended, EventReviewed, Verdict
from libs.contracts.facts import (
    CameraConfig,
    CameraDesired,
    CameraObserved,
    CameraRegistered,
    CameraRemoved,
    CameraState,
    CameraUpdated,
    FactData,
    Gap,
    SegmentClosed,
    SegmentExpired,
    SegmentMissed,
)
from libs.contracts.ids import fact_id
from libs.contracts.looks import (
    Finding,
    LookAssessor,
    LookBudgetChanged,
    LookCompleted,
    LookInput,
    LookStarted,
    Outcome,
)
from libs.contracts.slots import moment, slot_at, slot_start_ms

BEGIN_MS = round(datetime(2026, 3, 2, tzinfo=UTC).timestamp() * 1000)
FPS, WINDOW_MS, LOOK_MS = 5, 600_000, 45_000
OUTCOMES: tuple[Outcome, ...] = ("assessed",) * 8 + ("blocked", "unavailable", "gated", "over_budget")
STATES: tuple[CameraState, ...] = ("online", "dark", "covered", "offline", "frozen", "degraded")
SEVERITIES: tuple[Severity, ...] = ("info", "warning", "danger")
SURE: tuple[Confidence, ...] = ("low", "mid", "high")
VERDICTS: tuple[Verdict, ...] = ("acknowledged", "false_positive", "confirmed")
CODES = {"info": "play", "warning": "fall", "danger": "choke"}
_PROMPT = Prompt(id="triage-1", sha256="cd" * 32)


def text(what: str) -> Text:
    """Some words in both languages."""
    return Text(ko=f"{what} 장면이 보입니다", en=f"{what} is seen")


@dataclass
class Room:
    """One camera and what happens before it."""

    id: str
    seed: int
    revision: int = 0
    ordinal: int = 0
    epoch: int = BEGIN_MS

    @cached_property
    def dice(self) -> random.Random:
        return random.Random(f"{self.seed}/{self.id}")

    def fact(self, service: str, at: int, data: FactData, *key: str | int, epoch: bool = True) -> Fact:
        origin = Origin(service, at, at + self.dice.randrange(500), self.epoch if epoch else None)
        return new_fact(data, self.id, key, origin)

    def decided(self, at: int, kind: str) -> Fact:
        self.revision += 1
        config = CameraConfig(name=f"{self.id} 반", room=f"{self.dice.randint(1, 3)}층").model_dump()
        data: FactData
        match kind:
            case "registered":
                data = CameraRegistered(**config, revision=self.revision)
            case "updated":
                data = CameraUpdated(**config, revision=self.revision)
            case "removed":
                data = CameraRemoved(revision=self.revision)
            case _:
                wish: Wish = "running" if kind == "running" else "stopped"
                data = CameraDesired(revision=self.revision, state=wish, by="director-1")
        return self.fact("query", at, data, f"{self.id}-{self.revision}", epoch=False)

    def observed(self, at: int) -> Fact:
        data = CameraObserved(ordinal=self.ordinal, state=self.dice.choice(STATES), since=moment(at))
        self.ordinal += 1
        return self.fact("ingest", at, data, self.id, self.epoch, data.ordinal)

    def window(self, at: int) -> Iterator[Fact]:
        """A window's end: its archive, and what the analyzer makes of it."""
        first, dice = slot_at(at - WINDOW_MS, FPS), self.dice
        if dice.random() < 0.05:
            missed = SegmentMissed(first_slot=first, frames=3000, fps=FPS, reason="no picture")
            yield self.fact("encoder", at, missed, self.id, first)
            return
        segment = fact_id("segment.closed", self.id, first)
        gaps = tuple(Gap(first_slot=first + at, last_slot=first + at + 9, cause="ingest") for at in self._gaps())
        key = f"{self.id}/archive/archive_{at}.mp4"
        closed = SegmentClosed(
            segment_id=segment, first_slot=first, frames=3000, fps=FPS, captured_frames=3000 - 10 * len(gaps),
            held_frames=0, gaps=gaps, complete=True, started_at=moment(at - WINDOW_MS), ended_at=moment(at),
            width=640, height=480, media_key=key, bytes=20_000_000, sha256="ab" * 32, previous_sha256=None,
        )  # fmt: skip
        yield self.fact("encoder", at, closed, self.id, first)
        yield from self.analysis(at + 35_000, segment)
        if dice.random() < 0.1:
            expired = SegmentExpired(first_slot=first, fps=FPS, media_key=key, reason="age")
            yield self.fact("encoder", at + 86_400_000, expired, self.id, first)

    def _gaps(self) -> list[int]:
        return sorted(self.dice.sample(range(0, 2990, 10), self.dice.choice((0, 0, 0, 1, 2))))

    def analysis(self, at: int, segment: str) -> Iterator[Fact]:
        dice = self.dice
        for version in range(1, 1 + dice.choice((1, 1, 1, 2))):
            if dice.random() < 0.2:
                tried = SegmentAnalysisAttempted(
                    segment_id=segment, version=version, attempt=1, outcome="unavailable", reason="503",
                    next_attempt_at=moment(at + 30_000),
                )  # fmt: skip
                yield self.fact("analyzer", at, tried, segment, version, 1)
            if dice.random() < 0.1:
                failed = SegmentAnalysisFailed(segment_id=segment, version=version, reason="blocked", attempts=3)
                yield self.fact("analyzer", at + 1000, failed, segment, version)
                continue
            fell = Incident(
                event_id=fact_id("event.detected", self.id, "fall", version, 0), code="fall", severity="warning",
                start=moment(at - 300_000), end=moment(at - 290_000), confidence="mid", evidence=text("넘어지는"),
            )  # fmt: skip
            incidents = (fell,) * dice.choice((0, 0, 1))
            analyzed = Analyzed(
                segment_id=segment, version=version, safety_score=dice.choice((None, 70, 85, 100)),
                incident_count=len(incidents), incidents=incidents, summary=text("노는"),
                seen=(Span.model_validate({"from": moment(at - WINDOW_MS), "to": moment(at)}),),
                assessor=Assessor(provider="rules", model="local"), prompt=_PROMPT, cost_usd=0.003,
            )  # fmt: skip
            yield self.fact("analyzer", at + 1000, analyzed, segment, version)

    def looked(self, at: int) -> Iterator[Fact]:
        """A look, and what it found."""
        last, dice = slot_at(at, FPS), self.dice
        look_id = fact_id("look.started", self.id, self.epoch, last)
        first = last - 224
        started = LookStarted(
            estimate_usd=0.0008, trigger="schedule", first_slot=first, last_slot=last, fps=FPS
        )  # fmt: skip
        yield self.fact("detector", at, started, self.id, self.epoch, last)
        outcome = dice.choice(OUTCOMES)
        severity = dice.choice((None, None, None, None, *SEVERITIES)) if outcome == "assessed" else None
        found = []
        if severity:
            code = CODES[severity]
            found = [Finding(code=code, severity=severity, confidence="mid", first_slot=last - 50, last_slot=last)]
        completed = LookCompleted(
            look_id=look_id, ended_at=moment(at + 2000), trigger="schedule", outcome=outcome,
            reason="" if outcome == "assessed" else outcome,
            assessor=LookAssessor(provider="gemini", model="flash-lite", prompt=_PROMPT),
            input=LookInput(sha256="ef" * 32, bytes=180_000, frames=16, media_type="video/mp4"),
            usage=Usage(input_tokens=1180, output_tokens=64), cost_usd=0.00072, findings=tuple(found),
            first_slot=first, last_slot=last, fps=FPS,
        )  # fmt: skip
        yield self.fact("detector", at + 2000, completed, look_id)
        if severity:
            yield from self.event(at + 2000, last, severity, look_id)

    def event(self, at: int, last: int, severity: Severity, look_id: str) -> Iterator[Fact]:
        dice, code, first = self.dice, CODES[severity], last - 50
        event_id = fact_id("event.detected", self.id, code, first, 0)
        detected = EventDetected(
            event_id=event_id, severity=severity, kind="development" if severity == "info" else "safety", code=code,
            title=text(code), description=text(code), confidence=dice.choice(SURE), first_slot=first, last_slot=last,
            fps=FPS, started_at=moment(slot_start_ms(first, FPS)), source="look", look_id=look_id,
        )  # fmt: skip
        yield self.fact("detector", at, detected, self.id, code, first, 0)
        for data in (EventExtended, EventEnded):
            if dice.random() < 0.6:
                last += 100
                at += 20_000
                said = data(event_id=event_id, severity=severity, last_slot=last, last_at=moment(at))
                yield self.fact("detector", at, said, event_id, last)
        for number in range(dice.choice((0, 0, 0, 1, 2))):
            verdict = dice.choice(VERDICTS)
            reviewed = EventReviewed(event_id=event_id, severity=severity, verdict=verdict, by=f"teacher-{number}")
            request = f"{event_id}/{number}"
            yield self.fact("query", at + 60_000 + dice.randrange(3) * 1000, reviewed, request, epoch=False)

    def day(self, at: int) -> Iterator[Fact]:
        day = moment(at).date().isoformat()
        for ordinal, step in enumerate(("classic", "slow")):
            data = LookBudgetChanged(day=day, ordinal=ordinal, step=step, spent_usd=0.8 + ordinal / 10, budget_usd=1.0)
            yield self.fact("detector", at, data, self.id, day, ordinal)
        for version in (1, 2):
            report = ReportPublished(day=day, version=version, text=text("오늘"), figures={"warnings": 3.0})
            yield self.fact("analyzer", at, report, self.id, day, version)


def story(seed: int, cameras: int = 2, hours: float = 2.0) -> Iterator[Fact]:
    """The facts of so many hours, in the order in which they were written down within each step of 45 s."""
    rooms = [Room(f"camera-{number + 1}", seed) for number in range(cameras)]
    for room in rooms:
        yield room.decided(BEGIN_MS, "registered")
        yield room.decided(BEGIN_MS + 1, "running")
    for at in range(BEGIN_MS + LOOK_MS, BEGIN_MS + round(hours * 3_600_000) + 1, LOOK_MS):
        for room in rooms:
            yield from room.looked(at)
            if at // WINDOW_MS != (at - LOOK_MS) // WINDOW_MS:
                yield from room.window(at - at % WINDOW_MS)
            if room.dice.random() < 0.05:
                yield room.observed(at)
            if room.dice.random() < 0.01:
                yield room.decided(at, room.dice.choice(("updated", "stopped", "running", "removed", "registered")))
            if at // 3_600_000 != (at - LOOK_MS) // 3_600_000:
                yield from room.day(at)
