"""Retention against a real bus and a real store: first the fact, then the file, whatever is killed or away."""

import asyncio
import contextlib
import os
from collections.abc import Iterable
from pathlib import Path

import pytest
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from libs.bus import append_fact
from libs.contracts.envelope import Origin, new_fact
from libs.contracts.facts import CameraRegistered, CameraRemoved, SegmentClosed, SegmentExpired
from libs.contracts.slots import slot_start_ms
from libs.media import MARKER, MediaStore, segment_name
from services.encoder.archivist import Archivist
from services.encoder.retention import Retention
from services.encoder.retention_plan import DAY_MS, Limits
from tests.integration.encoder.harness import FIRST, FPS, WINDOW, Site, archive, know, still, until
from tests.nats_server import NatsServer

END_MS = slot_start_ms(FIRST + 3000, FPS)
KEEPS = Limits(min_free_bytes=0)


async def started(site: Site, now_ms: int, limits: Limits = KEEPS, store: MediaStore | None = None) -> Retention:
    """As in a process that has just read the bus; the test's camera is kept for a day."""
    retention = Retention(store or site.store, site.bus, still(now_ms), limits)
    for fact in await site.facts():
        retention.learn(fact.subject, fact.data)
    know(retention, {site.camera: 1})
    return retention


async def expired(site: Site) -> list[SegmentExpired]:
    return [fact.data for fact in await site.facts() if isinstance(fact.data, SegmentExpired)]


