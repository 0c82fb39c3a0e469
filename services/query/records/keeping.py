"""Opens the databases as soon as they can be had, and reads the bus into them: the log of facts, and the views."""

import asyncio
import contextlib
import fcntl
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from sqlalchemy import select
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncEngine

from libs.bus import Bus
from libs.contracts.streams import AUDIT, CAMERAS, EVENTS
from libs.observe import get_log
from services.query.records.archiver import write_log
from services.query.records.control import Control
from services.query.records.database import open_engine
from services.query.records.generations import next_number, opened, show, shown, views_url
from services.query.records.migrate import migrate
from services.query.records.projector import write_views
from services.query.records.reading import AWAY, PAUSE_FIRST, PAUSE_MOST, Reader, read_into
from services.query.records.rows import Away, Rows, open_rows
from services.query.records.tables import TABLES

FACTS = (CAMERAS, EVENTS, AUDIT)
"""Streams that the log keeps and the views show."""
LOOKED_EVERY, TOLD_EVERY = 1.0, 0.1
"""Seconds between two looks which generation is shown, and, where another process projects, how far it is."""
Role = Literal["all", "api", "projector"]
log = get_log()


class Taken(Exception):
    """Another process writes this SQLite database: there may be one."""


@dataclass(frozen=True, slots=True)
class Databases:
    """Open databases: the control database, the views of generation `number`, and a way to read each."""

    control: AsyncEngine
    views: AsyncEngine
    number: int
    rows: Rows
    control_rows: Rows


class Records:
    """The databases of a running query; `now` is None, and `problem` says why, while there are none."""

    def __init__(self, url: str, role: Role = "all") -> None:
        self.now: Databases | None = None
        self.problem = "the database is being opened"
        self.version = 0
        """Is another number whenever the views may say something else."""
        self._url, self._role = url, role
        self._moved, self._opened = asyncio.Event(), asyncio.Event()

    async def keep(self) -> None:
        """Open them, and the next generation when another is shown; for ever. Raises Taken."""
        pause = PAUSE_FIRST
        while True:
            try:
                async with databases(self._url, alone=self._role != "api") as self.now:
                    self.problem, pause = "", PAUSE_FIRST
                    self._move()
                    self._opened.set()
                    await self._watch(self.now)
            except AWAY as problem:
                log.warning("database_waited_for", reader="start", reason=type(problem).__name__, seconds=pause)
                self.problem = "the database does not answer"
                await asyncio.sleep(pause)
                pause = min(pause * 2, PAUSE_MOST)
            finally:
                self.now = None
                self._opened.clear()

    async def read(self, bus: Bus) -> None:
        """Bring what the bus says into whatever is open; for ever."""
        while self._role != "api":
            await self._opened.wait()
            if (now := self.now) is not None:
                reading = asyncio.create_task(self._read(bus, now))
                try:
                    while self.now is now:
                        await self.moved()
                finally:
                    reading.cancel()
                    with contextlib.suppress(asyncio.CancelledError):
                        await reading

    async def moved(self, since: int | None = None) -> None:
        """Wait until the views may say something else than now (or at version `since`), or are another generation."""
        if since is None or since == self.version:
            await self._moved.wait()

    def _move(self) -> None:
        self.version += 1
        self._moved.set()
        self._moved = asyncio.Event()

    async def _watch(self, now: Databases) -> None:
        """Returns when another generation is shown. A database that is away comes back by itself."""
        seen, looked = None, 0.0
        while True:
            await asyncio.sleep(TOLD_EVERY if self._role == "api" else LOOKED_EVERY)
            try:
                if self._role == "api" and seen != (seen := await _places(now)):
                    self._move()
                looked += TOLD_EVERY if self._role == "api" else LOOKED_EVERY
                if looked >= LOOKED_EVERY:
                    looked = 0.0
                    async with now.control.connect() as connection:
                        number = await shown(connection)
                    self.problem = ""
                    if number not in (None, now.number):
                        log.info("generation_shown", number=number)
                        return
            except (Away, *AWAY):
                self.problem = "the database does not answer"

    async def _read(self, bus: Bus, now: Databases) -> None:
        turn = asyncio.Lock()
        places = Control.metadata.tables["archived"]
        async with asyncio.TaskGroup() as readers:
            for stream in FACTS:
                archiver = Reader("archiver", now.control, places, write_log(stream.name), turn)
                readers.create_task(read_into(bus, stream, archiver))
                projector = Reader("projector", now.views, TABLES["checkpoints"], write_views, turn, self._move)
                readers.create_task(read_into(bus, stream, projector))


async def _places(now: Databases) -> list[tuple[object, ...]]:
    table = TABLES["checkpoints"]
    async with now.views.connect() as connection:
        return [tuple(row) for row in await connection.execute(select(table.c.stream, table.c.sequence))]


@asynccontextmanager
async def databases(url: str, *, alone: bool = True) -> AsyncIterator[Databases]:
    """The control database at its newest version, and the views that are shown: the first ones if there are none.

    `alone`: as the one process that writes a SQLite file; raises Taken when there is another.
    """
    async with AsyncExitStack() as stack:
        if alone and make_url(url).get_backend_name() == "sqlite":
            stack.callback(_alone(Path(make_url(url).database or "")).close)
        control = open_engine(url, durable=True)
        stack.push_async_callback(control.dispose)
        await migrate(control)
        async with control.begin() as connection:
            number = await shown(connection)
            if number is None:
                number = await next_number(connection)
                await show(connection, number)
        views = await stack.enter_async_context(opened(views_url(url, number)))
        rows = await stack.enter_async_context(open_rows(views_url(url, number)))
        yield Databases(control, views, number, rows, await stack.enter_async_context(open_rows(url)))


def _alone(database: Path) -> "Lock":
    """The lock of a SQLite database, which is held until it is closed."""
    database.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    return Lock(database.with_suffix(".lock"))


class Lock:
    """A file that one process holds; the kernel lets go of it when that dies."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("a")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as problem:
            self._file.close()
            raise Taken(
                f"{path.stem} is written by another process; name another DATABASE_URL, or stop it"
            ) from problem

    def close(self) -> None:
        """Let others have it."""
        self._file.close()
