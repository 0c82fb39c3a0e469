"""Lists a page at a time: cursors that name the last row of the page before, and answers with an ETag."""

import base64
import hashlib
import re
from collections.abc import Awaitable, Callable, Hashable
from datetime import UTC, datetime
from typing import Annotated

import orjson
from fastapi import Request, Response
from pydantic import AfterValidator, AwareDatetime, Field

from services.query.records.keeping import Databases
from services.query.records.rows import Away
from services.query.rest.pages import Page
from services.query.rest.problems import Problem, unavailable
from services.query.rest.ranges import names
from services.query.site import Site

CACHE = "private, no-cache"
"""A browser may keep the page, and asks each time whether it still holds."""
_CURSOR = re.compile(r"(?P<at>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6})\|(?P<key>[A-Za-z0-9._:-]{1,64})", re.ASCII)


def cursor_of(at: object, key: object) -> str:
    """Names a row by its moment, as the database gives it, and its key among rows of the same moment."""
    moment = at if isinstance(at, datetime) else datetime.fromisoformat(str(at))
    text = f"{moment.isoformat(timespec='microseconds')}|{key}"
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def read_cursor(text: str) -> dict[str, object]:
    """The values `at` and `key` of the cursor that an answer gave as `next`. Raises ValueError."""
    try:
        padded = text + "=" * (-len(text) % 4)
        match = _CURSOR.fullmatch(base64.b64decode(padded, altchars=b"-_", validate=True).decode("ascii"))
        if match is not None:
            return {"at": datetime.fromisoformat(match["at"]).replace(tzinfo=UTC), "key": match["key"]}
    except ValueError:
        pass
    raise ValueError("is no cursor: take `next` of the page before, or leave it out")


def _cursor(text: str | None) -> str | None:
    if text is not None:
        read_cursor(text)
    return text


def _year(at: AwareDatetime | None) -> AwareDatetime | None:
    """What lies outside of these years no database keeps alike."""
    if at is not None and not 1970 < at.year < 9000:
        raise ValueError("is no time that a camera can have seen")
    return at


CursorText = Annotated[
    str | None, AfterValidator(_cursor), Field(max_length=200, description="`next` of the page before")
]
Since = Annotated[AwareDatetime | None, AfterValidator(_year), Field(alias="from", description="RFC 3339 with a zone")]
Until = Annotated[AwareDatetime | None, AfterValidator(_year), Field(alias="to", description="RFC 3339 with a zone")]


def opened(site: Site) -> Databases:
    """The databases. Raises the problem that they are not there."""
    now = site.records.now
    if now is None:
        raise away()
    return now


def away() -> Problem:
    """The database does not answer: worth trying again; live video is not concerned."""
    return unavailable("database-away", "The database does not answer now; live video goes on.", retry_after=2)


Make = Callable[[Databases], Awaitable[object]]
"""Reads what a body shows; may raise Away."""


async def page_of(site: Site, key: Hashable | None, make: Make) -> Page:
    """The page with what `make` reads; without asking the database while the views say the same as before.

    `key` names all that the body depends on beside the views: route, filters, and what the asker may see; None when it
    shows more than views. Raises the problem that the database is away.
    """
    # The version is read first: a page that was made while the views changed is never taken for a newer one.
    version = site.records.version
    page = None if site.records.problem or key is None else site.pages.get(key, version)
    if page is None:
        try:
            body = orjson.dumps(await make(opened(site)))
        except Away as problem:
            raise away() from problem
        page = Page(version, body, f'"{hashlib.blake2b(body, digest_size=12).hexdigest()}"')
        if key is not None:
            site.pages.put(key, page)
    return page


async def answer_page(site: Site, request: Request, key: Hashable | None, make: Make) -> Response:
    """The answer with such a page."""
    return json_answer(request, await page_of(site, key, make))


def json_answer(request: Request, page: Page) -> Response:
    """200 with the body, or 304 when the asker has it already."""
    headers = {"ETag": page.etag, "Cache-Control": CACHE}
    known = request.headers.get("if-none-match")
    if known is not None and names(known, page.etag):
        return Response(status_code=304, headers=headers)
    return Response(page.body, headers=headers, media_type="application/json")
