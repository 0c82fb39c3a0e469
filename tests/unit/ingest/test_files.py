"""A queue of files that a test invents, under a clock of its own: boundaries, changes, broken and silent files."""

import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from libs.contracts.facts import Profile
from libs.contracts.positions import Position
from libs.video.child import CaptureEnded
from libs.video.picture import Picture, blank
from libs.video.reasons import CLEAN, NOT_VIDEO, Reason
from services.ingest import files as files_module
from services.ingest import film as film_module
from services.ingest.capture import Capture
from services.ingest.files import LEAD, LEAD_UNKNOWN, PATIENCE, PATIENT, FileSource, NoPicture, SourceEnded, live_pace
from services.ingest.film import Player
from services.ingest.queue import Queue

PROFILE = Profile(width=32, height=32)
FIRST = 1000


@dataclass
class Clip:
    """A file: so many pictures, then why it ends. `opens`, `each`: real seconds for the first, for each picture."""

    pictures: int = 10
    reason: Reason = CLEAN
    opens: float = 0.0
    each: float = 0.0
    tells_length: bool = True


@dataclass
class World:
    """Files, the children that run, and a clock that the test moves."""

    clips: dict[str, Clip]
    now: float = 50.0
    open: "list[Played]" = field(default_factory=list)
    started: list[str] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    moves: list[float] = field(default_factory=list)
    most: int = 0

    def source(self, files: str, *, loop: bool = True, start: int = 0, at: int = 0, past: bool = False) -> FileSource:
        pace = PATIENT if past else live_pace(PROFILE.fps, 1.0)
        player = Invented(PROFILE, "", no_child, Path, self)
        queue = Queue(tuple(files), loop, at, start)
        return FileSource(queue, player, pace, self.told.append, lambda: self.moves.append(self.now))

    @property
    def running(self) -> str:
        return "".join(played.name for played in self.open)


def no_child(arguments: list[str]) -> "subprocess.Popen[bytes]":
    raise AssertionError("no child is started here")


@dataclass(frozen=True, slots=True)
class Invented(Player):
    """Opens what the world holds."""

    world: World = field(default_factory=lambda: World({}))

    def open(self, name: str, start: int, *, short: bool) -> Capture:
        if name not in self.world.clips:
            raise FileNotFoundError(2, "No such file or directory")
        return Played(self.world, name, start, short)


class Played(Capture):
    """A child without a process."""

    def __init__(self, world: World, name: str, start: int, short: bool) -> None:
        self.world, self.name, self.clip = world, name, world.clips[name]
        self.given, self.ready_at = start, world.now + self.clip.opens
        self.count = max(1, self.clip.pictures) if short and self.clip.reason == CLEAN else self.clip.pictures
        world.open.append(self)
        world.started.append(name)
        world.most = max(world.most, len(world.open))

    @property
    def seconds(self) -> float | None:
        return self.clip.pictures / PROFILE.fps if self.clip.tells_length else None

    def ready(self, wait: float) -> bool:
        if self.ready_at <= self.world.now + wait:
            self.world.now = max(self.world.now, self.ready_at)
            return True
        self.world.now += wait
        return False

    def read(self) -> Picture:
        if self.given >= self.count:
            raise CaptureEnded(self.clip.reason)
        self.given, self.ready_at = self.given + 1, self.world.now + self.clip.each
        return blank(32, 32)

    def close(self) -> None:
        self.world.open.remove(self)


