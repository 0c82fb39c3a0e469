"""The archives of one camera: which are due, how one is made, and what is said of it: `segment.closed`.

Nothing is remembered: what is due follows from the files and the facts. Whoever is killed between file and fact is
followed by one who finds the file and says the fact.
"""

import asyncio
import contextlib
import hashlib
import io
from pathlib import Path
from typing import IO, TYPE_CHECKING

from prometheus_client import Counter

from libs.bus import Bus, Conflict, NotStored, obey_cancellation, publish_fact
from libs.clock import SiteClock
from libs.contracts.envelope import Origin, new_fact
from libs.contracts.facts import SegmentClosed, SegmentMissed
from libs.contracts.ids import fact_id
from libs.contracts.slots import WINDOW_SECONDS, moment, slot_start_ms, unix_ms, window_first_slot
from libs.contracts.streams import EVENTS
from libs.media import (
    MediaStore,
    NotThere,
    archive_name,
    media_key,
    read_archive_name,
    read_segment_name,
    segment_name,
)
from libs.observe import get_log
from libs.video.archive import Account, BrokenRow, write_archive
from libs.video.mux import TS_PACKET, read_ts
from services.encoder.windows import (
    SEGMENTS,
    WINDOW_MS,
    Piece,
    Row,
    Told,
    is_complete,
    lost_windows,
    piece_of,
    rows,
)

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

log = get_log()
_AT_ONCE = 1 << 16
"""Bytes that are read of a segment at a time."""
LOST_AFTER_MS = 60_000
"""So long after its end, a window of a running camera of which nothing tells is said to be missed."""
RETRY = 1.0
LOOK_BACK_MS = 7 * 86_400_000
_closed = Counter("dolbom_archives_closed_total", "Archives made", ["camera"])
_missed = Counter("dolbom_archives_missed_total", "Windows without one picture", ["camera"])
_broken = Counter("dolbom_archives_broken_total", "Rows of segments that could not become an archive", ["camera"])


class _NothingCaptured(Exception):
    """The row holds slate alone."""


