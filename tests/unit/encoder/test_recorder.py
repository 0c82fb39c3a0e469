"""When a recorder takes silence for an answer: never while ingest is heard, and never right after a reconnect."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from libs.bus import Bus
from libs.clock import SiteClock
from libs.contracts.facts import CameraConfig
from libs.contracts.frames import Unit, VideoMessage
from libs.contracts.slots import hls_first_slot, slot_start_ms
from libs.media import MediaStore
from services.encoder.domain import Line, Slate, take
from services.encoder.recorder import Parts, Recorder

FPS = 5
FIRST = hls_first_slot(179_400_000, FPS)
BEGAN_MS = slot_start_ms(FIRST, FPS)


class Time:
    """Real time and site time, both moved by hand."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.clock = SiteClock(monotonic=lambda: self.now, wall=lambda: BEGAN_MS + 1000)


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Time:
    time = Time()
    monkeypatch.setattr("services.encoder.recorder.real", lambda: time.now)
    return time


def recorder_at(time: Time, bus: SimpleNamespace, wished_from_ms: int | None = 0) -> Recorder:
    """It has placed one second of a run, just now."""
    parts = Parts(cast(MediaStore, None), cast(Bus, bus), time.clock, lambda camera: None)
    recorder = Recorder("camera-1", CameraConfig(name="Door"), wished_from_ms, parts)
    units = tuple(Unit(FIRST + at, "c", at == 0, b"x") for at in range(5))
    recorder._line, _ = take(Line(FPS), VideoMessage("camera-1", FPS, 1, "1.1", "p", units), 3000)
    return recorder


def due(recorder: Recorder, time: Time) -> list[Any]:
    return recorder._deadlines(time.now)[1]


def test_six_seconds_of_silence_make_slate(time: Time) -> None:
    recorder = recorder_at(time, SimpleNamespace(generation=1))
    time.now += 6.1
    assert due(recorder, time) == []
    time.now += 0.2
    assert due(recorder, time) == [Slate(FIRST + 5, FIRST + 5, "ingest")]


def test_a_reconnect_begins_the_silence_anew(time: Time) -> None:
    bus = SimpleNamespace(generation=1)
    recorder = recorder_at(time, bus)
    time.now += 60
    bus.generation = 2
    assert due(recorder, time) == [], "a minute without the bus: its seconds are on their way"
    time.now += 5.9
    assert due(recorder, time) == []
    time.now += 0.2
    assert len(due(recorder, time)) > 1, "nobody sends anything on this connection"


def test_only_what_was_asked_for_in_silence_counts(time: Time) -> None:
    recorder = recorder_at(time, SimpleNamespace(generation=1))
    asked = time.now + 5
    time.now += 60
    assert recorder._deadlines(asked)[1] == [], "the server said long ago that it had no more"


def test_silence_of_a_camera_that_nobody_wishes_to_run_ends_its_run(time: Time) -> None:
    recorder = recorder_at(time, SimpleNamespace(generation=1), wished_from_ms=None)
    time.now += 7
    line, steps = recorder._deadlines(time.now)
    assert line.next is None
    assert not any(isinstance(step, Slate) for step in steps)
