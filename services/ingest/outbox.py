"""Seconds of video on their way to the bus: in order, each until it is stored, again after the bus lost its tail."""

import asyncio
from collections import deque
from collections.abc import Callable

from prometheus_client import Counter, Gauge

from libs.bus import Bus, NotStored, Refused, TooLarge, last_message, obey_cancellation, publish
from libs.contracts.frames import FrameError, VideoMessage, read_video
from libs.contracts.streams import VIDEO
from libs.contracts.subjects import video
from libs.observe import get_log
from services.ingest.backlog import Backlog

KEPT_MESSAGES = 900
"""Unsent messages that are kept while the bus is away (15 min, as long as the stream itself keeps them)."""

KEPT_BYTES = 60_000_000

RECENT_SECONDS = 120
"""Sent seconds that are kept: a killed server may forget what it had acknowledged."""

RETRY_FIRST, RETRY_MOST = 0.1, 2.0
log = get_log()
_dropped = Counter("dolbom_video_messages_dropped_total", "Seconds of video that never reached the bus", ["camera"])
_waiting = Gauge("dolbom_video_messages_waiting", "Seconds of video that wait for the bus", ["camera"])


class Outbox:
    """The messages of one camera. `put` from the event loop; `on_trouble` is called when a publish did not go well.

    Nothing is sent while `may_send` is false (no lease): whoever stood still for a while holds his tongue until he
    knows whether another has taken over.
    """

    def __init__(
        self,
        bus: Bus,
        camera: str,
        backlog: Backlog,
        may_send: Callable[[], bool],
        on_trouble: Callable[[], None],
    ) -> None:
        self._bus, self._camera, self._backlog = bus, camera, backlog
        self._may_send, self._on_trouble = may_send, on_trouble
        self._unsent: deque[VideoMessage] = deque()
        self._unsent_bytes = 0
        self._recent: deque[VideoMessage] = deque(maxlen=RECENT_SECONDS)
        self._arrived = asyncio.Event()
        self._empty = asyncio.Event()
        self._empty.set()
        self._generation = bus.generation

    def put(self, message: VideoMessage) -> None:
        """Add the newest message; the oldest are given up when too many wait."""
        self._unsent.append(message)
        self._unsent_bytes += _size(message)
        while len(self._unsent) > KEPT_MESSAGES or self._unsent_bytes > KEPT_BYTES:
            self._done()
            _dropped.labels(self._camera).inc()
            self._on_trouble()
        if not self._bus.connected:
            self._keep_all()
        self._empty.clear()
        self._arrived.set()

    def _keep_all(self) -> None:
        for message in self._unsent:
            self._backlog.keep(message)

    def _done(self) -> VideoMessage:
        """The oldest message waits no more."""
        message = self._unsent.popleft()
        self._unsent_bytes -= _size(message)
        self._backlog.forget(message)
        return message

    async def sent(self) -> None:
        """Wait until nothing waits any more."""
        await self._empty.wait()

    async def run(self) -> None:
        """Send for ever (until cancelled)."""
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            pause = RETRY_FIRST
            while self._unsent:
                obey_cancellation()
                if await self._send_next():
                    pause = RETRY_FIRST
                else:
                    await asyncio.sleep(pause)
                    pause = min(pause * 2, RETRY_MOST)
            _waiting.labels(self._camera).set(0)
            self._empty.set()

    async def _send_next(self) -> bool:
        """Send the oldest; False when it must be sent again later."""
        _waiting.labels(self._camera).set(len(self._unsent))
        try:
            await self._bus.usable()
            if self._bus.generation != self._generation:
                await self._take_back_lost()
            if not self._unsent:
                return True
            if not self._may_send():
                self._keep_all()
                return False
            message = self._unsent[0]
            await publish(self._bus, video(self._camera), message.payload(), message.headers())
        except NotStored as problem:
            log.info("video_not_stored", camera_id=self._camera, reason=str(problem))
            self._keep_all()
            self._on_trouble()
            return False
        except (Refused, TooLarge) as problem:
            log.error("video_refused", camera_id=self._camera, reason=str(problem))
            _dropped.labels(self._camera).inc()
            self._on_trouble()
        if self._unsent and self._unsent[0] is message:
            self._recent.append(self._done())
        return True

    async def _take_back_lost(self) -> None:
        """After a reconnect: what the stream no longer has goes out again, before everything newer.

        When another ingest writes there meanwhile, all of ours is void: readers would refuse it.
        """
        generation = self._bus.generation
        newest = await newest_message(self._bus, self._camera)
        if newest is not None and self._unsent and newest.epoch > self._unsent[0].epoch:
            log.warning("video_void", camera_id=self._camera, messages=len(self._unsent), epoch=newest.epoch)
            while self._unsent and self._unsent[0].epoch < newest.epoch:
                self._done()
            self._recent.clear()
        lost = [message for message in self._recent if newest is None or message.first_slot > newest.last_slot]
        for message in reversed(lost):
            self._recent.remove(message)
            self._unsent.appendleft(message)
            self._unsent_bytes += _size(message)
        if lost:
            log.warning("video_sent_again", camera_id=self._camera, messages=len(lost))
        self._generation = generation


def _size(message: VideoMessage) -> int:
    return sum(len(unit.data) for unit in message.units)


async def newest_message(bus: Bus, camera: str) -> VideoMessage | None:
    """The newest message of a camera, or None when there is none (or one that nobody can read)."""
    kept = await last_message(bus, VIDEO.name, video(camera))
    try:
        return read_video(camera, kept.headers, kept.payload) if kept else None
    except FrameError as problem:
        log.error("video_unreadable", camera_id=camera, reason=str(problem))
        return None
