"""A past run, from the wish to the archives."""

import hashlib
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from libs.contracts.slots import slot_at, unix_ms
from tests.integration.past.pictures import pictures, wrong
from tests.integration.past.site import past_site, until

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
