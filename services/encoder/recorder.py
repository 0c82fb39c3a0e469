"""One camera's way through the encoder: messages from the bus, decisions of the line, files in the store."""

import contextlib
import math
from collections.abc import Callable
from dataclasses import dataclass, replace

from prometheus_client import Counter

from libs.bus import Bus, Lease, NotStored, Received, follow, purge_before
from libs.clock import SiteClock, real
from libs.contracts.facts import CameraConfig, PastRun
from libs.contracts.frames import FrameError, VideoMessage, read_video
from libs.contracts.slots import hls_index, slot_at, slot_end_ms, slot_start_ms, unix_ms
from libs.contracts.streams import PAST, VIDEO
from libs.contracts.subjects import past_video, video
from libs.media import MediaStore
from libs.observe import get_log
from services.encoder.domain import LATE_AFTER_MS, RUN_ENDS_AFTER, Close, End, Heard, Line, Step, deadlines, end, take
from services.encoder.hls import HLSStreamGenerator
from services.encoder.unpurged import Unpurged

log = get_log()
_unreadable = Counter("dolbom_video_messages_unreadable_total", "Messages that nobody can read", ["camera"])
_refused = Counter("dolbom_video_messages_refused_total", "Messages of a lower epoch", ["camera"])
_unpurged = Counter("dolbom_past_purges_failed_total", "Purges of past runs that must be tried again", ["camera"])
ANY_TIME_MS = 1 << 60
"""Later than any file: a past run is measured by no clock."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What every recorder of a process works with.

    `on_closed` is called with the camera after a segment was closed or a run ended.
    """

    store: MediaStore
    bus: Bus
    clock: SiteClock
    on_closed: Callable[[str], None]


