"""A recording under a clock that the test moves: every slot has its picture, or slate with the cause."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from libs.clock import SiteClock
from libs.contracts.facts import CameraConfig, Profile
from libs.contracts.frames import Snapshot, VideoMessage
from libs.contracts.slots import slot_start_ms
from libs.video.picture import Picture, from_bgr
from libs.video.sei import Stamp, read_stamp
from services.ingest.domain import Run
from services.ingest.files import NoPicture, SourceEnded
from services.ingest.recording import Deliver, Recording
from services.ingest.states import BROKEN, ONLINE, Seen

PROFILE = Profile(width=64, height=48)
START = 8_977_796_450


@dataclass
class World:
    """Time stands still except where the source or the test moves it."""

    mono: float = 100.0
    wall: int = slot_start_ms(START, 5) + 199
    messages: list[VideoMessage] = field(default_factory=list)
    stills: list[Snapshot] = field(default_factory=list)
    seen: list[Seen] = field(default_factory=list)

    def passes(self, seconds: float, *, asleep: bool = False) -> None:
        self.wall += round(seconds * 1000)
        self.mono += 0 if asleep else seconds

    def stamps(self) -> list[Stamp]:
        found = [read_stamp(unit.data) for message in self.messages for unit in message.units]
        return [stamp for stamp in found if stamp]


@dataclass
class Script:
    """A source that does at slot `n` what stands under `n`, and otherwise gives a picture and lets 0.2 s pass."""

    world: World
    at: Mapping[int, object]
    until: int

    def picture(self, slot: int) -> Picture:
        offset = slot - START
        if offset >= self.until:
            raise SourceEnded
        step = self.at.get(offset)
        if callable(step):
            step()
        self.world.passes(0.2)
        if step == "nothing":
            raise NoPicture("the file holds no picture")
        image = np.full((48, 64, 3), 90 if step == "covered" else offset % 256, np.uint8)
        if step != "covered":
            image[:, 32:] = 255
        return from_bgr(image)

    def close(self) -> None:
        pass


def record(at: Mapping[int, object], until: int = 60) -> World:
    world = World()
    clock = SiteClock(monotonic=lambda: world.mono, wall=lambda: world.wall)
    deliver = Deliver(world.messages.append, world.stills.append, world.seen.append)
    steps = {
        slot: (lambda step=step: (step(world), clock.check())) if callable(step) else step for slot, step in at.items()
    }
    source = Script(world, steps, until)
    recording = Recording(Run("camera-1", 5, 7, 1), CameraConfig(name="a", profile=PROFILE), source, clock, deliver)
    recording.start(None)
    recording.join()
    return world


def kinds(world: World) -> str:
    return "".join(stamp.kind for stamp in world.stamps())


def test_every_slot_has_its_picture_and_the_end_of_the_source_is_told() -> None:
    world = record({})
    assert [stamp.slot for stamp in world.stamps()] == list(range(START, START + 60))
    assert kinds(world) == "c" * 60
    assert [message.end for message in world.messages][-1] == "source_ended"
    assert [still.slot for still in world.stills] == list(range(START, START + 60, 5))
    assert world.seen == [ONLINE]


def test_a_source_without_pictures_is_held_for_three_seconds_then_slate_says_so() -> None:
    world = record(dict.fromkeys(range(20, 45), "nothing"))
    assert kinds(world) == "c" * 20 + "h" * 15 + "s" * 10 + "c" * 15
    assert {stamp.cause for stamp in world.stamps() if stamp.kind == "s"} == {"source"}
    assert [seen.state for seen in world.seen] == ["online", "offline", "online"]
    assert world.seen[1].cause == "the file holds no picture"
    assert START + 35 not in [still.slot for still in world.stills], "slate is never a still"


def test_a_covered_lens_is_seen_and_so_is_a_wiped_one() -> None:
    world = record(dict.fromkeys(range(20, 60), "covered"), until=100)
    assert kinds(world) == "c" * 100
    assert [seen.state for seen in world.seen] == ["online", "covered", "online"]


def test_a_held_picture_of_a_covered_lens_proves_nothing() -> None:
    world = record({20: "covered"} | dict.fromkeys(range(21, 35), "nothing"), until=100)
    assert world.seen == [ONLINE]


def test_a_source_that_gives_too_few_pictures_is_told() -> None:
    world = record(dict.fromkeys(range(20, 90, 2), "nothing"), until=160)
    assert [seen.state for seen in world.seen] == ["online", "degraded", "online"]
    assert world.seen[1].cause == "too few pictures: the file holds no picture"


def test_a_recording_that_breaks_says_so() -> None:
    world = record({20: lambda world: 1 / 0})
    assert world.seen == [ONLINE, BROKEN]


def test_a_stall_is_caught_up_without_losing_a_slot() -> None:
    world = record({20: lambda world: world.passes(20)}, until=150)
    assert kinds(world) == "c" * 150


def test_a_long_stall_leaves_a_gap_that_is_named() -> None:
    world = record({20: lambda world: world.passes(60)}, until=340)
    stamps = world.stamps()
    assert [stamp.slot for stamp in stamps] == list(range(START, START + 340))
    gap = [stamp for stamp in stamps if stamp.kind == "s"]
    assert {stamp.cause for stamp in gap} == {"ingest"}
    assert (gap[0].slot, len(gap)) == (START + 21, 300)


def test_a_clock_that_moves_forward_leaves_a_gap_with_cause_clock() -> None:
    world = record({20: lambda world: world.passes(90, asleep=True)}, until=480)
    gap = [stamp for stamp in world.stamps() if stamp.kind == "s"]
    assert {stamp.cause for stamp in gap} == {"clock"}
    assert len(gap) == 450


def test_a_clock_that_moves_back_publishes_no_slot_again() -> None:
    world = record({20: lambda world: world.passes(-30, asleep=True)})
    assert [stamp.slot for stamp in world.stamps()] == list(range(START, START + 60))


def test_after_ten_minutes_asleep_there_is_no_slate_but_a_new_beginning() -> None:
    world = record({20: lambda world: world.passes(3600, asleep=True)}, until=18_060)
    slots = [stamp.slot for stamp in world.stamps()]
    assert len(slots) < 100
    assert slots[21] - slots[20] == 18_001
