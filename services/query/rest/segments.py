"""The archives of a camera, oldest first, as their facts tell them, and the times without a picture."""

from collections import defaultdict
from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import bindparam, select

from libs.contracts.facts import SegmentClosed, UtcTime
from libs.contracts.slots import WINDOW_SECONDS
from services.query.records.columns import UtcDateTime
from services.query.records.keeping import Databases
from services.query.records.rows import compiled
from services.query.records.tables import TABLES
from services.query.rest.asked import PROBLEMS, Registered, SiteNow, cameras_read
from services.query.rest.listing import Asked, Item, Listing, Shown, between, given, list_page
from services.query.rest.lists import CursorText, Since, Until, answer_page

router = APIRouter(dependencies=[Depends(cameras_read)], responses=PROBLEMS)


class Span(BaseModel):
    """Which are asked for: those that touch `[from, to)`."""

    model_config = ConfigDict(extra="forbid")

    since: Since = None
    until: Until = None
    limit: int = Field(default=144, ge=1, le=1000)
    cursor: CursorText = None


class SegmentList(BaseModel):
    """Archives, oldest first; `next` is the cursor of what follows, or null."""

    items: list[SegmentClosed]
    next: str | None


class GapItem(BaseModel):
    """Slots of an archive without a picture: `first_slot` to `last_slot`, both included."""

    first_slot: int
    last_slot: int
    fps: int
    cause: str
    started_at: UtcTime
    segment_id: str


class GapList(BaseModel):
    """Gaps, oldest first; `next` is the cursor of what follows, or null."""

    items: list[GapItem]
    next: str | None


_S, _G = TABLES["segments"], TABLES["gaps"]
_SINCE, _NEAR = bindparam("since", type_=UtcDateTime), bindparam("near", type_=UtcDateTime)
SEGMENTS = Listing(
    shown=Shown({name: _S.c[name] for name in SegmentClosed.model_fields if name != "gaps"}),
    source=_S,
    camera=_S.c.camera_id,
    at=_S.c.at,
    key=_S.c.segment_id,
    # `near` lets an index find the first one: a window has ten minutes at most.
    filters={
        **between(_S.c.at),
        "since": _S.c.ended_at > bindparam("since", type_=UtcDateTime),
        "near": _S.c.at > _NEAR,
    },
    always=(_S.c.closed_fact.is_not(None), _S.c.expired_fact.is_(None)),
    newest_first=False,
)
GAPS = Listing(
    shown=Shown({name: _G.c["at" if name == "started_at" else name] for name in GapItem.model_fields}),
    source=_G,
    camera=_G.c.camera_id,
    at=_G.c.at,
    key=_G.c.gap_fact,
    filters=between(_G.c.at),
    newest_first=False,
)
_GAPS_OF = compiled(
    select(_G.c.segment_id, _G.c.first_slot, _G.c.last_slot, _G.c.cause)
    .where(_G.c.camera_id == bindparam("camera"), _G.c.at >= bindparam("since"), _G.c.at < bindparam("until"))
    .order_by(_G.c.first_slot)
)


@router.head("/api/v1/cameras/{camera_id}/segments", include_in_schema=False)
@router.get("/api/v1/cameras/{camera_id}/segments", summary="The archives of a camera", response_model=SegmentList)
async def list_segments(
    request: Request, camera: Registered, site: SiteNow, span: Annotated[Span, Query()]
) -> Response:
    """A segment is the data of its `segment.closed`; its file is `media_key` (`…/hls/{camera_id}/{file name}`)."""
    near = None if span.since is None else span.since - timedelta(seconds=WINDOW_SECONDS)
    filters = given({"since": span.since, "until": span.until, "near": near})
    asked = Asked((camera[0].camera.id,), filters, span.cursor, span.limit)

    async def make(now: Databases) -> object:
        return await _segments(now, asked)

    return await answer_page(site, request, ("segments", asked), make)


async def _segments(now: Databases, asked: Asked) -> object:
    """Archives with their gaps. Raises Away."""
    page = await SEGMENTS.page(now.rows, asked)
    if not page["items"]:
        return page
    first, last = page["items"][0], page["items"][-1]
    since, until = (datetime.fromisoformat(str(at)) for at in (first["started_at"], last["ended_at"]))
    gaps = defaultdict[object, list[Item]](list)
    for segment_id, *gap in await now.rows.fetch(
        _GAPS_OF, camera=(asked.cameras or ("",))[0], since=since, until=until
    ):
        gaps[segment_id].append(dict(zip(("first_slot", "last_slot", "cause"), gap, strict=True)))
    for item in page["items"]:
        item["gaps"] = gaps[item["segment_id"]]
    return page


@router.head("/api/v1/cameras/{camera_id}/gaps", include_in_schema=False)
@router.get("/api/v1/cameras/{camera_id}/gaps", summary="The times without a picture", response_model=GapList)
async def list_gaps(request: Request, camera: Registered, site: SiteNow, span: Annotated[Span, Query()]) -> Response:
    """Gaps that begin within `[from, to)`, and what caused them."""
    filters = given({"since": span.since, "until": span.until})
    return await list_page(site, request, GAPS, Asked((camera[0].camera.id,), filters, span.cursor, span.limit))
