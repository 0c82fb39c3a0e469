"""One FFmpeg child: it decodes what we do not trust and writes raw pictures of the profile into a pipe.

The child has a process group of its own, dies with us, reads only the given file with a demuxer of the list, and is
killed when it stays silent. Reading the pipe paces it.
"""

import contextlib
import os
import re
import select
import shutil
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

from libs.clock import real
from libs.contracts.facts import Profile
from libs.video.picture import Picture, blank

SILENT_AFTER = 10.0
"""Seconds without a byte after which a child is given up."""

MAX_PIXELS = 8_300_000
"""Just above 4K (3840x2160): larger pictures are refused before they take memory."""

DEMUXERS = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,mpegts,mpeg,avi,flv,asf,h264,hevc,m4v"
_MAX_VECTORS = 1024
_KEPT_WORDS = 2000

_WHO = re.compile(r"\[[^\]]* @ 0x[0-9a-f]+\] ")
"""FFmpeg's part that speaks, with an address in memory: no two complaints would be the same."""

Spawn = Callable[[list[str]], "subprocess.Popen[bytes]"]
"""Starts a child from the main thread: the kernel ends it when the *thread* that started it ends."""


class CaptureEnded(Exception):
    """The child has no more pictures. `reason` says why if that is not just the end of the file."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def filter_chain(profile: Profile, *, short: bool = False) -> str:
    """Upright (FFmpeg rotates by itself), unstretched, black bars, square pixels, the profile's size and rate.

    `short`: a film that lasts less than half a slot still gives one picture.
    """
    width, height, fps = profile.width, profile.height, profile.fps
    matrix = "bt601" if height <= 576 else "bt709"
    fit_w = f"max(2,2*trunc(min({width},{height}*dar)/2+0.5))"
    fit_h = f"max(2,2*trunc(min({height},{width}/dar)/2+0.5))"
    rate = f"fps={fps}:eof_action=pass" if short else f"fps={fps}"
    return (
        f"{rate},scale=w='{fit_w}':h='{fit_h}':out_color_matrix={matrix}:out_range=tv,"
        f"pad={width}:{height}:-1:-1:black,setsar=1,format=yuv420p"
    )


def command(ffmpeg: str, path: Path, profile: Profile, *, short: bool = False) -> list[str]:
    """The child's arguments: no shell, no user flags, audio ignored."""
    guard = [shutil.which("setpriv") or "", "--pdeathsig", "KILL", "--"]
    return [
        *(guard if guard[0] else []),
        *(ffmpeg, "-nostdin", "-hide_banner", "-v", "error", "-threads", "1"),
        *("-max_pixels", str(MAX_PIXELS), "-protocol_whitelist", "file", "-format_whitelist", DEMUXERS),
        *("-i", f"file:{path}", "-map", "0:v:0", "-an", "-sn", "-dn", "-vf"),
        filter_chain(profile, short=short),
        *("-threads", "1", "-f", "rawvideo", "-pix_fmt", "yuv420p", "pipe:1"),
    ]


def start_child(arguments: list[str]) -> "subprocess.Popen[bytes]":
    """Start it; call this from the main thread only (see Spawn)."""
    return subprocess.Popen(
        arguments,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        bufsize=0,
        start_new_session=True,
    )


class Capture:
    """Pictures of one child, one `read` each."""

    def __init__(self, child: "subprocess.Popen[bytes]", profile: Profile, path: Path) -> None:
        if child.stdout is None or child.stderr is None:
            raise ValueError("the child needs pipes")
        self._child, self._profile, self._path = child, profile, path
        self._out, self._err = child.stdout.fileno(), child.stderr.fileno()
        os.set_blocking(self._err, False)
        self._poll = select.poll()
        self._poll.register(self._out, select.POLLIN)
        self._poll.register(self._err, select.POLLIN)
        self._words = b""

    def read(self) -> Picture:
        """The next picture; raises CaptureEnded at the end, after an error, or after too long a silence."""
        picture = blank(self._profile.width, self._profile.height)
        rows = _vectors(picture)
        while rows:
            self._wait()
            got = os.readv(self._out, rows[:_MAX_VECTORS])
            if not got:
                raise CaptureEnded(self._reason())
            done = 0
            while done < len(rows) and got >= len(rows[done]):
                got -= len(rows[done])
                done += 1
            del rows[:done]
            if got:
                rows[0] = rows[0][got:]
        return picture

    def close(self) -> None:
        """Kill the child's whole group and take its end."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._child.pid, signal.SIGKILL)
        self._child.wait()
        for pipe in (self._child.stdout, self._child.stderr):
            if pipe:
                pipe.close()

    def _wait(self) -> None:
        """Until pictures can be read; what the child complains of is kept, the last words of it."""
        deadline = real() + SILENT_AFTER
        while True:
            ready = dict(self._poll.poll(max(0.0, deadline - real()) * 1000))
            if self._err in ready and not self._listen():
                self._poll.unregister(self._err)
            if self._out in ready:
                return
            if not ready:
                raise CaptureEnded(f"no picture for {SILENT_AFTER:.0f} s")

    def _listen(self) -> bool:
        """Keep what the child said; False when it will say no more."""
        try:
            said = os.read(self._err, 65536)
        except BlockingIOError:
            return True
        self._words = (self._words + said)[:_KEPT_WORDS]
        return bool(said)

    def _reason(self) -> str:
        """What the child complained of first, without the path; empty at a clean end."""
        if self._child.wait() == 0:
            return ""
        self._listen()
        words = self._words.decode("utf-8", "replace").replace(f"file:{self._path}", self._path.name)
        words = _WHO.sub("", words.replace(str(self._path), self._path.name))
        lines = words.strip().splitlines()
        if any("matches no streams" in line for line in lines):
            return "holds no video"
        return lines[0][:200] if lines else "FFmpeg ended without a word"


def _vectors(picture: Picture) -> list[memoryview]:
    """The frame's memory in the order of the pipe: a plane at once, or line by line where lines have padding."""
    vectors: list[memoryview] = []
    for plane in picture.planes:
        memory = memoryview(plane).cast("B")
        if plane.line_size == plane.width:
            vectors.append(memory[: plane.width * plane.height])
        else:
            starts = range(0, plane.height * plane.line_size, plane.line_size)
            vectors += [memory[start : start + plane.width] for start in starts]
    return vectors
