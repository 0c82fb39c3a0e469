"""One site from its first line to Ctrl-C and back: a camera plays, things are killed, and no viewer notices.

The tests of this file are chapters of one story and run in this order.
"""

import asyncio
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from nats.aio.msg import Msg

from libs.bus import connect
from tests.e2e.browser import Viewer
from tests.e2e.media import Seen, decode_segments, expected_slots
from tests.e2e.site import HLS, Site, alive, start_site, tell, wait_for
from tests.e2e.watcher import Watcher
from tests.hls_checker import History, Terms, check

SEED = int(os.environ.get("DOLBOM_SEED") or random.SystemRandom().randrange(10**6))
PICTURES = Path("build/e2e")
CONTROL = "/api/live-monitoring"


class Story:
    """The site, those who watch it, and what the chapters leave for one another."""

    def __init__(self, site: Site, taken: int) -> None:
        self.site, self.taken = site, taken
        self.watcher = Watcher(site)
        self.viewer = Viewer(site.url, shutil.which("chromium") or "", PICTURES)
        self.random = random.Random(SEED)

    @property
    def newest(self) -> Seen:
        return self.watcher.playlists[-1]

    def closes(self, seconds: float = 25) -> None:
        """Wait until two more segments are listed."""
        want = self.newest.sequence + len(self.newest.names) + 2
        wait_for(lambda: self.newest.sequence + len(self.newest.names) >= want, seconds, "two more segments")


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    PICTURES.mkdir(parents=True, exist_ok=True)
    tell(f"\nseed {SEED}")
    with socket.create_server(("127.0.0.1", 0)) as occupied:
        taken = int(occupied.getsockname()[1])
        site = start_site(tmp_path_factory.mktemp("site") / "data", PORT=str(taken))
        wait_for(lambda: site.url or site.process.poll() is not None, 30, "the page's address")
    story = Story(site, taken)
    story.watcher.start()
    if story.viewer.chromium:
        story.viewer.start()
    yield story
    story.watcher.stop()
    story.viewer.stop()
    if site.process.poll() is None:
        os.killpg(site.process.pid, signal.SIGTERM)
        site.process.wait(20)


def test_the_first_address_on_stdout_is_the_page_and_a_taken_port_is_told(story: Story) -> None:
    answer = story.site.get("/")
    assert answer.status == 200
    assert answer.headers["content-type"].startswith("text/html")
    assert any(f"{story.taken} is taken" in line for line in story.site.lines)
    assert not story.site.url.endswith(f":{story.taken}")


def test_the_still_is_there_within_three_seconds_and_never_older_than_two(story: Story) -> None:
    wait_for(lambda: len(story.watcher.stills) >= 8, 10, "stills")
    oldest = max(age for _, age in story.watcher.stills)
    tell(f"still {story.watcher.first_still_after:.1f} s after the address, oldest {oldest:.1f} s")
    assert story.watcher.first_still_after <= 3
    assert oldest <= 2


def test_the_encoder_dies_at_five_random_moments_and_is_started_again(story: Story) -> None:
    died: list[int] = []
    for _ in range(5):
        time.sleep(story.random.uniform(1.5, 7))
        died.append(story.site.kill("encoder"))
        wait_for(lambda: story.site.pid("encoder") not in died and alive(story.site.pid("encoder")), 8, "an encoder")
    assert sum("encoder ended (killed by signal 9)" in line for line in story.site.lines) == 5


def test_the_playlist_is_there_in_time_and_says_when_each_segment_was(story: Story) -> None:
    wait_for(lambda: story.watcher.playlists, 25, "a playlist")
    assert story.watcher.first_playlist_after <= 25
    tell(f"playlist after {story.watcher.first_playlist_after:.1f} s")
    seen = story.watcher.playlists[0]
    assert seen.sequence == int(seen.times[0]) // 10
    assert len(seen.times) == len(seen.names) == len(seen.durations)


