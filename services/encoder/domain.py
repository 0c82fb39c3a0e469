"""What becomes of each slot: placed, filled with slate, closed into a file, or the end of a run. Pure.

A **line** is where one camera's recording is. Messages and deadlines go in, steps come out; whoever carries out the
steps needs no decision of his own, and a restart from files alone comes to the same line.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from libs.contracts.frames import Cause, Unit, VideoMessage
from libs.contracts.slots import hls_first_slot, hls_index, slot_at

LATE_AFTER_MS = 6_000
"""Real milliseconds after a slot's end at which slate takes its place."""

RUN_ENDS_AFTER = 600.0
"""Real seconds without input after which a run is over."""


@dataclass(frozen=True, slots=True)
class Place:
    """This access unit fills the next slot."""

    unit: Unit
    params: str


@dataclass(frozen=True, slots=True)
class Slate:
    """Slots `first` to `last` (both included, within one HLS segment) have no picture."""

    first: int
    last: int
    cause: Cause


@dataclass(frozen=True, slots=True)
class Close:
    """HLS segment `index` has all its pictures (`complete`), or its run ended within it."""

    index: int
    complete: bool


@dataclass(frozen=True, slots=True)
class Begin:
    """A new run begins: the playlist lists nothing older."""


@dataclass(frozen=True, slots=True)
class End:
    """The run is over."""


@dataclass(frozen=True, slots=True)
class Late:
    """A picture came when slate stood in its place already."""

    slot: int


Step = Place | Slate | Close | Begin | End | Late


@dataclass(frozen=True, slots=True)
class Line:
    """Slots below `horizon` stand in closed files. `next` is the slot that comes next; None between runs.

    `open_from` is the first slot of the open segment (None while it is empty). `heard` is the x264 run that spoke
    last; `used` names the run and slot of the last access unit that was placed, on which the next one depends unless
    it is an IDR.
    """

    fps: int
    horizon: int = 0
    next: int | None = None
    open_from: int | None = None
    epoch: int = 0
    heard: str = ""
    used: tuple[str, int] | None = None


def take(line: Line, message: VideoMessage, patience: float) -> tuple[Line, list[Step]]:
    """One message; `patience`: a gap of so many slots ends the run. Messages of a lower epoch change nothing."""
    if message.epoch < line.epoch or message.fps != line.fps:
        return line, []
    line = replace(line, epoch=message.epoch)
    steps: list[Step] = []
    for unit in message.units:
        line, more = _take_unit(line, unit, message, patience)
        steps += more
    line = replace(line, heard=message.run)
    if message.end and _ends_here(line, message.last_slot):
        line, more = end(line)
        steps += more
    return line, steps


def overdue(line: Line, now_ms: int, speed: float, patience: float) -> tuple[Line, list[Step]]:
    """Slots that nobody will fill any more become slate. Only for a reader that has read all there is at `now_ms`."""
    limit = slot_at(now_ms - round(LATE_AFTER_MS * speed), line.fps)
    if line.next is None or limit <= line.next:
        return line, []
    if limit - line.next >= patience:
        return end(line)
    return _fill(line, limit, "ingest")


@dataclass(frozen=True, slots=True)
class Heard:
    """When ingest was heard last, in real seconds; a (re)connect to the bus counts as well."""

    at: float
    connection: int

    def on(self, connection: int, now: float) -> "Heard":
        """The same on this connection; on another than before, silence is counted anew."""
        return self if connection == self.connection else Heard(now, connection)


def deadlines(line: Line, quiet: float, now_ms: int, speed: float, patience: float) -> tuple[Line, list[Step]]:
    """What is due after `quiet` real seconds in which nothing was heard, for a reader that has read all up to `now_ms`.

    Age alone makes no slate: as long as something is heard, seconds that waited for the bus are on their way, in order.
    """
    if quiet >= RUN_ENDS_AFTER:
        return end(line)
    if quiet < LATE_AFTER_MS / 1000:
        return line, []
    return overdue(line, now_ms, speed, patience)


def end(line: Line) -> tuple[Line, list[Step]]:
    """The run is over: what is open closes short."""
    if line.next is None:
        return line, []
    steps: list[Step] = []
    horizon = line.horizon
    if line.open_from is not None:
        index = hls_index(line.open_from, line.fps)
        steps.append(Close(index, complete=False))
        horizon = hls_first_slot(index + 1, line.fps)
    return replace(line, horizon=horizon, next=None, open_from=None, used=None), [*steps, End()]


def _ends_here(line: Line, last_slot: int) -> bool:
    """Does an end told at `last_slot` concern the present run? (A replay meets ends of older runs again.)"""
    return line.next is not None and last_slot + 1 >= line.next


def _take_unit(line: Line, unit: Unit, message: VideoMessage, patience: float) -> tuple[Line, list[Step]]:
    if unit.slot < (line.horizon if line.next is None else line.next):
        return line, [Late(unit.slot)] if unit.slot >= line.horizon else []
    if not unit.key and line.used != (message.run, unit.slot - 1):
        return line, []
    steps: list[Step] = []
    if line.next is not None and unit.slot - line.next >= patience:
        line, steps = end(line)
    if line.next is None:
        line = replace(line, next=unit.slot)
        steps.append(Begin())
    else:
        line, gap = _fill(line, unit.slot, _cause(line, message))
        steps += gap
    line = replace(line, used=(message.run, unit.slot))
    line, more = _put(line, unit.slot, Place(unit, message.params))
    return line, [*steps, *more]


def _cause(line: Line, message: VideoMessage) -> Cause:
    """Why slots are missing before this message: lost on the way, a new recording, or a new ingest."""
    if line.heard == message.run:
        return "bus"
    return "ingest" if line.heard.split(".")[0] == str(message.epoch) else "restart"


def _fill(line: Line, until: int, cause: Cause) -> tuple[Line, list[Step]]:
    """Slate from the next slot up to, but without, `until`."""
    steps: list[Step] = []
    for first, last in _pieces(line, until):
        line, more = _put(replace(line, used=None), last, Slate(first, last, cause))
        steps += more
    return line, steps


def _pieces(line: Line, until: int) -> Iterator[tuple[int, int]]:
    """The gap cut at the boundaries of HLS segments."""
    first = until if line.next is None else line.next
    while first < until:
        last = min(until, hls_first_slot(hls_index(first, line.fps) + 1, line.fps)) - 1
        yield first, last
        first = last + 1


def _put(line: Line, last: int, step: Place | Slate) -> tuple[Line, list[Step]]:
    """The step fills the open segment up to `last`, and closes it when that is its last slot."""
    first = last if isinstance(step, Place) else step.first
    index = hls_index(last, line.fps)
    boundary = hls_first_slot(index + 1, line.fps)
    if last + 1 < boundary:
        return replace(line, next=last + 1, open_from=first if line.open_from is None else line.open_from), [step]
    return replace(line, next=boundary, horizon=boundary, open_from=None), [step, Close(index, complete=True)]
