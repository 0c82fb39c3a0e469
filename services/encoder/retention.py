"""Deletes what is too old or must make room: first the fact `segment.expired`, then the file.

It needs no lease: two who know the same facts say the same fact, and a file that is gone is gone.
"""

import asyncio
import math
from collections.abc import Callable, Mapping, Sequence

from prometheus_client import Counter, Gauge

from libs.bus import Bus, BusError, Conflict, Received, follow, obey_cancellation, publish_fact
from libs.clock import SiteClock, real
from libs.contracts.cameras import Camera, fold
from libs.contracts.envelope import FactError, Origin, decode, new_fact
from libs.contracts.facts import FactData, SegmentExpired
from libs.contracts.ids import is_camera_id
from libs.contracts.streams import CAMERAS, EVENTS
from libs.media import Deleted, MediaStore, NotMounted, media_key, read_segment_name, segment_name
from libs.observe import get_log
from services.encoder.retention_plan import (
    Archive,
    Ledger,
    Limits,
    Reason,
    Stock,
    old_segments,
    shared,
    suspicious,
    to_expire,
)

log = get_log()
EVERY = 60.0
"""Real seconds from one pass to the next."""
_LABELS = ["camera", "what", "reason"]
_deleted = Counter("dolbom_retention_deleted_total", "Files deleted by retention", _LABELS)
_bytes = Counter("dolbom_retention_deleted_bytes_total", "Bytes deleted by retention", _LABELS)
_failures = Counter("dolbom_retention_failures_total", "What retention could not do", ["why"])
_suspicious = Gauge("dolbom_retention_suspicious", "1 while over half of the archives are too old at once", ["camera"])
_untold = Gauge("dolbom_archives_untold", "Archives on disk of which no fact tells; they are never deleted", ["camera"])
_overdue = Gauge(
    "dolbom_segments_overdue", "HLS segments older than is kept that still wait for an archive", ["camera"]
)
_free = Gauge("dolbom_media_free_bytes", "Space left on the volume of the media store")
_lacking = Gauge("dolbom_media_lacking_bytes", "Space that is lacking although nothing more may be deleted")


class _NoMore(Exception):
    """The bus does not take it now: this pass ends, the next one tries again."""


