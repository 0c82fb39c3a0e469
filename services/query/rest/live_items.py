"""What a fact shows to those who watch: the resources that it touched, as REST gives them.

To show another list live, name its rows in `_ROWS` and the facts that touch them in `touched`. A resource that is not
there any more is told by its keys and `"removed": true`. Of a camera what changes by itself each second is left out
(`picture`, `hls`): it is no fact, and whoever watches asks for it when it is needed.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import partial

import orjson
from sqlalchemy import ColumnElement, FromClause, String, and_, bindparam, or_, select

from libs.contracts.analyses import ReportPublished, SegmentAnalysisAttempted, SegmentAnalysisFailed, SegmentAnalyzed
from libs.contracts.envelope import Fact
from libs.contracts.events import EventDetected, EventEnded, EventExtended, EventReviewed
from libs.contracts.facts import (
    CameraDesired,
    CameraObserved,
    CameraRegistered,
    CameraRemoved,
    CameraUpdated,
    SegmentClosed,
    SegmentExpired,
)
from libs.contracts.looks import LookCompleted, LookStarted
from services.query.live.hub import Show
from services.query.live.ring import Message
from services.query.live.texts import message
from services.query.records.keeping import Databases
from services.query.records.rows import Statement, compiled
from services.query.records.tables import TABLES
from services.query.rest.analyses import ANALYSES
from services.query.rest.answers import camera_item
from services.query.rest.event_items import EVENTS
from services.query.rest.listing import Item, Listing, Shown
from services.query.rest.looks import LOOKS
from services.query.rest.reports import ReportItem
from services.query.rest.segments import SEGMENTS
from services.query.site import Site

Key = tuple[str, ...]
Text = ColumnElement[str]
Words = Sequence[ColumnElement[bool]]
CAMERA_FACTS = (CameraRegistered, CameraUpdated, CameraRemoved, CameraDesired, CameraObserved)
SIZES = (1, 8, 64)
"""Rows that are asked for at once: few kinds of statements, each compiled once."""


class Rows:
    """The items of a resource by its keys; `camera`: the column that says whose it is."""

    def __init__(
        self, shown: Shown, source: FromClause, camera: Text, keys: Sequence[Text], always: Words = ()
    ) -> None:
        self._shown, self._source, self._camera, self._keys, self._always = shown, source, camera, keys, always
        self._made: dict[int, Statement] = {}

    async def read(self, now: Databases, keys: Collection[Key]) -> dict[Key, tuple[str, Item]]:
        """Camera and item of those that are there. Raises Away."""
        found, rest, width = dict[Key, tuple[str, Item]](), list(keys), len(self._keys) + 1
        while rest:
            size = next((size for size in SIZES if len(rest) <= size), SIZES[-1])
            some, rest = rest[:size], rest[size:]
            some += [some[-1]] * (size - len(some))
            values = {f"key_{at}_{part}": word for at, key in enumerate(some) for part, word in enumerate(key)}
            for row in await now.rows.fetch(self._statement(size), **values):
                found[tuple(map(str, row[-width:-1]))] = (str(row[-1]), self._shown.item(row[:-width]))
        return found

    def _statement(self, size: int) -> Statement:
        if size not in self._made:
            columns = (*self._shown.columns, *self._keys, self._camera)
            words = (*self._always, self._among(size))
            self._made[size] = compiled(select(*columns).select_from(self._source).where(*words))
        return self._made[size]

    def _among(self, size: int) -> ColumnElement[bool]:
        named = [[bindparam(f"key_{at}_{part}", type_=String) for part in range(len(self._keys))] for at in range(size)]
        if len(self._keys) == 1:
            return self._keys[0].in_([one for (one,) in named])
        each = (zip(self._keys, words, strict=True) for words in named)
        return or_(*(and_(*(column == word for column, word in pairs)) for pairs in each))


def _of(listing: Listing) -> Rows:
    """The rows of a list."""
    return Rows(listing.shown, listing.source, listing.camera, (listing.key,), listing.always)


_R = TABLES["reports"]
_REPORT = Shown({name: _R.c[name] for name in ReportItem.model_fields})
_ROWS = {
    "event": _of(EVENTS),
    "segment": _of(SEGMENTS),
    "analysis": _of(ANALYSES),
    "look": _of(LOOKS),
    "report": Rows(_REPORT, _R, _R.c.camera_id, (_R.c.camera_id, _R.c.day)),
}
"""Resource → its rows in the views."""


def touched(fact: Fact) -> Iterator[tuple[str, Key]]:
    """The resources that a fact changed, and which of them."""
    match fact.data:
        case EventDetected() | EventExtended() | EventEnded() | EventReviewed():
            yield "event", (fact.data.event_id,)
        case SegmentClosed():
            yield "segment", (fact.data.segment_id,)
        case SegmentAnalyzed() | SegmentAnalysisFailed() | SegmentAnalysisAttempted():
            yield "analysis", (fact.data.segment_id,)
        case LookStarted():
            yield "look", (fact.id,)
        case LookCompleted():
            yield "look", (fact.data.look_id,)
        case ReportPublished():
            yield "report", (fact.subject, fact.data.day)


async def show(site: Site, now: Databases, facts: Sequence[Fact]) -> list[list[Message]]:
    """What each of these facts shows now. Raises Away."""
    keys = defaultdict[str, set[Key]](set)
    for kind, key in (one for fact in facts for one in touched(fact)):
        keys[kind].add(key)
    rows = {kind: await _ROWS[kind].read(now, wanted) for kind, wanted in keys.items()}
    return [[*await _camera(site, fact), *_rendered(fact, rows)] for fact in facts]


def _rendered(fact: Fact, rows: Mapping[str, Mapping[Key, tuple[str, Item]]]) -> Iterator[Message]:
    for kind, key in touched(fact):
        if key in rows[kind]:
            camera, item = rows[kind][key]
            if isinstance(fact.data, SegmentClosed):
                item["gaps"] = [gap.model_dump(mode="json") for gap in fact.data.gaps]
            yield _message(kind, camera, item)
    if isinstance(fact.data, SegmentExpired):
        gone = fact.data.model_dump(mode="json", include={"first_slot", "fps", "media_key"})
        yield _message("segment", fact.subject, {"camera_id": fact.subject, **gone, "removed": True})


async def _camera(site: Site, fact: Fact) -> list[Message]:
    if not isinstance(fact.data, CAMERA_FACTS):
        return []
    await site.view.learnt(fact)
    known = site.view.camera(fact.subject)
    if known.camera.config is None:
        return [_message("camera", fact.subject, {"camera_id": fact.subject, "removed": True})]
    item = camera_item(site, known, known.camera.config, None, site.clock.now_ms())
    return [
        Message("camera", fact.subject, message("camera", item.model_dump_json(exclude={"picture", "hls"}).encode()))
    ]


def _message(kind: str, camera: str, item: Item) -> Message:
    severity = item.get("severity")
    return Message(kind, camera, message(kind, orjson.dumps(item)), None if severity is None else str(severity))


def showing(site: Site) -> Show:
    """`show` for the hub of a site."""
    return partial(show, site)
