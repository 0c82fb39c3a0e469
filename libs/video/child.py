"""The bounded FFmpeg child: it decodes what we do not trust and writes raw pictures of a profile into a pipe.

It has a process group of its own, dies with us, reads only the given file with a demuxer of the list, may take so much
memory and no more, writes no file, and is killed when it is silent or busy for too long. Reading the pipe paces it.
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
from typing import Literal

from libs.clock import real
from libs.contracts.facts import Profile
from libs.video.reasons import (
    SLOW,
    Ended,
    Reason,
    begins_decoding,
    is_complaint,
    plain,
    reason_of,
    silent,
    tells_damage,
)

SILENT_AFTER = 8.0
"""Seconds without a byte after which a child is given up."""

BUSY_AFTER = 4.0
"""Seconds of processor time for one picture after which a child is given up."""

MAX_PIXELS = 8_900_000
"""Just above 4K (3840x2160, 4096x2160, and what padding adds): larger pictures are refused before they take memory."""

MAX_BLOCK = 64 << 20
"""Bytes of one allocation: above a 4K picture of 10 bit 4:4:4 (50 MB), below an index that was made to hurt."""

MAX_DATA = 400 << 20
"""Bytes of private memory: 4K of 10 bit needs 260 MB, 320 MB with 4:4:4 (measured)."""

HOLE_SECONDS = 3.0
"""A step between two stamps up to this is kept: the picture stands still meanwhile, no longer than a live camera's may.
A longer one, or one back, is a cut or a mistake of the file: the next picture follows at once."""

DEMUXERS = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,mpegts,mpeg,avi,flv,asf,h264,hevc,m4v"
_MAX_STREAMS = 32
_MAX_FILES = 64
_KEPT_LINES, _KEPT_CHARACTERS = 60, 300
_TICK_SECONDS = 0.25
_DURATION = re.compile(r"\[info\]\s+Duration: (\d+):(\d\d):(\d\d\.\d+)")
_MOST_WITHOUT_KEY = 300
_BACK_SECONDS = 0.1
"""Stamps that go back less than this are disorder, which the rate filter mends."""

Spawn = Callable[[list[str]], "subprocess.Popen[bytes]"]
"""Starts a child from the main thread: the kernel ends it when the *thread* that started it ends."""


class CaptureEnded(Exception):
    """The child has no more pictures. `reason` says why if that is not just the end of the file; `code` names it."""

    def __init__(self, reason: Reason | str) -> None:
        said = Reason("unknown" if reason else "", reason) if isinstance(reason, str) else reason
        super().__init__(said.text)
        self.reason, self.code = said.text, said.code


def filter_chain(profile: Profile, *, short: bool = False, seeking: bool = False) -> str:
    """Upright (FFmpeg rotates by itself), unstretched, black bars, square pixels, the profile's size and rate.

    `short`: a film that lasts less than half a slot still gives one picture. `seeking`: it begins where it was asked
    to, not with a key frame.
    """
    width, height, fps = profile.width, profile.height, profile.fps
    matrix = "bt601" if height <= 576 else "bt709"
    fit_w = f"max(2,2*trunc(min({width},{height}*dar)/2+0.5))"
    fit_h = f"max(2,2*trunc(min({height},{width}/dar)/2+0.5))"
    rate = f"fps={fps}:eof_action=pass" if short else f"fps={fps}"
    begin = "" if seeking else f"select='{_from_key_frame()}',"
    return (
        f"{begin}setpts='{_stamps()}',bwdif=mode=send_frame:deint=interlaced,{rate},"
        f"scale=w='{fit_w}':h='{fit_h}':out_color_matrix={matrix}:out_range=tv,"
        f"pad={width}:{height}:-1:-1:black,setsar=1,format=yuv420p"
    )


def _stamps() -> str:
    """The first picture is at 0, and the time between two is neither negative nor longer than a hole may be.

    Register 0 is what is added to the file's stamps, changed only where they jump; register 1 the last good step. A
    film whose pictures are always far apart (a rate below one in two seconds) keeps its rate.
    """
    step = "if(gt(ld(1),0),ld(1),0.04/TB)"
    longest = f"if(isnan(FR),{HOLE_SECONDS},max({HOLE_SECONDS},1.5/FR))/TB"
    good = f"between(PTS-PREV_INPTS,{-_BACK_SECONDS}/TB,{longest})"
    anew = f"st(0,if(isnan(PREV_OUTPTS),-PTS,PREV_OUTPTS+{step}-PTS))"
    unstamped = f"if(isnan(PREV_OUTPTS),0,PREV_OUTPTS+{step})"
    return f"if({good},st(1,PTS-PREV_INPTS),{anew});if(isnan(PTS),{unstamped},PTS+ld(0))"


def _from_key_frame() -> str:
    """Nothing before the first key frame: some decoders draw what lies there on grey.

    A stream that never has one (it is refreshed line by line) is shown all the same, a little later.
    """
    return f"if(ld(0),1,st(0,gt(key+eq(pict_type,I)+gte(n,{_MOST_WITHOUT_KEY}),0)))"


def guard() -> list[str]:
    """What stands before the child's own arguments: it dies with us, and its memory and files are limited."""
    words: list[str] = []
    if setpriv := shutil.which("setpriv"):
        words += [setpriv, "--pdeathsig", "KILL", "--no-new-privs", "--"]
    if prlimit := shutil.which("prlimit"):
        limits = (f"--data={MAX_DATA}", "--core=0", "--fsize=0", f"--nofile={_MAX_FILES}")
        words += [prlimit, *limits, "--"]
    return words


