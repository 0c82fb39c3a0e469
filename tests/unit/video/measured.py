"""Decodes a file in the bounded child as ingest does, and measures what that costs."""

import subprocess
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from libs.contracts.facts import Profile
from libs.video.child import CaptureEnded
from libs.video.command import command, start_child
from libs.video.ffmpeg import ffmpeg_program
from services.ingest.capture import Capture

PROFILE = Profile(width=160, height=120)


@dataclass
class Decoded:
    """What came of it: luma of each picture, why it ended, peak memory of the child in MB, seconds of both kinds."""

    luma: list[NDArray[np.uint8]]
    code: str
    reason: str
    megabytes: int
    seconds: float
    work: float

    @property
    def pictures(self) -> int:
        return len(self.luma)

    def __str__(self) -> str:
        cost = f"{self.megabytes} MB, {self.seconds:.2f} s, {self.work:.2f} s of work"
        return f"{self.pictures} pictures, {self.code or 'clean'}: {self.reason or '-'} ({cost})"


class _Watch(threading.Thread):
    """Looks at the processes as often as it can, for their peaks go with them."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.pids: list[int] = []
        self.kilobytes, self.ticks, self.over = 0, dict[int, int](), False

    def run(self) -> None:
        while not self.over:
            for pid in self.pids:
                self._look(Path(f"/proc/{pid}"))
            time.sleep(0.002)

    def _look(self, process: Path) -> None:
        try:
            status = (process / "status").read_text()
            fields = (process / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            return
        peaks = [int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")]
        self.kilobytes = max(self.kilobytes, *peaks, 0)
        self.ticks[int(process.name)] = int(fields[11]) + int(fields[12])


def decode(
    path: Path, profile: Profile = PROFILE, *, most: int = 1000, short: bool = False, start: float = 0.0
) -> Decoded:
    """Decode up to `most` pictures; `start`: seconds into the film."""
    watch = _Watch()

    def run(*, large: bool) -> "subprocess.Popen[bytes]":
        arguments = command(ffmpeg_program(), path, profile, short=short, start_seconds=start, large=large)
        child = start_child(arguments)
        watch.pids.append(child.pid)
        return child

    luma: list[NDArray[np.uint8]] = []
    ended = None
    began = time.monotonic()
    capture = Capture(run(large=False), profile, path, again=lambda: run(large=True))
    watch.start()
    try:
        while len(luma) < most:
            luma.append(np.asarray(capture.read().to_ndarray(format="gray"), dtype=np.uint8))
    except CaptureEnded as end:
        ended = end
    finally:
        seconds = time.monotonic() - began
        capture.close()
        watch.over = True
        watch.join()
    work = max(watch.ticks.values(), default=0) / 100
    return Decoded(
        luma, ended.code if ended else "", ended.reason if ended else "", watch.kilobytes // 1024, seconds, work
    )
