"""Whatever is killed in a past run, and whenever, no slot is lost and none comes twice."""

import hashlib
import os
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from libs.contracts.facts import Profile
from libs.contracts.slots import slot_at, unix_ms
from tests.integration.past.pictures import pictures, wrong
from tests.integration.past.site import PastSite, past_site, until

BEGIN = datetime(2025, 3, 2, 9, 8, 57, tzinfo=UTC)
END = BEGIN + timedelta(minutes=11, seconds=20)
ARCHIVES = 3
PROFILE = Profile(width=128, height=96, fps=2)


@dataclass(frozen=True)
class Outcome:
    """What a run left: digests of all files, and what was told of the archives."""

    files: dict[str, str]
    told: list[tuple[int, int, str, str | None]]


def outcome(site: PastSite) -> Outcome:
    closed = site.until_told(ARCHIVES)
    assert site.past_messages() == 1
    files = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in (*site.segments, *site.archives)}
    return Outcome(files, [(one.first_slot, one.frames, one.sha256, one.previous_sha256) for one in closed])


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outcome]:
    with past_site(tmp_path_factory.mktemp("undisturbed")) as site:
        site.start("ingest", "encoder")
        site.wish(BEGIN, END, profile=PROFILE)
        until(lambda: site.ended, 60, site.words)
        yield outcome(site)


def reached(site: PastSite, segments: int) -> bool:
    return site.ended or len(site.segments) >= segments


def disturb(site: PastSite, rng: random.Random, victims: list[str]) -> list[str]:
    """Kill one after the other at random moments of the run, and start each again; returns what was done."""
    until(lambda: bool(site.segments), 30, site.words)
    done = []
    for victim in victims:
        goal = len(site.segments) + rng.randint(0, 9)
        until(partial(reached, site, goal), 30, site.words)
        time.sleep(rng.uniform(0, 0.1))
        done.append(f"{victim} at {len(site.segments)}")
        if victim == "nats":
            site.server.kill()
            time.sleep(rng.uniform(0, 0.3))
            site.server.start()
        else:
            site.kill(victim)
            site.start(victim)
            time.sleep(rng.choice((0, rng.uniform(0, 1))))
    return done


@pytest.mark.parametrize("number", range(5))
def test_nothing_is_lost(number: int, undisturbed: Outcome, tmp_path: Path) -> None:
    """A new x264 after a killed ingest makes other bytes; all else leaves the very same files."""
    seed = int(os.environ.get("DOLBOM_SEED", "0")) or random.SystemRandom().randrange(1, 1 << 32)
    rng = random.Random(seed)
    victims = ["encoder", "encoder", "encoder", "nats"] + (["ingest", "ingest"] if number % 2 else [])
    rng.shuffle(victims)
    with past_site(tmp_path) as site:
        site.start("ingest", "encoder")
        site.wish(BEGIN, END, profile=PROFILE)
        done = disturb(site, rng, victims)
        print(f"\nseed {seed}: {', '.join(done)}")
        until(lambda: site.ended, 60, site.words)
        found = outcome(site)
        if "ingest" not in victims:
            assert found == undisturbed
            return
        first = slot_at(unix_ms(BEGIN), PROFILE.fps)
        seen = [one for path in site.segments for one in pictures(path)]
        assert wrong(seen, first) == []
        assert len(seen) == slot_at(unix_ms(END), PROFILE.fps) - first
        assert [told[:2] for told in found.told] == [told[:2] for told in undisturbed.told]
        assert [one for path in site.archives for one in pictures(path)] == seen