class Retention:
    """The passes over all cameras of a site.

    `unreadable`: the segments of a camera that will never be in an archive, None when this process makes none of it.
    """

    def __init__(
        self,
        store: MediaStore,
        bus: Bus,
        clock: SiteClock,
        limits: Limits,
        unreadable: Callable[[str], frozenset[int] | None] = lambda camera: None,
    ) -> None:
        self._store, self._bus, self._clock, self._limits = store, bus, clock, limits
        self._unreadable = unreadable
        self.lacking = 0
        """Bytes that were still lacking after the last pass, although nothing more could be deleted."""
        self._ledgers: dict[str, Ledger] = {}
        self._cameras: dict[str, Camera] = {}
        self._days: dict[str, int] = {}
        self._cameras_read = False
        self._last, self._refused = -math.inf, store.refused
        self._alarms: set[str] = set()

    def learn(self, camera: str, data: FactData) -> None:
        """What a fact of `EVENTS` says: closed, missed or expired."""
        if is_camera_id(camera):
            self._ledger(camera).learn(data)

    def forget(self) -> None:
        """`EVENTS` was made anew: without facts nothing is deleted."""
        self._ledgers.clear()

    async def follow_cameras(self) -> None:
        """Learn how long each camera is kept, until cancelled. A removed camera keeps what was last said of it."""
        async for batch in follow(self._bus, CAMERAS.name, CAMERAS.subjects):
            if batch.anew:
                self._cameras, self._days, self._cameras_read = {}, {}, False
            for message in batch.messages:
                self._learn_camera(message)
            self._cameras_read = self._cameras_read or batch.caught_up

    def _learn_camera(self, message: Received) -> None:
        try:
            fact = decode(message.payload)
        except FactError:
            # The recorders' reader of the same stream logs it.
            _failures.labels("fact_unreadable").inc()
            return
        self._cameras = fold(self._cameras, fact)
        config = self._cameras[fact.subject].config
        if config is not None and is_camera_id(fact.subject):
            self._days[fact.subject] = config.retention_days

    def _ledger(self, camera: str) -> Ledger:
        return self._ledgers.setdefault(camera, Ledger(camera))

    async def when_due(self) -> None:
        """A pass, when the last one was a minute ago or the disk has refused a write since."""
        refused = self._store.refused > self._refused
        if not refused and real() - self._last < EVERY:
            return
        self._last, self._refused = real(), self._store.refused
        await self.sweep(refused=refused)

    async def sweep(self, *, refused: bool = False) -> None:
        """One pass. Nothing is deleted while the bus is away, the cameras are not known, or the store has no marker."""
        if not self._bus.connected or not self._cameras_read:
            return
        try:
            await asyncio.to_thread(self._store.check)
            await self._sweep(refused)
        except _NoMore as problem:
            log.warning("retention_waits", reason=str(problem))
        except (OSError, NotMounted) as problem:
            _failures.labels("store").inc()
            log.error("retention_waits", reason=getattr(problem, "strerror", None) or str(problem))

    async def _sweep(self, refused: bool) -> None:
        ledgers = [self._ledger(camera) for camera in sorted(self._ledgers.keys() | self._days.keys())]
        abandoned = {ledger.camera: self._abandoned(ledger.camera) for ledger in ledgers}
        stocks = await asyncio.to_thread(self._take_stock, ledgers, abandoned)
        now_ms = self._clock.now_ms()
        for stock in stocks:
            _untold.labels(stock.camera).set(stock.untold())
            much = suspicious(stock, now_ms)
            _suspicious.labels(stock.camera).set(much)
            self._alarm("retention_suspicious", much, camera_id=stock.camera, archives=len(stock.ledger.archives))
        budget = self._limits.archives - await self._finish(stocks)
        old = {stock.camera: old_segments(stock, now_ms) for stock in stocks}
        for camera, segments in old.items():
            _overdue.labels(camera).set(len(segments.waiting))
            self._alarm("segments_overdue", bool(segments.waiting), camera_id=camera, segments=len(segments.waiting))
        archived = shared(((camera, one.archived) for camera, one in old.items()), self._limits.segments)
        await self._delete_segments(archived, "archived")
        budget -= await self._expire(stocks, now_ms, budget, refused)
        # Nothing else holds their pictures, so they count as archives do.
        await self._delete_segments(shared(((camera, one.abandoned) for camera, one in old.items()), budget), "age")

    def _abandoned(self, camera: str) -> frozenset[int] | None:
        """The segments that no archive will ever hold; None for all of them."""
        unreadable, known = self._unreadable(camera), self._cameras.get(camera)
        if unreadable is None and known is not None and known.config is None:
            return None  # it was removed, and nobody records it any more
        return unreadable or frozenset()

    def _take_stock(self, ledgers: Sequence[Ledger], abandoned: Mapping[str, frozenset[int] | None]) -> list[Stock]:
        """What stands on disk. Runs in a thread: facts are learned meanwhile."""
        stocks = []
        for ledger in ledgers:
            camera = ledger.camera
            names = frozenset(self._store.names(f"{camera}/archive"))
            indices = (read_segment_name(camera, name) for name in self._store.names(f"{camera}/hls"))
            segments = frozenset(index for index in indices if index is not None)
            stocks.append(Stock(ledger, self._days.get(camera), names, segments, abandoned[camera]))
        return stocks

    async def _finish(self, stocks: Sequence[Stock]) -> int:
        """Delete files whose fact was told before a crash; returns how many there were.

        What cannot be deleted counts too: so facts never run far ahead of a disk that takes no deletions.
        """
        found = 0
        for stock in stocks:
            for slot, (name, reason) in sorted(stock.ledger.expired.items()):
                if name in stock.archives:
                    found += 1
                    if found > self._limits.archives or not await self._delete_archive(stock.camera, name, reason):
                        continue
                stock.ledger.expired.pop(slot, None)
        return min(found, self._limits.archives)

    async def _delete_archive(self, camera: str, name: str, reason: str) -> bool:
        done = await self._delete(camera, "archive", [name], reason)
        if done.files:
            log.info("archive_deleted", camera_id=camera, archive=name, reason=reason, bytes=done.bytes)
        return not done.kept

    async def _delete_segments(self, chosen: dict[str, list[int]], reason: str) -> None:
        for camera, indices in chosen.items():
            done = await self._delete(camera, "hls", [segment_name(camera, index) for index in indices], reason)
            log.info("segments_deleted", camera_id=camera, files=done.files, bytes=done.bytes, reason=reason)

    async def _expire(self, stocks: Sequence[Stock], now_ms: int, budget: int, refused: bool) -> int:
        """Tell and delete archives; returns how many."""
        lacking = self._limits.lacking(*await asyncio.to_thread(self._space), refused=refused)
        chosen = to_expire(stocks, now_ms, lacking, budget)
        for archive, reason in chosen:
            obey_cancellation()
            if await self._told(archive, reason):
                if not await self._delete_archive(archive.camera, archive.name, reason):
                    return len(chosen)
                self._ledger(archive.camera).expired.pop(archive.first_slot, None)
        free, total = await asyncio.to_thread(self._space)
        short = self._limits.lacking(free, total, refused=False) if len(chosen) < budget else 0
        _free.set(free)
        _lacking.set(short)
        self.lacking = short
        self._alarm("space_lacking", short > 0, free_bytes=free, lacking_bytes=short)
        return len(chosen)

    def _space(self) -> tuple[int, int]:
        return self._store.free_bytes(), self._store.total_bytes()

    async def _told(self, archive: Archive, reason: Reason) -> bool:
        """Say `segment.expired`. False when another body stands under its id: what that says is followed instead."""
        key = media_key(archive.camera, "archive", archive.name)
        data = SegmentExpired(first_slot=archive.first_slot, fps=archive.fps, media_key=key, reason=reason)
        now_ms = self._clock.now_ms()
        fact = new_fact(data, archive.camera, (archive.camera, archive.first_slot), Origin("encoder", now_ms, now_ms))
        try:
            await publish_fact(self._bus, fact, EVENTS.name)
        except Conflict as problem:
            _failures.labels("conflict").inc()
            log.error("fact_contradicted", camera_id=archive.camera, fact=fact.name, reason=str(problem))
            return False
        except (BusError, FactError) as problem:
            _failures.labels("bus").inc()
            raise _NoMore(str(problem)) from problem
        self.learn(archive.camera, data)
        log.info("archive_expired", camera_id=archive.camera, archive=archive.name, reason=reason)
        return True

    async def _delete(self, camera: str, folder: str, names: Sequence[str], reason: str) -> Deleted:
        done = await asyncio.to_thread(self._store.delete, f"{camera}/{folder}", names)
        _deleted.labels(camera, folder, reason).inc(done.files)
        _bytes.labels(camera, folder, reason).inc(done.bytes)
        _failures.labels("store").inc(len(done.kept))
        for name, why in done.kept.items():
            self._alarm("file_not_deleted", True, camera_id=camera, name=name, why=why)
        return done

    def _alarm(self, action: str, on: bool, **told: str | int) -> None:
        """One log line when something begins, and one when it is over."""
        key = f"{action} {told.get('camera_id', '')} {told.get('name', '')}"
        if on and key not in self._alarms:
            self._alarms.add(key)
            log.warning(action, **told)
        elif not on and key in self._alarms:
            self._alarms.remove(key)
            log.info(f"{action}_over", **told)
