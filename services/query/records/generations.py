"""Generations of views: each is a database of its own, made whole; one of them is shown.

A rebuild makes the next one beside it from the log of facts, while the present one is read and written.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from sqlalchemy import Connection, Table, func, select, text, update
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from libs.contracts.envelope import Fact, FactError, decode
from services.query.records.archiver import logged
from services.query.records.control import Control
from services.query.records.database import insert_new, open_engine, upsert
from services.query.records.projector import project
from services.query.records.tables import TABLES, Views

READ = 500
"""Facts of the log in one transaction of a rebuild."""
_GENERATIONS: Table = Control.metadata.tables["generations"]
_ARCHIVED: Table = Control.metadata.tables["archived"]


def views_url(control: str, number: int) -> str:
    """Where generation `number` lives: a file beside control's, or a database beside it on the same server."""
    url = make_url(control)
    if url.get_backend_name() == "sqlite":
        named = str(Path(url.database or "").with_name(f"views_{number}.db"))
    else:
        named = f"{url.database}_views_{number}"
    return url.set(database=named).render_as_string(hide_password=False)


async def shown(control: AsyncConnection) -> int | None:
    """The generation that is shown; None when there is none yet."""
    number: int | None = await control.scalar(select(func.max(_GENERATIONS.c.number)).where(_GENERATIONS.c.shown == 1))
    return number


async def next_number(control: AsyncConnection) -> int:
    """A number that no generation had yet; it is taken with this."""
    last: int | None = await control.scalar(select(func.max(_GENERATIONS.c.number)))
    number = (last or 0) + 1
    await insert_new(control, _GENERATIONS, [{"number": number, "shown": 0}])
    return number


async def show(control: AsyncConnection, number: int) -> None:
    """Show this generation and no other."""
    await control.execute(update(_GENERATIONS).values(shown=(_GENERATIONS.c.number == number)))


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[AsyncEngine]:
    """An engine on the views at `url`, which are made if they do not stand."""
    await _make_database(url)
    engine = open_engine(url)
    try:
        async with engine.begin() as connection:
            await connection.run_sync(_create)
        yield engine
    finally:
        await engine.dispose()


async def rebuild(control: AsyncEngine, views: AsyncEngine, tell: Callable[[int], None]) -> int:
    """Fill empty views from the log; returns how many facts there were. Facts of the streams follow from where it ends.

    The places are read first: all that stands in the log up to them is read after.
    """
    async with control.connect() as connection:
        places = [dict(row) for row in (await connection.execute(select(_ARCHIVED))).mappings()]
    count, after = 0, ""
    while True:
        async with control.connect() as connection:
            found = await logged(connection, after, READ)
        if not found:
            break
        async with views.begin() as connection:
            await project(connection, [fact for _, body in found for fact in _readable(body)])
        count, after = count + len(found), found[-1][0]
        tell(count)
    async with views.begin() as connection:
        await upsert(connection, TABLES["checkpoints"], places)
    return count


def _readable(body: bytes) -> list[Fact]:
    try:
        return [decode(body)]
    except FactError:
        return []


async def differences(one: AsyncConnection, other: AsyncConnection, limit: int = 20) -> list[str]:
    """Rows that two generations do not have alike, by table and key; how they are written down apart."""
    found: list[str] = []
    for name, table in TABLES.items():
        if name == "checkpoints":
            continue
        keys = list(table.primary_key)
        rows = [
            {tuple(row[key.name] for key in keys): dict(row) for row in (await side.execute(select(table))).mappings()}
            for side in (one, other)
        ]
        odd = sorted(key for key in {*rows[0], *rows[1]} if rows[0].get(key) != rows[1].get(key))
        found += [f"{name} {key}" for key in odd]
        if len(found) >= limit:
            break
    return found[:limit]


def _create(connection: Connection) -> None:
    Views.metadata.create_all(connection)


async def _make_database(url: str) -> None:
    """A database on the server; SQLite makes its file by itself."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        Path(parsed.database or "").parent.mkdir(parents=True, exist_ok=True)
        return
    server = open_engine(parsed.set(database="").render_as_string(hide_password=False))
    quoted = server.dialect.identifier_preparer.quote_identifier(parsed.database or "")
    words = f"CREATE DATABASE IF NOT EXISTS {quoted} CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci"
    try:
        async with server.begin() as connection:
            await connection.execute(text(words))
    finally:
        await server.dispose()
