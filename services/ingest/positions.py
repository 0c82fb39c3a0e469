"""Where the queues of this process are, noted on the bus once a second: best effort, recording never waits for it."""

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from dataclasses import replace

from libs.bus import Bus, NoStream, last_message, note, obey_cancellation
from libs.contracts.frames import VideoMessage
from libs.contracts.positions import (
    POSITIONS,
    BadPosition,
    Position,
    decode_position,
    encode_position,
    position_subject,
)
from libs.observe import get_log

EVERY = 1.0
"""Real seconds between two notes of a queue that plays."""
_OPERATION, _DELETED = "KV-Operation", "DEL"
log = get_log()


async def noted(bus: Bus, camera: str, newest: VideoMessage | None) -> Position | None:
    """Where the queue of a camera was; None when nothing is known of it. Raises NotStored when nobody answers.

    `newest`: its newest video; a run whose end was published is over, also where nobody lived to note it.
    """
    try:
        kept = await last_message(bus, f"KV_{POSITIONS}", position_subject(camera))
    except NoStream as problem:
        log.error("positions_missing", camera_id=camera, reason=str(problem))
        return None
    if kept is None or _OPERATION in kept.headers:
        return None
    try:
        position = decode_position(kept.payload)
    except BadPosition as problem:
        log.error("position_unreadable", camera_id=camera, reason=str(problem))
        return None
    over = newest is not None and newest.end == "source_ended" and position.slot <= newest.last_slot
    return replace(position, ended=True) if over else position


async def forget(bus: Bus, camera: str) -> None:
    """The next start begins the list from its beginning."""
    await note(bus, position_subject(camera), b"", {_OPERATION: _DELETED})


class Positions:
    """Notes where the queues are. Make it on the event loop.

    `now_at` gives the position of each camera that has one.
    """

    def __init__(self, bus: Bus, now_at: Callable[[], Mapping[str, Position]]) -> None:
        self._bus, self._now_at = bus, now_at
        self._loop = asyncio.get_running_loop()
        self._wake = asyncio.Event()
        self._noted: dict[str, Position] = {}

    def moved(self) -> None:
        """A queue is at another file: that is noted at once, before its video is sent. Call it from any thread."""
        self._loop.call_soon_threadsafe(self._wake.set)

    async def run(self) -> None:
        """Note what moved, once a second and when it is told; runs until cancelled."""
        while True:
            obey_cancellation()
            self._wake.clear()
            for camera, position in self._now_at().items():
                if position != self._noted.get(camera):
                    self._noted[camera] = position
                    await note(self._bus, position_subject(camera), encode_position(position))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(EVERY):
                    await self._wake.wait()
