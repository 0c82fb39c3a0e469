"""A bus with rights and ingest as a process that can be killed; cameras of files, and what was published of them."""

import asyncio
import io
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import av
import numpy as np

from libs.bus import append_fact, last_message
from libs.contracts.envelope import Fact, Origin, decode, new_fact
from libs.contracts.facts import (
    CameraDesired,
    CameraObserved,
    CameraRegistered,
    CameraUpdated,
    FactData,
    Profile,
    Source,
)
from libs.contracts.frames import VideoMessage, read_video
from libs.contracts.positions import Position, decode_position, position_subject
from libs.contracts.streams import CAMERAS, EVENTS, VIDEO
from libs.contracts.subjects import video
from libs.media import prepare_store
from libs.video.sei import read_stamp
from tests import forked
from tests.forked import Forked
from tests.integration.ingest.films import read_number
from tests.nats_server import NatsServer

CAMERA = "camera-q"
SMALL = Profile(width=64, height=48, fps=5)


@dataclass(frozen=True)
class Shown:
    """One published slot: what its stamp says of it, and which picture of which film a decoder sees."""

    slot: int
    kind: str
    run: str
    film: int
    picture: int


@dataclass
class QueueSite:
    """Bus, media store and ingest."""

    folder: Path
    server: NatsServer
    clock: str = ""
    ingest: Forked | None = None
    revisions: dict[str, int] = field(default_factory=dict)

    def videos(self, camera: str = CAMERA) -> Path:
        """Where the files of a camera stand."""
        folder = self.folder / "media" / camera / "videos"
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def start(self) -> None:
        told = {
            "NATS_URL": self.server.url,
            "NATS_USER": "ingest",
            "NATS_PASSWORD": "ingest",
            "MEDIA_URL": str(self.folder / "media"),
            "DOLBOM_DATA": str(self.folder / "data"),
            "DOLBOM_MEMBER": "ingest-1",
            "DOLBOM_CLOCK": self.clock,
            "HEALTH_PORT": "0",
        }
        self.ingest = forked.start("services.ingest", {**os.environ, **told}, self.folder / "ingest.log")

    def kill(self) -> None:
        """As a crash does."""
        if self.ingest is not None:
            self.ingest.kill()
            self.ingest.wait()
            self.ingest = None

    def play(self, files: Sequence[str], *, loop: bool = True, profile: Profile = SMALL, camera: str = CAMERA) -> None:
        """Register a camera of these files, and wish that it runs."""
        source = Source(kind="files", files=tuple(files), loop=loop)
        self._append(camera, CameraRegistered(revision=1, name="queue", source=source, profile=profile))
        self._append(camera, CameraDesired(revision=2, state="running", by="test"))

    def change(self, files: Sequence[str], *, loop: bool = True, profile: Profile = SMALL) -> None:
        """Another list for the camera."""
        source = Source(kind="files", files=tuple(files), loop=loop)
        revision = self.revisions[CAMERA] + 1
        self._append(CAMERA, CameraUpdated(revision=revision, name="queue", source=source, profile=profile))

    def wish(self, running: bool) -> None:
        """Start or stop, as people do."""
        state = "running" if running else "stopped"
        self._append(
            CAMERA, CameraDesired.model_validate({"revision": self.revisions[CAMERA] + 1, "state": state, "by": "test"})
        )

    def messages(self, camera: str = CAMERA) -> list[VideoMessage]:
        """Everything that stands on the bus, oldest first."""
        return asyncio.run(self._messages(camera))

    def shown(self) -> list[Shown]:
        """Every published slot, decoded run by run."""
        messages, found = self.messages(), []
        for run in dict.fromkeys(message.run for message in messages):
            units = [unit for message in messages if message.run == run for unit in message.units]
            with av.open(io.BytesIO(b"".join(unit.data for unit in units)), "r", format="h264") as container:
                greys = [np.asarray(one.to_ndarray(format="gray"), np.uint8) for one in container.decode(video=0)]
            assert len(greys) == len(units), run
            for unit, grey in zip(units, greys, strict=True):
                stamp = read_stamp(unit.data)
                assert stamp is not None
                assert (stamp.slot, stamp.kind) == (unit.slot, unit.kind), "the header says what the picture says"
                found.append(Shown(stamp.slot, stamp.kind, run, *read_number(grey)))
        return found

    def states(self) -> list[tuple[str, str]]:
        """What was said of the camera: state and cause."""
        facts = [fact.data for fact in asyncio.run(self._observed())]
        return [(data.state, data.cause) for data in facts if isinstance(data, CameraObserved)]

    def position(self) -> Position | None:
        """What stands in the bucket."""
        return asyncio.run(self._position())

    def slots(self, camera: str = CAMERA) -> int:
        """How many slots were published."""
        return sum(len(message.units) for message in self.messages(camera))

    def words(self) -> str:
        """The last words of ingest."""
        return (self.folder / "ingest.log").read_text(encoding="utf-8")[-2000:]

    def until(self, true: Callable[[], bool], seconds: float = 30.0) -> None:
        end = time.monotonic() + seconds
        while not true():
            assert time.monotonic() < end, f"it did not come true; {self.words()}"
            time.sleep(0.05)

    async def _messages(self, camera: str) -> list[VideoMessage]:
        async with self.server.bus("encoder") as bus:
            info = await bus.js.stream_info(VIDEO.name)
            first, last = info.state.first_seq, info.state.last_seq
            raws = [await bus.js.get_msg(VIDEO.name, seq=number) for number in range(max(1, first), last + 1)]
        mine = [raw for raw in raws if raw.subject == video(camera)]
        return [read_video(camera, raw.headers or {}, raw.data or b"") for raw in mine]

    async def _observed(self) -> list[Fact]:
        async with self.server.bus("setup") as bus:
            info = await bus.js.stream_info(EVENTS.name)
            raws = [await bus.js.get_msg(EVENTS.name, seq=number) for number in range(1, info.state.last_seq + 1)]
        return [decode(raw.data or b"") for raw in raws if raw.subject == f"camera.observed.{CAMERA}"]

    async def _position(self) -> Position | None:
        async with self.server.bus("query") as bus:
            kept = await last_message(bus, "KV_positions", position_subject(CAMERA))
        return decode_position(kept.payload) if kept and kept.payload else None

    def _append(self, camera: str, data: FactData) -> None:
        async def append() -> None:
            over, request = f"camera.*.{camera}", f"{camera}-{data.fact}-{self.revisions[camera]}"
            async with self.server.bus("query") as bus:
                last = await last_message(bus, CAMERAS.name, over)
                fact = new_fact(data, camera, (request,), Origin("query", 0, 0))
                await append_fact(bus, fact, CAMERAS.name, over, last.sequence if last else 0)

        self.revisions[camera] = self.revisions.get(camera, 0) + 1
        asyncio.run(append())


@contextmanager
def queue_site(folder: Path, clock: str = "") -> Iterator[QueueSite]:
    """A site without ingest yet; all that was started ends with the block."""
    folder.mkdir(parents=True, exist_ok=True)
    prepare_store(folder / "media")
    server = NatsServer(folder)
    server.start()
    site = QueueSite(folder, server, clock)
    try:
        server.set_up()
        yield site
    finally:
        site.kill()
        server.kill()


def anchored(speed: int) -> str:
    """A clock that runs `speed` times as fast from now on, the same for every process that is told it."""
    now = time.time_ns() // 1_000_000
    return f"2026-03-02T09:00:00Z@{speed}@{now}"
