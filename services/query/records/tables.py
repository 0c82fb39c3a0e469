"""The tables of the views, on the common subset of MySQL 8, MariaDB 10.11 and SQLite.

A generation of views is made whole and never migrated. Nothing in it comes from the database itself: no counted ids, no
`now()`. What a row may be born without is nullable, since any of its facts may come first.
"""

from datetime import datetime

from sqlalchemy import Index, Integer, MetaData, String, Table
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from services.query.records.columns import NAME, TYPES, UNICODE, UUID, WORD, Array, Object


class Views(DeclarativeBase):
    """All tables of one generation."""

    metadata = MetaData()
    type_annotation_map = TYPES
    __table_args__: object = UNICODE


class Inbox(Views):
    """Facts that these views hold already."""

    __tablename__ = "inbox"
    fact_id: Mapped[str] = mapped_column(UUID, primary_key=True)


class Checkpoint(Views):
    """Up to where a stream was read."""

    __tablename__ = "checkpoints"
    stream: Mapped[str] = mapped_column(NAME, primary_key=True)
    incarnation: Mapped[str] = mapped_column(WORD)
    sequence: Mapped[int]
    fact_id: Mapped[str] = mapped_column(WORD)


class Trouble(Views):
    """What is wrong with these views, until others are shown: `newer` facts of a type, or `regressed` a stream."""

    __tablename__ = "troubles"
    kind: Mapped[str] = mapped_column(WORD, primary_key=True)
    what: Mapped[str] = mapped_column(String(255), primary_key=True)


class Camera(Views):
    """What people decided of a camera, and how it is."""

    __tablename__ = "cameras"
    camera_id: Mapped[str] = mapped_column(NAME, primary_key=True)
    config: Mapped[Object | None]
    removed: Mapped[bool | None]
    config_revision: Mapped[int | None]
    desired: Mapped[str | None] = mapped_column(WORD)
    desired_by: Mapped[str | None]
    desired_reason: Mapped[str | None]
    desired_revision: Mapped[int | None]
    past: Mapped[Object | None]
    past_revision: Mapped[int | None]
    state: Mapped[str | None] = mapped_column(WORD)
    state_cause: Mapped[str | None]
    state_since: Mapped[datetime | None]
    state_epoch: Mapped[int | None]
    state_ordinal: Mapped[int | None]


class Segment(Views):
    """A ten-minute window: its archive, or why there is none (any more)."""

    __tablename__ = "segments"
    camera_id: Mapped[str] = mapped_column(NAME, primary_key=True)
    fps: Mapped[int] = mapped_column(Integer, primary_key=True)
    first_slot: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[datetime | None]
    segment_id: Mapped[str | None] = mapped_column(UUID)
    frames: Mapped[int | None]
    captured_frames: Mapped[int | None]
    held_frames: Mapped[int | None]
    complete: Mapped[bool | None]
    started_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    width: Mapped[int | None]
    height: Mapped[int | None]
    media_key: Mapped[str | None]
    bytes: Mapped[int | None]
    sha256: Mapped[str | None] = mapped_column(WORD)
    previous_sha256: Mapped[str | None] = mapped_column(WORD)
    closed_fact: Mapped[str | None] = mapped_column(UUID)
    missed_frames: Mapped[int | None]
    missed_reason: Mapped[str | None]
    missed_fact: Mapped[str | None] = mapped_column(UUID)
    expired_at: Mapped[datetime | None]
    expired_reason: Mapped[str | None]
    expired_fact: Mapped[str | None] = mapped_column(UUID)
    __table_args__ = (
        Index("segments_by_time", "camera_id", "at"),
        Index("segments_by_id", "segment_id"),
        UNICODE,
    )


class Gap(Views):
    """Slots of an archive without a picture, and why."""

    __tablename__ = "gaps"
    camera_id: Mapped[str] = mapped_column(NAME, primary_key=True)
    fps: Mapped[int] = mapped_column(Integer, primary_key=True)
    first_slot: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    last_slot: Mapped[int | None]
    at: Mapped[datetime | None]
    cause: Mapped[str | None] = mapped_column(WORD)
    segment_id: Mapped[str | None] = mapped_column(UUID)
    gap_fact: Mapped[str | None] = mapped_column(UUID)
    __table_args__ = (Index("gaps_by_time", "camera_id", "at"), UNICODE)


class Look(Views):
    """One look: what it was to cost, what came of it, what it cost. `at`: its end, or its begin until that is known."""

    __tablename__ = "looks"
    look_id: Mapped[str] = mapped_column(UUID, primary_key=True)
    camera_id: Mapped[str | None] = mapped_column(NAME)
    at_rank: Mapped[int | None]
    at: Mapped[datetime | None]
    started_at: Mapped[datetime | None]
    estimate_usd: Mapped[float | None]
    started_fact: Mapped[str | None] = mapped_column(UUID)
    first_slot: Mapped[int | None]
    last_slot: Mapped[int | None]
    fps: Mapped[int | None]
    ended_at: Mapped[datetime | None]
    trigger: Mapped[str | None] = mapped_column(WORD)
    outcome: Mapped[str | None] = mapped_column(WORD)
    reason: Mapped[str | None]
    assessor: Mapped[Object | None]
    input: Mapped[Object | None]
    usage: Mapped[Object | None]
    cost_usd: Mapped[float | None]
    price_table: Mapped[str | None] = mapped_column(WORD)
    latency_ms: Mapped[int | None]
    attempts: Mapped[int | None]
    view: Mapped[str | None] = mapped_column(WORD)
    findings: Mapped[Array | None]
    next_look_in_s: Mapped[int | None]
    completed_fact: Mapped[str | None] = mapped_column(UUID)
    __table_args__ = (Index("looks_by_time", "camera_id", "at", "look_id"), UNICODE)


