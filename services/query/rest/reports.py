"""The reports of a camera's days."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import bindparam, select

from libs.contracts.assessments import Text
from libs.contracts.facts import UtcTime
from services.query.records.keeping import Databases
from services.query.records.rows import compiled
from services.query.records.tables import TABLES
from services.query.rest.asked import PROBLEMS, Registered, SiteNow, cameras_read, no_query
from services.query.rest.listing import Shown
from services.query.rest.lists import CursorText, answer_page, cursor_of, read_cursor
from services.query.rest.problems import not_found

router = APIRouter(dependencies=[Depends(cameras_read)], responses=PROBLEMS)
LAST = "9999-12-31"


class ReportItem(BaseModel):
    """The newest report of a day. A figure is null when nobody can know it."""

    camera_id: str
    day: date
    version: int
    published_at: UtcTime
    text: Text
    figures: dict[str, float | None]
    links: dict[str, str]


class ReportList(BaseModel):
    """Reports, newest first; `next` is the cursor of what follows, or null."""

    items: list[ReportItem]
    next: str | None


class Paged(BaseModel):
    """A page of them."""

    model_config = ConfigDict(extra="forbid")

    limit: int = Field(default=31, ge=1, le=366)
    cursor: CursorText = None


_R = TABLES["reports"]
_SHOWN = Shown({name: _R.c[name] for name in ReportItem.model_fields})
_OF = select(*_SHOWN.columns).where(_R.c.camera_id == bindparam("camera"))
_LIST = compiled(_OF.where(_R.c.day < bindparam("before")).order_by(_R.c.day.desc()).limit(bindparam("limit")))
_ONE = compiled(_OF.where(_R.c.day == bindparam("day")))


@router.head("/api/v1/cameras/{camera_id}/reports", include_in_schema=False)
@router.get("/api/v1/cameras/{camera_id}/reports", summary="Reports of days", response_model=ReportList)
async def list_reports(
    request: Request, camera: Registered, site: SiteNow, asked: Annotated[Paged, Query()]
) -> Response:
    """One for each day that has one, newest first."""
    camera_id = camera[0].camera.id
    before = LAST if asked.cursor is None else str(read_cursor(asked.cursor)["at"])[:10]

    async def make(now: Databases) -> object:
        found = await now.rows.fetch(_LIST, camera=camera_id, before=before, limit=asked.limit + 1)
        items = [_SHOWN.item(row) for row in found[: asked.limit]]
        more = len(found) > asked.limit
        return {"items": items, "next": cursor_of(f"{items[-1]['day']} 00:00:00", camera_id) if more else None}

    return await answer_page(site, request, ("reports", camera_id, before, asked.limit), make)


@router.head("/api/v1/cameras/{camera_id}/reports/{day}", include_in_schema=False, dependencies=[Depends(no_query)])
@router.get(
    "/api/v1/cameras/{camera_id}/reports/{day}",
    summary="The report of a day",
    response_model=ReportItem,
    dependencies=[Depends(no_query)],
)
async def get_report(request: Request, camera: Registered, site: SiteNow, day: date) -> Response:
    """404 when there is none (yet)."""
    camera_id = camera[0].camera.id

    async def make(now: Databases) -> object:
        found = await now.rows.fetch(_ONE, camera=camera_id, day=day.isoformat())
        if not found:
            raise not_found()
        return _SHOWN.item(found[0])

    return await answer_page(site, request, ("report", camera_id, day), make)
