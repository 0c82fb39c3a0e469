"""Every look at a camera, whatever came of it."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel
from sqlalchemy import bindparam

from libs.contracts.assessments import Usage
from libs.contracts.facts import UtcTime
from libs.contracts.looks import Finding, LookAssessor, LookInput, Outcome
from services.query.records.tables import TABLES
from services.query.rest.asked import PROBLEMS, Registered, SiteNow, cameras_read
from services.query.rest.listing import Asked, Listing, Shown, between, given, list_page
from services.query.rest.spans import InTimePaged

router = APIRouter(dependencies=[Depends(cameras_read)], responses=PROBLEMS)


class LookItem(BaseModel):
    """One look. Only `assessed` says anything of the children; `outcome` is null until it came to its end."""

    look_id: str
    camera_id: str
    started_at: UtcTime | None
    ended_at: UtcTime | None
    trigger: str | None
    outcome: Outcome | None
    reason: str | None
    view: str | None
    findings: list[Finding] | None
    first_slot: int | None
    last_slot: int | None
    fps: int | None
    assessor: LookAssessor | None
    input: LookInput | None
    usage: Usage | None
    estimate_usd: float | None
    cost_usd: float | None
    price_table: str | None
    latency_ms: int | None
    attempts: int | None
    next_look_in_s: int | None


class LookList(BaseModel):
    """Looks, newest first; `next` is the cursor of what follows, or null."""

    items: list[LookItem]
    next: str | None


_L = TABLES["looks"]
LOOKS = Listing(
    shown=Shown({name: _L.c[name] for name in LookItem.model_fields}),
    source=_L,
    camera=_L.c.camera_id,
    at=_L.c.at,
    key=_L.c.look_id,
    filters={**between(_L.c.at), "outcome": _L.c.outcome == bindparam("outcome")},
)


class LooksAsked(InTimePaged):
    """Which looks are asked for."""

    outcome: Outcome | None = None


@router.head("/api/v1/cameras/{camera_id}/looks", include_in_schema=False)
@router.get("/api/v1/cameras/{camera_id}/looks", summary="Every look at a camera", response_model=LookList)
async def list_looks(
    request: Request, camera: Registered, site: SiteNow, asked: Annotated[LooksAsked, Query()]
) -> Response:
    """Also those that came to nothing, and why."""
    known, config = camera
    since, until = asked.span(config)
    filters = given({"since": since, "until": until, "outcome": asked.outcome})
    return await list_page(site, request, LOOKS, Asked((known.camera.id,), filters, asked.cursor, asked.limit))
