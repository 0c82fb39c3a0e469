"""Reads a stream of facts into a database: each batch and the place where it ends are one transaction.

What comes again does no harm, so a log that lost or changed its past is told, and read again from its begin: the place
in it, which is a number, says nothing any more.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass

from prometheus_client import Counter, Gauge
from sqlalchemy import Table, select
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from libs.bus import Bus, NotStored, Place, Received, follow, id_at
from libs.clock import real
from libs.contracts.streams import StreamSpec
from libs.contracts.subjects import MSG_ID
from libs.observe import get_log
from services.query.records.database import upsert

CHECKED_EVERY = 30.0
"""Real seconds between two looks whether the log still holds what was read last."""
PAUSE_FIRST, PAUSE_MOST = 0.2, 5.0
"""Seconds before a database that does not answer is asked again."""
AWAY = (OperationalError, InterfaceError, OSError)
"""What a database that does not answer, or refuses for now, makes its driver raise."""
REGRESSED = Gauge("dolbom_log_read_anew", "Has this stream lost or changed its past? (1 = yes)", ["reader", "stream"])
WAITED = Counter("dolbom_database_retries_total", "Batches that the database did not take at once", ["reader"])
log = get_log()

Write = Callable[[AsyncConnection, str, Sequence[Received]], Awaitable[None]]
"""Puts messages of an incarnation of the stream into the database; the reader commits."""


@dataclass(frozen=True, slots=True)
class Reader:
    """Who reads into which database; `places` is the table that holds how far. One writes at a time.

    `tell` is called after each commit.
    """

    name: str
    engine: AsyncEngine
    places: Table
    write: Write
    turn: asyncio.Lock
    tell: Callable[[], None] = lambda: None


class _Changed(Exception):
    """The log does not hold what was read from it."""


async def read_into(bus: Bus, stream: StreamSpec, reader: Reader) -> None:
    """For ever."""
    told = REGRESSED.labels(reader.name, stream.name)
    told.set(0)
    after = await _place(reader, stream.name)
    while True:
        try:
            await _read(bus, stream, reader, after)
        except _Changed as problem:
            log.error("log_regressed", reader=reader.name, stream=stream.name, reason=str(problem))
            told.set(1)
            after = None


async def _read(bus: Bus, stream: StreamSpec, reader: Reader, after: Place | None) -> None:
    checked = 0.0
    async with aclosing(follow(bus, stream.name, stream.subjects, after=after)) as batches:
        async for batch in batches:
            if batch.anew:
                raise _Changed("the stream was made anew or is shorter than what was read")
            if real() - checked >= CHECKED_EVERY and after is not None:
                await _check(bus, stream.name, reader)
                checked = real()
            if batch.messages:
                await _keep(reader, stream.name, batch.incarnation, batch.messages)
                after = Place(batch.incarnation, batch.messages[-1].sequence)


async def _check(bus: Bus, stream: str, reader: Reader) -> None:
    """Does the message that was read last still stand in its place?"""
    table = reader.places
    try:
        async with reader.engine.connect() as connection:
            row = (await connection.execute(select(table).where(table.c.stream == stream))).one()
        stands = await id_at(bus, stream, row.sequence)
    except (NotStored, *AWAY):
        return  # asked again at the next look
    if stands is not None and stands != row.fact_id:
        raise _Changed(f"message {row.sequence} is another than the one that was read")


async def _keep(reader: Reader, stream: str, incarnation: str, messages: Sequence[Received]) -> None:
    """Write until the database takes it."""
    last, pause = messages[-1], PAUSE_FIRST
    place = {"stream": stream, "incarnation": incarnation, "sequence": last.sequence}
    while True:
        try:
            async with reader.turn, reader.engine.begin() as connection:
                await reader.write(connection, incarnation, messages)
                await upsert(connection, reader.places, [{**place, "fact_id": last.headers.get(MSG_ID, "")}])
            reader.tell()
            return
        except AWAY as problem:
            WAITED.labels(reader.name).inc()
            log.warning("database_waited_for", reader=reader.name, reason=type(problem).__name__, seconds=pause)
            await asyncio.sleep(pause)
            pause = min(pause * 2, PAUSE_MOST)


async def _place(reader: Reader, stream: str) -> Place | None:
    """Up to where the database holds the stream."""
    table, pause = reader.places, PAUSE_FIRST
    while True:
        try:
            async with reader.engine.connect() as connection:
                row = (await connection.execute(select(table).where(table.c.stream == stream))).one_or_none()
            return Place(row.incarnation, row.sequence) if row else None
        except AWAY:
            await asyncio.sleep(pause)
            pause = min(pause * 2, PAUSE_MOST)
