"""What each fact changes in the views. Pure: facts in any order, and any of them twice, give the same rows."""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from functools import partial
from typing import TypeVar

from libs.contracts import access, analyses, events, facts, looks
from libs.contracts.envelope import Fact
from libs.contracts.slots import moment, slot_end_ms, slot_start_ms
from services.query.records.merging import Change, Row

Data = TypeVar("Data", bound=facts.FactData)


def changes(fact: Fact) -> Iterable[Change]:
    """What this fact changes; nothing for facts that no view shows."""
    change = _CHANGES.get(type(fact.data))
    return change(fact) if change else ()


def _plain(data: facts.Value, *names: str) -> dict[str, object]:
    """These fields as JSON holds them."""
    return data.model_dump(mode="json", include=set(names), by_alias=True)


def _own(data: facts.Value, *names: str) -> dict[str, object]:
    """These fields as they are."""
    held = vars(data)
    return {name: held[name] for name in names}


def _but(data: facts.Value, *names: str) -> dict[str, object]:
    """All fields but these, as they are."""
    return {name: value for name, value in vars(data).items() if name not in names}


# --- cameras ---


def _config(fact: Fact, config: object, revision: int) -> Change:
    values = {"config": config, "removed": config is None, "config_revision": revision}
    return Change("cameras", (fact.subject,), ("config_revision",), values)


def _desired(fact: Fact, state: str, by: str, reason: str, revision: int) -> Change:
    values = {"desired": state, "desired_by": by, "desired_reason": reason, "desired_revision": revision}
    return Change("cameras", (fact.subject,), ("desired_revision",), values)


def _past(fact: Fact, past: object, revision: int) -> Change:
    return Change("cameras", (fact.subject,), ("past_revision",), {"past": past, "past_revision": revision})


def _configured(fact: Fact, data: facts.CameraRegistered | facts.CameraUpdated) -> Iterator[Change]:
    yield _config(fact, data.model_dump(mode="json", exclude={"revision"}), data.revision)


def _removed(fact: Fact, data: facts.CameraRemoved) -> Iterator[Change]:
    yield _config(fact, None, data.revision)
    yield _desired(fact, "stopped", "", "removed", data.revision)
    yield _past(fact, None, data.revision)


def _wished(fact: Fact, data: facts.CameraDesired) -> Iterator[Change]:
    yield _desired(fact, data.state, data.by, data.reason, data.revision)
    if data.state == "running":
        yield _past(fact, data.past and data.past.model_dump(mode="json", by_alias=True), data.revision)


def _observed(fact: Fact, data: facts.CameraObserved) -> Iterator[Change]:
    values = {"state": data.state, "state_cause": data.cause, "state_since": data.since}
    order = {"state_epoch": fact.epoch or 0, "state_ordinal": data.ordinal}
    yield Change("cameras", (fact.subject,), ("state_epoch", "state_ordinal"), {**values, **order})


# --- recordings ---


_OfWindow = facts.SegmentClosed | facts.SegmentMissed | facts.SegmentExpired


def _window(fact: Fact, data: _OfWindow, order: str, values: Row) -> Change:
    """A window's begin follows from its key, so each of its facts tells it."""
    at = moment(slot_start_ms(data.first_slot, data.fps))
    return Change("segments", (fact.subject, data.fps, data.first_slot), (order,), {**values, "at": at})


def _closed(fact: Fact, data: facts.SegmentClosed) -> Iterator[Change]:
    values = {**_but(data, "first_slot", "fps", "gaps"), "closed_fact": fact.id}
    yield _window(fact, data, "closed_fact", values)
    yield _listed(fact, data.segment_id, 1, data.started_at)
    for gap in data.gaps:
        key = (fact.subject, data.fps, gap.first_slot)
        values = {**_own(gap, "last_slot", "cause"), "segment_id": data.segment_id, "gap_fact": fact.id}
        values["at"] = moment(slot_start_ms(gap.first_slot, data.fps))
        yield Change("gaps", key, ("gap_fact",), values)


def _missed(fact: Fact, data: facts.SegmentMissed) -> Iterator[Change]:
    values = {"missed_frames": data.frames, "missed_reason": data.reason, "missed_fact": fact.id}
    yield _window(fact, data, "missed_fact", values)