class Archives:
    """The archives of one camera."""

    def __init__(self, camera: str, told: Told, store: MediaStore, bus: Bus, clock: SiteClock) -> None:
        self.camera, self.told = camera, told
        self._store, self._bus, self._clock = store, bus, clock
        self._indices: frozenset[int] = frozenset()
        self._pieces: dict[int, Piece] = {}
        self._unreadable: set[int] = set()
        self._broken: set[Row] = set()
        self._standing: set[int] = set()
        """Windows of which an archive stands on disk, told or not."""

    @property
    def indices(self) -> frozenset[int]:
        """All HLS segments that stood on disk when it was looked."""
        return self._indices

    @property
    def given_up(self) -> frozenset[int]:
        """The segments that nobody can read: they wait for no archive."""
        return frozenset(self._unreadable)

    async def due(self, growing: int | None, horizon: int) -> list[Row]:
        """What must be made now, oldest first. `growing`: the HLS index with which the present run goes on.

        `horizon`: segments from this index on were closed after `growing` was asked for; they wait for the next time.
        """
        return await asyncio.to_thread(self._look, growing, horizon)

    def _look(self, growing: int | None, horizon: int) -> list[Row]:
        """Read what new segments say of themselves; forget those that were deleted."""
        stand = (read_archive_name(name) for name in self._store.names(f"{self.camera}/archive"))
        self._standing = {unix_ms(began) // WINDOW_MS for began in stand if began is not None}
        named = (read_segment_name(self.camera, name) for name in self._store.names(f"{self.camera}/hls"))
        self._indices = frozenset(index for index in named if index is not None)
        self._unreadable &= self._indices
        for gone in self._pieces.keys() - self._indices:
            del self._pieces[gone]
        for index in self._indices - self._pieces.keys() - self._unreadable:
            if not self.told.covers(index):
                self._read(index)
        return rows((piece for piece in self._pieces.values() if piece.index < horizon), self.told, growing)

    def _read(self, index: int) -> None:
        try:
            facts = read_ts(self._store.read(f"{self.camera}/hls", segment_name(self.camera, index)))
            self._pieces[index] = piece_of(index, facts.first_slot, facts.frames)
        except (ValueError, NotThere) as problem:
            self._unreadable.add(index)
            log.error("segment_unreadable", camera_id=self.camera, index=index, reason=str(problem))

    async def make(self, row: Row, epoch: int) -> None:
        """One archive and its fact. Raises OSError, NotMounted or NotThere when the store does not work now."""
        began = moment(slot_start_ms(row[0].first_slot, row[0].fps))
        name, folder = archive_name(began), f"{self.camera}/archive"
        try:
            data = await asyncio.to_thread(self._write, row, folder, name, f"e{epoch}")
        except _NothingCaptured:
            await self.miss(row, "no picture", epoch)
        except BrokenRow as problem:
            # Its pieces stay; a person can look. Nothing else waits for it. They are read once more: when one of them
            # was spoilt since, it is unreadable now and the others become archives of their own.
            _broken.labels(self.camera).inc()
            if row in self._broken:
                self._unreadable |= {piece.index for piece in row}
            self._broken.add(row)
            self._forget(row)
            log.error("archive_broken", camera_id=self.camera, first_slot=row[0].first_slot, reason=str(problem))
        else:
            _closed.labels(self.camera).inc()
            await self._say(data, epoch)
            self._forget(row)

    async def miss(self, row: Row, reason: str, epoch: int) -> tuple[SegmentMissed, ...]:
        """Say that this row has no archive, and never will; returns the fact's data if it stands as it was said."""
        _missed.labels(self.camera).inc()
        frames = sum(piece.frames for piece in row)
        data = SegmentMissed(first_slot=row[0].first_slot, frames=frames, fps=row[0].fps, reason=reason)
        stands = await self._say(data, epoch)
        self._forget(row)
        return (data,) if stands else ()

    def _forget(self, row: Row) -> None:
        for piece in row:
            self._pieces.pop(piece.index, None)

    def _write(self, row: Row, folder: str, name: str, writer: str) -> SegmentClosed:
        """The file, once; then the fact's data, from what stands."""
        fps = row[0].fps
        with io.BufferedReader(_Joined(self._store, self.camera, row), _AT_ONCE) as segments:
            how, account = self._store.make_once(folder, name, lambda part: _remux(segments, part, fps), writer)
        size, digest = self._digest(folder, name)
        if how == "stands":
            log.info("archive_adopted", camera_id=self.camera, archive=name)
        first, frames = account.first_slot, account.frames
        return SegmentClosed(
            segment_id=fact_id(SegmentClosed.fact, self.camera, first),
            first_slot=first,
            frames=frames,
            fps=fps,
            captured_frames=account.captured,
            held_frames=account.held,
            gaps=account.gaps,
            complete=is_complete(first, frames, fps),
            started_at=moment(slot_start_ms(first, fps)),
            ended_at=moment(slot_start_ms(first + frames, fps)),
            width=account.width,
            height=account.height,
            media_key=media_key(self.camera, "archive", name),
            bytes=size,
            sha256=digest,
            previous_sha256=self.told.previous_sha256(row[0].index),
        )

    def _digest(self, folder: str, name: str) -> tuple[int, str]:
        file = self._store.open_file(folder, name)
        with contextlib.closing(file.stream) as stream:
            return file.size, hashlib.file_digest(stream, "sha256").hexdigest()

    async def tell_lost(self, wished_from_ms: int, growing: int | None, fps: int, epoch: int) -> None:
        """Say of every window since `wished_from_ms` in which the camera should have run that nothing came of it.

        Only after `due` and `make`: what stands on disk and waits is not lost. `fps`: what it should have run at.
        """
        until = self._clock.now_ms() - round(LOST_AFTER_MS * self._clock.speed)
        since = max(wished_from_ms, until - LOOK_BACK_MS)
        if growing is not None:
            # What comes next in a run is waited for (the bus may have been away for long) or becomes slate.
            until = min(until, growing // SEGMENTS * WINDOW_MS)
        known = self.told.windows() | {piece.window for piece in self._pieces.values()} | self._standing
        for window in lost_windows(known, since, until):
            _missed.labels(self.camera).inc()
            first, frames = window_first_slot(window, fps), WINDOW_SECONDS * fps
            await self._say(SegmentMissed(first_slot=first, frames=frames, fps=fps, reason="no input"), epoch)

    async def _say(self, data: SegmentClosed | SegmentMissed, epoch: int) -> bool:
        """Until the bus has it: the next archive's chain hangs on this one. False: it has another body under its id."""
        happened = slot_start_ms(data.first_slot + data.frames, data.fps)
        origin = Origin("encoder", happened, max(happened, self._clock.now_ms()), epoch=epoch)
        fact = new_fact(data, self.camera, (self.camera, data.first_slot), origin)
        stands = True
        while True:
            obey_cancellation()
            await self._bus.usable()
            try:
                await publish_fact(self._bus, fact, EVENTS.name)
            except NotStored as problem:
                log.info("fact_waits", fact=fact.name, reason=str(problem))
                await asyncio.sleep(RETRY)
            except Conflict as problem:
                log.error("fact_contradicted", camera_id=self.camera, fact=fact.name, reason=str(problem))
                stands = False
                break
            else:
                break
        self.told.learn(data)
        log.info("archive_told", camera_id=self.camera, fact=fact.name, first_slot=data.first_slot, frames=data.frames)
        return stands


class _Joined(io.RawIOBase):
    """The row's segments as one stream: MPEG-TS may be joined, and PyAV takes long to open a file (measured: 0.7 ms).

    Each is opened when its turn comes and closed after it. Reading raises BrokenRow at one that was cut, NotThere.
    """

    def __init__(self, store: MediaStore, camera: str, row: Row) -> None:
        self._store, self._folder = store, f"{camera}/hls"
        self._left = [(piece.index, segment_name(camera, piece.index)) for piece in reversed(row)]
        self._open: io.BufferedReader | None = None

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int:
        """What comes next of the open segment, or of the one after it; 0 at the end."""
        while True:
            if self._open is not None and (size := self._open.readinto(buffer)):
                return size
            self._shut()
            if not self._left:
                return 0
            index, name = self._left.pop()
            file = self._store.open_file(self._folder, name)
            self._open = file.stream
            if not file.size or file.size % TS_PACKET:
                raise BrokenRow(f"segment {index} was cut")

    def close(self) -> None:
        """Close what is open."""
        self._shut()
        super().close()

    def _shut(self) -> None:
        if self._open is not None:
            self._open.close()
            self._open = None


def _remux(segments: IO[bytes], part: Path, fps: int) -> Account:
    account = write_archive([segments], part, fps)
    if not account.captured:
        raise _NothingCaptured
    return account
