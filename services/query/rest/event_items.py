"""Events as rows of the views and as items of the API. The model documents the item, which is made from its row."""

from typing import Literal

from pydantic import BaseModel, ConfigDict
from pydantic.config import JsonDict
from sqlalchemy import Boolean, bindparam, false, func, select

from libs.contracts.assessments import Confidence, Severity, Text
from libs.contracts.events import Verdict
from libs.contracts.facts import UtcTime
from services.query.records.rows import Row, compiled
from services.query.records.tables import TABLES
from services.query.rest.listing import Item, Listing, Shown, between, equal

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
_FIELDS = {name: _L.c.cost_usd if name == "cost_usd" else _E.c[name] for name in EventItem.model_fields}
_SHOWN = Shown({**_FIELDS, "ended": func.coalesce(_E.c.ended, false(), type_=Boolean)})
_FROM, _BORN = _E.outerjoin(_L, _E.c.look_id == _L.c.look_id), _E.c.detected_fact.is_not(None)
EVENTS = Listing(
    shown=_SHOWN,
    source=_FROM,
    camera=_E.c.camera_id,
    at=_E.c.started_at,
    key=_E.c.event_id,
    filters={
        **between(_E.c.started_at),
        **equal(_E.c.kind, _E.c.severity, _E.c.code),
        "judged": _E.c.reviewed.is_not(None),
        "unjudged": _E.c.reviewed.is_(None),
    },
    always=(_BORN,),
)
"""Events, newest first."""
EVENT = compiled(select(*_SHOWN.columns).select_from(_FROM).where(_BORN, _E.c.event_id == bindparam("event_id")))
"""The event of an `event_id`."""


def event_item(row: Row) -> Item:
    """A row of EVENT as the API shows it."""
    return _SHOWN.item(row)
