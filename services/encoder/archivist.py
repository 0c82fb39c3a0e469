"""Wakes the archives of every camera of this process when a segment was closed and now and then; then retention."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Mapping
from contextlib import suppress

from prometheus_client import Counter

from libs.bus import Bus, Received, follow, obey_cancellation
from libs.clock import SiteClock
from libs.contracts.envelope import FactError, decode
from libs.contracts.streams import EVENTS
from libs.media import MediaStore, NotMounted, NotThere
from libs.observe import get_log
from services.encoder.archives import Archives, Told
from services.encoder.recorder import Recorder
from services.encoder.retention import Retention
from services.encoder.retention_plan import Limits

log = get_log()
LOOK_EVERY = 5.0
_DEFAULT = Limits()
SUBJECTS = ("segment.closed.*", "segment.missed.*", "segment.expired.*")
_unreadable = Counter("dolbom_segment_facts_unreadable_total", "Facts of archives that could not be read")


class Archivist:
    """One archive at a time, oldest first for each camera."""

    def __init__(
        self,
        store: MediaStore,
        bus: Bus,
        clock: SiteClock,
        recorders: Callable[[], Mapping[str, Recorder]],
        limits: Limits = _DEFAULT,
    ) -> None:
        self._store, self._bus, self._clock, self._recorders = store, bus, clock, recorders
        self._archives: dict[str, Archives] = {}
        self._told: defaultdict[str, Told] = defaultdict(Told)
        self._retention = Retention(store, bus, clock, limits)
        self._read_all = asyncio.Event()
        self._due = asyncio.Event()

    def wake(self) -> None:
        """Something was closed."""
        self._due.set()

    async def run(self) -> None:
        """Until cancelled. A reader that breaks ends it."""
        async with asyncio.TaskGroup() as readers:
            readers.create_task(self._follow())
            readers.create_task(self._retention.follow_cameras())
            await self._read_all.wait()
            while True:
                obey_cancellation()
                self._due.clear()
                await self._make_all()
                await self._retention.when_due()
                with suppress(TimeoutError):
                    async with asyncio.timeout(LOOK_EVERY):
                        await self._due.wait()

    async def _make_all(self) -> None:
        for name, recorder in dict(self._recorders()).items():
            if not recorder.settled:
                continue
            try:
                archives, closed = self._of(name, recorder), (recorder.growing, recorder.horizon)
                await archives.make_due(*closed, recorder.wished_from, recorder.epoch)
            except (OSError, NotMounted, NotThere) as problem:
                reason = getattr(problem, "strerror", None) or str(problem)
                log.error("archive_waits", camera_id=name, reason=reason)

    def _of(self, name: str, recorder: Recorder) -> Archives:
        """The archives of a camera, with all that was told of them."""
        if name not in self._archives:
            fps, told = recorder.config.profile.fps, self._told[name]
            self._archives[name] = Archives(name, fps, told, self._store, self._bus, self._clock)
        return self._archives[name]

    async def _follow(self) -> None:
        async for batch in follow(self._bus, EVENTS.name, SUBJECTS):
            if batch.anew:
                self._retention.forget()
            for message in batch.messages:
                self._learn(message)
            if batch.caught_up:
                self._read_all.set()

    def _learn(self, message: Received) -> None:
        try:
            fact = decode(message.payload)
        except FactError as problem:
            _unreadable.inc()
            log.error("fact_unreadable", subject=message.subject, reason=str(problem))
        else:
            self._told[fact.subject].learn(fact.data)
            self._retention.learn(fact)
