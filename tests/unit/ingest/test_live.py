"""Cameras whose clocks are a little wrong: what is in the picture never drifts from what the slot says."""

from dataclasses import dataclass, field

import numpy as np
import pytest

from libs.clock import SiteClock
from libs.contracts.facts import CameraConfig, Profile
from libs.contracts.frames import Unit, VideoMessage
from libs.contracts.slots import slot_at, slot_start_ms
from libs.video.mux import ts_segment
from libs.video.picture import Picture, Pixels, from_i420
from services.ingest.domain import Run
from services.ingest.files import SourceEnded
from services.ingest.live import NewestPicture
from services.ingest.marker import draw_marker
from services.ingest.recording import Deliver, Recording
from tests.unit.video.test_encode import decoded

PROFILE = Profile(width=64, height=48)
START = 8_977_796_450


@dataclass
class Camera:
    """Pushes pictures at its own rate into a live source; time passes with the slots that are asked for."""

    rate: float
    slots: int
    mono: float = 0.0
    shown: int = 0
    newest: NewestPicture = field(default_factory=NewestPicture)

    def picture(self, slot: int) -> Picture:
        if slot - START >= self.slots:
            raise SourceEnded
        passed = (slot - START) / 5
        while self.shown / self.rate <= passed + 0.1:
            self.newest.put(self._drawn(START / 5 + self.shown / self.rate))
            self.shown += 1
        self.mono = passed + 0.2  # the next picture is due: no test waits for time to pass
        return self.newest.picture(slot)

    def close(self) -> None:
        self.newest.close()

    def _drawn(self, at: float) -> Picture:
        """A picture that says in its pixels when it was taken."""
        planes: Pixels = np.full((72, 64), 128, np.uint8)
        draw_marker(planes, 48, slot_at(round(at * 1000), 5), 0)
        return from_i420(planes)


def record(camera: Camera) -> list[Unit]:
    messages: list[VideoMessage] = []
    clock = SiteClock(monotonic=lambda: camera.mono, wall=lambda: slot_start_ms(START, 5) + 199)
    deliver = Deliver(messages.append, lambda _: None, lambda _: None)
    config = CameraConfig(name="a", profile=PROFILE)
    recording = Recording(Run("camera-1", 5, 7, 1), config, camera, clock, deliver)
    recording.start(None)
    recording.join()
    return [unit for message in messages for unit in message.units]


@pytest.mark.parametrize("rate", [4.99, 5.01])
def test_an_hour_of_a_camera_that_is_too_slow_or_too_fast_never_drifts(rate: float) -> None:
    units = record(Camera(rate, 18_000))
    assert [unit.slot for unit in units] == list(range(START, START + 18_000))
    held = sum(unit.kind == "h" for unit in units)
    assert held == pytest.approx(36 if rate < 5 else 0, abs=2), "0.01 a second too few, an hour long"
    assert not [unit for unit in units if unit.kind == "s"]
    for at in range(0, 18_000, 3_000):
        seen = decoded(ts_segment(units[at : at + 50], 5, 64, 48))
        for (_, marker), unit in zip(seen, units[at : at + 50], strict=True):
            assert marker is not None
            assert abs(marker - (unit.slot & 0xFFFFFF)) <= 1
