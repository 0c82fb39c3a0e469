"""Writes down who saw, took, got or was refused what. No request waits for it: facts stand in a queue, and from there
go to the bus, or to disk while the bus is away.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import Hashable
from pathlib import Path
from uuid import uuid4

from prometheus_client import Counter

from libs.bus import Bus, BusError, NotStored, Spool, obey_cancellation, publish_fact
from libs.clock import SiteClock
from libs.contracts.access import (
    AccessDenied,
    AccessExported,
    AccessFact,
    AccessGranted,
    AccessLogin,
    AccessRevoked,
    AccessViewed,
)
from libs.contracts.envelope import Fact, FactError, Origin, new_fact
from libs.observe import get_log

WINDOW_MS = 10 * 60 * 1000
"""Of site time: what repeats within is one fact."""
MAX_QUEUED = 2_000
MAX_IN_WINDOW, MAX_REFUSED_IN_WINDOW = 20_000, 1_000
"""Facts of one window, and those among them that people who are not signed in can cause."""
SITE = "site"
_PAUSE, _LAST_WORDS = 0.5, 0.5
LOST = Counter("dolbom_access_facts_lost_total", "Facts of access that neither the bus nor the disk took", ["why"])
log = get_log()


class Audit:
    """One per process; `spool` is a folder for what the bus does not take, None for memory alone."""

    def __init__(self, clock: SiteClock, spool: Path | None) -> None:
        self._clock, self._spool = clock, spool
        self._queue: deque[Fact] = deque()
        self._more = asyncio.Event()
        self._window, self._said, self._refused = 0, set[Hashable](), 0

    @property
    def waiting(self) -> int:
        """How many facts wait in memory."""
        return len(self._queue)

    def viewed(self, by: str, camera_id: str) -> None:
        """Somebody looked at a camera."""
        if self._first(("viewed", by, camera_id)):
            self._say(AccessViewed(by=by, what="video"), camera_id, (by, camera_id, self._window))

    def exported(self, by: str, camera_id: str, file: str) -> None:
        """Somebody took a recording."""
        if self._first(("exported", by, camera_id, file)):
            self._say(AccessExported(by=by, what=file), camera_id, (by, camera_id, self._window, file))

    def denied(self, by: str, what: str, why: str, camera_id: str = SITE) -> None:
        """Somebody, a user or an address, was refused."""
        if self._first(("denied", by, what, why, camera_id), refused=True):
            self._say(AccessDenied(by=by, what=what, why=why), camera_id, (by, camera_id, self._window, what, why))

    def signed_in(self, by: str, address: str) -> None:
        """Somebody signed in."""
        self._say(AccessLogin(by=by, what=address, why="ok"), SITE, (str(uuid4()),))

    def not_signed_in(self, by: str, address: str) -> None:
        """Somebody tried to sign in as this user."""
        if self._first(("login", by, address), refused=True):
            self._say(AccessLogin(by=by, what=address, why="wrong"), SITE, (by, SITE, self._window, address))

    def granted(self, by: str, what: str, why: str, camera_id: str = SITE) -> None:
        """Somebody got a right."""
        self._say(AccessGranted(by=by, what=what, why=why), camera_id, (str(uuid4()),))

    def revoked(self, by: str, what: str, why: str, camera_id: str = SITE) -> None:
        """Somebody lost a right."""
        self._say(AccessRevoked(by=by, what=what, why=why), camera_id, (str(uuid4()),))

    async def keep(self, bus: Bus) -> None:
        """Bring what is said to the bus, until cancelled."""
        try:
            async with asyncio.TaskGroup() as tasks:
                spool = self._opened(bus)
                if spool is not None:
                    tasks.create_task(spool.run())
                try:
                    await self._bring(bus, spool)
                finally:
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(_LAST_WORDS):
                            await self._empty(bus, spool)
        finally:
            if self._queue:
                log.warning("access_facts_left", facts=len(self._queue))

    def _opened(self, bus: Bus) -> Spool | None:
        """The folder may be unwritable: then there is memory."""
        try:
            return None if self._spool is None else Spool(self._spool, bus)
        except OSError as problem:
            log.error("spool_unusable", reason=problem.strerror or type(problem).__name__)
            return None

    async def _bring(self, bus: Bus, spool: Spool | None) -> None:
        while True:
            obey_cancellation()
            await self._more.wait()
            self._more.clear()
            await self._empty(bus, spool)

    async def _empty(self, bus: Bus, spool: Spool | None) -> None:
        while self._queue:
            try:
                if spool is None:
                    await publish_fact(bus, self._queue[0], None)
                else:
                    await spool.say(self._queue[0])
            except NotStored:
                await asyncio.sleep(_PAUSE)
                continue
            except (BusError, FactError) as problem:
                LOST.labels("refused").inc()
                log.error("access_fact_lost", reason=type(problem).__name__)
            self._queue.popleft()

    def _first(self, what: Hashable, *, refused: bool = False) -> bool:
        """Is this the first of its kind in this window? Also no when the window is full, which is counted."""
        window = self._clock.now_ms() // WINDOW_MS
        if window != self._window:
            self._window, self._refused = window, 0
            self._said.clear()
        if what in self._said:
            return False
        full = self._refused >= MAX_REFUSED_IN_WINDOW if refused else len(self._said) >= MAX_IN_WINDOW
        if full:
            LOST.labels("too many").inc()
            return False
        self._said.add(what)
        self._refused += refused
        return True

    def _say(self, data: AccessFact, subject: str, key: tuple[str | int, ...]) -> None:
        if len(self._queue) >= MAX_QUEUED:
            LOST.labels("queue").inc()
            return
        now = self._clock.now_ms()
        self._queue.append(new_fact(data, subject, key, Origin("query", now, now)))
        self._more.set()
