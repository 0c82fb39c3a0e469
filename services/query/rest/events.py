"""What was seen: lists of events, one event with its picture and its place in the archive, and people's judgements."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field, field_validator

from libs.contracts.assessments import Severity
from libs.contracts.ids import is_camera_id
from services.query.people.rights import Principal
from services.query.rest.asked import PROBLEMS, Asker, Registered, SiteNow, cameras_read, no_query, registered
from services.query.rest.event_items import EVENTS, EventList
from services.query.rest.listing import Asked, given, page_in
from services.query.rest.lists import CursorText, Since, Until, json_answer
from services.query.rest.pages import Page
from services.query.site import Site

router = APIRouter(dependencies=[Depends(cameras_read)], responses=PROBLEMS)
LATEST = 20


class OfCamera(BaseModel):
    """Which events of a camera are asked for."""

    model_config = ConfigDict(extra="forbid")

    kind: Literal["safety", "development"] | None = None
    severity: Severity | None = None
    code: str | None = Field(default=None, pattern="^[a-z0-9_-]{1,64}$", description="such as `climb`")
    since: Since = None
    until: Until = None
    reviewed: bool | None = Field(default=None, description="only those that people judged, or only the others")
    limit: int = Field(default=LATEST, ge=1, le=200)
    cursor: CursorText = None


class OfSite(OfCamera):
    """Which events are asked for."""

    camera: str | None = Field(default=None, max_length=32)

    @field_validator("camera")
    @classmethod
    def _grammar(cls, camera: str | None) -> str | None:
        if camera is not None and not is_camera_id(camera):
            raise ValueError("is no camera id: 1 to 32 of a-z, 0-9 and -")
        return camera


@router.head("/api/v1/events", include_in_schema=False)
@router.get("/api/v1/events", summary="Events", response_model=EventList)
async def list_events(request: Request, site: SiteNow, who: Asker, asked: Annotated[OfSite, Query()]) -> Response:
    """What was seen, newest first, of all cameras that one may see."""
    if asked.camera is not None:
        await registered(asked.camera, site, who)
    return json_answer(request, await events_page(site, who, asked))


@router.head("/api/live-monitoring/events/{camera_id}", include_in_schema=False)
@router.get("/api/live-monitoring/events/{camera_id}", summary="Events of a camera", response_model=EventList)
async def list_camera_events(
    request: Request, site: SiteNow, camera: Registered, asked: Annotated[OfCamera, Query()]
) -> Response:
    """What was seen, newest first."""
    return json_answer(request, await events_page_of(site, camera[0].camera.id, asked))


@router.head("/api/live-monitoring/events/{camera_id}/latest", include_in_schema=False)
@router.get(
    "/api/live-monitoring/events/{camera_id}/latest",
    summary="The latest events of a camera",
    response_model=EventList,
    dependencies=[Depends(no_query)],
)
async def list_latest_events(request: Request, site: SiteNow, camera: Registered) -> Response:
    """The twenty that began last, newest first."""
    return json_answer(request, await events_page_of(site, camera[0].camera.id, OfCamera()))


async def events_page(site: Site, who: Principal, asked: OfSite) -> Page:
    """A page of what one may see. Raises Problem."""
    if asked.camera is not None:
        return await events_page_of(site, asked.camera, asked)
    return await _page(site, None if who.cameras is None else tuple(sorted(who.cameras)), asked)


async def events_page_of(site: Site, camera_id: str, asked: OfCamera) -> Page:
    """A page of a camera's. Raises Problem."""
    return await _page(site, (camera_id,), asked)


async def _page(site: Site, cameras: tuple[str, ...] | None, asked: OfCamera) -> Page:
    filters = asked.model_dump(exclude={"camera", "reviewed", "cursor", "limit"})
    if asked.reviewed is not None:
        filters["judged" if asked.reviewed else "unjudged"] = True
    return await page_in(site, EVENTS, Asked(cameras, given(filters), asked.cursor, asked.limit))
