"""Puts facts into a generation of views that is being built: all of the log, then what followed."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Sequence
from contextlib import aclosing

from sqlalchemy import Row, Table, and_, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from libs.bus import Bus, Place, follow
from libs.contracts.envelope import Fact, FactError, NewerFact
from libs.contracts.streams import StreamSpec
from services.query.records.archiver import LOG
from services.query.records.control import Control
from services.query.records.database import upsert
from services.query.records.groups import insert_ids
from services.query.records.places import Places, behind, read_places
from services.query.records.projector import apply, project, read_fact, tell_newer
from services.query.records.reading import UNFIT
from services.query.records.tables import TABLES

READ = 2000
"""Facts in one transaction. Half as many cost a tenth more, twice as many no less (measured on MariaDB)."""
_NOTED, _SAID = 100_000, 5000
"""Facts that are put into the inbox together, in the order of their ids: one by one, each would be a page of its own.
So many of them are one statement."""
SILENT_FOR = 30.0
"""Real seconds without a word after which a bus is taken for one that does not answer."""
ARCHIVED: Table = Control.metadata.tables["archived"]
Said = tuple[str, bytes]
"""Subject and body of a fact."""


class NotReached(Exception):
    """What followed the log cannot be had, and why."""


async def fill(control: AsyncEngine, views: AsyncEngine, tell: Callable[[int], None]) -> tuple[Places, int]:
    """Put all facts of the log into empty views.

    Returns up to where that is everything (more may be in it), and how many facts there were.
    """
    async with control.connect() as connection:
        rows = [dict(row) for row in (await connection.execute(select(ARCHIVED))).mappings()]
        streams = (await connection.execute(select(LOG.c.stream, LOG.c.incarnation).distinct())).all()
    count, known = 0, list[str]()
    for stream, incarnation in streams:
        async with aclosing(_in_order(control, stream, incarnation)) as pieces:
            async for some in pieces:
                known += await _put(views, _bodies(some), apply)  # the log has each fact once
                tell(count := count + len(some))
                if len(known) >= _NOTED:
                    await _note(views, known)
                    known.clear()
    await _note(views, known)
    async with views.begin() as connection:
        await upsert(connection, TABLES["checkpoints"], rows)
    return await read_places(views, TABLES["checkpoints"]), count


async def bring(views: AsyncEngine, source: "Source", begin: Places, end: Places) -> int:
    """Bring views that hold everything up to `begin` to `end`, and not beyond; returns how many facts that were.

    Raises NotReached.
    """
    count = 0
    for stream in source.streams:
        after, upto = begin.get(stream.name), end.get(stream.name)
        if upto is None or not behind(after, upto):
            continue
        if after and after.incarnation != upto.incarnation:
            after = None
        async with aclosing(source.facts(stream, after, upto)) as batches:
            async for some in batches:
                await _put(views, some, project)
                count += len(some)
    return count


class Source:
    """Where facts that follow come from: the bus, or, where there is none, what the archiver adds to the log."""

    def __init__(self, streams: Sequence[StreamSpec], control: AsyncEngine, bus: Bus | None) -> None:
        self.streams = streams
        self._control, self._bus = control, bus

    def facts(self, stream: StreamSpec, after: Place | None, upto: Place) -> AsyncGenerator[list[Said], None]:
        """What stands after one place and up to the other. Raises NotReached."""
        if self._bus is None:
            return _of_log(self._control, stream.name, after, upto)
        return _of_bus(self._bus, stream, after, upto)


async def _of_log(
    control: AsyncEngine, stream: str, after: Place | None, upto: Place
) -> AsyncGenerator[list[Said], None]:
    place = (await read_places(control, ARCHIVED)).get(stream)
    if behind(place, upto):
        raise NotReached(f"the log of {stream} ends before the views that are shown, and no bus is there for the rest")
    pieces = _in_order(control, stream, upto.incarnation, after.sequence if after else 0, upto.sequence)
    async with aclosing(pieces):
        async for some in pieces:
            yield _bodies(some)


_Entry = Row[int, str, str, bytes | None]


async def _in_order(
    control: AsyncEngine, stream: str, incarnation: str, after: int = 0, upto: int | None = None
) -> AsyncGenerator[Sequence[_Entry], None]:
    """The log of one of the streams that had this name, as it was written: what a row is told of stands together."""
    asked = select(LOG.c.sequence, LOG.c.event_id, LOG.c.subject, LOG.c.body).limit(READ)
    asked = asked.where(LOG.c.stream == stream, LOG.c.incarnation == incarnation)
    asked = asked.order_by(LOG.c.sequence, LOG.c.event_id)
    if upto is not None:
        asked = asked.where(LOG.c.sequence <= upto)
    begin = LOG.c.sequence > after
    while True:
        async with control.connect() as connection:
            found = (await connection.execute(asked.where(begin))).all()
        if not found:
            return
        yield found
        last = found[-1]
        begin = and_(
            LOG.c.sequence >= last.sequence, or_(LOG.c.sequence > last.sequence, LOG.c.event_id > last.event_id)
        )


def _bodies(entries: Sequence[_Entry]) -> list[Said]:
    """Without those that were erased."""
    return [(entry.subject, entry.body) for entry in entries if entry.body is not None]


async def _of_bus(bus: Bus, stream: StreamSpec, after: Place | None, upto: Place) -> AsyncGenerator[list[Said], None]:
    try:
        async with (
            asyncio.timeout(SILENT_FOR) as silence,
            aclosing(follow(bus, stream.name, stream.subjects, after=after)) as batches,
        ):
            async for batch in batches:
                silence.reschedule(asyncio.get_running_loop().time() + SILENT_FOR)
                if batch.anew or batch.incarnation != upto.incarnation:
                    raise NotReached(f"{stream.name} lost or changed its past; query reads it again")
                yield [(one.subject, one.payload) for one in batch.messages if one.sequence <= upto.sequence]
                if batch.caught_up or (batch.messages and batch.messages[-1].sequence >= upto.sequence):
                    return
    except TimeoutError as problem:
        raise NotReached(f"the bus gave nothing of {stream.name} for {SILENT_FOR:g} s") from problem


async def _put(
    views: AsyncEngine, said: Sequence[Said], write: Callable[[AsyncConnection, list[Fact]], Awaitable[object]]
) -> list[str]:
    """The ids of those that were put in. What can never be used was parked when it came; it shows nowhere."""
    facts, newer = [], set()
    for subject, body in said:
        try:
            facts.append(read_fact(subject, body))
        except NewerFact as problem:
            newer.add(problem.type)
        except FactError:
            continue
    try:
        async with views.begin() as connection:
            await write(connection, facts)
            await tell_newer(connection, newer)
    except UNFIT:
        if len(said) == 1:
            return []
        return [one for alone in said for one in await _put(views, [alone], write)]
    return [fact.id for fact in facts]


async def _note(views: AsyncEngine, known: Iterable[str]) -> None:
    """Put facts into the inbox."""
    ordered = sorted(known)
    async with views.begin() as connection:
        for begin in range(0, len(ordered), _SAID):
            await insert_ids(connection, ordered[begin : begin + _SAID])
