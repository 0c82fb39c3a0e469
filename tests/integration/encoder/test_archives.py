"""Archives against a real bus and a real store: exact counts, a chain, one fact for each, whatever is killed."""

import hashlib
import json
import subprocess
from pathlib import Path

import av
import pytest

from libs.contracts.facts import Gap, SegmentClosed, SegmentMissed
from libs.contracts.slots import hls_index, moment, slot_start_ms
from libs.media import archive_name, segment_name
from services.encoder.archives import LOST_AFTER_MS, Archives
from tests.integration.encoder.harness import FIRST, FPS, WINDOW, Site, make_due, segments

KINDS = "c" * 700 + "h" * 40 + "s" * 130 + "c" * 2130
"""A whole window with held pictures and a gap that begins in mid-segment."""


def mp4_of(site: Site, data: SegmentClosed) -> Path:
    return site.root / data.media_key


async def test_a_whole_window_is_one_exact_archive_and_one_exact_account(site: Site) -> None:
    site.put_slots(FIRST, KINDS)
    assert await make_due(site.archives(), None, None, 7) == 1
    [fact] = await site.facts()
    data = fact.data
    assert isinstance(data, SegmentClosed)
    assert (data.frames, data.captured_frames, data.held_frames, data.complete) == (3000, 2830, 40, True)
    assert data.gaps == (Gap(first_slot=FIRST + 740, last_slot=FIRST + 869, cause="ingest"),)
    slate = sum(gap.last_slot - gap.first_slot + 1 for gap in data.gaps)
    assert data.captured_frames + data.held_frames + slate == data.frames
    assert (data.first_slot, data.fps, data.width, data.height) == (FIRST, FPS, 64, 48)
    assert (data.ended_at - data.started_at).total_seconds() == 600
    content = mp4_of(site, data).read_bytes()
    assert (data.bytes, data.sha256) == (len(content), hashlib.sha256(content).hexdigest())
    assert (data.previous_sha256, fact.epoch, fact.id) == (None, 7, data.segment_id)
    assert fact.time == data.ended_at
    assert_plays_exactly(mp4_of(site, data), 3000)
    assert site.files("archive") == [archive_name(data.started_at)], "nothing half-written is left"


def assert_plays_exactly(path: Path, frames: int) -> None:
    """Fast start, no edit list, first pts 0, exact duration, every picture decodes at its time."""
    content = path.read_bytes()
    assert 0 < content.index(b"moov") < content.index(b"mdat")
    assert b"edts" not in content[: content.index(b"mdat")]
    with av.open(str(path)) as container:
        assert [frame.pts for frame in container.decode(video=0)] == [at * 18_000 for at in range(frames)]
    command = ["ffprobe", "-v", "error", "-count_packets", "-show_streams", "-show_format", "-of", "json", str(path)]
    run = subprocess.run(command, capture_output=True, text=True, check=True, timeout=30)
    assert run.stderr == ""
    told = json.loads(run.stdout)
    [stream] = told["streams"]
    assert (stream["time_base"], stream["start_pts"], stream["duration_ts"]) == ("1/90000", 0, frames * 18_000)
    assert (stream["nb_frames"], stream["nb_read_packets"]) == (str(frames), str(frames))
    assert float(told["format"]["duration"]) == frames / FPS


async def test_archives_of_three_windows_are_a_chain_which_a_new_process_goes_on_with(site: Site) -> None:
    site.put_slots(FIRST + 2900, "c" * 100)
    site.put_slots(FIRST + 3000, "c" * 50)
    assert await make_due(site.archives(), None, None, 1) == 2
    site.put_slots(FIRST + 6000, "c" * 50)
    assert await make_due(site.archives(told=await site.told()), None, None, 2) == 1
    closed = await site.closed()
    assert [data.first_slot for data in closed] == [FIRST + 2900, FIRST + 3000, FIRST + 6000]
    assert [data.previous_sha256 for data in closed] == [None, closed[0].sha256, closed[1].sha256]
    assert not any(data.complete for data in closed)


async def test_two_runs_in_one_window_are_two_archives_and_neither_is_complete(site: Site) -> None:
    site.put_slots(FIRST + 120, "c" * 100)
    site.put_slots(FIRST + 250, "c" * 75)
    await make_due(site.archives(), None, None, 1)
    closed = await site.closed()
    assert [(data.first_slot, data.frames, data.complete) for data in closed] == [
        (FIRST + 120, 100, False),
        (FIRST + 250, 75, False),
    ]
    for data in closed:
        assert_plays_exactly(mp4_of(site, data), data.frames)
        assert Path(data.media_key).name == archive_name(moment(slot_start_ms(data.first_slot, FPS)))


