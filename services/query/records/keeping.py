"""Opens the databases as soon as they can be had, and reads the bus into them: the log of facts, and the views."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncEngine

from libs.bus import Bus
from libs.observe import get_log
from services.query.records.archiver import write_log
from services.query.records.control import Control
from services.query.records.database import open_engine
from services.query.records.generations import next_number, opened, show, shown, views_url
from services.query.records.locks import Taken, only_maker, only_writer
from services.query.records.migrate import migrate
from services.query.records.places import FACTS, Places, reaches, read_places
from services.query.records.projector import tell_regressed, write_views
from services.query.records.reading import AWAY, PAUSE_FIRST, PAUSE_MOST, Reader, read_into
from services.query.records.rows import Away, Rows, open_rows
from services.query.records.tables import TABLES
from services.query.records.troubles import measure, read_troubles, worry

__all__ = ["FACTS", "Databases", "Records", "Role", "Taken", "databases"]
LOOKED_EVERY, TOLD_EVERY = 0.5, 0.1
"""Seconds between two looks which generation is shown, and, where another process projects, how far it is."""
LEVEL_WITHIN = 5.0
"""Seconds that a new generation may take to come as far as the one before; without a bus it cannot."""
LINGERS = 5.0
"""Seconds that the one before stays open, for questions that were asked before another was shown."""
Role = Literal["all", "api", "projector"]
log = get_log()


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
        self.worry = ""
        """What is wrong with the views that are shown, for as long as they are; empty when nothing is."""
        self.version = 0
        """Is another number whenever the views may say something else."""
        self._url, self._role = url, role
        self._written: Databases | None = None
        """What is read into: when another generation is shown, that one, a moment before people see it."""
        self._moved, self._turned = asyncio.Event(), asyncio.Event()
        self._leaving: set[asyncio.Task[None]] = set()

    async def keep(self) -> None:
        """Open them, and the next generation when another is shown; for ever. Raises Taken."""
        pause = PAUSE_FIRST
        while True:
            try:
                async with _control(self._url, alone=self._role != "api") as control:
                    pause = PAUSE_FIRST
                    await self._keep(*control)
            except AWAY as problem:
                log.warning("database_waited_for", reader="start", reason=type(problem).__name__, seconds=pause)
                self.problem = "the database does not answer"
                await asyncio.sleep(pause)
                pause = min(pause * 2, PAUSE_MOST)
            finally:
                self.now = None
                self._write(None)

    async def read(self, bus: Bus) -> None:
        """Bring what the bus says into whatever is open; for ever."""
        while self._role != "api":
            turned, now = self._turned, self._written
            reading = asyncio.create_task(self._read(bus, now)) if now else None
            waiting = asyncio.create_task(turned.wait())
            try:
                await asyncio.wait([one for one in (reading, waiting) if one], return_when=asyncio.FIRST_COMPLETED)
                if reading and reading.done():
                    reading.result()
            finally:
                for one in (reading, waiting):
                    if one:
                        one.cancel()
                        with contextlib.suppress(asyncio.CancelledError):
                            await one

    async def moved(self, since: int | None = None) -> None:
        """Wait until the views may say something else than now (or at version `since`), or are another generation."""
        if since is None or since == self.version:
            await self._moved.wait()

    def _move(self) -> None:
        self.version += 1
        self._moved.set()
        self._moved = asyncio.Event()

    def _write(self, databases: Databases | None) -> None:
        self._written = databases
        self._turned.set()
        self._turned = asyncio.Event()

    async def _keep(self, control: AsyncEngine, control_rows: Rows) -> None:
        """One generation after the other; a question that was asked of the one before is still answered."""
        before: tuple[Databases, AsyncExitStack] | None = None
        try:
            while True:
                async with AsyncExitStack() as opening:
                    now = await _generation(self._url, await _number(control), control, control_rows, opening)
                    measure(await read_troubles(now.views), anew=True)
                    self._write(now)
                    if before:
                        await _level(now, before[0])
                        self._leave(before[1])
                    before = (now, opening.pop_all())
                self.now, self.problem = now, ""
                self._move()
                await self._watch(now)
        finally:
            for task in self._leaving:
                task.cancel()
            await asyncio.gather(*self._leaving, return_exceptions=True)
            if before:
                await before[1].aclose()

    def _leave(self, stack: AsyncExitStack) -> None:
        async def leave() -> None:
            try:
                await asyncio.sleep(LINGERS)
            finally:
                await stack.aclose()

        task = asyncio.create_task(leave())
        self._leaving.add(task)
        task.add_done_callback(self._leaving.discard)

    async def _watch(self, now: Databases) -> None:
        """Returns when another generation is shown. A database that is away comes back by itself."""
        seen, looked = None, LOOKED_EVERY
        while True:
            try:
                if self._role == "api" and seen != (seen := await read_places(now.views, TABLES["checkpoints"])):
                    self._move()
                if looked >= LOOKED_EVERY:
                    looked = 0.0
                    number, troubles = await _number(now.control), await read_troubles(now.views)
                    measure(troubles)
                    self.worry, self.problem = worry(troubles), ""
                    if number != now.number:
                        log.info("generation_shown", number=number)
                        return
            except (Away, *AWAY):
                self.problem = "the database does not answer"
            pause = TOLD_EVERY if self._role == "api" else LOOKED_EVERY
            await asyncio.sleep(pause)
            looked += pause

    async def _read(self, bus: Bus, now: Databases) -> None:
        turn = asyncio.Lock()
        archived, checkpoints = Control.metadata.tables["archived"], TABLES["checkpoints"]
        async with asyncio.TaskGroup() as readers:
            for stream in FACTS:
                archiver = Reader("archiver", now.control, archived, write_log(stream.name), turn)
                readers.create_task(read_into(bus, stream, archiver))
                projector = Reader("projector", now.views, checkpoints, write_views, turn, self._move, tell_regressed)
                readers.create_task(read_into(bus, stream, projector))


async def _level(now: Databases, before: Databases) -> None:
    """Wait until a generation has come as far as the one before it: nobody sees what is older than they saw."""

    async def both() -> tuple[Places, Places]:
        table = TABLES["checkpoints"]
        return await read_places(now.views, table), await read_places(before.views, table)

    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(LEVEL_WITHIN):
            while not reaches(*await both()):  # noqa: ASYNC110 - perhaps another process's work
                await asyncio.sleep(0.02)


@asynccontextmanager
async def _control(url: str, *, alone: bool) -> AsyncIterator[tuple[AsyncEngine, Rows]]:
    """The control database at its newest version. Raises Taken when `alone` cannot be."""
    async with AsyncExitStack() as stack:
        if alone and make_url(url).get_backend_name() == "sqlite":
            stack.callback(only_writer(Path(make_url(url).database or "")).close)
        control = open_engine(url, durable=True)
        stack.push_async_callback(control.dispose)
        async with only_maker(control):
            await migrate(control)
            await _number(control)
        yield control, await stack.enter_async_context(open_rows(url))


async def _number(control: AsyncEngine) -> int:
    """The generation that is shown; there is one from now on."""
    async with control.connect() as connection:
        number = await shown(connection)
    if number is None:
        async with control.begin() as connection:
            number = await next_number(connection)
            await show(connection, number)
    return number


async def _generation(
    url: str, number: int, control: AsyncEngine, control_rows: Rows, stack: AsyncExitStack
) -> Databases:
    """Open its views; they are closed with the stack."""
    async with only_maker(control):
        views = await stack.enter_async_context(opened(views_url(url, number)))
    rows = await stack.enter_async_context(open_rows(views_url(url, number)))
    return Databases(control, views, number, rows, control_rows)


@asynccontextmanager
async def databases(url: str, *, alone: bool = True) -> AsyncIterator[Databases]:
    """The control database at its newest version, and the views that are shown: the first ones if there are none.

    `alone`: as the one process that writes a SQLite file; raises Taken when there is another.
    """
    async with AsyncExitStack() as stack:
        control, control_rows = await stack.enter_async_context(_control(url, alone=alone))
        yield await _generation(url, await _number(control), control, control_rows, stack)
