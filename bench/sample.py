"""One measurement: a side with so many cameras, in its steady state, for so many seconds."""

import shutil
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from bench.clips import Clip
from bench.machine import load
from bench.output import archive_cost, bytes_a_second, rate
from bench.processes import cpu_by_part, memory_by_part, tree
from bench.sides import OURS, Side, stop

_WINDOW = 600
_BEFORE, _AFTER = 25, 5
"""Seconds before a ten-minute boundary in which no measurement ends (starting takes some), and after it in which none
begins: the archives that are made then are measured by themselves."""


@dataclass(frozen=True, slots=True)
class Sample:
    """What was measured. CPU in ms a second; memory in bytes; `rate`: pictures a second of the slowest camera."""

    side: str
    clip: str
    cameras: int
    seconds: float
    cpu: dict[str, float]
    memory: dict[str, int]
    rate: float
    bytes_a_second: float
    """Of video, for each camera."""
    archive: float
    """CPU of making archives in ms a camera-second; only ours makes them apart."""
    load: float

    @property
    def total(self) -> float:
        """CPU of all processes in ms a second, archives included."""
        return sum(self.cpu.values()) + self.archive * self.cameras


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds before a measurement, and of it."""

    settle: float
    measure: float


def take(side: Side, count: int, clip: Clip, timing: Timing) -> Sample:
    """Start, wait, measure, end, count what came out."""
    _avoid_boundary(timing)
    folder = Path(tempfile.mkdtemp(prefix="dolbom-bench-"))
    try:
        running = side.start(count, clip, folder)
        try:
            time.sleep(timing.settle)
            pids = [root.pid for root in running.roots]
            before, at, busy = cpu_by_part(tree(pids)), time.monotonic(), load()
            time.sleep(timing.measure)
            after, seconds = tree(pids), time.monotonic() - at
            spent, memory = cpu_by_part(after), memory_by_part(after)
        finally:
            stop(running)
        videos = [running.videos(number) for number in range(count)]
        return Sample(
            side=side.name,
            clip=clip.name,
            cameras=count,
            seconds=seconds,
            cpu={part: (used - before.get(part, 0.0)) * 1000 / seconds for part, used in spent.items()},
            memory=memory,
            rate=min(rate(files) for files in videos),
            bytes_a_second=sum(bytes_a_second(files) for files in videos) / count,
            archive=archive_cost(videos[0]) if side is OURS else 0.0,
            load=(busy + load()) / 2,
        )
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _avoid_boundary(timing: Timing) -> None:
    """Wait until no ten-minute boundary lies within what comes."""
    until_next = _WINDOW - time.time() % _WINDOW
    if until_next < timing.settle + timing.measure + _BEFORE:
        time.sleep(until_next + _AFTER)
