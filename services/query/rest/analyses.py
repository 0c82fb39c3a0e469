"""What the analyses of a camera's archives say, newest archive first; also those that failed or are still tried."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel
from sqlalchemy import case, or_

from libs.contracts.analyses import Development, Incident
from libs.contracts.assessments import Assessor, Prompt, Span, Text, Usage
from libs.contracts.facts import CameraConfig, UtcTime
from services.query.records.tables import TABLES
from services.query.rest.asked import PROBLEMS, Registered, SiteNow, cameras_read
from services.query.rest.listing import Asked, Listing, Shown, between, given, page_in
from services.query.rest.lists import json_answer
from services.query.rest.pages import Page
from services.query.rest.spans import InTimePaged
from services.query.site import Site

router = APIRouter(dependencies=[Depends(cameras_read)], responses=PROBLEMS)


class AnalysisResult(BaseModel):
    """What was seen in the archive."""

    summary: Text
    incidents: list[Incident]
    development: list[Development]
    seen: list[Span]
    assessor: Assessor


class AnalysisItem(BaseModel):
    """The newest analysis of an archive. Only an `analyzed` one says anything: `failed` and `pending` are not "safe".

    `safety_score` is null when too little was seen to say one; `score_reason` says why.
    """

    segment_id: str
    camera_id: str
    status: Literal["analyzed", "failed", "pending"]
    started_at: UtcTime | None
    ended_at: UtcTime | None
    media_key: str | None
    version: int | None
    analyzed_at: UtcTime | None
    safety_score: int | None
    score_reason: str | None
    incident_count: int | None
    analysis_result: AnalysisResult | None
    failed_reason: str | None
    attempt: int | None
    attempt_outcome: str | None
    attempt_reason: str | None
    next_attempt_at: UtcTime | None
    prompt: Prompt | None
    usage: Usage | None
    cost_usd: float | None
    latency_ms: int | None


class AnalysisList(BaseModel):
    """Analyses; `next` is the cursor of what follows, or null."""

    items: list[AnalysisItem]
    next: str | None


_A, _S = TABLES["segment_analyses"], TABLES["segments"]
_STATUS = case((_A.c.analyzed == 1, "analyzed"), (_A.c.analyzed == 0, "failed"), else_="pending")
_ELSEWHERE = {"status": _STATUS, **{name: _S.c[name] for name in ("started_at", "ended_at", "media_key")}}
ANALYSES = Listing(
    shown=Shown({name: _ELSEWHERE[name] if name in _ELSEWHERE else _A.c[name] for name in AnalysisItem.model_fields}),
    source=_A.outerjoin(_S, _S.c.segment_id == _A.c.segment_id),
    camera=_A.c.camera_id,
    at=_A.c.at,
    key=_A.c.segment_id,
    filters=between(_A.c.at),
    always=(or_(_A.c.analyzed.is_not(None), _A.c.attempt.is_not(None)),),
)


@router.head("/api/live-monitoring/segment-analyses/{camera_id}", include_in_schema=False)
@router.get(
    "/api/live-monitoring/segment-analyses/{camera_id}", summary="Analyses of a camera", response_model=AnalysisList
)
async def list_segment_analyses(
    request: Request, camera: Registered, site: SiteNow, asked: Annotated[InTimePaged, Query()]
) -> Response:
    """Of a day, of a time, or all; newest archive first."""
    return json_answer(request, await analyses_page(site, camera[0].camera.id, camera[1], asked))


async def analyses_page(site: Site, camera_id: str, config: CameraConfig, asked: InTimePaged) -> Page:
    """A page of a camera's. Raises Problem."""
    since, until = asked.span(config)
    filters = given({"since": since, "until": until})
    return await page_in(site, ANALYSES, Asked((camera_id,), filters, asked.cursor, asked.limit))


@router.head("/api/v1/cameras/{camera_id}/segment-analyses", include_in_schema=False)
@router.get("/api/v1/cameras/{camera_id}/segment-analyses", summary="Analyses of a camera", response_model=AnalysisList)
async def list_analyses(
    request: Request, camera: Registered, site: SiteNow, asked: Annotated[InTimePaged, Query()]
) -> Response:
    """The same under the path of everything newer."""
    return await list_segment_analyses(request, camera, site, asked)
