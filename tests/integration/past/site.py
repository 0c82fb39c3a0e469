"""A site of a test's own: a real bus with rights, ingest and encoder as processes that can be killed."""

import asyncio
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from libs.bus import append_fact, last_message
from libs.contracts.envelope import Fact, Origin, decode, new_fact
from libs.contracts.facts import (
    CameraDesired,
    CameraObserved,
    CameraRegistered,
    PastRun,
    Profile,
    SegmentClosed,
    Source,
)
from libs.contracts.streams import CAMERAS, EVENTS
from libs.media import prepare_store
from tests import forked
from tests.forked import Forked
from tests.nats_server import NatsServer

ROOT = Path(__file__).parents[3]
CAMERA = "camera-p"
SMALL = Profile(width=160, height=120, fps=5)
DEMO = Source()


@dataclass
class PastSite:
    """Bus, media store, and the two services of the video path."""

    folder: Path
    server: NatsServer
    services: dict[str, Forked] = field(default_factory=dict)
    clock: str = ""
    """DOLBOM_CLOCK of services that are started from now on."""

    @property
    def hls(self) -> Path:
        return self.folder / "media" / CAMERA / "hls"

    @property
    def archives(self) -> list[Path]:
        return sorted((self.folder / "media" / CAMERA / "archive").glob("*.mp4"))

    @property
    def segments(self) -> list[Path]:
        """Oldest first."""
        return sorted(self.hls.glob("*.ts"), key=lambda path: int(path.stem.rsplit("_", 1)[1]))

    @property
    def ended(self) -> bool:
        """Does the playlist say that the run is over?"""
        playlist = self.hls / f"{CAMERA}.m3u8"
        return playlist.exists() and "#EXT-X-ENDLIST" in playlist.read_text(encoding="ascii")

    def start(self, *names: str) -> None:
        for name in names:
            told = {
                "NATS_URL": self.server.url,
                "NATS_USER": name,
                "NATS_PASSWORD": name,
                "MEDIA_URL": str(self.folder / "media"),
                "DOLBOM_DATA": str(self.folder / "data"),
                "DOLBOM_MEMBER": f"{name}-1",
                "DOLBOM_CLOCK": self.clock,
                "HEALTH_PORT": "0",
            }
            log = self.folder / f"{name}.log"
            self.services[name] = forked.start(f"services.{name}", {**os.environ, **told}, log)

    def kill(self, name: str) -> None:
        """As a crash does."""
        process = self.services.pop(name)
        process.kill()
        process.wait()

    def wish_live(self, profile: Profile = SMALL, days: int = 30, since_ms: int = 0) -> None:
        """Register the camera, and wish that it runs since then; its archives are kept for so many days."""
        registered = CameraRegistered(revision=1, name="live", profile=profile, retention_days=days)
        running = CameraDesired(revision=2, state="running", by="test")
        asyncio.run(self._append(registered, running, at_ms=since_ms))

    def wish(self, begin: datetime, end: datetime, source: Source = DEMO, profile: Profile = SMALL) -> None:
        """Register the camera, and wish a past run of it."""
        registered = CameraRegistered(revision=1, name="past", source=source, profile=profile, retention_days=3650)
        past = PastRun.model_validate({"from": begin, "to": end})
        desired = CameraDesired(revision=2, state="running", by="test", past=past)
        asyncio.run(self._append(registered, desired))

    def stop_wish(self) -> None:
        asyncio.run(self._append(CameraDesired(revision=3, state="stopped", by="test")))

    async def _append(self, *facts: CameraRegistered | CameraDesired, at_ms: int = 0) -> None:
        async with self.server.bus("query") as bus:
            for data in facts:
                last = await last_message(bus, CAMERAS.name, f"camera.*.{CAMERA}")
                fact = new_fact(data, CAMERA, (f"test-{data.revision}",), Origin("query", at_ms, at_ms))
                await append_fact(bus, fact, CAMERAS.name, f"camera.*.{CAMERA}", last.sequence if last else 0)

    def facts(self, kind: str) -> list[Fact]:
        """All facts of a kind about the camera, oldest first."""
        return asyncio.run(self._facts(f"{kind}.{CAMERA}"))

    async def _facts(self, subject: str) -> list[Fact]:
        async with self.server.bus("setup") as bus:
            info = await bus.js.stream_info(EVENTS.name)
            found = [await bus.js.get_msg(EVENTS.name, seq=n) for n in range(1, info.state.last_seq + 1)]
        return [decode(raw.data or b"") for raw in found if raw.subject == subject]

    def closed(self) -> list[SegmentClosed]:
        return [fact.data for fact in self.facts("segment.closed") if isinstance(fact.data, SegmentClosed)]

    def states(self) -> list[str]:
        """What was observed of the camera."""
        facts = self.facts("camera.observed")
        return [fact.data.state for fact in facts if isinstance(fact.data, CameraObserved)]

    def past_messages(self) -> int:
        """How many messages of the run stand on the bus."""

        async def count() -> int:
            async with self.server.bus("setup") as bus:
                info = await bus.js.stream_info("PAST")
                return info.state.messages

        return asyncio.run(count())

    def until_told(self, archives: int, seconds: float = 100.0) -> list[SegmentClosed]:
        """Wait until so many archives stand and are told."""
        until(lambda: len(self.archives) >= archives, seconds, self.words)
        until(lambda: len(self.closed()) >= archives, 20, self.words)
        return self.closed()

    def words(self) -> str:
        """The last words of the services."""
        logs = [self.folder / f"{name}.log" for name in ("ingest", "encoder")]
        return "\n".join(log.read_text(encoding="utf-8")[-1500:] for log in logs if log.exists())

    def end(self) -> None:
        for name in list(self.services):
            self.kill(name)
        self.server.kill()


def until(true: Callable[[], bool], seconds: float, why: Callable[[], str] = lambda: "") -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, f"it did not come true; {why()}"
        time.sleep(0.05)


@contextmanager
def past_site(folder: Path) -> Iterator[PastSite]:
    """A site without services; all that was started ends with the block."""
    folder.mkdir(parents=True, exist_ok=True)
    prepare_store(folder / "media")
    server = NatsServer(folder)
    server.start()
    site = PastSite(folder, server)
    try:
        server.set_up()
        yield site
    finally:
        site.end()
