"""What an FFmpeg child says, line by line: of the film that it opened, and what it complains of. Pure."""

import re
from dataclasses import dataclass, field

from libs.video.reasons import begins_decoding, is_complaint, plain, tells_damage

_KEPT_LINES, _KEPT_BYTES = 40, 400
_DURATION = re.compile(r"\[info\]\s+Duration: (\d+):(\d\d):(\d\d\.\d+)")
_VIDEO = re.compile(r"\[info\]\s+Stream #0:\d+.*?: Video: (\w+).*?[ ,](\d{1,5})x(\d{1,5})(?=[ ,]|$)")
_TURNED = re.compile(r"displaymatrix: rotation of -?90\.")


@dataclass(frozen=True, slots=True)
class Stream:
    """The video in a film: its codec by FFmpeg's name, and the size of its pictures as they are stored."""

    codec: str
    width: int
    height: int


@dataclass(slots=True)
class Words:
    """Everything that is worth keeping of what was heard."""

    complaints: list[str] = field(default_factory=list)
    seconds: float | None = None
    """How long the film is by its container's word; None while that was not heard, or if it does not say."""
    video: Stream | None = None
    turned: bool = False
    """It is shown after a quarter turn."""
    heard: int = 0
    """Bytes in all."""
    damaged_at: int | None = None
    """How many pictures there were when it first complained of the data."""
    _rest: bytes = b""
    _heard: bool = False
    _decoding: bool = False

    def take(self, said: bytes, pictures: int) -> None:
        """Hear some bytes (none: the end), after so many pictures. Memory is bounded whatever is said."""
        self.heard += len(said)
        *lines, rest = (self._rest + said).split(b"\n")
        if not said:
            lines, rest = [rest], b""
        self._rest = rest[:_KEPT_BYTES]
        if len(self.complaints) == _KEPT_LINES:  # a flood: only what is not known yet is looked for
            lines = [line for line in lines if b"[info]" in line][:_KEPT_LINES] if not self._decoding else lines[:1]
        for line in lines:
            self._take_line(line[:_KEPT_BYTES].decode("utf-8", "replace").rstrip(), pictures)

    def _take_line(self, line: str, pictures: int) -> None:
        if is_complaint(line, first=not self._heard):
            if self._decoding and self.damaged_at is None and tells_damage(line):
                self.damaged_at = pictures
            if line and len(self.complaints) < _KEPT_LINES:
                self.complaints.append(plain(line))
        elif not self._decoding:
            self._take_fact(line)
        self._heard = self._heard or bool(line)

    def _take_fact(self, line: str) -> None:
        if self.seconds is None and (found := _DURATION.match(line)):
            self.seconds = int(found[1]) * 3600 + int(found[2]) * 60 + float(found[3])
        if self.video is None and "(attached pic)" not in line and (found := _VIDEO.match(line)):
            self.video = Stream(found[1], int(found[2]), int(found[3]))
        self.turned = self.turned or _TURNED.search(line) is not None
        self._decoding = begins_decoding(line)
