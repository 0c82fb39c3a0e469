"""One site, those who watch it, and what the chapters of a test file leave for one another."""

import shutil
import time
from pathlib import Path
from random import Random
from typing import Any

from libs.contracts.slots import hls_index, slot_at
from libs.video.sei import Stamp
from tests.e2e.browser import Viewer
from tests.e2e.media import Kept, Seen, ends_at, segment_index, stamps_of
from tests.e2e.site import HLS, Site, wait_for
from tests.e2e.watcher import Watcher

CONTROL = "/api/live-monitoring"


class Story:
    """Of camera-1 at 5 fps on the real clock."""

    def __init__(self, site: Site, taken: int, seed: int, pictures: Path) -> None:
        self.site, self.taken = site, taken
        self.watcher = Watcher(site)
        self.viewer = Viewer(site.url, shutil.which("chromium") or "", pictures)
        self.random = Random(seed)
        self.killed_in = self.interrupted_in = 0
        """The slots in which ingest was killed, and Ctrl-C came."""
        self.stopped_in = 0
        """The HLS segment in which the run was stopped."""
        self.kept: dict[Path, Kept] = {}

    @property
    def newest(self) -> Seen:
        """The newest version of the playlist that was seen."""
        return self.watcher.playlists[-1]

    def closes(self, seconds: float = 25) -> None:
        """Wait until two more segments are listed."""
        want = self.newest.sequence + len(self.newest.names) + 2
        wait_for(lambda: self.newest.sequence + len(self.newest.names) >= want, seconds, "two more segments")

    @property
    def media(self) -> Path:
        """The media store."""
        return self.site.data / "media"

    def segments(self) -> list[int]:
        """The indices of all HLS segments on disk."""
        return sorted(segment_index(path) for path in self.media.glob("camera-1/hls/*.ts"))

    def stamps(self, since: int = 0) -> list[Stamp]:
        """What all pictures of the segments from index `since` say of themselves."""
        listed = [index for index in self.segments() if index >= since]
        return [one for index in listed for one in stamps_of(self.media / "camera-1/hls" / f"camera-1_{index}.ts")]

    def archives(self) -> list[dict[str, Any]]:
        """What is told of them, oldest first."""
        return list(self.site.get("/api/v1/cameras/camera-1/segments").json()["items"])

    def all_is_told(self) -> bool:
        """Is the run over, and do archives hold all that stands in segments?"""
        return self.ended() and hls_index(ends_at(self.archives()) - 1, 5) == self.segments()[-1]

    def wish(self, what: str) -> None:
        """`start` or `stop`, as the page asks for it."""
        assert self.site.get(f"{CONTROL}/{what}-hls-stream/camera-1", method="POST").status == 202

    def ended(self) -> bool:
        """Does the playlist say that the run is over?"""
        return self.site.get(f"{HLS}/camera-1.m3u8").body.endswith(b"#EXT-X-ENDLIST\n")


def now_slot() -> int:
    """The present slot."""
    return slot_at(round(time.time() * 1000), 5)


def now_index() -> int:
    """The HLS segment that is being filled."""
    return hls_index(now_slot(), 5)
