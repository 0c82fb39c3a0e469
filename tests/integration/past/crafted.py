"""Messages of a run made by the test itself: all at once, or as a faulty writer or bus would leave them."""

import asyncio
import hashlib
import io
from collections.abc import Callable, Iterable

import av
import numpy as np

from libs.bus import publish
from libs.contracts.facts import Profile
from libs.contracts.frames import End, Unit, VideoMessage
from libs.contracts.subjects import past_video
from libs.video.picture import Picture, from_i420
from libs.video.sei import Stamp
from libs.video.x264 import H264Encoder
from services.ingest.domain import Run, messages
from tests.integration.past.site import CAMERA, PastSite

Draw = Callable[[int], Picture]


def encoded(
    profile: Profile, slots: Iterable[int], draw: Draw, epoch: int = 1, end: End | None = "source_ended"
) -> list[VideoMessage]:
    """One x264 run as messages."""
    encoder = H264Encoder(profile)
    units = [unit for slot in slots for unit in encoder.encode(draw(slot), Stamp(slot, "c"))]
    return messages(Run(CAMERA, profile.fps, epoch, 1), encoder.params, [*units, *encoder.flush()], end)


def noise(profile: Profile, seed: int) -> Draw:
    """Another picture for every slot, that no encoder likes."""

    def draw(slot: int) -> Picture:
        rng = np.random.default_rng((seed, slot))
        return from_i420(rng.integers(16, 236, (profile.height * 3 // 2, profile.width), np.uint8))

    return draw


def digests(made: Iterable[VideoMessage]) -> dict[int, str]:
    """What a decoder makes of each slot when nothing is lost."""
    units: list[Unit] = [unit for message in made for unit in message.units]
    with av.open(io.BytesIO(b"".join(unit.data for unit in units)), "r", format="h264") as container:
        frames = [frame.to_ndarray() for frame in container.decode(video=0)]
    assert len(frames) == len(units)
    return {unit.slot: hashlib.sha256(frame.tobytes()).hexdigest() for unit, frame in zip(units, frames, strict=True)}


def send(site: PastSite, made: Iterable[VideoMessage], subject: str = past_video(CAMERA)) -> None:
    """As ingest; raises what the bus refuses. The subject is that of a past run, or that of a live one."""

    async def all_of_them() -> None:
        async with site.server.bus("ingest") as bus:
            for message in made:
                await publish(bus, subject, message.payload(), message.headers())

    asyncio.run(all_of_them())
