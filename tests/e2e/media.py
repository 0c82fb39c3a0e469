"""What stands on disk and in playlists, read as a decoder and a player read it."""

import hashlib
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import av

from tests.marker import read_marker


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
