"""Polls what a viewer's player polls, and keeps what it saw."""

import threading
import time
from dataclasses import dataclass, field

import cv2
import numpy as np

from tests.e2e.media import Seen
from tests.e2e.site import HLS, Site
from tests.marker import read_marker


@dataclass
class Watcher:
    """The live playlist and the still of camera-1, in the background, from the moment the address is known."""

    site: Site
    playlists: list[Seen] = field(default_factory=list)
    first_playlist_after: float = 0.0
    stills: list[tuple[float, float]] = field(default_factory=list)
    """(Unix seconds, age of the picture by the slot in its pixels)."""
    first_still_after: float = 0.0
    errors: list[str] = field(default_factory=list)
    _stopping: threading.Event = field(default_factory=threading.Event)

    @property
    def newest_picture_at(self) -> float:
        """When the newest picture was taken, by its pixels (Unix seconds)."""
        return self.stills[-1][0] - self.stills[-1][1] if self.stills else 0.0

    def start(self) -> None:
        """Begin."""
        for work in (self._watch_playlist, self._watch_still):
            threading.Thread(target=work, daemon=True).start()

    def stop(self) -> None:
        """End."""
        self._stopping.set()

    def _watch_playlist(self) -> None:
        while not self._stopping.wait(0.2):
            try:
                answer = self.site.get(f"{HLS}/camera-1.m3u8")
            except OSError as problem:
                self.errors.append(f"playlist: {problem}")
                continue
            if answer.status == 200:
                self.first_playlist_after = self.first_playlist_after or time.monotonic() - self.site.url_at
                seen = Seen(time.time(), answer.body.decode())
                if not self.playlists or self.playlists[-1].text != seen.text:
                    self.playlists.append(seen)

    def _watch_still(self) -> None:
        while not self._stopping.wait(0.25):
            try:
                answer = self.site.get("/api/v1/cameras/camera-1/now.jpg")
            except OSError as problem:
                self.errors.append(f"still: {problem}")
                continue
            if answer.status == 200:
                self.first_still_after = self.first_still_after or time.monotonic() - self.site.url_at
                self.stills.append((time.time(), age_of(answer.body)))


def age_of(jpeg: bytes) -> float:
    """Seconds since the slot that stands in the pixels."""
    grey = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_GRAYSCALE)
    marker = read_marker(np.asarray(grey, dtype=np.uint8))
    assert marker is not None, "the still has no valid marker"
    behind = (int(time.time() * 5) - marker.slot) & 0xFFFFFF
    return behind / 5
