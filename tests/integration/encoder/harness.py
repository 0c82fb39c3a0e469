"""A store with made segments, a real bus and a clock that stands still."""

import asyncio
import functools
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import cast

from libs.bus import Bus, Lease, Leases, follow, publish_fact
from libs.clock import SiteClock
from libs.contracts.envelope import Fact, Origin, decode, new_fact
from libs.contracts.facts import FactData, Profile, SegmentClosed, SegmentExpired, SegmentMissed
from libs.contracts.frames import Unit
from libs.contracts.slots import hls_index, moment, slot_start_ms
from libs.contracts.streams import EVENTS
from libs.media import MediaStore, archive_name, media_key, prepare_store, segment_name
from libs.video.mux import ts_segment
from libs.video.sei import Stamp
from libs.video.x264 import H264Encoder
from services.encoder.archives import Archives
from services.encoder.retention import Retention
from services.encoder.windows import Told
from services.ingest.demo import DemoSource

FPS = 5
SMALL = Profile(width=64, height=48)
WINDOW = 2_990_000
"""A window of November 2026."""
FIRST = WINDOW * 3000
"""Its first slot."""


@functools.lru_cache(maxsize=32)
def units(first: int, kinds: str, fps: int = FPS) -> tuple[Unit, ...]:
    """Access units from slot `first` on, one for each letter: c captured, h held, s slate."""
    profile = SMALL.model_copy(update={"fps": fps})
    encoder, source = H264Encoder(profile), DemoSource(profile)
    made: list[Unit] = []
    for slot, letter in enumerate(kinds, first):
        kind, cause = {"c": ("c", "none"), "h": ("h", "none"), "s": ("s", "ingest")}[letter]
        made += encoder.encode(source.picture(slot), Stamp(slot, kind, cause))  # type: ignore[arg-type]
    return (*made, *encoder.flush())


def segments(first: int, kinds: str, fps: int = FPS) -> dict[int, bytes]:
    """The `.ts` files of these slots, by HLS index."""
    by_index: dict[int, list[Unit]] = {}
    for unit in units(first, kinds, fps):
        by_index.setdefault(hls_index(unit.slot, fps), []).append(unit)
    return {index: ts_segment(row, fps, SMALL.width, SMALL.height) for index, row in by_index.items()}


def still(now_ms: int) -> SiteClock:
    """A clock that shows one moment."""
    return SiteClock(monotonic=lambda: 0.0, wall=lambda: now_ms)


class Held(Lease):
    """A lease that nobody takes away."""

    def valid_for(self) -> float:
        return 60.0


def held(camera: str, epoch: int) -> Held:
    return Held(camera, epoch, 1, 1, cast(Leases, None))


class Site:
    """One camera's folder in a store, and what the bus says of it."""

    def __init__(self, root: Path, bus: Bus, camera: str) -> None:
        prepare_store(root)
        self.root, self.bus, self.camera = root, bus, camera
        self.store = MediaStore.open(str(root))

    def put(self, made: dict[int, bytes]) -> None:
        """Closed segments stand on disk."""
        for index, data in made.items():
            self.store.write_once(f"{self.camera}/hls", segment_name(self.camera, index), data, "e1")

    def put_slots(self, first: int, kinds: str, fps: int = FPS) -> None:
        self.put(segments(first, kinds, fps))

    def archives(self, now_ms: int = FIRST * 200, told: Told | None = None) -> Archives:
        """As a process that has just started and read the facts `told`."""
        return Archives(self.camera, told or Told(), self.store, self.bus, still(now_ms))

    def files(self, folder: str) -> list[str]:
        """All names, half-written ones among them."""
        path = self.root / self.camera / folder
        return sorted(os.listdir(path)) if path.is_dir() else []

    async def say(self, data: SegmentClosed | SegmentMissed | SegmentExpired) -> Fact:
        """Another encoder said this."""
        fact = new_fact(data, self.camera, (self.camera, data.first_slot), Origin("encoder", 0, 0))
        await publish_fact(self.bus, fact, None)
        return fact

    async def facts(self) -> list[Fact]:
        """All of this camera that stand on the bus, in order."""
        found: list[Fact] = []
        batches = follow(self.bus, EVENTS.name, [f"segment.*.{self.camera}"])
        async for batch in batches:
            found += [decode(message.payload) for message in batch.messages]
            if batch.caught_up:
                break
        await batches.aclose()
        return found

    async def told(self) -> Told:
        """What a new process learns from the bus."""
        told = Told()
        for fact in await self.facts():
            told.learn(fact.data)
        return told

    async def closed(self) -> list[SegmentClosed]:
        return [data for data in map(_data, await self.facts()) if isinstance(data, SegmentClosed)]

    async def missed(self) -> list[SegmentMissed]:
        return [data for data in map(_data, await self.facts()) if isinstance(data, SegmentMissed)]


async def make_due(archives: Archives, growing: int | None, wished_from: int | None, epoch: int) -> int:
    """One pass over a camera; returns how many archives were due. `growing`, `wished_from`: slots.

    As when the last segment was closed before `growing` was asked for.
    """
    index = None if growing is None else hls_index(growing, FPS)
    due = await archives.due(index, 1 << 62 if index is None else index)
    for row in due:
        await archives.make(row, epoch)
    if wished_from is not None:
        await archives.tell_lost(slot_start_ms(wished_from, FPS), index, FPS, epoch)
    return len(due)


def _data(fact: Fact) -> FactData:
    return fact.data


async def archive(site: Site, windows_later: int = 0, *, told: bool = True, size: int = 1000) -> SegmentClosed:
    """An archive stands, and a fact tells of it."""
    first = FIRST + windows_later * 3000
    began = moment(slot_start_ms(first, FPS))
    name = archive_name(began)
    site.store.write_once(f"{site.camera}/archive", name, bytes(size), "e1")
    data = SegmentClosed(
        segment_id="x", first_slot=first, frames=3000, fps=FPS, captured_frames=3000, held_frames=0, gaps=(),
        complete=True, started_at=began, ended_at=moment(slot_start_ms(first + 3000, FPS)), width=64, height=48,
        media_key=media_key(site.camera, "archive", name), bytes=size, sha256="0" * 64, previous_sha256=None,
    )  # fmt: skip
    if told:
        await site.say(data)
    return data


def know(retention: Retention, days: dict[str, int]) -> None:
    """It has read how many days each camera is kept."""
    retention._days, retention._cameras_read = days, True


async def until(true: Callable[[], bool], seconds: float = 15.0) -> None:
    """Wait for it; fail when it does not come."""
    async with asyncio.timeout(seconds):
        while not true():  # noqa: ASYNC110 - files and other processes set no events
            await asyncio.sleep(0.01)


def open_below(root: Path) -> Iterator[str]:
    """Files below a folder that this process holds open, deleted ones among them."""
    for descriptor in os.listdir("/proc/self/fd"):
        try:
            target = os.readlink(f"/proc/self/fd/{descriptor}")
        except FileNotFoundError:
            continue
        if target.startswith(str(root)):
            yield target
