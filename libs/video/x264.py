"""One H.264 for ingest and for slate: same profile, byte-equal SPS and PPS, so that players see no seam.

Measured against veryfast's defaults: 4-9 % more bytes, 13-29 % less CPU, 6 slots of delay.
"""

import hashlib
from fractions import Fraction

import av
from av.video.frame import PictureType

from libs.contracts.facts import Profile
from libs.contracts.frames import Unit
from libs.contracts.slots import HLS_SECONDS
from libs.video.sei import Stamp, parameter_sets, stamped

DELAY_SLOTS = 6
"""Pictures that the encoder holds back (lookahead of 5 and the one in hand)."""

_BASE_RATE = 3_000
_MAX_RATE = 5_000
"""kbit/s at 640x480 and 5 fps, scaled by pixels and fps, and never above."""


def max_rate_kbit(profile: Profile) -> int:
    """VBV rate of a profile, so that a noisy picture cannot flood bus and disk."""
    scale = profile.width * profile.height * profile.fps / (640 * 480 * 5)
    return max(200, min(_MAX_RATE, round(_BASE_RATE * scale)))


class H264Encoder:
    """Pictures in, stamped access units out, `DELAY_SLOTS` later. One instance is one run (`Dolbom-Run`)."""

    def __init__(self, profile: Profile) -> None:
        self._gop = HLS_SECONDS * profile.fps
        self._stamps: dict[int, Stamp] = {}
        self._first = True
        self.params = ""
        self._codec = _open(profile, self._gop)

    def encode(self, picture: av.VideoFrame, stamp: Stamp, *, key: bool = False) -> list[Unit]:
        """Take the picture of a slot; slots must grow. An IDR stands at each HLS boundary and where `key` asks."""
        picture.pts, picture.time_base = stamp.slot, self._codec.time_base
        wants_key = key or self._first or stamp.slot % self._gop == 0
        picture.pict_type = PictureType.I if wants_key else PictureType.NONE
        self._first = False
        self._stamps[stamp.slot] = stamp
        return [self._unit(packet) for packet in self._codec.encode(picture)]

    def flush(self) -> list[Unit]:
        """What the encoder still holds; it takes no picture afterwards."""
        return [self._unit(packet) for packet in self._codec.encode(None)]

    def _unit(self, packet: "av.Packet[av.VideoStream]") -> Unit:
        if packet.pts is None:
            raise ValueError("x264 gave a packet without a time")
        stamp, raw = self._stamps.pop(packet.pts), bytes(packet)
        if packet.is_keyframe and not self.params:
            self.params = params_id(raw)
        return Unit(stamp.slot, stamp.kind, packet.is_keyframe, stamped(raw, stamp))


def params_id(unit: bytes) -> str:
    """`Dolbom-Params`: 16 hex digits of the sha256 of SPS+PPS; empty when the unit carries none."""
    sets = parameter_sets(unit)
    return hashlib.sha256(sets).hexdigest()[:16] if sets else ""


def _open(profile: Profile, gop: int) -> av.VideoCodecContext:
    codec = av.CodecContext.create("libx264", "w")
    if not isinstance(codec, av.VideoCodecContext):
        raise TypeError("libx264 is no video codec here")
    codec.width, codec.height, codec.pix_fmt = profile.width, profile.height, "yuv420p"
    codec.time_base, codec.framerate = Fraction(1, profile.fps), Fraction(profile.fps, 1)
    codec.thread_count, codec.gop_size, codec.max_b_frames = 1, gop, 0
    codec.sample_aspect_ratio = Fraction(1, 1)
    codec.color_range = 1  # AVCOL_RANGE_MPEG
    space = 6 if profile.height <= 576 else 1  # SMPTE 170M (BT.601) or BT.709, ITU-T H.273
    codec.color_primaries = codec.color_trc = codec.colorspace = space
    rate = max_rate_kbit(profile)
    codec.options = {
        "preset": profile.preset,
        "crf": "23",
        "x264-params": (
            f"keyint={gop}:min-keyint=1:scenecut=0:open-gop=0:repeat-headers=1:bframes=0:rc-lookahead=5"
            f":sync-lookahead=0:vbv-maxrate={rate}:vbv-bufsize={rate}"
        ),
    }
    return codec
