"""Serves playlists, segments and archives of the media store, without ever leaving it.

Names are checked by grammar and the store opens every step of a path without following links; what has no
proper name, is not there or belongs to nobody is one and the same 404.
"""

from collections.abc import AsyncIterator
from typing import Annotated

import anyio
from anyio import to_thread
from fastapi import APIRouter, Depends, Header, Response
from starlette.types import Receive, Scope, Send

from libs.media import BadKey, MediaFile, NotMounted, NotThere, served_folder
from services.query.rest.asked import PROBLEMS, Asker, Registered, SiteNow, cameras_read, no_query, seen
from services.query.rest.problems import Problem, ProblemBody, not_found, unavailable
from services.query.rest.ranges import Asked, Due, due
from services.query.site import Site

CHUNK = 256 * 1024
MAX_PLAYLIST = 1 << 20
FOR_EVER = "private, max-age=31536000, immutable"
MEDIA_TYPES = {"m3u8": "application/vnd.apple.mpegurl", "ts": "video/mp2t", "mp4": "video/mp4"}
PARTED = ("video/mp2t", "video/mp4")

router = APIRouter(dependencies=[Depends(no_query), Depends(cameras_read)], responses=PROBLEMS)


class MediaAnswer(Response):
    """Streams an open file off the event loop, and closes it however the answer ends."""

    def __init__(self, file: MediaFile, part: Due, headers: dict[str, str], media_type: str) -> None:
        super().__init__(None, part.status, headers, media_type)
        self.headers["Content-Length"] = str(part.length)
        self._file, self._part = file, part

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(_until_gone, receive, tasks.cancel_scope)
                await self._send(scope, send)
                tasks.cancel_scope.cancel()
        finally:
            self._file.stream.close()

    async def _send(self, scope: Scope, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        if scope["method"] != "HEAD":
            async for chunk in self._chunks():
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    async def _chunks(self) -> AsyncIterator[bytes]:
        stream, left = self._file.stream, self._part.length
        await to_thread.run_sync(stream.seek, self._part.first)
        while left > 0:
            chunk = await to_thread.run_sync(stream.read, min(CHUNK, left))
            if not chunk:
                raise OSError("a closed media file became shorter")
            left -= len(chunk)
            yield chunk


async def _until_gone(receive: Receive, scope: anyio.CancelScope) -> None:
    """A viewer who left must not keep the disk busy."""
    while (await receive())["type"] != "http.disconnect":
        pass
    scope.cancel()


async def asked_part(
    range_: Annotated[str | None, Header(alias="Range")] = None,
    if_range: Annotated[str | None, Header()] = None,
    if_none_match: Annotated[str | None, Header()] = None,
) -> Asked:
    """What the headers ask for."""
    return Asked(range_, if_range, if_none_match)


@router.head("/api/live-monitoring/hls/{camera_id}/{filename}", include_in_schema=False)
@router.get(
    "/api/live-monitoring/hls/{camera_id}/{filename}",
    summary="Playlists, segments and archives",
    response_class=Response,
    responses={
        200: {"content": {kind: {} for kind in MEDIA_TYPES.values()}, "description": "The whole file"},
        206: {"content": {kind: {} for kind in PARTED}, "description": "A part of a segment or an archive"},
        416: {"model": ProblemBody, "description": "No such bytes"},
    },
)
async def get_hls_file(
    filename: str,
    camera: Registered,
    site: SiteNow,
    who: Asker,
    asked: Annotated[Asked, Depends(asked_part)],
) -> Response:
    """Closed media never change and may be kept for ever; a playlist is asked for again each time."""
    camera_id = camera[0].camera.id
    file = await to_thread.run_sync(_open, site, camera_id, filename)
    seen(site, who, camera_id)
    if filename.endswith(".mp4"):
        site.audit.exported(who.user, camera_id, filename)
    media_type = MEDIA_TYPES[filename.rsplit(".", 1)[-1]]
    etag = f'"{file.modified_ns:x}-{file.size:x}"'
    if filename.endswith(".m3u8"):
        headers = {"ETag": etag, "Cache-Control": "no-cache"}
        part = due(Asked(if_none_match=asked.if_none_match), etag, file.size)
    else:
        headers = {"ETag": etag, "Cache-Control": FOR_EVER, "Accept-Ranges": "bytes"}
        part = due(asked, etag, file.size)
    if part.status in (200, 206):
        if part.status == 206:
            headers["Content-Range"] = f"bytes {part.first}-{part.first + part.length - 1}/{file.size}"
        return MediaAnswer(file, part, headers, media_type)
    file.stream.close()
    if part.status == 416:
        raise Problem(416, "The file has no such bytes.", headers={"Content-Range": f"bytes */{file.size}"})
    return Response(status_code=304, headers=headers)


def _open(site: Site, camera_id: str, filename: str) -> MediaFile:
    folder = served_folder(camera_id, filename)
    if folder is None:
        raise not_found()
    if site.store is None:
        raise unavailable("no-media", "The recordings cannot be reached now.", retry_after=5)
    try:
        return site.store.open_file(f"{camera_id}/{folder}", filename)
    except (NotThere, BadKey) as problem:
        raise not_found() from problem
    except (NotMounted, OSError) as problem:
        raise unavailable("no-media", "The recordings cannot be reached now.", retry_after=5) from problem
