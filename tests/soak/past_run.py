"""A past run in which encoder, bus and ingest are killed at random moments, held against one without kills."""

import hashlib
import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from libs.contracts.facts import Profile
from libs.contracts.slots import slot_at, unix_ms
from tests.integration.past.pictures import pictures, prints, wrong
from tests.integration.past.site import PastSite, past_site, until
from tests.soak.moments import Moment, Moments
from tests.soak.seeds import PATIENCE

BEGIN = datetime(2025, 3, 2, 9, 8, 57, tzinfo=UTC)
END = BEGIN + timedelta(minutes=11, seconds=20)
ARCHIVES, SEGMENTS = 3, 69
PROFILE = Profile(width=128, height=96, fps=2)
FIRST, BEYOND = (slot_at(unix_ms(moment), PROFILE.fps) for moment in (BEGIN, END))
STEERED: tuple[Moment, ...] = ("part", "ts", "playlist", "mp4", "closed")


@dataclass(frozen=True)
class Outcome:
    """What a run left: its files with their digests, and what was told of the archives."""

    files: dict[str, str]
    told: list[tuple[int, int, str, str | None]]
    half_written: list[str]
    segments: list[Path] = field(compare=False)
    archives: list[Path] = field(compare=False)
    done: list[str] = field(compare=False)
    counts: Counter[str] = field(compare=False)


def undisturbed(folder: Path) -> Outcome:
    """The run as it is when nothing breaks."""
    with past_site(folder) as site:
        site.start("ingest", "encoder")
        site.wish(BEGIN, END, profile=PROFILE)
        until(lambda: site.ended, PATIENCE, site.words)
        return _outcome(site, [], Counter())


def disturbed(folder: Path, rng: random.Random, victims: list[str], outages: Callable[[], float]) -> Outcome:
    """The same run while the victims are killed one after the other; a killed encoder stays dead for an outage."""
    done: list[str] = []
    with past_site(folder) as site, Moments(site) as moments:
        site.start("ingest", "encoder")
        site.wish(BEGIN, END, profile=PROFILE)
        until(lambda: bool(site.segments), PATIENCE, site.words)
        for victim in victims:
            if victim == "encoder":
                struck, outage = _strike(site, moments, rng, len(victims)), outages()
                time.sleep(outage)
                site.start("encoder")
                done.append(f"{struck}, dead for {outage:.1f} s")
            else:
                done.append(_kill(site, rng, victim, len(victims)))
                moments.counts[f"{victim} killed"] += 1
            print(done[-1])
        until(lambda: site.ended, PATIENCE, site.words)
        return _outcome(site, done, moments.counts)


def faults(found: Outcome, expected: Outcome, *, same_bytes: bool) -> list[str]:
    """How the run differs from the one without kills. A new x264 after a killed ingest makes other bytes."""
    if same_bytes:
        return [] if found == expected else ["the files are not those of the run without kills"]
    segments = [one for path in found.segments for one in pictures(path)]
    archived = [one for path in found.archives for one in prints(path)]
    agreements = {
        "every slot of the run is there": len(segments) == BEYOND - FIRST,
        "archives hold what segments hold": archived == [(one.stamp, one.digest) for one in segments],
        "the same archives are told": [one[:2] for one in found.told] == [one[:2] for one in expected.told],
        "they are a chain": [one[3] for one in found.told] == [None, *(one[2] for one in found.told)][:-1],
        "they are those on disk": [one[2] for one in found.told] == [found.files[path.name] for path in found.archives],
        "nothing is half written": not found.half_written,
    }
    return [f"not true: {what}" for what, true in agreements.items() if not true] + wrong(segments, FIRST)


def _outcome(site: PastSite, done: list[str], counts: Counter[str]) -> Outcome:
    closed = site.until_told(ARCHIVES)
    assert site.past_messages() == 1
    files = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in (*site.segments, *site.archives)}
    told = [(one.first_slot, one.frames, one.sha256, one.previous_sha256) for one in closed]
    parts = [path.name for path in site.hls.parent.rglob("*.part")]
    return Outcome(files, told, parts, site.segments, site.archives, done, counts)


def _strike(site: PastSite, moments: Moments, rng: random.Random, kills: int) -> str:
    """Kill the encoder at a moment that hurts, or at any."""
    moment = rng.choice((None, *STEERED))
    if moment is None:
        moments.counts["encoder killed"] += 1
        return _kill(site, rng, "encoder", kills)
    return moments.strike(rng, moment, 5.0, lambda: site.ended and len(site.archives) >= ARCHIVES)


def _kill(site: PastSite, rng: random.Random, victim: str, kills: int) -> str:
    """After some more segments, so that all kills find room, and a little."""
    until(partial(_reached, site, len(site.segments) + rng.randint(0, SEGMENTS // kills)), PATIENCE, site.words)
    time.sleep(rng.uniform(0, 0.1))
    done = f"{victim} killed at segment {len(site.segments)}"
    if victim == "nats":
        site.server.kill()
        time.sleep(rng.uniform(0, 0.3))
        site.server.start()
    else:
        site.kill(victim)
        if victim != "encoder":
            site.start(victim)
    return done


def _reached(site: PastSite, segments: int) -> bool:
    return site.ended or len(site.segments) >= segments
