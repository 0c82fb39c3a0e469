"""The search for the largest number of cameras finds it, in few tries."""

import pytest

from bench.capacity import LATE_SECONDS, Probe, largest


@pytest.mark.parametrize("guess", [1, 8, 24, 64])
@pytest.mark.parametrize("most", [0, 1, 2, 7, 24, 31, 70])
def test_it_finds_the_largest(guess: int, most: int) -> None:
    def attempt(count: int) -> Probe:
        assert count >= 1
        return Probe(count, 100, 100, LATE_SECONDS if count <= most else LATE_SECONDS + 1)

    tries = largest(attempt, guess)
    assert max((one.cameras for one in tries if one.exact), default=0) == most
    assert len(tries) <= 14
    assert len({one.cameras for one in tries}) == len(tries)


@pytest.mark.parametrize("probe", [Probe(1, 0, 0, 0.0), Probe(1, 100, 99, 0.0), Probe(1, 100, 100, LATE_SECONDS + 0.1)])
def test_nothing_late_or_missing_is_exact(probe: Probe) -> None:
    assert not probe.exact