@pytest.mark.skipif(not shutil.which("chromium"), reason="chromium is not installed")
def test_the_video_moves_in_a_browser_within_25_seconds(story: Story) -> None:
    wait_for(lambda: story.viewer.moving_at() or story.viewer.problem, 30, "a moving video")
    moving = story.viewer.moving_at()
    assert moving is not None, story.viewer.problem
    moves, still = moving - story.site.url_at, story.viewer.still_at - story.site.url_at
    tell(f"page: still after {still:.1f} s, video moves after {moves:.1f} s")
    assert moves <= 25
    assert 0 < still <= 8
    assert story.viewer.size == (640, 480)


def test_ingest_dies_and_new_frames_come_within_five_seconds(story: Story) -> None:
    time.sleep(story.random.uniform(0, 3))
    before, killed_at = story.site.kill("ingest"), time.time()
    wait_for(lambda: story.watcher.newest_picture_at > killed_at + 0.2, 8, "a still")
    tell(f"first new frame {story.watcher.newest_picture_at - killed_at:.1f} s after the kill of ingest")
    assert story.watcher.newest_picture_at - killed_at <= 5
    assert story.site.pid("ingest") != before


def test_the_bus_dies_and_comes_back_by_itself(story: Story) -> None:
    time.sleep(story.random.uniform(0, 3))
    dead = story.site.nats_pid()
    os.kill(dead, signal.SIGKILL)
    wait_for(lambda: not alive(dead), 5, "the server to die")
    stills = len(story.watcher.stills)
    wait_for(lambda: len(story.watcher.stills) > stills + 2, 15, "stills after the bus died")
    assert story.site.nats_pid() != dead
    story.closes(30)


def test_every_slot_stands_once_in_order_and_players_find_no_fault(story: Story) -> None:
    segments = decode_segments(story.site.data / "media" / "camera-1" / "hls")
    assert [segment.index for segment in segments] == list(range(segments[0].index, segments[-1].index + 1))
    for number, segment in enumerate(segments):
        expected = expected_slots(segment, first_of_run=number == 0)
        assert len(expected) == len(segment.slots)
        assert number == 0 or len(segment.slots) == 50
        wrong = [(want, got) for want, got in zip(expected, segment.slots, strict=True) if got not in (want, None)]
        assert wrong == [], f"segment {segment.index}"
    slate, pictures = sum(one.slate for one in segments), sum(len(one.slots) for one in segments)
    tell(f"{len(segments)} segments, {pictures} pictures, {slate} of them slate (while ingest was dead)")
    assert 0 < slate <= 7 * 5, "only the seconds without an ingest are slate"
    assert sum(segment.slate > 0 for segment in segments) <= 2
    history = History.of([(seen.at, seen.text) for seen in story.watcher.playlists], time.time())
    assert check(history, Terms(fps=5, camera="camera-1")) == []


@pytest.mark.parametrize("extra", [[], ["-fflags", "+discardcorrupt"]])
def test_ffmpeg_plays_the_playlist_without_a_word(story: Story, extra: list[str]) -> None:
    listed = sum(story.newest.durations)
    command = [
        "ffmpeg",
        "-v",
        "warning",
        *extra,
        "-live_start_index",
        "0",
        "-i",
        f"{story.site.url}{HLS}/camera-1.m3u8",
    ]
    run = subprocess.run(
        [*command, "-t", f"{listed - 1:.0f}", "-f", "null", "-"], capture_output=True, text=True, timeout=30
    )
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")


def test_the_newest_segment_is_eight_to_twenty_eight_seconds_behind_now(story: Story) -> None:
    """Measured at each moment at which a player could have asked, but for the seconds around the kill of the bus."""
    behind = [seen.at - seen.times[-1] for seen in story.watcher.playlists]
    assert min(behind) >= 8
    ages = [later.at - seen.times[-1] for seen, later in pairwise(story.watcher.playlists)]
    tell(f"newest segment {min(behind):.1f} to {max(ages):.1f} s behind now")
    assert max(ages) <= 28


