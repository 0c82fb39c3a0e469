"""The REST API for a camera's queue of files: list, upload, take out, put in order."""

import asyncio
import contextlib
from typing import Annotated
from uuid import uuid4

from anyio import to_thread
from fastapi import APIRouter, Depends, Header, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import ClientDisconnect

from libs.contracts.facts import CameraConfig
from libs.media import Incoming, MediaStore
from services.query.commands import Unregistered, record_change
from services.query.domain import Known, Planned
from services.query.registration import asked_before
from services.query.rest.asked import PROBLEMS, Key, Needs, Registered, SiteNow, cameras_read, no_query
from services.query.rest.gate_rules import MAX_ORDER, UNLIMITED
from services.query.rest.problems import Problem, ProblemBody, not_found, unavailable
from services.query.rest.queues import (
    NameTaken,
    NoSuchFile,
    QueueFull,
    added,
    files_of,
    find,
    ordered,
    removed,
    upload_name,
)
from services.query.rest.uploads import (
    Film,
    NoSpace,
    TooLarge,
    folder_of,
    forget,
    forget_note,
    probe,
    recall,
    receive,
    remember,
    room_for,
)
from services.query.rest.video_answers import UploadedItem, VideoList, uploaded_item, video_list
from services.query.rest.video_refusals import refusals
from services.query.site import Site

PATH = "/api/v1/cameras/{camera_id}/videos"
DRAINED = 1 << 20
"""So much of a refused body is read all the same, so that the sender hears why instead of a reset connection."""
_CHANGE_PROBLEMS = {409: "Not with this queue", 412: "Not the revision that is named"}
_UPLOAD_PROBLEMS = {408: "Too slow", 413: "Too large", 415: "No video by its name or type", 507: "Not enough space"}
router = APIRouter(dependencies=[Depends(cameras_read), Depends(Needs("director"))], responses=PROBLEMS)


def _problems(what: dict[int, str]) -> dict[int | str, dict[str, object]]:
    return {status: {"model": ProblemBody, "description": text} for status, text in what.items()}


class Named(BaseModel):
    """Under which name the file is to be kept."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1, max_length=400, description="such as 소풍.mp4")


class Order(BaseModel):
    """Every file of the queue once more, in the wished order."""

    model_config = ConfigDict(extra="forbid", strict=True)

    files: list[str] = Field(max_length=5000)
    loop: bool = Field(default=True, description="begin again after the last file")


IfMatch = Annotated[str | None, Header(description="the ETag of the list that was seen")]


@router.head(PATH, include_in_schema=False, dependencies=[Depends(no_query)])
@router.get(PATH, summary="The files of a camera's queue", dependencies=[Depends(no_query)])
async def list_videos(camera: Registered, site: SiteNow, response: Response) -> VideoList:
    """The queue in its order, with what is known of each file."""
    return await _list(site, camera[0].camera.id, response)


@router.post(
    PATH,
    status_code=201,
    summary="Add a video",
    responses=_problems({**_CHANGE_PROBLEMS, **_UPLOAD_PROBLEMS}),
    max_body_size=UNLIMITED,
    openapi_extra={"requestBody": {"required": True, "content": {"video/*": {}, "application/octet-stream": {}}}},
)
async def upload_video(
    camera: Registered,
    site: SiteNow,
    request: Request,
    named: Annotated[Named, Query()],
    idempotency_key: Key = None,
    if_match: IfMatch = None,
) -> UploadedItem:
    """The body is the file. It is decoded once, small, before it is accepted; then it goes to the end of the queue."""
    known, config = camera
    camera_id, kind = known.camera.id, config.source.kind
    try:
        with refusals(named.name):
            name = upload_name(named.name)
            wanted = f"{camera_id}|video|{name}|{idempotency_key or uuid4()}"
            if not asked_before(known, wanted):
                _check_type(request)
                _check_revision(known, if_match)
                added(known, config, name, wanted)  # what is against it already need not be sent first
                await _take_in(site, camera_id, config.profile.fps, request, name, wanted)
    except Problem:
        await _drain(request)
        raise
    return await uploaded_item(site, camera_id, name, None if kind == "files" else kind)


@router.delete(
    PATH + "/{name}",
    status_code=204,
    summary="Take a video out",
    responses=_problems(_CHANGE_PROBLEMS),
    dependencies=[Depends(no_query)],
)
async def remove_video(
    camera: Registered, site: SiteNow, name: str, idempotency_key: Key = None, if_match: IfMatch = None
) -> Response:
    """Out of the queue. An upload is deleted; a person's own file stays where it is."""
    camera_id, stands = camera[0].camera.id, find(files_of(camera[1]), name)
    wanted = f"{camera_id}|no video|{name}|{idempotency_key or uuid4()}"

    def decide(known: Known, config: CameraConfig) -> Planned | None:
        if asked_before(known, wanted):
            return None
        _check_revision(known, if_match)
        return removed(known, config, name, wanted)

    with refusals(name), site.uploads.hold(camera_id, stands or name):
        try:
            await record_change(site, camera_id, decide)
        except NoSuchFile as problem:
            raise not_found() from problem
        config = site.view.camera(camera_id).camera.config
        if stands is not None and site.store is not None and config and find(files_of(config), name) is None:
            await to_thread.run_sync(forget, site.store, camera_id, stands)
    return Response(status_code=204, headers={"ETag": _etag(site, camera_id)})


