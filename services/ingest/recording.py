"""The thread of one camera: at each slot a picture, judged, encoded, and handed over in whole seconds."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from libs.clock import SiteClock
from libs.contracts.facts import CameraConfig
from libs.contracts.frames import Cause, End, Kind, Snapshot, Unit, VideoMessage
from libs.contracts.slots import moment, slot_start_ms
from libs.observe import get_log
from libs.video.picture import Picture, jpeg_and_luma, small_luma
from libs.video.sei import Stamp
from libs.video.slate import slate_picture
from libs.video.times import time_for_people
from libs.video.x264 import H264Encoder
from services.ingest.domain import Run, first_slot, messages, next_slot, phase_ms, whole_seconds, without_picture
from services.ingest.files import NoPicture, SourceEnded
from services.ingest.health import Health, judge
from services.ingest.states import BROKEN, Seen, Sight, look

log = get_log()
BRIDGED_SECONDS = 600
"""A longer gap ends the run."""


class Source(Protocol):
    """Gives the picture of a slot; raises NoPicture or SourceEnded."""

    def picture(self, slot: int) -> Picture:
        """The picture that fills `slot`."""

    def close(self) -> None:
        """Give back what it holds."""


@dataclass(frozen=True, slots=True)
class Deliver:
    """Where the thread hands over what it made; each is called from the thread and must not block."""

    video: Callable[[VideoMessage], object]
    snapshot: Callable[[Snapshot], object]
    seen: Callable[[Seen], object]
    """What the pictures say of the camera, whenever that changes."""


class Recording:
    """One run of one camera, from `start()` until `stop()` or the end of its source."""

    def __init__(self, run: Run, config: CameraConfig, source: Source, clock: SiteClock, deliver: Deliver) -> None:
        self.config = config
        self._run, self._source, self._clock, self._deliver = run, source, clock, deliver
        self._encoder = H264Encoder(config.profile)
        self._held: tuple[Unit, ...] = ()
        self._last: Picture | None = None
        self._last_captured: int | None = None
        self._shown = False
        self._sight: Sight | None = None
        self._health = Health()
        self._jumps = clock.jumps
        self._stopping = threading.Event()
        self._key_wanted = threading.Event()
        self._end: End | None = None
        self.last_slot = -1
        self._thread = threading.Thread(target=self._record, name=f"recording {run.camera}", daemon=True)

    def start(self, last_published: int | None) -> None:
        """Begin at the present slot, never at one that was published before."""
        self.last_slot = first_slot(self._clock.now_ms(), self._run.fps, last_published) - 1
        self._thread.start()

    def want_key(self) -> None:
        """The next picture becomes an IDR: a message before it may not have arrived."""
        self._key_wanted.set()

    def stop(self, end: End | None) -> None:
        """Ask for the end; `end` is told in the last message, None if the run goes on in another process."""
        self._end = end
        self._stopping.set()

    def join(self) -> None:
        """Wait for the thread; everything was handed over then."""
        self._thread.join()

    @property
    def alive(self) -> bool:
        """Is the thread still at work?"""
        return self._thread.is_alive()

    @property
    def ended(self) -> End | None:
        """How the run came to its end, when it did so by a wish or with its source."""
        return self._end

    def _record(self) -> None:
        try:
            while self._reached(self.last_slot + 1):
                self._fill(self.last_slot + 1)
                self.last_slot += 1
                self._bridge(next_slot(self.last_slot, self._clock.now_ms(), self._run.fps, self._clock.speed))
        except SourceEnded:
            self._end = "source_ended"
        except Exception:
            log.exception("recording_broke", camera_id=self._run.camera)
            self._deliver.seen(BROKEN)
        finally:
            self._source.close()
        self._hand_over(self._encoder.flush(), last=True)

    def _bridge(self, until: int) -> None:
        """Name what was left out up to, but without, `until`: the clock moved, or this process stood still."""
        cause: Cause = "clock" if self._clock.jumps != self._jumps else "ingest"
        self._jumps = self._clock.jumps
        if until - self.last_slot > BRIDGED_SECONDS * self._run.fps:
            self.last_slot = until - 1  # so long a gap is the end of a run, as the encoder sees it
        while self.last_slot + 1 < until and not self._stopping.is_set():
            self.last_slot += 1
            slate = slate_picture(self.config.profile, self._since())
            self._hand_over(self._encoder.encode(slate, Stamp(self.last_slot, "s", cause)))

    def _reached(self, slot: int) -> bool:
        """Wait until the slot's picture is due; False when the end was asked for."""
        due = slot_start_ms(slot, self._run.fps) + phase_ms(self._run.camera, self._run.fps)
        while not self._stopping.is_set():
            seconds = self._clock.real_seconds_until(due)
            if seconds <= 0:
                return True
            self._stopping.wait(min(seconds, 1.0))
        return False

    def _fill(self, slot: int) -> None:
        picture, kind, why = self._picture(slot)
        self._look(slot, kind, why, picture)
        key = self._key_wanted.is_set()
        self._key_wanted.clear()
        if kind != "s" and (slot % self._run.fps == 0 or not self._shown):
            self._shown = True
            self._snapshot(slot, kind, picture)
        self._hand_over(self._encoder.encode(picture, Stamp(slot, kind, "source" if kind == "s" else "none"), key=key))

    def _picture(self, slot: int) -> tuple[Picture, Kind, str]:
        """What fills the slot: a new picture, the last one again, or slate; and why, if it is none that is new."""
        try:
            picture = self._source.picture(slot)
        except NoPicture as problem:
            kind = without_picture(slot, self._last_captured, self._run.fps)
            if kind == "h" and self._last is not None:
                return self._last, "h", str(problem)
            return slate_picture(self.config.profile, self._since()), "s", str(problem)
        self._last, self._last_captured = picture, slot
        return picture, "c", ""

    def _look(self, slot: int, kind: Kind, why: str, picture: Picture) -> None:
        """Judge the first new picture of each second, and tell when the pictures say something else."""
        fps, before = self._run.fps, self._health.slot
        if kind == "c" and (before is None or slot // fps != before // fps):
            self._health = judge(self._health, small_luma(picture), slot, fps)
        known = self._sight
        self._sight = look(known or Sight(slot), slot, kind, why, self._health.verdict, fps)
        if known is None or known.seen != self._sight.seen:
            self._deliver.seen(self._sight.seen)

    def _since(self) -> str:
        if self._last_captured is None:
            return ""
        at = moment(slot_start_ms(self._last_captured, self._run.fps))
        return time_for_people(at, self.config.time_zone)

    def _snapshot(self, slot: int, kind: Kind, picture: Picture) -> None:
        jpeg, luma = jpeg_and_luma(picture)
        run = self._run
        self._deliver.snapshot(Snapshot(run.camera, slot, run.fps, kind, run.epoch, luma, jpeg))

    def _hand_over(self, units: list[Unit], *, last: bool = False) -> None:
        held = (*self._held, *units)
        whole, self._held = (held, ()) if last else whole_seconds(held, self._run.fps)
        for message in messages(self._run, self._encoder.params, whole, self._end if last else None):
            self._deliver.video(message)