@pytest.mark.skipif(not shutil.which("chromium"), reason="chromium is not installed")
def test_the_viewer_noticed_nothing(story: Story) -> None:
    tell(f"longest stall {story.viewer.longest_stall():.1f} s; pictures of the page in {PICTURES}")
    assert story.viewer.problem == ""
    assert story.viewer.console == []
    assert story.viewer.longest_stall() < 2.5
    assert all("초 전" in words for words in story.viewer.ages[8:]), "the age of the picture is always visible"


def test_an_observer_reads_a_stop_and_a_start_as_facts_but_no_frames(story: Story) -> None:
    password = (story.site.data / "nats" / "observer.password").read_text(encoding="utf-8").strip()
    address = next(line for line in story.site.lines if "nats://observer" in line).split("@")[1].split()[0]
    facts: list[dict[str, object]] = []
    frames: list[str] = []

    async def keep_fact(message: Msg) -> None:
        facts.append(json.loads(message.data))

    async def keep_frame(message: Msg) -> None:
        frames.append(message.subject)

    async def observe() -> None:
        async with connect(f"nats://{address}", "observer", password) as bus:
            await bus.nc.subscribe("camera.>", cb=keep_fact)
            for subject in ("frames.>", "frames.video.camera-1", ">", "_INBOX.>"):
                await bus.nc.subscribe(subject, cb=keep_frame)
            await bus.nc.flush()
            await asyncio.to_thread(story.site.get, f"{CONTROL}/stop-hls-stream/camera-1", None, "POST")
            await asyncio.sleep(3.5)
            await asyncio.to_thread(story.site.get, f"{CONTROL}/start-hls-stream/camera-1", None, "POST")
            await asyncio.sleep(2.5)

    asyncio.run(observe())
    told = [(fact["type"], fact["data"]["state"]) for fact in facts]  # type: ignore[index]
    assert told == [
        ("dolbom.camera.desired.v1", "stopped"),
        ("dolbom.camera.observed.v1", "stopped"),
        ("dolbom.camera.desired.v1", "running"),
        ("dolbom.camera.observed.v1", "online"),
    ]
    assert frames == []
    assert story.site.get(f"{HLS}/camera-1.m3u8").body.decode().endswith("#EXT-X-ENDLIST\n")


def test_what_a_second_of_a_camera_costs(story: Story) -> None:
    """Without viewers: nobody asks query for anything."""
    story.watcher.stop()
    story.viewer.stop()
    began, before = time.monotonic(), story.site.cpu_seconds()
    time.sleep(6)
    lasted, after = time.monotonic() - began, story.site.cpu_seconds()
    cost = {name: (after[name] - before[name]) / lasted * 1000 for name in after}
    tell("CPU ms per camera-second: " + ", ".join(f"{name} {value:.1f}" for name, value in cost.items()))
    assert sum(cost.values()) < 200


def test_ctrl_c_ends_everything_within_five_seconds(story: Story) -> None:
    took = story.site.interrupt()
    tell(f"all gone {took:.1f} s after Ctrl-C")
    assert took <= 5


def test_a_second_start_shows_its_page_within_five_seconds_and_no_slot_is_written_twice(story: Story) -> None:
    segments = {one.index: one for one in decode_segments(story.site.data / "media" / "camera-1" / "hls")}
    again = start_site(story.site.data, PORT=str(story.taken))
    try:
        wait_for(lambda: again.url, 15, "the page's address")
        tell(f"second start: page after {again.url_at - again.started_at:.1f} s")
        assert again.url_at - again.started_at <= 5
        wait_for(lambda: again.get(f"{HLS}/camera-1.m3u8").status == 200, 5, "a playlist")
        folder = story.site.data / "media" / "camera-1" / "hls"
        wait_for(lambda: len(list(folder.glob("*.ts"))) > len(segments), 20, "a new segment")
        after = {one.index: one for one in decode_segments(folder)}
        assert {index: after[index] for index in segments} == segments
    finally:
        assert again.interrupt() <= 5