@router.put(
    PATH,
    summary="Put the videos in order",
    responses=_problems(_CHANGE_PROBLEMS),
    dependencies=[Depends(no_query)],
    max_body_size=MAX_ORDER,
)
async def order_videos(
    camera: Registered,
    site: SiteNow,
    order: Order,
    response: Response,
    idempotency_key: Key = None,
    if_match: IfMatch = None,
) -> VideoList:
    """The same files in another order, and whether they begin again; it counts from the end of the file that plays."""
    camera_id = camera[0].camera.id
    wanted = f"{camera_id}|order|{idempotency_key or uuid4()}"

    def decide(known: Known, config: CameraConfig) -> Planned | None:
        if asked_before(known, wanted):
            return None
        _check_revision(known, if_match)
        if config.source.kind != "files":
            raise Problem(409, "The camera plays no files.", "no-queue")
        return ordered(known, config, order.files, order.loop, wanted)

    with refusals(""):
        await record_change(site, camera_id, decide)
    return await _list(site, camera_id, response)


async def _take_in(site: Site, camera_id: str, fps: int, send: Request, name: str, wanted: str) -> None:
    """Receive, probe, keep and tell the file; nothing of it stays if one of that fails."""
    store, most, reserve = _store(site), site.settings.upload_max_bytes, site.settings.upload_reserve_bytes
    length = int(send.headers.get("content-length", "0"))
    if length > most:
        raise TooLarge
    if not room_for(store, length, reserve):
        raise NoSpace
    with site.uploads.place(camera_id, name) as part, store.incoming(folder_of(camera_id), part) as file:
        await receive(send.stream(), file, store, most, reserve)
        async with site.uploads.probing:
            film = await probe(file.path, fps)
        await to_thread.run_sync(_keep, store, camera_id, name, file, film)
        await _enqueue(site, camera_id, name, wanted)


async def _enqueue(site: Site, camera_id: str, name: str, wanted: str) -> None:
    """Tell it. What cannot be told is deleted, unless it may have been told: then the next try makes it good."""
    try:
        await record_change(site, camera_id, lambda known, config: added(known, config, name, wanted))
    except (NameTaken, QueueFull, Unregistered):
        await to_thread.run_sync(forget, _store(site), camera_id, name)
        raise


def _keep(store: MediaStore, camera_id: str, name: str, file: Incoming, film: Film) -> None:
    """What is known of the file is kept first: so an upload that a death left without a queue is known by its note."""
    if recall(store, camera_id, name) is not None:
        forget(store, camera_id, name)
    remember(store, camera_id, name, film)
    if file.keep(name) == "stands":
        forget_note(store, camera_id, name)
        raise NameTaken


def _check_type(request: Request) -> None:
    kind = request.headers.get("content-type", "application/octet-stream").partition(";")[0].strip().lower()
    if kind != "application/octet-stream" and not kind.startswith("video/"):
        raise Problem(415, "Send the file itself, as video/mp4 (or its like) or application/octet-stream.", "no-video")
    if request.headers.get("content-encoding", "identity") != "identity":
        raise Problem(415, "Send the file itself, without a content encoding.", "no-video")


def _check_revision(known: Known, if_match: str | None) -> None:
    if if_match is not None and if_match.strip() not in ("*", f'"{known.camera.revision}"'):
        raise Problem(412, "The camera was changed meanwhile: read it again.", "other-revision")


async def _drain(request: Request) -> None:
    left = DRAINED
    with contextlib.suppress(ClientDisconnect, TimeoutError, RuntimeError):  # it may have left, or be read to its end
        async with asyncio.timeout(1):
            async for chunk in request.stream():
                left -= len(chunk)
                if left <= 0:
                    return


def _store(site: Site) -> MediaStore:
    if site.store is None or site.media_problem:
        raise unavailable("no-media", "The media store cannot be reached now.", retry_after=5)
    return site.store


def _etag(site: Site, camera_id: str) -> str:
    return f'"{site.view.camera(camera_id).camera.revision}"'


async def _list(site: Site, camera_id: str, response: Response) -> VideoList:
    config = site.view.camera(camera_id).camera.config
    if config is None:
        raise not_found()
    response.headers.update({"ETag": _etag(site, camera_id), "Cache-Control": "no-store"})
    return await video_list(site, camera_id, config)
