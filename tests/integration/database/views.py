"""Views in a database of a test: made, and read whole."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.query.records.database import open_engine
from services.query.records.merging import Key, Row
from services.query.records.tables import TABLES, Views

Fresh = Callable[[], Awaitable[str]]
"""The URL of a database that is empty."""


async def create(url: str, name: str) -> None:
    """A database of this name on a server."""
    engine = open_engine(url)
    async with engine.begin() as connection:
        await connection.execute(text(f"CREATE DATABASE {name} CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci"))
    await engine.dispose()


@asynccontextmanager
async def views(url: str) -> AsyncIterator[AsyncEngine]:
    """An engine on a database with the tables of a generation."""
    engine = open_engine(url)
    try:
        async with engine.begin() as connection:
            await connection.run_sync(Views.metadata.create_all)
        yield engine
    finally:
        await engine.dispose()


async def read_all(connection: AsyncConnection) -> dict[tuple[str, Key], Row]:
    """Every row of every view, by table and key; columns that hold nothing are left out."""
    rows: dict[tuple[str, Key], Row] = {}
    for name, table in TABLES.items():
        keys = [column.name for column in table.primary_key]
        for found in (await connection.execute(select(table))).mappings():
            row = {at: value for at, value in found.items() if value is not None}
            rows[name, tuple(found[key] for key in keys)] = row
    return rows