def _expired(fact: Fact, data: facts.SegmentExpired) -> Iterator[Change]:
    values = {"expired_at": fact.time, "expired_reason": data.reason, "expired_fact": fact.id}
    yield _window(fact, data, "expired_fact", values)


# --- looks and events ---


def _look_started(fact: Fact, data: looks.LookStarted) -> Iterator[Change]:
    values = {"camera_id": fact.subject, "started_at": fact.time, "estimate_usd": data.estimate_usd}
    yield Change("looks", (fact.id,), ("started_fact",), {**values, "started_fact": fact.id})
    yield Change("looks", (fact.id,), ("at_rank", "at"), {"at_rank": 0, "at": fact.time})


def _look_completed(fact: Fact, data: looks.LookCompleted) -> Iterator[Change]:
    values = _but(data, "look_id", "assessor", "input", "usage", "findings")
    values |= _plain(data, "assessor", "input", "usage", "findings")
    values |= {"camera_id": fact.subject, "completed_fact": fact.id}
    yield Change("looks", (data.look_id,), ("completed_fact",), values)
    yield Change("looks", (data.look_id,), ("at_rank", "at"), {"at_rank": 1, "at": data.ended_at})


def _budget(fact: Fact, data: looks.LookBudgetChanged) -> Iterator[Change]:
    values = _own(data, "ordinal", "step", "spent_usd", "budget_usd")
    yield Change("spend_daily", (fact.subject, data.day), ("ordinal",), values)


def _event(fact: Fact, event_id: str, severity: str) -> Change:
    values = {"camera_id": fact.subject, "severity": severity}
    return Change("realtime_events", (event_id,), ("camera_id", "severity"), values)


def _detected(fact: Fact, data: events.EventDetected) -> Iterator[Change]:
    values = _but(data, "event_id", "severity", "title", "description", "last_slot")
    values |= {**_plain(data, "title", "description"), "detected_fact": fact.id}
    yield _event(fact, data.event_id, data.severity)
    yield Change("realtime_events", (data.event_id,), ("detected_fact",), values)
    last_at = moment(slot_end_ms(data.last_slot, data.fps))
    yield Change("realtime_events", (data.event_id,), ("last_slot",), {"last_slot": data.last_slot, "last_at": last_at})


def _seen(fact: Fact, data: events.EventExtended | events.EventEnded) -> Iterator[Change]:
    yield _event(fact, data.event_id, data.severity)
    yield Change("realtime_events", (data.event_id,), ("last_slot",), _own(data, "last_slot", "last_at"))
    if isinstance(data, events.EventEnded):
        values = {"ended": True, "ended_fact": fact.id}
        yield Change("realtime_events", (data.event_id,), ("ended_fact",), values)


def _reviewed(fact: Fact, data: events.EventReviewed) -> Iterator[Change]:
    yield _event(fact, data.event_id, data.severity)
    values = {"reviewed": data.verdict, "reviewed_by": data.by, "reviewed_at": fact.time, "reviewed_fact": fact.id}
    yield Change("realtime_events", (data.event_id,), ("reviewed_at", "reviewed_fact"), values)
    said = {**_own(data, "event_id", "verdict", "by", "note"), "camera_id": fact.subject, "at": fact.time}
    yield Change("reviews", (fact.id,), ("event_id",), said)


# --- analyses and reports ---


def _listed(fact: Fact, segment_id: str, rank: int, at: datetime) -> Change:
    """Where an analysis stands among others: by its archive's begin, or by its own time until that is known."""
    values = {"camera_id": fact.subject, "at_rank": rank, "at": at}
    return Change("segment_analyses", (segment_id,), ("at_rank", "at"), values)


def _cost(fact: Fact, cost_usd: float) -> Change:
    values = {"camera_id": fact.subject, "at": fact.time, "cost_usd": cost_usd}
    return Change("analysis_costs", (fact.id,), ("camera_id",), values)


def _attempted(fact: Fact, data: analyses.SegmentAnalysisAttempted) -> Iterator[Change]:
    values = {
        "camera_id": fact.subject,
        "attempt_version": data.version,
        "attempt": data.attempt,
        "attempt_outcome": data.outcome,
        "attempt_reason": data.reason,
        "next_attempt_at": data.next_attempt_at,
    }
    yield Change("segment_analyses", (data.segment_id,), ("attempt_version", "attempt"), values)
    yield _listed(fact, data.segment_id, 0, fact.time)
    yield _cost(fact, data.cost_usd)


