"""What decides at once, folded in memory: the cameras as people decided them, how they are, and the newest stills."""

import asyncio
import contextlib
from dataclasses import replace

from prometheus_client import Counter

from libs.bus import Batch, Bus, Received, Start, follow
from libs.contracts.envelope import Fact, FactError, NewerFact, decode
from libs.contracts.facts import CameraObserved
from libs.contracts.frames import FrameError, Snapshot, read_snapshot
from libs.contracts.ids import is_camera_id
from libs.contracts.streams import CAMERAS, EVENTS, SNAPSHOTS
from libs.observe import get_log
from services.query.domain import Known, learn, newer_observed, newer_still, unknown

SKIPPED = Counter("dolbom_query_skipped", "Messages that could not be used, by stream and reason", ("stream", "reason"))
OBSERVED = "camera.observed.*"
PATIENCE = 1.0
log = get_log()


class View:
    """Read it at any time; it is written by its readers of the bus, and by whoever stored a fact himself."""

    def __init__(self) -> None:
        self.cameras: dict[str, Known] = {}
        self.observed: dict[str, Fact] = {}
        self.stills: dict[str, Snapshot] = {}
        self.read: set[str] = set()
        """Streams of which everything that stands was read."""
        self._changed = asyncio.Event()

    def camera(self, camera_id: str) -> Known:
        """What is known of a camera, registered or not."""
        return self.cameras.get(camera_id, unknown(camera_id))

    def take_camera_fact(self, fact: Fact, sequence: int) -> None:
        """Learn a fact of `CAMERAS`."""
        self.cameras[fact.subject] = learn(self.camera(fact.subject), fact)
        self._mark(fact.subject, sequence)

    async def advanced(self, camera_id: str, beyond: int) -> None:
        """Wait until more than sequence `beyond` is known of a camera, for a second at most."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE):
                while self.camera(camera_id).last <= beyond:
                    await self._changed.wait()

    async def learnt(self, fact: Fact) -> None:
        """Wait until a fact of a camera, or a newer one of its kind, is known; for a second at most."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE):
                while not self._knows(fact):
                    await self._changed.wait()

    def _knows(self, fact: Fact) -> bool:
        if isinstance(fact.data, CameraObserved):
            seen = self.observed.get(fact.subject)
            return seen is not None and newer_observed(seen, fact) is seen
        known = self.camera(fact.subject)
        return learn(known, fact) is known

    async def all_read(self, stream: str) -> None:
        """Wait until everything that stands in the stream was read."""
        while stream not in self.read:
            await self._changed.wait()

    async def keep(self, bus: Bus) -> None:
        """Follow the bus for ever."""
        async with asyncio.TaskGroup() as readers:
            readers.create_task(self._follow(bus, CAMERAS.name, CAMERAS.subjects, "first"))
            # A camera's last observation is its newest: ingest appends it under its lease.
            readers.create_task(self._follow(bus, EVENTS.name, (OBSERVED,), "last_per_subject"))
            readers.create_task(self._follow(bus, SNAPSHOTS.name, SNAPSHOTS.subjects, "last_per_subject"))

    async def _follow(self, bus: Bus, stream: str, subjects: tuple[str, ...], start: Start) -> None:
        async for batch in follow(bus, stream, subjects, start):
            self._take(stream, batch)
            changed, self._changed = self._changed, asyncio.Event()
            changed.set()

    def _take(self, stream: str, batch: Batch) -> None:
        if batch.anew:
            self._forget(stream)
        for received in batch.messages:
            camera_id = received.subject.rsplit(".", 1)[-1]
            if not is_camera_id(camera_id):
                self._skip(stream, "undecodable", received, "the subject ends with no camera id")
            elif stream == SNAPSHOTS.name:
                self._take_still(camera_id, received)
            else:
                self._take_fact(stream, camera_id, received)
        if batch.caught_up:
            self.read.add(stream)

    def _take_fact(self, stream: str, camera_id: str, received: Received) -> None:
        if stream == CAMERAS.name:
            # Whoever writes over this camera must name this sequence, readable or not.
            self._mark(camera_id, received.sequence)
        try:
            fact = decode(received.payload)
        except NewerFact as problem:
            self._skip(stream, "newer", received, str(problem))
            return
        except FactError as problem:
            self._skip(stream, "undecodable", received, str(problem))
            return
        if fact.nats_subject != received.subject:
            self._skip(stream, "undecodable", received, "the fact belongs to another subject")
        elif stream == CAMERAS.name:
            self.take_camera_fact(fact, received.sequence)
        elif isinstance(fact.data, CameraObserved):
            self.observed[camera_id] = newer_observed(self.observed.get(camera_id), fact)

    def _take_still(self, camera_id: str, received: Received) -> None:
        try:
            still = read_snapshot(camera_id, received.headers, received.payload)
        except FrameError as problem:
            self._skip(SNAPSHOTS.name, "undecodable", received, str(problem))
        else:
            self.stills[camera_id] = newer_still(self.stills.get(camera_id), still)

    def _mark(self, camera_id: str, sequence: int) -> None:
        """Overwritten, not raised: a server that lost its tail uses the sequences again."""
        self.cameras[camera_id] = replace(self.camera(camera_id), last=sequence)

    def _forget(self, stream: str) -> None:
        """The stream was made anew: what it told is no more."""
        self.read.discard(stream)
        match stream:
            case CAMERAS.name:
                self.cameras.clear()
            case EVENTS.name:
                self.observed.clear()
            case _:
                self.stills.clear()

    def _skip(self, stream: str, reason: str, received: Received, why: str) -> None:
        SKIPPED.labels(stream, reason).inc()
        log.warning("skipped", stream=stream, subject=received.subject, sequence=received.sequence, reason=why)
