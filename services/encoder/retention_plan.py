"""What retention may delete, oldest first and never much at once, from facts and file names alone. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from libs.contracts.facts import FactData, SegmentClosed, SegmentExpired, SegmentMissed
from libs.contracts.slots import HLS_SECONDS, hls_index, slot_start_ms
from libs.media import media_key, read_archive_name
from services.encoder.playlist import DVR_LISTED

Reason = Literal["age", "space"]
DAY_MS = 86_400_000
YOUNGEST_MS = 3_600_000
"""No archive goes for lack of space before it is so old: it is still being analysed."""
GRACE = 6
"""Segments behind the two hours: a playlist that a viewer fetched a minute ago still lists them."""
KEPT = 4000
"""Facts of a camera of which it is remembered which segments they cover."""


@dataclass(frozen=True, slots=True)
class Limits:
    """`min_free_bytes`: what should be free. `archives`, `segments`: what goes in one pass at most."""

    min_free_bytes: int = 2 << 30
    archives: int = 20
    segments: int = 2000

    def lacking(self, free: int, total: int, *, refused: bool) -> int:
        """Bytes that must be freed; at least one when the disk refused a write (a quota, or no room for names)."""
        enough = min(self.min_free_bytes, total // 10)
        return max(enough - free, 1 if refused else 0)


@dataclass(frozen=True, slots=True)
class Archive:
    """An archive that `segment.closed` tells of."""

    camera: str
    first_slot: int
    frames: int
    fps: int
    bytes: int
    name: str

    @property
    def ended_ms(self) -> int:
        """When its last picture ended."""
        return slot_start_ms(self.first_slot + self.frames, self.fps)


@dataclass(slots=True)
class Ledger:
    """What the facts say of one camera."""

    camera: str
    archives: dict[int, Archive] = field(default_factory=dict)
    """By first slot: closed, not expired."""
    expired: dict[int, tuple[str, str]] = field(default_factory=dict)
    """First slot → (file name, reason), as long as the file may still stand."""
    covered: dict[int, int] = field(default_factory=dict)
    """HLS indices, first → last, of which a fact tells."""

    def learn(self, data: FactData) -> None:
        """One more fact. A key that is no archive of this camera is never followed."""
        match data:
            case SegmentClosed():
                self._cover(data.first_slot, data.frames, data.fps)
                name = self._name(data.media_key)
                if name and data.first_slot not in self.expired:
                    self.archives[data.first_slot] = Archive(
                        self.camera, data.first_slot, data.frames, data.fps, data.bytes, name
                    )
            case SegmentMissed():
                self._cover(data.first_slot, data.frames, data.fps)
            case SegmentExpired():
                self.archives.pop(data.first_slot, None)
                name = self._name(data.media_key)
                if name:
                    self.expired[data.first_slot] = name, data.reason
            case _:
                pass

    def covers(self, oldest: int) -> set[int]:
        """The HLS indices from `oldest` on whose pictures stand in an archive, or are known to be none."""
        spans = ((max(first, oldest), last) for first, last in self.covered.items())
        return {index for first, last in spans for index in range(first, last + 1)}

    def _cover(self, first_slot: int, frames: int, fps: int) -> None:
        self.covered[hls_index(first_slot, fps)] = hls_index(first_slot + frames - 1, fps)
        while len(self.covered) > KEPT:
            del self.covered[min(self.covered)]

    def _name(self, key: str) -> str:
        """The file name in a key, or nothing when the key is no archive of this camera."""
        name = key.rsplit("/", 1)[-1]
        good = key == media_key(self.camera, "archive", name) and read_archive_name(name) is not None
        return name if good else ""


@dataclass(frozen=True, slots=True)
class Stock:
    """One camera: its ledger, how long it is kept (None while nobody knows), and what stands on disk."""

    ledger: Ledger
    days: int | None
    archives: frozenset[str] = frozenset()
    segments: frozenset[int] = frozenset()
    abandoned: frozenset[int] | None = frozenset()
    """Segments of which nobody will ever make an archive: nobody can read them. None: all, the camera was removed."""

    @property
    def camera(self) -> str:
        """Its id."""
        return self.ledger.camera

    def too_old(self, ended_ms: int, now_ms: int) -> bool:
        """Has its time passed?"""
        return self.days is not None and ended_ms + self.days * DAY_MS <= now_ms

    def untold(self) -> int:
        """Archives on disk of which no fact tells; they are never deleted."""
        told = {archive.name for archive in self.ledger.archives.values()}
        told |= {name for name, _ in self.ledger.expired.values()}
        return sum(read_archive_name(name) is not None for name in self.archives - told)


@dataclass(frozen=True, slots=True)
class Old:
    """HLS segments whose time has passed. `archived` and `abandoned` may go; nothing else held the pictures of the
    latter. `waiting` are in no archive yet: they stay until a fact tells of them.
    """

    archived: tuple[int, ...] = ()
    abandoned: tuple[int, ...] = ()
    waiting: tuple[int, ...] = ()


def aged(stock: Stock, now_ms: int) -> list[Archive]:
    """The archives whose time has passed, oldest first."""
    return sorted((one for one in stock.ledger.archives.values() if stock.too_old(one.ended_ms, now_ms)), key=_order)


def suspicious(stock: Stock, now_ms: int) -> bool:
    """Would more than half of a camera's archives go at once? A jump of the clock or a slip of a hand does that."""
    return len(aged(stock, now_ms)) * 2 > len(stock.ledger.archives)


