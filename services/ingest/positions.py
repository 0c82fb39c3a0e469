"""Where the queues of this process are, noted on the bus once a second: best effort, recording never waits for it."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace

from libs.bus import Bus, last_message, note, obey_cancellation
from libs.clock import real
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

EVERY, LOOK_EVERY = 1.0, 0.2
"""Real seconds between two notes of a queue, and between two looks at it: shorter than pictures are on their way."""
_OPERATION, _DELETED = "KV-Operation", "DEL"
log = get_log()


async def noted(bus: Bus, camera: str, newest: VideoMessage | None) -> Position | None:
    """Where the queue of a camera was; None when nothing is known of it. Raises NotStored when nobody answers.

    `newest`: its newest video; a run whose end was published is over, also where nobody lived to note it.
    """
    kept = await last_message(bus, f"KV_{POSITIONS}", position_subject(camera))
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


async def keep_noted(bus: Bus, positions: Callable[[], Mapping[str, Position]]) -> None:
    """Note what `positions` gives for each camera, where it moved: once a second, and at once where a file begins.

    Runs until cancelled.
    """
    last: dict[str, Position] = {}
    due = 0.0
    while True:
        obey_cancellation()
        now = real()
        for camera, position in positions().items():
            before = last.get(camera)
            if before is None or (position != before and (now >= due or _elsewhere(position, before))):
                last[camera] = position
                await note(bus, position_subject(camera), encode_position(position))
        due = due if now < due else now + EVERY
        await asyncio.sleep(LOOK_EVERY)


def _elsewhere(position: Position, before: Position) -> bool:
    """Is another file on, or is the list over?"""
    return (position.begun, position.ended) != (before.begun, before.ended)
