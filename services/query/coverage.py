"""For every minute of a camera: was it recorded, looked at, analysed, and if not, why not. Pure.

A minute of which no fact tells is never "yes": nobody recorded it, or nobody looked, and that is what is said.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

State = Literal["yes", "partly", "no", "pending"]
MINUTE = timedelta(minutes=1)
WINDOW = timedelta(minutes=10)
CLOSED_WITHIN = timedelta(seconds=90)
"""A window's archive or its absence is told within this time of its end: until then it is awaited."""


@dataclass(frozen=True, slots=True)
class Window:
    """A window as its facts tell it: where its key puts it, and the archive's own span if there is one."""

    begin: datetime
    started_at: datetime | None = None
    ended_at: datetime | None = None
    missed: str | None = None
    analysis: State = "pending"
    analysis_why: str = ""


@dataclass(frozen=True, slots=True)
class Span:
    """A time `[begin, end)` with a word: a gap's cause, a look's outcome."""

    begin: datetime
    end: datetime
    word: str


@dataclass(slots=True)
class Minute:
    """What is known of a minute; a reason is empty where the answer is yes."""

    at: datetime
    recorded: State = "no"
    looked: State = "no"
    analyzed: State = "no"
    why: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Told:
    """What the facts tell of a time."""

    windows: Sequence[Window] = ()
    gaps: Sequence[Span] = ()
    looks: Sequence[Span] = ()


def coverage(since: datetime, until: datetime, now: datetime, told: Told) -> list[Minute]:
    """The whole minutes of `[since, until)` that have begun by `now`, oldest first."""
    minutes = list(_minutes(since, min(until, now)))
    held = defaultdict[datetime, list[Window]](list)
    for window in told.windows:
        held[window_begin(window.started_at or window.begin)].append(window)
    for minute in minutes:
        _of_window(minute, _best(minute, held[window_begin(minute.at)]), now)
        minute.why["looked"] = "no_look"
    for gap in told.gaps:
        for minute in _touched(minutes, gap):
            _hole(minute, gap)
    for look in told.looks:
        for minute in _touched(minutes, look):
            _seen(minute, look.word)
    return minutes


def _minutes(since: datetime, until: datetime) -> Iterator[Minute]:
    at = since - timedelta(seconds=since.second, microseconds=since.microsecond)
    while at < until:
        yield Minute(at)
        at += MINUTE


def window_begin(at: datetime) -> datetime:
    """The begin of the ten minutes, aligned to the clock, that hold this moment."""
    return at - timedelta(minutes=at.minute % 10, seconds=at.second, microseconds=at.microsecond)


def _best(minute: Minute, windows: Sequence[Window]) -> Window | None:
    """Where a run ended and another began there are two archives: the one that holds more of the minute."""
    return max(windows, key=lambda window: _inside(minute, window), default=None)


def _inside(minute: Minute, window: Window) -> timedelta:
    """How much of the minute the archive holds; negative where there is none, or it lies elsewhere."""
    if window.started_at is None or window.ended_at is None:
        return -WINDOW
    return min(minute.at + MINUTE, window.ended_at) - max(minute.at, window.started_at)


def _of_window(minute: Minute, window: Window | None, now: datetime) -> None:
    """What the minute's window says of it, before gaps are looked at."""
    if window is None or (window.started_at is None and window.missed is None):
        awaited = now < window_begin(minute.at) + WINDOW + CLOSED_WITHIN
        minute.recorded = minute.analyzed = "pending" if awaited else "no"
        minute.why["recorded"] = minute.why["analyzed"] = "window_open" if awaited else "not_recorded"
        return
    if window.started_at is None or window.ended_at is None:
        minute.why["recorded"] = window.missed or "missed"
        minute.why["analyzed"] = "not_recorded"
        return
    inside = _inside(minute, window)
    minute.recorded = "yes" if inside >= MINUTE else "partly" if inside > timedelta() else "no"
    if minute.recorded == "no":
        minute.why["recorded"] = minute.why["analyzed"] = "not_running"
        return
    if minute.recorded == "partly":
        minute.why["recorded"] = "not_running"
    minute.analyzed = window.analysis
    if window.analysis != "yes":
        minute.why["analyzed"] = window.analysis_why or "analysis_awaited"


def _hole(minute: Minute, gap: Span) -> None:
    """A gap in the recording: the whole minute, or a part of it."""
    if minute.recorded in ("yes", "partly"):
        whole = gap.begin <= minute.at and gap.end >= minute.at + MINUTE
        minute.recorded = "no" if whole else "partly"
        minute.why["recorded"] = f"gap_{gap.word}"


def _seen(minute: Minute, outcome: str) -> None:
    """A look that touches the minute. One that was assessed counts, whatever others came to."""
    if outcome == "assessed":
        minute.looked = "yes"
        minute.why.pop("looked", None)
    elif minute.looked != "yes":
        minute.why["looked"] = outcome


def _touched(minutes: Sequence[Minute], span: Span) -> Sequence[Minute]:
    if not minutes:
        return ()
    begin = int((span.begin - minutes[0].at) / MINUTE) if span.begin > minutes[0].at else 0
    count = -int((minutes[0].at - span.end) // MINUTE)
    return minutes[begin : max(begin, count)]