@pytest.fixture(autouse=True, scope="module")
def quiet() -> Iterator[None]:
    """Thousands of files end here."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(files_module, "log", structlog.wrap_logger(structlog.ReturnLogger()))
        yield


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    return invented(monkeypatch.setattr)


def invented(replace: Callable[[object, str, object], None]) -> World:
    world = World({})
    for module in (files_module, film_module):
        replace(module, "real", lambda: world.now)
    return world


class Watch:
    """Asks a source for slot after slot, as a live recording does, and writes down what each was filled with."""

    def __init__(self, world: World, source: FileSource) -> None:
        self.world, self.source, self.slot = world, source, FIRST
        self.shown: list[str] = []
        self.why: list[str] = []

    def see(self, slots: int) -> str:
        """The files of the next slots, a letter each; `-` where there was no picture."""
        return "".join(file for file, _ in self.details(slots))

    def details(self, slots: int) -> list[tuple[str, int]]:
        """The same with the number of the picture."""
        seen = []
        for _ in range(slots):
            due = 50.0 + (self.slot - FIRST) / PROFILE.fps
            self.world.now = max(self.world.now, due)
            try:
                self.source.picture(self.slot)
            except NoPicture as problem:
                seen.append(("-", -1))
                self.why.append(str(problem))
            else:
                assert self.source.position is not None
                assert self.source.position.slot == self.slot
                seen.append((self.source.position.file, self.source.position.frame))
            self.slot += 1
        return seen


def test_files_follow_one_another_without_a_slot_between(world: World) -> None:
    world.clips = {"a": Clip(6), "b": Clip(9), "c": Clip(5)}
    watch = Watch(world, world.source("abc"))
    assert watch.see(40) == ("a" * 6 + "b" * 9 + "c" * 5) * 2
    assert watch.details(7) == [("a", n) for n in range(6)] + [("b", 0)]


def test_the_next_child_runs_before_the_end_and_no_earlier_than_it_must(world: World) -> None:
    world.clips = {"a": Clip(100, opens=2.0), "b": Clip(100, opens=2.0)}
    watch = Watch(world, world.source("ab"))
    watch.see(100 - int(LEAD_UNKNOWN * 5) - 1)
    assert world.running == "a", "one child costs memory, two cost twice as much"
    watch.see(1)
    assert world.running == "ab"
    watch.see(int(LEAD_UNKNOWN * 5) + 100 - int(LEAD * 5) - 1)
    assert world.running == "b", "a has played: its child is quickly there"
    watch.see(1)
    assert world.running == "ba"
    assert "-" not in watch.see(50), "two seconds to open a file cost nothing"
    assert world.most == 2


def test_a_single_file_in_a_loop_has_no_gap_either(world: World) -> None:
    world.clips = {"a": Clip(30, opens=2.4)}
    watch = Watch(world, world.source("a"))
    assert watch.see(95) == "a" * 95
    assert world.most == 2


def test_a_file_that_does_not_tell_its_length_is_followed_at_its_end(world: World) -> None:
    world.clips = {"a": Clip(10, tells_length=False), "b": Clip(10)}
    assert Watch(world, world.source("ab")).see(30) == "a" * 10 + "b" * 10 + "a" * 10
    assert world.most == 2, "b tells its own"


def test_a_list_played_once_ends(world: World) -> None:
    world.clips = {"a": Clip(5), "b": Clip(5)}
    source = world.source("ab", loop=False)
    assert Watch(world, source).see(10) == "aaaaabbbbb"
    with pytest.raises(SourceEnded):
        source.picture(FIRST + 10)
    assert source.position is not None
    assert source.position.ended
    source.close()
    assert world.running == ""


def test_what_waits_is_ended_when_it_is_not_next_any_more(world: World) -> None:
    world.clips = {name: Clip(10) for name in "abcx"}
    source = world.source("abc")
    watch = Watch(world, source)
    watch.see(3)
    assert world.running == "ab"
    source.change(("a", "x", "b"), True)
    assert watch.see(1) == "a"
    assert world.running == "ax"
    assert watch.see(20) == "a" * 6 + "x" * 10 + "b" * 4


def test_a_file_that_is_taken_out_before_its_first_picture_shows_none(world: World) -> None:
    world.clips = {"a": Clip(10, opens=5.0), "b": Clip(10)}
    source = world.source("a")
    watch = Watch(world, source)
    assert watch.see(2) == "--"
    source.change(("b",), True)
    assert watch.see(5) == "bbbbb"
    assert world.running == "bb"


def test_what_waits_and_is_still_next_goes_on(world: World) -> None:
    world.clips = {name: Clip(10) for name in "abc"}
    source = world.source("abc")
    watch = Watch(world, source)
    watch.see(3)
    source.change(("c", "a", "b"), True)
    assert watch.see(20) == "a" * 7 + "b" * 10 + "c" * 3
    assert world.started == ["a", "b", "c", "a"], "not one child more"


def test_a_file_that_is_taken_out_while_it_plays_is_played_to_its_end(world: World) -> None:
    world.clips = {name: Clip(10) for name in "ab"}
    source = world.source("ab")
    watch = Watch(world, source)
    watch.see(3)
    source.change(("b",), True)
    assert watch.see(27) == "a" * 7 + "b" * 20


def test_an_emptied_list_says_so_and_goes_on_when_files_come(world: World) -> None:
    world.clips = {name: Clip(10) for name in "ab"}
    source = world.source("ab")
    watch = Watch(world, source)
    watch.see(3)
    source.change((), True)
    assert watch.see(20) == "a" * 7 + "-" * 13
    assert (set(watch.why), world.running) == ({"no files"}, "")
    source.change(("b",), True)
    assert watch.see(5) == "bbbbb"


def test_a_bad_file_costs_no_slot_and_is_told_once(world: World) -> None:
    world.clips = {"a": Clip(50), "x": Clip(0, NOT_VIDEO), "b": Clip(50)}
    watch = Watch(world, world.source("axyb"))
    assert watch.see(300) == ("a" * 50 + "b" * 50) * 3
    assert world.told == ["x: is no video file", "y: cannot be played: No such file or directory"]


def test_a_damaged_file_is_told_once_and_again_when_it_was_well_meanwhile(world: World) -> None:
    damaged = Clip(10, Reason("damaged", "is damaged from picture 5 on"))
    world.clips = {"a": damaged}
    watch = Watch(world, world.source("a"))
    watch.see(45)
    assert world.told == ["a: is damaged from picture 5 on"]
    world.clips["a"] = Clip(10)
    watch.see(30)
    world.clips["a"] = damaged
    watch.see(30)
    assert len(world.told) == 2


def test_a_file_without_a_picture_is_told_and_one_shorter_than_a_slot_fills_it(world: World) -> None:
    world.clips = {"a": Clip(10), "x": Clip(0, Reason("no_picture", "holds no picture")), "s": Clip(0)}
    assert Watch(world, world.source("axs")).see(22) == "a" * 10 + "s" + "a" * 10 + "s"
    assert world.told == ["x: holds no picture"]


def test_a_silent_file_is_given_up_before_its_turn(world: World) -> None:
    world.clips = {"a": Clip(60), "x": Clip(10, opens=1e9), "b": Clip(60)}
    assert Watch(world, world.source("axb")).see(130) == "a" * 60 + "b" * 60 + "a" * 10
    assert world.told == ["x: gave no picture for 8 s"]


def test_a_silent_first_file_stops_the_slots_for_less_than_ten_seconds(world: World) -> None:
    world.clips = {"x": Clip(10, opens=1e9), "a": Clip(60)}
    watch = Watch(world, world.source("xa"))
    assert watch.see(1) == "-"
    assert world.now == pytest.approx(50.0 + PATIENCE), "the first slot waits"
    seen = watch.see(60)
    assert world.now < 63, "those after it do not"
    assert seen.index("a") <= 45
    assert world.told == ["x: gave no picture for 8 s"]


def test_a_picture_that_comes_late_is_waited_for_once(world: World) -> None:
    world.clips = {"a": Clip(60, opens=2.4), "b": Clip(10, opens=7.0)}
    source = world.source("a")
    watch = Watch(world, source)
    assert watch.see(50) == "a" * 50, "slots that wait are caught up"
    source.change(("b", "a"), True)
    assert watch.see(45) == "a" * 10 + "-" * 25 + "b" * 10
    assert set(watch.why) == {"b: no picture yet"}


def test_a_child_that_is_slower_than_the_clock_falls_behind_no_further_than_patience(world: World) -> None:
    world.clips = {"a": Clip(60, each=0.4)}
    watch = Watch(world, world.source("a", loop=False))
    late, seen = [], []
    for _ in range(110):
        seen += watch.details(1)
        late.append(world.now - (50.0 + (watch.slot - 1 - FIRST) / 5))
    assert max(late) < PATIENCE + 0.5
    assert [picture for name, picture in seen if name == "a"] == list(range(sum(name == "a" for name, _ in seen)))
    assert 40 <= sum(name == "a" for name, _ in seen) <= 60, "slowly, but all of it"


def test_a_list_without_one_good_file_says_why_and_is_tried_ever_more_seldom(world: World) -> None:
    world.clips = {"x": Clip(0, NOT_VIDEO)}
    watch = Watch(world, world.source("xy"))
    assert set(watch.see(5 * 100)) == {"-"}
    assert world.started == ["x"] * 8, "100 s with pauses of 1, 2, 4, 8, 16, 30, 30 s"
    assert set(watch.why) <= {"x: is no video file", "y: cannot be played: No such file or directory"}
    assert len(world.told) == 2
    world.clips["y"] = Clip(10)
    assert "y" in watch.see(5 * 31), "what is mended is found within half a minute"


def test_a_changed_list_is_tried_at_once(world: World) -> None:
    world.clips = {"x": Clip(0, NOT_VIDEO), "a": Clip(10)}
    source = world.source("x")
    watch = Watch(world, source)
    watch.see(5 * 40)
    source.change(("x", "a"), True)
    assert watch.see(5) == "aaaaa"


def test_a_good_file_that_went_away_leaves_slate_that_says_so(world: World) -> None:
    world.clips = {"a": Clip(20)}
    watch = Watch(world, world.source("a"))
    watch.see(3)
    del world.clips["a"]
    assert watch.see(22) == "a" * 17 + "-" * 5
    assert set(watch.why) == {"a: cannot be played: No such file or directory"}
    world.clips["a"] = Clip(20)
    assert "a" in watch.see(20), "within the pause of 4 s"


def test_a_film_of_one_picture_in_a_loop_starts_one_child_a_second(world: World) -> None:
    world.clips = {"s": Clip(1)}
    watch = Watch(world, world.source("s"))
    assert watch.see(25) == "s----" * 5
    assert len(world.started) == 6
    world.clips["a"] = Clip(10)
    watch.source.change(("s", "a"), True)
    assert watch.see(23) == "a" * 10 + "s" + "a" * 10 + "sa"


def test_the_position_tells_the_picture_the_slot_and_the_file_after_it(world: World) -> None:
    world.clips = {"a": Clip(4), "b": Clip(4), "c": Clip(50)}
    source = world.source("abc")
    assert source.position is None
    Watch(world, source).see(6)
    assert source.position == Position("b", 1, FIRST + 5, 5, "c", begun=FIRST + 4, before="a", before_frame=3)
    assert len(world.moves) == 2, "each beginning of a file is told"


def test_the_position_keeps_its_picture_while_there_is_no_new_one(world: World) -> None:
    world.clips = {"a": Clip(4)}
    source = world.source("a")
    watch = Watch(world, source)
    watch.see(2)
    source.change((), True)
    watch.see(10)
    assert source.position is not None
    assert (source.position.frame, source.position.slot) == (3, FIRST + 11)


def test_a_queue_goes_on_in_the_middle_of_a_film(world: World) -> None:
    world.clips = {"a": Clip(20), "b": Clip(20)}
    seen = Watch(world, world.source("ab", start=18, at=1)).details(5)
    assert seen == [("b", 18), ("b", 19), ("a", 0), ("a", 1), ("a", 2)]


def test_a_film_that_is_over_before_the_place_is_passed_over_without_a_word(world: World) -> None:
    world.clips = {"a": Clip(20), "b": Clip(20)}
    assert Watch(world, world.source("ab", start=20, at=1)).details(2) == [("a", 0), ("a", 1)]
    assert world.told == []
    once = world.source("a", loop=False, start=25)
    with pytest.raises(SourceEnded):
        once.picture(FIRST)


def test_a_past_run_waits_for_every_picture(world: World) -> None:
    world.clips = {"a": Clip(3, opens=7.9), "x": Clip(5, opens=8.1), "b": Clip(3, opens=7.9)}
    assert Watch(world, world.source("axb", loop=False, past=True)).see(6) == "aaabbb"
    assert world.told == ["x: gave no picture for 8 s"]


CLIPS = st.builds(
    Clip,
    pictures=st.integers(0, 30),
    reason=st.sampled_from([CLEAN, CLEAN, NOT_VIDEO]),
    opens=st.sampled_from([0.0, 0.1, 1.0, 3.0, 1e9]),
    tells_length=st.booleans(),
)
LISTS = st.text("abcdez", max_size=6)


@given(st.fixed_dictionaries(dict.fromkeys("abcde", CLIPS)), st.lists(LISTS, min_size=1, max_size=6), st.data())
def test_whatever_the_files_and_changes_are(clips: dict[str, Clip], lists: list[str], data: st.DataObject) -> None:
    with pytest.MonkeyPatch.context() as patch:
        world = invented(patch.setattr)
        world.clips = clips
        source = world.source(lists[0])
        watch = Watch(world, source)
        before: tuple[str, int] = ("", -1)
        for files in lists:
            source.change(tuple(files), True)
            for number, (name, frame) in enumerate(watch.details(data.draw(st.integers(1, 80)))):
                if name == "-":
                    continue
                assert frame == 0 or (name, frame - 1) == before, "the pictures of a file, each once, in order"
                assert frame or number == 0 or name in files, "what was taken out is not begun"
                before = (name, frame)
        assert world.most <= 2
        assert world.now - 50.0 < (watch.slot - FIRST) / 5 + 30, "no slot waits for long"
        source.close()
        assert world.open == []