def to_expire(stocks: Sequence[Stock], now_ms: int, lacking: int, budget: int) -> list[tuple[Archive, Reason]]:
    """What goes now, oldest first over all cameras: by age, then for space until `lacking` bytes are gained."""
    old = sorted((one for stock in stocks for one in aged(stock, now_ms)), key=_order)[:budget]
    chosen: list[tuple[Archive, Reason]] = [(one, "age") for one in old]
    stand = {(stock.camera, name) for stock in stocks for name in stock.archives}
    gained = sum(one.bytes for one in old if (one.camera, one.name) in stand)
    if gained >= lacking:
        return chosen
    going = set(old)
    for one in sorted((one for stock in stocks for one in stock.ledger.archives.values()), key=_order):
        if gained >= lacking or len(chosen) >= budget or one.ended_ms + YOUNGEST_MS > now_ms:
            break
        if one not in going and (one.camera, one.name) in stand:
            chosen.append((one, "space"))
            gained += one.bytes
    return chosen


def old_segments(stock: Stock, now_ms: int) -> Old:
    """Those behind the two hours that a fact tells of; of the others only those that are as old as the camera keeps."""
    if not stock.segments:
        return Old()
    covered = stock.ledger.covers(min(stock.segments))
    timed_out = {index for index in stock.segments if stock.too_old((index + 1) * HLS_SECONDS * 1000, now_ms)}
    kept = kept_from(stock.segments, now_ms)
    behind = {index for index in stock.segments if index < kept}
    untold = timed_out - covered
    abandoned = untold if stock.abandoned is None else untold & stock.abandoned
    return Old(_sorted((behind | timed_out) & covered), _sorted(abandoned), _sorted(untold - abandoned))


def kept_from(segments: Iterable[int], now_ms: int) -> int:
    """The first HLS index of the two hours that viewers may still ask for, as the newest of these segments has it."""
    # A foreign file may bear any number: what lies in the future makes nothing old.
    present = now_ms // (HLS_SECONDS * 1000) + 1
    return max((index for index in segments if index <= present), default=0) - DVR_LISTED - GRACE + 1


def _sorted(indices: Iterable[int]) -> tuple[int, ...]:
    return tuple(sorted(indices))


def shared(wanted: Iterable[tuple[str, Sequence[int]]], budget: int) -> dict[str, list[int]]:
    """The oldest `budget` segments over all cameras, by camera."""
    oldest = sorted((index, camera) for camera, indices in wanted for index in indices)[:budget]
    chosen: dict[str, list[int]] = {}
    for index, camera in oldest:
        chosen.setdefault(camera, []).append(index)
    return chosen


def _order(archive: Archive) -> tuple[int, str, int]:
    return archive.ended_ms, archive.camera, archive.first_slot
