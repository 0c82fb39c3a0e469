"""Keeps the log of facts and the views: opens the databases as soon as they can be had, and reads the bus into them."""

import asyncio
import fcntl
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

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
from services.query.records.tables import TABLES

LOGGED, SHOWN = (CAMERAS, EVENTS, AUDIT), (CAMERAS, EVENTS)
"""Streams that the log keeps, and those that views show."""
log = get_log()


class Taken(Exception):
    """Another process writes this SQLite database: there may be one."""


async def keep_records(bus: Bus, url: str) -> None:
    """For ever; raises Taken. `url` is the control database's."""
    pause = PAUSE_FIRST
    while True:
        try:
            async with databases(url) as (control, views):
                pause = PAUSE_FIRST
                await _read(bus, control, views)
        except AWAY as problem:
            log.warning("database_waited_for", reader="start", reason=type(problem).__name__, seconds=pause)
        await asyncio.sleep(pause)
        pause = min(pause * 2, PAUSE_MOST)


@asynccontextmanager
async def databases(url: str) -> AsyncIterator[tuple[AsyncEngine, AsyncEngine]]:
    """The control database at its newest version, and the views that are shown: the first ones if there are none."""
    async with AsyncExitStack() as stack:
        if make_url(url).get_backend_name() == "sqlite":
            stack.callback(_alone(Path(make_url(url).database or "")).close)
        control = open_engine(url)
        stack.push_async_callback(control.dispose)
        await migrate(control)
        async with control.begin() as connection:
            number = await shown(connection)
            if number is None:
                number = await next_number(connection)
                await show(connection, number)
        yield control, await stack.enter_async_context(opened(views_url(url, number)))


async def _read(bus: Bus, control: AsyncEngine, views: AsyncEngine) -> None:
    turn = asyncio.Lock()
    places = Control.metadata.tables["archived"]
    async with asyncio.TaskGroup() as readers:
        for stream in LOGGED:
            archiver = Reader("archiver", control, places, write_log(stream.name), turn)
            readers.create_task(read_into(bus, stream, archiver))
        for stream in SHOWN:
            projector = Reader("projector", views, TABLES["checkpoints"], write_views, turn)
            readers.create_task(read_into(bus, stream, projector))


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
