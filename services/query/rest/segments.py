"""The archives of a camera, oldest first, as their facts tell them."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from libs.contracts.facts import SegmentClosed
from services.query.domain import segments_between
from services.query.rest.asked import PROBLEMS, Registered, SiteNow, cameras_read

router = APIRouter(dependencies=[Depends(cameras_read)], responses=PROBLEMS)


class Span(BaseModel):
    """Which archives are asked for; those that touch `[from, to)`."""

    model_config = ConfigDict(extra="forbid")

    since: AwareDatetime | None = Field(default=None, alias="from", description="RFC 3339 with a zone")
    until: AwareDatetime | None = Field(default=None, alias="to", description="RFC 3339 with a zone")
    limit: int = Field(default=144, ge=1, le=1000)
    cursor: int | None = Field(default=None, ge=0, description="`next` of the answer before")


class SegmentList(BaseModel):
    """Archives, oldest first; `next` is the cursor of what follows, or null."""

    items: list[SegmentClosed]
    next: int | None


@router.head("/api/v1/cameras/{camera_id}/segments", include_in_schema=False)
@router.get("/api/v1/cameras/{camera_id}/segments", summary="The archives of a camera")
async def list_segments(camera: Registered, site: SiteNow, span: Annotated[Span, Query()]) -> SegmentList:
    """A segment is the data of its `segment.closed`; its file is `media_key` (`…/hls/{camera_id}/{file name}`)."""
    held = site.view.segments.get(camera[0].camera.id, {})
    found = segments_between(held.values(), span.since, span.until, span.cursor)
    page, rest = found[: span.limit], found[span.limit :]
    return SegmentList(items=page, next=rest[0].first_slot if rest else None)
