"""Reads a stream of facts into a database: each batch and the place where it ends are one transaction.

What comes again does no harm, so a log that lost or changed its past is told, and read again from its begin: the place
in it, which is a number, says nothing any more. What can never be used is parked before the place passes it.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial

from prometheus_client import Counter, Gauge
from sqlalchemy import Table, delete, select
from sqlalchemy.exc import DataError, InterfaceError, OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from libs.bus import Bus, BusError, NotStored, Place, Received, follow, id_at, park
from libs.clock import real
from libs.contracts.streams import StreamSpec
from libs.contracts.subjects import MSG_ID
from libs.observe import get_log
from services.query.records.database import upsert
from services.query.records.places import behind

CHECKED_EVERY = 30.0
"""Real seconds between two looks whether the log still holds what was read last."""
PAUSE_FIRST, PAUSE_MOST = 0.2, 5.0
"""Seconds before a database or a bus that does not take it is asked again."""
UNFIT = (DataError, OverflowError)
"""What a value that no column holds makes it raise: a word of a thousand letters, a number of forty digits."""
AWAY = (OperationalError, InterfaceError, OSError)
"""What a database that does not answer, or refuses for now, makes its driver raise."""
PARKED_BY = "records"
_ID = 64
"""Of a message's id so many characters are kept: those of facts have 36."""
READ_ANEW = Gauge("dolbom_log_read_anew", "Has this stream lost or changed its past? (1 = yes)", ["stream"])
WAITED = Counter("dolbom_database_retries_total", "Batches that the database did not take at once", ["reader"])
UNUSABLE = Counter("dolbom_records_parked_total", "Messages that can never be kept or shown", ["reader", "stream"])
log = get_log()

Write = Callable[[AsyncConnection, str, Sequence[Received]], Awaitable[None]]
"""Puts messages of an incarnation of the stream into the database; the reader commits. May raise Unusable first."""
Mark = Callable[[AsyncConnection, str], Awaitable[None]]
"""Keeps in the database that this stream lost or changed its past; the reader commits."""


class Unusable(Exception):
    """These messages can never be used, and why; nothing was written yet."""

    def __init__(self) -> None:
        super().__init__("messages that can never be used")
        self.found: list[tuple[Received, str]] = []


async def _no_mark(_connection: AsyncConnection, _stream: str) -> None:
    """Nothing is kept."""


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
    mark: Mark = _no_mark


class _Changed(Exception):
    """The log does not hold what was read from it."""


async def read_into(bus: Bus, stream: StreamSpec, reader: Reader) -> None:
    """For ever."""
    after = await _place(reader, stream.name)
    while True:
        try:
            await _Reading(bus, stream, reader, after).read()
        except _Changed as problem:
            log.error("log_regressed", reader=reader.name, stream=stream.name, reason=str(problem))
            READ_ANEW.labels(stream.name).set(1)
            await _in_turn(reader, partial(_begin_anew, reader, stream.name))
            after = None


async def _begin_anew(reader: Reader, stream: str, connection: AsyncConnection) -> None:
    """Told once: the place goes too, for a stream that says nothing new would leave it where it is."""
    await reader.mark(connection, stream)
    await connection.execute(delete(reader.places).where(reader.places.c.stream == stream))


class _Reading:
    """One reader's way through one stream, until that is found to be another one."""

    def __init__(self, bus: Bus, stream: StreamSpec, reader: Reader, after: Place | None) -> None:
        self._bus, self._stream, self._reader, self._after = bus, stream, reader, after
        self._checked: tuple[float, int] | None = None
        """When the log was looked at last, and on which connection."""

    async def read(self) -> None:
        """Raises _Changed."""
        bus, stream = self._bus, self._stream
        async with aclosing(follow(bus, stream.name, stream.subjects, after=self._after)) as batches:
            async for batch in batches:
                if batch.anew:
                    raise _Changed("the stream was made anew or is shorter than what was read")
                await self._check()
                if batch.messages:
                    await self._keep(batch.incarnation, batch.messages)
                    if behind(self._after, here := Place(batch.incarnation, batch.messages[-1].sequence)):
                        self._after = here

    async def _check(self) -> None:
        """At the start, on a new connection and now and then: does what was read last still stand in its place?"""
        now = real()
        if self._checked and now - self._checked[0] < CHECKED_EVERY and self._checked[1] == self._bus.generation:
            return
        table, generation = self._reader.places, self._bus.generation
        asked = select(table).where(table.c.stream == self._stream.name)
        try:
            async with self._reader.engine.connect() as connection:
                row = (await connection.execute(asked)).one_or_none()
            stands = await id_at(self._bus, self._stream.name, row.sequence) if row else None
        except (NotStored, *AWAY):
            return  # asked again with the next batch
        if row and self._after and stands is not None and stands[:_ID] != row.fact_id:
            raise _Changed(f"message {row.sequence} is another than the one that was read")
        self._checked = (now, generation)

    async def _keep(self, incarnation: str, messages: Sequence[Received]) -> None:
        """Write until the database takes it. What is read again does not move the place back: it holds all up to it."""
        reader, last = self._reader, messages[-1]
        further = behind(self._after, Place(incarnation, last.sequence))
        place = {"stream": self._stream.name, "incarnation": incarnation, "sequence": last.sequence}

        async def write(connection: AsyncConnection) -> None:
            await reader.write(connection, incarnation, messages)
            if further:
                await upsert(connection, reader.places, [{**place, "fact_id": last.headers.get(MSG_ID, "")[:_ID]}])

        while True:
            try:
                await _in_turn(reader, write)
                reader.tell()
                return
            except Unusable as problem:
                found = problem.found
            except UNFIT as problem:
                if len(messages) > 1:  # which one?
                    for number in range(len(messages)):
                        await self._keep(incarnation, messages[number : number + 1])
                    return
                found = [(messages[0], f"the database cannot hold it ({type(problem).__name__})")]
            for message, reason in found:
                await self._set_aside(incarnation, message, reason)
            set_aside = {message.sequence for message, _ in found}
            messages = [message for message in messages if message.sequence not in set_aside]

    async def _set_aside(self, incarnation: str, message: Received, reason: str) -> None:
        """Park it, as often as it takes; not again what was passed before (a reader that comes back reads some twice).

        Archiver and projector say the same of a message, so the copies of both are one.
        """
        after, stream, pause = self._after, self._stream.name, PAUSE_FIRST
        if after and after.incarnation == incarnation and message.sequence <= after.sequence:
            return
        while True:
            try:
                await park(self._bus, message, (stream, incarnation, PARKED_BY), "undecodable", reason)
                UNUSABLE.labels(self._reader.name, stream).inc()
                return
            except BusError as problem:
                log.warning("not_parked", stream=stream, sequence=message.sequence, reason=str(problem), seconds=pause)
                await asyncio.sleep(pause)
                pause = min(pause * 2, PAUSE_MOST)


async def _in_turn(reader: Reader, write: Callable[[AsyncConnection], Awaitable[None]]) -> None:
    """One transaction, until the database takes it."""
    pause = PAUSE_FIRST
    while True:
        try:
            async with reader.turn, reader.engine.begin() as connection:
                await write(connection)
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
