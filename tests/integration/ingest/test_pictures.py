"""Every state of a camera, reached by films that FFmpeg makes: through the real child, queue and recording, at a site
time that runs as fast as the pictures come.
"""

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import pytest

from libs.clock import SiteClock
from libs.contracts.facts import CameraConfig, CameraState, Profile, Source
from libs.contracts.slots import slot_start_ms
from libs.video.ffmpeg import ffmpeg_program
from libs.video.picture import Picture
from services.ingest.capture import start_child
from services.ingest.domain import Run
from services.ingest.files import PATIENT, FileSource
from services.ingest.film import Player
from services.ingest.health import FROZEN_SECONDS
from services.ingest.queue import Queue
from services.ingest.recording import Deliver, Recording
from services.ingest.states import Observed, Seen, hear, say, see_end, see_pictures, worth_saying

PROFILE = Profile(width=160, height=120, preset="ultrafast")
START = 8_977_796_450
NOISE = "noise=alls=12:allf=t"
ROOM = f"testsrc2=s=320x240:r=10,{NOISE}"
FILMS = {
    "room.mp4": f"{ROOM},trim=duration=12",
    "dark.mp4": f"testsrc2=s=320x240:r=10,lutyuv=y='16+(val-16)*0.06',{NOISE},trim=duration=17",
    "black.mp4": "color=black:s=320x240:r=10,trim=duration=17",
    "cloth.mp4": f"color=0x6b4a3a:s=640x360:r=5,vignette=PI/4,{NOISE},trim=duration=17",
    "hand.mp4": f"{ROOM},gblur=sigma=45,trim=duration=17",
    "lamp.mp4": "color=white:s=320x240:r=10,trim=duration=17",
    "still.mp4": "testsrc2=s=320x240:r=10,trim=end_frame=1,tpad=stop_mode=clone:stop_duration=72",
}
KEY_FRAMES = 25
"""Seconds between two of x264's own key frames, at ten pictures a second."""


@dataclass
class Told:
    """What was said: second of the run, state and cause."""

    facts: list[tuple[float, CameraState, str]] = field(default_factory=list)
    observed: Observed = field(default_factory=lambda: Observed(since_ms=slot_start_ms(START, 5)))

    @property
    def states(self) -> list[CameraState]:
        return [state for _, state, _ in self.facts]

    def at(self, state: CameraState) -> float:
        """When a state was said first."""
        return next(at for at, said, _ in self.facts if said == state)


class Site:
    """One recording under a clock that the source moves."""

    def __init__(self, folder: Path, files: Sequence[str], *, loop: bool = False) -> None:
        self.told, self.mono, self.slots = Told(), 0.0, 0
        self._clock = SiteClock(monotonic=lambda: self.mono, wall=lambda: slot_start_ms(START, 5) + 199)
        player = Player(PROFILE, ffmpeg_program(), start_child, lambda name: folder / name)
        self._source = FileSource(Queue(tuple(files), loop), player, PATIENT, self._hear, lambda: None)
        self._until = 0

    def picture(self, slot: int) -> Picture:
        """Two tenths of a second pass, and what is due is said."""
        if slot >= self._until:
            self._recording.stop("stopped")
        self.mono += 0.2
        self.slots += 1
        self._say()
        return self._source.picture(slot)

    def close(self) -> None:
        self._source.close()

    def run(self, seconds: int) -> Told:
        """Until the source ends, or for so long."""
        self._until = START + seconds * 5
        config = CameraConfig(name="a", profile=PROFILE, source=Source(kind="files"))
        deliver = Deliver(lambda _: None, lambda _: None, self._see)
        self._recording = Recording(Run("camera-1", 5, 7, 1), config, self, self._clock, deliver)
        self._recording.start(None)
        self._recording.join()
        if self._recording.ended == "source_ended":
            self.told.observed = see_end(self.told.observed, "the source ended", self._clock.now_ms())
        self._say()
        return self.told

    def _see(self, seen: Seen) -> None:
        self.told.observed = see_pictures(self.told.observed, seen, self._clock.now_ms())

    def _hear(self, text: str) -> None:
        self.told.observed = hear(self.told.observed, text, self._clock.now_ms())

    def _say(self) -> None:
        now = self._clock.now_ms()
        if worth_saying(self.told.observed, now):
            self.told.observed, words = say(self.told.observed, now)
            self.told.facts.append((self.mono, words.seen.state, words.seen.cause))


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("films")
    made = ("-an", "-pix_fmt", "yuv420p", "-c:v", "libx264", "-preset", "ultrafast")
    for name, source in FILMS.items():
        command = [ffmpeg_program(), "-v", "error", "-f", "lavfi", "-i", source, *made, str(folder / name)]
        subprocess.run(command, check=True, timeout=60)
    (folder / "bad.mp4").write_text("this is no video\n" * 100)
    (folder / "empty.mp4").write_bytes(b"")
    return folder


@pytest.mark.parametrize(
    ("film", "state"),
    [("dark.mp4", "dark"), ("black.mp4", "dark"), *((f"{name}.mp4", "covered") for name in ("cloth", "hand", "lamp"))],
)
def test_a_dark_room_and_a_covered_lens_are_told_within_six_seconds_and_so_is_their_end(
    films: Path, film: str, state: CameraState
) -> None:
    told = Site(films, ["room.mp4", film, "room.mp4"]).run(60)
    assert told.states == ["online", state, "online", "stopped"]
    began, ended = told.at(state) - 12, told.facts[2][0] - 29
    print(f"{film}: {state} after {began:.1f} s, online {ended:.1f} s after its end")
    assert 5 <= began <= 6.5
    assert 3 <= ended <= 4.5


def test_a_film_without_pictures_is_told_once_and_the_camera_is_well_again(films: Path) -> None:
    told = Site(films, ["room.mp4", "bad.mp4", "empty.mp4"], loop=True).run(60)
    causes = [cause for _, state, cause in told.facts if state == "degraded"]
    assert sorted(part.split(":")[0] for cause in causes for part in cause.split("; ")) == ["bad.mp4", "empty.mp4"]
    assert told.states == ["online", *["degraded"] * len(causes), "online"], "one fact when both are told in time"
    print(f"two bad files: {'; '.join(causes)}; online again {told.facts[-1][0] - told.facts[-2][0]:.1f} s later")


@pytest.mark.parametrize("files", [[], ["bad.mp4"], ["empty.mp4", "bad.mp4"]])
def test_a_list_without_one_picture_is_offline_and_says_why(films: Path, files: list[str]) -> None:
    told = Site(films, files, loop=True).run(60)
    assert told.states == ["offline"]
    assert told.at("offline") <= 4
    cause = told.facts[0][2]
    assert all(name in cause for name in files)
    assert cause if files else cause == "no files"


def test_the_states_of_a_camera_that_everything_happens_to(films: Path) -> None:
    files = ["room.mp4", "hand.mp4", "dark.mp4", "room.mp4", "bad.mp4", "still.mp4", "lamp.mp4", "room.mp4"]
    told = Site(films, files).run(400)
    assert told.states == [
        *("online", "covered", "dark", "online", "degraded", "online", "frozen", "covered", "online", "stopped")
    ]
    assert all(later - one >= 10 for (one, *_), (later, *_) in pairwise(told.facts[:-1]))
    frozen = told.at("frozen") - 12 - 17 - 17 - 12
    print(f"still.mp4: frozen after {frozen:.1f} s")
    assert FROZEN_SECONDS <= frozen <= KEY_FRAMES + FROZEN_SECONDS + 3
