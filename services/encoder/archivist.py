"""Makes every archive that is due, one at a time per process, oldest first over all cameras; then retention."""

import asyncio
import errno
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress

from prometheus_client import Counter

from libs.bus import Bus, Received, follow, obey_cancellation
from libs.clock import SiteClock, real
from libs.contracts.envelope import FactError, decode
from libs.contracts.streams import EVENTS
from libs.media import MediaStore, NotMounted, NotThere
from libs.observe import get_log
from services.encoder.archives import Archives
from services.encoder.recorder import Recorder
from services.encoder.retention import Retention
from services.encoder.retention_plan import Limits, kept_from
from services.encoder.windows import Row, Told

log = get_log()
LOOK_EVERY = 5.0
"""Real seconds from one look at all cameras to the next; one that closed a segment is looked at by itself at once."""
_DEFAULT = Limits()
_NO_SPACE = (errno.ENOSPC, errno.EDQUOT)
SUBJECTS = ("segment.closed.*", "segment.missed.*", "segment.expired.*")
_unreadable = Counter("dolbom_segment_facts_unreadable_total", "Facts of archives that could not be read")


class Archivist:
    """The archives of every camera that this process records."""

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
        self._retention = Retention(store, bus, clock, limits, self._given_up)
        self._read_all = asyncio.Event()
        self._woken = asyncio.Event()
        self._changed: set[str] = set()

    def wake(self, camera: str) -> None:
        """It closed something."""
        self._changed.add(camera)
        self._woken.set()

    async def run(self) -> None:
        """Until cancelled. A reader that breaks ends it."""
        async with asyncio.TaskGroup() as readers:
            readers.create_task(self._follow())
            readers.create_task(self._retention.follow_cameras())
            await self._read_all.wait()
            look_at_all = real()
            while True:
                obey_cancellation()
                self._woken.clear()
                changed, self._changed = self._changed, set()
                if real() >= look_at_all:
                    changed, look_at_all = set(self._recorders()), real() + LOOK_EVERY
                await self._make_due(changed)
                await self._retention.when_due()
                with suppress(TimeoutError):
                    async with asyncio.timeout(max(0.0, look_at_all - real())):
                        await self._woken.wait()

    async def _make_due(self, cameras: Iterable[str]) -> None:
        """Look at these cameras, and make what is due, whichever is the oldest first."""
        due: list[tuple[str, Row]] = []
        looked: list[tuple[str, int | None]] = []
        for name in cameras:
            recorder = self._recorders()[name]
            if not recorder.settled:
                continue
            growing, horizon = recorder.growing, recorder.horizon
            try:
                due += [(name, row) for row in await self._of(name).due(growing, horizon)]
            except (OSError, NotMounted) as problem:
                _waits(name, problem)
            else:
                looked.append((name, growing))
        waiting = await self._make(sorted(due, key=lambda one: (one[1][0].index, one[0])))
        for name, growing in looked:
            recorder = self._recorders()[name]
            if name not in waiting and recorder.settled and recorder.wished_from_ms is not None:
                fps = recorder.config.profile.fps
                await self._of(name).tell_lost(recorder.wished_from_ms, growing, fps, recorder.epoch)

    async def _make(self, due: Iterable[tuple[str, Row]]) -> set[str]:
        """One archive after the other; returns the cameras of which some wait, since the store does not take them."""
        waiting: set[str] = set()
        for name, row in due:
            obey_cancellation()
            recorder = self._recorders()[name]
            if name in waiting or not recorder.settled:
                continue
            try:
                await self._of(name).make(row, recorder.epoch)
            except (OSError, NotMounted, NotThere) as problem:
                waiting.add(name)
                _waits(name, problem)
                if isinstance(problem, OSError) and problem.errno in _NO_SPACE:
                    await self._give_up(name, row, recorder.epoch)
            await self._retention.when_due()
        return waiting

    async def _give_up(self, name: str, row: Row, epoch: int) -> None:
        """There is no room for this archive, and nothing is left to delete but its own segments: say so."""
        archives = self._of(name)
        if self._retention.lacking and row[-1].index < kept_from(archives.indices, self._clock.now_ms()):
            log.error("archive_given_up", camera_id=name, first_slot=row[0].first_slot, reason="no space")
            # Before the bus tells it: the next pass makes room of this row, and no other is given up for it.
            for data in await archives.miss(row, "no space", epoch):
                self._retention.learn(name, data)

    def _of(self, name: str) -> Archives:
        """The archives of a camera, with all that was told of them."""
        if name not in self._archives:
            self._archives[name] = Archives(name, self._told[name], self._store, self._bus, self._clock)
        return self._archives[name]

    def _given_up(self, name: str) -> frozenset[int] | None:
        """The segments of a camera that wait for no archive; None when another process (or nobody) makes them."""
        recorder = self._recorders().get(name)
        return self._of(name).given_up if recorder is not None and recorder.settled else None

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
            self._retention.learn(fact.subject, fact.data)


def _waits(camera: str, problem: Exception) -> None:
    log.error("archive_waits", camera_id=camera, reason=getattr(problem, "strerror", None) or str(problem))
