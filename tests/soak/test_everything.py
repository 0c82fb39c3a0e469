"""A live site at ten times the speed, whose services and bus are killed at random: only a dead ingest costs slots.

Every slot stands once and in order in the segments, the archives and what players were told; slate stands only where
ingest was dead.
"""

import json
import os
import random
import shutil
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest

from cli.site import Site as Folders
from libs.clock import SiteClock
from libs.contracts.slots import rfc3339, slot_at
from tests.e2e.site import HLS, Site, start_site, wait_for
from tests.hls_checker import Terms, Watch, check, check_directory
from tests.integration.past.pictures import Seen, pictures, prints
from tests.soak.seeds import SEEDS, chances, count

SPEED, FPS = 10, 5
SECONDS = 180.0
"""Real seconds in which things are killed: half an hour of the site."""
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
VICTIMS = ("ingest", "encoder", "query", "nats")
PAUSES = (0.5, 9.0)
BEFORE = 4 * FPS
"""Slots that die with ingest: those in x264 (6), in the second that is being filled (5), and on their way."""
DEAD_MOST = 15.0
"""Real seconds within which a killed ingest records again, for each time it was killed."""
EXCUSED = 12.0
"""Real seconds after a kill in which a player may wait."""
pytestmark = [pytest.mark.soak, pytest.mark.timeout(900)]


@dataclass
class Story:
    """The site, and when what was killed."""

    site: Site
    clock: SiteClock
    kills: list[tuple[str, int]] = field(default_factory=list)
    """(who, the site's slot)."""
    excused: list[tuple[float, float]] = field(default_factory=list)

    def kill(self, victim: str) -> None:
        wait_for(lambda: self.lives(victim), 60, f"{victim} to live")
        if victim == "nats":
            os.kill(self.site.nats_pid(), signal.SIGKILL)
        else:
            self.site.kill(victim)
        self.kills.append((victim, slot_at(self.clock.now_ms(), FPS)))
        now = time.time()
        since = max(now, self.excused[-1][1] if self.excused else 0.0)
        self.excused.append((since, now + EXCUSED))

    def lives(self, victim: str) -> bool:
        try:
            return (self.site.nats_pid() if victim == "nats" else self.site.pid(victim)) > 0
        except (StopIteration, OSError, ValueError):
            return False

    @property
    def folder(self) -> Path:
        return self.site.data / "media" / "camera-1"


@contextmanager
def story(data: Path, begin: datetime) -> Iterator[Story]:
    entry = {"id": "camera-1", "name": "small", "profile": {"width": 160, "height": 120, "fps": FPS}}
    cameras = data.with_name("cameras.yaml")
    cameras.write_text(json.dumps([entry]), encoding="utf-8")
    site = start_site(data, {"DOLBOM_CAMERAS": str(cameras)}, PORT="0", CLOCK=f"{rfc3339(begin)}@{SPEED}")
    try:
        wait_for(lambda: site.url or site.process.poll() is not None, 60, "the page's address")
        yield Story(site, SiteClock.from_text(Folders(data).read_env()["DOLBOM_CLOCK"]))
    finally:
        if site.process.poll() is None:
            os.killpg(site.process.pid, signal.SIGINT)
            site.process.wait(20)


@pytest.mark.parametrize("number", range(min(SEEDS, 3)))
def test_slate_stands_only_where_ingest_was_dead(
    number: int, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    _, rng = chances(number)
    with story(tmp_path / "data", NOON + timedelta(seconds=rng.randint(0, 599))) as told:
        watch = Watch(lambda: asked(told.site), every=0.1)
        kill_at_random(told, rng)
        time.sleep(15)
        stop(told)
        history = watch.stop()
        archives = archives_of(told)
        segments = sorted((told.folder / "hls").glob("*.ts"), key=lambda path: int(path.stem.rsplit("_", 1)[1]))
        seen = [one for path in segments for one in pictures(path)]
        archived = [one for archive in archives for one in prints(told.folder.parent / archive["media_key"])]
        slate = rows_of_slate(seen)
        gaps = ", ".join(f"{row.start} to {row.stop - 1}" for row in slate)
        count(record_property, Counter(f"{who} killed" for who, _ in told.kills) | Counter({"frames": len(seen)}))
        print(f"{len(seen)} frames, {len(archives)} archives, slate at {gaps or 'no slot'}")
        assert wrong_pictures(seen) == []
        assert archived == [(one.stamp, one.digest) for one in seen]
        assert unexplained(slate, [slot for who, slot in told.kills if who == "ingest"]) == []
        terms = Terms(fps=FPS, camera="camera-1", speed=SPEED, excused=tuple(told.excused))
        files, found = check_directory(told.folder / "hls", terms)
        assert [str(one) for one in (*found, *check(history, terms, files))] == []
    shutil.rmtree(tmp_path)


def asked(site: Site) -> tuple[int, bytes]:
    """The playlist, as a player asks for it."""
    answer = site.get(f"{HLS}/camera-1.m3u8")
    return answer.status, answer.body


def kill_at_random(told: Story, rng: random.Random) -> None:
    """One after the other, now and then two at once."""
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        time.sleep(rng.uniform(*PAUSES))
        for victim in rng.sample(VICTIMS, rng.choice((1, 1, 1, 2))):
            told.kill(victim)
            print(f"{victim} killed at slot {told.kills[-1][1]}")


def stop(told: Story) -> None:
    """A person stops the camera, and everything is written and told."""
    control = "/api/live-monitoring/stop-hls-stream/camera-1"
    wait_for(lambda: told.site.get(control, method="POST").status == 202, 20, "the stop")
    wait_for(lambda: asked(told.site)[1].endswith(b"#EXT-X-ENDLIST\n"), 30, "the end of the playlist")
    frames = sum(len(prints(path)) for path in (told.folder / "hls").glob("*.ts"))
    wait_for(lambda: sum(one["frames"] for one in archives_of(told)) >= frames, 30, "all archives to be told")


def archives_of(told: Story) -> list[dict[str, Any]]:
    """As the page lists them."""
    return list(told.site.get("/api/v1/cameras/camera-1/segments").json()["items"])


def rows_of_slate(seen: list[Seen]) -> list[range]:
    """The slots of each gap."""
    rows = []
    for slate, group in groupby(seen, lambda one: one.stamp.kind == "s"):
        slots = [one.stamp.slot for one in group]
        if slate:
            rows.append(range(slots[0], slots[-1] + 1))
    return rows


def wrong_pictures(seen: list[Seen]) -> list[str]:
    """Every slot once, in order; pixels agree with stamps, and slate has no marker."""
    first = seen[0].stamp.slot
    wrong = []
    for slot, one in enumerate(seen, first):
        marker = None if one.stamp.kind == "s" else slot & 0xFFFFFF
        if (one.stamp.slot, one.marker) != (slot, marker):
            wrong.append(f"place {slot}: {one}")
    return wrong


def unexplained(slate: list[range], killed: list[int]) -> list[str]:
    """Gaps in which ingest was not killed, or that last longer than it may be dead."""
    wrong = []
    for row in slate:
        deaths = [slot for slot in killed if row.start - FPS <= slot <= row.stop]
        begun = [slot for slot in deaths if slot <= row.start + BEFORE]
        if not begun or len(row) > BEFORE + len(deaths) * DEAD_MOST * SPEED * FPS:
            wrong.append(f"slate from slot {row.start}, {len(row)} slots, ingest died at {deaths}")
    return wrong
