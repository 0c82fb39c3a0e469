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

from libs.contracts.slots import hls_first_slot, hls_index, slot_at, unix_ms
from libs.video.sei import Stamp
from tests.e2e.media import Kept, ends_at, kept, segment_index, stamps_of
from tests.e2e.site import HLS, Site, start_site, tell, wait_for
from tests.e2e.watcher import Watcher
from tests.hls_checker import History, Terms, check
from tests.marker import read_marker

SEED = int(os.environ.get("DOLBOM_SEED") or random.SystemRandom().randrange(10**6))
SPEED = 10
START = datetime.fromisoformat("2026-03-02T09:07:30Z")
FIRST_WINDOW = slot_at(unix_ms(datetime.fromisoformat("2026-03-02T09:10:00Z")), 5)
CONTROL = "/api/live-monitoring"
pytestmark = pytest.mark.timeout(240)


class Story:
    """The site and what the chapters leave for one another."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.watcher = Watcher(site)
        self.random = random.Random(SEED)
        self.kept: dict[Path, Kept] = {}

    def until(self, clock: str) -> None:
        """Wait until the site's clock shows this time of the day."""
        at = datetime.fromisoformat(f"2026-03-02T{clock}Z")
        wait_for(lambda: self.now_ms() >= unix_ms(at), 130, clock)

    def now_ms(self) -> int:
        return int(self.site.get("/api/v1/cameras", method="HEAD").headers.get("dolbom-now", 0))

    def now_index(self) -> int:
        """The HLS segment that is being filled."""
        return hls_index(slot_at(self.now_ms(), 5), 5)

    def wish(self, what: str) -> None:
        """`start` or `stop`, as the page asks for it."""
        assert self.site.get(f"{CONTROL}/{what}-hls-stream/camera-1", method="POST").status == 202

    def archives(self) -> list[dict[str, Any]]:
        """Oldest first."""
        return list(self.site.get("/api/v1/cameras/camera-1/segments").json()["items"])

    def archive(self, first: int) -> dict[str, Any]:
        """The one that begins with this slot."""
        return next(one for one in self.archives() if one["first_slot"] == first)

    def file(self, archive: dict[str, Any]) -> Path:
        return self.site.data / "media" / str(archive["media_key"])

    def segments(self) -> list[int]:
        """The indices of all HLS segments on disk."""
        return sorted(segment_index(path) for path in (self.site.data / "media/camera-1/hls").glob("*.ts"))

    def ended(self) -> bool:
        """Does the live playlist on disk say that the run is over?"""
        playlist = self.site.data / "media/camera-1/hls/camera-1.m3u8"
        return playlist.read_text(encoding="ascii").endswith("#EXT-X-ENDLIST\n")


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    tell(f"windows: seed {SEED}")
    site = start_site(tmp_path_factory.mktemp("windows") / "data", PORT="0", CLOCK=f"{START.isoformat()}@{SPEED}")
    wait_for(lambda: site.url or site.process.poll() is not None, 60, "the page's address")
    wait_for(lambda: site.get("/api/v1/cameras").status == 200, 30, "an answer")  # 503 until it knows who may ask
    story = Story(site)
    story.watcher.start()
    yield story
    story.watcher.stop()
    if site.process.poll() is None:
        os.killpg(site.process.pid, signal.SIGINT)
        site.process.wait(20)


def test_stops_and_starts_in_one_window_make_an_archive_of_each_run_and_replace_nothing(story: Story) -> None:
    """The second start follows its stop in the same instant: whether that is one run or two, nothing is lost."""
    wait_for(lambda: len(story.segments()) >= 2, 20, "two segments")
    story.wish("stop")
    wait_for(story.ended, 20, "the end of the run")
    story.kept, last = kept(story.site.data / "media"), story.segments()[-1]
    story.wish("start")
    wait_for(lambda: story.segments()[-1] > last, 20, "a segment of the next run")
    story.wish("stop")
    story.wish("start")
    window = hls_index(FIRST_WINDOW, 5)
    wait_for(lambda: story.segments()[-1] >= window, 60, "the first segment of the next window")
    assert story.segments()[0] < window, "the site came up too late"
    last = max(index for index in story.segments() if index < window)
    wait_for(lambda: hls_index(ends_at(story.archives()) - 1, 5) == last, 20, "the archive of the last run")
    archives = story.archives()
    assert len(archives) >= 2
    assert [one["complete"] for one in archives] == [False] * len(archives)
    for before, after in pairwise(archives):
        assert before["first_slot"] + before["frames"] <= after["first_slot"]
    for one in archives:
        stamps = stamps_of(story.file(one))
        assert stamps == [Stamp(one["first_slot"] + at, "c") for at in range(one["frames"])]
    assert changed(story) == []


