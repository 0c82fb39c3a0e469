"""Which archives are due: every segment in exactly one row, no row over a window's end, nothing told twice."""

import itertools
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from libs.contracts.slots import window_index
from services.encoder.windows import Piece, Span, is_complete, lost_windows, previous_of, rows

FPS, SPAN, WINDOW = 5, 50, 3000
FIRST = 2_990_000 * WINDOW
INDEX = FIRST // SPAN


def piece(at: int, skipped: int = 0, frames: int | None = None) -> Piece:
    """The segment `at` places after the window's first, which begins `skipped` slots late."""
    return Piece(INDEX + at, FIRST + at * SPAN + skipped, SPAN - skipped if frames is None else frames)


def indices(found: list[tuple[Piece, ...]]) -> list[list[int]]:
    return [[one.index - INDEX for one in row] for row in found]


def test_a_row_ends_at_its_windows_end() -> None:
    assert indices(rows(map(piece, range(58, 62)), [], FPS, None)) == [[58, 59], [60, 61]]


def test_a_row_ends_before_a_hole() -> None:
    assert indices(rows(map(piece, (3, 4, 6, 7)), [], FPS, None)) == [[3, 4], [6, 7]]


def test_a_row_ends_where_a_run_ended_and_the_next_began() -> None:
    assert indices(rows([piece(3), piece(4, frames=20), piece(5), piece(6)], [], FPS, None)) == [[3, 4], [5, 6]]
    assert indices(rows([piece(3), piece(4, skipped=10), piece(5)], [], FPS, None)) == [[3], [4, 5]]


def test_the_row_of_the_present_run_is_due_when_its_window_is_full() -> None:
    pieces = [piece(at) for at in range(50, 60)]
    assert indices(rows(pieces[:9], [], FPS, pieces[8].end_slot)) == []
    assert indices(rows(pieces, [], FPS, pieces[9].end_slot)) == [list(range(50, 60))]
    assert indices(rows(pieces[:9], [], FPS, None)) == [list(range(50, 59))], "the run is over"
    assert indices(rows(pieces[:9], [], FPS, FIRST + WINDOW + 200)) == [list(range(50, 59))], "another run goes on"


def test_what_a_fact_tells_of_is_not_due_again() -> None:
    pieces = [piece(at) for at in range(10)]
    assert indices(rows(pieces, [Span(FIRST, 150)], FPS, None)) == [[3, 4, 5, 6, 7, 8, 9]]
    assert indices(rows(pieces, [Span(FIRST + 150, 100)], FPS, None)) == [[0, 1, 2], [5, 6, 7, 8, 9]]
    assert indices(rows(pieces, [Span(FIRST, WINDOW)], FPS, None)) == []


pieces_of_runs = st.lists(
    st.tuples(st.integers(0, 200), st.sampled_from([(0, 50), (0, 20), (10, 40), (49, 1), (0, 1)])), max_size=60
).map(
    lambda made: list({at: Piece(INDEX + at, FIRST + at * SPAN + late, frames) for at, (late, frames) in made}.values())
)
spans = st.lists(
    st.builds(Span, st.integers(FIRST - 100, FIRST + 10_000), st.sampled_from([1, 50, 500, WINDOW])), max_size=5
)
ends = st.one_of(st.none(), st.integers(INDEX, INDEX + 210).map(lambda index: index * SPAN))


@settings(deadline=None)
@given(pieces_of_runs, spans, ends)
def test_rows_are_a_partition_of_what_is_due(pieces: list[Piece], told: list[Span], growing: int | None) -> None:
    found = rows(pieces, told, FPS, growing)
    flat = [one for row in found for one in row]
    assert flat == sorted(flat, key=lambda one: one.first_slot), "oldest first, within rows and among them"
    assert len(set(flat)) == len(flat)
    due = {one for one in pieces if not any(span.covers(one.first_slot) for span in told)}
    assert set(flat) <= due
    left = due - set(flat)
    assert not left or growing is not None
    for row in found:
        assert len({window_index(one.first_slot, FPS) for one in row}) == 1
        assert all(before.end_slot == after.first_slot for before, after in itertools.pairwise(row))
    for one in left:
        assert growing is not None
        assert window_index(one.first_slot, FPS) == window_index(growing - 1, FPS), "only the present run waits"


@settings(deadline=None)
@given(pieces_of_runs, ends)
def test_what_was_told_is_never_due_again_and_the_rest_stays_due(pieces: list[Piece], growing: int | None) -> None:
    told: list[Span] = []
    made: list[tuple[Piece, ...]] = []
    for _ in range(len(pieces) + 1):
        due = rows(pieces, told, FPS, growing)
        if not due:
            break
        made.append(due[0])
        told.append(Span(due[0][0].first_slot, sum(one.frames for one in due[0])))
    assert made == rows(pieces, [], FPS, growing), "one at a time gives the rows of all at once"
    assert rows(pieces, told, FPS, growing) == []


@settings(deadline=None)
@given(pieces_of_runs, spans, ends, st.randoms(use_true_random=False))
def test_the_order_in_which_files_are_listed_does_not_matter(
    pieces: list[Piece], told: list[Span], growing: int | None, rng: random.Random
) -> None:
    shuffled = rng.sample(pieces, len(pieces))
    assert rows(shuffled, told, FPS, growing) == rows(pieces, told, FPS, growing)


@pytest.mark.parametrize(
    ("first", "frames", "complete"),
    [(FIRST, 3000, True), (FIRST, 2999, False), (FIRST + 50, 2950, False), (FIRST + 50, 3000, False), (0, 3000, True)],
)
def test_complete_is_the_whole_window_and_nothing_else(first: int, frames: int, complete: bool) -> None:
    assert is_complete(first, frames, FPS) is complete


def test_the_chain_goes_to_the_newest_archive_before_this_one() -> None:
    closed = [(FIRST, "b"), (FIRST - WINDOW, "a"), (FIRST + WINDOW, "c")]
    assert [previous_of(FIRST + at * WINDOW, closed) for at in (-1, 0, 1, 2, 9)] == [None, "a", "b", "c", "c"]
    assert previous_of(FIRST, []) is None


def test_lost_are_whole_windows_of_which_nothing_tells() -> None:
    def lost(told: list[Span], pieces: list[Piece], since: int = FIRST, until: int = FIRST + 3 * WINDOW) -> list[int]:
        return [(first - FIRST) // WINDOW for first in lost_windows(told, pieces, since, until, FPS)]

    assert lost([], []) == [0, 1, 2]
    assert lost([Span(FIRST + WINDOW + 700, 100)], []) == [0, 2], "a part of it was told"
    assert lost([], [piece(60 * 2 + 7)]) == [0, 1], "a segment waits to become an archive"
    assert lost([], [], since=FIRST + 1) == [1, 2], "not from its beginning on"
    assert lost([], [], until=FIRST + 3 * WINDOW - 1) == [0, 1], "not over yet"
    assert lost([], [], since=FIRST + 3 * WINDOW) == []


@settings(deadline=None)
@given(spans, pieces_of_runs, st.integers(-5000, 5000), st.integers(0, 15_000))
def test_a_lost_window_lies_within_what_was_asked_and_holds_nothing(
    told: list[Span], pieces: list[Piece], since: int, length: int
) -> None:
    since, until = FIRST + since, FIRST + since + length
    for first in lost_windows(told, pieces, since, until, FPS):
        assert since <= first
        assert first + WINDOW <= until
        assert not any(first <= one.first_slot < first + WINDOW for one in pieces)
        assert not any(first <= one.first_slot < first + WINDOW for one in told)
