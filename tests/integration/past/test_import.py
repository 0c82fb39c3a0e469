"""A past run, from the wish to the archives."""

import hashlib
import os
import random
import subprocess
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from libs.contracts.facts import Source
from libs.contracts.slots import slot_at, unix_ms
from libs.video.ffmpeg import ffmpeg_program
from libs.video.sei import Stamp
from services.ingest.demo import DemoSource
from tests.integration.past.pictures import pictures, wrong
from tests.integration.past.site import SMALL, PastSite, past_site, until

BEGIN = datetime(2025, 3, 2, 9, 7, tzinfo=UTC)


def test_twenty_five_minutes_become_exact_windows_with_a_chain(tmp_path: Path) -> None:
    first = slot_at(unix_ms(BEGIN), 5)
    with past_site(tmp_path) as site:
        site.start("ingest", "encoder")
        site.wish(BEGIN, BEGIN + timedelta(minutes=25))
        until(lambda: bool(site.segments), 20, site.words)
        began = time.monotonic()
        until(lambda: site.ended, 100, site.words)
        took = time.monotonic() - began
        print(f"\n25 minutes in {took:.1f} s: {1500 / took:.0f} times as fast as they were")
        closed = site.until_told(4)
        assert [(one.first_slot - first, one.frames, one.complete) for one in closed] == [
            (0, 900, False),
            (900, 3000, True),
            (3900, 3000, True),
            (6900, 600, False),
        ]
        assert wrong([one for path in site.segments for one in pictures(path)], first) == []
        before = None
        for fact, path in zip(closed, site.archives, strict=True):
            data, seen = path.read_bytes(), pictures(path)
            assert wrong(seen, fact.first_slot) == []
            assert (len(seen), fact.captured_frames, fact.held_frames, fact.gaps) == (fact.frames, fact.frames, 0, ())
            assert (fact.bytes, fact.sha256) == (len(data), hashlib.sha256(data).hexdigest())
            assert (fact.media_key, fact.previous_sha256) == (f"camera-p/archive/{path.name}", before)
            before = fact.sha256
        assert site.facts("segment.missed") == []
        assert site.past_messages() == 1, "all but the last message was taken"
        assert site.states() == ["online", "stopped"]


FILMS = {"first.mp4": range(1000, 1225), "second.mp4": range(5000, 5225)}
"""The markers in the pictures of each film."""


def film(path: Path, markers: range) -> None:
    """A film in which every picture tells its own place."""
    draw, write = DemoSource(SMALL), [ffmpeg_program(), "-v", "error", "-f", "rawvideo", "-pix_fmt", "yuv420p"]
    size = ["-s", f"{SMALL.width}x{SMALL.height}", "-r", str(SMALL.fps), "-i", "-"]
    raw = b"".join(draw.picture(marker).to_ndarray().tobytes() for marker in markers)
    subprocess.run([*write, *size, "-c:v", "libx264", "-crf", "18", path], input=raw, check=True)


def kill_at(site: PastSite, messages: int) -> None:
    """Kill ingest when so many messages stand on the bus (nobody reads them yet), and start another."""
    until(lambda: site.past_messages() >= messages, 30, site.words)
    site.kill("ingest")
    site.start("ingest")


def test_files_lose_no_picture_though_ingest_is_killed_in_each_of_them(tmp_path: Path) -> None:
    seed = int(os.environ.get("DOLBOM_SEED", "0")) or random.SystemRandom().randrange(1, 1 << 32)
    rng, first = random.Random(seed), slot_at(unix_ms(BEGIN), 5)
    print(f"\nseed {seed}")
    with past_site(tmp_path) as site:
        folder = site.hls.parent / "videos"
        folder.mkdir(parents=True)
        for name, markers in FILMS.items():
            film(folder / name, markers)
        site.start("ingest")
        site.wish(BEGIN, BEGIN + timedelta(minutes=3), source=Source(kind="files", files=tuple(FILMS)))
        kill_at(site, rng.randint(1, 40))
        kill_at(site, rng.randint(46, 60))
        site.start("encoder")
        until(lambda: len(site.segments) >= rng.randint(1, 5), 30, site.words)
        site.kill("ingest")
        site.start("ingest")
        until(lambda: site.ended, 60, site.words)
        closed = site.until_told(1)
        seen = [one for path in site.segments for one in pictures(path)]
        assert [one.marker for one in seen] == [marker for markers in FILMS.values() for marker in markers]
        assert [one.stamp for one in seen] == [Stamp(first + at, "c") for at in range(len(seen))]
        assert [one for path in site.archives for one in pictures(path)] == seen
        assert sum(one.frames for one in closed) == len(seen)
