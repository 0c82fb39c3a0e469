"""The stamp in every access unit, so that media proves itself: slot, kind and cause as an SEI.

NAL type 6 (SEI), payload type 5 (user data unregistered, ITU-T H.264 D.1.6): UUID, slot (8 bytes, big-endian),
kind (ASCII c, h or s), cause (index in `frames.CAUSES`).
"""

import re
from dataclasses import dataclass
from uuid import NAMESPACE_URL, uuid5

from libs.contracts.frames import CAUSES, Cause, Kind

STAMP_UUID = uuid5(NAMESPACE_URL, "dolbom:slot").bytes
_START = re.compile(b"\0\0\1")
_SLICES = (1, 5)
_SEI = 6
_KINDS: dict[int, Kind] = {ord("c"): "c", ord("h"): "h", ord("s"): "s"}


@dataclass(frozen=True, slots=True)
class Stamp:
    """What an access unit says of itself."""

    slot: int
    kind: Kind
    cause: Cause = "none"


def stamped(unit: bytes, stamp: Stamp) -> bytes:
    """The access unit (Annex B) with its stamp before the first slice. Raises ValueError without a slice."""
    body = STAMP_UUID + stamp.slot.to_bytes(8, "big") + stamp.kind.encode() + bytes([CAUSES.index(stamp.cause)])
    sei = b"\0\0\0\1\x06" + _escaped(bytes([5, len(body)]) + body + b"\x80")
    for start in _START.finditer(unit):
        if unit[start.end()] & 31 in _SLICES:
            at = start.start()
            if at and unit[at - 1] == 0:
                at -= 1
            return unit[:at] + sei + unit[at:]
    raise ValueError("the access unit has no slice")


def read_stamp(unit: bytes) -> Stamp | None:
    """The stamp of an access unit (Annex B), or None when it has none of ours."""
    for nal in nals(unit):
        if len(nal) > 28 and nal[0] & 31 == _SEI and nal[1] == 5:
            body = nal[1:].replace(b"\0\0\3", b"\0\0")
            if body[2:18] == STAMP_UUID and body[26] in _KINDS and body[27] < len(CAUSES):
                cause: Cause = CAUSES[body[27]]
                return Stamp(int.from_bytes(body[18:26], "big"), _KINDS[body[26]], cause)
    return None


def nals(unit: bytes) -> list[bytes]:
    """The NAL units of an access unit, without start codes."""
    return [nal.rstrip(b"\0") for nal in _START.split(unit)[1:]]


def parameter_sets(unit: bytes) -> bytes:
    """SPS and PPS of an access unit, joined; empty when it carries none."""
    return b"".join(nal for nal in nals(unit) if nal[0] & 31 in (7, 8))


def _escaped(payload: bytes) -> bytes:
    """Emulation prevention (ITU-T H.264 7.4.1): 00 00 0x becomes 00 00 03 0x."""
    out, zeros = bytearray(), 0
    for byte in payload:
        if zeros >= 2 and byte <= 3:
            out.append(3)
            zeros = 0
        out.append(byte)
        zeros = zeros + 1 if byte == 0 else 0
    return bytes(out)
