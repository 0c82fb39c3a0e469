"""Makes every archive that is due, oldest first, one at a time per process, and says so: `segment.closed`.

Nothing is remembered: what is due follows from the files and the facts. Whoever is killed between file and fact is
followed by one who finds the file and says the fact.
"""

import asyncio
import contextlib
import hashlib
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from prometheus_client import Counter

from libs.bus import Bus, Conflict, NotStored, obey_cancellation, publish_fact
from libs.clock import SiteClock
from libs.contracts.envelope import Origin, new_fact
from libs.contracts.facts import FactData, SegmentClosed, SegmentMissed
from libs.contracts.ids import fact_id
from libs.contracts.slots import WINDOW_SECONDS, moment, slot_at, slot_start_ms, unix_ms, window_index
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
from services.encoder.windows import Piece, Span, is_complete, lost_windows, previous_of, rows

log = get_log()
LOST_AFTER_MS = 60_000
"""So long after its end, a window of a running camera of which nothing tells is said to be missed."""
RETRY = 1.0
LOOK_BACK_SECONDS = 7 * 86_400
KEPT = 4000
"""Facts of a camera that are remembered: four weeks, more than is ever looked back."""
_closed = Counter("dolbom_archives_closed_total", "Archives made", ["camera"])
_missed = Counter("dolbom_archives_missed_total", "Windows without one picture", ["camera"])
_broken = Counter("dolbom_archives_broken_total", "Rows of segments that could not become an archive", ["camera"])


class _NothingCaptured(Exception):
    """The row holds slate alone."""


@dataclass(slots=True)
class Told:
    """What the facts say of one camera's windows."""

    closed: dict[int, tuple[int, str]] = field(default_factory=dict)
    """First slot → (frames, sha256)."""
    missed: dict[int, int] = field(default_factory=dict)

    def spans(self) -> list[Span]:
        """All slots that some fact tells of."""
        known = {**self.missed, **{slot: frames for slot, (frames, _) in self.closed.items()}}
        return [Span(slot, frames) for slot, frames in known.items()]

    def learn(self, data: FactData) -> None:
        """One more fact; the oldest are forgotten."""
        if isinstance(data, SegmentClosed):
            self.closed[data.first_slot] = (data.frames, data.sha256)
        elif isinstance(data, SegmentMissed):
            self.missed[data.first_slot] = data.frames
        for known in (self.closed, self.missed):
            while len(known) > KEPT:
                del known[min(known)]


