"""The site clock: wall time once, then monotonic; corrected only forward."""

import pytest

from libs.clock import BadClock, Simulated, SiteClock, parse_simulated
from libs.clock.site import correction


class World:
    """A wall and a monotonic clock that the test moves."""

    def __init__(self) -> None:
        self.mono, self.wall = 100.0, 1_800_000_000_000

    def clock(self, simulated: Simulated | None = None) -> SiteClock:
        return SiteClock(simulated, monotonic=lambda: self.mono, wall=lambda: self.wall)

    def passes(self, seconds: float, wall_seconds: float | None = None) -> None:
        self.mono += seconds
        self.wall += round((seconds if wall_seconds is None else wall_seconds) * 1000)


@pytest.mark.parametrize(
    ("difference", "verdict"),
    [(0, "keep"), (500, "keep"), (-500, "keep"), (501, "jump"), (-501, "behind"), (3_600_000, "jump")],
)
def test_what_a_difference_means(difference: int, verdict: str) -> None:
    assert correction(1_000_000, 1_000_000 + difference) == verdict


def test_time_passes_by_the_monotonic_clock() -> None:
    world = World()
    clock = world.clock()
    world.passes(1.5, wall_seconds=1.9)
    assert clock.check() == "keep"
    assert clock.now_ms() == 1_800_000_001_500


def test_a_wall_that_is_ahead_moves_the_clock_forward() -> None:
    world = World()
    clock = world.clock()
    world.passes(1, wall_seconds=3600)
    assert clock.check() == "jump"
    assert clock.now_ms() == world.wall
    assert clock.check() == "keep"


def test_a_wall_that_is_behind_never_moves_it_back() -> None:
    world = World()
    clock = world.clock()
    before = clock.now_ms()
    world.passes(1, wall_seconds=-60)
    assert clock.check() == "behind"
    assert clock.now_ms() == before + 1000


def test_simulated_time_runs_from_its_anchor() -> None:
    world = World()
    clock = world.clock(Simulated(start_ms=1_000_000, speed=10, anchor_ms=world.wall - 2000))
    assert clock.now_ms() == 1_020_000
    world.passes(3)
    assert clock.now_ms() == 1_050_000
    assert clock.check() == "keep"
    assert clock.real_seconds_until(1_060_000) == pytest.approx(1.0)


def test_the_written_form() -> None:
    clock = parse_simulated("2026-03-02T09:00:00Z@10")
    assert (clock.start_ms, clock.speed, clock.anchor_ms) == (1_772_442_000_000, 10.0, None)
    assert parse_simulated(f"{clock}@5") == Simulated(1_772_442_000_000, 10.0, 5)


@pytest.mark.parametrize(
    "text", ["x", "2026-03-02T09:00:00Z", "2026-03-02T09:00:00Z@0", "2026-03-02T09:00:00@10", "@1"]
)
def test_what_is_no_clock_is_told(text: str) -> None:
    with pytest.raises(BadClock, match="DOLBOM_CLOCK"):
        parse_simulated(text)
