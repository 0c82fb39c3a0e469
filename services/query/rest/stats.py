"""A camera's day in numbers. What is not known is null or counted apart, never left out."""

from datetime import date, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel
from sqlalchemy import BindParameter, String, bindparam, func, select

from libs.contracts.facts import CameraConfig, UtcTime
from libs.contracts.slots import moment, rfc3339
from services.query.coverage import coverage
from services.query.days import bounds
from services.query.records.columns import UtcDateTime
from services.query.records.keeping import Databases
from services.query.records.rows import compiled
from services.query.records.tables import TABLES
from services.query.rest.asked import PROBLEMS, Registered, SiteNow, cameras_read
from services.query.rest.coverage import told_of
from services.query.rest.lists import json_answer, page_of
from services.query.rest.pages import Page
from services.query.rest.spans import OnDay
from services.query.rest.spend import spend_of
from services.query.site import Site

router = APIRouter(dependencies=[Depends(cameras_read)], responses=PROBLEMS)


class EventCounts(BaseModel):
    """Events that began on the day; `unreviewed` ones nobody judged yet."""

    total: int
    danger: int
    warning: int
    info: int
    safety: int
    development: int
    unreviewed: int


class Scores(BaseModel):
    """Safety scores of the day's analysed archives; null when none has one."""

    scored: int
    lowest: int | None
    average: float | None
    latest: int | None


class AnalysisCounts(BaseModel):
    """What became of the day's archives."""

    analyzed: int
    failed: int
    pending: int


class Minutes(BaseModel):
    """Minutes of the day so far. `blind`: nobody was looking; `dark`: nothing was recorded, as far as is known."""

    passed: int
    recorded: int
    looked: int
    analyzed: int
    blind: int
    dark: int


class Stats(BaseModel):
    """A camera's day. `looks` counts them by outcome; those that have none yet as `unfinished`."""

    camera_id: str
    day: date
    since: UtcTime
    until: UtcTime
    events: EventCounts
    scores: Scores
    analyses: AnalysisCounts
    looks: dict[str, int]
    minutes: Minutes
    cost_usd: float
    budget_usd: float | None


_E, _L, _A = (TABLES[name] for name in ("realtime_events", "looks", "segment_analyses"))
_CAMERA: BindParameter[str] = bindparam("camera", type_=String)
_SINCE, _UNTIL = bindparam("since", type_=UtcDateTime), bindparam("until", type_=UtcDateTime)
_EVENTS = compiled(
    select(_E.c.severity, _E.c.kind, _E.c.reviewed.is_(None), func.count())
    .where(_E.c.camera_id == _CAMERA, _E.c.started_at >= _SINCE, _E.c.started_at < _UNTIL)
    .group_by(_E.c.severity, _E.c.kind, _E.c.reviewed.is_(None))
)
_LOOKS = compiled(
    select(_L.c.outcome, func.count())
    .where(_L.c.camera_id == _CAMERA, _L.c.at >= _SINCE, _L.c.at < _UNTIL)
    .group_by(_L.c.outcome)
    .order_by(_L.c.outcome)
)
_ANALYSES = compiled(
    select(_A.c.analyzed, _A.c.safety_score)
    .where(_A.c.camera_id == _CAMERA, _A.c.at >= _SINCE, _A.c.at < _UNTIL)
    .order_by(_A.c.at, _A.c.segment_id)
)


def _count(value: object) -> int:
    return int(str(value))


async def _events(now: Databases, values: dict[str, object]) -> dict[str, int]:
    counts = dict.fromkeys(EventCounts.model_fields, 0)
    for severity, kind, unreviewed, number in await now.rows.fetch(_EVENTS, **values):
        kinds = ("total", str(severity), str(kind), *(("unreviewed",) if unreviewed else ()))
        for name in kinds:
            counts[name] += _count(number)
    return counts


async def _analyses(now: Databases, values: dict[str, object]) -> tuple[dict[str, object], dict[str, object]]:
    """Scores, and what became of the archives."""
    found = await now.rows.fetch(_ANALYSES, **values)
    scores = [_count(score) for analyzed, score in found if analyzed == 1 and score is not None]
    average = round(sum(scores) / len(scores), 1) if scores else None
    lowest, latest = (min(scores), scores[-1]) if scores else (None, None)
    states = [analyzed for analyzed, _ in found]
    counts = {"analyzed": states.count(1), "failed": states.count(0), "pending": states.count(None)}
    return {"scored": len(scores), "lowest": lowest, "average": average, "latest": latest}, dict(counts)


async def _minutes(now: Databases, camera_id: str, span: tuple[datetime, datetime], at: datetime) -> dict[str, int]:
    minutes = coverage(*span, at, await told_of(now, camera_id, *span))
    return {
        "passed": len(minutes),
        "recorded": sum(minute.recorded == "yes" for minute in minutes),
        "looked": sum(minute.looked == "yes" for minute in minutes),
        "analyzed": sum(minute.analyzed == "yes" for minute in minutes),
        "blind": sum(minute.looked != "yes" for minute in minutes),
        "dark": sum(minute.recorded == "no" for minute in minutes),
    }


@router.head("/api/live-monitoring/stats/{camera_id}", include_in_schema=False)
@router.get("/api/live-monitoring/stats/{camera_id}", summary="A camera's day in numbers", response_model=Stats)
async def get_stats(request: Request, camera: Registered, site: SiteNow, asked: Annotated[OnDay, Query()]) -> Response:
    """Events by kind and severity, scores, looks by outcome, minutes in which nobody looked, and the cost."""
    return json_answer(request, await stats_page(site, camera[0].camera.id, camera[1], asked))


async def stats_page(site: Site, camera_id: str, config: CameraConfig, asked: OnDay) -> Page:
    """A camera's day. Raises Problem."""
    now_ms = site.clock.now_ms()
    day, time_zone = asked.of(config, now_ms), config.time_zone
    since, until = bounds(day, time_zone)

    async def make(now: Databases) -> object:
        values: dict[str, object] = {"camera": camera_id, "since": since, "until": until}
        looks = await now.rows.fetch(_LOOKS, **values)
        scores, analyses = await _analyses(now, values)
        spend = await spend_of(now, camera_id, day, time_zone)
        return {
            "camera_id": camera_id,
            "day": day,
            "since": rfc3339(since),
            "until": rfc3339(until),
            "events": await _events(now, values),
            "scores": scores,
            "analyses": analyses,
            "looks": {str(outcome or "unfinished"): _count(number) for outcome, number in looks},
            "minutes": await _minutes(now, camera_id, (since, until), moment(now_ms)),
            "cost_usd": spend["cost_usd"],
            "budget_usd": spend["budget_usd"],
        }

    return await page_of(site, ("stats", camera_id, day, time_zone, now_ms // 10_000), make)


@router.head("/api/v1/cameras/{camera_id}/stats", include_in_schema=False)
@router.get("/api/v1/cameras/{camera_id}/stats", summary="A camera's day in numbers", response_model=Stats)
async def get_camera_stats(
    request: Request, camera: Registered, site: SiteNow, asked: Annotated[OnDay, Query()]
) -> Response:
    """The same under the path of everything newer."""
    return await get_stats(request, camera, site, asked)
