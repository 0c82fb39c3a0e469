"""The fps of a camera changes while it is recorded: every archive is of one fps and exact, whatever is killed."""

import asyncio
import contextlib
from collections.abc import Sequence
from fractions import Fraction

import av
import pytest
from structlog.testing import capture_logs

from libs.bus import publish
from libs.contracts.facts import CameraConfig, SegmentClosed
from libs.contracts.frames import VideoMessage
from libs.contracts.slots import hls_first_slot, hls_index, slot_start_ms
from libs.contracts.subjects import video
from libs.media import dvr_playlist_name, playlist_name, read_segment_name
from libs.video.mux import TsFacts, read_ts
from libs.video.x264 import params_id
from services.encoder.recorder import Parts, Recorder
from services.encoder.windows import Told
from services.ingest.domain import Run, messages
from tests.integration.encoder.harness import FIRST, SMALL, WINDOW, Site, held, make_due, still, units, until
from tests.nats_server import NatsServer

INDEX = WINDOW * 60


def at(place: int, fps: int) -> int:
    """The first slot of the segment `place` places after the window's first."""
    return hls_first_slot(INDEX + place, fps)


def told_so(closed: Sequence[SegmentClosed]) -> list[tuple[int, int, int, int]]:
    """(place, slots skipped there, frames, fps) of each archive."""
    begun = ((hls_index(data.first_slot, data.fps) - INDEX, data) for data in closed)
    return [(place, data.first_slot - at(place, data.fps), data.frames, data.fps) for place, data in begun]


def assert_plays(site: Site, data: SegmentClosed) -> None:
    """Every picture decodes, at its time."""
    ticks = 90_000 // data.fps
    with av.open(str(site.root / data.media_key)) as container:
        stream = container.streams.video[0]
        assert (stream.time_base, stream.duration) == (Fraction(1, 90_000), data.frames * ticks)
        assert [frame.pts for frame in container.decode(stream)] == [number * ticks for number in range(data.frames)]
    assert (data.ended_at - data.started_at).total_seconds() == data.frames / data.fps


@pytest.mark.parametrize(("before", "after"), [(5, 10), (10, 4)])
async def test_archives_end_where_the_fps_changed_and_their_chain_goes_on(site: Site, before: int, after: int) -> None:
    site.put_slots(at(57, before), "c" * 20 * before, before)
    site.put_slots(at(59, after), "c" * 40 * after, after)
    assert await make_due(site.archives(), None, None, 1) == 3
    closed = await site.closed()
    parts = [(57, 0, 20 * before, before), (59, 0, 10 * after, after), (60, 0, 30 * after, after)]
    assert told_so(closed) == parts
    assert [data.previous_sha256 for data in closed] == [None, closed[0].sha256, closed[1].sha256]
    for data in closed:
        assert_plays(site, data)
    told = await site.told()
    assert await make_due(site.archives(told=told), None, None, 2) == 0, "a new process finds nothing left"
    site.put_slots(at(63, before), "c" * 10 * before, before)
    assert await make_due(site.archives(told=told), None, None, 2) == 1
    assert (await site.closed())[-1].previous_sha256 == closed[2].sha256, "the newest, not the highest slot"


async def test_windows_of_nothing_are_known_whatever_the_fps_was(site: Site) -> None:
    site.put_slots(at(0, 10), "c" * 100, 10)
    site.put_slots(at(60, 5), "c" * 50, 5)
    archives = site.archives(slot_start_ms(FIRST + 4 * 3000, 5))
    await make_due(archives, None, FIRST - 3000, 1)
    missed = [(data.first_slot - FIRST, data.frames, data.fps) for data in await site.missed()]
    assert missed == [(-3000, 3000, 5), (6000, 3000, 5)]


def run_of(site: Site, place: int, skipped: int, count: int, fps: int, epoch: int) -> list[VideoMessage]:
    """What an ingest of this fps publishes from a slot on."""
    made = units(at(place, fps) + skipped, "c" * count, fps)
    return messages(Run(site.camera, fps, epoch, 1), params_id(made[0].data), made)


async def record(site: Site, fps: int, now_ms: int, done: int) -> Recorder:
    """An encoder that begins from the files and reads all that stands, until segment `done` is closed."""
    config = CameraConfig(name="Door", profile=SMALL.model_copy(update={"fps": fps}))
    parts = Parts(site.store, site.bus, still(now_ms), lambda camera: None)
    recorder = Recorder(site.camera, config, 0, parts)
    running = asyncio.create_task(recorder.run(held(site.camera, 1)))
    await until(lambda: running.done() or (recorder.settled and recorder.horizon > INDEX + done))
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running
    return recorder


