"""One writer per camera and service: taken by compare-and-set, believed by the holder's own monotonic clock."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from types import TracebackType

from prometheus_client import Counter, Gauge

from libs.bus.cancellation import obey_cancellation
from libs.bus.errors import BusError, Conflict, NotStored
from libs.bus.follow import Received, follow
from libs.bus.members import KV_OPERATION, REMOVED, Membership, is_gone
from libs.bus.publish import publish
from libs.clock import wall_ms
from libs.contracts.ids import check_camera_id
from libs.contracts.leases import LEASES, LeaseRecord, decode_lease, encode_lease, lease_subject, next_epoch
from libs.contracts.subjects import EXPECTED_LAST
from libs.observe import get_log

UNREAD_AFTER = 5.0
"""Seconds without a word from the bucket (it ticks every second) after which that is an alarm."""
log = get_log()
_held = Gauge("dolbom_leases_held", "Cameras that this process writes for")
_taken = Counter("dolbom_leases_taken_total", "Leases taken")
_lost = Counter("dolbom_leases_lost_total", "Leases lost, released ones apart", ["reason"])
_unread = Gauge("dolbom_leases_bucket_unread", "1 while the bucket of leases does not answer")


class NameTaken(BusError):
    """A younger process goes by this member name: end this one."""


@dataclass(frozen=True, slots=True)
class NotTaken:
    """The lease was not to be had now; `holder` has it, or it is not known who (empty)."""

    holder: str


@dataclass(eq=False, slots=True)
class Lease:
    """The right to write for a camera. Once lost it stays lost: take another, which has a higher epoch.

    `held` is exact at every moment; `lost` is set up to half a `poll` later. `rival` is the highest epoch that
    another process is known to have had: work of an epoch below it is over, also where this lease was taken again.
    """

    camera: str
    epoch: int
    revision: int
    term: int
    leases: "Leases" = field(repr=False)
    lost: asyncio.Event = field(default_factory=asyncio.Event, repr=False)
    rival: int = 0

    def valid_for(self) -> float:
        """Seconds for which nobody else can hold it, if no further heartbeat is confirmed; 0 = lost."""
        return 0.0 if self.lost.is_set() else self.leases.me.valid_for(self.term)

    @property
    def held(self) -> bool:
        """May this process write for the camera right now?"""
        return self.valid_for() > 0

    async def release(self) -> None:
        """Give it up, so that the next one need not wait; does nothing when it is lost."""
        await self.leases.release(self)


@dataclass(slots=True)
class _Known:
    """What was last read of a camera's lease. A record that was deleted says nothing: its holder may still beat."""

    record: LeaseRecord | None = None
    revision: int = 0
    stands: bool = False
    rival: int = 0


