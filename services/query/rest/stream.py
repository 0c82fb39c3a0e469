"""What happens, as it happens: server-sent events of everything that one may see.

FastAPI's format of a message is used (`live.texts`). Its response is not: it keeps two tasks, two
queues and a generator for each client (32 KB measured), and writes every message anew for each.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Header, Query, Request, Response
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from starlette.datastructures import Headers
from starlette.types import Receive, Scope, Send

from libs.clock import real, wall_ms
from libs.contracts.assessments import Severity
from services.query.live.client import Asked, Client
from services.query.live.hub import Hub
from services.query.people.rights import ANYONE, Principal
from services.query.rest.admission import shown
from services.query.rest.asked import PROBLEMS, Asker, SiteNow, cameras_read, registered
from services.query.rest.connection import cutter, last
from services.query.site import Site

WRITE = 30.0
"""Seconds in which a client must take something of what waits for it."""
Kind = Literal["event", "camera", "segment", "analysis", "look", "report"]
HEADERS = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
EXAMPLE = """retry: 1500
: Dolbom

id: 1f0c9a3e.4711.12
event: hello
data: {"id":"1f0c9a3e.4711.12"}

id: 1f0c9a3e.4712.12
event: event
data: {"event_id":"0f0a2f64-7a0c-5d0e-9c5e-4f7f0c1f6a11","camera_id":"sun","severity":"danger"}

: ping
id: 1f0c9a3e.4712.12

"""
router = APIRouter(responses=PROBLEMS)


def _words(given: object) -> object:
    """`a,b` and a key that is repeated say the same."""
    return [word for one in given for word in str(one).split(",")] if isinstance(given, list) else given


class Watched(BaseModel):
    """What is watched; each key may be repeated, and several words may stand in one, with commas."""

    model_config = ConfigDict(extra="forbid")

    camera: Annotated[list[str], BeforeValidator(_words)] = Field(
        default=[], max_length=200, description="only these cameras"
    )
    kind: Annotated[list[Kind], BeforeValidator(_words)] = Field(
        default=[], max_length=20, description="only these resources"
    )
    severity: Annotated[list[Severity], BeforeValidator(_words)] = Field(
        default=[],
        max_length=10,
        description="of events only these; other resources have none and are told all the same",
    )

    def asked(self) -> Asked:
        """The same, where nothing named means all."""
        return Asked(*(frozenset[str](named) or None for named in (self.camera, self.kind, self.severity)))


class LiveStream(Response):
    """Sends what its client is to be told until one of them goes. Nothing is kept for it but its place in the ring."""

    media_type = "text/event-stream"

    def __init__(self, site: Site, client: Client, last_id: str | None) -> None:
        super().__init__(headers=HEADERS)
        del self.headers["content-length"]
        self._talk = _Talk(site.hub, client, last_id)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the head; the rest lasts until the client goes, or the service does."""
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        self._talk.cut = cutter(scope)
        await last(scope, receive, send, self._talk.go)


class _Talk:
    """What is kept of an open stream."""

    __slots__ = ("_client", "_hub", "_last_id", "_waiter", "cut")

    def __init__(self, hub: Hub, client: Client, last_id: str | None) -> None:
        self._hub, self._client, self._last_id = hub, client, last_id
        self._waiter: asyncio.Future[None] | None = None
        self.cut: Callable[[], None]

    async def go(self, receive: Receive, send: Send) -> None:
        """Until one of both sides ends it."""
        gone = asyncio.get_running_loop().create_task(_until_gone(receive))
        gone.add_done_callback(self._rouse)
        try:
            await self._tell(send, gone)
        except TimeoutError:
            self.cut()
            await gone
        finally:
            gone.remove_done_callback(self._rouse)
            gone.cancel()
            with suppress(asyncio.CancelledError):
                await gone

    async def _tell(self, send: Send, gone: "asyncio.Task[None]") -> None:
        client = self._client
        text = client.begin(self._last_id, real())
        while not (gone.done() or self._hub.closed or client.over):
            if text:
                await _say(send, text)
            else:
                await self._sleep(client.due)
            text = client.next(real())
        await _say(send, b"", more=False)

    async def _sleep(self, until: float) -> None:
        self._waiter = self._hub.sleeper()
        timer = asyncio.get_running_loop().call_later(max(0.0, until - real()), self._rouse)
        try:
            await self._waiter
        finally:
            timer.cancel()
            self._hub.forget(self._waiter)

    def _rouse(self, _: object = None) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


async def _say(send: Send, text: bytes, *, more: bool = True) -> None:
    """Raises TimeoutError when the other side takes nothing."""
    async with asyncio.timeout(WRITE):
        await send({"type": "http.response.body", "body": text, "more_body": more})


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def renewal(site: Site, request: Request, who: Principal) -> Callable[[], Principal | None]:
    """Who asks as they are now: None when they signed out, or lost their account, session or token."""
    if who == ANYONE:
        return lambda: who if site.directory.standing == "open" else None
    secret = shown(Headers(scope=request.scope))

    def again() -> Principal | None:
        if secret is None or site.directory.standing != "users":
            return None
        return site.directory.holder(secret, datetime.fromtimestamp(wall_ms() / 1000, UTC))

    return again


@router.head("/api/v1/stream", include_in_schema=False)
@router.get(
    "/api/v1/stream",
    summary="What happens, as it happens",
    response_class=Response,
    responses={
        200: {"content": {"text/event-stream": {"example": EXAMPLE}}, "description": "Until one of both ends it"}
    },
)
async def stream(
    request: Request,
    site: SiteNow,
    who: Asker,
    watched: Annotated[Watched, Query()],
    last_event_id: Annotated[str | None, Header(description="`id` of the last message that is had already")] = None,
) -> Response:
    """Server-sent events: `event` names the resource, `data` is the resource as REST gives it, as it stands then.

    A `camera` comes without `picture` and `hls`. What is there no more is told by its keys and `"removed": true`.
    Who comes back with the id of the last message misses nothing; where that cannot be, the first message is `reset`:
    read everything again. `state` says since when what is told is not the present, and why. Who has no id gets one in
    `hello`.
    """
    if watched.camera:
        await cameras_read(site)
    for camera in watched.camera:
        await registered(camera, site, who)
    if request.method == "HEAD":
        return Response(headers=HEADERS, media_type=LiveStream.media_type)
    return LiveStream(site, Client(site.hub, watched.asked(), who, renewal(site, request, who)), last_event_id)
