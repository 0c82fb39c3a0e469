"""Writes what people judge of events."""

from collections.abc import Mapping
from dataclasses import dataclass

from libs.bus import BusError, Conflict, publish_fact
from libs.contracts.envelope import Fact, Origin, new_fact
from libs.contracts.events import EventReviewed, Verdict
from libs.contracts.streams import EVENTS
from services.query.commands import Unwritten
from services.query.site import Site


@dataclass(frozen=True, slots=True)
class Judged:
    """A judgement of an event (an item of the API), and the key of the request."""

    event: Mapping[str, object]
    verdict: Verdict
    by: str
    note: str
    key: str


class KeyUsed(ValueError):
    """Another judgement was recorded under the key of this request."""


async def record_review(site: Site, judged: Judged) -> Fact:
    """Publish `event.reviewed`. Raises Unwritten or KeyUsed."""
    if site.bus is None or not site.connected:
        raise Unwritten("the bus is out of reach")
    now = site.clock.now_ms()
    event, said = judged.event, {"verdict": judged.verdict, "by": judged.by, "note": judged.note}
    data = EventReviewed.model_validate({"event_id": event["event_id"], "severity": event["severity"], **said})
    request = f"{data.event_id}|{judged.by}|{judged.key}"
    fact = new_fact(data, str(event["camera_id"]), (request,), Origin("query", now, now))
    try:
        await publish_fact(site.bus, fact, EVENTS.name)
    except Conflict as problem:
        raise KeyUsed(judged.key) from problem
    except BusError as problem:
        raise Unwritten(f"the bus does not take it: {problem}") from problem
    return fact
