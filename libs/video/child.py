"""A running FFmpeg child: its bytes, its words, and why it ended.

It has a process group of its own, dies with us, and is killed when it is silent or busy for too long. Reading the pipe
paces it.
"""

import contextlib
import fcntl
import os
import select
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from libs.clock import real
from libs.video.command import LARGE_PIXELS
from libs.video.reasons import SLOW, Ended, Reason, damaged, reason_of, silent
from libs.video.words import Words

SILENT_AFTER = 8.0
"""Seconds without a byte after which a child is given up."""

BUSY_AFTER = 3.5
"""Seconds of processor time for one picture after which a child is given up."""

_TICK_SECONDS = 0.25
_PIPE_BYTES = 512 << 10
"""A picture of VGA at once, in one read, where the system allows it; a pipe by itself takes seven."""
_MOST_COMPLAINED = 512 << 10
"""Bytes of complaints about one picture after which a child is given up."""
_MOST_HEARD = 65536
"""All that a pipe holds: what was said before a picture is heard before the picture is read."""


class CaptureEnded(Exception):
    """The child has no more pictures. `reason` says why if that is not just the end of the file; `code` names it."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.text)
        self.reason, self.code = reason.text, reason.code


class Child:
    """A started child: its bytes, what it says of the film, and the end."""

    def __init__(
        self,
        process: "subprocess.Popen[bytes]",
        path: Path,
        again: Callable[[], "subprocess.Popen[bytes]"] | None = None,
    ) -> None:
        """`again` starts the child anew with the memory that a film larger than Full HD may take."""
        self._path, self._again = path, again
        self._follow(process)

    def _follow(self, process: "subprocess.Popen[bytes]") -> None:
        if process.stdout is None or process.stderr is None:
            raise ValueError("the child needs pipes")
        self._process, self.words = process, Words()
        self._out, self._err = process.stdout.fileno(), process.stderr.fileno()
        os.set_blocking(self._err, False)
        with contextlib.suppress(OSError):
            fcntl.fcntl(self._out, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
        self._poll = select.poll()
        self._poll.register(self._out, select.POLLIN)
        self._poll.register(self._err, select.POLLIN)
        self.pictures, self._heard = 0, 0
        self._used: float | None = None

    def gave_picture(self) -> None:
        """A picture was read whole: the work for the next one is counted from here."""
        self.pictures += 1
        self._used, self._heard = None, self.words.heard

    def ready(self, wait: float) -> bool:
        """Are there bytes to read, or the end? Waits up to `wait` real seconds; raises CaptureEnded when it is slow."""
        deadline = real() + wait
        while True:
            left = max(0.0, deadline - real())
            ready = dict(self._poll.poll(min(left, _TICK_SECONDS) * 1000))
            if self._err in ready and self._hear() == "end":
                self._poll.unregister(self._err)
            if self._needs_more():
                continue
            if self._out in ready:
                return True
            if self.words.heard - self._heard > _MOST_COMPLAINED:
                raise CaptureEnded(damaged(self.pictures))
            if self._busy_for() > BUSY_AFTER:
                raise CaptureEnded(SLOW)
            if left <= 0:
                return False

    def read(self, rows: list[memoryview]) -> int:
        """Some bytes into `rows`; raises CaptureEnded at the end, after an error, or after too long a silence."""
        if not self.ready(SILENT_AFTER):
            raise CaptureEnded(silent(SILENT_AFTER))
        got = os.readv(self._out, rows)
        if not got:
            raise CaptureEnded(self._reason())
        return got

    def close(self) -> None:
        """Kill the child's whole group and take its end."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        for pipe in (self._process.stdout, self._process.stderr):
            if pipe:
                pipe.close()

    def _busy_for(self) -> float:
        """Seconds of processor time since the next picture was first waited for."""
        used = _processor_seconds(self._process.pid)
        if self._used is None:
            self._used = used if self.pictures else 0.0
        return used - self._used

    def _needs_more(self) -> bool:
        """Start a large film anew with more memory: what it is, is told before its first picture is read."""
        video = self.words.video
        if self._again is None or video is None or video.width * video.height <= LARGE_PIXELS:
            return False
        self.close()
        start, self._again = self._again, None
        try:
            self._follow(start())
        except OSError as problem:
            raise CaptureEnded(Reason("unknown", problem.strerror or type(problem).__name__)) from problem
        return True

    def _reason(self) -> Reason:
        status = self._process.wait()
        while self._hear() == "more":
            pass
        words, (size, head) = self.words, _first_bytes(self._path)
        lines = [_named(line, self._path) for line in words.complaints]
        codec = words.video.codec if words.video else ""
        return reason_of(Ended(status, lines, self.pictures, words.damaged_at, codec, size, head))

    def _hear(self) -> Literal["more", "nothing", "end"]:
        try:
            said = os.read(self._err, _MOST_HEARD)
        except BlockingIOError:
            return "nothing"
        self.words.take(said, self.pictures)
        return "more" if said else "end"


def _named(line: str, path: Path) -> str:
    """The line without the folder, which is nobody's business."""
    return line.replace(f"file:{path}", path.name).replace(str(path), path.name)


def _processor_seconds(pid: int) -> float:
    """What the process has used so far; 0 where the system does not tell."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _first_bytes(path: Path) -> tuple[int | None, bytes]:
    """Length and beginning of the file; None when it is not there."""
    try:
        with path.open("rb") as file:
            return os.fstat(file.fileno()).st_size, file.read(16)
    except FileNotFoundError:
        return None, b""
    except OSError:
        return 1, b""
