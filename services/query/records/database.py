"""Engines for the databases that query can use, and the one statement that they spell differently."""

import json
from collections.abc import Sequence
from functools import partial

from sqlalchemy import Table, event
from sqlalchemy.dialects import mysql, sqlite
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

_DUMPS = partial(json.dumps, ensure_ascii=False, separators=(",", ":"))
"""Hangul stays readable for whoever asks the database himself."""
_PRAGMAS = ("journal_mode=WAL", "synchronous=NORMAL", "busy_timeout=5000")
_DURABLE = ("synchronous=FULL",)
_MODE = "STRICT_TRANS_TABLES,NO_ENGINE_SUBSTITUTION"
"""Whatever the server's own: what does not fit is refused, never cut, and literals are read as they are meant."""


def open_engine(url: str, *, durable: bool = False) -> AsyncEngine:
    """An engine for `sqlite+aiosqlite:///path`, `mysql+asyncmy://…` or `mariadb+asyncmy://…`.

    `durable`: what was committed to a SQLite file survives a power cut. Views need not: they are read again.
    """
    lite = url.startswith("sqlite")
    words = {} if lite else {"connect_args": {"init_command": f"SET SESSION sql_mode = '{_MODE}'"}}
    engine = create_async_engine(url, json_serializer=_DUMPS, pool_pre_ping=not lite, **words)
    if lite:
        event.listen(engine.sync_engine, "connect", partial(_pragmas, (*_PRAGMAS, *(_DURABLE if durable else ()))))
    return engine


def _pragmas(pragmas: Sequence[str], connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
    cursor = connection.cursor()
    for pragma in pragmas:
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


async def insert_new(connection: AsyncConnection, table: Table, rows: Sequence[dict[str, object]]) -> None:
    """Insert the rows; those whose key stands already stay as they are."""
    if not rows:
        return
    if connection.dialect.name == "sqlite":
        await connection.execute(sqlite.insert(table).on_conflict_do_nothing(), rows)
        return
    known = mysql.insert(table)
    same = {column.name: table.c[column.name] for column in table.primary_key}
    await connection.execute(known.on_duplicate_key_update(same), rows)


async def upsert(connection: AsyncConnection, table: Table, rows: Sequence[dict[str, object]]) -> None:
    """Insert the rows, or put them in the place of those with the same key; all rows name all columns."""
    if not rows:
        return
    keys = [column.name for column in table.primary_key]
    values = [column.name for column in table.columns if column.name not in keys]
    if connection.dialect.name == "sqlite":
        lite = sqlite.insert(table)
        await connection.execute(
            lite.on_conflict_do_update(keys, set_={name: lite.excluded[name] for name in values}), rows
        )
        return
    known = mysql.insert(table)
    await connection.execute(known.on_duplicate_key_update({name: known.inserted[name] for name in values}), rows)
