"""Ten-minute windows of a live site whose clock runs ten times as fast: exact archives, whatever breaks meanwhile.

The tests of this file are chapters of one story and run in this order.
"""

import hashlib
import os
import random
import signal
import time
from collections.abc import Iterator
from datetime import datetime
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import pytest

from libs.contracts.slots import hls_first_slot, slot_at, unix_ms
from libs.video.sei import Stamp, read_stamp
from tests.e2e.site import HLS, Site, start_site, tell, wait_for
from tests.e2e.watcher import Watcher
from tests.hls_checker import History, Terms, check
from tests.marker import read_marker

SEED = int(os.environ.get("DOLBOM_SEED") or random.SystemRandom().randrange(10**6))
SPEED = 10
START = datetime.fromisoformat("2026-03-02T09:05:40Z")
FIRST_WINDOW = slot_at(unix_ms(datetime.fromisoformat("2026-03-02T09:10:00Z")), 5)
CONTROL = "/api/live-monitoring"
pytestmark = pytest.mark.timeout(240)


class Story:
    """The site and what the chapters leave for one another."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.watcher = Watcher(site)
        self.random = random.Random(SEED)
        self.began = time.monotonic()

    def until(self, clock: str) -> None:
        """Wait until the site's clock shows this time of the day."""
        at = datetime.fromisoformat(f"2026-03-02T{clock}Z")
        wait_for(lambda: self.now_ms() >= unix_ms(at), 130, clock)

    def now_ms(self) -> int:
        return int(self.site.get("/api/v1/cameras", method="HEAD").headers.get("dolbom-now", 0))

    def archives(self) -> list[dict[str, Any]]:
        return list(self.site.get("/api/v1/cameras/camera-1/segments").json()["items"])

    def file(self, archive: dict[str, Any]) -> Path:
        return self.site.data / "media" / str(archive["media_key"])


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    tell(f"windows: seed {SEED}")
    site = start_site(tmp_path_factory.mktemp("windows") / "data", PORT="0", CLOCK=f"{START.isoformat()}@{SPEED}")
    wait_for(lambda: site.url or site.process.poll() is not None, 60, "the page's address")
    story = Story(site)
    story.watcher.start()
    yield story
    story.watcher.stop()
    if site.process.poll() is None:
        os.killpg(site.process.pid, signal.SIGINT)
        site.process.wait(20)


def test_a_stop_and_a_start_in_one_window_make_two_archives(story: Story) -> None:
    story.until("09:07:00")
    assert story.site.get(f"{CONTROL}/stop-hls-stream/camera-1", method="POST").status == 202
    wait_for(lambda: len(story.archives()) == 1, 20, "the archive of the run that was stopped")
    assert story.site.get(f"{HLS}/camera-1.m3u8").body.endswith(b"#EXT-X-ENDLIST\n")
    assert story.site.get(f"{CONTROL}/start-hls-stream/camera-1", method="POST").status == 202
    story.until("09:10:00")
    wait_for(lambda: len(story.archives()) == 2, 20, "the archive of the second run")
    one, two = story.archives()
    assert [one["complete"], two["complete"]] == [False, False]
    assert one["first_slot"] + one["frames"] <= two["first_slot"]
    assert two["first_slot"] + two["frames"] == FIRST_WINDOW


def test_a_window_is_exact_though_the_encoder_dies_again_and_again(story: Story) -> None:
    for _ in range(5):
        time.sleep(story.random.uniform(2, 9))
        story.site.kill("encoder")
    story.until("09:20:00")
    wait_for(lambda: len(story.archives()) == 3, 60, "the archive of the first whole window")
    assert_exact(story, story.archives()[2], FIRST_WINDOW)