def command(ffmpeg: str, path: Path, profile: Profile, *, short: bool = False, start_seconds: float = 0.0) -> list[str]:
    """The child's arguments: no shell, no user flags, audio ignored.

    `start_seconds`: begin so far into the film (its stamps, from its own start); pictures before are decoded from the
    key frame before it, and dropped.
    """
    seek = ("-ss", f"{start_seconds:.6f}") if start_seconds > 0 else ()
    return [
        *guard(),
        *(ffmpeg, "-nostdin", "-hide_banner", "-nostats", "-v", "level+info", "-max_alloc", str(MAX_BLOCK)),
        *("-filter_threads", "1", "-threads", "1", "-max_pixels", str(MAX_PIXELS), "-max_streams", str(_MAX_STREAMS)),
        *("-protocol_whitelist", "file", "-format_whitelist", DEMUXERS, *seek),
        *("-i", f"file:{path}", "-map", "0:V:0", "-an", "-sn", "-dn", "-vf"),
        filter_chain(profile, short=short, seeking=start_seconds > 0),
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


class Child:
    """A started child: waits for its bytes, hears what it says, and knows why it ended."""

    def __init__(self, process: "subprocess.Popen[bytes]", path: Path) -> None:
        if process.stdout is None or process.stderr is None:
            raise ValueError("the child needs pipes")
        self._process, self._path = process, path
        self.out, self._err = process.stdout.fileno(), process.stderr.fileno()
        os.set_blocking(self._err, False)
        self._poll = select.poll()
        self._poll.register(self.out, select.POLLIN)
        self._poll.register(self._err, select.POLLIN)
        self._rest = b""
        self._pictures, self._used = 0, 0.0
        self._damaged_at: int | None = None
        self._decoding = False
        self.told: list[str] = []
        """The first lines that it said of the file."""
        self._complaints: list[str] = []
        self.seconds: float | None = None
        """How long the film is by its container's word, once the child has read that; None if it does not say."""

    def gave_picture(self) -> None:
        """A picture was read whole: the work for the next one is counted from here."""
        self._pictures += 1
        self._used = _processor_seconds(self._process.pid)

    def ready(self, wait: float) -> bool:
        """Are there bytes to read, or the end? Waits up to `wait` real seconds; raises CaptureEnded when it is slow."""
        deadline = real() + wait
        while True:
            left = max(0.0, deadline - real())
            ready = dict(self._poll.poll(min(left, _TICK_SECONDS) * 1000))
            if self._err in ready and self._hear() == "end":
                self._poll.unregister(self._err)
            if self.out in ready:
                return True
            if _processor_seconds(self._process.pid) - self._used > BUSY_AFTER:
                raise CaptureEnded(SLOW)
            if left <= 0:
                return False

    def read(self, rows: list[memoryview]) -> int:
        """Some bytes into `rows`; raises CaptureEnded at the end, after an error, or after too long a silence."""
        if not self.ready(SILENT_AFTER):
            raise CaptureEnded(silent(SILENT_AFTER))
        got = os.readv(self.out, rows)
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

    def _reason(self) -> Reason:
        status = self._process.wait()
        while self._hear() == "more":
            pass
        size, head = _first_bytes(self._path)
        return reason_of(Ended(status, self._complaints, self._pictures, self._damaged_at, size, head))

    def _hear(self) -> Literal["more", "nothing", "end"]:
        """Keep the first lines of what the child says."""
        try:
            said = os.read(self._err, 65536)
        except BlockingIOError:
            return "nothing"
        *lines, self._rest = (self._rest + said).split(b"\n")
        self._rest = self._rest[:_KEPT_CHARACTERS]
        for line in lines if said else [self._rest]:
            self._keep(line[:_KEPT_CHARACTERS].decode("utf-8", "replace"))
        return "more" if said else "end"

    def _keep(self, line: str) -> None:
        line = line.replace(f"file:{self._path}", self._path.name).replace(str(self._path), self._path.name)
        if self.seconds is None and (found := _DURATION.match(line)):
            self.seconds = int(found[1]) * 3600 + int(found[2]) * 60 + float(found[3])
        loud = is_complaint(line)
        self._decoding = self._decoding or begins_decoding(line)
        if loud and self._decoding and self._damaged_at is None and tells_damage(line):
            self._damaged_at = self._pictures
        kept = self._complaints if loud else self.told
        if line and len(kept) < _KEPT_LINES:
            kept.append(plain(line))


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
