"""The rows of the report, from samples. Pure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bench.arithmetic import Spread, growth, keeps_up, marginal_growth, ratios, slope, spread
from bench.sample import Sample
from bench.sides import FPS

MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Row:
    """One ratio or figure with its limit (None: none is set)."""

    name: str
    unit: str
    ours: Spread
    peer: Spread | None
    ratio: Spread | None
    limit: float | None
    note: str = ""

    @property
    def reached(self) -> bool | None:
        """Is the limit kept? None where there is none."""
        value = self.ratio or self.ours
        return None if self.limit is None else value.median <= self.limit


Blocks = Sequence[Sequence[Sample]]
"""Samples of each round; a round holds every side with every number of cameras, so its ratios are pairs."""


def slopes(blocks: Blocks, side: str, clip: str, measure: Callable[[Sample], float]) -> list[float]:
    """Of each round in which the side was measured on the clip: what one more camera adds."""
    found = []
    for block in blocks:
        by_count = {one.cameras: measure(one) for one in block if (one.side, one.clip) == (side, clip)}
        if len(by_count) > 1:
            found.append(slope(by_count))
    return found


def against(blocks: Blocks, clip: str, peer: str, limit: float | None) -> Row:
    """CPU of a further camera, ours to the peer's."""
    ours, theirs = (slopes(blocks, side, clip, lambda one: one.total) for side in ("ours", peer))
    behind = fell_behind(blocks, clip, ("ours", peer))
    note = f"{behind} of the samples fell behind" if behind else ""
    return Row(
        f"{clip}: CPU against {peer}",
        "ms a camera-second",
        spread(ours),
        spread(theirs),
        ratios(ours, theirs),
        limit,
        note,
    )


def fell_behind(blocks: Blocks, clip: str, sides: Sequence[str]) -> int:
    """Samples in which fewer pictures came out than should."""
    return sum(
        one.clip == clip and one.side in sides and not keeps_up(one.rate, FPS) for block in blocks for one in block
    )


def memory(blocks: Blocks, clip: str, side: str, limit: float | None) -> Row:
    """PSS of a further camera, all processes."""
    found = slopes(blocks, side, clip, lambda one: sum(one.memory.values()) / MIB)
    return Row(f"{clip}: memory of a further camera, {side}", "MiB (PSS)", spread(found), None, None, limit)


def growths(rounds: Blocks, limit_at: int, limit: float) -> list[Row]:
    """How the cost of a camera grows with their number: against one camera alone, and of each further one."""
    rows = []
    totals = [{one.cameras: one.total for one in samples} for samples in rounds]
    for count in sorted(totals[0]):
        if count > 1:
            each = spread([growth(by_count)[count] for by_count in totals])
            further = spread([marginal_growth(by_count)[count] for by_count in totals])
            kept = limit if count == limit_at else None
            rows.append(Row(f"growth: a camera among {count} to one alone", "ratio", each, None, None, kept))
            rows.append(
                Row(f"growth: a further camera up to {count} to the second", "ratio", further, None, None, kept)
            )
    return rows
