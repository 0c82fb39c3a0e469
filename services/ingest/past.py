"""A past run of one camera: its slots are filled as fast as the readers take them, each once, whatever is killed."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Iterator

from prometheus_client import Counter

from libs.bus import (
    Bus,
    Conflict,
    Full,
    Lease,
    NotStored,
    Stored,
    append,
    last_message,
    obey_cancellation,
    publish,
)
from libs.contracts.facts import CameraConfig, PastRun
from libs.contracts.frames import End, FrameError, VideoMessage, read_video
from libs.contracts.streams import PAST
from libs.contracts.subjects import past_snapshot, past_video
from libs.observe import get_log
from services.ingest.camera import RESTART_FIRST, RESTART_MOST, Parts
from services.ingest.demo import DemoSource
from services.ingest.domain import Run, past_slots, resume
from services.ingest.files import PATIENT, FileSource
from services.ingest.past_recording import PastRecording, Second
from services.ingest.queue import Queue
from services.ingest.recording import Source
from services.ingest.saying import Saying
from services.ingest.states import ONLINE

log = get_log()
_waits = Counter("dolbom_past_waits_total", "Publishes of past runs that waited for the readers", ["camera"])
_broken = Counter("dolbom_past_runs_broken_total", "Past runs that broke and went on from the bus", ["camera"])
FULL_PAUSE, RETRY_PAUSE = 0.02, 0.25


class _TakenOver(Exception):
    """Another ingest has the lease now."""


class PastCamera:
    """Publishes one past run until it is done or `stop`. Make it on the event loop.

    Every message is stored only right after the one that stood last before it: of two writers one is refused, so
    whoever goes on from the last message goes on from the truth, and no slot is lost or comes twice.
    """

    def __init__(self, name: str, config: CameraConfig, past: PastRun, parts: Parts) -> None:
        self.name, self.config, self.past, self._parts = name, config, past, parts
        self._bus: Bus = parts.bus
        self._lease: Lease | None = None
        self._epoch = self._number = self._last_sequence = 0
        self._recording: PastRecording | None = None
        self._saying = Saying(name, parts.clock, parts.facts)
        self._keeping = asyncio.create_task(self._keep(), name=f"past {name}")

    async def stop(self, end: End | None, patience: float = 1.5) -> None:
        """End the run, tell `end` in its last message if the readers take it in time, and give the lease back."""
        if end is not None and self._recording is not None:
            self._recording.stop(end)
            await asyncio.wait((self._keeping,), timeout=patience)
        told = self._keeping.done()
        self._keeping.cancel()
        await asyncio.wait((self._keeping,))
        if end is not None and self._lease is not None and not told:
            self._saying.end("")
            await self._saying.say_last()
        if self._lease is not None:
            await self._lease.release()

    async def _keep(self) -> None:
        """Until all is published; what breaks goes on from the last message on the bus."""
        pause = RESTART_FIRST
        while True:
            obey_cancellation()
            try:
                await self._fill()
            except (Conflict, _TakenOver) as problem:
                log.warning("past_run_taken_over", camera_id=self.name, epoch=self._epoch, reason=str(problem))
            except Exception:
                log.exception("past_run_broke", camera_id=self.name)
            else:
                return
            _broken.labels(self.name).inc()
            await asyncio.sleep(pause)
            pause = min(pause * 2, RESTART_MOST)

    async def _fill(self) -> None:
        """Take the lease, find the slot to go on at, and publish up to the end of the run."""
        await self._take()
        slots, last = past_slots(self.past, self.config.profile.fps), await self._last()
        first = resume(slots, last, self.config.profile.fps)
        if first is None:
            log.info("past_run_done_before", camera_id=self.name)
            return
        self._number += 1
        run = Run(self.name, self.config.profile.fps, self._epoch, self._number)
        self._recording = PastRecording(run, self.config, self._source(), slots, first, looks=self.past.looks)
        log.info("past_run_started", camera_id=self.name, epoch=self._epoch, first_slot=first, until=slots.stop)
        # The health of its pictures is not judged: nobody can go and wipe the lens in the past, and the states of a
        # camera are those of the present.
        self._saying.begin(self._epoch)
        self._saying.see(ONLINE)
        await self._saying.say_due()
        async with contextlib.aclosing(_drawn(self._recording)) as seconds:
            async for second in seconds:
                await self._publish(second)
                await self._saying.say_due()
        self._saying.end(self._recording.why)
        await self._saying.say_last()
        log.info("past_run_ended", camera_id=self.name, reason=self._recording.why)
        if self._lease is not None:
            await self._lease.release()

    async def _publish(self, second: Second) -> None:
        """Stills first: whoever goes on after a crash begins after the last video, so none is left out."""
        for still in second.stills:
            await self._until_stored(past_snapshot(self.name), still.jpeg, still.headers())
        for message in second.messages:
            stored = await self._until_stored(past_video(self.name), message.payload(), message.headers(), chained=True)
            self._last_sequence = stored.sequence

    async def _until_stored(
        self, subject: str, payload: bytes, headers: dict[str, str], *, chained: bool = False
    ) -> Stored:
        """Again with the same id until the bus has it, however long the readers take."""
        while True:
            obey_cancellation()
            await self._bus.usable()
            await self._still_ours()
            try:
                if chained:
                    return await append(self._bus, PAST.name, subject, payload, headers, self._last_sequence)
                return await publish(self._bus, subject, payload, headers)
            except Full:
                _waits.labels(self.name).inc()
                await asyncio.sleep(FULL_PAUSE)
            except NotStored as problem:
                log.info("past_video_not_stored", camera_id=self.name, reason=str(problem))
                await asyncio.sleep(RETRY_PAUSE)

    async def _take(self) -> None:
        """Until the lease is ours."""
        while True:
            obey_cancellation()
            await self._bus.usable()
            with contextlib.suppress(NotStored):
                last = await self._last()
                lease = await self._parts.leases.take(self.name, last.epoch if last else 0)
                if isinstance(lease, Lease):
                    self._lease, self._epoch = lease, lease.epoch
                    return
            await asyncio.sleep(RETRY_PAUSE)

    async def _still_ours(self) -> None:
        """A lease that ran out (the bus was away) is taken again; the run keeps its epoch. Raises _TakenOver."""
        while self._lease is None or not self._lease.held:
            obey_cancellation()
            lease = await self._parts.leases.take(self.name, self._epoch)
            if isinstance(lease, Lease):
                self._lease = lease
            elif lease.holder:
                raise _TakenOver(lease.holder)
            else:
                await asyncio.sleep(RETRY_PAUSE)

    async def _last(self) -> VideoMessage | None:
        """The newest message of this camera in the stream; its sequence is what the next one must follow."""
        kept = await last_message(self._bus, PAST.name, past_video(self.name))
        self._last_sequence = kept.sequence if kept else 0
        try:
            return read_video(self.name, kept.headers, kept.payload) if kept else None
        except FrameError as problem:
            log.error("video_unreadable", camera_id=self.name, reason=str(problem))
            return None

    def _source(self) -> Source:
        """Files are played once, whatever the camera does live, and from the first on: see PastRecording."""
        if self.config.source.kind == "demo":
            return DemoSource(self.config.profile)
        loop, queue = asyncio.get_running_loop(), Queue(self.config.source.files, loop=False)
        player = self._parts.player(self.name, self.config.profile)

        def tell(text: str) -> None:
            loop.call_soon_threadsafe(self._saying.hear, text)

        return FileSource(queue, player, PATIENT, tell, moved=lambda: None)


async def _drawn(recording: PastRecording) -> AsyncGenerator[Second, None]:
    """The seconds of a recording, made off the event loop, one ahead of the one that is being sent and no more."""
    seconds: Iterator[Second] = recording.seconds()
    ahead = asyncio.ensure_future(asyncio.to_thread(next, seconds, None))
    try:
        while (second := await asyncio.shield(ahead)) is not None:
            ahead = asyncio.ensure_future(asyncio.to_thread(next, seconds, None))
            yield second
    finally:
        recording.stop(None)
        await asyncio.wait((ahead,))
        if not ahead.cancelled():
            ahead.exception()
        recording.close()
