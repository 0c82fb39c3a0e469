"""Follow the cameras, and keep one recorder for each that is known."""

import asyncio
import contextlib
import secrets
from functools import partial

from prometheus_client import Counter

from libs.bus import Bus, Leases, Membership, Received, follow, with_bus
from libs.clock import SiteClock
from libs.contracts.cameras import Camera, fold
from libs.contracts.envelope import FactError, decode
from libs.contracts.facts import CameraDesired
from libs.contracts.slots import unix_ms
from libs.contracts.streams import CAMERAS
from libs.media import MediaStore, NotMounted
from libs.observe import Health, get_log
from services.encoder.archivist import Archivist
from services.encoder.recorder import Parts, Recorder
from services.encoder.settings import Settings

log = get_log()
_unreadable = Counter("dolbom_facts_unreadable_total", "Facts that this service could not read", ["stream"])
WAIT = 0.3


async def serve(settings: Settings, health: Health, stop: asyncio.Event) -> None:
    """Package video until `stop`; waits for the media store and the bus at the start."""

    def waits(why: str) -> None:
        health.say("starting", ready=False, why=why)

    while not stop.is_set():
        try:
            store = MediaStore.open(settings.media_url)
            await with_bus(settings, "encoder", partial(_package, settings, store, health, stop), stop, waits)
        except NotMounted as problem:
            waits(str(problem))
            log.info("store_waited_for", reason=str(problem))
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), WAIT)


async def _package(settings: Settings, store: MediaStore, health: Health, stop: asyncio.Event, bus: Bus) -> None:
    await Encoder(settings, store, bus).run(health, stop)


class Encoder:
    """All recorders of this process, and the archives that follow from what they close."""

    def __init__(self, settings: Settings, store: MediaStore, bus: Bus) -> None:
        self._bus = bus
        self._clock = SiteClock.from_text(settings.dolbom_clock)
        self._cameras: dict[str, Camera] = {}
        self._wished_ms: dict[str, int] = {}
        self._recorders: dict[str, Recorder] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._leases: Leases | None = None
        self._member = settings.dolbom_member or f"encoder-{secrets.token_hex(4)}"
        self._archivist = Archivist(store, bus, self._clock, lambda: self._recorders, settings.limits)
        self._parts = Parts(store, bus, self._clock, self._archivist.wake)

    async def run(self, health: Health, stop: asyncio.Event) -> None:
        """Until `stop`. What is open then is read from the bus again by the next encoder."""
        async with Membership(self._bus, "encoder", self._member) as me, Leases(me) as leases:
            self._leases = leases
            work = (self._follow(), self._watch(health), self._archivist.run())
            tasks = [asyncio.create_task(one) for one in work]
            stopped = asyncio.create_task(stop.wait())
            try:
                await asyncio.wait([*tasks, stopped], return_when=asyncio.FIRST_COMPLETED)
            finally:
                ending = (*tasks, stopped, *self._tasks.values())
                for task in ending:
                    task.cancel()
                await asyncio.wait(ending)
            for task in tasks:
                if not task.cancelled():
                    task.result()

    async def _follow(self) -> None:
        async for batch in follow(self._bus, CAMERAS.name, CAMERAS.subjects):
            if batch.anew:
                self._cameras = {}
            for message in batch.messages:
                self._learn(message)
            if batch.caught_up:
                self._reconcile()

    def _learn(self, message: Received) -> None:
        try:
            fact = decode(message.payload)
        except FactError as problem:
            _unreadable.labels(CAMERAS.name).inc()
            log.error("fact_unreadable", subject=message.subject, reason=str(problem))
            return
        before = self._cameras.get(fact.subject)
        self._cameras = fold(self._cameras, fact)
        if self._cameras[fact.subject] != before and isinstance(fact.data, CameraDesired):
            self._wished_ms[fact.subject] = unix_ms(fact.time)

    def _reconcile(self) -> None:
        """A recorder for each known camera; a new profile makes a new one (it goes on from the files)."""
        for camera in self._cameras.values():
            recorder = self._recorders.get(camera.id)
            if recorder is not None:
                recorder.wished_from_ms, recorder.stopped = self._wished_from_ms(camera), camera.desired == "stopped"
            if camera.config is None or (recorder and _is_for(recorder, camera)):
                continue
            if camera.id in self._tasks:
                self._tasks[camera.id].cancel()
            wished_from = self._wished_from_ms(camera)
            self._recorders[camera.id] = Recorder(camera.id, camera.config, wished_from, self._parts, camera.past)
            self._recorders[camera.id].stopped = camera.desired == "stopped"
            self._begin(camera.id)

    def _begin(self, camera: str) -> None:
        """Record whenever the lease is ours. Leases remember their own epochs: nothing else is known of them here."""

        async def newest() -> int:
            return 0

        if self._leases is not None:
            holding = self._leases.hold(camera, newest, self._recorders[camera].run)
            self._tasks[camera] = asyncio.create_task(holding, name=camera)

    def _wished_from_ms(self, camera: Camera) -> int | None:
        """Since when (Unix ms, site time) the camera should run live, or None."""
        if camera.config is None or camera.desired != "running" or camera.past:
            return None
        return self._wished_ms.get(camera.id, 0)

    async def _watch(self, health: Health) -> None:
        """Once a second: clock, bus, recorders (one that broke begins again from the files)."""
        while True:
            self._clock.check()
            for name, task in list(self._tasks.items()):
                if task.done() and not task.cancelled():
                    log.error("recorder_broke", camera_id=name, exc_info=task.exception())
                    self._begin(name)
            if self._bus.connected:
                health.say("ready", ready=True)
            else:
                health.say("degraded", ready=False, why="the bus is away; video waits there")
            await asyncio.sleep(1)


def _is_for(recorder: Recorder, camera: Camera) -> bool:
    """Does it record what is wished, as far as that changes files?"""
    profile = camera.config.profile if camera.config else None
    return recorder.config.profile == profile and recorder.past == camera.past
