"""The pictures of a past run, one whole second at a time: whoever asks for the next one sets the pace."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass

from libs.contracts.facts import CameraConfig
from libs.contracts.frames import End, Snapshot, Unit, VideoMessage
from libs.observe import get_log
from libs.video.picture import Picture, jpeg_and_luma
from libs.video.sei import Stamp
from libs.video.x264 import H264Encoder
from services.ingest.domain import Run, messages, whole_seconds
from services.ingest.files import NoPicture, SourceEnded
from services.ingest.recording import Source

log = get_log()


@dataclass(frozen=True, slots=True)
class Second:
    """What one second of a run became. x264 holds pictures back, so the video is older than the stills."""

    stills: tuple[Snapshot, ...]
    messages: tuple[VideoMessage, ...]


class PastRecording:
    """One x264 run over the slots from `first` up to the end of `slots`. Its source begins at the first of `slots`."""

    def __init__(
        self, run: Run, config: CameraConfig, source: Source, slots: range, first: int, *, looks: bool
    ) -> None:
        self.why = ""
        """Why it ended, once it did; empty after a wish."""
        self._run, self._config, self._source = run, config, source
        self._slots, self._first, self._looks = slots, first, looks
        self._encoder = H264Encoder(config.profile)
        self._held: tuple[Unit, ...] = ()
        self._stopping = threading.Event()
        self._end: End | None = "source_ended"

    def stop(self, end: End | None) -> None:
        """Come to the end with the next picture; without an `end` nothing more is given."""
        if not self._stopping.is_set():
            self._end = end
        self._stopping.set()

    def close(self) -> None:
        """Give back what the source holds; call it when no `next` is under way."""
        self._source.close()

    def seconds(self) -> Iterator[Second]:
        """Everything, in order. Blocks while pictures are made; may be read by another thread."""
        stills: list[Snapshot] = []
        for slot, picture in self._pictures():
            if self._looks and (slot % self._run.fps == 0 or slot == self._first):
                stills.append(self._still(slot, picture))
            made = self._messages(self._encoder.encode(picture, Stamp(slot, "c")))
            if made:
                yield Second(tuple(stills), made)
                stills = []
        if self._end is not None:
            yield Second(tuple(stills), self._messages(self._encoder.flush(), self._end))

    def _pictures(self) -> Iterator[tuple[int, Picture]]:
        """Each slot with its picture; pictures before the first slot are read and thrown away."""
        drawn = self._slots if self._config.source.kind == "files" else range(self._first, self._slots.stop)
        for slot in drawn:
            if self._stopping.is_set():
                return
            try:
                picture = self._source.picture(slot)
            except SourceEnded:
                self.why = "the source ended"
                return
            except NoPicture as problem:
                self.why = str(problem)
                log.error("past_source_unusable", camera_id=self._run.camera, reason=self.why)
                return
            if slot >= self._first:
                yield slot, picture
        self.why = "the run is over"

    def _messages(self, units: list[Unit], end: End | None = None) -> tuple[VideoMessage, ...]:
        held = (*self._held, *units)
        whole, self._held = (held, ()) if end else whole_seconds(held, self._run.fps)
        return tuple(messages(self._run, self._encoder.params, whole, end))

    def _still(self, slot: int, picture: Picture) -> Snapshot:
        jpeg, luma = jpeg_and_luma(picture)
        return Snapshot(self._run.camera, slot, self._run.fps, "c", self._run.epoch, luma, jpeg)
