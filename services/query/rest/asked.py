"""What every request brings along: the running service, who asks, and the camera of the path."""

from dataclasses import dataclass
from typing import Annotated, cast

from fastapi import Depends, Header, Request

from libs.clock import real
from libs.contracts.facts import CameraConfig
from libs.contracts.streams import CAMERAS
from services.query.domain import Known
from services.query.people.rights import Principal, Role
from services.query.rest.problems import NotTheirs, Problem, ProblemBody, not_found, too_many, unavailable
from services.query.site import Site

PROBLEMS: dict[int | str, dict[str, object]] = {
    status: {"model": ProblemBody, "description": what}
    for status, what in {
        401: "Not signed in",
        403: "Not allowed",
        404: "Not there",
        422: "Not valid",
        503: "Not now",
    }.items()
}
PRINCIPAL = "dolbom.principal"
"""Where the gate puts who asks, in the scope of a request."""


async def site_of(request: Request) -> Site:
    """What the running service holds."""
    return cast(Site, request.app.state.site)


async def asker(request: Request) -> Principal:
    """Who asks, as the gate found out."""
    who = request.scope.get(PRINCIPAL)
    if who is None:
        raise Problem(401, "Sign in first.", "not-signed-in", headers={"WWW-Authenticate": "Bearer"})
    return cast(Principal, who)


Key = Annotated[str | None, Header(min_length=1, max_length=100, description="the same key asks for the same thing")]
SiteNow = Annotated[Site, Depends(site_of)]
Asker = Annotated[Principal, Depends(asker)]


@dataclass(frozen=True, slots=True)
class Needs:
    """A dependency: who asks has at least this role. The API's document tells it of every route."""

    role: Role

    async def __call__(self, who: Asker) -> None:
        """Refuse those who have not."""
        if not who.at_least(self.role):
            raise Problem(403, f"This takes the role {self.role}, or one with more rights.", "not-allowed")


def seen(site: Site, who: Principal, camera_id: str) -> None:
    """Write down that somebody looks at a camera; for every route that gives its pictures. Nobody waits for it."""
    site.audit.viewed(who.user, camera_id)


async def wishes_at_leisure(site: SiteNow, who: Asker) -> None:
    """A dependency: nobody starts and stops more than once a second for long."""
    if wait := site.limits.wishes.wait(who.user, real()):
        raise too_many(wait, "You start and stop too often.")


async def no_query(request: Request) -> None:
    """No address here takes query keys; one that is misspelt is never ignored."""
    for key in request.query_params:
        raise Problem(422, f"query key {key[:40]!r} is not known here")


async def cameras_read(site: SiteNow) -> None:
    """An empty list must mean "no cameras", never "not read yet"."""
    if CAMERAS.name not in site.view.read:
        raise unavailable("starting", "The service is starting and has not read the cameras yet.")


async def registered(camera_id: str, site: SiteNow, who: Asker) -> tuple[Known, CameraConfig]:
    """The camera of the path; the same 404 for every id that is none, and for cameras of others."""
    known = site.view.cameras.get(camera_id)
    if known is None or known.camera.config is None:
        raise not_found()
    if not who.sees(camera_id):
        raise NotTheirs(camera_id)
    return known, known.camera.config


Registered = Annotated[tuple[Known, CameraConfig], Depends(registered)]
