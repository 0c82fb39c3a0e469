"""The reads that are asked for most, without the framework in between: the events, a day's analyses, its numbers.

Only what is right is answered here: whatever is not (a filter that does not exist, a camera of others, a database that
is away) goes on to the framework, whose routes of the same paths document them and say what is wrong.
"""

from collections.abc import Awaitable, Callable
from urllib.parse import parse_qsl

from pydantic import ValidationError
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from libs.contracts.facts import CameraConfig
from libs.contracts.streams import CAMERAS
from services.query.people.rights import Principal
from services.query.rest.analyses import analyses_page
from services.query.rest.asked import PRINCIPAL
from services.query.rest.events import OfCamera, OfSite, events_page, events_page_of
from services.query.rest.lists import CACHE
from services.query.rest.pages import Page
from services.query.rest.problems import Problem
from services.query.rest.ranges import names
from services.query.rest.spans import InTimePaged, OnDay
from services.query.rest.stats import stats_page
from services.query.site import Site

Query = dict[str, str]
EVENTS, OF_CAMERA = "/api/v1/events", "/api/live-monitoring/"


async def _events(site: Site, camera_id: str, _: CameraConfig, query: Query) -> Page:
    return await events_page_of(site, camera_id, OfCamera.model_validate(query))


async def _analyses(site: Site, camera_id: str, config: CameraConfig, query: Query) -> Page:
    return await analyses_page(site, camera_id, config, InTimePaged.model_validate(query))


async def _stats(site: Site, camera_id: str, config: CameraConfig, query: Query) -> Page:
    return await stats_page(site, camera_id, config, OnDay.model_validate(query))


_READS: dict[str, Callable[[Site, str, CameraConfig, Query], Awaitable[Page]]] = {
    "events": _events,
    "segment-analyses": _analyses,
    "stats": _stats,
}


class NotHere(Exception):
    """The framework answers."""


class Hot:
    """Stands behind the gate and before the framework."""

    def __init__(self, app: ASGIApp, site: Site) -> None:
        self._app, self._site = app, site

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            page = await self._page(scope)
        except (NotHere, ValidationError, Problem):
            await self._app(scope, receive, send)
            return
        known = Headers(scope=scope).get("if-none-match")
        same = known is not None and names(known, page.etag)
        headers = [(b"etag", page.etag.encode()), (b"cache-control", CACHE.encode())]
        if not same:
            headers += [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(page.body))]
        await send({"type": "http.response.start", "status": 304 if same else 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if same else page.body})

    async def _page(self, scope: Scope) -> Page:
        """What a path of these shows. Raises NotHere for every other, and what else stands against it."""
        path = scope["path"]
        if scope["type"] != "http" or scope["method"] != "GET" or PRINCIPAL not in scope:
            raise NotHere
        if path == EVENTS:
            asked = OfSite.model_validate(_query(scope))
            if asked.camera is not None:
                self._config(asked.camera, scope[PRINCIPAL])
            return await events_page(self._site, scope[PRINCIPAL], asked)
        if not path.startswith(OF_CAMERA):
            raise NotHere
        kind, _, camera_id = path.removeprefix(OF_CAMERA).partition("/")
        query = _query(scope)
        if kind == "events" and camera_id.endswith("/latest") and not query:
            camera_id = camera_id.removesuffix("/latest")
        if kind not in _READS:
            raise NotHere
        return await _READS[kind](self._site, camera_id, self._config(camera_id, scope[PRINCIPAL]), query)

    def _config(self, camera_id: str, who: Principal) -> CameraConfig:
        """A registered camera that one may see. Raises NotHere."""
        known = self._site.view.cameras.get(camera_id)
        if CAMERAS.name not in self._site.view.read or known is None or not who.sees(camera_id):
            raise NotHere
        if known.camera.config is None:
            raise NotHere
        return known.camera.config


def _query(scope: Scope) -> Query:
    """The query keys. Raises NotHere when one is there twice, or is no text."""
    if not scope["query_string"]:
        return {}
    try:
        pairs = parse_qsl(
            scope["query_string"].decode("ascii"), keep_blank_values=True, strict_parsing=True, errors="strict"
        )
    except ValueError as problem:
        raise NotHere from problem
    query = dict(pairs)
    if len(query) < len(pairs):
        raise NotHere
    return query
