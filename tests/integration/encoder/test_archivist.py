"""The archives of several cameras: the oldest first, one that fails stops no other, nothing goes untold."""

import asyncio
import contextlib
import errno
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pytest
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from libs.bus import append_fact
from libs.contracts.envelope import Origin, new_fact
from libs.contracts.facts import CameraConfig, CameraRegistered, CameraRemoved, SegmentMissed
from libs.contracts.slots import hls_first_slot, slot_start_ms
from libs.media import MediaStore, segment_name
from services.encoder.archives import Archives
from services.encoder.archivist import Archivist
from services.encoder.recorder import Recorder
from services.encoder.retention_plan import DAY_MS, Limits
from tests.integration.encoder.harness import FIRST, FPS, WINDOW, Site, still, until
from tests.nats_server import NatsServer

INDEX = WINDOW * 60
END_MS = slot_start_ms(FIRST + 3000, FPS)
KEEPS = Limits(min_free_bytes=0)


@dataclass
class Recording:
    """What an archivist sees of a recorder between runs."""

    settled: bool = True
    growing: int | None = None
    horizon: int = 1 << 40
    wished_from_ms: int | None = None
    epoch: int = 7
    config: CameraConfig = CameraConfig(name="Door")  # noqa: RUF009 - it is frozen


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.encoder.archivist.LOOK_EVERY", 0.05)
    monkeypatch.setattr("services.encoder.retention.EVERY", 0.1)


@asynccontextmanager
async def archiving(site: Site, now_ms: int, *cameras: str, limits: Limits = KEEPS) -> AsyncIterator[Archivist]:
    """An archivist at work, with a recorder for each of these cameras."""
    recorders = {camera: Recording() for camera in cameras}
    given = cast(Callable[[], dict[str, Recorder]], lambda: recorders)
    archivist = Archivist(site.store, site.bus, still(now_ms), given, limits)
    running = asyncio.create_task(archivist.run())
    try:
        yield archivist
    finally:
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running


async def keep(server: NatsServer, camera: str, days: int, *, removed: bool = False) -> None:
    """Somebody decided how long a camera is kept (and then, perhaps, that it goes)."""
    said = (CameraRegistered(revision=1, name="Door", retention_days=days), CameraRemoved(revision=2))
    async with server.bus("query") as query:
        expected = 0
        for data in said[: 1 + removed]:
            fact = new_fact(data, camera, (f"{camera} {data.revision}",), Origin("query", 0, 0))
            stored = await append_fact(query, fact, "CAMERAS", f"camera.*.{camera}", expected)
            expected = stored.sequence


def another(site: Site, tail: str) -> Site:
    """One more camera in the same store."""
    return Site(site.root, site.bus, f"{site.camera[:20]}{tail}")


