"""The facts of analysing: each archive is analysed, or it is known why not; and the report of a day."""

from typing import Annotated, ClassVar

from pydantic import Field

from libs.contracts.assessments import Assessor, Confidence, Count, Prompt, Severity, Span, Text, Usage, Usd
from libs.contracts.facts import FactData, UtcTime, Value

Score = Annotated[int, Field(ge=0, le=100)]
Version = Annotated[int, Field(ge=1)]


class SegmentAnalysisAttempted(FactData):
    """An analysis was tried and may have cost money; `next_attempt_at` is None when it is the last."""

    fact: ClassVar[str] = "segment.analysis_attempted"
    segment_id: str
    version: Version
    attempt: Version
    outcome: str
    reason: str = ""
    cost_usd: Usd = 0.0
    next_attempt_at: UtcTime | None = None


class Incident(Value):
    """Something unsafe within the archive; an event with the same id tells of it."""

    event_id: str
    code: str
    severity: Severity
    start: UtcTime
    end: UtcTime
    confidence: Confidence
    evidence: Text


class Development(Value):
    """Play, movement or company that was seen, in neutral words."""

    area: str
    at: UtcTime
    note: Text


class SegmentAnalyzed(FactData):
    """An archive was analysed. `safety_score` is None when too little was `seen` to say one, and why is told."""

    fact: ClassVar[str] = "segment.analyzed"
    segment_id: str
    version: Version
    safety_score: Score | None
    score_reason: str = ""
    incident_count: Count
    incidents: tuple[Incident, ...] = ()
    development: tuple[Development, ...] = ()
    summary: Text
    seen: tuple[Span, ...] = ()
    assessor: Assessor
    prompt: Prompt
    usage: Usage | None = None
    cost_usd: Usd = 0.0
    price_table: str = ""
    latency_ms: Count = 0


class SegmentAnalysisFailed(FactData):
    """An archive will not be analysed in this version, and why."""

    fact: ClassVar[str] = "segment.analysis_failed"
    segment_id: str
    version: Version
    reason: str
    attempts: Count


class ReportPublished(FactData):
    """The report of a day (a date in the camera's zone). A figure is None when nobody can know it."""

    fact: ClassVar[str] = "report.published"
    day: str
    version: Version
    text: Text
    figures: dict[str, float | None] = Field(default_factory=dict)
    links: dict[str, str] = Field(default_factory=dict)
