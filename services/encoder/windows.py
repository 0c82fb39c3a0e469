"""Which archives are due: the row of HLS segments of each window, minus what is told already. Pure.

The work to do is always computed from files and facts, never remembered, so a restart does exactly what is left.
A camera's fps may change: what is compared is always time (an HLS index counts ten seconds whatever the fps).
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Set
from dataclasses import dataclass

from libs.contracts.facts import FactData, SegmentClosed, SegmentMissed
from libs.contracts.slots import (
    HLS_SECONDS,
    WINDOW_SECONDS,
    check_fps,
    hls_first_slot,
    hls_index,
    slot_at,
    slot_start_ms,
)

SEGMENTS = WINDOW_SECONDS // HLS_SECONDS
WINDOW_MS = WINDOW_SECONDS * 1000
KEPT = 4000
"""Facts of a camera that are remembered: four weeks, more than is ever looked back."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A closed HLS segment: where it begins, and how many slots of which fps it holds."""

    index: int
    first_slot: int
    frames: int
    fps: int

    @property
    def end_slot(self) -> int:
        """The slot after its last."""
        return self.first_slot + self.frames

    @property
    def window(self) -> int:
        """Index of the window that it lies in."""
        return self.index // SEGMENTS

    @property
    def is_full(self) -> bool:
        """Does it reach the end of its ten seconds? (Only the last one of a run may not.)"""
        return self.end_slot == hls_first_slot(self.index + 1, self.fps)

    def at_fps(self, fps: int) -> "Piece":
        """The same time in slots of another fps; what begins or ends within a slot is rounded down."""
        first, end = (slot_at(slot_start_ms(slot, self.fps), fps) for slot in (self.first_slot, self.end_slot))
        return Piece(self.index, first, max(1, end - first), fps)


Row = tuple[Piece, ...]
"""Segments that become one archive."""


def piece_of(index: int, first_slot: int, frames: int) -> Piece:
    """The segment whose name says `index` and whose stamps say the rest. Raises ValueError when they do not fit.

    Index and slot are the same moment counted in ten seconds and in pictures, so their quotient is the fps.
    """
    fps = check_fps(first_slot // (HLS_SECONDS * index) if index else 0)
    if hls_index(first_slot, fps) != index or hls_index(first_slot + frames - 1, fps) != index:
        raise ValueError(f"slots {first_slot} to {first_slot + frames - 1} do not lie in segment {index}")
    return Piece(index, first_slot, frames, fps)


class Told:
    """What the facts say of one camera's time, by HLS index: a segment's pictures stand in one fact, all of them.

    May be read by a thread while facts are learned.
    """

    def __init__(self) -> None:
        self._order: list[int] = []
        """Where the facts begin; replaced and never changed, since a thread may be reading it."""
        self._last: dict[int, int] = {}
        self._sha256: dict[int, str] = {}

    def learn(self, data: FactData) -> None:
        """One more fact of an archive; the oldest are forgotten. Others change nothing."""
        if not isinstance(data, SegmentClosed | SegmentMissed):
            return
        first = hls_index(data.first_slot, data.fps)
        if isinstance(data, SegmentClosed):
            self._sha256[first] = data.sha256
        elif first in self._sha256:
            return  # an archive is never missed
        self._last[first] = hls_index(data.first_slot + data.frames - 1, data.fps)
        order = self._order.copy()
        at = bisect_left(order, first)
        if order[at : at + 1] != [first]:
            order.insert(at, first)
        for oldest in order[:-KEPT]:
            self._last.pop(oldest)
            self._sha256.pop(oldest, None)
        self._order = order[-KEPT:]

    def covers(self, index: int) -> bool:
        """Does some fact tell of this segment? (None tells of more than a window.)"""
        order = self._order
        near = order[bisect_right(order, index - SEGMENTS) : bisect_right(order, index)]
        return any(self._last.get(first, -1) >= index for first in near)

    def windows(self) -> set[int]:
        """The windows of which some fact tells, wholly or in part."""
        return {first // SEGMENTS for first in self._order}

    def previous_sha256(self, index: int) -> str | None:
        """Of the archive before the one that begins in this segment, in the chain; None for the first."""
        order = self._order
        earlier = (self._sha256.get(first) for first in reversed(order[: bisect_left(order, index)]))
        return next((sha256 for sha256 in earlier if sha256 is not None), None)


def rows(pieces: Iterable[Piece], told: Told, growing: int | None) -> list[Row]:
    """The rows of segments that must each become one archive (or one `segment.missed`), oldest first.

    A row ends at a window's end, before a hole, where a run ended, and where the fps changed. `growing` is the index
    of the segment with which the present run goes on: the row before it is not finished, unless it fills its window.
    """
    found: list[list[Piece]] = []
    for piece in sorted(pieces, key=lambda one: one.index):
        if told.covers(piece.index):
            continue
        if found and _joins(found[-1][-1], piece):
            found[-1].append(piece)
        else:
            found.append([piece])
    return [tuple(row) for row in found if not _grows(row[-1], growing)]


def _joins(before: Piece, piece: Piece) -> bool:
    same = (before.window, before.fps) == (piece.window, piece.fps)
    return same and before.end_slot == piece.first_slot


def _grows(last: Piece, growing: int | None) -> bool:
    return growing == last.index + 1 and growing % SEGMENTS != 0 and last.is_full


def is_complete(first_slot: int, frames: int, fps: int) -> bool:
    """Does an archive hold its whole window?"""
    return frames == WINDOW_SECONDS * fps and first_slot % frames == 0


def lost_windows(known: Set[int], since_ms: int, until_ms: int) -> list[int]:
    """The whole windows in `[since_ms, until_ms)` that are not `known` by a fact or a segment."""
    return [window for window in range(-(-since_ms // WINDOW_MS), until_ms // WINDOW_MS) if window not in known]
