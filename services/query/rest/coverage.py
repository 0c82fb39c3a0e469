"""What is known of every minute of a camera: recorded, looked at, analysed, and if not, why not."""

import asyncio
from datetime import datetime, timedelta
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel
from sqlalchemy import BindParameter, String, bindparam, select

from libs.contracts.facts import UtcTime
from libs.contracts.slots import moment, rfc3339, slot_end_ms, slot_start_ms
from services.query.coverage import WINDOW, Minute, Span, State, Told, Window, coverage
from services.query.days import bounds
from services.query.records.columns import UtcDateTime
from services.query.records.keeping import Databases
from services.query.records.rows import Row, Statement, compiled, moment_of
from services.query.records.tables import TABLES
from services.query.rest.asked import PROBLEMS, Registered, SiteNow, cameras_read
from services.query.rest.lists import answer_page
from services.query.rest.spans import OnDay

router = APIRouter(dependencies=[Depends(cameras_read)], responses=PROBLEMS)
LONGEST_LOOK = timedelta(minutes=15)
"""A look that touches a minute ended no later than this after it."""


class Why(BaseModel):
    """Reasons, where the answer is not yes."""

    recorded: str | None = None
    looked: str | None = None
    analyzed: str | None = None


class MinuteItem(BaseModel):
    """One minute. `recorded`: in an archive; `looked`: an assessed look touches it; `analyzed`: its archive was."""

    at: UtcTime
    recorded: Literal["yes", "partly", "no", "pending"]
    looked: Literal["yes", "no"]
    analyzed: Literal["yes", "no", "pending"]
    why: Why


class MinuteList(BaseModel):
    """The minutes of a day that have begun, oldest first."""

    items: list[MinuteItem]
    next: str | None = None


_S, _G, _L, _A = (TABLES[name] for name in ("segments", "gaps", "looks", "segment_analyses"))
_CAMERA: BindParameter[str] = bindparam("camera", type_=String)
_SINCE, _UNTIL = bindparam("since", type_=UtcDateTime), bindparam("until", type_=UtcDateTime)
_WINDOWS = compiled(
    select(_S.c.at, _S.c.started_at, _S.c.ended_at, _S.c.missed_reason, _A.c.analyzed, _A.c.failed_reason)
    .select_from(_S.outerjoin(_A, _A.c.segment_id == _S.c.segment_id))
    .where(_S.c.camera_id == _CAMERA, _S.c.at >= _SINCE, _S.c.at < _UNTIL)
    .order_by(_S.c.at, _S.c.fps)
)
_GAPS = compiled(
    select(_G.c.first_slot, _G.c.last_slot, _G.c.fps, _G.c.cause)
    .where(_G.c.camera_id == _CAMERA, _G.c.at >= _SINCE, _G.c.at < _UNTIL)
    .order_by(_G.c.at, _G.c.fps)
)
_LOOKS = compiled(
    select(_L.c.first_slot, _L.c.last_slot, _L.c.fps, _L.c.outcome)
    .where(_L.c.camera_id == _CAMERA, _L.c.at >= _SINCE, _L.c.at < _UNTIL, _L.c.first_slot.is_not(None))
    .order_by(_L.c.at, _L.c.look_id)
)


async def told_of(now: Databases, camera: str, since: datetime, until: datetime) -> Told:
    """What the views tell of a camera's time. Raises Away."""

    async def ask(statement: Statement, since: datetime, until: datetime) -> list[Row]:
        return list(await now.rows.fetch(statement, camera=camera, since=since, until=until))

    windows, gaps, looks = await asyncio.gather(
        ask(_WINDOWS, since - WINDOW, until),
        ask(_GAPS, since - WINDOW, until),
        ask(_LOOKS, since, until + LONGEST_LOOK),
    )
    return Told([_window(row) for row in windows], [_span(row) for row in gaps], [_span(row) for row in looks])


def _window(row: Row) -> Window:
    at, started_at, ended_at, missed, analyzed, failed = row
    state: State = "pending" if analyzed is None else "yes" if analyzed else "no"
    begin, end = (None if value is None else moment_of(value) for value in (started_at, ended_at))
    return Window(moment_of(at), begin, end, None if missed is None else str(missed), state, str(failed or ""))


def _span(row: Row) -> Span:
    first, last, fps = (int(str(value)) for value in row[:3])
    return Span(moment(slot_start_ms(first, fps)), moment(slot_end_ms(last, fps)), str(row[3]))


def minute_item(minute: Minute) -> dict[str, object]:
    """A minute as the API shows it."""
    return {
        "at": rfc3339(minute.at),
        "recorded": minute.recorded,
        "looked": minute.looked,
        "analyzed": minute.analyzed,
        "why": {name: minute.why.get(name) for name in ("recorded", "looked", "analyzed")},
    }


@router.head("/api/v1/cameras/{camera_id}/coverage", include_in_schema=False)
@router.get("/api/v1/cameras/{camera_id}/coverage", summary="Every minute of a day", response_model=MinuteList)
async def list_coverage(
    request: Request, camera: Registered, site: SiteNow, asked: Annotated[OnDay, Query()]
) -> Response:
    """ "Nothing happened" and "nobody was looking" never look alike: here is which of them it was."""
    (known, config), now_ms = camera, site.clock.now_ms()
    camera_id, day, at = known.camera.id, asked.of(config, now_ms), moment(now_ms)
    since, until = bounds(day, config.time_zone)

    async def make(now: Databases) -> object:
        told = await told_of(now, camera_id, since, until)
        return {"items": [minute_item(minute) for minute in coverage(since, until, at, told)], "next": None}

    # A day that is not over has a new minute each minute, and a window that was awaited is late some seconds later.
    return await answer_page(
        site, request, ("coverage", camera_id, since, until, min(now_ms // 10_000, _end(until))), make
    )


def _end(until: datetime) -> int:
    """The ten seconds from which on a day's answer depends on nothing but the views."""
    return int((until + WINDOW * 2).timestamp()) // 10
