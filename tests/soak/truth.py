"""What the files of a run must hold, taken from what ingest put on the bus: the run as it is when nobody is killed."""

import asyncio
import hashlib
from collections.abc import Iterable
from pathlib import Path

from libs.bus import follow
from libs.contracts.facts import SegmentClosed
from libs.contracts.frames import VideoMessage, read_video
from libs.contracts.streams import VIDEO
from libs.contracts.subjects import video
from libs.video.sei import Stamp, read_stamp
from tests.hls_checker import History, Terms, check, check_directory
from tests.integration.past.crafted import digests
from tests.integration.past.pictures import prints
from tests.integration.past.site import CAMERA, PastSite

Truth = list[tuple[Stamp, str]]
"""Stamp and hash of the decoded picture of every slot of a run, in order."""


def decoded(messages: Iterable[VideoMessage]) -> Truth:
    """What a decoder makes of these messages, nothing lost."""
    made = list(messages)
    by_slot = digests(made)
    truth = []
    for unit in (unit for message in made for unit in message.units):
        stamp = read_stamp(unit.data)
        assert stamp is not None
        truth.append((stamp, by_slot[unit.slot]))
    return truth


def published(site: PastSite) -> list[VideoMessage]:
    """Everything that ingest put on the bus live and that still stands there."""

    async def read() -> list[VideoMessage]:
        found: list[VideoMessage] = []
        async with site.server.bus("encoder") as bus:
            batches = follow(bus, VIDEO.name, [video(CAMERA)])
            async for batch in batches:
                found += [read_video(CAMERA, one.headers, one.payload) for one in batch.messages]
                if batch.caught_up:
                    break
            await batches.aclose()
        return found

    return asyncio.run(read())


def faults(site: PastSite, truth: Truth, history: History, fps: int) -> list[str]:
    """All that is not as in the run without kills: frames, archives and their facts, playlists, leftovers."""
    before, told = _told(site, truth[0][0].slot)
    agreements = {
        "slots follow one another": [stamp.slot for stamp, _ in truth] == list(_slots(truth)),
        "every picture of the run stands once in the segments": _prints(site.segments) == truth,
        "every picture of the run stands once in the archives": _prints(archives_of(site, told)) == truth,
        "nothing is half written": not list(site.hls.parent.rglob("*.part")),
    }
    terms = Terms(fps=fps, camera=CAMERA, speed=1000, excused=((0.0, float("inf")),))
    files, found = check_directory(site.hls, terms)
    players = [str(one) for one in (*found, *check(history, terms, files))]
    return (
        [f"not true: {what}" for what, true in agreements.items() if not true]
        + chain_faults(site, told, before)
        + players
    )


def chain_faults(site: PastSite, told: list[SegmentClosed], before: str | None) -> list[str]:
    """What is wrong with the facts of the archives: each once, in order, true, and each naming the one before."""
    wrong, beyond = [], 0
    for one in told:
        data = (site.folder / "media" / one.media_key).read_bytes()
        slate = sum(gap.last_slot - gap.first_slot + 1 for gap in one.gaps)
        right = {
            "its hash": one.sha256 == hashlib.sha256(data).hexdigest(),
            "its size": one.bytes == len(data),
            "its place in the chain": one.previous_sha256 == before,
            "its first slot": one.first_slot >= beyond,
            "its account": one.captured_frames + one.held_frames + slate == one.frames,
        }
        wrong += [f"archive of slot {one.first_slot}: {what} is wrong" for what, true in right.items() if not true]
        before, beyond = one.sha256, one.first_slot + one.frames
    return wrong


def archives_of(site: PastSite, told: list[SegmentClosed]) -> list[Path]:
    """The files that the facts name."""
    return [site.folder / "media" / one.media_key for one in told]


def _told(site: PastSite, first: int) -> tuple[str | None, list[SegmentClosed]]:
    """The hash of the last archive before slot `first`, and what is told of those since."""
    closed = site.closed()
    older = [one.sha256 for one in closed if one.first_slot < first]
    return (older[-1] if older else None), [one for one in closed if one.first_slot >= first]


def _prints(files: list[Path]) -> Truth:
    return [one for path in files for one in prints(path)]


def _slots(truth: Truth) -> range:
    first = truth[0][0].slot
    return range(first, first + len(truth))
