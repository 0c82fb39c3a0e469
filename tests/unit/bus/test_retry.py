"""How long a message waits before it is tried again."""

from hypothesis import given
from hypothesis import strategies as st

from libs.bus import Retry


@given(st.integers(min_value=1, max_value=10_000), st.floats(min_value=0, max_value=1, exclude_max=True))
def test_the_pause_is_never_a_hot_loop_and_never_beyond_the_cap(failures: int, chance: float) -> None:
    retry = Retry()
    assert retry.first <= retry.pause(failures, chance) <= retry.longest * 1.5


def test_the_pause_doubles() -> None:
    assert [Retry().pause(failures, 0.0) for failures in range(1, 9)] == [1, 2, 4, 8, 16, 32, 60, 60]
