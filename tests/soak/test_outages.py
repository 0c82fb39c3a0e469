"""A live site whose clock runs sixty times as fast: the encoder dies again and again, twice for up to 14 minutes."""

import shutil
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from libs.clock import wall_ms
from libs.contracts.facts import Profile
from libs.contracts.slots import rfc3339, unix_ms
from tests.hls_checker import Watch
from tests.integration.past.site import CAMERA, PastSite, past_site, until
from tests.soak.moments import MOMENTS, Moments
from tests.soak.seeds import PATIENCE, SEEDS, chances, count
from tests.soak.truth import decoded, faults, published

SPEED = 60
TINY = Profile(width=64, height=48, fps=2)
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
OUTAGE_MINUTES = (1.0, 14.0)
SHORT, LONG = "short", "long"
pytestmark = [pytest.mark.soak, pytest.mark.timeout(900)]


@pytest.mark.parametrize("number", range(SEEDS))
def test_every_frame_is_as_without_kills(
    number: int, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    _, rng = chances(number)
    begin = NOON + timedelta(seconds=rng.randint(0, 599))
    with past_site(tmp_path) as site, Moments(site) as moments:
        site.clock = f"{rfc3339(begin)}@{SPEED}@{wall_ms()}"
        site.start("ingest", "encoder")
        site.wish_live(TINY, since_ms=unix_ms(begin))
        until(lambda: bool(site.segments), PATIENCE, site.words)
        watch = Watch(partial(playlist, site), every=0.05)
        for pause in rng.sample([LONG, LONG, SHORT, SHORT, SHORT], 5):
            moment = rng.choice([moment for moment in MOMENTS if moment != "expired"])
            done = moments.strike(rng, moment, 12.0, lambda: False)
            minutes = rng.uniform(*OUTAGE_MINUTES) if pause == LONG else rng.choice((0.0, rng.uniform(0, 1)))
            time.sleep(minutes * 60 / SPEED)
            print(f"{done}, dead for {minutes:.1f} min")
            site.start("encoder")
        time.sleep(rng.uniform(0, 3))
        site.stop_wish()
        until(lambda: site.ended, PATIENCE, site.words)
        truth = decoded(published(site))
        until(lambda: sum(one.frames for one in site.closed()) >= len(truth), PATIENCE, site.words)
        count(record_property, moments.counts | Counter({"frames": len(truth)}))
        captured = sum(stamp.kind == "c" for stamp, _ in truth)
        print(f"{len(truth)} frames, {captured} captured, {len(site.segments)} segments, {len(site.archives)} archives")
        assert captured > 0.5 * len(truth), "the machine was too busy to prove anything"
        assert faults(site, truth, watch.stop(), TINY.fps) == []
    shutil.rmtree(tmp_path)


def playlist(site: PastSite) -> tuple[int, bytes]:
    """As a viewer gets it."""
    path = site.hls / f"{CAMERA}.m3u8"
    return (200, path.read_bytes()) if path.exists() else (404, b"")
