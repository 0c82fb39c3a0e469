"""A past run in whole seconds: cut anywhere and begun again, every slot keeps its picture."""

from dataclasses import dataclass, field

import numpy as np
import pytest

from libs.contracts.facts import CameraConfig, Profile, Source
from libs.contracts.frames import VideoMessage
from libs.video.picture import Picture, from_bgr, jpeg_and_luma
from libs.video.sei import read_stamp
from services.ingest.domain import Run
from services.ingest.files import SourceEnded
from services.ingest.past_recording import PastRecording, Second

PROFILE = Profile(width=64, height=48)
FILES = CameraConfig(name="a", profile=PROFILE, source=Source(kind="files", files=("x.mp4",)))
SLOTS = range(1003, 1100)


@dataclass
class Film:
    """Gives its pictures one after the other, whatever slot is asked for, each a little brighter."""

    length: int
    given: list[Picture] = field(default_factory=list)
    closed: bool = False

    def picture(self, slot: int) -> Picture:
        if len(self.given) >= self.length:
            raise SourceEnded
        self.given.append(from_bgr(np.full((48, 64, 3), 40 + 2 * len(self.given), np.uint8)))
        return self.given[-1]

    def close(self) -> None:
        self.closed = True


def recording(film: Film, first: int, *, looks: bool = False) -> PastRecording:
    return PastRecording(Run("camera-1", 5, 9, 1), FILES, film, SLOTS, first, looks=looks)


def slots(messages: list[VideoMessage]) -> list[int]:
    return [unit.slot for message in messages for unit in message.units]


def messages(seconds: list[Second]) -> list[VideoMessage]:
    return [message for second in seconds for message in second.messages]


@pytest.mark.parametrize(("length", "last"), [(60, 1062), (500, 1099)])
def test_it_ends_with_its_source_or_its_time(length: int, last: int) -> None:
    past = recording(Film(length), SLOTS.start)
    made = messages(list(past.seconds()))
    assert slots(made) == list(range(SLOTS.start, last + 1))
    assert [message.end for message in made if message.end] == [made[-1].end] == ["source_ended"]
    assert past.why == ("the source ended" if length == 60 else "the run is over")
    stamps = [read_stamp(unit.data) for message in made for unit in message.units]
    assert [stamp.slot for stamp in stamps if stamp] == slots(made)


def test_begun_again_the_pictures_before_are_read_and_thrown_away() -> None:
    film = Film(60)
    past = recording(film, 1030, looks=True)
    seconds = list(past.seconds())
    assert slots(messages(seconds)) == list(range(1030, 1063))
    assert messages(seconds)[0].units[0].key
    stills = [still for second in seconds for still in second.stills]
    assert [still.slot for still in stills] == list(range(1030, 1063, 5))
    assert stills[0].luma == jpeg_and_luma(film.given[27])[1], "slot 1030 shows the 28th picture"


def test_a_wish_ends_it_with_what_is_at_hand_and_a_restart_with_nothing() -> None:
    past = recording(Film(60), SLOTS.start)
    seconds = past.seconds()
    first = [next(seconds)]
    past.stop("stopped")
    made = messages([*first, *seconds])
    assert made[-1].end == "stopped"
    assert slots(made) == list(range(SLOTS.start, made[-1].last_slot + 1))
    past = recording(Film(60), SLOTS.start)
    seconds = past.seconds()
    next(seconds)
    past.stop(None)
    assert list(seconds) == []
