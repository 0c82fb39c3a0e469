"""Events as rows of the views and as items of the API. The model documents the item, which is made from its row."""

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Literal

import orjson
from pydantic import BaseModel, ConfigDict
from pydantic.config import JsonDict
from sqlalchemy import ColumnElement, String, and_, bindparam, or_, select

from libs.contracts.assessments import Confidence, Severity, Text
from libs.contracts.events import Verdict
from libs.contracts.facts import UtcTime
from services.query.records.columns import UtcDateTime
from services.query.records.rows import Row, Statement, compiled, moment_text
from services.query.records.tables import TABLES

EXAMPLE: JsonDict = {
    "event_id": "0f0a2f64-7a0c-5d0e-9c5e-4f7f0c1f6a11",
    "camera_id": "sun",
    "kind": "safety",
    "severity": "danger",
    "code": "climb",
    "title": {"ko": "책장에 오르는 아이", "en": "A child climbs a shelf"},
    "description": {"ko": "아이가 책장 두 번째 칸에 서 있습니다", "en": "A child stands on the second shelf"},
    "confidence": "high",
    "started_at": "2026-03-02T00:03:20.000Z",
    "last_at": "2026-03-02T00:03:50.000Z",
    "snapshot_key": "sun/events/0f0a2f64-7a0c-5d0e-9c5e-4f7f0c1f6a11.jpg",
    "confirmed": True,
    "late": False,
    "reviewed": None,
    "cost_usd": 0.0007,
    "ended": True,
    "source": "look",
    "continues": None,
}


class EventItem(BaseModel):
    """Something that was seen: a span of time. `reviewed` is the newest judgement of a person, or null.

    `cost_usd` is the price of the look that found it, null when no look did.
    """

    model_config = ConfigDict(json_schema_extra={"example": EXAMPLE})

    event_id: str
    camera_id: str
    kind: Literal["safety", "development"]
    severity: Severity
    code: str
    title: Text
    description: Text
    confidence: Confidence
    started_at: UtcTime
    last_at: UtcTime
    snapshot_key: str | None
    confirmed: bool
    late: bool
    reviewed: Verdict | None
    cost_usd: float | None
    ended: bool
    source: Literal["look", "segment", "rule"]
    continues: str | None


class EventList(BaseModel):
    """Events, newest first; `next` is the cursor of what follows, or null."""

    items: list[EventItem]
    next: str | None


_E, _L = TABLES["realtime_events"], TABLES["looks"]
_COLUMNS = [_L.c.cost_usd if name == "cost_usd" else _E.c[name] for name in EventItem.model_fields]
_NAMES = tuple(EventItem.model_fields)
EVENT_ID, STARTED_AT = _NAMES.index("event_id"), _NAMES.index("started_at")
"""Where in a row."""
_FROM = _E.outerjoin(_L, _E.c.look_id == _L.c.look_id)


def event_item(row: Row) -> dict[str, object]:
    """A row of these statements as the API shows it."""
    item = dict(zip(_NAMES, row, strict=True))
    item["title"], item["description"] = orjson.Fragment(str(item["title"])), orjson.Fragment(str(item["description"]))
    item["started_at"], item["last_at"] = moment_text(item["started_at"]), moment_text(item["last_at"])
    item["confirmed"], item["late"], item["ended"] = bool(item["confirmed"]), bool(item["late"]), bool(item["ended"])
    return item


@dataclass(frozen=True, slots=True)
class Asked:
    """Which events are asked for; None does not matter. `cameras`: one of these."""

    cameras: tuple[str, ...] | None = None
    kind: str | None = None
    severity: str | None = None
    code: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    reviewed: bool | None = None
    cursor: str | None = None
    limit: int = 20

    def shape(self) -> tuple[int | None, frozenset[str], bool | None]:
        """What the statement's words depend on."""
        given = {name for name in ("kind", "severity", "code", "since", "until", "cursor") if getattr(self, name)}
        return (None if self.cameras is None else len(self.cameras), frozenset(given), self.reviewed)

    def values(self) -> dict[str, object]:
        """What the statement is asked with."""
        named = {f"camera_{at}": camera for at, camera in enumerate(self.cameras or ())}
        return {**named, **{name: getattr(self, name) for name in ("kind", "severity", "code", "since", "until")}}


@lru_cache(maxsize=512)
def events_statement(cameras: int | None, given: frozenset[str], reviewed: bool | None) -> Statement:
    """Events of this shape, newest first; a cursor's `at` and `key` name the last one of the page before."""
    words: list[ColumnElement[bool]] = [_E.c.detected_fact.is_not(None)]
    if cameras is not None:
        named = [bindparam(f"camera_{at}", type_=String) for at in range(cameras)]
        words.append(_E.c.camera_id == named[0] if cameras == 1 else _E.c.camera_id.in_(named))
    words += [_E.c[name] == bindparam(name) for name in ("kind", "severity", "code") if name in given]
    if "since" in given:
        words.append(_E.c.started_at >= bindparam("since"))
    if "until" in given:
        words.append(_E.c.started_at < bindparam("until"))
    if reviewed is not None:
        words.append(_E.c.reviewed.is_not(None) if reviewed else _E.c.reviewed.is_(None))
    if "cursor" in given:
        at, before = bindparam("at", type_=UtcDateTime), _E.c.event_id < bindparam("key")
        # One bound that an index can use, and the exact one.
        words.append(and_(_E.c.started_at <= at, or_(_E.c.started_at < at, before)))
    order = (_E.c.started_at.desc(), _E.c.event_id.desc())
    return compiled(select(*_COLUMNS).select_from(_FROM).where(*words).order_by(*order).limit(bindparam("limit")))


@lru_cache(maxsize=1)
def event_statement() -> Statement:
    """The event of an `event_id`."""
    words = (_E.c.event_id == bindparam("event_id"), _E.c.detected_fact.is_not(None))
    return compiled(select(*_COLUMNS).select_from(_FROM).where(*words))
