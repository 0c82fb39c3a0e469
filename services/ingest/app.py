"""Follow what people wish of cameras, and record those that should run."""

import asyncio
import errno
import re
import secrets
import subprocess
import tempfile
import threading
from concurrent.futures import Future
from pathlib import Path

from prometheus_client import Counter

from libs.bus import Batch, Bus, Leases, Membership, Spool, follow, with_bus
from libs.clock import SiteClock
from libs.contracts.cameras import Camera as Wish
from libs.contracts.cameras import fold
from libs.contracts.envelope import FactError, decode
from libs.contracts.facts import Profile
from libs.contracts.positions import Position
from libs.contracts.streams import CAMERAS, FRAME_STREAMS
from libs.observe import Health, get_log
from libs.video.ffmpeg import NoFfmpeg, ffmpeg_program
from services.ingest.camera import Camera, Parts
from services.ingest.capture import start_child
from services.ingest.domain import plan
from services.ingest.film import Player
from services.ingest.past import PastCamera
from services.ingest.positions import Positions
from services.ingest.settings import Settings

SPAWN_PATIENCE = 10.0
"""Real seconds in which the main thread must have started a child."""

log = get_log()
_unreadable = Counter("dolbom_facts_unreadable_total", "Facts that this service could not read", ["stream"])
_clock_behind = Counter("dolbom_clock_behind_total", "Seconds in which the wall clock was behind the site clock")


async def serve(settings: Settings, health: Health, stop: asyncio.Event) -> None:
    """Record until `stop`; waits for the bus at the start."""
    ingest = Ingest(settings)

    async def record(bus: Bus) -> None:
        health.say("ready", ready=True)
        await ingest.run(bus, health, stop)

    def waits(why: str) -> None:
        health.say("starting", ready=False, why=why)

    await with_bus(settings, "ingest", record, stop, waits, FRAME_STREAMS)


class Ingest:
    """All cameras of this process."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._clock = SiteClock.from_text(settings.dolbom_clock)
        self._loop = asyncio.get_running_loop()
        self._wishes: dict[str, Wish] = {}
        self._cameras: dict[str, Camera | PastCamera] = {}
        self._carried_out: dict[str, Wish] = {}
        self._parts: Parts | None = None
        self._member = settings.dolbom_member or f"ingest-{secrets.token_hex(4)}"
        self._spool = Path(settings.dolbom_data, "spool", "video") if settings.dolbom_data else None

    async def run(self, bus: Bus, health: Health, stop: asyncio.Event) -> None:
        """Follow the wishes until `stop`, then end all recordings in order."""
        async with Membership(bus, "ingest", self._member) as me, Leases(me) as leases:
            facts = Spool(self._fact_spool(), bus)
            positions = Positions(bus, self._positions)
            self._parts = Parts(bus, leases, self._clock, self._player, self._spool, facts, positions.moved)
            work = (self._follow(bus), self._watch(bus, health), facts.run(), positions.run())
            tasks = [asyncio.create_task(one) for one in work]
            stopped = asyncio.create_task(stop.wait())
            try:
                await asyncio.wait([*tasks, stopped], return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in (*tasks, stopped):
                    task.cancel()
                await asyncio.gather(*(camera.stop(None) for camera in self._cameras.values()))
                self._cameras.clear()
                self._carried_out.clear()
            for task in tasks:
                if task.done() and not task.cancelled():
                    task.result()

    async def _follow(self, bus: Bus) -> None:
        async for batch in follow(bus, CAMERAS.name, CAMERAS.subjects):
            self._fold(batch)
            if batch.caught_up:
                await self._reconcile()

    def _fold(self, batch: Batch) -> None:
        if batch.anew:
            self._wishes = {}
        for message in batch.messages:
            try:
                self._wishes = fold(self._wishes, decode(message.payload))
            except FactError as problem:
                _unreadable.labels(CAMERAS.name).inc()
                log.error("fact_unreadable", subject=message.subject, reason=str(problem))

    async def _reconcile(self) -> None:
        steps = plan(self._wishes, self._carried_out)
        for name in steps.stop:
            del self._carried_out[name]
            await self._cameras.pop(name).stop("stopped")
        for name in steps.update:
            self._update(name)
        for name in steps.restart:
            await self._cameras.pop(name).stop(None)
        for name in (*steps.restart, *steps.start):
            wish = self._carried_out[name] = self._wishes[name]
            if wish.config is not None and self._parts is not None:
                past = wish.past and PastCamera(name, wish.config, wish.past, self._parts)
                self._cameras[name] = past or Camera(name, wish.config, self._parts)

    def _update(self, name: str) -> None:
        """The recording goes on, with another list of files."""
        wish, camera = self._wishes[name], self._cameras[name]
        self._carried_out[name] = wish
        if wish.config is not None and isinstance(camera, Camera):
            camera.update(wish.config)

    def _positions(self) -> dict[str, Position]:
        """Where the queues are."""
        live = ((name, camera.position) for name, camera in self._cameras.items() if isinstance(camera, Camera))
        return {name: position for name, position in live if position is not None}

    async def _watch(self, bus: Bus, health: Health) -> None:
        """Once a second: is the bus there, is the clock right?"""
        while True:
            verdict = self._clock.check()
            if verdict == "behind":
                _clock_behind.inc()
                health.say("degraded", ready=True, why="clock: the wall clock is behind the site clock")
            elif bus.connected:
                health.say("ready", ready=True)
            else:
                health.say("degraded", ready=False, why="the bus is away; recording goes on")
            if verdict == "jump":
                log.warning("clock_jumped")
            for camera in self._cameras.values():
                if isinstance(camera, Camera):
                    camera.check(clock_behind=verdict == "behind")
            await asyncio.sleep(1)

    def _fact_spool(self) -> Path:
        """Where facts wait for the bus; a site without a data directory keeps them for the life of the machine."""
        data = self._settings.dolbom_data or tempfile.gettempdir()
        return Path(data, "spool", self._member)

    def _player(self, name: str, profile: Profile) -> Player:
        """Files of a camera's own folder come before those of a folder outside the store."""
        folders = [Path(self._settings.media_url.removeprefix("file://"), name, "videos")]
        if self._settings.dolbom_videos:
            folders.append(Path(self._settings.dolbom_videos))
        try:
            program = ffmpeg_program(self._settings.ffmpeg_bin)
        except NoFfmpeg as problem:
            log.error("no_ffmpeg", reason=str(problem))
            program = "ffmpeg"
        return Player(profile, program, self._spawn, lambda file: _found(file, folders))

    def _spawn(self, arguments: list[str]) -> "subprocess.Popen[bytes]":
        """Start a child on the main thread, whichever thread asks."""
        if threading.current_thread() is threading.main_thread():
            return start_child(arguments)
        answer: Future[subprocess.Popen[bytes]] = Future()

        def start() -> None:
            if not answer.set_running_or_notify_cancel():
                return
            try:
                answer.set_result(start_child(arguments))
            except OSError as problem:
                answer.set_exception(problem)

        self._loop.call_soon_threadsafe(start)
        try:
            return answer.result(timeout=SPAWN_PATIENCE)
        except TimeoutError:
            if answer.cancel():
                raise
            return answer.result()  # it is being started right now


def _found(file: str, folders: list[Path]) -> Path:
    """The first folder that has the file; the last one is named when none has. Raises OSError for what is no name."""
    if not re.fullmatch(r"[^/\0]+", file):
        raise FileNotFoundError(errno.ENOENT, "that is no name of a file")
    return next((folder / file for folder in folders if (folder / file).is_file()), folders[-1] / file)
