"""One event: its picture, its place in the archive, and what people judged of it."""

import asyncio
import contextlib
from typing import Annotated, Literal
from uuid import UUID, uuid4

import orjson
from anyio import to_thread
from fastapi import APIRouter, Depends, Path, Request, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import bindparam, select

from libs.contracts.events import Verdict
from libs.contracts.facts import UtcTime
from libs.contracts.ids import is_camera_id
from libs.media import BadKey, NotMounted, NotThere
from services.query.commands import Unwritten
from services.query.people.rights import Principal
from services.query.records.columns import UtcDateTime
from services.query.records.keeping import Databases
from services.query.records.rows import Away, compiled, moment_of, moment_text
from services.query.records.tables import TABLES
from services.query.rest.asked import PROBLEMS, Asker, Key, Needs, SiteNow, cameras_read, no_query, seen
from services.query.rest.event_items import EVENT, EventItem, event_item
from services.query.rest.listing import Item
from services.query.rest.lists import answer_page, away, opened
from services.query.rest.problems import NotTheirs, Problem, not_found, unavailable
from services.query.reviews import Judged, KeyUsed, record_review
from services.query.site import Site

router = APIRouter(dependencies=[Depends(no_query), Depends(cameras_read)], responses=PROBLEMS)
PATH = "/api/v1/events/{event_id}"
SHOWN_WITHIN = 1.0
"""Seconds in which whoever judged waits to see it."""
EventId = Annotated[str, Path(max_length=64)]


class ReviewItem(BaseModel):
    """What a person judged of it."""

    verdict: Verdict
    by: str
    note: str
    at: UtcTime


class ArchivePlace(BaseModel):
    """Where the event begins in a recording: `offset_s` seconds after the begin of the file at `url`.

    `state` is `kept`; `expired` when retention deleted the file, `missed` when the window had no picture, or `awaited`
    while its window is not closed: there is no `url` then.
    """

    state: Literal["kept", "expired", "missed", "awaited"]
    segment_id: str | None
    url: str | None
    offset_s: float | None


class OneEvent(EventItem):
    """An event, all of it. `picture_url` is null when no picture was kept."""

    picture_url: str | None
    archive: ArchivePlace
    reviews: list[ReviewItem]


class Review(BaseModel):
    """A person's judgement of an event."""

    model_config = ConfigDict(extra="forbid")

    verdict: Verdict
    note: str = Field(default="", max_length=1000)


_R, _S = TABLES["reviews"], TABLES["segments"]
_REVIEWS = compiled(
    select(_R.c.verdict, _R.c.by, _R.c.note, _R.c.at)
    .where(_R.c.event_id == bindparam("event_id"))
    .order_by(_R.c.at, _R.c.review_id)
)
_REVIEW = compiled(select(_R.c.review_id).where(_R.c.review_id == bindparam("review_id")))
_PLACE = compiled(
    select(_S.c.segment_id, _S.c.media_key, _S.c.started_at, _S.c.ended_at, _S.c.closed_fact, _S.c.expired_fact)
    .where(_S.c.camera_id == bindparam("camera"), _S.c.at <= bindparam("at", type_=UtcDateTime))
    .order_by(_S.c.at.desc())
    .limit(1)
)


async def _found(site: Site, who: Principal, event_id: str) -> Item:
    """The event, if it is one of the asker's cameras; the same 404 for all others."""
    try:
        (row,) = await opened(site).rows.fetch(EVENT, event_id=str(UUID(event_id)))
    except ValueError as problem:  # no UUID, or no such event
        raise not_found() from problem
    except Away as problem:
        raise away() from problem
    item = event_item(row)
    known = site.view.cameras.get(str(item["camera_id"]))
    if known is None or known.camera.config is None:
        raise not_found()
    if not who.sees(known.camera.id):
        raise NotTheirs(known.camera.id)
    return item


@router.head(PATH, include_in_schema=False)
@router.get(PATH, summary="One event", response_model=OneEvent)
async def get_event(request: Request, site: SiteNow, who: Asker, event_id: EventId) -> Response:
    """The event with its picture, its place in the archive and its reviews."""
    await _found(site, who, event_id)

    async def make(now: Databases) -> object:
        return await _whole(now, await _found(site, who, event_id))

    return await answer_page(site, request, ("event", str(UUID(event_id))), make)


