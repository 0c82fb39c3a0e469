"""One camera's way through the encoder: messages from the bus, decisions of the line, files in the store."""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass

from prometheus_client import Counter

from libs.bus import Bus, Lease, Received, follow
from libs.clock import SiteClock, real
from libs.contracts.facts import CameraConfig
from libs.contracts.frames import FrameError, read_video
from libs.contracts.streams import VIDEO
from libs.contracts.subjects import video
from libs.media import MediaStore
from libs.observe import get_log
from services.encoder.domain import LATE_AFTER_MS, RUN_ENDS_AFTER, Close, Line, Step, end, overdue, take
from services.encoder.hls import HLSStreamGenerator

log = get_log()
_unreadable = Counter("dolbom_video_messages_unreadable_total", "Messages that nobody can read", ["camera"])
_refused = Counter("dolbom_video_messages_refused_total", "Messages of a lower epoch", ["camera"])


@dataclass(frozen=True, slots=True)
class Parts:
    """What every recorder of a process works with; `on_closed` is called after a segment was closed or a run ended."""

    store: MediaStore
    bus: Bus
    clock: SiteClock
    on_closed: Callable[[], None]


class Recorder:
    """Reads `frames.video.{camera}` from the stream's start, skipping by slot, for ever."""

    def __init__(self, camera: str, config: CameraConfig, wished_from: int | None, parts: Parts) -> None:
        self.camera, self.config = camera, config
        self.wished_from = wished_from
        """The slot since which people want it to run; None when they do not."""
        self.settled = False
        """Was everything read that stood on the bus, under a lease that is still held?"""
        self.epoch = 0
        self._parts = parts
        self._patience = round(RUN_ENDS_AFTER * config.profile.fps * parts.clock.speed)
        self._line = Line(config.profile.fps)
        self._heard = real()

    @property
    def growing(self) -> int | None:
        """Where the closed segments of the present run end; None between runs."""
        return None if self._line.next is None else self._line.horizon

    async def run(self, lease: Lease) -> None:
        """Under a lease, until cancelled. Begins from the files, as every new encoder does."""
        self.epoch = lease.epoch
        self._generator = HLSStreamGenerator(self.camera, self.config, self._parts.store, lease)
        self._line = await self._generator.restore(self._parts.clock.now_ms())
        self._heard = real()
        try:
            async with contextlib.aclosing(follow(self._parts.bus, VIDEO.name, [video(self.camera)])) as batches:
                async for batch in batches:
                    for message in batch.messages:
                        await self._take(message)
                    if batch.caught_up:
                        await self._apply(*self._deadlines(batch.as_of))
                        self.settled = True
        finally:
            self.settled = False

    async def _take(self, message: Received) -> None:
        self._heard = real()
        try:
            read = read_video(self.camera, message.headers, message.payload)
        except FrameError as problem:
            _unreadable.labels(self.camera).inc()
            log.error("video_unreadable", camera_id=self.camera, sequence=message.sequence, reason=str(problem))
            return
        if read.epoch < self._line.epoch:
            _refused.labels(self.camera).inc()
        await self._apply(*take(self._line, read, self._patience))

    def _deadlines(self, as_of: float) -> tuple[Line, list[Step]]:
        """What is due now that everything up to real time `as_of` has been read."""
        if as_of - self._heard >= RUN_ENDS_AFTER:
            return end(self._line)
        clock = self._parts.clock
        now_ms = clock.now_ms() - round((real() - as_of) * 1000 * clock.speed)
        line, steps = overdue(self._line, now_ms, clock.speed, self._patience)
        if steps and self.wished_from is None and as_of - self._heard > LATE_AFTER_MS / 1000:
            return end(self._line)
        return line, steps

    async def _apply(self, line: Line, steps: list[Step]) -> None:
        self._line = line
        await self._generator.carry_out(steps)
        if any(isinstance(step, Close) for step in steps):
            self._parts.on_closed()
