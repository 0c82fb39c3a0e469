"""Disks that are full, read-only or gone, and files that are not ours: nothing corrupt, lost or hidden."""

import asyncio
import errno
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from libs.contracts.facts import CameraConfig
from libs.contracts.slots import hls_index, moment, slot_start_ms
from libs.media import MARKER, NotMounted, archive_name, media_key, playlist_name, segment_name
from libs.video.mux import read_ts
from services.encoder.domain import Begin, Close, Place, Step
from services.encoder.hls import HLSStreamGenerator
from services.encoder.playlist import parse
from services.encoder.retention import Retention
from services.encoder.retention_plan import DAY_MS, Limits
from tests.integration.encoder.harness import (
    FIRST,
    FPS,
    SMALL,
    Site,
    archive,
    held,
    know,
    make_due,
    open_below,
    segments,
    still,
    units,
    until,
)

INDEX = hls_index(FIRST, FPS)
PAGE = 4096
SLOTS = "c" * 150
"""Three segments of about ten pages each."""


@pytest.fixture
def volume(tmp_path: Path) -> Iterator[Path]:
    """A file system of 1 MiB, where the store of the test will be."""
    root = tmp_path / "media"
    root.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={256 * PAGE}", "tmpfs", str(root)]
    mounted = os.geteuid() == 0 and subprocess.run(command, capture_output=True, check=False).returncode == 0
    if not mounted:
        pytest.skip("only root may mount a tmpfs")
    yield root
    subprocess.run(["umount", "--lazy", str(root)], check=True)


def fill(root: Path, pages_left: int) -> Path:
    """A file that takes all space but so many pages."""
    ballast = root / "ballast"
    free = os.statvfs(root).f_bavail
    ballast.write_bytes(bytes((free - pages_left) * PAGE))
    assert os.statvfs(root).f_bavail == pages_left
    return ballast


