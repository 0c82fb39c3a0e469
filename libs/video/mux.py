"""Files of video: HLS segments as MPEG-TS with stamps from slots."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import av

from libs.contracts.frames import Unit
from libs.contracts.slots import TICKS_PER_SECOND, ticks_per_slot
from libs.video.sei import read_stamp
from libs.video.x264 import params_id

_TICK = Fraction(1, TICKS_PER_SECOND)
TS_PACKET = 188
"""Bytes (ISO/IEC 13818-1)."""
_TS_OPTIONS = {"mpegts_copyts": "1", "mpegts_flags": "+initial_discontinuity"}


def ts_segment(units: Sequence[Unit], fps: int, width: int, height: int) -> bytes:
    """One `.ts` of consecutive slots; pts = dts = slot on MPEG's clock.

    The stamps go in unreduced: the muxer itself writes the low 33 bits, and reduced ones break where they wrap.
    """
    ticks, out = ticks_per_slot(fps), io.BytesIO()
    with av.open(out, "w", format="mpegts", options=_TS_OPTIONS) as container:
        stream = container.add_stream("libx264", rate=fps)
        stream.width, stream.height, stream.pix_fmt, stream.time_base = width, height, "yuv420p", _TICK
        for unit in units:
            packet = av.Packet(unit.data)
            packet.pts = packet.dts = unit.slot * ticks
            packet.duration, packet.time_base, packet.is_keyframe = ticks, _TICK, unit.key
            packet.stream = stream
            container.mux(packet)
    return out.getvalue()


@dataclass(frozen=True, slots=True)
class TsFacts:
    """What an HLS segment says of itself: slots of its first picture, how many pictures, and `Dolbom-Params`."""

    first_slot: int
    frames: int
    params: str


def read_ts(data: bytes) -> TsFacts:
    """Read back a segment that we wrote; raises ValueError when it is none (foreign, truncated, not ours)."""
    if len(data) % TS_PACKET:
        raise ValueError("it ends within a packet: truncated, or no MPEG-TS")
    try:
        with av.open(io.BytesIO(data), "r", format="mpegts") as container:
            units = [bytes(packet) for packet in container.demux(video=0) if packet.size]
    except (av.FFmpegError, IndexError) as problem:
        raise ValueError("no MPEG-TS with a video stream") from problem
    stamps = [read_stamp(unit) for unit in units]
    slots = [stamp.slot for stamp in stamps if stamp]
    if not slots or len(slots) != len(units) or slots != list(range(slots[0], slots[0] + len(slots))):
        raise ValueError("the pictures carry no unbroken stamps")
    return TsFacts(slots[0], len(slots), params_id(units[0]))
