"""Up to 14 minutes of messages wait while the encoder is dead; it dies again while it reads them, and while it deletes.

No ingest runs: its messages are made beforehand, and each encoder is started with the clock of its moment.
"""

import asyncio
import random
import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from libs.bus import publish_fact
from libs.clock import wall_ms
from libs.contracts.envelope import Origin, new_fact
from libs.contracts.facts import Profile, SegmentClosed, SegmentExpired
from libs.contracts.frames import VideoMessage
from libs.contracts.slots import moment, slot_at, slot_end_ms, slot_start_ms, unix_ms
from libs.contracts.subjects import video
from libs.media import archive_name, media_key
from services.ingest.demo import DemoSource
from tests.hls_checker import Watch
from tests.integration.past.crafted import encoded, send
from tests.integration.past.site import CAMERA, PastSite, past_site, until
from tests.soak.moments import Moment, Moments
from tests.soak.seeds import PATIENCE, SEEDS, chances, count
from tests.soak.test_outages import playlist
from tests.soak.truth import decoded, faults

TINY = Profile(width=64, height=48, fps=2)
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
WINDOW = 600 * TINY.fps
OUTAGE_MINUTES = (1, 14)
LIVES_MOST = 3.0
"""Seconds an encoder lives at most: no slot becomes slate before nothing was heard for six."""
KINDS: tuple[Moment | None, ...] = (None, "part", "ts", "playlist", "mp4", "closed")
pytestmark = [pytest.mark.soak, pytest.mark.timeout(900)]


@pytest.mark.parametrize("number", range(SEEDS))
def test_every_frame_is_as_without_kills_and_retention_is_finished(
    number: int, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    _, rng = chances(number)
    first = slot_at(unix_ms(NOON + timedelta(seconds=rng.randint(0, 599))), TINY.fps)
    slots = range(first, first + 60 * TINY.fps * rng.randint(12, 40))
    made = encoded(TINY, slots, DemoSource(TINY).picture, end="stopped")
    with past_site(tmp_path) as site, Moments(site) as moments:
        site.wish_live(TINY, days=1, since_ms=slot_start_ms(first, TINY.fps))
        old = asyncio.run(old_archives(site, first, rng.randint(8, 14)))
        watch = Watch(partial(playlist, site), every=0.02)
        for turn, waiting in enumerate(stretches(made, rng)):
            send(site, waiting, video(CAMERA))
            site.clock = f"{slot_end_ms(waiting[-1].last_slot, TINY.fps) + 1000}@1@{wall_ms()}"
            print(f"{len(waiting) / 60:.1f} min wait")
            for _ in range(rng.randint(1, 3)):
                print(one_life(site, moments, rng, "expired" if turn == 0 and rng.random() < 0.7 else None))
        site.start("encoder")
        until(lambda: site.ended, PATIENCE, site.words)
        truth = decoded(made)
        until(lambda: sum(one.frames for one in site.closed()[len(old) :]) >= len(truth), PATIENCE, site.words)
        began = time.monotonic()
        until(lambda: len(site.archives) == len(site.closed()) - len(old), PATIENCE, site.words)
        ended = time.monotonic()
        count(record_property, moments.counts | Counter({"frames": len(truth)}))
        assert faults(site, truth, watch.stop(), TINY.fps) == []
        expired = [fact.data for fact in site.facts("segment.expired")]
        assert sorted(one.first_slot for one in expired if isinstance(one, SegmentExpired)) == old
        print(
            f"{len(truth)} frames, {len(site.archives)} archives stand, {len(old)} expired {ended - began:.0f} s later"
        )
    shutil.rmtree(tmp_path)


def one_life(site: PastSite, moments: Moments, rng: random.Random, kind: Moment | None) -> str:
    """Start an encoder and kill it: at a moment that hurts, or at any, also before it works."""
    lives = restored(site)
    site.start("encoder")
    if kind is None and (kind := rng.choice(KINDS)) is None:
        time.sleep(pause := rng.uniform(0, LIVES_MOST))
        site.kill("encoder")
        moments.counts["encoder killed"] += 1
        return f"encoder killed {pause:.1f} s after its start"
    if kind != "expired":
        until(lambda: restored(site) > lives, PATIENCE, site.words)
    return moments.strike(rng, kind, LIVES_MOST, lambda: False)


def restored(site: PastSite) -> int:
    """How often an encoder began from the files."""
    log = site.folder / "encoder.log"
    return log.read_text(encoding="utf-8").count('"restored"') if log.exists() else 0


def stretches(made: list[VideoMessage], rng: random.Random) -> Iterator[list[VideoMessage]]:
    """The messages, cut at the ends of outages; a message is a second."""
    while made:
        seconds = round(60 * rng.uniform(*OUTAGE_MINUTES))
        yield made[:seconds]
        made = made[seconds:]


async def old_archives(site: PastSite, first: int, count: int) -> list[int]:
    """Archives of the days before yesterday, which are told and kept for a day only; returns their first slots."""
    newest = (first - 2 * 86_400 * TINY.fps) // WINDOW * WINDOW
    slots = [newest - ago * WINDOW for ago in reversed(range(count))]
    folder = site.hls.parent / "archive"
    folder.mkdir(parents=True)
    async with site.server.bus("encoder") as bus:
        for slot in slots:
            began = moment(slot_start_ms(slot, TINY.fps))
            name = archive_name(began)
            (folder / name).write_bytes(bytes(1000))
            data = SegmentClosed(
                segment_id="old", first_slot=slot, frames=WINDOW, fps=TINY.fps, captured_frames=WINDOW, held_frames=0,
                gaps=(), complete=True, started_at=began, ended_at=began + timedelta(seconds=600), width=64, height=48,
                media_key=media_key(CAMERA, "archive", name), bytes=1000, sha256="0" * 64, previous_sha256=None,
            )  # fmt: skip
            fact = new_fact(data, CAMERA, (CAMERA, slot), Origin("encoder", 0, 0))
            await publish_fact(bus, fact, None)
    return slots
