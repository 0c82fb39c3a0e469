"""Slots, and the times and names that follow from them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.contracts.slots import (
    check_fps,
    hls_first_slot,
    hls_index,
    moment,
    rfc3339,
    slot_at,
    slot_end_ms,
    slot_start_ms,
    unix_ms,
    window_first_slot,
    window_index,
)

FPS = st.sampled_from([1, 2, 3, 4, 5, 6, 8, 9, 10, 12, 15, 16, 18, 20, 24, 25, 30])
MOMENTS = st.integers(0, 4_102_444_800_000)


@given(MOMENTS, FPS)
def test_every_moment_lies_in_its_slot(ms: int, fps: int) -> None:
    slot = slot_at(ms, fps)
    assert slot_start_ms(slot, fps) <= ms < slot_end_ms(slot, fps)


@given(st.integers(0, 10**11), FPS)
def test_the_first_millisecond_of_a_slot_is_in_it_and_the_one_before_is_not(slot: int, fps: int) -> None:
    start = slot_start_ms(slot, fps)
    assert slot_at(start, fps) == slot
    assert start == 0 or slot_at(start - 1, fps) < slot


@given(st.integers(0, 10**11), FPS)
def test_windows_hold_sixty_whole_segments(slot: int, fps: int) -> None:
    window = window_index(slot, fps)
    assert hls_index(window_first_slot(window, fps), fps) == window * 60
    assert hls_first_slot(hls_index(slot, fps), fps) <= slot < hls_first_slot(hls_index(slot, fps) + 1, fps)


@pytest.mark.parametrize("fps", [0, -5, 7, 11, 31, 90])
def test_a_rate_that_the_clock_cannot_keep_is_refused(fps: int) -> None:
    with pytest.raises(ValueError, match=f"fps {fps} is not possible"):
        check_fps(fps)


def test_times_are_written_in_utc_with_milliseconds_and_z() -> None:
    assert rfc3339(moment(1_795_559_294_018)) == "2026-11-24T22:28:14.018Z"


@given(MOMENTS)
def test_a_moment_survives_being_a_datetime(ms: int) -> None:
    assert unix_ms(moment(ms)) == ms
