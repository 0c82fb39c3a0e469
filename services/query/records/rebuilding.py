"""Builds the next generation of views beside the one that is shown, compares both, and shows the new one if it may.

Each step leaves what is shown as it is; only the last one is seen, and it is one row. Whoever dies in between leaves a
generation that nobody sees, and that the next rebuild drops.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from libs.bus import Bus
from libs.clock import real
from services.query.records.archiver import LOG
from services.query.records.comparing import Compared, Summed, compare
from services.query.records.database import open_engine, upsert
from services.query.records.filling import ARCHIVED, NotReached, Source, bring, fill
from services.query.records.generations import drop, next_number, numbers, opened, show, shown, views_url
from services.query.records.locks import only_builder
from services.query.records.places import FACTS, Places, behind, places_of, reaches, read_places
from services.query.records.tables import TABLES

WAITS = 60.0
"""Seconds in which the views that are shown must come as far as the log."""
FOLLOWED = 3.0
"""Seconds after which every process shows the new generation, so that nobody reads those that are dropped."""
_CHECKPOINTS = TABLES["checkpoints"]
Tell = Callable[[str, int, int], None]
"""What is being done, how many of how many facts or rows."""


class Impossible(Exception):
    """It cannot be built or compared now; what is shown is as it was."""


@dataclass(slots=True)
class Rebuilt:
    """What became of it. `shown`: people see it; `compared`: with the one before, which it `differ`s from so often."""

    number: int
    before: int
    facts: int = 0
    tail: int = 0
    compared: bool = True
    differ: int = 0
    odd: Sequence[str] = ()
    shown: bool = False
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    tables: Mapping[str, Summed] = field(default_factory=dict)


async def rebuild(url: str, bus: Bus | None, tell: Tell, *, accept: bool = False) -> Rebuilt:
    """Raises Impossible, Taken when another rebuild goes on, and what a database that is away raises.

    `accept`: show it although it differs, or cannot be compared.
    """
    began, used = real(), time.process_time()
    control = open_engine(url, durable=True)
    try:
        async with only_builder(control):
            done = await _Rebuild(url, control, bus, tell, accept).run()
    finally:
        await control.dispose()
    done.seconds, done.cpu_seconds = real() - began, time.process_time() - used
    return done


class _Rebuild:
    """One rebuild; nobody else builds meanwhile."""

    def __init__(self, url: str, control: AsyncEngine, bus: Bus | None, tell: Tell, accept: bool) -> None:
        self._url, self._control, self._tell, self._accept = url, control, tell, accept
        self._source = Source(FACTS, control, bus)

    async def run(self) -> Rebuilt:
        async with self._control.begin() as connection:
            before = await shown(connection)
            if before is None:
                raise Impossible("there are no views yet: start the site first")
            number = await next_number(connection)
            unfinished = [one for one in await numbers(connection) if before < one < number]
        for one in unfinished:
            await drop(self._control, self._url, one)
        live = open_engine(views_url(self._url, before))
        try:
            async with opened(views_url(self._url, number)) as views:
                done = await self._build(Rebuilt(number, before), live, views)
        finally:
            await live.dispose()
        if done.shown:
            await self._drop_older(before)
        return done

    async def _build(self, done: Rebuilt, live: AsyncEngine, views: AsyncEngine) -> Rebuilt:
        async with self._control.connect() as connection:
            total = await connection.scalar(select(func.count()).select_from(LOG)) or 0
        held, done.facts = await fill(self._control, views, lambda count: self._tell("log", count, total))
        try:
            here = await self._compare(done, live, views, held)
        except NotReached as problem:
            if not self._accept:
                raise Impossible(str(problem)) from problem
            done.compared, here = False, held
        if done.differ and not self._accept:
            return done
        here = await self._catch_up(done, live, views, here)
        async with self._control.begin() as connection:
            await show(connection, done.number)
        done.shown = True
        return done

    async def _compare(self, done: Rebuilt, live: AsyncEngine, views: AsyncEngine, held: Places) -> Places:
        """Bring the new views to where the live ones are at one moment, and compare them as they are then."""
        await self._wait_for(live, await read_places(self._control, ARCHIVED))
        async with _snapshot(live) as connection:
            here = await places_of(connection, _CHECKPOINTS)
            done.tail = await bring(views, self._source, held, here)
            await _keep(views, connection)
            rows = 0

            def count(more: int) -> None:
                nonlocal rows
                self._tell("compare", rows := rows + more, 0)

            async with views.connect() as new:
                found: Compared = await compare(connection, new, count)
        done.tables, done.odd, done.differ = found.tables, found.odd, found.differ
        return here

    async def _wait_for(self, live: AsyncEngine, places: Places) -> None:
        """Until the live views are as far as the log, of which more than asked for may be in the new ones."""
        end = real() + WAITS
        while not reaches(now := await read_places(live, _CHECKPOINTS), places):
            if real() > end:
                late = next(name for name, place in places.items() if behind(now.get(name), place))
                at, log_at = now[late].sequence if late in now else 0, places[late].sequence
                raise NotReached(f"the views stand at {late} {at}, the log at {log_at}: does query run?")
            self._tell("wait", 0, 0)
            await asyncio.sleep(0.2)

    async def _catch_up(self, done: Rebuilt, live: AsyncEngine, views: AsyncEngine, here: Places) -> Places:
        """What happened while they were compared, so that nobody waits for it. Who projects brings the very last."""
        for _ in range(3):
            try:
                async with _snapshot(live) as connection:
                    there = await places_of(connection, _CHECKPOINTS)
                    if reaches(here, there):
                        break
                    done.tail += await bring(views, self._source, here, there)
                    await _keep(views, connection)
                here = there
            except NotReached:
                break
        return here

    async def _drop_older(self, kept: int) -> None:
        async with self._control.connect() as connection:
            older = [one for one in await numbers(connection) if one < kept]
        if older:
            await asyncio.sleep(FOLLOWED)
        for one in older:
            await drop(self._control, self._url, one)


@asynccontextmanager
async def _snapshot(live: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """All that is read in it is of one moment, however long it takes, and nobody waits for it."""
    async with live.connect() as connection:
        if connection.dialect.name == "sqlite":
            await connection.exec_driver_sql("BEGIN")
        else:
            await connection.exec_driver_sql("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            await connection.exec_driver_sql("START TRANSACTION WITH CONSISTENT SNAPSHOT")
        try:
            yield connection
        finally:
            await connection.rollback()


async def _keep(views: AsyncEngine, live: AsyncConnection) -> None:
    """The new views stand where the live ones do."""
    places = [dict(row) for row in (await live.execute(select(_CHECKPOINTS))).mappings()]
    async with views.begin() as connection:
        await upsert(connection, _CHECKPOINTS, places)
