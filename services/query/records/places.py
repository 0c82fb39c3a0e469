"""Up to where streams were read, as a database keeps it."""

from collections.abc import Mapping

from sqlalchemy import Table, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from libs.bus import Place
from libs.contracts.streams import AUDIT, CAMERAS, EVENTS

FACTS = (CAMERAS, EVENTS, AUDIT)
"""Streams that the log keeps and the views show."""
Places = Mapping[str, Place]
"""Stream → the last message of it that was read."""


async def places_of(connection: AsyncConnection, table: Table) -> dict[str, Place]:
    """What stands in `archived` or `checkpoints`."""
    asked = select(table.c.stream, table.c.incarnation, table.c.sequence)
    return {stream: Place(made, sequence) for stream, made, sequence in await connection.execute(asked)}


async def read_places(engine: AsyncEngine, table: Table) -> dict[str, Place]:
    """The same, on a connection of its own."""
    async with engine.connect() as connection:
        return await places_of(connection, table)


def reaches(places: Places, others: Places) -> bool:
    """Are these at least as far as the others, in every stream?"""
    return all(not behind(places.get(stream), other) for stream, other in others.items())


def behind(place: Place | None, other: Place) -> bool:
    """Is it in another making of the stream, or before the other's place?"""
    return place is None or place.incarnation != other.incarnation or place.sequence < other.sequence