class RealtimeEvent(Views):
    """Something that was seen: a span of time, judged by a service and by people."""

    __tablename__ = "realtime_events"
    event_id: Mapped[str] = mapped_column(UUID, primary_key=True)
    camera_id: Mapped[str | None] = mapped_column(NAME)
    kind: Mapped[str | None] = mapped_column(WORD)
    severity: Mapped[str | None] = mapped_column(WORD)
    code: Mapped[str | None] = mapped_column(WORD)
    title: Mapped[Object | None]
    description: Mapped[Object | None]
    confidence: Mapped[str | None] = mapped_column(WORD)
    first_slot: Mapped[int | None]
    last_slot: Mapped[int | None]
    fps: Mapped[int | None]
    started_at: Mapped[datetime | None]
    last_at: Mapped[datetime | None]
    source: Mapped[str | None] = mapped_column(WORD)
    look_id: Mapped[str | None] = mapped_column(UUID)
    segment_id: Mapped[str | None] = mapped_column(UUID)
    snapshot_key: Mapped[str | None]
    late: Mapped[bool | None]
    confirmed: Mapped[bool | None]
    continues: Mapped[str | None] = mapped_column(UUID)
    detected_fact: Mapped[str | None] = mapped_column(UUID)
    ended: Mapped[bool | None]
    ended_fact: Mapped[str | None] = mapped_column(UUID)
    reviewed: Mapped[str | None] = mapped_column(WORD)
    reviewed_by: Mapped[str | None]
    reviewed_at: Mapped[datetime | None]
    reviewed_fact: Mapped[str | None] = mapped_column(UUID)
    __table_args__ = (
        Index("events_by_time", "started_at", "event_id"),
        Index("events_of_camera", "camera_id", "started_at", "event_id"),
        UNICODE,
    )


class Review(Views):
    """One judgement of a person; the newest stands in the event too."""

    __tablename__ = "reviews"
    review_id: Mapped[str] = mapped_column(UUID, primary_key=True)
    event_id: Mapped[str | None] = mapped_column(UUID)
    camera_id: Mapped[str | None] = mapped_column(NAME)
    verdict: Mapped[str | None] = mapped_column(WORD)
    by: Mapped[str | None]
    note: Mapped[str | None]
    at: Mapped[datetime | None]
    __table_args__ = (Index("reviews_of_event", "event_id", "at"), UNICODE)


class SegmentAnalysis(Views):
    """What the newest analysis of an archive says, or why there is none. `at`: its begin, once that is known."""

    __tablename__ = "segment_analyses"
    segment_id: Mapped[str] = mapped_column(UUID, primary_key=True)
    camera_id: Mapped[str | None] = mapped_column(NAME)
    at_rank: Mapped[int | None]
    at: Mapped[datetime | None]
    version: Mapped[int | None]
    analyzed: Mapped[int | None]
    analyzed_at: Mapped[datetime | None]
    safety_score: Mapped[int | None]
    score_reason: Mapped[str | None]
    incident_count: Mapped[int | None]
    analysis_result: Mapped[Object | None]
    prompt: Mapped[Object | None]
    usage: Mapped[Object | None]
    cost_usd: Mapped[float | None]
    latency_ms: Mapped[int | None]
    failed_reason: Mapped[str | None]
    attempt_version: Mapped[int | None]
    attempt: Mapped[int | None]
    attempt_outcome: Mapped[str | None] = mapped_column(WORD)
    attempt_reason: Mapped[str | None]
    next_attempt_at: Mapped[datetime | None]
    __table_args__ = (Index("analyses_by_time", "camera_id", "at", "segment_id"), UNICODE)


class AnalysisCost(Views):
    """What one analysis, or one try of it, cost."""

    __tablename__ = "analysis_costs"
    cost_id: Mapped[str] = mapped_column(UUID, primary_key=True)
    camera_id: Mapped[str | None] = mapped_column(NAME)
    at: Mapped[datetime | None]
    cost_usd: Mapped[float | None]
    __table_args__ = (Index("costs_by_time", "camera_id", "at"), UNICODE)


class SpendDaily(Views):
    """How far a camera's budget of a day was spent when that last changed how often it is looked at."""

    __tablename__ = "spend_daily"
    camera_id: Mapped[str] = mapped_column(NAME, primary_key=True)
    day: Mapped[str] = mapped_column(String(10), primary_key=True)
    ordinal: Mapped[int | None]
    step: Mapped[str | None] = mapped_column(WORD)
    spent_usd: Mapped[float | None]
    budget_usd: Mapped[float | None]


class Report(Views):
    """The newest report of a camera's day."""

    __tablename__ = "reports"
    camera_id: Mapped[str] = mapped_column(NAME, primary_key=True)
    day: Mapped[str] = mapped_column(String(10), primary_key=True)
    version: Mapped[int | None]
    published_at: Mapped[datetime | None]
    text: Mapped[Object | None]
    figures: Mapped[Object | None]
    links: Mapped[Object | None]


class Access(Views):
    """Who saw, took, got or was refused what; a camera's, or the site's."""

    __tablename__ = "accesses"
    access_id: Mapped[str] = mapped_column(UUID, primary_key=True)
    camera_id: Mapped[str | None] = mapped_column(NAME)
    kind: Mapped[str | None] = mapped_column(WORD)
    by: Mapped[str | None]
    what: Mapped[str | None]
    why: Mapped[str | None]
    at: Mapped[datetime | None]
    __table_args__ = (Index("accesses_by_time", "at", "access_id"), UNICODE)


TABLES: dict[str, Table] = dict(Views.metadata.tables)
"""Every table of a generation, by name."""
