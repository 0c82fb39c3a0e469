"""Which archives are due: every segment in exactly one row, no row over a window's end, nothing told twice."""

import itertools
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from libs.contracts.facts import SegmentClosed, SegmentMissed
from libs.contracts.slots import hls_first_slot, moment
from services.encoder.windows import KEPT, WINDOW_MS, Piece, Row, Told, is_complete, lost_windows, piece_of, rows

FPS, SPAN, WINDOW = 5, 50, 3000
FIRST = 2_990_000 * WINDOW
INDEX = FIRST // SPAN
SPEEDS = (1, 4, 5, 10, 30)
"""Some of the possible fps, prime to one another and not."""


def piece(at: int, skipped: int = 0, frames: int | None = None, fps: int = FPS) -> Piece:
    """The segment `at` places after the window's first, which begins `skipped` slots late."""
    first = hls_first_slot(INDEX + at, fps) + skipped
    return Piece(INDEX + at, first, 10 * fps - skipped if frames is None else frames, fps)


def missed(first: int, frames: int, fps: int = FPS) -> SegmentMissed:
    return SegmentMissed(first_slot=first, frames=frames, fps=fps, reason="x")


def closed(first: int, sha256: str, frames: int = SPAN, fps: int = FPS) -> SegmentClosed:
    return SegmentClosed(
        segment_id="x", first_slot=first, frames=frames, fps=fps, captured_frames=frames, held_frames=0, gaps=(),
        complete=False, started_at=moment(0), ended_at=moment(0), width=64, height=48, media_key="x", bytes=1,
        sha256=sha256, previous_sha256=None,
    )  # fmt: skip


def told_of(*facts: SegmentMissed | SegmentClosed) -> Told:
    told = Told()
    for fact in facts:
        told.learn(fact)
    return told


def row_told(row: Row) -> SegmentMissed:
    return missed(row[0].first_slot, sum(one.frames for one in row), row[0].fps)


def indices(found: list[Row]) -> list[list[int]]:
    return [[one.index - INDEX for one in row] for row in found]


def test_a_row_ends_at_its_windows_end() -> None:
    assert indices(rows(map(piece, range(58, 62)), Told(), None)) == [[58, 59], [60, 61]]


def test_a_row_ends_before_a_hole() -> None:
    assert indices(rows(map(piece, (3, 4, 6, 7)), Told(), None)) == [[3, 4], [6, 7]]


def test_a_row_ends_where_a_run_ended_and_the_next_began() -> None:
    assert indices(rows([piece(3), piece(4, frames=20), piece(5), piece(6)], Told(), None)) == [[3, 4], [5, 6]]
    assert indices(rows([piece(3), piece(4, skipped=10), piece(5)], Told(), None)) == [[3], [4, 5]]


def test_a_row_ends_where_the_fps_changed() -> None:
    mixed = [piece(2), piece(3), piece(4, fps=10), piece(5, fps=10), piece(6, fps=4)]
    assert indices(rows(mixed, Told(), None)) == [[2, 3], [4, 5], [6]]
    assert [[one.fps for one in row] for row in rows(mixed, Told(), INDEX + 7)] == [[5, 5], [10, 10]]


def test_the_row_of_the_present_run_is_due_when_its_window_is_full() -> None:
    pieces = [piece(at) for at in range(50, 60)]
    assert indices(rows(pieces[:9], Told(), INDEX + 59)) == []
    assert indices(rows(pieces, Told(), INDEX + 60)) == [list(range(50, 60))]
    assert indices(rows(pieces[:9], Told(), None)) == [list(range(50, 59))], "the run is over"
    assert indices(rows(pieces[:9], Told(), INDEX + 64)) == [list(range(50, 59))], "another run goes on"
    ended = [*pieces[:8], piece(58, frames=20)]
    assert indices(rows(ended, Told(), INDEX + 59)) == [list(range(50, 59))], "its run ended within its last segment"


def test_what_a_fact_tells_of_is_not_due_again() -> None:
    pieces = [piece(at) for at in range(10)]
    assert indices(rows(pieces, told_of(missed(FIRST, 150)), None)) == [[3, 4, 5, 6, 7, 8, 9]]
    assert indices(rows(pieces, told_of(missed(FIRST + 150, 100)), None)) == [[0, 1, 2], [5, 6, 7, 8, 9]]
    assert indices(rows(pieces, told_of(missed(FIRST, WINDOW)), None)) == []


