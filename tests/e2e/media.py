"""What stands on disk and in playlists, read as a decoder and a player read it."""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import av

from libs.video.sei import Stamp, read_stamp
from tests.marker import read_marker

Gap = tuple[int, int, str]
"""First and last slot, and the cause."""


@dataclass(frozen=True)
class Decoded:
    """One `.ts`: its index and the marker slot of each decoded picture (None on slate)."""

    index: int
    slots: tuple[int | None, ...]

    @property
    def slate(self) -> int:
        """Pictures without a marker."""
        return sum(slot is None for slot in self.slots)


def decode_segments(folder: Path) -> list[Decoded]:
    """Every HLS segment of a folder, oldest first, fully decoded."""
    found = {segment_index(path): path for path in folder.glob("*.ts")}
    return [Decoded(index, decode(found[index])) for index in sorted(found)]


def decode(path: Path) -> tuple[int | None, ...]:
    """The marker slot of each decoded picture."""
    with av.open(str(path)) as container:
        markers = [read_marker(frame.to_ndarray(format="gray")) for frame in container.decode(video=0)]
    return tuple(marker.slot if marker else None for marker in markers)


@dataclass(frozen=True)
class Kept:
    """A file as it stands: whoever replaces it changes at least one of these."""

    inode: int
    modified_ns: int
    sha256: str


def kept(media: Path) -> dict[Path, Kept]:
    """All closed media of a store."""
    files = [*media.glob("*/hls/*.ts"), *media.glob("*/archive/*.mp4")]
    return {path: Kept(path.stat().st_ino, path.stat().st_mtime_ns, digest(path)) for path in files}


def digest(path: Path) -> str:
    """sha256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def segment_index(path: Path) -> int:
    """The index in the name of a `.ts`."""
    return int(path.stem.rsplit("_", 1)[1])


def stamps_of(path: Path) -> list[Stamp]:
    """The stamps of all pictures of a `.ts` or an mp4, in order."""
    with av.open(str(path)) as container:
        video = container.streams.video[0]
        to_annexb = av.BitStreamFilterContext("h264_mp4toannexb", video)
        units = [bytes(out) for packet in container.demux(video) for out in to_annexb.filter(packet) if out.size]
    return [stamp for unit in units if (stamp := read_stamp(unit))]


def gaps_in(stamps: Iterable[Stamp]) -> list[Gap]:
    """The rows of slate, each of one cause."""
    return joined((stamp.slot, stamp.slot, stamp.cause) for stamp in stamps if stamp.kind == "s")


def gaps_told(archives: Iterable[dict[str, Any]]) -> list[Gap]:
    """What the facts say; a gap that crosses windows is told in each of them."""
    told = (gap for archive in archives for gap in archive["gaps"])
    return joined((gap["first_slot"], gap["last_slot"], gap["cause"]) for gap in told)


def ends_at(archives: Iterable[dict[str, Any]]) -> int:
    """The slot after the last one that an archive holds."""
    return max((one["first_slot"] + one["frames"] for one in archives), default=0)


def joined(gaps: Iterable[Gap]) -> list[Gap]:
    """Gaps that follow one another without a picture between, and have one cause, are one."""
    rows: list[Gap] = []
    for first, last, cause in gaps:
        if rows and (rows[-1][1] + 1, rows[-1][2]) == (first, cause):
            rows[-1] = (rows[-1][0], last, cause)
        else:
            rows.append((first, last, cause))
    return rows


def expected_slots(segment: Decoded, *, first_of_run: bool) -> tuple[int, ...]:
    """The marker slots of a segment's places; a run's first segment may begin late, but ends at its boundary."""
    end = (segment.index + 1) * 50
    begin = end - len(segment.slots) if first_of_run else end - 50
    return tuple(slot & 0xFFFFFF for slot in range(begin, begin + len(segment.slots)))


@dataclass(frozen=True)
class Seen:
    """One version of the live playlist, and when it was seen (Unix seconds)."""

    at: float
    text: str

    @property
    def sequence(self) -> int:
        """EXT-X-MEDIA-SEQUENCE."""
        return int(re.findall(r"#EXT-X-MEDIA-SEQUENCE:(\d+)", self.text)[0])

    @property
    def names(self) -> list[str]:
        """The listed segments."""
        return [line for line in self.text.splitlines() if line and not line.startswith("#")]

    @property
    def times(self) -> list[float]:
        """EXT-X-PROGRAM-DATE-TIME of each segment, Unix seconds; all must end in `Z`."""
        stamps = re.findall(r"#EXT-X-PROGRAM-DATE-TIME:(.+)", self.text)
        assert all(stamp.endswith("Z") for stamp in stamps)
        return [datetime.fromisoformat(stamp).astimezone(UTC).timestamp() for stamp in stamps]

    @property
    def durations(self) -> list[float]:
        """EXTINF of each segment."""
        return [float(value) for value in re.findall(r"#EXTINF:([\d.]+),", self.text)]