def remount(root: Path, how: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{how}", str(root)], check=True)


async def generator(site: Site, epoch: int = 5) -> HLSStreamGenerator:
    config = CameraConfig(name="Door", profile=SMALL)
    made = HLSStreamGenerator(site.camera, config, site.store, held(site.camera, epoch))
    await made.restore(slot_start_ms(FIRST, FPS))
    return made


def steps(first: int = FIRST, kinds: str = SLOTS) -> list[Step]:
    """A run of whole segments."""
    made: list[Step] = [Begin()]
    for unit in units(first, kinds):
        made.append(Place(unit, "p"))
        if unit.slot % 50 == 49:
            made.append(Close(hls_index(unit.slot, FPS), complete=True))
    return made


def assert_all_there(site: Site) -> None:
    """Every segment byte for byte, the playlist with all of them, and nothing else."""
    expected = segments(FIRST, SLOTS)
    for index, data in expected.items():
        assert site.store.read(f"{site.camera}/hls", segment_name(site.camera, index)) == data
    text = site.store.read(f"{site.camera}/hls", playlist_name(site.camera)).decode()
    assert [one.index for one in parse(text, site.camera, FPS).segments] == list(expected)
    assert len(site.files("hls")) == len(expected) + 2


def assert_nothing_half(site: Site) -> None:
    """What has a final name is whole; nothing half-written takes space."""
    for name in site.files("hls"):
        assert not name.endswith(".part")
        if name.endswith(".ts"):
            assert read_ts(site.store.read(f"{site.camera}/hls", name)).frames == 50


@pytest.mark.parametrize("pages_left", [0, 1, 5, 10, 11, 12])
async def test_segments_wait_for_a_full_disk_and_none_is_lost(volume: Path, site: Site, pages_left: int) -> None:
    recorder = await generator(site)
    ballast = fill(volume, pages_left)
    writing = asyncio.create_task(recorder.carry_out(steps()))
    for times in (1, 2):
        await until(lambda: site.store.refused >= times)  # noqa: B023 - awaited in its turn
        assert_nothing_half(site)
    ballast.unlink()
    await asyncio.wait_for(writing, 5)
    assert_all_there(site)


@pytest.mark.parametrize("pages_left", [0, 1, 3])
async def test_an_archive_waits_for_a_full_disk_and_holds_no_file_open(
    volume: Path, site: Site, pages_left: int
) -> None:
    site.put(segments(FIRST, SLOTS))
    ballast, archives = fill(volume, pages_left), site.archives()
    for times in range(1, 5):
        with pytest.raises(OSError) as problem:
            await make_due(archives, None, None, 1)
        assert problem.value.errno == errno.ENOSPC
        assert site.store.refused == times
        assert site.files("archive") == []
        assert list(open_below(volume)) == [], "a deleted file that is open takes space"
    ballast.unlink()
    assert await make_due(archives, None, None, 1) == 1
    assert [data.frames for data in await site.closed()] == [150]
    assert len(site.files("archive")) == 1


async def test_retention_makes_room_when_a_write_was_refused(volume: Path, site: Site) -> None:
    made = [await archive(site, at, size=60 * PAGE) for at in range(4)]
    recorder = await generator(site)
    fill(volume, 3)
    retention = Retention(site.store, site.bus, still(slot_start_ms(FIRST, FPS) + DAY_MS), Limits())
    know(retention, {site.camera: 30})
    for fact in await site.facts():
        retention.learn(fact.subject, fact.data)
    writing = asyncio.create_task(recorder.carry_out(steps()))
    await until(lambda: site.store.refused > 0)
    await retention.when_due()
    await asyncio.wait_for(writing, 5)
    assert_all_there(site)
    assert site.files("archive") == [data.media_key.rsplit("/", 1)[-1] for data in made[1:]]


async def test_a_read_only_disk_is_waited_for(volume: Path, site: Site) -> None:
    site.put(segments(FIRST - 50, "c" * 50))
    old = await archive(site, -10)
    recorder, archives = await generator(site), site.archives(told=await site.told())
    a_day_later = still(slot_start_ms(old.first_slot + old.frames, FPS) + DAY_MS)
    retention = Retention(site.store, site.bus, a_day_later, Limits())
    know(retention, {site.camera: 1})
    for fact in await site.facts():
        retention.learn(fact.subject, fact.data)
    remount(volume, "ro")
    try:
        with capture_logs() as logs:
            writing = asyncio.create_task(recorder.carry_out(steps()))
            with pytest.raises(OSError, match="Read-only"):
                await make_due(archives, None, None, 1)
            await retention.sweep()
            await until(lambda: any(line["event"] == "media_store_failing" for line in logs))
        assert "file_not_deleted" in [line["event"] for line in logs]
    finally:
        remount(volume, "rw")
    await asyncio.wait_for(writing, 5)
    await retention.sweep()
    await make_due(archives, None, None, 1)
    assert [data.first_slot for data in await site.closed()] == [old.first_slot, FIRST - 50, FIRST]
    assert len(site.files("archive")) == 2, "the old one went"


async def test_a_volume_that_is_gone_is_waited_for_and_never_taken_for_empty(site: Site) -> None:
    site.put(segments(FIRST - 50, "c" * 50))
    recorder, archives = await generator(site), site.archives(slot_start_ms(FIRST + 9000, FPS))
    away = site.root.with_name("away")
    site.root.rename(away)
    site.root.mkdir()
    with capture_logs() as logs:
        writing = asyncio.create_task(recorder.carry_out(steps()))
        with pytest.raises(NotMounted):
            await make_due(archives, None, FIRST - 6000, 1)
        await until(lambda: any(line["event"] == "media_store_failing" for line in logs))
    assert await site.facts() == [], "windows on a disk that is away are not missed"
    assert os.listdir(site.root) == [], "nothing is written beside it"
    site.root.rmdir()
    away.rename(site.root)
    await asyncio.wait_for(writing, 5)
    await make_due(archives, None, None, 1)
    assert [data.first_slot for data in await site.closed()] == [FIRST - 50, FIRST]


async def test_a_store_without_its_marker_takes_nothing(site: Site) -> None:
    recorder = await generator(site)
    (site.root / MARKER).rename(site.root / ".marker")
    writing = asyncio.create_task(recorder.carry_out(steps()))
    await asyncio.sleep(0.3)
    assert site.files("hls") == []
    (site.root / ".marker").rename(site.root / MARKER)
    await asyncio.wait_for(writing, 5)
    assert_all_there(site)


@pytest.mark.parametrize("kind", ["foreign", "truncated", "empty", "of another camera's clock"])
async def test_a_file_that_is_not_ours_is_named_once_and_its_neighbours_become_archives(site: Site, kind: str) -> None:
    made = segments(FIRST, "c" * 250)
    made[INDEX + 2] = {
        "foreign": b"not video at all",
        "truncated": made[INDEX + 2][:20_000],
        "empty": b"",
        "of another camera's clock": b"G" + bytes(187),
    }[kind]
    site.put(made)
    archives = site.archives()
    with capture_logs() as logs:
        for _ in range(3):
            await make_due(archives, None, None, 1)
    assert [line["index"] for line in logs if line["event"] == "segment_unreadable"] == [INDEX + 2]
    assert [(data.first_slot - FIRST, data.frames) for data in await site.closed()] == [(0, 100), (150, 100)]
    assert site.store.read(f"{site.camera}/hls", segment_name(site.camera, INDEX + 2)) == made[INDEX + 2]


async def test_a_recording_goes_on_past_a_foreign_file_that_has_the_name_of_its_segment(site: Site) -> None:
    foreign = segment_name(site.camera, INDEX + 1)
    site.put({INDEX + 1: b"not video at all"})
    with capture_logs() as logs:
        await (await generator(site)).carry_out(steps())
    assert [line["event"] for line in logs].count("segment_not_ours") == 1
    assert site.store.read(f"{site.camera}/hls", foreign) == b"not video at all"
    text = site.store.read(f"{site.camera}/hls", playlist_name(site.camera)).decode()
    assert [one.index for one in parse(text, site.camera, FPS).segments] == [INDEX, INDEX + 2]
    line = await HLSStreamGenerator(
        site.camera, CameraConfig(name="Door", profile=SMALL), site.store, held(site.camera, 6)
    ).restore(slot_start_ms(FIRST + 150, FPS))
    assert line.next == FIRST + 150, "a restart goes on behind it"


async def test_what_another_epoch_left_half_written_is_swept_and_made_again(site: Site) -> None:
    site.put(segments(FIRST - 50, "c" * 50))
    name = archive_name(moment(slot_start_ms(FIRST - 50, FPS)))
    for folder, half in (("hls", f"{segment_name(site.camera, INDEX)}.e4.part"), ("archive", f"{name}.e4.part")):
        (site.root / site.camera / folder).mkdir(exist_ok=True)
        (site.root / site.camera / folder / half).write_bytes(b"half")
    assert site.store.names(f"{site.camera}/archive") == []
    recorder = await generator(site)
    assert site.files("archive") == []
    assert segment_name(site.camera, INDEX) + ".e4.part" not in site.files("hls")
    await recorder.carry_out(steps())
    await make_due(site.archives(), None, None, 5)
    assert media_key(site.camera, "archive", name) in [data.media_key for data in await site.closed()]
