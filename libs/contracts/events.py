"""The facts of what was seen: an event is a span of time that begins, goes on, ends, and is judged by people.

The severity is a word of these facts' subjects, so that people can subscribe to `event.*.danger.*`.
"""

from typing import ClassVar, Literal

from libs.contracts.assessments import Confidence, Severity, Text
from libs.contracts.facts import FactData, Fps, Slot, UtcTime

Verdict = Literal["acknowledged", "false_positive", "confirmed"]


class _OfEvent(FactData):
    event_id: str
    severity: Severity

    def nats_subject(self, subject: str) -> str:
        return f"{self.fact}.{self.severity}.{subject}"


class EventDetected(_OfEvent):
    """Something was seen. A higher severity is a new event that `continues` the one before."""

    fact: ClassVar[str] = "event.detected"
    kind: Literal["safety", "development"]
    code: str
    title: Text
    description: Text
    confidence: Confidence
    first_slot: Slot
    last_slot: Slot
    fps: Fps
    started_at: UtcTime
    source: Literal["look", "segment", "rule"]
    look_id: str | None = None
    segment_id: str | None = None
    snapshot_key: str | None = None
    late: bool = False
    confirmed: bool = False
    continues: str | None = None


class EventExtended(_OfEvent):
    """It is still seen."""

    fact: ClassVar[str] = "event.extended"
    last_slot: Slot
    last_at: UtcTime


class EventEnded(_OfEvent):
    """It is not seen any more; it was last seen at `last_at`."""

    fact: ClassVar[str] = "event.ended"
    last_slot: Slot
    last_at: UtcTime


class EventReviewed(_OfEvent):
    """A person judged an event. The newest judgement counts, by the fact's (time, id)."""

    fact: ClassVar[str] = "event.reviewed"
    verdict: Verdict
    by: str
    note: str = ""