async def test_the_oldest_window_of_all_cameras_is_first(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    cameras = [another(site, tail) for tail in "abc"]
    for number, one in enumerate(cameras):
        for windows_ago in (number, number + 3):
            one.put_slots(FIRST - windows_ago * 3000, "c" * 50)
    made: list[tuple[int, str]] = []
    make = Archives.make

    async def noted(archives: Archives, row: Any, epoch: int) -> None:
        made.append(((INDEX - row[0].index) // 60, archives.camera[-1]))
        await make(archives, row, epoch)

    monkeypatch.setattr(Archives, "make", noted)
    async with archiving(site, END_MS, *(one.camera for one in cameras)):
        await until(lambda: len(made) == 6)
    assert made == [(5, "c"), (4, "b"), (3, "a"), (2, "c"), (1, "b"), (0, "a")]


async def test_a_camera_that_closed_something_is_looked_at_alone(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.encoder.archivist.LOOK_EVERY", 60.0)
    one, other = another(site, "a"), another(site, "b")
    looked: list[str] = []
    due = Archives.due

    async def noted(archives: Archives, growing: int | None, horizon: int) -> Any:
        looked.append(archives.camera)
        return await due(archives, growing, horizon)

    monkeypatch.setattr(Archives, "due", noted)
    async with archiving(site, END_MS, one.camera, other.camera) as archivist:
        await until(lambda: len(looked) == 2)
        other.put_slots(FIRST, "c" * 50)
        archivist.wake(other.camera)
        await until(lambda: bool(other.files("archive")))
    assert looked[2:] == [other.camera]


async def test_a_camera_whose_disk_fails_stops_no_other(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    bad, good = another(site, "a"), another(site, "b")
    for one in (bad, good):
        for windows_later in range(3):
            one.put_slots(FIRST + windows_later * 3000, "c" * 50)
    make_once = site.store.make_once

    def failing(folder: str, *rest: Any) -> Any:
        if folder.startswith(bad.camera):
            raise OSError(errno.EIO, "Input/output error")
        return make_once(folder, *rest)

    monkeypatch.setattr(site.store, "make_once", failing)
    with capture_logs() as logs:
        async with archiving(site, END_MS, bad.camera, good.camera):
            await until(lambda: len(good.files("archive")) == 3)
            monkeypatch.setattr(site.store, "make_once", make_once)
            await until(lambda: len(bad.files("archive")) == 3)
    assert {line["camera_id"] for line in logs if line["event"] == "archive_waits"} == {bad.camera}


async def test_what_is_older_than_is_kept_becomes_an_archive_first_and_all_is_told(
    site: Site, server: NatsServer
) -> None:
    await keep(server, site.camera, 1)
    site.put_slots(FIRST, "c" * 150)
    async with archiving(site, END_MS + 3 * DAY_MS, site.camera):
        await until(lambda: not [name for name in site.files("hls") if name.endswith(".ts")])
        await until(lambda: not site.files("archive"))
    names = [fact.name for fact in await site.facts()]
    assert names == ["segment.closed", "segment.expired"]
    [closed] = await site.closed()
    assert (closed.first_slot, closed.frames) == (FIRST, 150)


async def test_segments_wait_for_an_archive_that_cannot_be_made_and_it_is_told(
    site: Site, server: NatsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    await keep(server, site.camera, 1)
    site.put_slots(FIRST, "c" * 150)
    site.put({INDEX + 7: b"not video at all"})
    with monkeypatch.context() as broken, capture_logs() as logs:
        broken.setattr(site.store, "make_once", refusing(errno.EIO))
        async with archiving(site, END_MS + 3 * DAY_MS, site.camera):
            gone = segment_name(site.camera, INDEX + 7)
            await until(lambda: gone not in site.files("hls"))
            await asyncio.sleep(0.3)  # some more passes of retention
        assert len(site.files("hls")) == 3, "nobody can read the fourth: it waited for nothing"
    assert [line["segments"] for line in logs if line["event"] == "segments_overdue"] == [3]
    assert REGISTRY.get_sample_value("dolbom_segments_overdue", {"camera": site.camera}) == 3
    async with archiving(site, END_MS + 3 * DAY_MS, site.camera):
        await until(lambda: site.files("hls") == [])
    assert len(await site.closed()) == 1


@pytest.mark.parametrize("removed", [False, True])
async def test_segments_of_a_camera_that_nobody_records_go_only_when_it_was_removed(
    site: Site, server: NatsServer, removed: bool
) -> None:
    await keep(server, site.camera, 1, removed=removed)
    site.put_slots(FIRST, "c" * 50)
    async with archiving(site, END_MS + 3 * DAY_MS):
        await until(lambda: not removed or site.files("hls") == [])
        await asyncio.sleep(0.3)
    assert len(site.files("hls")) == (0 if removed else 1)


def refusing(number: int) -> Callable[..., Any]:
    """A disk that takes no archive."""

    def refuse(*_: Any) -> Any:
        raise OSError(number, os.strerror(number))

    return refuse


class FullVolume(MediaStore):
    """A disk with room for less than a segment: it takes no archive, and only deleted segments make room."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self._size = self._used() + 10_000

    def _used(self) -> int:
        return sum(path.stat().st_size for path in self._root.rglob("*.ts"))

    def make_once(self, *_: Any) -> Any:
        self.refused += 1
        refusing(errno.ENOSPC)()

    def total_bytes(self) -> int:
        return self._size

    def free_bytes(self) -> int:
        return self._size - self._used()


@pytest.mark.parametrize("hears", [True, False], ids=["as it happens", "what it said comes back late"])
async def test_without_any_room_the_oldest_row_behind_the_two_hours_is_given_up_and_told(
    hears: bool, site: Site, server: NatsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not hears:
        monkeypatch.setattr(Archivist, "_learn", lambda *_: None)
    await keep(server, site.camera, 30)
    for place in (0, 60, 120, 900):
        site.put_slots(hls_first_slot(INDEX + place, FPS), "c" * 50)
    site.store = FullVolume(site.root)
    with capture_logs() as logs:
        async with archiving(site, (INDEX + 901) * 10_000, site.camera, limits=Limits()):
            await until(lambda: len(site.files("hls")) == 3)
            await asyncio.sleep(0.3)
    assert await site.missed() == [SegmentMissed(first_slot=FIRST, frames=50, fps=FPS, reason="no space")]
    assert segment_name(site.camera, INDEX) not in site.files("hls")
    assert len(site.files("hls")) == 3, "no more than it must"
    given_up = [line["first_slot"] for line in logs if line["event"] == "archive_given_up"]
    assert given_up == [FIRST]


async def test_another_body_under_the_same_id_lets_nothing_be_deleted(
    site: Site, server: NatsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Archivist, "_learn", lambda *_: None)
    await keep(server, site.camera, 30)
    await site.say(SegmentMissed(first_slot=FIRST, frames=25, fps=FPS, reason="another"))
    for place in (0, 60, 120, 900):
        site.put_slots(hls_first_slot(INDEX + place, FPS), "c" * 50)
    site.store = FullVolume(site.root)
    with capture_logs() as logs:
        async with archiving(site, (INDEX + 901) * 10_000, site.camera, limits=Limits()):
            await until(lambda: any(line["event"] == "fact_contradicted" for line in logs))
            await asyncio.sleep(0.5)
    assert segment_name(site.camera, INDEX) in site.files("hls"), "no fact tells of all its pictures"


async def test_within_the_two_hours_nothing_is_given_up(site: Site, server: NatsServer) -> None:
    await keep(server, site.camera, 30)
    for place in (0, 60, 700):
        site.put_slots(hls_first_slot(INDEX + place, FPS), "c" * 50)
    site.store = FullVolume(site.root)
    with capture_logs() as logs:
        async with archiving(site, (INDEX + 701) * 10_000, site.camera, limits=Limits()):
            await until(lambda: sum(line["event"] == "archive_waits" for line in logs) > 5)
    assert (len(site.files("hls")), await site.facts()) == (3, [])
    assert [line["event"] for line in logs].count("space_lacking") == 1
