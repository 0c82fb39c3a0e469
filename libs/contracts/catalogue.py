"""Every fact there is: its name and the shape of its data."""

from libs.contracts import access, analyses, events, facts, looks

_ALL: tuple[type[facts.FactData], ...] = (
    facts.CameraRegistered,
    facts.CameraUpdated,
    facts.CameraRemoved,
    facts.CameraDesired,
    facts.CameraObserved,
    facts.SegmentClosed,
    facts.SegmentMissed,
    facts.SegmentExpired,
    looks.LookStarted,
    looks.LookCompleted,
    looks.LookBudgetChanged,
    events.EventDetected,
    events.EventExtended,
    events.EventEnded,
    events.EventReviewed,
    analyses.SegmentAnalysisAttempted,
    analyses.SegmentAnalyzed,
    analyses.SegmentAnalysisFailed,
    analyses.ReportPublished,
    *access.ACCESSES,
    access.FactErased,
)
FACTS: dict[str, type[facts.FactData]] = {data.fact: data for data in _ALL}