async def test_the_row_of_the_present_run_waits_for_the_end_of_its_window(site: Site) -> None:
    site.put_slots(FIRST + 2900, "c" * 150)
    archives = site.archives()
    assert await make_due(archives, FIRST + 3050, None, 1) == 1
    assert [data.first_slot for data in await site.closed()] == [FIRST + 2900]
    assert await make_due(archives, None, None, 1) == 1, "the run is over"


class Killed(Exception):
    """The process ended here."""


async def test_who_is_killed_between_file_and_fact_is_followed_by_one_who_says_it_once(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.put_slots(FIRST, "c" * 100)

    async def killed(_: Archives, data: SegmentClosed | SegmentMissed, epoch: int) -> None:
        raise Killed(data, epoch)

    with monkeypatch.context() as patch:
        patch.setattr(Archives, "_say", killed)
        with pytest.raises(Killed) as before:
            await make_due(site.archives(), None, None, 1)
    [name] = site.files("archive")
    stood = (site.root / site.camera / "archive" / name).stat()
    assert await site.facts() == []
    for epoch in (2, 3):
        await make_due(site.archives(told=await site.told()), None, None, epoch)
    assert await site.closed() == [before.value.args[0]], "the same fact, and once"
    assert (site.root / site.camera / "archive" / name).stat().st_ino == stood.st_ino, "the file was adopted"


async def test_a_fact_that_arrived_though_its_sayer_died_is_not_said_again(site: Site) -> None:
    site.put_slots(FIRST, "c" * 50)
    await make_due(site.archives(), None, None, 1)
    await make_due(site.archives(), None, None, 2)
    assert len(await site.facts()) == 1


async def test_a_window_of_slate_alone_is_missed_and_has_no_file(site: Site) -> None:
    site.put_slots(FIRST, "s" * 100)
    await make_due(site.archives(), None, None, 1)
    assert await site.missed() == [SegmentMissed(first_slot=FIRST, frames=100, fps=FPS, reason="no picture")]
    assert site.files("archive") == []


async def test_windows_of_nothing_while_wished_are_missed_a_minute_after_their_end(site: Site) -> None:
    end_ms = slot_start_ms(FIRST + 6000, FPS)
    await make_due(site.archives(end_ms + LOST_AFTER_MS - 1), None, FIRST - 40, 1)
    assert [data.first_slot for data in await site.missed()] == [FIRST]
    await make_due(site.archives(end_ms + LOST_AFTER_MS, await site.told()), None, FIRST - 40, 1)
    assert [(data.first_slot, data.frames, data.reason) for data in await site.missed()] == [
        (FIRST, 3000, "no input"),
        (FIRST + 3000, 3000, "no input"),
    ]


async def test_what_a_run_will_still_bring_after_a_long_time_without_the_bus_is_not_missed(site: Site) -> None:
    site.put_slots(FIRST - 100, "c" * 100)
    now_ms = slot_start_ms(FIRST + 4000, FPS)
    archives = site.archives(now_ms)
    await make_due(archives, FIRST, FIRST - 100, 1)
    site.put_slots(FIRST, "c" * 50)
    await make_due(archives, None, FIRST - 100, 1)
    assert await site.missed() == []
    assert [data.first_slot for data in await site.closed()] == [FIRST - 100, FIRST]


async def test_a_window_whose_archive_stands_is_not_missed_when_the_facts_are_lost(site: Site) -> None:
    name = archive_name(moment(slot_start_ms(FIRST, FPS)))
    site.store.write_once(f"{site.camera}/archive", name, b"made long ago", "e1")
    await make_due(site.archives(slot_start_ms(FIRST + 6000, FPS)), None, FIRST, 1)
    assert await site.missed() == []


@pytest.mark.parametrize("left", [1000, 0, -1])
async def test_a_segment_spoilt_after_it_was_seen_costs_itself_alone(site: Site, left: int) -> None:
    site.put_slots(FIRST, "c" * 150)
    archives, middle = site.archives(), WINDOW * 60 + 1
    assert await make_due(archives, FIRST + 150, None, 1) == 0, "seen, not due"
    path = site.root / site.camera / "hls" / segment_name(site.camera, middle)
    path.write_bytes(b"no video at all " * 47 if left < 0 else path.read_bytes()[:left])
    for _ in range(3):
        await make_due(archives, None, None, 1)
    assert [(data.first_slot, data.frames) for data in await site.closed()] == [(FIRST, 50), (FIRST + 100, 50)]


def test_made_segments_are_what_an_encoder_closes() -> None:
    assert list(segments(FIRST + 120, "c" * 100)) == [hls_index(FIRST, FPS) + at for at in (2, 3, 4)]