class Archives:
    """The archives of one camera."""

    def __init__(self, camera: str, fps: int, told: Told, store: MediaStore, bus: Bus, clock: SiteClock) -> None:
        self.camera, self.fps, self.told = camera, fps, told
        self._store, self._bus, self._clock = store, bus, clock
        self._pieces: dict[int, Piece] = {}
        self._unreadable: set[int] = set()
        self._broken: set[tuple[Piece, ...]] = set()
        self._standing: set[int] = set()
        """Windows of which an archive stands on disk, told or not."""

    async def make_due(self, growing: int | None, horizon: int, wished_from: int | None, epoch: int) -> int:
        """Make what is due; returns how much that was. `growing`: where the present run's closed segments end.

        `horizon`: segments from here on were closed after `growing` was asked for; they wait for the next time.
        `wished_from`: the slot since which the camera should run, or None.
        """
        await asyncio.to_thread(self._look)
        pieces = [piece for piece in self._pieces.values() if piece.first_slot < horizon]
        due = rows(pieces, self.told.spans(), self.fps, growing)
        for row in due:
            await self._make(row, epoch)
        if wished_from is not None:
            await self._tell_lost(wished_from, growing, epoch)
        return len(due)

    def _look(self) -> None:
        """Read what new segments say of themselves; forget those that were deleted."""
        stand = (read_archive_name(name) for name in self._store.names(f"{self.camera}/archive"))
        self._standing = {unix_ms(began) // (WINDOW_SECONDS * 1000) for began in stand if began is not None}
        names = self._store.names(f"{self.camera}/hls")
        indices = {index for name in names if (index := read_segment_name(self.camera, name)) is not None}
        for gone in self._pieces.keys() - indices:
            del self._pieces[gone]
        # Two hours of segments times four weeks of facts, every few seconds, would keep a processor busy.
        oldest = min(indices, default=0) * 10 * self.fps
        spans = [span for span in self.told.spans() if span.first_slot + span.frames > oldest]
        for index in indices - self._pieces.keys() - self._unreadable:
            if any(span.covers(index * 10 * self.fps) for span in spans):
                continue
            try:
                facts = read_ts(self._store.read(f"{self.camera}/hls", segment_name(self.camera, index)))
            except (ValueError, NotThere) as problem:
                self._unreadable.add(index)
                log.error("segment_unreadable", camera_id=self.camera, index=index, reason=str(problem))
            else:
                self._pieces[index] = Piece(index, facts.first_slot, facts.frames)

    async def _make(self, row: tuple[Piece, ...], epoch: int) -> None:
        first, frames = row[0].first_slot, sum(piece.frames for piece in row)
        began = moment(slot_start_ms(first, self.fps))
        name, folder = archive_name(began), f"{self.camera}/archive"
        try:
            data = await asyncio.to_thread(self._write, row, folder, name, f"e{epoch}")
        except _NothingCaptured:
            _missed.labels(self.camera).inc()
            await self._say(SegmentMissed(first_slot=first, frames=frames, fps=self.fps, reason="no picture"), epoch)
        except BrokenRow as problem:
            # Its pieces stay; a person can look. Nothing else waits for it. They are read once more: when one of them
            # was spoilt since, it is unreadable now and the others become archives of their own.
            _broken.labels(self.camera).inc()
            if row in self._broken:
                self._unreadable |= {piece.index for piece in row}
            self._broken.add(row)
            for piece in row:
                self._pieces.pop(piece.index, None)
            log.error("archive_broken", camera_id=self.camera, first_slot=first, reason=str(problem))
        else:
            _closed.labels(self.camera).inc()
            await self._say(data, epoch)
            for piece in row:
                self._pieces.pop(piece.index, None)

    def _write(self, row: tuple[Piece, ...], folder: str, name: str, writer: str) -> SegmentClosed:
        """The file, once; then the fact's data, from what stands."""
        with _opened(self._store, self.camera, row) as segments:
            how, account = self._store.make_once(folder, name, lambda part: _remux(segments, part, self.fps), writer)
        size, digest = self._digest(folder, name)
        if how == "stands":
            log.info("archive_adopted", camera_id=self.camera, archive=name)
        first, frames = account.first_slot, account.frames
        return SegmentClosed(
            segment_id=fact_id(SegmentClosed.fact, self.camera, first),
            first_slot=first,
            frames=frames,
            fps=self.fps,
            captured_frames=account.captured,
            held_frames=account.held,
            gaps=account.gaps,
            complete=is_complete(first, frames, self.fps),
            started_at=moment(slot_start_ms(first, self.fps)),
            ended_at=moment(slot_start_ms(first + frames, self.fps)),
            width=account.width,
            height=account.height,
            media_key=media_key(self.camera, "archive", name),
            bytes=size,
            sha256=digest,
            previous_sha256=previous_of(first, ((slot, sha) for slot, (_, sha) in self.told.closed.items())),
        )

    def _digest(self, folder: str, name: str) -> tuple[int, str]:
        file = self._store.open_file(folder, name)
        with contextlib.closing(file.stream) as stream:
            return file.size, hashlib.file_digest(stream, "sha256").hexdigest()

    async def _tell_lost(self, wished_from: int, growing: int | None, epoch: int) -> None:
        until = slot_at(self._clock.now_ms() - round(LOST_AFTER_MS * self._clock.speed), self.fps)
        since = max(wished_from, until - LOOK_BACK_SECONDS * self.fps)
        if growing is not None:
            # What comes next in a run is waited for (the bus may have been away for long) or becomes slate.
            until = min(until, growing)
        for first in lost_windows(self.told.spans(), self._pieces.values(), since, until, self.fps):
            if window_index(first, self.fps) in self._standing:
                continue
            _missed.labels(self.camera).inc()
            frames = WINDOW_SECONDS * self.fps
            await self._say(SegmentMissed(first_slot=first, frames=frames, fps=self.fps, reason="no input"), epoch)

    async def _say(self, data: SegmentClosed | SegmentMissed, epoch: int) -> None:
        """Until the bus has it: the next archive's chain hangs on this one."""
        happened = slot_start_ms(data.first_slot + data.frames, self.fps)
        origin = Origin("encoder", happened, max(happened, self._clock.now_ms()), epoch=epoch)
        fact = new_fact(data, self.camera, (self.camera, data.first_slot), origin)
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
                break
            else:
                break
        self.told.learn(data)
        log.info("archive_told", camera_id=self.camera, fact=fact.name, first_slot=data.first_slot, frames=data.frames)


@contextlib.contextmanager
def _opened(store: MediaStore, camera: str, row: tuple[Piece, ...]) -> Iterator[Iterator[IO[bytes]]]:
    """The row's segments, each opened when its turn comes and closed after it."""

    def each() -> Generator[IO[bytes], None, None]:
        for piece in row:
            file = store.open_file(f"{camera}/hls", segment_name(camera, piece.index))
            with file.stream as stream:
                # An empty one would look like a failing disk to PyAV: it seeks before its start.
                if not file.size or file.size % TS_PACKET:
                    raise BrokenRow(f"segment {piece.index} was cut")
                yield stream

    with contextlib.closing(each()) as segments:
        yield segments


def _remux(segments: Iterator[IO[bytes]], part: Path, fps: int) -> Account:
    account = write_archive(segments, part, fps)
    if not account.captured:
        raise _NothingCaptured
    return account
