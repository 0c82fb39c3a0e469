"""Two ingests of one site: the second waits, takes over from one that stands still, and is never mixed with it."""

import asyncio
import json
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path

from cli.web import ask
from libs.contracts.frames import VideoMessage, read_video
from libs.contracts.slots import slot_at
from libs.contracts.streams import VIDEO
from tests import forked
from tests.e2e.media import gaps_in
from tests.forked import Forked
from tests.integration.past.crafted import digests
from tests.integration.past.pictures import pictures
from tests.integration.past.site import CAMERA, SMALL, PastSite, past_site, until


@contextmanager
def second_ingest(site: PastSite) -> Iterator[Forked]:
    """Another replica: a member name and a data directory of its own."""
    told = {
        "NATS_URL": site.server.url,
        "NATS_USER": "ingest",
        "NATS_PASSWORD": "ingest",
        "MEDIA_URL": str(site.folder / "media"),
        "DOLBOM_DATA": str(site.folder / "second"),
        "DOLBOM_MEMBER": "ingest-2",
        "HEALTH_PORT": "0",
    }
    process = forked.start("services.ingest", {**os.environ, **told}, site.folder / "ingest-2.log")
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def is_ready(site: PastSite) -> bool:
    """Is the second replica on the bus?"""
    announced = site.folder / "second" / "run" / "ingest.json"
    if not announced.exists():
        return False
    answer = ask("127.0.0.1", json.loads(announced.read_text(encoding="utf-8"))["health_port"], "/readyz")
    return answer is not None and answer.status == 200


def sent(site: PastSite) -> list[VideoMessage]:
    """All video on the bus, in the order in which it came."""

    async def read() -> list[VideoMessage]:
        async with site.server.bus("setup") as bus:
            state = (await bus.js.stream_info(VIDEO.name)).state
            kept = [await bus.js.get_msg(VIDEO.name, seq=n) for n in range(max(1, state.first_seq), state.last_seq + 1)]
        return [read_video(CAMERA, raw.headers or {}, raw.data or b"") for raw in kept]

    return asyncio.run(read())


def turns(made: list[VideoMessage]) -> list[int]:
    """The epochs as they follow one another: each appears once unless somebody speaks out of turn."""
    return [epoch for epoch, _ in groupby(message.epoch for message in made)]


def decoded(made: list[VideoMessage]) -> dict[int, str]:
    """What a decoder makes of each slot of these messages, every x264 run by itself."""
    runs = dict.fromkeys(message.run for message in made)
    return {slot: one for run in runs for slot, one in digests([m for m in made if m.run == run]).items()}


def test_one_that_stands_still_is_replaced_and_what_it_says_later_is_never_used(tmp_path: Path) -> None:
    with past_site(tmp_path) as site:
        site.start("encoder", "ingest")
        site.wish_live()
        until(lambda: len(sent(site)) >= 2, 20, site.words)
        with second_ingest(site) as other:
            until(lambda: is_ready(site), 20)
            time.sleep(2)
            assert len(turns(sent(site))) == 1, "the second waits while the first lives"
            stopped_in = stand_still_until_replaced(site)
            heard = len(sent(site))
            until(lambda: len(sent(site)) >= heard + 5, 10, site.words)
            other.terminate()
            assert other.wait(10) == 0
        until(lambda: len(turns(sent(site))) >= 3, 10, site.words)
        heard = len(sent(site))
        until(lambda: len(sent(site)) >= heard + 3, 10, site.words)
        site.stop_wish()
        until(lambda: site.ended, 20, site.words)
        seen = [one for path in site.segments for one in pictures(path)]
        # Two archives, when a window ended meanwhile.
        until(lambda: sum(one.frames for one in site.closed()) == len(seen), 100, site.words)
        made, told = sent(site), sorted(site.closed(), key=lambda one: one.first_slot)
    assert turns(made) == sorted(set(turns(made))), "nothing of a lower epoch comes after a higher one"
    assert len(turns(made)) == 3
    captured = [one for one in seen if one.stamp.kind == "c"]
    assert {one.stamp.slot: one.digest for one in captured} == decoded(made)
    assert [one for one in captured if one.marker != one.stamp.slot & 0xFFFFFF] == []
    slots = [one.stamp.slot for one in seen]
    assert slots == [slot for one in told for slot in range(one.first_slot, one.first_slot + one.frames)]
    assert slots == list(range(slots[0], slots[0] + len(slots)))
    gaps = gaps_in(one.stamp for one in seen)
    for closed in told:
        own = gaps_in(
            one.stamp for one in seen if closed.first_slot <= one.stamp.slot < closed.first_slot + closed.frames
        )
        assert [(gap.first_slot, gap.last_slot, gap.cause) for gap in closed.gaps] == own
    assert {cause for _, _, cause in gaps} <= {"ingest", "restart"}
    takes_over = next(message.first_slot for message in made if message.epoch == turns(made)[1])
    print(f"\nthe second took over after {(takes_over - stopped_in) / SMALL.fps:.1f} s")
    assert stopped_in - gaps[0][0] <= 2 * SMALL.fps, "at most two seconds of what was captured"
    assert takes_over - stopped_in <= 9 * SMALL.fps


def stand_still_until_replaced(site: PastSite) -> int:
    """SIGSTOP the first ingest until the second has taken over, then wake it; returns the slot in which it stopped."""
    zombie = site.services["ingest"]
    zombie.send_signal(signal.SIGSTOP)
    slot = slot_at(time.time_ns() // 1_000_000, SMALL.fps)
    try:
        until(lambda: len(turns(sent(site))) == 2, 15, site.words)
        heard = len(sent(site))
        until(lambda: len(sent(site)) >= heard + 2, 10, site.words)
    finally:
        zombie.send_signal(signal.SIGCONT)
    return slot
