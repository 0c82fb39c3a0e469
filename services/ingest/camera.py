"""One camera on the event loop: its epoch, its outbox and its stills."""

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from prometheus_client import Counter

from libs.bus import Bus, BusError, Lease, Leases, NotStored, Spool, obey_cancellation, publish
from libs.clock import SiteClock
from libs.contracts.facts import CameraConfig, Profile
from libs.contracts.frames import End, Snapshot, VideoMessage
from libs.contracts.positions import Position
from libs.contracts.subjects import snapshot as snapshot_subject
from libs.observe import get_log
from services.ingest.backlog import Backlog
from services.ingest.demo import DemoSource
from services.ingest.domain import Run
from services.ingest.files import FileSource, live_pace
from services.ingest.film import Player
from services.ingest.outbox import Outbox, newest_message
from services.ingest.positions import forget, noted
from services.ingest.queue import resumed
from services.ingest.recording import Deliver, Recording, Source
from services.ingest.saying import Saying

log = get_log()
_stills_skipped = Counter("dolbom_snapshots_skipped_total", "Stills that were not sent in time", ["camera"])
_restarts = Counter("dolbom_recording_restarts_total", "Recordings that broke and began anew", ["camera"])
RESTART_FIRST, RESTART_MOST = 0.5, 30.0
"""Seconds before a broken recording begins anew."""

Opens = Callable[[str, Profile], Player]
"""How the files of a camera are found and decoded."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What every camera of a process works with; `spool` is the folder of what waits for the bus, None keeps none.

    `moved` may be called from any thread: a queue is at another file.
    """

    bus: Bus
    leases: Leases
    clock: SiteClock
    player: Opens
    spool: Path | None
    facts: Spool
    moved: Callable[[], object]


