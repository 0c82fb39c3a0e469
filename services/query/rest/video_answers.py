"""What the API says of a camera's queue of files."""

from pathlib import Path

from anyio import to_thread
from pydantic import BaseModel

from libs.bus import NotStored, last_message
from libs.contracts.facts import CameraConfig
from libs.contracts.positions import POSITIONS, BadPosition, decode_position, position_subject
from libs.contracts.slots import slot_start_ms
from libs.media import BadKey, MediaStore, NotMounted, NotThere
from services.query.rest.queues import files_of
from services.query.rest.uploads import folder_of, recall
from services.query.site import Site

NOTED_MS = 30_000
"""A position is noted once a second; an older one tells nothing of now."""


class VideoItem(BaseModel):
    """A file of the queue.

    `bytes` is null when it is not there. `frames` (pictures at the camera's rate) and `seconds` are null when it was
    not uploaded, and so never counted. `playing` is null when the bus does not tell.
    """

    name: str
    bytes: int | None
    frames: int | None
    seconds: float | None
    uploaded: bool
    playing: bool | None


class VideoList(BaseModel):
    """The queue in its order; empty for a camera whose source is no files."""

    items: list[VideoItem]
    loop: bool
    source: str
    revision: int
    next: None = None


class UploadedItem(VideoItem):
    """An upload that is in the queue now.

    `instead_of`: the source that the camera showed until then, if that was no queue. `trouble`: what is wrong with the
    film all the same; empty if nothing is.
    """

    camera_id: str
    revision: int
    width: int
    height: int
    codec: str
    trouble: str
    instead_of: str | None


async def video_list(site: Site, camera_id: str, config: CameraConfig) -> VideoList:
    """The queue as it stands now."""
    playing = await _playing(site, camera_id)
    items = await to_thread.run_sync(_items, site, camera_id, files_of(config), playing)
    revision = site.view.camera(camera_id).camera.revision
    return VideoList(items=items, loop=config.source.loop, source=config.source.kind, revision=revision)


async def uploaded_item(site: Site, camera_id: str, name: str, instead_of: str | None) -> UploadedItem:
    """A file that was just uploaded."""
    playing = await _playing(site, camera_id)
    item = (await to_thread.run_sync(_items, site, camera_id, (name,), playing))[0]
    film = await to_thread.run_sync(recall, site.store, camera_id, name) if site.store else None
    return UploadedItem(
        **item.model_dump(),
        camera_id=camera_id,
        revision=site.view.camera(camera_id).camera.revision,
        width=film.width if film else 0,
        height=film.height if film else 0,
        codec=film.codec if film else "",
        trouble=film.trouble if film else "",
        instead_of=instead_of,
    )


async def _playing(site: Site, camera_id: str) -> str | None:
    """The file that is shown now; empty when none is, None when the bus does not tell."""
    if site.bus is None or not site.connected:
        return None
    try:
        kept = await last_message(site.bus, f"KV_{POSITIONS}", position_subject(camera_id))
        position = decode_position(kept.payload) if kept and kept.payload else None
    except (NotStored, BadPosition):
        return None
    if position is None or position.ended:
        return ""
    age = site.clock.now_ms() - slot_start_ms(position.slot, position.fps)
    return position.file if age < NOTED_MS * site.clock.speed else ""


def _items(site: Site, camera_id: str, files: tuple[str, ...], playing: str | None) -> list[VideoItem]:
    """Opens files, so it runs in a thread."""
    return [_item(site, camera_id, file, playing) for file in files]


def _item(site: Site, camera_id: str, name: str, playing: str | None) -> VideoItem:
    size = _stored(site.store, camera_id, name)
    film = recall(site.store, camera_id, name) if site.store and size is not None else None
    return VideoItem(
        name=name,
        bytes=size if size is not None else _outside(site.settings.dolbom_videos, name),
        frames=film.frames if film else None,
        seconds=film.seconds if film else None,
        uploaded=size is not None,
        playing=None if playing is None else playing == name,
    )


def _stored(store: MediaStore | None, camera_id: str, name: str) -> int | None:
    """The size of a file in the store; None when it does not stand there."""
    if store is None:
        return None
    try:
        file = store.open_file(folder_of(camera_id), name)
    except (NotThere, BadKey, NotMounted):
        return None
    file.stream.close()
    return file.size


def _outside(folder: str, name: str) -> int | None:
    """The size of a person's own file (VIDEO=…)."""
    try:
        return Path(folder, name).stat().st_size if folder else None
    except (OSError, ValueError):
        return None
