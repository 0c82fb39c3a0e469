"""The document of the API, and a page that shows it; all its files come from here."""

import hashlib
from typing import Annotated, cast

import orjson
from anyio import to_thread
from fastapi import APIRouter, Depends, Header, Request, Response

from services.query.rest.asked import PROBLEMS, Asker, no_query
from services.query.rest.lists import json_answer
from services.query.rest.page import Asset, asset_answer
from services.query.rest.pages import Page

_SWAGGER = "node_modules/swagger-ui-dist"
_SCRIPT, _STYLE = "text/javascript; charset=utf-8", "text/css; charset=utf-8"
FILES = {
    "": ("docs.html", "text/html; charset=utf-8"),
    "docs.js": ("docs.js", _SCRIPT),
    "docs.css": ("docs.css", _STYLE),
    "swagger-ui-bundle.js": (f"{_SWAGGER}/swagger-ui-bundle.js", _SCRIPT),
    "swagger-ui.css": (f"{_SWAGGER}/swagger-ui.css", _STYLE),
}
"""What `/docs` and `/docs/{name}` are."""
router = APIRouter(dependencies=[Depends(no_query)], responses=PROBLEMS)


@router.head("/api/v1/openapi.json", include_in_schema=False)
@router.get(
    "/api/v1/openapi.json",
    summary="This document",
    response_class=Response,
    responses={200: {"content": {"application/json": {"schema": {"type": "object"}}}}},
)
async def get_document(request: Request, _: Asker) -> Response:
    """OpenAPI 3.1; `/docs` shows it to people."""
    body = orjson.dumps(await to_thread.run_sync(request.app.openapi))
    return json_answer(request, Page(0, body, f'"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'))


@router.head("/docs", include_in_schema=False)
@router.get("/docs", include_in_schema=False)
async def get_docs(request: Request, _: Asker, if_none_match: Annotated[str | None, Header()] = None) -> Response:
    """The page that shows the document."""
    return _file(request, "", if_none_match)


@router.head("/docs/{name}", include_in_schema=False)
@router.get("/docs/{name}", include_in_schema=False)
async def get_docs_file(
    request: Request, _: Asker, name: str, if_none_match: Annotated[str | None, Header()] = None
) -> Response:
    """A file of that page."""
    return _file(request, name, if_none_match)


def _file(request: Request, name: str, if_none_match: str | None) -> Response:
    return asset_answer(cast(dict[str, Asset], request.app.state.docs).get(name), if_none_match)
