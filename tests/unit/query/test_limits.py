"""Limits: simulated time, any order of tries."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.query.people.limits import Limit, Limits


def test_ten_in_a_row_and_then_one_every_six_seconds() -> None:
    limit = Limit(10, 60)
    assert [limit.wait("kim", 100.0) for _ in range(10)] == [0.0] * 10
    assert limit.wait("kim", 100.0) == pytest.approx(6)
    assert limit.wait("kim", 104.0) == pytest.approx(2)
    assert limit.wait("lee", 104.0) == 0
    assert limit.wait("kim", 106.0) == 0
    assert limit.wait("kim", 106.0) == pytest.approx(6)


def test_tries_that_are_refused_make_nobody_wait_longer() -> None:
    limit = Limit(10, 60)
    for at in range(1000):
        limit.wait("kim", at / 100)
    assert limit.wait("kim", 12.1) == 0


@given(st.lists(st.floats(0, 30), max_size=300), st.integers(1, 20), st.integers(1, 60))
def test_never_more_than_twice_the_times_in_any_window(gaps: list[float], times: int, seconds: int) -> None:
    limit, now, let = Limit(times, seconds), 0.0, list[float]()
    for gap in gaps:
        now += gap
        wait = limit.wait("kim", now)
        assert 0 <= wait <= seconds + 1e-6
        if wait == 0:
            let.append(now)
    for first in let:
        assert sum(first <= one < first + seconds for one in let) <= 2 * times


@given(st.lists(st.floats(0, 30), min_size=1, max_size=50), st.integers(1, 20), st.integers(1, 60))
def test_who_waits_as_told_gets_in(gaps: list[float], times: int, seconds: int) -> None:
    limit, now = Limit(times, seconds), 0.0
    for gap in gaps:
        now += gap
        if wait := limit.wait("kim", now):
            now += wait + 1e-6
            assert limit.wait("kim", now) == 0


def test_memory_is_bounded_and_is_given_back() -> None:
    limit = Limit(10, 60, most=100)
    for number in range(10_000):
        limit.wait(f"user-{number}", 1.0)
        assert len(limit) <= 100
    limit.wait("kim", 10.0)
    assert len(limit) == 1


def test_one_address_tries_thirty_times_and_one_user_there_ten() -> None:
    limits = Limits()
    assert [limits.sign_in("kim", "10.0.0.1", 0) > 0 for _ in range(12)] == [False] * 10 + [True] * 2
    assert limits.sign_in("kim", "10.0.0.2", 0) == 0  # at home the same user still can
    assert sum(limits.sign_in(f"user-{at}", "10.0.0.1", 0) == 0 for at in range(100)) == 18
    assert sum(limits.sign_in("lee", f"10.0.1.{at}", 0) == 0 for at in range(100)) == 60
