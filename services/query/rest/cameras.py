"""The REST API for cameras: the list, the newest still, start and stop."""

from uuid import uuid4

from anyio import to_thread
from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel, ConfigDict, Field

from libs.contracts.cameras import Wish
from libs.contracts.slots import rfc3339
from services.query.commands import Unwritten, Wished, record_wish
from services.query.people.rights import Principal
from services.query.rest.answers import CameraItem, CameraList, WishItem, camera_item, picture_item, wish_item
from services.query.rest.asked import (
    PROBLEMS,
    Asker,
    Key,
    Needs,
    Registered,
    SiteNow,
    cameras_read,
    no_query,
    seen,
    wishes_at_leisure,
)
from services.query.rest.playlists import Listing
from services.query.rest.problems import ProblemBody, not_found, unavailable
from services.query.site import Site

router = APIRouter(dependencies=[Depends(no_query), Depends(cameras_read)], responses=PROBLEMS)


@router.head("/api/v1/cameras", include_in_schema=False)
@router.get("/api/v1/cameras", summary="All cameras")
async def list_cameras(site: SiteNow, who: Asker, response: Response) -> CameraList:
    """The registered cameras that one may see, by id."""
    held = [(known, known.camera.config) for name, known in sorted(site.view.cameras.items()) if who.sees(name)]
    listings = await to_thread.run_sync(_listings, site, [known.camera.id for known, config in held if config])
    now_ms = site.clock.now_ms()
    response.headers.update(_now(site, now_ms))
    items = [camera_item(site, known, config, listings[known.camera.id], now_ms) for known, config in held if config]
    return CameraList(items=items)


@router.head("/api/v1/cameras/{camera_id}", include_in_schema=False)
@router.get("/api/v1/cameras/{camera_id}", summary="One camera")
async def get_camera(camera: Registered, site: SiteNow, response: Response) -> CameraItem:
    """One registered camera."""
    return await answer_camera(site, camera[0].camera.id, response)


async def answer_camera(site: Site, camera_id: str, response: Response) -> CameraItem:
    """A camera as it stands now; its ETag is the revision that a change must name."""
    known = site.view.camera(camera_id)
    if known.camera.config is None:
        raise not_found()
    listings = await to_thread.run_sync(_listings, site, [camera_id])
    now_ms = site.clock.now_ms()
    response.headers.update({**_now(site, now_ms), "ETag": f'"{known.camera.revision}"'})
    return camera_item(site, known, known.camera.config, listings[camera_id], now_ms)


@router.head("/api/v1/cameras/{camera_id}/now.jpg", include_in_schema=False)
@router.get(
    "/api/v1/cameras/{camera_id}/now.jpg",
    summary="The newest still",
    response_class=Response,
    responses={200: {"content": {"image/jpeg": {}}, "description": "The still; `Dolbom-Age-Ms` says how old it is"}},
)
async def get_now_picture(camera: Registered, site: SiteNow, who: Asker) -> Response:
    """The newest still, about a second old; a picture that is older than ten seconds is never given as live."""
    camera_id, now_ms = camera[0].camera.id, site.clock.now_ms()
    picture, still = picture_item(site, camera_id, now_ms), site.view.stills.get(camera_id)
    if picture is None or still is None or not picture.live:
        since = rfc3339(picture.at) if picture else None
        raise unavailable("no-picture", "There is no picture of this camera now.", since=since)
    headers = {
        "Dolbom-Slot": str(picture.slot),
        "Dolbom-At": rfc3339(picture.at),
        "Dolbom-Age-Ms": str(picture.age_ms),
        "Dolbom-Kind": picture.kind,
        **_now(site, now_ms),
    }
    seen(site, who, camera_id)
    return Response(still.jpeg, headers=headers, media_type="image/jpeg")


class WishReason(BaseModel):
    """Why somebody wishes it; may be left out."""

    model_config = ConfigDict(extra="forbid")

    reason: str = Field(default="", max_length=200)


@router.post(
    "/api/live-monitoring/start-hls-stream/{camera_id}",
    status_code=202,
    summary="Wish that a camera runs",
    dependencies=[Depends(Needs("teacher")), Depends(wishes_at_leisure)],
    responses={429: {"model": ProblemBody, "description": "Too often"}},
)
async def start_hls_stream(
    camera: Registered, site: SiteNow, who: Asker, why: WishReason | None = None, idempotency_key: Key = None
) -> WishItem:
    """Recorded as `camera.desired`; nothing new is recorded when it is wished already."""
    return await _wish(site, camera[0].camera.id, ("running", who), why, idempotency_key)


@router.post(
    "/api/live-monitoring/stop-hls-stream/{camera_id}",
    status_code=202,
    summary="Wish that a camera stops",
    dependencies=[Depends(Needs("teacher")), Depends(wishes_at_leisure)],
    responses={429: {"model": ProblemBody, "description": "Too often"}},
)
async def stop_hls_stream(
    camera: Registered, site: SiteNow, who: Asker, why: WishReason | None = None, idempotency_key: Key = None
) -> WishItem:
    """Recorded as `camera.desired`; nothing new is recorded when it is wished already."""
    return await _wish(site, camera[0].camera.id, ("stopped", who), why, idempotency_key)


async def _wish(
    site: Site, camera_id: str, wished: tuple[Wish, Principal], why: WishReason | None, key: str | None
) -> WishItem:
    (state, who), reason = wished, why.reason if why else ""
    try:
        await record_wish(site, camera_id, Wished(state, who.user, reason, key or str(uuid4())))
    except Unwritten as problem:
        detail = "The bus does not answer, so the wish may not be recorded. Try again with the same Idempotency-Key."
        raise unavailable("bus-away", detail, retry_after=2) from problem
    return wish_item(site, camera_id)


def _listings(site: Site, camera_ids: list[str]) -> dict[str, Listing | None]:
    """Opens files, so it runs in a thread."""
    return {camera_id: site.playlists.listing(site.store, camera_id) for camera_id in camera_ids}


def _now(site: Site, now_ms: int) -> dict[str, str]:
    """The site's time, so that a viewer's own clock need not be right; it may run faster than real time."""
    now, speed = str(now_ms), f"{site.clock.speed:g}"
    return {"Dolbom-Now": now, "Dolbom-Speed": speed, "Cache-Control": "no-store"}
