"""Follow the cameras, and keep one recorder for each that is known."""

import asyncio
import contextlib

from prometheus_client import Counter

from libs.bus import Batch, Bus, NoServer, connect, follow
from libs.clock import SiteClock, wall_ms
from libs.contracts.cameras import Camera, fold
from libs.contracts.envelope import FactError, decode
from libs.contracts.streams import CAMERAS
from libs.media import MediaStore, NotMounted
from libs.observe import Health, get_log
from services.encoder.recorder import Recorder
from services.encoder.settings import Settings

log = get_log()
_unreadable = Counter("dolbom_facts_unreadable_total", "Facts that this service could not read", ["stream"])
WAIT = 0.3


async def serve(settings: Settings, health: Health, stop: asyncio.Event) -> None:
    """Package video until `stop`; waits for the media store and the bus at the start."""
    user = settings.nats_user or "encoder"
    while not stop.is_set():
        try:
            store = MediaStore.open(settings.media_url)
            async with connect(settings.nats_url, user, settings.nats_password.get_secret_value()) as bus:
                await Encoder(settings, store, bus).run(health, stop)
        except (NoServer, NotMounted) as problem:
            health.say("starting", ready=False, why=str(problem))
            log.info("waited_for", reason=str(problem))
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), WAIT)


class Encoder:
    """All recorders of this process."""

    def __init__(self, settings: Settings, store: MediaStore, bus: Bus) -> None:
        self._store, self._bus = store, bus
        self._clock = SiteClock.from_text(settings.dolbom_clock)
        self._writer = f"e{wall_ms()}"
        self._cameras: dict[str, Camera] = {}
        self._recorders: dict[str, tuple[Recorder, asyncio.Task[None]]] = {}

    async def run(self, health: Health, stop: asyncio.Event) -> None:
        """Until `stop`. What is open then is read from the bus again by the next encoder."""
        tasks = [asyncio.create_task(self._follow()), asyncio.create_task(self._watch(health))]
        stopped = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait([*tasks, stopped], return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (*tasks, stopped, *(task for _, task in self._recorders.values())):
                task.cancel()
        for task in tasks:
            if task.done() and not task.cancelled():
                task.result()

    async def _follow(self) -> None:
        async for batch in follow(self._bus, CAMERAS.name, CAMERAS.subjects):
            self._fold(batch)
            if batch.caught_up:
                self._reconcile()

    def _fold(self, batch: Batch) -> None:
        if batch.anew:
            self._cameras = {}
        for message in batch.messages:
            try:
                self._cameras = fold(self._cameras, decode(message.payload))
            except FactError as problem:
                _unreadable.labels(CAMERAS.name).inc()
                log.error("fact_unreadable", subject=message.subject, reason=str(problem))

    def _reconcile(self) -> None:
        """A recorder for each known camera; a new profile makes a new one (it goes on from the files)."""
        for camera in self._cameras.values():
            recorder, task = self._recorders.get(camera.id, (None, None))
            if recorder is not None and task is not None:
                recorder.wanted = camera.desired == "running" and camera.config is not None
                if camera.config is None or camera.config.profile == recorder.config.profile:
                    continue
                task.cancel()
            if camera.config is not None:
                recorder = Recorder(camera.id, camera.config, self._store, self._bus, self._clock, self._writer)
                recorder.wanted = camera.desired == "running"
                self._recorders[camera.id] = (recorder, asyncio.create_task(recorder.run(), name=camera.id))

    async def _watch(self, health: Health) -> None:
        """Once a second: clock, bus, recorders (one that broke begins again from the files)."""
        while True:
            self._clock.check()
            for name, (recorder, task) in list(self._recorders.items()):
                if task.done() and not task.cancelled():
                    log.error("recorder_broke", camera_id=name, exc_info=task.exception())
                    self._recorders[name] = (recorder, asyncio.create_task(recorder.run(), name=name))
            if self._bus.connected:
                health.say("ready", ready=True)
            else:
                health.say("degraded", ready=False, why="the bus is away; video waits there")
            await asyncio.sleep(1)
