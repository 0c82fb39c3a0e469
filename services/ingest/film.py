"""One file of a queue, decoded by a child that may be started before it is due: its first picture proves it."""

import math
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from libs.clock import real
from libs.contracts.facts import Profile
from libs.video import child
from libs.video.child import CaptureEnded
from libs.video.command import Spawn, command
from libs.video.picture import Picture
from libs.video.reasons import CLEAN, Reason, silent
from services.ingest.capture import Capture


@dataclass(frozen=True, slots=True)
class Player:
    """How the files of one camera are opened; `find` gives the path of a name when its turn comes."""

    profile: Profile
    ffmpeg: str
    spawn: Spawn
    find: Callable[[str], Path]

    def open(self, name: str, start: int, *, short: bool) -> Capture:
        """A child that decodes the file from picture `start` on. Raises OSError when there is no child to be had."""
        path, seconds = self.find(name), start / self.profile.fps

        def run(*, large: bool) -> "subprocess.Popen[bytes]":
            arguments = command(self.ffmpeg, path, self.profile, short=short, start_seconds=seconds, large=large)
            return self.spawn(arguments)

        return Capture(run(large=False), self.profile, path, again=lambda: run(large=True))


class Film:
    """The pictures of one file from number `start` on. Not for two threads at once."""

    def __init__(self, player: Player, name: str, start: int = 0) -> None:
        self.name, self.start = name, start
        self.given = 0
        """Pictures that were taken."""
        self._player = player
        self._short = False
        self._picture: Picture | None = None
        self._asked_at: float | None = None
        self._broken = CLEAN
        self._capture: Capture | None = None
        self._open()

    @property
    def left(self) -> float:
        """How many pictures are still to come, by what the container says; infinite when it says nothing."""
        seconds = self._capture.seconds if self._capture else None
        return math.inf if seconds is None else seconds * self._player.profile.fps - self.start - self.given

    def at_hand(self, wait: float) -> bool:
        """Is the next picture there? Waits up to `wait` real seconds for it.

        Raises CaptureEnded at the end of the file, when it cannot be read, or when the child stays silent.
        """
        if self._picture is not None:
            return True
        if self._capture is None:
            raise CaptureEnded(self._broken)
        if self._asked_at is None:
            self._asked_at = real()
        left = max(0.0, self._asked_at + child.SILENT_AFTER - real())
        if not self._capture.ready(min(wait, left)):
            if wait >= left:
                raise CaptureEnded(silent(child.SILENT_AFTER))
            return False
        try:
            self._picture = self._capture.read()
        except CaptureEnded as ended:
            if self.given or self.start or self._short or ended.reason:
                raise
            self._short = True  # it can be read, but is shorter than a slot: once more
            self._open()
            return self.at_hand(wait)
        self._asked_at = None
        return True

    def take(self) -> Picture:
        """The picture that is at hand."""
        if self._picture is None:
            raise ValueError("no picture is at hand")
        picture, self._picture = self._picture, None
        self.given += 1
        return picture

    def close(self) -> None:
        """End the child."""
        self._picture = None
        if self._capture is not None:
            self._capture.close()
            self._capture = None

    def _open(self) -> None:
        """What keeps the child from being started is told where its first picture is asked for."""
        self.close()
        try:
            self._capture = self._player.open(self.name, self.start, short=self._short)
        except OSError as problem:
            self._broken = Reason("unknown", f"cannot be played: {problem.strerror or type(problem).__name__}")
