"""The page and its files: an explicit list of names, read once at the start."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, cast

from fastapi import APIRouter, Header, Request, Response

from libs.observe import get_log
from services.query.rest.problems import not_found
from services.query.rest.ranges import names

WEB = Path(__file__).parents[1] / "web"
INDEX = "index.html"
FILES = {
    INDEX: (INDEX, "text/html; charset=utf-8"),
    "app.js": ("app.js", "text/javascript; charset=utf-8"),
    "session.js": ("session.js", "text/javascript; charset=utf-8"),
    "screen.js": ("screen.js", "text/javascript; charset=utf-8"),
    "player.js": ("player.js", "text/javascript; charset=utf-8"),
    "texts.js": ("texts.js", "text/javascript; charset=utf-8"),
    "style.css": ("style.css", "text/css; charset=utf-8"),
    "player.css": ("player.css", "text/css; charset=utf-8"),
    "hls.js": ("node_modules/hls.js/dist/hls.light.min.js", "text/javascript; charset=utf-8"),
}
log = get_log()
router = APIRouter(include_in_schema=False)


@dataclass(frozen=True, slots=True)
class Asset:
    """A file of the page."""

    body: bytes
    etag: str
    media_type: str


def read_page(files: Mapping[str, tuple[str, str]] = FILES) -> dict[str, Asset]:
    """Everything that stands on the list and on disk."""
    page: dict[str, Asset] = {}
    for name, (path, media_type) in files.items():
        try:
            body = (WEB / path).read_bytes()
        except OSError:
            log.error("page_file_missing", file=path)
            continue
        page[name] = Asset(body, f'"{hashlib.sha256(body).hexdigest()[:32]}"', media_type)
    return page


@router.head("/")
@router.get("/")
async def get_page(request: Request, if_none_match: Annotated[str | None, Header()] = None) -> Response:
    """The page."""
    return _answer(request, INDEX, if_none_match)


@router.head("/assets/{name}")
@router.get("/assets/{name}")
async def get_asset(request: Request, name: str, if_none_match: Annotated[str | None, Header()] = None) -> Response:
    """A file of the page."""
    return _answer(request, name, if_none_match)


@router.head("/favicon.ico")
@router.get("/favicon.ico")
async def get_favicon() -> Response:
    """The page carries its own icon; browsers that open a recording directly still ask for this one."""
    return Response(status_code=204)


def _answer(request: Request, name: str, if_none_match: str | None) -> Response:
    return asset_answer(cast(dict[str, Asset], request.app.state.page).get(name), if_none_match)


def asset_answer(asset: Asset | None, if_none_match: str | None) -> Response:
    """The file, that it is unchanged, or that there is none."""
    if asset is None:
        raise not_found()
    headers = {"ETag": asset.etag, "Cache-Control": "no-cache"}
    if if_none_match is not None and names(if_none_match, asset.etag):
        return Response(status_code=304, headers=headers)
    return Response(asset.body, headers=headers, media_type=asset.media_type)
