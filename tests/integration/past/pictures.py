"""What files hold, read as a decoder reads them: a hash and a marker for each picture, and its own stamp."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import av

from libs.video.sei import Stamp, read_stamp
from tests.marker import read_marker


@dataclass(frozen=True)
class Seen:
    """One decoded picture: what its bytes say (slot, kind, cause), and what its pixels say."""

    stamp: Stamp
    marker: int | None
    digest: str
    luma: float


def pictures(path: Path) -> list[Seen]:
    """Every picture of a file, decoded."""
    with av.open(str(path)) as container:
        stamps = [read_stamp(_annex_b(bytes(packet))) for packet in container.demux(video=0) if packet.size]
    with av.open(str(path)) as container:
        grey = [frame.to_ndarray() for frame in container.decode(video=0)]
    assert len(stamps) == len(grey), f"{path.name}: {len(stamps)} packets, {len(grey)} pictures"
    seen = []
    for stamp, planes in zip(stamps, grey, strict=True):
        assert stamp is not None
        luma = planes[: planes.shape[0] * 2 // 3]
        marker, digest = read_marker(luma), hashlib.sha256(planes.tobytes()).hexdigest()
        seen.append(Seen(stamp, marker.slot if marker else None, digest, float(luma.mean())))
    return seen


def wrong(seen: list[Seen], first: int) -> list[str]:
    """What is not as it must be in a run without gaps: every slot once, in order, stamp and pixels agreeing."""
    return [
        f"place {first + at}: {one}"
        for at, one in enumerate(seen)
        if one.stamp != Stamp(first + at, "c") or one.marker != (first + at) & 0xFFFFFF
    ]


def _annex_b(unit: bytes) -> bytes:
    """mp4 writes lengths where Annex B has start codes."""
    if unit.startswith((b"\0\0\1", b"\0\0\0\1")):
        return unit
    out, at = b"", 0
    while at < len(unit):
        size = int.from_bytes(unit[at : at + 4], "big")
        out += b"\0\0\0\1" + unit[at + 4 : at + 4 + size]
        at += 4 + size
    return out
