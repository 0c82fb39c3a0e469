"""What the API says of cameras."""

from datetime import datetime

from pydantic import BaseModel

from libs.contracts.cameras import Wish
from libs.contracts.facts import CameraConfig, CameraObserved, CameraState, UtcTime
from libs.contracts.frames import Kind
from libs.contracts.slots import moment, slot_start_ms
from services.query.domain import Known, is_live, still_age_ms
from services.query.rest.playlists import Listing
from services.query.site import Site


class ObservedItem(BaseModel):
    """The state of a camera as ingest sees it."""

    state: CameraState
    cause: str
    since: UtcTime


class ProfileItem(BaseModel):
    """What every picture of a camera is turned into."""

    width: int
    height: int
    fps: int


class PictureItem(BaseModel):
    """The newest still. `live`: it is young enough to be fetched as the present."""

    at: UtcTime
    slot: int
    age_ms: int
    kind: Kind
    live: bool


class HlsItem(BaseModel):
    """What the live playlist lists: seconds in all, the end of the last segment, and whether more will follow."""

    segments: int
    seconds: float
    ended: bool
    until: UtcTime | None


class CameraItem(BaseModel):
    """A camera: what people said of it, what ingest sees, and what can be watched."""

    camera_id: str
    name: str
    room: str
    time_zone: str
    source: str
    profile: ProfileItem
    desired: Wish
    observed: ObservedItem | None
    picture: PictureItem | None
    hls: HlsItem | None
    hls_url: str
    now_url: str
    revision: int


class CameraList(BaseModel):
    """All cameras, by id."""

    items: list[CameraItem]
    next: str | None = None


class WishItem(BaseModel):
    """What became of a wish: it is recorded; `observed` follows when ingest has carried it out."""

    camera_id: str
    desired: Wish
    observed: ObservedItem | None
    revision: int


def camera_item(site: Site, known: Known, config: CameraConfig, listing: Listing | None, now_ms: int) -> CameraItem:
    """A registered camera as it stands; `now_ms` is the answer's moment of site time."""
    camera_id, profile = known.camera.id, config.profile
    return CameraItem(
        camera_id=camera_id,
        name=config.name,
        room=config.room,
        time_zone=config.time_zone,
        source=config.source.kind,
        profile=ProfileItem(width=profile.width, height=profile.height, fps=profile.fps),
        desired=known.camera.desired,
        observed=observed_item(site, camera_id),
        picture=picture_item(site, camera_id, now_ms),
        hls=_hls_item(listing),
        hls_url=f"/api/live-monitoring/hls/{camera_id}/{camera_id}.m3u8",
        now_url=f"/api/v1/cameras/{camera_id}/now.jpg",
        revision=known.camera.revision,
    )


def wish_item(site: Site, camera_id: str) -> WishItem:
    """A camera's wish as it stands now."""
    camera = site.view.camera(camera_id).camera
    observed = observed_item(site, camera_id)
    return WishItem(camera_id=camera_id, desired=camera.desired, observed=observed, revision=camera.revision)


def observed_item(site: Site, camera_id: str) -> ObservedItem | None:
    """What ingest said last, or None when it never spoke."""
    fact = site.view.observed.get(camera_id)
    if fact is None or not isinstance(fact.data, CameraObserved):
        return None
    return ObservedItem(state=fact.data.state, cause=fact.data.cause, since=fact.data.since)


def picture_item(site: Site, camera_id: str, now_ms: int) -> PictureItem | None:
    """The newest still, or None when there was none."""
    still = site.view.stills.get(camera_id)
    if still is None:
        return None
    age, taken = still_age_ms(still, now_ms), _taken(still.slot, still.fps)
    return PictureItem(at=taken, slot=still.slot, age_ms=age, kind=still.kind, live=is_live(age, site.clock.speed))


def _taken(slot: int, fps: int) -> datetime:
    return moment(slot_start_ms(slot, fps))


def _hls_item(listing: Listing | None) -> HlsItem | None:
    if listing is None:
        return None
    return HlsItem(segments=listing.segments, seconds=listing.seconds, ended=listing.ended, until=listing.until)
