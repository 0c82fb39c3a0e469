"""Puts facts into the views: inbox and rows in one transaction, so that each fact counts once.

What a batch says of a row is merged by `merging`, and with the row that stands by the database (`groups`).
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import TypeVar

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.bus import Received
from libs.contracts.envelope import Fact, FactError, NewerFact, decode
from services.query.records.database import insert_new
from services.query.records.groups import insert_ids, merge_rows
from services.query.records.merging import merged
from services.query.records.projection import changes
from services.query.records.reading import Unusable
from services.query.records.tables import TABLES

Item = TypeVar("Item")
NEWER, REGRESSED = "newer", "regressed"
"""Kinds of trouble."""
_ASKED = 300
"""Keys in one question: SQLite takes 999 values at least."""


async def project(connection: AsyncConnection, batch: Sequence[Fact]) -> list[Fact]:
    """Put the facts in; returns those that were new. The caller commits, with the place in the stream."""
    facts = {fact.id: fact for fact in batch}
    new = [facts[one] for one in await _receive(connection, list(facts))]
    await apply(connection, new)
    return new


async def apply(connection: AsyncConnection, facts: Iterable[Fact]) -> None:
    """Merge what the facts say into the rows; the inbox is another's work."""
    for name, rows in merged(chain.from_iterable(map(changes, facts))).items():
        await merge_rows(connection, name, [rows[key] for key in sorted(rows)])


async def _receive(connection: AsyncConnection, ids: Sequence[str]) -> Sequence[str]:
    """Put the ids into the inbox; returns those that were not there, which nearly always are all of them.

    So a server is asked only when some were there: that costs a seventh of the whole projection (measured).
    """
    if connection.dialect.name != "sqlite":
        async with connection.begin_nested() as attempt:
            if await insert_ids(connection, sorted(ids)) == len(ids):
                return ids
            await attempt.rollback()
    known = await _known(connection, ids)
    new = [one for one in ids if one not in known]
    await insert_ids(connection, new)
    return new


def read_fact(subject: str, body: bytes) -> Fact:
    """The fact of a message; what stands under another subject than its own was said by nobody who may say it.

    Raises FactError, for types and versions that this code does not know NewerFact.
    """
    fact = decode(body)
    if fact.nats_subject != subject:
        raise FactError(f"a fact of {fact.nats_subject} stands under {subject[:200]}")
    return fact


async def write_views(connection: AsyncConnection, _incarnation: str, messages: Sequence[Received]) -> None:
    """Project messages of a stream. Facts of newer types wait in the log, and are told. Raises Unusable."""
    facts, unusable = [], Unusable()
    newer: set[str] = set()
    for message in messages:
        try:
            facts.append(read_fact(message.subject, message.payload))
        except NewerFact as problem:
            newer.add(problem.type)
        except FactError as problem:
            unusable.found.append((message, str(problem)))
    if unusable.found:
        raise unusable
    await project(connection, facts)
    await tell_newer(connection, newer)


async def tell_newer(connection: AsyncConnection, types: Iterable[str]) -> None:
    """The views lack facts of these types: code that knows them can build views that have them."""
    await insert_new(connection, TABLES["troubles"], [{"kind": NEWER, "what": one[:255]} for one in sorted(types)])


async def tell_regressed(connection: AsyncConnection, stream: str) -> None:
    """The stream lost or changed its past: what these views hold may be more than what it says now."""
    await insert_new(connection, TABLES["troubles"], [{"kind": REGRESSED, "what": stream}])


async def _known(connection: AsyncConnection, ids: Sequence[str]) -> set[str]:
    column = TABLES["inbox"].c.fact_id
    known: set[str] = set()
    for some in _some(ids):
        known.update((await connection.execute(select(column).where(column.in_(some)))).scalars())
    return known


def _some(items: Iterable[Item]) -> Iterator[list[Item]]:
    rest = iter(items)
    while some := list(islice(rest, _ASKED)):
        yield some
