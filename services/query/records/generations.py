"""Generations of views: each is a database of its own, made whole; one of them is shown.

Numbers only grow. The one below the one that is shown was shown before it; above it stand those that were not finished
or found different.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from sqlalchemy import Connection, Table, delete, func, select, text, update
from sqlalchemy.engine import URL, make_url
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.query.records.control import Control
from services.query.records.database import insert_new, open_engine
from services.query.records.tables import Views

_GENERATIONS: Table = Control.metadata.tables["generations"]


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


async def numbers(control: AsyncConnection) -> Sequence[int]:
    """All generations that were begun and not dropped since."""
    return (await control.scalars(select(_GENERATIONS.c.number).order_by(_GENERATIONS.c.number))).all()


async def next_number(control: AsyncConnection) -> int:
    """A number that no generation had yet; it is taken with this."""
    last: int | None = await control.scalar(select(func.max(_GENERATIONS.c.number)))
    number = (last or 0) + 1
    await insert_new(control, _GENERATIONS, [{"number": number, "shown": 0}])
    return number


async def show(control: AsyncConnection, number: int) -> None:
    """Show this generation and no other."""
    await control.execute(update(_GENERATIONS).values(shown=(_GENERATIONS.c.number == number)))


async def drop(control: AsyncEngine, url: str, number: int) -> None:
    """Drop a generation that is not shown. Its row goes last: whoever dies in between is followed by who drops it."""
    parsed = make_url(views_url(url, number))
    if parsed.get_backend_name() == "sqlite":
        _remove(parsed.database or "")
    else:
        await _on_server(parsed, "DROP DATABASE IF EXISTS {}")
    async with control.begin() as connection:
        gone = (_GENERATIONS.c.number == number) & (_GENERATIONS.c.shown == 0)
        await connection.execute(delete(_GENERATIONS).where(gone))


def _remove(database: str) -> None:
    for end in ("", "-wal", "-shm"):
        Path(f"{database}{end}").unlink(missing_ok=True)


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


def _create(connection: Connection) -> None:
    Views.metadata.create_all(connection)


async def _make_database(url: str) -> None:
    """A database on the server; SQLite makes its file by itself."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        Path(parsed.database or "").parent.mkdir(parents=True, exist_ok=True)
        return
    await _on_server(parsed, "CREATE DATABASE IF NOT EXISTS {} CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci")


async def _on_server(url: URL, words: str) -> None:
    """A statement about a whole database, named by `{}`."""
    server = open_engine(url.set(database="").render_as_string(hide_password=False))
    quoted = server.dialect.identifier_preparer.quote_identifier(url.database or "")
    try:
        async with server.begin() as connection:
            await connection.execute(text(words.format(quoted)))
    finally:
        await server.dispose()
