"""What becomes of an import, as the facts and the playlist tell it."""

import contextlib
from collections.abc import AsyncGenerator

from cli.import_plan import Import
from cli.refusal import Refusal
from cli.said import line
from libs.bus import Bus, follow
from libs.contracts.envelope import Fact, FactError, decode
from libs.contracts.facts import CameraObserved, SegmentClosed, SegmentMissed
from libs.contracts.slots import hls_first_slot, hls_index, slot_at, unix_ms
from libs.contracts.streams import EVENTS
from libs.media import MediaStore, NotThere, playlist_name, read_segment_name

ENDS_WELL = ("the source ended", "the run is over")


async def progress(bus: Bus, wanted: Import, store: MediaStore, fps: int, wished_ms: int) -> AsyncGenerator[str, None]:
    """A line for each archive of the import, until the last one is told. Raises Refusal when it cannot go on."""
    begin, reached, camera = slot_at(unix_ms(wanted.begin), fps), 0, wanted.camera
    subjects = [f"{kind}.{camera}" for kind in ("segment.closed", "segment.missed", "camera.observed")]
    async with contextlib.aclosing(follow(bus, EVENTS.name, subjects)) as batches:
        async for batch in batches:
            for fact in _facts([message.payload for message in batch.messages]):
                if isinstance(fact.data, CameraObserved):
                    _check(fact.data, camera, wished_ms)
                elif isinstance(fact.data, SegmentClosed | SegmentMissed) and fact.data.first_slot >= begin:
                    reached = max(reached, fact.data.first_slot + fact.data.frames)
                    yield _told(fact.data)
            last = _last_index(store, camera)
            if last is not None and last >= hls_index(begin, fps) and reached > hls_first_slot(last, fps):
                return


def _facts(bodies: list[bytes]) -> list[Fact]:
    found = []
    for body in bodies:
        with contextlib.suppress(FactError):
            found.append(decode(body))
    return found


def _check(seen: CameraObserved, camera: str, wished_ms: int) -> None:
    well = not seen.cause or seen.cause.startswith(ENDS_WELL)  # bad files may be named after that
    if seen.state == "stopped" and not well and unix_ms(seen.since) >= wished_ms:
        raise Refusal(f"camera {camera} came to no end: {seen.cause}")


def _told(data: SegmentClosed | SegmentMissed) -> str:
    if isinstance(data, SegmentMissed):
        return line("!", "missed", f"{data.frames / data.fps:.0f} s without a picture ({data.reason})")
    gaps = f", {len(data.gaps)} gaps" if data.gaps else ""
    return line("✔", "segment", f"{data.started_at:%m-%d %H:%M:%S} UTC, {data.frames} pictures{gaps}")


def _last_index(store: MediaStore, camera: str) -> int | None:
    """The HLS index with which the run ended, or None while it goes on."""
    try:
        lines = store.read(f"{camera}/hls", playlist_name(camera)).decode("utf-8", "replace").splitlines()
    except NotThere:
        return None
    names = [text for text in lines if text and not text.startswith("#")]
    return read_segment_name(camera, names[-1]) if names and "#EXT-X-ENDLIST" in lines else None
