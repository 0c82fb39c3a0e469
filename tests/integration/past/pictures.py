"""What files hold, read as a decoder reads them: a hash and a marker for each picture, and its own stamp."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
from numpy.typing import NDArray

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
    stamps, planes = _read(path)
    seen = []
    for stamp, picture in zip(stamps, planes, strict=True):
        luma = picture[: picture.shape[0] * 2 // 3]
        marker = read_marker(luma)
        seen.append(Seen(stamp, marker.slot if marker else None, digest(picture), float(luma.mean())))
    return seen


def prints(path: Path) -> list[tuple[Stamp, str]]:
    """Stamp and hash of every decoded picture of a file: enough to tell whether two pictures are the same."""
    stamps, planes = _read(path)
    return [(stamp, digest(picture)) for stamp, picture in zip(stamps, planes, strict=True)]


def digest(planes: NDArray[Any]) -> str:
    """The hash of a decoded picture."""
    return hashlib.sha256(planes.tobytes()).hexdigest()


def _read(path: Path) -> tuple[list[Stamp], list[NDArray[Any]]]:
    """Stamps and decoded planes, as many of the one as of the other."""
    with av.open(str(path)) as container:
        stamps = [read_stamp(_annex_b(bytes(packet))) for packet in container.demux(video=0) if packet.size]
    with av.open(str(path)) as container:
        planes = [frame.to_ndarray() for frame in container.decode(video=0)]
    assert len(stamps) == len(planes), f"{path.name}: {len(stamps)} packets, {len(planes)} pictures"
    known = [stamp for stamp in stamps if stamp is not None]
    assert len(known) == len(stamps), f"{path.name}: pictures without a stamp"
    return known, planes


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