def counted(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


def names(data: Iterable[SegmentClosed]) -> list[str]:
    return [one.media_key.rsplit("/", 1)[-1] for one in data]


async def test_first_the_fact_then_the_file_and_neither_twice(site: Site) -> None:
    old, young = await archive(site), await archive(site, 1)
    retention = await started(site, END_MS + DAY_MS)
    with capture_logs() as logs:
        for _ in range(2):
            await retention.sweep()
    assert site.files("archive") == names([young])
    [fact] = await expired(site)
    assert fact == SegmentExpired(first_slot=FIRST, fps=FPS, media_key=old.media_key, reason="age")
    assert [line["event"] for line in logs if line["event"].startswith("archive")] == [
        "archive_expired",
        "archive_deleted",
    ]
    labels = {"camera": site.camera, "what": "archive", "reason": "age"}
    assert counted("dolbom_retention_deleted_total", **labels) == 1
    assert counted("dolbom_retention_deleted_bytes_total", **labels) == 1000


async def test_the_fact_stands_before_the_file_goes(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    await archive(site)
    stood: list[int] = []
    loop, delete = asyncio.get_running_loop(), site.store.delete

    def deleting(folder: str, gone: Iterable[str]) -> object:
        stood.append(len(asyncio.run_coroutine_threadsafe(expired(site), loop).result(5)))
        return delete(folder, gone)

    monkeypatch.setattr(site.store, "delete", deleting)
    await (await started(site, END_MS + DAY_MS)).sweep()
    assert stood == [1]
    assert site.files("archive") == []


async def test_who_is_killed_between_fact_and_deletion_is_followed_by_one_who_deletes(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    await archive(site)

    async def killed(*_: object) -> bool:
        raise asyncio.CancelledError

    with monkeypatch.context() as patch, contextlib.suppress(asyncio.CancelledError):
        patch.setattr(Retention, "_delete_archive", killed)
        await (await started(site, END_MS + DAY_MS)).sweep()
    assert (len(site.files("archive")), len(await expired(site))) == (1, 1)
    await (await started(site, END_MS)).sweep()
    assert (len(site.files("archive")), len(await expired(site))) == (0, 1), "deleted, and not said again"


async def test_an_archive_of_which_no_fact_tells_is_never_deleted_but_counted(site: Site) -> None:
    untold = await archive(site, told=False)
    await (await started(site, END_MS + 400 * DAY_MS)).sweep()
    assert (site.files("archive"), await expired(site)) == (names([untold]), [])
    assert counted("dolbom_archives_untold", camera=site.camera) == 1


async def test_a_pass_deletes_no_more_than_its_budget_and_warns_once_when_over_half_would_go(site: Site) -> None:
    made = [await archive(site, at) for at in range(5)]
    retention = await started(site, END_MS + DAY_MS + 3 * 600_000, Limits(0, archives=2))
    with capture_logs() as logs:
        await retention.sweep()
        assert site.files("archive") == names(made[2:])
        assert counted("dolbom_retention_suspicious", camera=site.camera) == 1
        await retention.sweep()
    assert site.files("archive") == names(made[4:])
    assert [line["event"] for line in logs].count("retention_suspicious") == 1


class SmallVolume(MediaStore):
    """A volume of 10,000 bytes."""

    def total_bytes(self) -> int:
        return 10_000

    def free_bytes(self) -> int:
        return 10_000 - sum(path.stat().st_size for path in self._root.rglob("*.mp4"))


async def test_for_space_the_oldest_go_until_a_tenth_is_free(site: Site) -> None:
    made = [await archive(site, at, size=2400) for at in range(4)]
    store = SmallVolume(site.root)
    retention = await started(site, END_MS + 3 * 600_000 + 3_600_000, Limits(), store)
    await retention.sweep()
    assert site.files("archive") == names(made[1:])
    assert [(fact.first_slot, fact.reason) for fact in await expired(site)] == [(FIRST, "space")]
    await retention.sweep()
    assert site.files("archive") == names(made[1:]), "it is enough"


async def test_what_is_younger_than_an_hour_stays_and_the_lack_is_told(site: Site) -> None:
    await archive(site, size=9500)
    retention = await started(site, END_MS + 3_599_999, Limits(), SmallVolume(site.root))
    with capture_logs() as logs:
        for _ in range(2):
            await retention.sweep()
    assert len(site.files("archive")) == 1
    assert [line for line in logs if line["event"] == "space_lacking"] == [
        {"event": "space_lacking", "log_level": "warning", "free_bytes": 500, "lacking_bytes": 500}
    ]
    assert counted("dolbom_media_lacking_bytes") == 500


async def test_segments_behind_the_two_hours_go_when_they_are_told_of(site: Site) -> None:
    await archive(site)
    newest = (WINDOW + 13) * 60
    indices = [WINDOW * 60 - 1, WINDOW * 60, WINDOW * 60 + 54, WINDOW * 60 + 55, newest]
    site.put(dict.fromkeys(indices, b"G" * 188))
    half = site.root / site.camera / "hls" / f"{segment_name(site.camera, WINDOW * 60)}.e9.part"
    half.write_bytes(b"half")
    await (await started(site, newest * 10_000)).sweep()
    kept = [segment_name(site.camera, index) for index in (WINDOW * 60 - 1, WINDOW * 60 + 55, newest)]
    assert site.files("hls") == sorted([*kept, half.name])
    labels = {"camera": site.camera, "what": "hls", "reason": "archived"}
    assert counted("dolbom_retention_deleted_bytes_total", **labels) == 2 * 188


async def test_without_its_marker_a_store_loses_nothing(site: Site) -> None:
    await archive(site)
    site.put({WINDOW * 60: b"G" * 188})
    retention = await started(site, END_MS + DAY_MS)
    (site.root / MARKER).rename(site.root / ".away")
    with capture_logs() as logs:
        await retention.sweep()
    assert (len(site.files("archive")), await expired(site)) == (1, [])
    assert [line["event"] for line in logs] == ["retention_waits"]
    (site.root / ".away").rename(site.root / MARKER)
    await retention.sweep()
    assert site.files("archive") == []


async def test_a_disk_that_deletes_nothing_is_not_outrun_by_facts(site: Site) -> None:
    made = [await archive(site, at) for at in range(6)]
    folder = site.root / site.camera / "archive"
    for name in names(made):
        (folder / name).unlink()
        (folder / name).mkdir()  # a folder is not unlinked: as good as a disk that refuses
    retention = await started(site, END_MS + 2 * DAY_MS, Limits(0, archives=3))
    before = counted("dolbom_retention_failures_total", why="store")
    # One in each pass, until the budget is full of what still stands.
    with capture_logs() as logs:
        for passed in range(8):
            await retention.sweep()
            assert len(await expired(site)) == min(passed + 1, 3)
    assert len(os.listdir(folder)) == 6
    assert counted("dolbom_retention_failures_total", why="store") > before
    assert [line["event"] for line in logs].count("file_not_deleted") == 3, "each is named once"


async def test_another_body_under_the_same_id_is_an_error_and_deletes_nothing(site: Site) -> None:
    old = await archive(site)
    retention = await started(site, END_MS + DAY_MS)
    other = SegmentExpired(first_slot=FIRST, fps=FPS, media_key=old.media_key, reason="space")
    said = await site.say(other)
    await retention.sweep()
    assert len(site.files("archive")) == 1
    retention.learn(said.subject, said.data)
    await retention.sweep()
    assert (site.files("archive"), await expired(site)) == ([], [other])


async def test_while_the_bus_is_away_nothing_is_deleted(own_server: NatsServer, tmp_path: Path) -> None:
    async with own_server.bus("encoder") as bus:
        site = Site(tmp_path / "media", bus, "camera-1")
        await archive(site)
        retention = await started(site, END_MS + DAY_MS)
        own_server.kill()
        await retention.sweep()
        await until(lambda: not bus.connected)
        site.put({WINDOW * 60: b"G" * 188, WINDOW * 60 + 1000: b"G" * 188})
        await retention.sweep()
        assert (len(site.files("archive")), len(site.files("hls"))) == (1, 2)
        own_server.start()
        await until(lambda: bus.connected)
        await retention.sweep()
        assert (site.files("archive"), len(await expired(site)), len(site.files("hls"))) == ([], 1, 1)


async def test_the_archivist_reads_the_cameras_and_calls_it_for_removed_ones_too(
    site: Site, server: NatsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, young = await archive(site), await archive(site, 40 * 144)
    async with server.bus("query") as query:
        expected = 0
        for data in (CameraRegistered(revision=1, name="Door", retention_days=2), CameraRemoved(revision=2)):
            fact = new_fact(data, site.camera, (f"{site.camera} {data.revision}",), Origin("query", 0, 0))
            stored = await append_fact(query, fact, "CAMERAS", f"camera.*.{site.camera}", expected)
            expected = stored.sequence
    monkeypatch.setattr("services.encoder.archivist.LOOK_EVERY", 0.05)
    monkeypatch.setattr("services.encoder.retention.EVERY", 0.2)
    archivist = Archivist(site.store, site.bus, still(END_MS + 2 * DAY_MS), lambda: {}, KEEPS)
    running = asyncio.create_task(archivist.run())
    await until(lambda: site.files("archive") == names([young]))
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running
    assert [fact.media_key for fact in await expired(site)] == [old.media_key]
