"""One site from its first line to Ctrl-C and back: a camera plays, things are killed, and no viewer notices.

The tests of this file are chapters of one story and run in this order.
"""

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

from libs.contracts.slots import hls_first_slot, slot_at
from tests.e2e.media import decode_segments, expected_slots, gaps_in, gaps_told, kept
from tests.e2e.observer import observe
from tests.e2e.site import HLS, alive, start_site, tell, wait_for
from tests.e2e.story import Story, now_index, now_slot
from tests.hls_checker import History, Terms, check

SEED = int(os.environ.get("DOLBOM_SEED") or random.SystemRandom().randrange(10**6))
PICTURES = Path("build/e2e")


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    PICTURES.mkdir(parents=True, exist_ok=True)
    tell(f"\nseed {SEED}")
    with socket.create_server(("127.0.0.1", 0)) as occupied:
        taken = int(occupied.getsockname()[1])
        site = start_site(tmp_path_factory.mktemp("site") / "data", PORT=str(taken))
        wait_for(lambda: site.url or site.process.poll() is not None, 30, "the page's address")
    story = Story(site, taken, SEED, PICTURES)
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
    story.killed_in = slot_at(round(killed_at * 1000), 5)
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
    segments = decode_segments(story.media / "camera-1" / "hls")
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
    ((first, last, cause),) = gaps_in(story.stamps())
    tell(f"of what ingest had captured when it was killed, {(story.killed_in - first) / 5:.1f} s are lost")
    assert (cause, last - first + 1) == ("restart", slate)
    assert 0 <= story.killed_in - first <= 10, "at most two seconds of what was captured"
    assert last - story.killed_in < 25, "five seconds to the first new frame"
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


def test_a_stop_and_a_start_in_one_segment_are_facts_and_an_observer_hears_no_frames(story: Story) -> None:
    wait_for(lambda: 0.5 < time.time() % 10 < 5, 12, "the beginning of a segment")
    story.stopped_in = now_index()

    def stop_and_start() -> None:
        story.wish("stop")
        wait_for(story.all_is_told, 10, "the archive of the run")
        story.kept = kept(story.media)
        story.wish("start")
        assert now_index() == story.stopped_in, "the machine is too slow for this test"
        time.sleep(2.5)

    facts, frames = observe(story.site, stop_and_start)
    assert [(fact["type"], fact["data"]["state"]) for fact in facts] == [
        ("dolbom.camera.desired.v1", "stopped"),
        ("dolbom.camera.observed.v1", "stopped"),
        ("dolbom.camera.desired.v1", "running"),
        ("dolbom.camera.observed.v1", "online"),
    ]
    assert frames == []
    assert gaps_told(story.archives()) == gaps_in(story.stamps()), "the fact tells the gap to the slot"


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
    began = hls_first_slot(story.stopped_in + 1, 5)
    wait_for(lambda: now_slot() > began + 15, 12, "pictures of the run that began after the stop")
    story.kept |= kept(story.media)
    story.interrupted_in = now_slot()
    took = story.site.interrupt()
    tell(f"all gone {took:.1f} s after Ctrl-C")
    assert took <= 5


def test_a_second_start_shows_its_page_within_five_seconds_and_the_run_goes_on(story: Story) -> None:
    story.site = start_site(story.site.data, PORT=str(story.taken))
    try:
        wait_for(lambda: story.site.url, 15, "the page's address")
        tell(f"second start: page after {story.site.url_at - story.site.started_at:.1f} s")
        assert story.site.url_at - story.site.started_at <= 5
        here = now_index()
        wait_for(lambda: story.segments()[-1] >= here, 25, "the segment of the first picture")
        assert_goes_on(story)
        story.wish("stop")
        wait_for(story.all_is_told, 10, "the archive of the run")
        assert gaps_told(story.archives()) == gaps_in(story.stamps())
    finally:
        assert story.site.interrupt() <= 5


def assert_goes_on(story: Story) -> None:
    """The run that began after the stop: every slot once, the time without ingest is slate, no file was replaced."""
    first, stamps = hls_first_slot(story.stopped_in + 1, 5), story.stamps(story.stopped_in + 1)
    assert [stamp.slot for stamp in stamps] == list(range(first, first + len(stamps)))
    ((gap_first, gap_last, cause),) = gaps_in(stamps)
    tell(f"Ctrl-C and a second start cost {(gap_last - gap_first + 1) / 5:.1f} s of pictures")
    assert cause == "restart"
    assert gap_first >= story.interrupted_in, "what was captured before Ctrl-C is all there"
    assert stamps[-1].kind == "c"
    assert not story.ended()
    assert "DISCONTINUITY" not in story.site.get(f"{HLS}/camera-1.m3u8").body.decode()
    now = kept(story.media)
    assert [path for path, file in story.kept.items() if now.get(path) != file] == [], "no file was replaced"