def test_a_window_is_exact_though_the_encoder_and_the_bus_die_again_and_again(story: Story) -> None:
    victims = ["encoder"] * 5 + ["bus"] * 3
    story.random.shuffle(victims)
    for victim in victims:
        time.sleep(story.random.uniform(1.5, 6.5))
        kill(story.site, victim)
    tell(f"windows: killed {', '.join(victims)} until {story.now_index() * 10 % 3600 / 60:.1f} min past the hour")
    wait_for(lambda: deaths(story.site, "encoder") == 5 and deaths(story.site, "bus") == 3, 10, "all to be said")
    story.until("09:20:00")
    wait_for(lambda: ends_at(story.archives()) == FIRST_WINDOW + 3000, 60, "the archive of the first whole window")
    assert_exact(story, story.archive(FIRST_WINDOW), FIRST_WINDOW)


def test_a_window_is_exact_though_the_bus_is_away_for_five_minutes(story: Story) -> None:
    story.until("09:21:30")
    server = story.site.nats_pid()
    os.kill(server, signal.SIGSTOP)
    time.sleep(300 / SPEED)
    os.kill(server, signal.SIGCONT)
    story.until("09:30:00")
    wait_for(lambda: ends_at(story.archives()) == FIRST_WINDOW + 6000, 60, "the archive of the second whole window")
    assert_exact(story, story.archive(FIRST_WINDOW + 3000), FIRST_WINDOW + 3000)


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
    assert changed(story) == []


def test_an_archive_is_served_in_parts_and_known_again(story: Story) -> None:
    archive = story.archive(FIRST_WINDOW)
    name, data = Path(str(archive["media_key"])).name, story.file(archive).read_bytes()
    whole = story.site.get(f"{HLS}/{name}", {"Range": "bytes=1000-1999"})
    assert (whole.status, whole.body) == (206, data[1000:2000])
    assert whole.headers["content-type"] == "video/mp4"
    assert not whole.headers["etag"].startswith("W/")
    assert story.site.get(f"{HLS}/{name}", {"If-None-Match": whole.headers["etag"]}).status == 304


def test_players_find_no_fault_in_the_last_run(story: Story) -> None:
    """The live list of the run that began after the last stop; the bus was away for a while, which excuses its age."""
    began = max(one["first_slot"] for one in story.archives() if one["first_slot"] < FIRST_WINDOW)
    seen = [one for one in story.watcher.playlists if one.sequence >= hls_index(began, 5)]
    history = History.of([(one.at, one.text) for one in seen])
    excused = ((0.0, time.time()),)
    assert check(history, Terms(fps=5, camera="camera-1", speed=SPEED, excused=excused)) == []
    dvr = story.site.get(f"{HLS}/camera-1_dvr.m3u8").body.decode()
    assert check(History.of([(0.0, dvr)]), Terms(fps=5, camera="camera-1", dvr=True, speed=SPEED)) == []


def kill(site: Site, victim: str) -> None:
    """`kill -9`, as soon as it lives."""
    if victim == "bus":
        wait_for(site.bus_lives, 10, "the bus to live")
        os.kill(site.nats_pid(), signal.SIGKILL)
    else:
        site.kill(victim)


def deaths(site: Site, name: str) -> int:
    """How often `dolbom up` said that it was killed."""
    return sum(f"{name} ended (killed by signal 9)" in line for line in site.lines)


def changed(story: Story) -> list[Path]:
    """Files that were closed at a stop and are not the very same now."""
    now = kept(story.site.data / "media")
    return [path for path, file in story.kept.items() if now.get(path) != file]


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


def slate(archive: dict[str, Any]) -> int:
    """Slots of all gaps."""
    return sum(gap["last_slot"] - gap["first_slot"] + 1 for gap in archive["gaps"])
