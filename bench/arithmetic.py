"""Slopes, ratios and their spread. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median


@dataclass(frozen=True, slots=True)
class Spread:
    """Several measurements of one thing: the median and the two ends."""

    median: float
    lowest: float
    highest: float
    count: int


def spread(values: Sequence[float]) -> Spread:
    """Of at least one value; raises ValueError for none."""
    if not values:
        raise ValueError("nothing was measured")
    return Spread(median(values), min(values), max(values), len(values))


def slope(by_count: Mapping[int, float]) -> float:
    """What one more camera adds, from the fewest to the most cameras measured: start-up and fixed cost fall out."""
    fewest, most = min(by_count), max(by_count)
    if fewest == most:
        raise ValueError("a slope needs two numbers of cameras")
    return (by_count[most] - by_count[fewest]) / (most - fewest)


def ratios(ours: Sequence[float], theirs: Sequence[float]) -> Spread:
    """Ours to theirs within each pair; the pairs must be as many on both sides."""
    return spread([one / other for one, other in zip(ours, theirs, strict=True)])


def growth(by_count: Mapping[int, float]) -> dict[int, float]:
    """What a camera costs among n, to what it costs alone (1.0 = strictly linear through the origin)."""
    alone = by_count[1]
    return {count: total / count / alone for count, total in sorted(by_count.items())}


def marginal_growth(by_count: Mapping[int, float]) -> dict[int, float]:
    """What each further camera up to n adds, to what it adds between the two smallest numbers measured."""
    first, second, *_ = sorted(by_count)
    early = (by_count[second] - by_count[first]) / (second - first)
    return {
        count: (total - by_count[first]) / (count - first) / early
        for count, total in sorted(by_count.items())
        if count > first
    }


def at_equal_quality(curve: Sequence[tuple[float, float]], quality: float) -> float:
    """Bytes that a row of (quality, bytes) needs for `quality`, straight between its neighbours.

    Raises ValueError when the quality lies outside the row: nothing is guessed.
    """
    points = sorted(curve)
    for (low, fewer), (high, more) in pairwise(points):
        if low <= quality <= high:
            share = 0.0 if high == low else (quality - low) / (high - low)
            return fewer + share * (more - fewer)
    raise ValueError(f"{quality:.4f} lies outside {points[0][0]:.4f} to {points[-1][0]:.4f}")


def keeps_up(rate: float, fps: int) -> bool:
    """Did as many pictures come out as should? Who falls behind looks cheap."""
    return rate >= 0.97 * fps