async def _whole(now: Databases, item: Item) -> Item:
    event_id, reviews = str(item["event_id"]), await now.rows.fetch(_REVIEWS, event_id=item["event_id"])
    names = ReviewItem.model_fields
    return {
        **item,
        "picture_url": f"/api/v1/events/{event_id}/picture" if item["snapshot_key"] else None,
        "archive": await _place(now, item),
        "reviews": [dict(zip(names, (*said, moment_text(at)), strict=True)) for *said, at in reviews],
    }


async def _place(now: Databases, item: Item) -> Item:
    at = moment_of(str(item["started_at"]).removesuffix("Z"))
    found = await now.rows.fetch(_PLACE, camera=item["camera_id"], at=at)
    place: Item = {"state": "awaited", "segment_id": None, "url": None, "offset_s": None}
    if not found:
        return place
    segment_id, key, started_at, ended_at, closed, expired = found[0]
    if closed is None:
        return {**place, "state": "missed"}
    if moment_of(ended_at) <= at:
        return place
    if expired is not None:
        return {**place, "state": "expired", "segment_id": segment_id}
    url = f"/api/live-monitoring/hls/{item['camera_id']}/{str(key).rpartition('/')[2]}"
    offset = round((at - moment_of(started_at)).total_seconds(), 3)
    return {"state": "kept", "segment_id": segment_id, "url": url, "offset_s": offset}


@router.head(f"{PATH}/picture", include_in_schema=False)
@router.get(
    f"{PATH}/picture",
    summary="The picture that was judged",
    response_class=Response,
    responses={200: {"content": {"image/jpeg": {}}, "description": "The picture"}},
)
async def get_event_picture(site: SiteNow, who: Asker, event_id: EventId) -> Response:
    """404 when none was kept."""
    item = await _found(site, who, event_id)
    seen(site, who, str(item["camera_id"]))
    jpeg = await to_thread.run_sync(_picture, site, str(item["camera_id"]), str(item["event_id"]))
    return Response(jpeg, headers={"Cache-Control": "private, max-age=31536000, immutable"}, media_type="image/jpeg")


def _picture(site: Site, camera_id: str, event_id: str) -> bytes:
    """The name follows from the event, never from what a fact says a file is called."""
    if site.store is None or not is_camera_id(camera_id):
        raise unavailable("no-media", "The pictures cannot be reached now.", retry_after=5)
    try:
        return site.store.read(f"{camera_id}/events", f"{event_id}.jpg")
    except (NotThere, BadKey) as problem:
        raise not_found() from problem
    except (NotMounted, OSError) as problem:
        raise unavailable("no-media", "The pictures cannot be reached now.", retry_after=5) from problem


@router.post(
    f"{PATH}/review",
    status_code=202,
    summary="Judge an event",
    response_model=OneEvent,
    dependencies=[Depends(Needs("teacher"))],
)
async def review_event(
    site: SiteNow, who: Asker, event_id: EventId, review: Review, idempotency_key: Key = None
) -> Response:
    """Recorded as `event.reviewed`; the newest judgement stands in the event."""
    found = await _found(site, who, event_id)
    try:
        fact = await record_review(
            site, Judged(found, review.verdict, who.user, review.note, idempotency_key or str(uuid4()))
        )
    except KeyUsed as problem:
        detail = "header.idempotency-key: another judgement was sent with it; take a new one"
        raise Problem(422, detail, "key-used") from problem
    except Unwritten as problem:
        detail = "The bus does not answer, so the judgement may not be recorded: send it with the same Idempotency-Key."
        raise unavailable("bus-away", detail, retry_after=2) from problem
    try:
        await _until_shown(site, fact.id)
        body = await _whole(opened(site), await _found(site, who, event_id))
    except Away as problem:
        raise away() from problem
    return Response(orjson.dumps(body), 202, media_type="application/json")


async def _until_shown(site: Site, review_id: str) -> None:
    """Whoever judged sees it in the answer; after a second it is recorded all the same."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(SHOWN_WITHIN):
            version = site.records.version
            while not await opened(site).rows.fetch(_REVIEW, review_id=review_id):
                await site.records.moved(version)
                version = site.records.version