def files(site: Site) -> dict[int, TsFacts]:
    """What the segments say of themselves, by place."""
    found = {}
    for name in site.files("hls"):
        index = read_segment_name(site.camera, name)
        if index is not None:
            found[index - INDEX] = read_ts(site.store.read(f"{site.camera}/hls", name))
    return dict(sorted(found.items()))


def listed(site: Site, *, dvr: bool = False) -> list[str]:
    """The playlist, without its head."""
    name = dvr_playlist_name(site.camera) if dvr else playlist_name(site.camera)
    text = site.store.read(f"{site.camera}/hls", name).decode()
    told = ("#EXT-X-DISCONTINUITY", "#EXTINF", "#EXT-X-ENDLIST", "#EXT-X-PROGRAM-DATE-TIME", "#EXT-X-GAP")
    return [line for line in text.splitlines() if line.startswith(told)]


async def put_on_bus(server: NatsServer, said: Sequence[VideoMessage]) -> None:
    async with server.bus("ingest") as bus:
        for message in said:
            await publish(bus, video(message.camera), message.payload(), message.headers())


@pytest.mark.parametrize("begun_at", [5, 10])
@pytest.mark.parametrize("killed", [False, True])
async def test_at_the_windows_end_nothing_is_lost_and_the_run_goes_on(
    site: Site, server: NatsServer, begun_at: int, killed: bool
) -> None:
    said = [*run_of(site, 58, 0, 100, 5, 7), *run_of(site, 60, 0, 200, 10, 8)]
    now_ms = (INDEX + 62) * 10_000
    if killed:
        await put_on_bus(server, said[:15])
        await record(site, 5, now_ms, 58)
        assert list(files(site)) == [58], "a segment is open"
        await put_on_bus(server, said[15:])
    else:
        await put_on_bus(server, said)
    recorder = await record(site, begun_at, now_ms, 61)
    places = [(place, one.first_slot, one.frames) for place, one in files(site).items()]
    assert places == [(place, at(place, fps), 10 * fps) for place, fps in ((58, 5), (59, 5), (60, 10), (61, 10))]
    assert (recorder.growing, recorder.horizon) == (INDEX + 62, INDEX + 62)
    durations = [line for line in listed(site) if not line.startswith("#EXT-X-PROGRAM")]
    assert durations == ["#EXTINF:10.000,"] * 2 + ["#EXT-X-DISCONTINUITY"] + ["#EXTINF:10.000,"] * 2
    assert listed(site, dvr=True) == listed(site)
    assert await make_due(site.archives(), None, None, 1) == 2
    assert told_so(await site.closed()) == [(58, 0, 100, 5), (60, 0, 200, 10)]


@pytest.mark.parametrize(("before", "after"), [(5, 10), (10, 4)])
async def test_within_a_segment_the_run_ends_and_the_next_begins_at_the_boundary(
    site: Site, server: NatsServer, before: int, after: int
) -> None:
    said = run_of(site, 3, 0, 17 * before, before, 7) + run_of(site, 4, 8 * after, 22 * after, after, 8)
    await put_on_bus(server, said)
    recorder = await record(site, after, (INDEX + 7) * 10_000, 6)
    places = [(place, one.first_slot, one.frames) for place, one in files(site).items()]
    assert places == [
        (3, at(3, before), 10 * before),
        (4, at(4, before), 7 * before),
        (5, at(5, after), 10 * after),
        (6, at(6, after), 10 * after),
    ]
    assert recorder.growing == INDEX + 7
    assert [line for line in listed(site) if "ENDLIST" in line or "EXTINF" in line] == ["#EXTINF:10.000,"] * 2
    assert await make_due(site.archives(told=Told()), None, None, 1) == 2
    assert told_so(await site.closed()) == [(3, 0, 17 * before, before), (5, 0, 20 * after, after)]


async def test_an_old_message_met_again_changes_no_fps(site: Site, server: NatsServer) -> None:
    said = [*run_of(site, 0, 0, 50, 5, 7), *run_of(site, 1, 0, 100, 10, 8)]
    await put_on_bus(server, said)
    now_ms = (INDEX + 2) * 10_000
    await record(site, 10, now_ms, 1)
    before = files(site), listed(site)
    with capture_logs() as logs:
        recorder = await record(site, 10, now_ms, 1)
    assert [line for line in logs if line["event"] in ("fps_changed", "run_ended", "hls_segment_closed")] == []
    assert (files(site), listed(site)) == before
    assert recorder.growing == INDEX + 2