class Camera:
    """Records one camera until `stop`, whenever it has the lease. Make it on the event loop."""

    def __init__(self, name: str, config: CameraConfig, parts: Parts) -> None:
        self.name, self.config = name, config
        self._bus, self._clock, self._parts = parts.bus, parts.clock, parts
        self._backlog = Backlog(parts.spool, name)
        self._outbox = self._new_outbox()
        self._recording: Recording | None = None
        self._files: FileSource | None = None
        self._position: Position | None = None
        self._saying = Saying(name, parts.clock, parts.facts)
        self._lease: Lease | None = None
        self._epoch = 0
        self._still: asyncio.Task[None] | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._keeping = asyncio.create_task(self._keep(), name=f"keep {name}")

    async def _keep(self) -> None:
        """Wait for the lease, record, and stop when another took it; runs until cancelled."""
        while True:
            await self._take()
            await self._start()
            while self._ours():
                obey_cancellation()
                await asyncio.sleep(0.5)
                await self._take_again()
            log.warning("camera_taken_over", camera_id=self.name, epoch=self._epoch)
            await self._end(None, 0.0)

    async def _take(self) -> None:
        """Until the lease is ours."""
        while True:
            obey_cancellation()
            await self._bus.usable()
            with contextlib.suppress(NotStored):
                newest = await newest_message(self._bus, self.name)
                lease = await self._parts.leases.take(self.name, newest.epoch if newest else 0)
                if isinstance(lease, Lease):
                    self._lease, self._epoch = lease, lease.epoch
                    return
            await asyncio.sleep(0.25)

    def check(self, *, clock_behind: bool) -> None:
        """Once a second. Raise what ended the keeping of this camera (another goes by our name): nobody else would."""
        self._saying.see_clock(clock_behind)
        if self._keeping.done() and not self._keeping.cancelled():
            self._keeping.result()

    def _ours(self) -> bool:
        """Is there no other writer? While the bus is away nobody can tell, and recording goes on."""
        return self._lease is not None

    async def _take_again(self) -> None:
        """A lease that ran out (the bus was away) is taken again; the epoch of this run stays below the new one's."""
        if self._lease is None or self._lease.held or not self._bus.connected:
            return
        with contextlib.suppress(NotStored):
            lease = await self._parts.leases.take(self.name, self._epoch)
            if isinstance(lease, Lease) and lease.rival <= self._epoch:
                self._lease = lease
            elif isinstance(lease, Lease):
                self._lease = None  # another wrote meanwhile: readers would refuse this run for good
                await lease.release()
            elif lease.holder:
                self._lease = None

    @property
    def position(self) -> Position | None:
        """Where the queue is that this process plays; None when it plays none."""
        return self._files.position if self._files is not None else None

    def update(self, config: CameraConfig) -> None:
        """Go on with another list of files: the run is the same, the list changes at the next boundary."""
        self.config = config
        if self._files is not None:
            self._files.change(config.source.files, config.source.loop)

    async def _start(self) -> None:
        """Send what a process before this one left, and begin after it."""
        newest, self._position = await self._newest()
        self._outbox = self._new_outbox()
        waiting = []
        for message in self._backlog.load():
            if newest is None or (message.first_slot > newest.last_slot and message.epoch >= newest.epoch):
                waiting.append(message)
                self._outbox.put(message)
            else:
                self._backlog.forget(message)
        before = waiting[-1].last_slot if waiting else newest.last_slot if newest else None
        self._begin(1, before)
        work = (self._outbox.run(), self._saying.run(), self._supervise())
        self._tasks = [asyncio.create_task(one) for one in work]
        log.info("recording_started", camera_id=self.name, epoch=self._epoch, source=self.config.source.kind)

    def _begin(self, number: int, last_published: int | None) -> None:
        """Start run `number` of this epoch."""
        loop = asyncio.get_running_loop()
        deliver = Deliver(
            video=lambda message: loop.call_soon_threadsafe(self._outbox.put, message),
            snapshot=lambda still: loop.call_soon_threadsafe(self._send_still, still),
            seen=lambda seen: loop.call_soon_threadsafe(self._saying.see, seen),
        )
        run = Run(self.name, self.config.profile.fps, self._epoch, number)
        self._saying.begin(self._epoch)
        self._recording = Recording(run, self.config, self._source(last_published), self._clock, deliver)
        self._recording.start(last_published)

    async def _supervise(self) -> None:
        """A recording that broke begins anew, at growing intervals; one whose source ended does not."""
        number, pause = 1, RESTART_FIRST
        while True:
            await asyncio.sleep(pause)
            recording = self._recording
            if recording is None or recording.alive:
                pause = RESTART_FIRST
            elif recording.ended == "source_ended":
                if self._files is not None and self._files.changing:
                    number += 1
                    self._begin(number, recording.last_slot)
                else:
                    self._saying.end("the source ended")
            else:
                _restarts.labels(self.name).inc()
                number, pause = number + 1, min(pause * 2, RESTART_MOST)
                self._begin(number, recording.last_slot)

    async def stop(self, end: End | None, patience: float = 1.5) -> None:
        """End the run, send what is left, say so if somebody wished it, and give the lease back."""
        self._keeping.cancel()
        await asyncio.wait((self._keeping,))
        await self._end(end, patience)
        if end == "stopped" and self._position is not None and self._position.ended:
            await forget(self._bus, self.name)
        if self._lease is not None:
            await self._lease.release()

    async def _end(self, end: End | None, patience: float) -> None:
        for task in self._tasks[2:]:
            task.cancel()
        if self._recording is not None:
            self._recording.stop(end)
            await asyncio.to_thread(self._recording.join)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._outbox.sent(), patience)
            if end == "stopped":
                self._saying.end("")
            await self._saying.say_last()
            log.info("recording_stopped", camera_id=self.name, end=end or "restart")
        self._recording, self._position, self._files = None, self.position or self._position, None
        for task in self._tasks:
            task.cancel()

    def _source(self, last_published: int | None) -> Source:
        """The source of a new recording; a queue goes on after its picture in the last published slot."""
        source, profile = self.config.source, self.config.profile
        if source.kind == "demo":
            return DemoSource(profile)
        loop = asyncio.get_running_loop()
        self._position = self.position or self._position
        queue = resumed(source.files, source.loop, self._position, last_published, profile.fps)
        player, pace = self._parts.player(self.name, profile), live_pace(profile.fps, self._clock.speed)

        def tell(text: str) -> None:
            loop.call_soon_threadsafe(self._saying.hear, text)

        self._files = FileSource(queue, player, pace, tell, self._parts.moved)
        return self._files

    async def _newest(self) -> tuple[VideoMessage | None, Position | None]:
        """The newest message that the stream holds, and where the queue was; asks until the bus answers."""
        while True:
            obey_cancellation()
            await self._bus.usable()
            try:
                newest = await newest_message(self._bus, self.name)
                return newest, await noted(self._bus, self.name, newest)
            except NotStored:
                await asyncio.sleep(0.2)

    def _new_outbox(self) -> Outbox:
        return Outbox(self._bus, self.name, self._backlog, self._may_send, self._on_trouble)

    def _may_send(self) -> bool:
        """Is it certain, by our own clock, that nobody else writes for this camera?"""
        return self._lease is not None and self._lease.held

    def _on_trouble(self) -> None:
        if self._recording is not None:
            self._recording.want_key()

    def _send_still(self, still: Snapshot) -> None:
        """Newest wins: a still that cannot go out at once is not worth waiting for."""
        if not self._may_send() or (self._still is not None and not self._still.done()):
            _stills_skipped.labels(self.name).inc()
            return
        self._still = asyncio.create_task(self._publish_still(still))

    async def _publish_still(self, still: Snapshot) -> None:
        try:
            await publish(self._bus, snapshot_subject(self.name), still.jpeg, still.headers(), patience=1.0)
        except BusError as problem:
            _stills_skipped.labels(self.name).inc()
            log.debug("still_not_stored", camera_id=self.name, reason=str(problem))
