"""The largest number of cameras that stay exact and live on this machine."""

import shutil
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import av

from bench.clips import Clip
from bench.sides import OURS, stop
from libs.contracts.slots import slot_end_ms
from libs.video.sei import Stamp, read_stamp

_FPS = 5
LATE_SECONDS = 4.0
"""A segment that stands later than so many seconds after its last slot is not live (six pictures wait in the encoder,
a second becomes a message)."""


@dataclass(frozen=True, slots=True)
class Probe:
    """One try: how many pictures should have been captured, how many were, and the latest segment's lateness."""

    cameras: int
    slots: int
    captured: int
    latest: float

    @property
    def exact(self) -> bool:
        """Every slot holds a picture of its source, and every segment was there in time."""
        return self.slots > 0 and self.captured == self.slots and self.latest <= LATE_SECONDS


def probe(count: int, clip: Clip, seconds: float, settle: float = 30.0) -> Probe:
    """Run so many cameras; the first seconds, in which all of them start, do not count."""
    folder = Path(tempfile.mkdtemp(prefix="dolbom-bench-"))
    try:
        running = OURS.start(count, clip, folder)
        began = time.time() + settle
        try:
            time.sleep(settle + seconds)
        finally:
            stop(running)
        slots = captured = 0
        latest = 0.0
        for number in range(count):
            missing = int(seconds // 10) - 1
            for path in running.videos(number):
                stamps = _stamps(path)
                if not stamps or slot_end_ms(stamps[0].slot, _FPS) / 1000 < began or len(stamps) < 10 * _FPS:
                    continue
                missing -= 1
                slots += len(stamps)
                captured += sum(stamp.kind == "c" for stamp in stamps)
                latest = max(latest, path.stat().st_mtime - slot_end_ms(stamps[-1].slot, _FPS) / 1000)
            slots += max(0, missing) * 10 * _FPS  # what never came counts against it
        return Probe(count, slots, captured, latest)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def largest(attempt: Callable[[int], Probe], guess: int) -> list[Probe]:
    """The tries, in their order: away from the guess in growing steps until the answer turns, then halves between."""
    tries = [attempt(guess)]
    exact, late = (guess, 0) if tries[0].exact else (0, guess)
    step = max(1, guess // 8)
    while late - exact > 1 or not late:
        count = exact + step if not late else max(late - step, 1) if not exact else (exact + late) // 2
        step *= 2
        tries.append(attempt(count))
        exact, late = (count, late) if tries[-1].exact else (exact, count)
        if late == 1:
            break
    return tries


def _stamps(path: Path) -> list[Stamp]:
    with av.open(str(path)) as container:
        found = [read_stamp(bytes(packet)) for packet in container.demux(video=0) if packet.size]
    return [stamp for stamp in found if stamp is not None]
