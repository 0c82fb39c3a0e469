"""A list of video files played as live: one after the other, looped, a bad one told and passed over."""

from collections.abc import Sequence
from pathlib import Path

from libs.clock import real
from libs.contracts.facts import Profile
from libs.observe import get_log
from libs.video.picture import Picture
from services.ingest.capture import Capture, CaptureEnded, Spawn, command

RETRY_FIRST, RETRY_MOST = 1.0, 30.0
"""Seconds between rounds through a list in which no file gave a picture."""
log = get_log()


class NoPicture(Exception):
    """The source has nothing for this slot; the text says why, in words that may be published."""


class SourceEnded(Exception):
    """A list that is played once came to its end."""


class FileSource:
    """`VideoQueue` in its simplest form. Not for two threads at once."""

    def __init__(self, files: Sequence[Path], loop: bool, profile: Profile, ffmpeg: str, spawn: Spawn) -> None:
        self._files, self._loop, self._profile = tuple(files), loop, profile
        self._ffmpeg, self._spawn = ffmpeg, spawn
        self._at = 0
        self._capture: Capture | None = None
        self._given = 0
        self._bad_in_a_row = 0
        self._short = False
        self._retry_at, self._retry_in = 0.0, RETRY_FIRST
        self._trouble = "no files" if not files else ""

    def picture(self, slot: int) -> Picture:
        """The next picture. Raises NoPicture while no file gives one, SourceEnded at the end of a list played once."""
        while True:
            if not self._files or real() < self._retry_at:
                raise NoPicture(self._trouble)
            if self._at >= len(self._files):
                self._next_round()
            try:
                picture = self._playing().read()
            except CaptureEnded as ended:
                self._end_file(ended.reason)
            except OSError as problem:
                self._end_file(problem.strerror or type(problem).__name__)
            else:
                self._given += 1
                self._bad_in_a_row, self._retry_in = 0, RETRY_FIRST
                return picture

    def close(self) -> None:
        """End the child."""
        if self._capture is not None:
            self._capture.close()
            self._capture = None

    def _playing(self) -> Capture:
        """The child of the present file, started when there is none."""
        if self._capture is None:
            path, self._given = self._files[self._at], 0
            child = self._spawn(command(self._ffmpeg, path, self._profile, short=self._short))
            self._capture = Capture(child, self._profile, path)
        return self._capture

    def _end_file(self, reason: str) -> None:
        name = self._files[self._at].name
        self.close()
        if not self._given and not reason and not self._short:
            self._short = True  # it can be read, but is shorter than a slot: once more
            return
        self._at, self._short = self._at + 1, False
        if self._given:
            log.info("file_ended", file=name, pictures=self._given, reason=reason)
            return
        self._trouble = f"{name}: {reason or 'holds no picture'}"
        log.warning("file_unreadable", file=name, reason=reason or "holds no picture")
        self._bad_in_a_row += 1
        if self._bad_in_a_row >= len(self._files):
            self._retry_at, self._bad_in_a_row = real() + self._retry_in, 0
            self._retry_in = min(self._retry_in * 2, RETRY_MOST)

    def _next_round(self) -> None:
        if not self._loop:
            raise SourceEnded
        self._at = 0
