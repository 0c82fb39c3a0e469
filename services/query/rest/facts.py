"""The facts themselves, byte for byte as they stood on the bus, for programs and for whoever wants proof."""

from typing import Annotated, Literal

import orjson
from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field, field_validator
from sqlalchemy import Table, bindparam

from libs.contracts.catalogue import FACTS
from libs.contracts.ids import is_camera_id
from services.query.records.control import Control
from services.query.records.keeping import Databases
from services.query.rest.asked import PROBLEMS, Needs, SiteNow
from services.query.rest.listing import Asked, Listing, Shown, between, equal, given
from services.query.rest.lists import CursorText, Since, Until, answer_page

router = APIRouter(dependencies=[Depends(Needs("admin"))], responses=PROBLEMS)


class FactsAsked(BaseModel):
    """Which facts are asked for."""

    model_config = ConfigDict(extra="forbid")

    stream: Literal["CAMERAS", "EVENTS", "AUDIT"] | None = None
    type: str | None = Field(default=None, description="such as `event.detected`")
    camera: str | None = Field(default=None, max_length=32, description="a camera id, or `site`")
    since: Since = None
    until: Until = None
    limit: int = Field(default=100, ge=1, le=1000)
    cursor: CursorText = None

    @field_validator("type")
    @classmethod
    def _known(cls, name: str | None) -> str | None:
        if name is not None and name not in FACTS:
            raise ValueError("is no type of fact: see docs/events.md")
        return name

    @field_validator("camera")
    @classmethod
    def _grammar(cls, camera: str | None) -> str | None:
        if camera is not None and not is_camera_id(camera):
            raise ValueError("is no camera id: 1 to 32 of a-z, 0-9 and -")
        return camera


class Envelope(BaseModel):
    """A fact: CloudEvents 1.0, see docs/events.md. What `data` holds follows from `type`."""

    model_config = ConfigDict(extra="allow")

    specversion: str
    id: str
    source: str
    type: str
    subject: str
    time: str
    data: dict[str, object]


class FactList(BaseModel):
    """Facts, newest first; `next` is the cursor of what follows, or null."""

    items: list[Envelope]
    next: str | None


_LOG: Table = Control.metadata.tables["event_log"]
LOGGED = Listing(
    shown=Shown({"body": _LOG.c.body}),
    source=_LOG,
    camera=_LOG.c.subject,
    at=_LOG.c.time,
    key=_LOG.c.event_id,
    filters={
        **between(_LOG.c.time),
        **equal(_LOG.c.stream),
        "type": _LOG.c.subject.like(bindparam("type")),
        "of": _LOG.c.subject.like(bindparam("of")),
    },
    always=(_LOG.c.body.is_not(None),),
)


@router.head("/api/v1/facts", include_in_schema=False)
@router.get("/api/v1/facts", summary="The facts themselves", response_model=FactList)
async def list_facts(request: Request, site: SiteNow, asked: Annotated[FactsAsked, Query()]) -> Response:
    """Original envelopes. Facts that were erased on request are left out."""
    kind, camera = asked.type and f"{asked.type}.%", asked.camera and f"%.{asked.camera}"
    filters = {"stream": asked.stream, "type": kind, "of": camera, "since": asked.since, "until": asked.until}
    page = Asked(None, given(filters), asked.cursor, asked.limit)

    async def make(now: Databases) -> object:
        body = await LOGGED.page(now.control_rows, page)
        return {**body, "items": [orjson.Fragment(item["body"]) for item in body["items"]]}  # type: ignore[arg-type]

    # The log is written beside the views, so that a page of it is never taken from memory.
    return await answer_page(site, request, None, make)
