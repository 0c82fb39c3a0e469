"""Every error as an RFC 9457 problem: one clear sentence, never a path of the server or a secret."""

import math
from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import cast
from urllib.parse import quote

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.routing import BaseRoute, Route

MEDIA_TYPE = "application/problem+json"
HIDDEN = "dolbom.hidden"
"""Where the scope of a request says that it was for somebody else's camera, and which."""
_MAX_INSTANCE = 1000
_SENTENCES = {
    404: "There is nothing at this address.",
    405: "This address does not take this method.",
    413: "The body is too large.",
    500: "Something went wrong here; the log says what.",
}


class ProblemBody(BaseModel):
    """What an error looks like (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    instance: str


class Problem(Exception):
    """An error to answer with. `kind` names it for programs; without one the status says it all."""

    def __init__(
        self,
        status: int,
        detail: str = "",
        kind: str = "",
        *,
        headers: Mapping[str, str] | None = None,
        extra: Mapping[str, str | None] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status, self.detail, self.kind = status, detail or _SENTENCES[status], kind
        self.headers, self.extra = dict(headers or {}), dict(extra or {})


class NotTheirs(Problem):
    """Somebody else's camera: the answer is that of one that is not there, and it is written down."""

    def __init__(self, camera_id: str) -> None:
        super().__init__(404)
        self.camera_id = camera_id


def not_found() -> Problem:
    """The same for what is not there, what is hidden, and what has no proper name."""
    return Problem(404)


def unavailable(kind: str, detail: str, retry_after: int = 1, **extra: str | None) -> Problem:
    """Not now: worth trying again after some seconds."""
    return Problem(503, detail, kind, headers={"Retry-After": str(retry_after)}, extra=extra)


def too_many(wait: float, detail: str) -> Problem:
    """Too often: worth trying again after `wait` seconds."""
    return Problem(429, detail, "too-many", headers={"Retry-After": str(math.ceil(wait))})


def answer(problem: Problem, path: str) -> JSONResponse:
    """The answer for a request to `path`."""
    instance = quote(path, safe="/:@!$&'()*+,;=~")
    body = {
        "type": f"urn:dolbom:problem:{problem.kind}" if problem.kind else "about:blank",
        "title": problem.kind.replace("-", " ").capitalize() or HTTPStatus(problem.status).phrase,
        "status": problem.status,
        "detail": problem.detail,
        "instance": instance if len(instance) <= _MAX_INSTANCE else "",
        **problem.extra,
    }
    headers = {"Cache-Control": "no-store", **problem.headers}
    return JSONResponse(body, problem.status, headers, MEDIA_TYPE)


def install(app: FastAPI, routes: Iterable[BaseRoute]) -> None:
    """Make every error of the application, which has these routes, a problem."""
    app.state.routes = [route for route in routes if isinstance(route, Route | APIRoute)]
    app.add_exception_handler(Problem, _of_ours)
    app.add_exception_handler(HTTPException, _of_http)
    app.add_exception_handler(RequestValidationError, _of_validation)
    app.add_exception_handler(Exception, _of_anything)


async def _of_ours(request: Request, problem: Exception) -> JSONResponse:
    if not isinstance(problem, Problem):
        raise problem
    if isinstance(problem, NotTheirs):
        request.scope[HIDDEN] = problem.camera_id
    return answer(problem, request.scope["path"])


async def _of_http(request: Request, problem: Exception) -> JSONResponse:
    if not isinstance(problem, HTTPException):
        raise problem
    said, headers = _SENTENCES.get(problem.status_code, problem.detail), dict(problem.headers or {})
    if problem.status_code == 405:
        headers["Allow"] = ", ".join(_methods(request))
    return answer(Problem(problem.status_code, said, headers=headers), request.scope["path"])


def _methods(request: Request) -> list[str]:
    """All that an address takes; the framework names what its first route takes."""
    routes = cast(list[Route | APIRoute], request.app.state.routes)
    here = [route for route in routes if route.path_regex.match(request.scope["path"])]
    return sorted({method for route in here for method in route.methods or ()})


async def _of_validation(request: Request, problem: Exception) -> JSONResponse:
    if not isinstance(problem, RequestValidationError):
        raise problem
    return answer(Problem(422, _field(problem.errors())), request.scope["path"])


async def _of_anything(request: Request, _: Exception) -> JSONResponse:
    return answer(Problem(500), request.scope["path"])


def _field(errors: Sequence[Mapping[str, object]]) -> str:
    """The first field that is wrong, without repeating what was sent."""
    first = errors[0] if errors else {}
    loc = first.get("loc")
    where = ".".join(str(part)[:40] for part in loc) if isinstance(loc, tuple) else "request"
    return f"{where}: {first.get('msg', 'is not valid')}"
