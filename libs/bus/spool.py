"""Facts that the bus does not take wait on disk: fsynced, in order, bounded, and said again with the same ids."""

import asyncio
import contextlib
import os
from collections import deque
from dataclasses import dataclass
from pathlib import Path

from prometheus_client import Counter, Gauge

from libs.bus.cancellation import obey_cancellation
from libs.bus.connection import Bus
from libs.bus.errors import BusError, Conflict, NotStored, Refused, TooLarge
from libs.bus.publish import publish_fact
from libs.contracts.envelope import Fact, FactError, decode, encode
from libs.observe import get_log

MAX_FACTS = 20_000
MAX_BYTES = 256 << 20
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 5.0
log = get_log()
_waiting = Gauge("dolbom_spool_facts", "Facts that wait on disk for the bus")
_full = Counter("dolbom_spool_full_total", "Facts that neither the bus nor the disk took")
_refused = Counter("dolbom_spool_refused_total", "Facts that waited, and that the bus will never take")


class NotKept(BusError):
    """Neither the bus nor the disk took the fact: it was not accepted."""


@dataclass(frozen=True, slots=True)
class _Waiting:
    path: Path
    size: int


class Spool:
    """The facts of one writer that wait for the bus, in a folder of its own (`DATA/spool/<service>`).

    One file per fact, `<number>-<id>.fact`: the stream to read a duplicate back from on the first line, then the
    bytes of the fact. A crash between publishing and removal only says a fact twice, with the same id.
    """

    def __init__(self, folder: Path, bus: Bus, *, max_facts: int = MAX_FACTS, max_bytes: int = MAX_BYTES) -> None:
        """Find what an earlier process left; raises OSError when the folder cannot be had."""
        self._folder, self._bus, self._max_facts, self._max_bytes = folder, bus, max_facts, max_bytes
        folder.mkdir(parents=True, exist_ok=True)
        for half in folder.glob("*.part"):
            half.unlink()
        left = sorted(folder.glob("*.fact"))
        self._queue = deque(_Waiting(path, path.stat().st_size) for path in left)
        self._number = int(left[-1].name.split("-", 1)[0]) if left else 0
        self._bytes = sum(one.size for one in self._queue)
        self._order, self._work = asyncio.Lock(), asyncio.Event()
        self._count()

    @property
    def waiting(self) -> int:
        """How many facts wait."""
        return len(self._queue)

    async def say(self, fact: Fact, read_back: str | None = None) -> None:
        """Returns when the fact is on the bus or on disk; facts arrive in the order in which they were said.

        `read_back` as in `publish_fact`. Raises NotKept when there is no room; Refused, TooLarge, Conflict or FactError
        when the bus will never take it (one that waited is then set aside in `refused/` instead).
        """
        body = encode(fact)
        async with self._order:
            if not self._queue:
                with contextlib.suppress(NotStored):
                    await publish_fact(self._bus, fact, read_back)
                    return
            await self._keep(fact.id, (read_back or "").encode() + b"\n" + body)

    async def run(self) -> None:
        """Bring what waits to the bus, oldest first; until cancelled."""
        pause = FIRST_PAUSE
        while True:
            obey_cancellation()
            await self._work.wait()
            await self._bus.usable()
            try:
                await self._say_oldest()
                pause = FIRST_PAUSE
            except (NotStored, OSError) as problem:
                if pause == FIRST_PAUSE:
                    log.warning("spool_waits", facts=self.waiting, reason=str(problem))
                await asyncio.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE)

    async def _say_oldest(self) -> None:
        oldest = self._queue[0]
        try:
            stream, _, body = (await asyncio.to_thread(oldest.path.read_bytes)).partition(b"\n")
            await publish_fact(self._bus, decode(body), stream.decode() or None)
        except (Refused, TooLarge, Conflict, FactError, UnicodeDecodeError) as problem:
            log.error("spooled_fact_refused", file=oldest.path.name, reason=str(problem))
            _refused.inc()
            await asyncio.to_thread(_set_aside, oldest.path)
        except FileNotFoundError:
            log.error("spooled_fact_missing", file=oldest.path.name)
        else:
            await asyncio.to_thread(_remove, oldest.path)
        self._queue.popleft()
        self._bytes -= oldest.size
        self._count()

    async def _keep(self, name: str, content: bytes) -> None:
        if len(self._queue) >= self._max_facts or self._bytes + len(content) > self._max_bytes:
            _full.inc()
            raise NotKept(f"the spool {self._folder} is full: {self.waiting} facts, {self._bytes} bytes")
        self._number += 1
        path = self._folder / f"{self._number:012d}-{name}.fact"
        try:
            await asyncio.to_thread(_write, path, content)
        except OSError as problem:
            _full.inc()
            raise NotKept(f"the spool {self._folder} cannot be written: {problem.strerror or problem}") from problem
        self._queue.append(_Waiting(path, len(content)))
        self._bytes += len(content)
        self._count()
        if self.waiting == 1:
            log.warning("spool_begun", folder=str(self._folder))

    def _count(self) -> None:
        _waiting.set(len(self._queue))
        if self._queue:
            self._work.set()
        else:
            self._work.clear()


def _write(path: Path, content: bytes) -> None:
    """Whole under its name, or not there."""
    part = path.with_suffix(".part")
    try:
        with part.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        part.rename(path)
    except OSError:
        part.unlink(missing_ok=True)
        raise
    _sync(path.parent)


def _remove(path: Path) -> None:
    path.unlink(missing_ok=True)
    _sync(path.parent)


def _set_aside(path: Path) -> None:
    aside = path.parent / "refused"
    aside.mkdir(exist_ok=True)
    path.rename(aside / path.name)
    _sync(aside)
    _sync(path.parent)


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