_RESULT = ("summary", "incidents", "development", "seen", "assessor")
_NO_RESULT = dict.fromkeys(
    ("safety_score", "score_reason", "incident_count", "analysis_result", "prompt", "usage", "cost_usd", "latency_ms")
)


def _analyzed(fact: Fact, data: analyses.SegmentAnalyzed) -> Iterator[Change]:
    values = {
        **_own(data, "version", "safety_score", "score_reason", "incident_count", "cost_usd", "latency_ms"),
        **_plain(data, "prompt", "usage"),
        "analysis_result": _plain(data, *_RESULT),
        **{"camera_id": fact.subject, "analyzed": 1, "analyzed_at": fact.time, "failed_reason": None},
    }
    yield Change("segment_analyses", (data.segment_id,), ("version", "analyzed"), values)
    yield _listed(fact, data.segment_id, 0, fact.time)
    yield _cost(fact, data.cost_usd)


def _failed(fact: Fact, data: analyses.SegmentAnalysisFailed) -> Iterator[Change]:
    own = {"version": data.version, "camera_id": fact.subject, "analyzed": 0, "analyzed_at": fact.time}
    values = {**_NO_RESULT, **own, "failed_reason": data.reason}
    yield Change("segment_analyses", (data.segment_id,), ("version", "analyzed"), values)
    yield _listed(fact, data.segment_id, 0, fact.time)


def _reported(fact: Fact, data: analyses.ReportPublished) -> Iterator[Change]:
    values = {"version": data.version, "published_at": fact.time, **_plain(data, "text", "figures", "links")}
    yield Change("reports", (fact.subject, data.day), ("version",), values)


# --- people ---


def _accessed(fact: Fact, data: access.AccessFact) -> Iterator[Change]:
    values = {**_own(data, "by", "what", "why"), "camera_id": fact.subject, "kind": data.kind, "at": fact.time}
    yield Change("accesses", (fact.id,), ("kind",), values)


def _of(kind: type[Data], change: Callable[[Fact, Data], Iterable[Change]]) -> Callable[[Fact], Iterable[Change]]:
    """The change, told that the fact's data is of its kind."""

    def known(kind: type[Data], fact: Fact) -> Iterable[Change]:
        if not isinstance(fact.data, kind):
            raise TypeError(f"{fact.name} holds no {kind.__name__}")
        return change(fact, fact.data)

    return partial(known, kind)


_CHANGES: dict[type[facts.FactData], Callable[[Fact], Iterable[Change]]] = {
    facts.CameraRegistered: _of(facts.CameraRegistered, _configured),
    facts.CameraUpdated: _of(facts.CameraUpdated, _configured),
    facts.CameraRemoved: _of(facts.CameraRemoved, _removed),
    facts.CameraDesired: _of(facts.CameraDesired, _wished),
    facts.CameraObserved: _of(facts.CameraObserved, _observed),
    facts.SegmentClosed: _of(facts.SegmentClosed, _closed),
    facts.SegmentMissed: _of(facts.SegmentMissed, _missed),
    facts.SegmentExpired: _of(facts.SegmentExpired, _expired),
    looks.LookStarted: _of(looks.LookStarted, _look_started),
    looks.LookCompleted: _of(looks.LookCompleted, _look_completed),
    looks.LookBudgetChanged: _of(looks.LookBudgetChanged, _budget),
    events.EventDetected: _of(events.EventDetected, _detected),
    events.EventExtended: _of(events.EventExtended, _seen),
    events.EventEnded: _of(events.EventEnded, _seen),
    events.EventReviewed: _of(events.EventReviewed, _reviewed),
    analyses.SegmentAnalysisAttempted: _of(analyses.SegmentAnalysisAttempted, _attempted),
    analyses.SegmentAnalyzed: _of(analyses.SegmentAnalyzed, _analyzed),
    analyses.SegmentAnalysisFailed: _of(analyses.SegmentAnalysisFailed, _failed),
    analyses.ReportPublished: _of(analyses.ReportPublished, _reported),
    **{kind: _of(kind, _accessed) for kind in access.ACCESSES},
}
