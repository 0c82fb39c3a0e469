"""The facts of looking: every look that was due, what came of it, and what it cost."""

from typing import ClassVar, Literal

from libs.contracts.assessments import Assessor, Confidence, Count, Prompt, Severity, Usage, Usd
from libs.contracts.facts import FactData, Fps, Slot, UtcTime, Value

Outcome = Literal[
    "assessed",
    "blocked",
    "malformed",
    "truncated",
    "unavailable",
    "stale",
    "over_budget",
    "no_consent",
    "gated",
    "interrupted",
    "not_watching",
]
"""How a look ended. Only `assessed` says anything of the children; none of the others is ever "safe"."""


class LookStarted(FactData):
    """A look begins and may cost money: said before the model is asked. Its id is the `look_id` of what follows."""

    fact: ClassVar[str] = "look.started"
    estimate_usd: Usd
    trigger: str
    first_slot: Slot
    last_slot: Slot
    fps: Fps


class LookAssessor(Assessor):
    """Who looked, and how it was asked."""

    prompt: Prompt


class LookInput(Value):
    """The exact bytes that left the house."""

    sha256: str
    bytes: Count
    frames: Count
    media_type: str


class Finding(Value):
    """Something that the assessor says it saw, before the service decided what to tell."""

    code: str
    severity: Severity
    confidence: Confidence
    first_slot: Slot
    last_slot: Slot


class LookCompleted(FactData):
    """A look came to its end, whatever the outcome; `reason` says why when it is not `assessed`."""

    fact: ClassVar[str] = "look.completed"
    look_id: str
    first_slot: Slot
    last_slot: Slot
    fps: Fps
    ended_at: UtcTime
    trigger: str
    outcome: Outcome
    reason: str = ""
    assessor: LookAssessor | None = None
    input: LookInput | None = None
    usage: Usage | None = None
    cost_usd: Usd = 0.0
    price_table: str = ""
    latency_ms: Count = 0
    attempts: Count = 0
    view: str = ""
    findings: tuple[Finding, ...] = ()
    next_look_in_s: int | None = None


class LookBudgetChanged(FactData):
    """What was spent today changed how often a camera is looked at. `day` is a date in the camera's zone."""

    fact: ClassVar[str] = "look.budget_changed"
    day: str
    ordinal: Count
    step: str
    spent_usd: Usd
    budget_usd: Usd
