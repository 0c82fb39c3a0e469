"""What the pictures say of a camera, and what is said of it: the worst first, seldom, and nothing lost."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from libs.contracts.facts import CameraState
from libs.contracts.frames import Kind
from services.ingest.health import Verdict
from services.ingest.states import (
    BROKEN,
    CAUSE_MOST,
    CLOCK,
    HEALTH,
    LAST_CAUSE_MOST,
    NOTICE_MOST,
    ONLINE,
    SAY_EVERY_MS,
    STARTING,
    WORST_FIRST,
    Observed,
    Seen,
    Sight,
    Words,
    hear,
    look,
    say,
    see_beginning,
    see_clock,
    see_end,
    see_pictures,
    worth_saying,
)

FPS = 5
TEXTS = Path(__file__).parents[3] / "services" / "query" / "web" / "texts.js"


def looked(kinds: str, why: str = "why", verdict: Verdict = "online") -> list[Seen]:
    """What each slot of a run says."""
    sight, seen = Sight(100), []
    for at, kind in enumerate(kinds):
        of: Kind = "c" if kind == "c" else "h" if kind == "h" else "s"
        sight = look(sight, 100 + at, of, "" if of == "c" else why, verdict, FPS)
        seen.append(sight.seen)
    return seen


def changes(seen: Sequence[Seen]) -> list[tuple[int, CameraState]]:
    """At which slots the state changed."""
    states = [one.state for one in seen]
    return [(at, state) for at, state in enumerate(states) if at == 0 or states[at - 1] != state]


def test_a_camera_without_a_picture_starts_for_three_seconds_and_is_offline_then() -> None:
    assert changes(looked("s" * 30)) == [(0, "starting"), (15, "offline")]
    assert changes(looked("s" * 10 + "c" * 5 + "s")) == [(0, "starting"), (10, "online"), (15, "offline")]


def test_a_hole_is_no_state_until_there_is_slate() -> None:
    assert changes(looked("c" * 60 + "h" * 15 + "c" * 60)) == [(0, "online")]
    assert changes(looked("c" * 60 + "h" * 15 + "s" * 5 + "c")) == [(0, "online"), (75, "offline"), (80, "online")]


def test_a_source_under_its_rate_is_degraded_until_it_keeps_up() -> None:
    assert changes(looked("chccc" * 20)) == [(0, "online")], "one of five may be missing"
    seen = looked("c" * 50 + "ch" * 40 + "c" * 60)
    # The sixteenth held picture of fifty is one too many; the fifth before the last fifty is over when four are left.
    assert changes(seen) == [(0, "online"), (81, "degraded"), (171, "online")]
    assert {one.cause for one in seen if one.state == "degraded"} == {"too few pictures: why"}


def test_the_health_of_the_picture_is_worse_than_a_late_one() -> None:
    assert looked("ch" * 40, verdict="dark")[-1] == HEALTH["dark"]
    assert looked("ch" * 40)[-1].state == "degraded"


def test_a_list_of_bad_files_names_one_of_them_and_not_each_in_turn() -> None:
    sight, causes = Sight(0), []
    for slot in range(1000):
        why = "a: bad" if slot % 100 < 3 else "b: bad"
        sight = look(sight, slot, "s", why, "online", FPS)
        causes.append(sight.seen.cause)
    assert list(dict.fromkeys(causes)) == ["", "b: bad"]
    for slot in range(1000, 1100):
        sight = look(sight, slot, "s", "no files", "online", FPS)
    assert sight.seen == Seen("offline", "no files"), "another reason that stands is told"


@dataclass
class Told:
    """A camera whose saying is asked every quarter of a second."""

    observed: Observed = field(default_factory=lambda: Observed(since_ms=0))
    now: int = 0
    facts: list[tuple[int, Words]] = field(default_factory=list)

    def see(self, seen: Seen) -> None:
        self.observed = see_pictures(self.observed, seen, self.now)

    def hear(self, *notices: str) -> None:
        for notice in notices:
            self.observed = hear(self.observed, notice, self.now)

    def passes(self, seconds: float) -> None:
        until = self.now + round(seconds * 1000)
        while self.now < until:
            if worth_saying(self.observed, self.now):
                self.say()
            self.now += 250

    def say(self, *, last: bool = False) -> None:
        self.observed, words = say(self.observed, self.now, last=last)
        self.facts.append((self.now, words))

    @property
    def said(self) -> list[tuple[int, CameraState, str]]:
        """Second, state and cause of each fact."""
        return [(now // 1000, words.seen.state, words.seen.cause) for now, words in self.facts]


def online() -> Told:
    """A camera that was said to be well at 0, a minute ago."""
    told = Told()
    told.see(ONLINE)
    told.passes(60)
    assert told.said == [(0, "online", "")]
    return told


def test_a_camera_that_shows_a_picture_at_once_is_never_called_starting() -> None:
    told = Told()
    told.passes(3.25)
    told.see(ONLINE)
    told.passes(10)
    assert told.said == [(3, "online", "")]
    slow = Told()
    slow.passes(20)
    assert slow.said == [(3, "starting", "")]


def test_a_state_is_said_once_and_a_flapping_one_at_most_every_ten_seconds() -> None:
    told = online()
    told.see(Seen("offline", "no picture"))
    told.passes(4)
    told.see(ONLINE)
    told.passes(1)
    told.see(Seen("offline", "no picture"))
    told.passes(1)
    told.see(ONLINE)
    told.passes(20)
    assert told.said == [(0, "online", ""), (60, "offline", "no picture"), (70, "online", "")]
    assert [words.ordinal for _, words in told.facts] == [0, 1, 2]


def test_what_was_over_before_it_could_be_said_is_not_said() -> None:
    told = Told()
    told.see(ONLINE)
    told.passes(2)
    told.see(BROKEN)
    told.passes(2)
    told.see(ONLINE)
    told.passes(30)
    assert told.said == [(0, "online", "")]


def test_the_worst_state_is_said_whatever_else_holds() -> None:
    for at, state in enumerate(WORST_FIRST[1:-2], 1):
        told = online()
        told.observed = see_clock(told.observed, True, told.now)
        assert told.observed.present == CLOCK
        told.see(Seen(state, "why"))
        assert told.observed.present == Seen(state, "why"), at
        told.observed = see_end(told.observed, "over", told.now)
        assert told.observed.present == Seen("stopped", "over")


def test_a_clock_that_is_behind_is_degraded_until_it_is_right() -> None:
    told = online()
    told.observed = see_clock(told.observed, True, told.now)
    told.passes(30)
    told.observed = see_clock(told.observed, False, told.now)
    told.passes(30)
    assert [(state, cause[:6]) for _, state, cause in told.said] == [
        ("online", ""),
        ("degraded", "clock:"),
        ("online", ""),
    ]
    assert [words.since_ms for _, words in told.facts] == [0, 60_000, 90_000]


def test_a_stop_is_said_at_once_with_whatever_was_not_said_yet() -> None:
    told = online()
    told.see(Seen("dark", "no light"))
    told.passes(1)
    told.hear("b.mp4: holds no video")
    told.observed = see_end(told.observed, "the source ended", told.now)
    told.passes(30)
    assert told.said[1:] == [(60, "dark", "no light"), (61, "stopped", "the source ended; b.mp4: holds no video")]


def test_bad_files_in_a_row_are_one_fact_and_then_the_camera_is_well_again() -> None:
    told = online()
    told.hear("a.mp4: holds no video")
    told.passes(1)
    told.hear("b.mp4: ends too soon")
    told.passes(60)
    assert told.said[1:] == [(64, "degraded", "a.mp4: holds no video; b.mp4: ends too soon"), (74, "online", "")]
    assert [words.since_ms for _, words in told.facts] == [0, 60_000, 64_000]


def test_a_bad_file_at_the_beginning_is_said_with_the_first_picture() -> None:
    told = Told()
    told.hear("a.mp4: holds no video")
    told.passes(1)
    told.see(ONLINE)
    told.passes(60)
    assert told.said == [(1, "degraded", "a.mp4: holds no video"), (11, "online", "")]


def test_a_wholly_bad_list_is_offline_with_each_reason_and_is_said_once() -> None:
    told = online()
    told.hear("a.mp4: bad", "b.mp4: bad", "c.mp4: bad")
    told.passes(3)
    told.see(Seen("offline", "c.mp4: bad"))
    told.passes(1)
    told.hear("c.mp4: bad")
    told.passes(60)
    assert told.said[1:] == [(63, "offline", "c.mp4: bad; a.mp4: bad; b.mp4: bad")]


def test_a_bad_file_of_a_dark_camera_does_not_make_it_light() -> None:
    told = online()
    told.see(Seen("dark", "no light"))
    told.passes(20)
    told.hear("a.mp4: bad")
    told.passes(60)
    assert told.said[1:] == [(60, "dark", "no light"), (84, "dark", "no light; a.mp4: bad")]


def test_a_cause_has_an_end_and_the_rest_waits() -> None:
    told = online()
    notices = [f"{number:03} {'x' * 140}" for number in range(20)] + ["y" * 2000]
    told.hear(*notices)
    told.passes(100)
    said = [cause for _, state, cause in told.said if state == "degraded"]
    assert all(len(cause) <= CAUSE_MOST for cause in said)
    assert "; ".join(said).split("; ") == [*notices[:-1], "y" * (NOTICE_MOST - 1) + "…"]
    assert told.said[-1][1] == "online"


def test_the_last_fact_holds_more() -> None:
    told = online()
    told.hear(*(f"{number:02} {'x' * 140}" for number in range(50)))
    told.say(last=True)
    assert CAUSE_MOST < len(told.said[-1][2]) <= LAST_CAUSE_MOST
    assert not told.observed.notices


def test_what_another_process_said_meanwhile_is_said_again() -> None:
    told = online()
    told.observed = see_beginning(told.observed, told.now, anew=True)
    told.passes(1)
    told.see(ONLINE)
    told.passes(10)
    assert told.said[1:] == [(61, "online", "")]
    assert told.facts[-1][1].ordinal == 1


def test_a_recording_after_an_end_is_told_and_a_broken_one_is_offline_until_it_shows_something() -> None:
    told = online()
    told.observed = see_end(told.observed, "the source ended", told.now)
    told.passes(1)
    told.observed = see_beginning(told.observed, told.now, anew=False)
    told.passes(20)
    told.see(BROKEN)
    told.observed = see_beginning(told.observed, told.now, anew=False)
    told.passes(20)
    assert [state for _, state, _ in told.said[1:]] == ["stopped", "online", "offline"]


STEP = st.one_of(
    st.tuples(st.just("see"), st.sampled_from([STARTING, BROKEN, *HEALTH.values(), Seen("degraded", "late")])),
    st.tuples(st.just("clock"), st.booleans()),
    st.tuples(st.just("hear"), st.integers(1, 12)),
    st.tuples(st.just("pass"), st.floats(0, 15)),
)


@settings(deadline=None)
@given(st.lists(STEP, max_size=60), st.booleans())
def test_never_two_facts_in_ten_seconds_never_twice_the_same_and_every_notice_once(
    steps: list[tuple[str, object]], stopped: bool
) -> None:
    told, heard = Told(), 0
    for what, value in steps:
        if isinstance(value, Seen):
            told.see(value)
        elif what == "clock":
            told.observed = see_clock(told.observed, bool(value), told.now)
        elif what == "hear" and isinstance(value, int):
            told.hear(*(f"file {heard + number}: {'x' * 200}" for number in range(value)))
            heard += value
        elif isinstance(value, float):
            told.passes(value)
    if stopped:
        told.observed = see_end(told.observed, "over", told.now)
        told.say(last=True)
        while told.observed.notices:
            told.say(last=True)
    told.see(ONLINE)
    told.passes(600 if not stopped else 0)
    times = [now for now, words in told.facts if words.seen.state != "stopped"]
    assert all(after - before >= SAY_EVERY_MS for before, after in pairwise(times))
    assert [words.ordinal for _, words in told.facts] == list(range(len(told.facts)))
    seen = [words.seen for _, words in told.facts]
    assert all(before != after for before, after in pairwise(seen))
    texts = [text for one in seen for text in one.cause.split("; ") if text.startswith("file")]
    assert [text.split(":")[0] for text in texts] == [f"file {number}" for number in range(heard)]
    assert all(words.since_ms <= now for now, words in told.facts)
    assert seen[-1].state == ("stopped" if stopped else told.observed.present.state)


@pytest.mark.parametrize("state", get_args(CameraState))
def test_every_state_has_its_place_and_a_word_in_both_languages_of_the_page(state: CameraState) -> None:
    assert WORST_FIRST.count(state) == 1
    blocks = re.findall(r"states: {(.*?)}", TEXTS.read_text(encoding="utf-8"), re.DOTALL)
    assert [len(re.findall(rf'^\s*{state}: "\S', block, re.MULTILINE)) for block in blocks] == [1, 1]
