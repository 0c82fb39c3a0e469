"""Nobody reads: ingest stops where the bus is full, and goes on when somebody does."""

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from libs.contracts.slots import slot_at, unix_ms
from tests.integration.past.pictures import pictures, wrong
from tests.integration.past.site import PastSite, past_site, until

BEGIN = datetime(2025, 3, 2, 9, 0, 0, tzinfo=UTC)


def memory(site: PastSite) -> int:
    """What ingest holds, in kB."""
    status = Path(f"/proc/{site.services['ingest'].pid}/status").read_text(encoding="ascii")
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))


def test_ingest_waits_for_its_reader(tmp_path: Path) -> None:
    with past_site(tmp_path) as site:
        site.start("ingest")
        site.wish(BEGIN, BEGIN + timedelta(minutes=5))
        until(lambda: site.past_messages() == 60, 30, site.words)
        time.sleep(0.5)
        before = memory(site)
        time.sleep(2)
        assert site.past_messages() == 60
        assert memory(site) - before < 5_000
        site.start("encoder")
        until(lambda: site.ended, 60, site.words)
        site.until_told(1)
        seen = [one for path in site.segments for one in pictures(path)]
        assert (len(seen), wrong(seen, slot_at(unix_ms(BEGIN), 5))) == (1500, [])
        assert site.past_messages() == 1


def test_a_stop_while_nobody_reads_closes_what_was_taken(tmp_path: Path) -> None:
    """The end could not be told on the bus, so the wish itself ends the run."""
    with past_site(tmp_path) as site:
        site.start("ingest")
        site.wish(BEGIN, BEGIN + timedelta(minutes=5))
        until(lambda: site.past_messages() == 60, 30, site.words)
        site.stop_wish()
        until(lambda: site.states() == ["online", "stopped"], 10, site.words)
        site.start("encoder")
        until(lambda: site.ended, 60, site.words)
        assert sum(one.frames for one in site.until_told(1)) == 300
