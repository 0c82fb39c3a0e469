"""What a live playlist lists, so that nobody needs to fetch it to find out; read again only when it was replaced."""

import contextlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from libs.media import MediaStore, NotMounted, NotThere, playlist_name

MAX_BYTES = 1 << 20
_EXTINF, _TIME, _END = "#EXTINF:", "#EXT-X-PROGRAM-DATE-TIME:", "#EXT-X-ENDLIST"


@dataclass(frozen=True, slots=True)
class Listing:
    """`seconds`: total length of the segments; `until`: when the last one ends; `ended`: nothing will follow."""

    segments: int
    seconds: float
    ended: bool
    until: datetime | None


def read_listing(text: str) -> Listing:
    """Fold a media playlist; lines that make no sense count as not there."""
    segments, seconds, until, ended = 0, 0.0, None, False
    for line in text.splitlines():
        if line.startswith(_EXTINF):
            with contextlib.suppress(ValueError):
                length = float(line.removeprefix(_EXTINF).partition(",")[0])
                segments, seconds = segments + 1, seconds + length
                until = until + timedelta(seconds=length) if until else None
        elif line.startswith(_TIME):
            with contextlib.suppress(ValueError):
                until = datetime.fromisoformat(line.removeprefix(_TIME).strip())
        elif line.startswith(_END):
            ended = True
    return Listing(segments, round(seconds, 3), ended, until)


class Playlists:
    """The live playlists of the media store."""

    def __init__(self) -> None:
        self._read: dict[str, tuple[tuple[int, int], Listing]] = {}

    def listing(self, store: MediaStore | None, camera_id: str) -> Listing | None:
        """What a camera's live playlist lists now, or None when there is none."""
        if store is None:
            return None
        try:
            file = store.open_file(f"{camera_id}/hls", playlist_name(camera_id))
        except (NotThere, NotMounted):
            self._read.pop(camera_id, None)
            return None
        with file.stream:
            version = (file.modified_ns, file.size)
            known = self._read.get(camera_id)
            if known is None or known[0] != version:
                text = file.stream.read(MAX_BYTES).decode("utf-8", "replace")
                known = self._read[camera_id] = (version, read_listing(text))
        return known[1]