class Recorder:
    """Reads `frames.video.{camera}` from the stream's start, skipping by slot, for ever.

    A past run is read from `past.video.{camera}`: no clock and no patience has a part in it, and what stands in
    files is purged, which lets ingest go on.
    """

    def __init__(
        self, camera: str, config: CameraConfig, wished_from_ms: int | None, parts: Parts, past: PastRun | None = None
    ) -> None:
        self.camera, self.config, self.past = camera, config, past
        self.wished_from_ms = wished_from_ms
        """Since when (Unix ms, site time) people want it to run; None when they do not."""
        self.stopped = False
        """Do people want it not to run?"""
        self.settled = False
        """Was everything read that stood on the bus, under a lease that is still held?"""
        self.epoch = 0
        self._parts = parts
        self._line = self._stands = Line(config.profile.fps)
        self._unpurged, self._purged = Unpurged(), 0
        self._heard = Heard(real(), parts.bus.generation)

    @property
    def growing(self) -> int | None:
        """The HLS index with which the present run goes on; None between runs."""
        return None if self._stands.next is None else self.horizon

    @property
    def horizon(self) -> int:
        """All closed files that are spoken of have HLS indices below this."""
        return hls_index(self._stands.horizon, self._stands.fps)

    @property
    def _patience(self) -> float:
        """A gap of so many slots ends a run; a past run is measured by no clock."""
        return math.inf if self.past else round(RUN_ENDS_AFTER * self._line.fps * self._parts.clock.speed)

    async def run(self, lease: Lease) -> None:
        """Under a lease, until cancelled. Begins from the files, as every new encoder does."""
        self.epoch = lease.epoch
        await self._restore(lease, self.config.profile.fps)
        self._heard, self.settled = Heard(real(), self._parts.bus.generation), self.past is not None
        name, subject = (PAST.name, past_video(self.camera)) if self.past else (VIDEO.name, video(self.camera))
        try:
            async with contextlib.aclosing(follow(self._parts.bus, name, [subject])) as batches:
                async for batch in batches:
                    if batch.anew:
                        self._unpurged, self._purged = Unpurged(), 0
                    for message in batch.messages:
                        await self._take(message, lease)
                    if batch.caught_up:
                        await self._apply(*self._deadlines(batch.as_of))
                        self.settled = True
                    if self.past:
                        await self._purge()
        finally:
            self.settled = False

    async def _restore(self, lease: Lease, fps: int) -> None:
        """Go on from the files, in slots of this fps."""
        profile = self.config.profile.model_copy(update={"fps": fps})
        config = self.config.model_copy(update={"profile": profile})
        self._generator = HLSStreamGenerator(self.camera, config, self._parts.store, lease)
        self._line = await self._generator.restore(ANY_TIME_MS if self.past else self._parts.clock.now_ms())
        self._stands = self._line

    async def _take(self, message: Received, lease: Lease) -> None:
        self._heard = replace(self._heard, at=real())
        try:
            read = read_video(self.camera, message.headers, message.payload)
        except FrameError as problem:
            _unreadable.labels(self.camera).inc()
            log.error("video_unreadable", camera_id=self.camera, sequence=message.sequence, reason=str(problem))
            if self.past:
                self._unpurged.add(message.sequence, 0)
            return
        if self.past:
            await self._begin_past(read.first_slot, unix_ms(self.past.from_))
            refused = read.epoch < self._line.epoch
            self._unpurged.add(message.sequence, 0 if refused else slot_end_ms(read.last_slot, read.fps))
        if read.epoch < self._line.epoch:
            _refused.labels(self.camera).inc()
        elif read.fps != self._line.fps and not self._has(read):
            await self._change_fps(lease, read.fps)
        await self._apply(*take(self._line, read, self._patience))

    def _has(self, read: VideoMessage) -> bool:
        """Was all that it holds recorded before?"""
        reached = self._line.horizon if self._line.next is None else self._line.next
        return slot_end_ms(read.last_slot, read.fps) <= slot_start_ms(reached, self._line.fps)

    async def _change_fps(self, lease: Lease, fps: int) -> None:
        """Pictures of another profile come: what is open closes short, and all goes on as after a restart."""
        log.info("fps_changed", camera_id=self.camera, before=self._line.fps, fps=fps)
        if self._line.open_from is not None:
            await self._apply(*end(self._line))
        await self._restore(lease, fps)

    async def _begin_past(self, first_slot: int, from_ms: int) -> None:
        """A run that lies before this one ends where it stands, however it came to its end."""
        begins = slot_at(from_ms, self._line.fps)
        if self._line.next is not None and self._line.next < begins <= first_slot:
            await self._apply(*end(self._line))

    async def _purge(self) -> None:
        """Take from the bus what stands in files."""
        needed = self._unpurged.needed_from(slot_start_ms(self._stands.horizon, self._stands.fps))
        if needed <= self._purged:
            return
        try:
            await purge_before(self._parts.bus, PAST.name, past_video(self.camera), needed)
        except NotStored as problem:
            _unpurged.labels(self.camera).inc()
            log.warning("past_not_purged", camera_id=self.camera, reason=str(problem))
        else:
            self._purged = needed

    def _deadlines(self, as_of: float) -> tuple[Line, list[Step]]:
        """What is due now that everything up to real time `as_of` has been read."""
        self._heard = self._heard.on(self._parts.bus.generation, real())
        quiet = as_of - self._heard.at
        if self.past:
            return end(self._line) if self.stopped and quiet > LATE_AFTER_MS / 1000 else (self._line, [])
        clock = self._parts.clock
        now_ms = clock.now_ms() - round((real() - as_of) * 1000 * clock.speed)
        line, steps = deadlines(self._line, quiet, now_ms, clock.speed, self._patience)
        return end(self._line) if steps and self.wished_from_ms is None else (line, steps)

    async def _apply(self, line: Line, steps: list[Step]) -> None:
        self._line = line
        await self._generator.carry_out(steps)
        self._stands = line  # only now: who makes archives must find every file that he is told of
        if any(isinstance(step, Close | End) for step in steps):
            self._parts.on_closed(self.camera)
