"""Which file of a queue is next: at a boundary, after a change of the list, after a bad file, after a restart. Pure."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from libs.contracts.positions import Position

RETRY_FIRST, RETRY_MOST = 1.0, 30.0
"""Seconds between rounds through a list in which no file gave a picture."""

OUT_OF_SIGHT = 900
"""Seconds of slots: a position and a message on the bus that lie further apart do not belong together."""


@dataclass(frozen=True, slots=True)
class Queue:
    """A list of files, played in its order, over and over (`loop`) or once. A name may stand in it twice.

    `at` is the place of the next file, from 0 to `len(files)`; the one before it plays, or was played last.
    """

    files: tuple[str, ...]
    loop: bool
    at: int = 0
    start: int = 0
    """The number of the picture with which the next file begins; only after a restart another than 0."""
    silent: int = 0
    """Files in a row that gave no picture."""
    barren: int = 0
    """Whole rounds in a row that gave no picture."""

    @property
    def ended(self) -> bool:
        """Was everything played of a list that is played once?"""
        return bool(self.files) and not self.loop and self.at >= len(self.files)

    @property
    def due(self) -> str:
        """The file that is next; empty when none is."""
        return "" if self.ended or not self.files else self.files[self.at % len(self.files)]

    @property
    def pause(self) -> float:
        """Seconds to wait before the next file: only after whole rounds without a picture, longer each time."""
        if not self.barren or self.silent:
            return 0.0
        return min(RETRY_FIRST * 2.0 ** min(self.barren - 1, 10), RETRY_MOST)

    def taken(self) -> "Queue":
        """The file that was due is being played (or tried) now."""
        return replace(self, at=self.at % len(self.files) + 1, start=0)

    def gave(self) -> "Queue":
        """It gave a picture."""
        return replace(self, silent=0, barren=0)

    def failed(self) -> "Queue":
        """The file that was taken last came to its end without one picture."""
        if self.silent + 1 < len(self.files):
            return replace(self, silent=self.silent + 1)
        return replace(self, at=self.at if self.loop else 0, silent=0, barren=self.barren + 1)

    def changed(self, files: Sequence[str], loop: bool) -> "Queue":
        """The list is another now. What plays is not disturbed; what follows is decided by the new list.

        After the file that plays comes its follower in the new order. When it was taken out: the file that stood
        after it and is still there, else whatever follows those that stood before it.
        """
        places = {entry: place for place, entry in enumerate(_entries(files))}
        old = _entries(self.files)
        played, coming = old[: self.at], old[self.at :]
        if not played:
            return Queue(tuple(files), loop)
        after = [places[entry] for entry in coming if entry in places]
        before = [places[entry] + 1 for entry in played if entry in places]
        if played[-1] in places:
            return Queue(tuple(files), loop, places[played[-1]] + 1)
        return Queue(tuple(files), loop, after[0] if after else max(before, default=0))


def resumed(files: Sequence[str], loop: bool, position: Position | None, last_slot: int | None, fps: int) -> Queue:
    """Where a process goes on that finds this position and `last_slot`, the newest slot that was published."""
    queue = Queue(tuple(files), loop)
    if position is None:
        return queue
    file, frame = _next_picture(position, last_slot, fps)
    if position.ended and position.file in queue.files:
        return replace(queue, at=queue.files.index(position.file) + 1)
    if file in queue.files:
        return replace(queue, at=queue.files.index(file), start=frame)
    return replace(queue, at=queue.files.index(position.then) if position.then in queue.files else 0)


def _next_picture(position: Position, last_slot: int | None, fps: int) -> tuple[str, int]:
    """File and picture after the one of the last published slot; the position is a little older or newer than that."""
    if position.fps != fps:
        return position.file, (position.frame + 1) * fps // position.fps
    if last_slot is None or abs(last_slot - position.slot) > OUT_OF_SIGHT * fps:
        return position.file, position.frame + 1
    due = last_slot + 1
    if due >= position.begun or not position.before:
        return position.file, max(0, position.frame + due - position.slot)
    return position.before, max(0, position.before_frame + 1 + due - position.begun)


def _entries(files: Sequence[str]) -> list[tuple[str, int]]:
    """Each name with the number of its occurrence, so that a name that stands twice is two entries."""
    seen: Counter[str] = Counter()
    entries = []
    for name in files:
        entries.append((name, seen[name]))
        seen[name] += 1
    return entries