def test_a_window_is_exact_though_the_bus_is_away_for_five_minutes(story: Story) -> None:
    story.until("09:21:30")
    server = story.site.nats_pid()
    os.kill(server, signal.SIGSTOP)
    time.sleep(300 / SPEED)
    os.kill(server, signal.SIGCONT)
    story.until("09:30:00")
    wait_for(lambda: len(story.archives()) == 4, 60, "the archive of the second whole window")
    assert_exact(story, story.archives()[3], FIRST_WINDOW + 3000)


def test_the_archives_are_a_chain_and_are_what_the_facts_say(story: Story) -> None:
    archives = story.archives()
    assert archives[0]["previous_sha256"] is None
    for before, after in pairwise(archives):
        assert after["previous_sha256"] == before["sha256"]
    for archive in archives:
        data = story.file(archive).read_bytes()
        assert (len(data), hashlib.sha256(data).hexdigest()) == (archive["bytes"], archive["sha256"])
        assert archive["captured_frames"] + archive["held_frames"] + slate(archive) == archive["frames"]
        assert data.index(b"moov") < data.index(b"mdat"), "fast start"
        assert b"elst" not in data, "no edit list"


def test_an_archive_is_served_in_parts_and_known_again(story: Story) -> None:
    archive = story.archives()[2]
    name, data = Path(str(archive["media_key"])).name, story.file(archive).read_bytes()
    whole = story.site.get(f"{HLS}/{name}", {"Range": "bytes=1000-1999"})
    assert (whole.status, whole.body) == (206, data[1000:2000])
    assert whole.headers["content-type"] == "video/mp4"
    assert not whole.headers["etag"].startswith("W/")
    assert story.site.get(f"{HLS}/{name}", {"If-None-Match": whole.headers["etag"]}).status == 304


def test_players_find_no_fault_in_the_second_run(story: Story) -> None:
    """The live list of the run that began after the stop; the bus was away for a while, which excuses its age."""
    versions = [(seen.at, seen.text) for seen in story.watcher.playlists]
    ended = max(number for number, (_, text) in enumerate(versions) if "ENDLIST" in text)
    history = History.of(versions[ended + 1 :])
    excused = ((0.0, time.time()),)
    assert check(history, Terms(fps=5, camera="camera-1", speed=SPEED, excused=excused)) == []
    dvr = story.site.get(f"{HLS}/camera-1_dvr.m3u8").body.decode()
    assert check(History.of([(0.0, dvr)]), Terms(fps=5, camera="camera-1", dvr=True, speed=SPEED)) == []


def assert_exact(story: Story, archive: dict[str, Any], first: int) -> None:
    """3000 captured pictures: pixels and stamps say every slot once, in order; times begin at 0 and end exactly."""
    assert (archive["first_slot"], archive["frames"], archive["captured_frames"]) == (first, 3000, 3000)
    assert (archive["gaps"], archive["complete"]) == ([], True)
    expected = list(range(first, first + 3000))
    assert [stamp.slot for stamp in stamps_of(story.file(archive))] == expected
    with av.open(str(story.file(archive))) as container:
        video = container.streams.video[0]
        assert (video.start_time, video.duration, video.time_base) == (0, 3000 * 18_000, Fraction(1, 90_000))
        markers = [read_marker(frame.to_ndarray(format="gray")) for frame in container.decode(video)]
    assert [marker.slot if marker else None for marker in markers] == [slot & 0xFFFFFF for slot in expected]
    assert hls_first_slot(first // 50, 5) == first


def stamps_of(path: Path) -> list[Stamp]:
    """The stamps of all pictures of an mp4, in order."""
    with av.open(str(path)) as container:
        video = container.streams.video[0]
        to_annexb = av.BitStreamFilterContext("h264_mp4toannexb", video)
        units = [bytes(out) for packet in container.demux(video) for out in to_annexb.filter(packet) if out.size]
    return [stamp for unit in units if (stamp := read_stamp(unit))]


def slate(archive: dict[str, Any]) -> int:
    """Slots of all gaps."""
    return sum(gap["last_slot"] - gap["first_slot"] + 1 for gap in archive["gaps"])
