"""Makes the streams and buckets of a site, and widens what is too narrow; nothing is ever taken away."""

import asyncio
import os

from cli.access import Access, access
from cli.refusal import Refusal
from cli.site import Site
from libs.bus import Bus, BusError, OldServer, connect, ensure_bucket, ensure_stream, last_message
from libs.contracts.frames import FrameError, read_video
from libs.contracts.slots import slot_end_ms
from libs.contracts.streams import BUCKETS, FACT_STREAMS, VIDEO
from libs.contracts.subjects import video
from libs.observe import set_up_logs

_QUIET = "CRITICAL"


def setup(data: str) -> int:
    """The command: on the bus that runs, or on the one that NATS_URL names."""
    where = access(Site.at(data), "setup", os.environ)
    asyncio.run(make_streams(where))
    print(f"✔ setup     {len(FACT_STREAMS)} streams and {len(BUCKETS)} buckets stand on {where.shown_url}")
    return 0


async def make_streams(where: Access) -> None:
    """As user `setup`: all fact streams and buckets stand as the contract says. Raises Refusal with the reason."""
    set_up_logs("setup", _QUIET)
    try:
        async with connect(where.url, where.user, where.password) as bus:
            await _make(bus)
    except OldServer as problem:
        raise Refusal(str(problem)) from problem
    except BusError as problem:
        raise Refusal(f"the streams are not as they must be: {problem}") from problem


async def _make(bus: Bus) -> None:
    try:
        for stream in FACT_STREAMS:
            await ensure_stream(bus.js, stream, widen=True)
        for bucket in BUCKETS:
            await ensure_bucket(bus.js, bucket)
    except BusError:
        raise
    except Exception as problem:  # the client's many errors; whoever starts a site needs one line
        said = str(problem) or type(problem).__name__
        raise Refusal(f"user {bus.user} could not make the streams ({said}): is it allowed to?") from problem


async def last_video_ms(where: Access) -> int:
    """The end of the newest frame that any camera left on the bus, in Unix milliseconds; 0 without one."""
    try:
        async with connect(where.url, where.user, where.password) as bus:
            last = await last_message(bus, VIDEO.name, video("*"))
        newest = read_video("", last.headers, last.payload) if last else None
    except (BusError, FrameError):
        return 0
    return slot_end_ms(newest.last_slot, newest.fps) if newest else 0
