"""The REST API for who saw, took, got or was refused what."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from services.query.records.tables import TABLES
from services.query.rest.asked import PROBLEMS, Needs, SiteNow
from services.query.rest.listing import Asked, Listing, Shown, between, equal, given, list_page
from services.query.rest.lists import CursorText, Since, Until
from services.query.rest.people_items import AccessList

_ROWS = TABLES["accesses"]
_COLUMNS = ("access_id", "at", "kind", "by", "camera_id", "what", "why")
_LIST = Listing(
    shown=Shown({name: _ROWS.c[name] for name in _COLUMNS}),
    source=_ROWS,
    camera=_ROWS.c.camera_id,
    at=_ROWS.c.at,
    key=_ROWS.c.access_id,
    filters={**between(_ROWS.c.at), **equal(_ROWS.c.by, _ROWS.c.kind)},
    always=(_ROWS.c.at.is_not(None),),
)
router = APIRouter(dependencies=[Depends(Needs("director"))], responses=PROBLEMS)


class Which(BaseModel):
    """Which accesses are asked for."""

    model_config = ConfigDict(extra="forbid")

    camera: str | None = Field(default=None, max_length=32, description="a camera's id, or `site`")
    user: str | None = Field(default=None, max_length=64, description="by whom: a user, or an address")
    kind: Literal["viewed", "exported", "denied", "granted", "revoked", "login"] | None = None
    since: Since = None
    until: Until = None
    limit: int = Field(default=50, ge=1, le=200)
    cursor: CursorText = None


@router.head("/api/v1/accesses", include_in_schema=False)
@router.get("/api/v1/accesses", summary="Who saw what", response_model=AccessList)
async def list_accesses(request: Request, site: SiteNow, which: Annotated[Which, Query()]) -> Response:
    """Who saw, took, got or was refused what, newest first. Looks at one camera within ten minutes are one."""
    cameras = None if which.camera is None else (which.camera,)
    filters = {"by": which.user, "kind": which.kind, "since": which.since, "until": which.until}
    return await list_page(site, request, _LIST, Asked(cameras, given(filters), which.cursor, which.limit))
