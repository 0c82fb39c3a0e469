"""Nothing is found in what keeps the contract: any runs, stops, restarts and changes of the codec's parameters."""

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from services.encoder.playlist import Listed, Playlist
from tests.hls_checker import History, Terms, check
from tests.unit.hls_checker.lists import FIRST, Run, dvr, full, live, story, text

PAUSES = (6, 20, 714, 718, 719, 720, 800)


@st.composite
def runs(draw: st.DrawFn, fps: int, most: int = 12, pauses: tuple[int, ...] = PAUSES) -> list[Run]:
    """Runs one after the other; none begins in an index that the one before it has a file for."""
    made: list[Run] = []
    index = FIRST
    for _ in range(draw(st.integers(1, 4))):
        index += draw(st.integers(0, 3) | st.sampled_from(pauses))
        begin = index * 10 * fps + draw(st.integers(0, 10 * fps - 1))
        count = draw(st.integers(1, most * 10 * fps))
        end = begin + count
        seams = draw(st.frozensets(st.integers(index, index + 12), max_size=4))
        made.append(Run(begin, count, seams))
        index = -(-end // (10 * fps))
    return made


def seen(versions: list[tuple[float, str]], missed: set[int]) -> History:
    """What a poller sees that misses some versions, but never two in a row, nor the end of a run."""
    kept = [
        one
        for place, one in enumerate(versions)
        if place not in missed or place - 1 in missed or place == 0 or "ENDLIST" in one[1]
    ]
    return History.of(kept, kept[-1][0] + 5)


RATES = st.sampled_from([1, 3, 5, 15, 30])
SPEEDS = st.sampled_from([1.0, 10.0, 60.0])
MISSED = st.sets(st.integers(0, 60), max_size=6)


@settings(deadline=None, max_examples=40)
@given(st.data(), RATES, SPEEDS, MISSED)
def test_the_live_playlist(data: st.DataObject, fps: int, speed: float, missed: set[int]) -> None:
    history = seen(list(live(data.draw(runs(fps)), fps, speed)), missed)
    assert check(history, Terms(fps=fps, speed=speed)) == []


@settings(deadline=None, max_examples=15)
@given(st.data(), RATES, SPEEDS, MISSED)
def test_the_two_hour_playlist(data: st.DataObject, fps: int, speed: float, missed: set[int]) -> None:
    history = seen(list(dvr(data.draw(runs(fps, 4)), fps, speed)), missed)
    assert check(history, Terms(fps=fps, speed=speed, dvr=True)) == []


@settings(deadline=None, max_examples=25)
@given(st.data(), st.booleans())
def test_the_encoders_own_playlists(data: st.DataObject, two_hours: bool) -> None:
    shown, kept = Playlist("camera-1", 5), Playlist("camera-1", 5, dvr=True)
    versions: list[tuple[float, str]] = []

    def publish(at: float) -> None:
        if shown.worth_joining:
            versions.append((at, (kept if two_hours else shown).render()))

    # A gap leaves with the segment before it: after a pause of almost two hours that leaves less than 30 s.
    for run in data.draw(runs(5, 4 if two_hours else 12, (6, 20, 600, 720, 800) if two_hours else PAUSES)):
        shown, kept = shown.beginning(), kept.beginning()
        closed = 0.0
        for item in run.items(5):
            listed = Listed(item.index, item.slot, item.frames, item.seam)
            shown, kept = shown.adding(listed), kept.adding(listed)
            closed = (item.slot + item.frames) / 5
            publish(closed)
        shown, kept = shown.ending(), kept.ending()
        publish(closed + 0.01)
    assert check(History.of(versions), Terms(dvr=two_hours)) == []


def test_two_hours_are_full_and_go_on() -> None:
    rows = [full(720, FIRST + step) for step in range(3)]
    assert check(story(*(text(row, dvr=True) for row in rows)), Terms(dvr=True)) == []


def test_a_catch_up_after_a_long_outage_that_is_excused() -> None:
    """The encoder was away for two minutes, then closed twelve segments at once: versions fly by unseen."""
    before, after = text(full(6)), text(full(6, FIRST + 12))
    history = History.of([(0, before), (125, after)], 130)
    assert [one.rule for one in check(history)] == ["list.stale"]
    assert check(history, Terms(excused=((10, 125),))) == []


def test_an_end_that_nobody_saw() -> None:
    history = History.of([(0, text(full(6))), (100, text(full(1, FIRST + 9)))])
    assert check(history, Terms(excused=((10, 100),))) == []


def test_no_version_and_one_version() -> None:
    assert check(History()) == []
    assert check(story(text(full(1)))) == []


def test_versions_are_distinct() -> None:
    made = list(live([Run(FIRST * 50 + 20, 400, frozenset({FIRST + 2}))]))
    assert len(made) == 9
    assert all(one[1] != two[1] for one, two in pairwise(made))
    assert "DISCONTINUITY-SEQUENCE:1" in made[-1][1]
