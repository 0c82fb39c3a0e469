"""What a faulty writer or bus leaves of a past run: slate and whole pictures, never a smeared one."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from libs.contracts.facts import Profile
from libs.contracts.slots import slot_at, unix_ms
from services.ingest.demo import DemoSource
from tests.integration.past.crafted import digests, encoded, noise, send
from tests.integration.past.pictures import pictures
from tests.integration.past.site import SMALL, past_site, until

BEGIN = datetime(2025, 3, 2, 9, 0, 0, tzinfo=UTC)
FIRST = slot_at(unix_ms(BEGIN), 5)
MINUTE = timedelta(minutes=1)


def test_a_lost_message_is_slate_until_the_next_idr(tmp_path: Path) -> None:
    made = encoded(SMALL, range(FIRST, FIRST + 200), DemoSource(SMALL).picture)
    whole = digests(made)
    with past_site(tmp_path) as site:
        site.wish(BEGIN, BEGIN + MINUTE)
        send(site, [message for message in made if message.first_slot != FIRST + 65])
        site.start("encoder")
        until(lambda: site.ended, 30, site.words)
        (closed,) = site.until_told(1)
        seen = [one for path in site.segments for one in pictures(path)]
        assert [one.stamp.slot for one in seen] == list(range(FIRST, FIRST + 200))
        lost = range(FIRST + 65, FIRST + 100)
        assert {one.stamp.slot for one in seen if one.marker is None} == set(lost)
        assert {(one.stamp.kind, one.stamp.cause) for one in seen if one.stamp.slot in lost} == {("s", "bus")}
        assert [one for one in seen if one.stamp.slot not in lost and one.digest != whole[one.stamp.slot]] == []
        assert [(gap.first_slot, gap.last_slot, gap.cause) for gap in closed.gaps] == [(lost[0], lost[-1], "bus")]


def test_of_two_writers_the_lower_epoch_ends_where_the_higher_began(tmp_path: Path) -> None:
    older = encoded(SMALL, range(FIRST, FIRST + 145), DemoSource(SMALL).picture, epoch=1)
    newer = encoded(SMALL, range(FIRST + 50, FIRST + 145), noise(SMALL, 1), epoch=2)
    both = older[:10] + [one for pair in zip(newer, older[10:], strict=True) for one in pair]
    with past_site(tmp_path) as site:
        site.wish(BEGIN, BEGIN + MINUTE)
        send(site, both)
        site.start("encoder")
        until(lambda: site.ended, 30, site.words)
        site.until_told(1)
        expected = {**digests(older[:10]), **digests(newer)}
        seen = [one for path in site.segments for one in pictures(path)]
        assert {one.stamp.slot: one.digest for one in seen} == expected
        assert len(seen) == 145


@pytest.mark.parametrize("seconds", [20, pytest.param(60, marks=pytest.mark.soak)])
def test_full_frame_noise_fits_the_bus_and_the_segments(seconds: int, tmp_path: Path) -> None:
    profile = Profile(width=1280, height=720, fps=10)
    first, frames = slot_at(unix_ms(BEGIN), 10), seconds * 10
    made = encoded(profile, range(first, first + frames), noise(profile, 2))
    size = sum(len(message.payload()) for message in made)
    print(f"\n{seconds} s of noise: {len(made)} messages, {size / 1e6:.1f} MB")
    with past_site(tmp_path) as site:
        site.wish(BEGIN, BEGIN + 2 * MINUTE, profile=profile)
        site.start("encoder")
        for at in range(0, len(made), 30):
            send(site, made[at : at + 30])  # raises what the bus refuses
            until(lambda: site.past_messages() <= 30 or site.ended, 30, site.words)
        until(lambda: site.ended, 30, site.words)
        (closed,) = site.until_told(1)
        assert (closed.first_slot, closed.frames, closed.gaps) == (first, frames, ())
        expected = digests(made)
        for files in (site.segments, site.archives):
            seen = [one for path in files for one in pictures(path)]
            assert {one.stamp.slot: one.digest for one in seen} == expected
        assert len(site.segments) == seconds // 10
