"""The arithmetic of the benchmarks: what a slope leaves out, what a pair is, and that nothing is guessed."""

import pytest

from bench.arithmetic import at_equal_quality, growth, keeps_up, marginal_growth, ratios, slope, spread


def test_a_slope_leaves_out_what_does_not_grow() -> None:
    assert slope({1: 80.0, 4: 80.0 + 3 * 50.0}) == pytest.approx(50.0)
    with pytest.raises(ValueError, match="two numbers of cameras"):
        slope({4: 230.0})


def test_ratios_are_taken_within_each_pair() -> None:
    busy = ratios([60.0, 120.0, 63.0], [50.0, 100.0, 50.0])
    assert [busy.median, busy.lowest, busy.highest, busy.count] == pytest.approx([1.2, 1.2, 1.26, 3])
    with pytest.raises(ValueError, match="zip"):
        ratios([60.0, 120.0], [50.0])


def test_nothing_measured_is_no_figure() -> None:
    with pytest.raises(ValueError, match="nothing was measured"):
        spread([])


def test_growth_is_told_against_one_alone_and_for_each_further_camera() -> None:
    totals = {1: 80.0, 2: 130.0, 8: 430.0}
    assert growth(totals) == {1: 1.0, 2: pytest.approx(0.8125), 8: pytest.approx(430 / 8 / 80)}
    assert marginal_growth(totals) == {2: pytest.approx(1.0), 8: pytest.approx(1.0)}
    assert marginal_growth({**totals, 8: 780.0})[8] == pytest.approx(2.0)


def test_bytes_at_equal_quality_lie_between_neighbours_and_are_never_guessed() -> None:
    curve = [(0.98, 20.0), (0.99, 40.0), (0.985, 28.0)]
    assert at_equal_quality(curve, 0.9875) == pytest.approx(34.0)
    assert at_equal_quality(curve, 0.98) == pytest.approx(20.0)
    with pytest.raises(ValueError, match="outside"):
        at_equal_quality(curve, 0.991)


def test_who_falls_behind_is_seen() -> None:
    assert keeps_up(4.9, 5)
    assert not keeps_up(4.8, 5)