class Leases:
    """The leases of one service as they stand, followed for the length of an `async with`."""

    def __init__(self, me: Membership, *, wall: Callable[[], int] = wall_ms) -> None:
        self.me, self._wall = me, wall
        self._known: dict[str, _Known] = {}
        self._mine: dict[str, Lease] = {}
        self._written: set[tuple[str, int]] = set()
        self._gone: dict[str, tuple[float, bool]] = {}
        self._asking = asyncio.Lock()
        self._read, self._changed = asyncio.Event(), asyncio.Event()
        self._heard_at = me.clock()
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> "Leases":
        self._tasks = [asyncio.create_task(self._follow()), asyncio.create_task(self._watch())]
        return self

    async def __aexit__(self, kind: type[BaseException] | None, _: object, __: TracebackType | None) -> None:
        for lease in list(self._mine.values()):
            await self.release(lease)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def take(self, camera: str, newest_epoch: int) -> Lease | NotTaken:
        """Try once. `newest_epoch` is the newest known from elsewhere (the last message of the writer's stream).

        Raises NameTaken when a younger process has this member's name, BadCameraId, and Refused for want of rights.
        """
        mine = self._mine.get(camera)
        if mine and mine.held:
            return mine
        if mine:
            self._lose(mine, "unconfirmed")
        known, term = self._known.setdefault(check_camera_id(camera), _Known()), self.me.term
        before, revision = known.record, known.revision
        obstacle = await self._obstacle(known)
        if obstacle:
            return obstacle
        record = LeaseRecord(self.me.member, next_epoch(newest_epoch, before, self._wall()))
        try:
            sequence = await self._write(camera, record, revision)
        except (Conflict, NotStored):
            return NotTaken("")  # somebody was faster, or nobody knows: what stands will be read
        if known.revision > sequence:
            return NotTaken(known.record.member if known.record else "")
        if before and (camera, before.epoch) not in self._written:
            known.rival = before.epoch
        lease = self._mine[camera] = Lease(camera, record.epoch, sequence, term, self, rival=known.rival)
        log.info("lease_taken", camera_id=camera, epoch=lease.epoch, before=before.member if before else "")
        _taken.inc()
        return lease

    async def hold(
        self, camera: str, newest: Callable[[], Awaitable[int]], work: Callable[[Lease], Awaitable[None]]
    ) -> None:
        """Wait for the lease and do `work` under it; when it is lost, cancel the work, wait for its end, and again.

        `newest` gives the newest epoch known from elsewhere (NotStored: ask again). Ends when the work does, and
        raises what it raises; the lease is then released, as it is when this is cancelled. Raises NameTaken.
        """
        while True:
            lease = await self._taken(camera, newest)
            working, lost = asyncio.ensure_future(work(lease)), asyncio.create_task(lease.lost.wait())
            try:
                obey_cancellation()
                await asyncio.wait((working, lost), return_when=asyncio.FIRST_COMPLETED)
                ended = working.done()
            finally:
                working.cancel()
                lost.cancel()
                await asyncio.wait((working, lost))
                await self.release(lease)
            if not working.cancelled():
                working.result()
            if ended:
                return

    async def release(self, lease: Lease) -> None:
        """As `Lease.release`."""
        if not lease.held:
            return
        self._lose(lease, "")
        try:
            await self._write(lease.camera, LeaseRecord("", lease.epoch), lease.revision)
        except BusError as problem:
            log.warning("lease_not_released", camera_id=lease.camera, reason=str(problem))

    async def _taken(self, camera: str, newest: Callable[[], Awaitable[int]]) -> Lease:
        while True:
            changed = self._changed
            with contextlib.suppress(NotStored):
                if await self._obstacle(self._known.get(camera, _Known())) is None:
                    lease = await self.take(camera, await newest())
                    if isinstance(lease, Lease):
                        return lease
            obey_cancellation()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self.me.timing.poll):
                    await changed.wait()

    async def _obstacle(self, known: _Known) -> NotTaken | None:
        """Why a lease cannot be had now, or None."""
        if self.me.superseded:
            raise NameTaken(f"another process goes by the name {self.me.member}")
        if not self._read.is_set() or not self.me.valid_for(self.me.term):
            return NotTaken("")
        holder = known.record.member if known.record else ""
        if holder in ("", self.me.member) or await self._is_gone(holder):
            return None
        return NotTaken(holder)

    async def _write(self, camera: str, record: LeaseRecord, expected: int) -> int:
        """Put the record over revision `expected`, and know it at once; returns its revision. Raises BusError."""
        subject, bus = lease_subject(self.me.service, camera), self.me.bus
        self._written.add((camera, record.epoch))
        stored = await publish(bus, subject, encode_lease(record), {EXPECTED_LAST: str(expected)}, 1.0)
        known = self._known.setdefault(camera, _Known())
        if stored.sequence > known.revision:
            known.record, known.revision, known.stands = record, stored.sequence, True
        return stored.sequence

    async def _is_gone(self, member: str) -> bool:
        """One question for all the cameras that wait for the same member."""
        async with self._asking:
            asked_at, gone = self._gone.get(member, (float("-inf"), False))
            if self.me.clock() - asked_at >= self.me.timing.poll / 2:
                gone = await is_gone(self.me.bus, member)
                self._gone[member] = (self.me.clock(), gone)
            return gone

    async def _follow(self) -> None:
        subject = lease_subject(self.me.service, "*")
        async for batch in follow(self.me.bus, f"KV_{LEASES}", [subject], "last_per_subject"):
            self._heard_at = self.me.clock()
            if batch.anew:
                for known in self._known.values():
                    known.revision, known.stands = 0, False
            for message in batch.messages:
                self._learn(message)
            if batch.caught_up:
                self._read.set()
                await self._write_again()
            if batch.messages:
                self._changed.set()
                self._changed = asyncio.Event()

    def _learn(self, message: Received) -> None:
        camera = message.subject.rsplit(".", 1)[1]
        known, lease = self._known.setdefault(camera, _Known()), self._mine.get(camera)
        if message.sequence <= known.revision:
            return
        known.revision, known.stands = message.sequence, message.headers.get(KV_OPERATION) not in REMOVED
        if not known.stands:
            return
        before, known.record = known.record, decode_lease(message.payload)
        unknown = known.record != before and (camera, known.record.epoch) not in self._written
        if unknown and known.record.member == self.me.member and self._read.is_set():
            self.me.supersede()
        if lease and known.record != LeaseRecord(self.me.member, lease.epoch):
            self._lose(lease, "taken")

    async def _write_again(self) -> None:
        """A record that somebody deleted is put back by the one who holds the lease, in the same epoch."""
        for camera, lease in list(self._mine.items()):
            known = self._known[camera]
            if known.stands or not lease.held:
                continue
            log.error("lease_record_missing", camera_id=camera, epoch=lease.epoch)
            try:
                record = LeaseRecord(self.me.member, lease.epoch)
                lease.revision = await self._write(camera, record, known.revision)
            except BusError as problem:
                log.warning("lease_record_not_written", camera_id=camera, reason=str(problem))

    async def _watch(self) -> None:
        """Notice what ran out."""
        unread = False
        while True:
            _held.set(sum(lease.held for lease in self._mine.values()))
            for lease in list(self._mine.values()):
                if not lease.held:
                    self._lose(lease, "superseded" if self.me.superseded else "unconfirmed")
            unread, was = self.me.clock() - self._heard_at > UNREAD_AFTER, unread
            _unread.set(unread)
            if unread and not was:
                log.error("leases_unread", service=self.me.service)
            await asyncio.sleep(self.me.timing.poll / 2)

    def _lose(self, lease: Lease, reason: str) -> None:
        lease.lost.set()
        if self._mine.get(lease.camera) is lease:
            del self._mine[lease.camera]
        if reason:
            log.warning("lease_lost", camera_id=lease.camera, epoch=lease.epoch, reason=reason)
            _lost.labels(reason).inc()
