"""Writes what people decide: wishes, and the cameras of `cameras.yaml`. Nothing is written over what was not read."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from libs.bus import BusError, Conflict, NotStored, append_fact
from libs.contracts.cameras import Wish
from libs.contracts.envelope import Origin, new_fact
from libs.contracts.facts import CameraConfig
from libs.contracts.streams import CAMERAS
from libs.observe import get_log
from services.query.cameras_file import BadCameras, read_cameras
from services.query.domain import Entry, Known, Planned, plan, wish
from services.query.site import Site

TRIES = 3
READ_AGAIN = 2.0
"""Seconds after which a cameras.yaml that cannot be used is read again."""
log = get_log()


Decide = Callable[[Known, CameraConfig], Planned | None]
"""From what is known of a registered camera to the fact that is called for; it may raise what stands against it."""


class Unwritten(BusError):
    """It could not be recorded, or whether it was is unknown."""


class Unregistered(LookupError):
    """The camera was removed."""


@dataclass(frozen=True, slots=True)
class Wished:
    """That a camera runs or stops; by whom, why, and the key of the request."""

    state: Wish
    by: str
    reason: str
    key: str


async def record_wish(site: Site, camera_id: str, wished: Wished) -> None:
    """Append `camera.desired`, unless the camera is wished so already. Raises Unwritten.

    The key of one camera and wish is not that of another: ids are unique in the whole stream.
    """
    request = f"{camera_id}|{wished.state}|{wished.key}"
    await _record(site, camera_id, lambda known: wish(known, wished.state, (wished.by, wished.reason), request))


async def record_change(site: Site, camera_id: str, decide: Decide) -> None:
    """Append the `camera.updated` that `decide` calls for. Raises Unwritten, Unregistered, and what `decide` raises."""

    def of_registered(known: Known) -> Planned | None:
        if known.camera.config is None:
            raise Unregistered(camera_id)
        return decide(known, known.camera.config)

    await _record(site, camera_id, of_registered)


async def record_registration(site: Site, camera_id: str, decide: Callable[[Known], Planned | None]) -> None:
    """Append what `decide` calls for, of a camera that may not be registered. Raises Unwritten, and what it raises."""
    await _record(site, camera_id, decide)


async def _record(site: Site, camera_id: str, decide: Callable[[Known], Planned | None]) -> None:
    """Decide, append, and decide again where somebody else wrote meanwhile."""
    async with site.writing:
        for _ in range(TRIES):
            if not site.connected:
                raise Unwritten("the bus is out of reach")
            planned = decide(site.view.camera(camera_id))
            if planned is None or await _append(site, planned):
                return
    raise Unwritten("the bus did not take it")


async def register_cameras(site: Site) -> None:
    """Carry out `cameras.yaml` once everything that people decided before was read; tries until it is done."""
    await site.view.all_read(CAMERAS.name)
    while True:
        try:
            entries = await _entries(site.settings.dolbom_cameras)
            await _carry_out(site, entries)
        except (BadCameras, BusError) as problem:
            if site.registration != str(problem):
                log.error("cameras_not_registered", reason=str(problem))
            site.registration = str(problem)
            await asyncio.sleep(READ_AGAIN)
        else:
            site.registration = ""
            return


async def _entries(path: str) -> Sequence[Entry]:
    return await asyncio.to_thread(read_cameras, Path(path)) if path else ()


async def _carry_out(site: Site, entries: Sequence[Entry]) -> None:
    """Write the first fact that is missing, learn it, decide again: so a death in between is made good."""
    for _ in range(TRIES + 3 * len(entries)):
        async with site.writing:
            planned = plan(site.view.cameras, entries)
            if not planned:
                return
            await _append(site, planned[0])
    raise Unwritten("the bus did not take the cameras yet")


async def _append(site: Site, planned: Planned) -> bool:
    """Store one fact and learn it; False when it must be decided again. Raises Unwritten for good reasons only."""
    if site.bus is None:
        raise Unwritten("the bus is out of reach")
    now = site.clock.now_ms()
    fact = new_fact(planned.data, planned.camera_id, (planned.request,), Origin("query", now, now))
    over = f"camera.*.{planned.camera_id}"
    try:
        stored = await append_fact(site.bus, fact, CAMERAS.name, over, planned.expected)
    except (Conflict, NotStored) as problem:
        log.info("decides_again", camera_id=planned.camera_id, reason=str(problem))
        await site.view.advanced(planned.camera_id, beyond=planned.expected)
        return False
    except BusError as problem:
        raise Unwritten(f"the bus does not take it: {problem}") from problem
    if stored.duplicate:
        await site.view.advanced(planned.camera_id, beyond=stored.sequence - 1)
    else:
        site.view.take_camera_fact(fact, stored.sequence)
        log.info("fact_stored", fact=fact.name, camera_id=planned.camera_id, id=fact.id)
    return True
