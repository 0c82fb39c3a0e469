"""Which archives are due: the row of HLS segments of each window, minus what is told already. Pure.

The work to do is always computed from files and facts, never remembered, so a restart does exactly what is left.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from libs.contracts.slots import HLS_SECONDS, WINDOW_SECONDS, window_index

SEGMENTS = WINDOW_SECONDS // HLS_SECONDS


@dataclass(frozen=True, slots=True)
class Piece:
    """A closed HLS segment: where it begins, and how many slots it holds."""

    index: int
    first_slot: int
    frames: int

    @property
    def end_slot(self) -> int:
        """The slot after its last."""
        return self.first_slot + self.frames


@dataclass(frozen=True, slots=True)
class Span:
    """Slots that a fact tells of: `first_slot` and so many."""

    first_slot: int
    frames: int

    def covers(self, slot: int) -> bool:
        """Does the fact tell of this slot?"""
        return self.first_slot <= slot < self.first_slot + self.frames


def rows(pieces: Iterable[Piece], told: Sequence[Span], fps: int, growing: int | None) -> list[tuple[Piece, ...]]:
    """The rows of segments that must each become one archive (or one `segment.missed`), oldest first.

    A row ends at a window's end, before a hole, and where a run ended. The row that ends at slot `growing` (where the
    present run goes on) is not finished, unless it fills its window.
    """
    found: list[tuple[Piece, ...]] = []
    for piece in sorted(pieces, key=lambda one: one.first_slot):
        if any(span.covers(piece.first_slot) for span in told):
            continue
        before = found[-1][-1] if found else None
        joins = (
            before is not None
            and before.end_slot == piece.first_slot
            and window_index(before.first_slot, fps) == window_index(piece.first_slot, fps)
        )
        found = [*found[:-1], (*found[-1], piece)] if joins else [*found, (piece,)]
    return [row for row in found if row[-1].end_slot != growing or growing % (WINDOW_SECONDS * fps) == 0]


def is_complete(first_slot: int, frames: int, fps: int) -> bool:
    """Does an archive hold its whole window?"""
    return frames == WINDOW_SECONDS * fps and first_slot % frames == 0


def previous_of(first_slot: int, closed: Iterable[tuple[int, str]]) -> str | None:
    """sha256 of the archive before this one in the chain (of (first slot, sha256)), or None for the first."""
    before = [one for one in closed if one[0] < first_slot]
    return max(before)[1] if before else None


def lost_windows(told: Sequence[Span], pieces: Iterable[Piece], wished_from: int, until: int, fps: int) -> list[int]:
    """First slots of whole windows in `[wished_from, until)` of which neither a fact nor a segment tells."""
    length = WINDOW_SECONDS * fps
    known = {span.first_slot // length for span in told} | {window_index(piece.first_slot, fps) for piece in pieces}
    first, beyond = -(-wished_from // length), until // length
    return [window * length for window in range(first, beyond) if window not in known]