@pytest.mark.parametrize("fps", SPEEDS)
def test_what_was_told_at_another_fps_is_the_same_time(fps: int) -> None:
    told = told_of(missed(hls_first_slot(INDEX + 2, fps), 3 * 10 * fps, fps))
    assert indices(rows([piece(at) for at in range(7)], told, None)) == [[0, 1], [5, 6]]


@pytest.mark.parametrize("fps", SPEEDS)
def test_a_segments_name_and_stamps_give_its_fps(fps: int) -> None:
    first = hls_first_slot(INDEX, fps)
    assert piece_of(INDEX, first, 10 * fps) == Piece(INDEX, first, 10 * fps, fps)
    assert piece_of(INDEX, first + 10 * fps - 1, 1).fps == fps


@pytest.mark.parametrize(
    ("index", "first", "frames"),
    [
        (INDEX + 1, FIRST, 50),
        (INDEX - 1, FIRST, 50),
        (INDEX, FIRST + 1, 50),
        (INDEX, FIRST // 5 * 7, 70),
        (0, FIRST, 50),
        (INDEX * 40, FIRST, 50),
    ],
)
def test_a_segment_under_another_name_is_none_of_ours(index: int, first: int, frames: int) -> None:
    with pytest.raises(ValueError, match=r"segment|fps"):
        piece_of(index, first, frames)


def test_a_segment_keeps_its_time_in_slots_of_another_fps() -> None:
    assert piece(3).at_fps(10) == piece(3, fps=10)
    assert piece(3, fps=30).at_fps(4) == piece(3, fps=4)
    assert piece(3, skipped=20, frames=15).at_fps(10) == piece(3, skipped=40, frames=30, fps=10)
    assert piece(3, frames=1, fps=30).at_fps(1) == piece(3, frames=1, fps=1), "never none"


pieces_of_runs = st.lists(
    st.tuples(
        st.integers(0, 200), st.sampled_from([(0, 50), (0, 20), (10, 40), (49, 1), (0, 1)]), st.sampled_from([5, 10])
    ),
    max_size=60,
).map(
    lambda made: list(
        {
            at: Piece(INDEX + at, (FIRST + at * SPAN + late) * fps // 5, frames * fps // 5, fps)
            for at, (late, frames), fps in made
        }.values()
    )
)
facts = st.lists(
    st.builds(
        lambda at, length, fps: missed(hls_first_slot(INDEX + at, fps), min(length, 60 - at % 60) * 10 * fps, fps),
        st.integers(-3, 200), st.sampled_from([1, 2, 10, 60]), st.sampled_from([4, 5, 10]),
    ), max_size=5,
)  # fmt: skip
ends = st.one_of(st.none(), st.integers(INDEX, INDEX + 210))


@settings(deadline=None)
@given(pieces_of_runs, facts, ends)
def test_rows_are_a_partition_of_what_is_due(
    pieces: list[Piece], facts: list[SegmentMissed], growing: int | None
) -> None:
    told = told_of(*facts)
    found = rows(pieces, told, growing)
    flat = [one for row in found for one in row]
    assert flat == sorted(flat, key=lambda one: one.index), "oldest first, within rows and among them"
    assert len(set(flat)) == len(flat)
    spans = {index for fact in facts for index in range(*_indices_of(fact))}
    due = {one for one in pieces if one.index not in spans}
    assert set(flat) <= due
    left = due - set(flat)
    assert not left or growing is not None
    for row in found:
        assert len({(one.window, one.fps) for one in row}) == 1
        assert all(before.end_slot == after.first_slot for before, after in itertools.pairwise(row))
    for one in left:
        assert growing is not None
        assert one.window == (growing - 1) // 60, "only the present run waits"


def _indices_of(fact: SegmentMissed) -> tuple[int, int]:
    return fact.first_slot // (10 * fact.fps), (fact.first_slot + fact.frames - 1) // (10 * fact.fps) + 1


@settings(deadline=None)
@given(pieces_of_runs, ends)
def test_what_was_told_is_never_due_again_and_the_rest_stays_due(pieces: list[Piece], growing: int | None) -> None:
    told = Told()
    made: list[Row] = []
    for _ in range(len(pieces) + 1):
        due = rows(pieces, told, growing)
        if not due:
            break
        made.append(due[0])
        told.learn(row_told(due[0]))
    assert made == rows(pieces, Told(), growing), "one at a time gives the rows of all at once"
    assert rows(pieces, told, growing) == []


@settings(deadline=None)
@given(pieces_of_runs, facts, ends, st.randoms(use_true_random=False))
def test_the_order_in_which_files_are_listed_does_not_matter(
    pieces: list[Piece], facts: list[SegmentMissed], growing: int | None, rng: random.Random
) -> None:
    told, shuffled = told_of(*facts), rng.sample(pieces, len(pieces))
    assert rows(shuffled, told, growing) == rows(pieces, told, growing)


@pytest.mark.parametrize(
    ("first", "frames", "complete"),
    [(FIRST, 3000, True), (FIRST, 2999, False), (FIRST + 50, 2950, False), (FIRST + 50, 3000, False), (0, 3000, True)],
)
def test_complete_is_the_whole_window_and_nothing_else(first: int, frames: int, complete: bool) -> None:
    assert is_complete(first, frames, FPS) is complete


def test_the_chain_goes_to_the_newest_archive_before_this_one() -> None:
    told = told_of(closed(FIRST, "b"), closed(FIRST - WINDOW, "a"), closed(FIRST + WINDOW, "c"))
    told.learn(missed(FIRST + 2 * WINDOW, WINDOW))
    assert [told.previous_sha256(INDEX + at * 60) for at in (-1, 0, 1, 2, 9)] == [None, "a", "b", "c", "c"]
    assert Told().previous_sha256(INDEX) is None


def test_the_chain_goes_on_when_the_fps_falls_and_rises() -> None:
    at = [hls_first_slot(INDEX + 60 * number, fps) for number, fps in enumerate((30, 5, 10))]
    told = told_of(*(closed(first, str(fps), 10 * fps, fps) for first, fps in zip(at, (30, 5, 10), strict=True)))
    assert [told.previous_sha256(INDEX + 60 * number) for number in range(4)] == [None, "30", "5", "10"]


def test_an_archive_is_never_said_to_be_missed_and_the_oldest_facts_are_forgotten() -> None:
    told = told_of(closed(FIRST, "a", 100), missed(FIRST, SPAN))
    assert [told.covers(INDEX + at) for at in (-1, 0, 1, 2)] == [False, True, True, False]
    order = list(range(1, KEPT + 1))
    random.Random(7).shuffle(order)
    for at in order:
        told.learn(missed(FIRST + at * WINDOW, WINDOW))
    assert [told.covers(INDEX), told.covers(INDEX + 60), told.covers(INDEX + KEPT * 60)] == [False, True, True]
    assert told.previous_sha256(INDEX + 60) is None
    assert len(told.windows()) == KEPT


def test_lost_are_whole_windows_of_which_nothing_tells() -> None:
    first, second = INDEX // 60 * WINDOW_MS, INDEX // 60 + 1
    length = 3 * WINDOW_MS

    def lost(known: set[int], since: int = first, until: int = first + length) -> list[int]:
        return [window - INDEX // 60 for window in lost_windows(known, since, until)]

    assert lost(set()) == [0, 1, 2]
    assert lost({second}) == [0, 2]
    assert lost(set(), since=first + 1) == [1, 2], "not from its beginning on"
    assert lost(set(), until=first + length - 1) == [0, 1], "not over yet"
    assert lost(set(), since=first + length) == []
    assert told_of(missed(FIRST + WINDOW + 700, 100)).windows() == {second}, "a part of it was told"


@settings(deadline=None)
@given(st.sets(st.integers(0, 30)), st.integers(0, 20 * WINDOW_MS), st.integers(0, 15 * WINDOW_MS))
def test_a_lost_window_lies_within_what_was_asked(known: set[int], since: int, length: int) -> None:
    found = lost_windows(known, since, since + length)
    within = [at for at in range(40) if since <= at * WINDOW_MS and (at + 1) * WINDOW_MS <= since + length]
    assert found == [at for at in within if at not in known]
