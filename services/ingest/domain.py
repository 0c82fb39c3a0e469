"""Which slot is due, what fills it, how pictures become messages, and what a wish means for a recording. Pure."""

import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from libs.contracts.cameras import Camera
from libs.contracts.facts import PastRun
from libs.contracts.frames import MAX_PAYLOAD, End, Unit, VideoMessage
from libs.contracts.slots import slot_at, slot_end_ms, unix_ms

HOLD_SECONDS = 3
"""So long the last picture may stand in for the next; then slate says that there is none."""

CATCH_UP_SECONDS = 30
"""A stall of up to so many real seconds is caught up slot by slot; a longer one leaves a gap."""


def first_slot(now_ms: int, fps: int, last_published: int | None) -> int:
    """Where a run begins: now, but never at a slot that was published already."""
    here = slot_at(now_ms, fps)
    return here if last_published is None else max(here, last_published + 1)


def phase_ms(camera: str, fps: int) -> int:
    """How long after the begin of each slot the camera's picture is taken, always within the slot.

    If all cameras worked at the same moment, their decoders would fight for the same caches: measured with four of
    Full HD on two cores, up to a quarter more processor time.
    """
    return zlib.crc32(camera.encode()) % (1000 // fps)


def next_slot(last: int, now_ms: int, fps: int, speed: float) -> int:
    """The slot after `last`, or the present one when the clock has left it too far behind to catch up.

    `speed`: so much faster than real time the clock runs; a machine that stood still stood still in real time.
    """
    here = slot_at(now_ms, fps)
    return here if here - last > CATCH_UP_SECONDS * fps * speed else last + 1


def without_picture(slot: int, last_captured: int | None, fps: int) -> Literal["h", "s"]:
    """What fills a slot for which the source has nothing: the last picture again, or slate."""
    fresh = last_captured is not None and slot - last_captured <= HOLD_SECONDS * fps
    return "h" if fresh else "s"


def past_slots(past: PastRun, fps: int) -> range:
    """The slots of a past run."""
    return range(slot_at(unix_ms(past.from_), fps), slot_at(unix_ms(past.to), fps))


def resume(slots: range, last: VideoMessage | None, fps: int) -> int | None:
    """The slot at which a past run goes on after the newest message on the bus; None when nothing is left to do."""
    after = slots.start if last is None else slot_at(slot_end_ms(last.last_slot, last.fps), fps)
    if after <= slots.start:
        return slots.start if slots else None
    done = last is not None and last.end == "source_ended"
    return None if done or after >= slots.stop else after


@dataclass(frozen=True, slots=True)
class Run:
    """What all messages of one x264 instance have in common."""

    camera: str
    fps: int
    epoch: int
    number: int

    @property
    def name(self) -> str:
        """`Dolbom-Run`."""
        return f"{self.epoch}.{self.number}"


def split_seconds(units: Iterable[Unit], fps: int) -> list[tuple[Unit, ...]]:
    """Access units in groups that may be messages: one wall second each, cut where the payload grows too large."""
    groups: list[tuple[Unit, ...]] = []
    size = 0
    for unit in units:
        last = groups[-1][-1] if groups else None
        same = last is not None and last.slot // fps == unit.slot // fps and size + len(unit.data) <= MAX_PAYLOAD
        groups = [*groups[:-1], (*groups[-1], unit)] if same else [*groups, (unit,)]
        size = size + len(unit.data) if same else len(unit.data)
    return groups


def messages(run: Run, params: str, units: Iterable[Unit], end: End | None = None) -> list[VideoMessage]:
    """The messages of these units; `end` stands on the last one."""
    groups = split_seconds(units, run.fps)
    made = [VideoMessage(run.camera, run.fps, run.epoch, run.name, params, group) for group in groups]
    if made and end:
        made[-1] = replace(made[-1], end=end)
    return made


def whole_seconds(units: tuple[Unit, ...], fps: int) -> tuple[tuple[Unit, ...], tuple[Unit, ...]]:
    """Split what the encoder gave so far into complete wall seconds and the rest that must wait."""
    whole = 0
    for at, unit in enumerate(units, 1):
        if (unit.slot + 1) % fps == 0:
            whole = at
    return units[:whole], units[whole:]


@dataclass(frozen=True, slots=True)
class Plan:
    """Which recordings to begin and to end, and which go on with another list of files."""

    start: Mapping[str, Camera]
    stop: tuple[str, ...]
    restart: tuple[str, ...]
    update: tuple[str, ...]


def plan(cameras: Mapping[str, Camera], running: Mapping[str, Camera]) -> Plan:
    """From wishes to actions; `running`: the wish that each recording carries out.

    A camera that the log no longer knows goes on: only a decision stops a recording.
    """
    wanted = {c.id: c for c in cameras.values() if c.config is not None and c.desired == "running"}
    stop = tuple(name for name in running if name in cameras and name not in wanted)
    going_on = {name: wish for name, wish in running.items() if name in wanted and _differs(wanted[name], wish)}
    update = tuple(name for name, wish in going_on.items() if _same_queue(wanted[name], wish))
    restart = tuple(name for name in going_on if name not in update)
    start = {name: wish for name, wish in wanted.items() if name not in running}
    return Plan(start, stop, restart, update)


def _differs(wanted: Camera, running: Camera) -> bool:
    """Only what changes the picture or the time is worth a new run."""
    if wanted.config is None or running.config is None:
        return wanted.config is not running.config
    pictures = wanted.config.source != running.config.source or wanted.config.profile != running.config.profile
    return pictures or wanted.past != running.past


def _same_queue(wanted: Camera, running: Camera) -> bool:
    """Do both play files live in the same profile? Then another list costs no new run."""
    if wanted.config is None or running.config is None or wanted.past or running.past:
        return False
    kinds = {wanted.config.source.kind, running.config.source.kind}
    return kinds == {"files"} and wanted.config.profile == running.config.profile
